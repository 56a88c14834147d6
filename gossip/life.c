// SPDX-License-Identifier: Apache-2.0
/* life.c - whose life we believe in: ALIVE and LEFT statements on their way into the table, and our
 * own. */
#include <assert.h>
#include <string.h>

#include "crypto/hash.h"
#include "gossip/core.h"
#include "gossip/mem.h"

/* Our key elsewhere in our own epoch: two of us would else answer each other at the network's
 * speed. */
#define OWN_CLAIM_INTERVAL_MS 1000

int life_compare(uint64_t epoch, uint64_t incarnation, uint64_t other_epoch,
                 uint64_t other_incarnation)
{
    if (epoch != other_epoch)
        return epoch < other_epoch ? -1 : 1;
    if (incarnation != other_incarnation)
        return incarnation < other_incarnation ? -1 : 1;
    return 0;
}

/* --- Reading ------------------------------------------------------------------------------------
 */

static void put_big_endian(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* Every node must compute the same, so the key is no secret: who can choose an identity to collide
 * with another only hides its own difference. */
static uint64_t digest_of(const struct life *life, enum member_class class)
{
    static const uint8_t key[HASH_SHORT_KEY_BYTES] = "aurora-members1";
    uint8_t bytes[25];
    put_big_endian(bytes, life->tag);
    put_big_endian(bytes + 8, life->epoch);
    put_big_endian(bytes + 16, life->incarnation);
    bytes[24] = (uint8_t) class;
    return hash_short(bytes, sizeof bytes, key);
}

/* Nor is this key: a name whose fingerprint is another's costs its bearer a signature, and us one
 * look at each member. */
static uint32_t print_of_name(struct span name)
{
    static const uint8_t key[HASH_SHORT_KEY_BYTES] = "aurora names";
    return print_of(hash_short(name.data, name.len, key));
}

struct life *life_read(struct blob *statement)
{
    struct alive alive;
    struct life **known = blob_life(statement);
    if (known == NULL)
        return NULL;
    if (*known != NULL || !statement_read_alive(blob_span(statement), &alive))
        return *known;
    struct life *life = mem_alloc(sizeof *life);
    *life = (struct life){
        .statement = statement,
        .tag = node_tag(&alive.id),
        .epoch = alive.epoch,
        .incarnation = alive.incarnation,
        .id = alive.id,
        .address_count = alive.address_count,
        .name = alive.name,
        .name_print = print_of_name(alive.name),
    };
    memcpy(life->addresses, alive.addresses, sizeof life->addresses);
    for (enum member_class class = CLASS_ALIVE; class < MEMBER_CLASSES; class ++)
        life->digests[class] = digest_of(life, class);
    *known = life;
    return life;
}

/* --- Ours ---------------------------------------------------------------------------------------
 */

struct life *life_sign_own(struct gossip *g, uint64_t incarnation)
{
    struct alive alive = {
        .id = g->config.identity.public,
        .epoch = g->epoch,
        .incarnation = incarnation,
        .name = span_of_text(g->config.name),
        .zone = span_of_text(g->config.zone),
        .http_url = span_of_text(g->config.http_url),
        .address_count = g->config.address_count,
        .protocol_version = PROTOCOL_VERSION,
    };
    for (size_t i = 0; i < alive.address_count; i++)
        alive.addresses[i] = g->config.addresses[i];
    struct blob *blob = statement_of_alive(&alive, &g->config.identity, &g->scope);
    assert(blob != NULL && "an ALIVE always fits: limits.h");
    g->stats.signatures_made++;
    if (g->config.store != NULL)
        blob_store_add(g->config.store, blob, &g->config.identity.public, &g->scope);
    struct life *life = life_read(blob);
    assert(life != NULL && "the host checks its configuration");
    return life;
}

static void renew_own(struct gossip *g, uint64_t incarnation)
{
    member_renew(g, g->members.self, life_sign_own(g, incarnation));
    voice_on_new_life(g);
    spread_news(g, g->members.self->life->statement);
}

/* Who is leaving does not object: its LEFT must stay the last word. */
void members_refute(struct gossip *g, uint64_t at_least_incarnation)
{
    if (g->is_leaving || g->is_stopped)
        return;
    uint64_t next = g->members.self->life->incarnation + 1;
    g->stats.refutations_made++;
    renew_own(g, at_least_incarnation > next ? at_least_incarnation : next);
}

/* Nobody knows the new life yet: every packet introduces it until it is answered. */
void members_raise_epoch(struct gossip *g, uint64_t epoch)
{
    assert(epoch > g->epoch);
    g->epoch = epoch;
    for (size_t i = 0; i < g->members.count; i++)
        g->members.ring[i]->is_seen = g->members.ring[i] == g->members.self;
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_EPOCH, .epoch = {.epoch = epoch}});
    renew_own(g, 1);
    reissue_epoch_raised(g);
}

static void stop_for_higher(struct gossip *g, const struct alive *alive, struct blob *blob)
{
    event_push(g, (struct gossip_event){.kind = GOSSIP_EVENT_CONFLICT,
                                        .conflict = {.what = CONFLICT_KEY_HIGHER,
                                                     .tag = g->tag,
                                                     .addr = alive->addresses[0],
                                                     .alive = blob_retain(blob)}});
    g->is_stopped = true;
}

static bool is_at_our_address(const struct gossip *g, const struct alive *alive)
{
    for (size_t i = 0; i < alive->address_count; i++)
        for (size_t k = 0; k < g->config.address_count; k++)
            if (addr_equal(&alive->addresses[i], &g->config.addresses[k]))
                return true;
    return false;
}

/* A life above ours, signed with our key. While we join, the join exchange settles it. Later: at
 * our own address it can only be one of the past, which nobody could tell us of when we began; at
 * another address it is another process, which has replaced us. */
static void on_own_later_life(struct gossip *g, const struct alive *alive, struct blob *blob)
{
    bool is_past = is_at_our_address(g, alive);
    if (is_past && (g->join.phase == JOIN_DONE || g->join.is_alone))
        members_raise_epoch(g, alive->epoch + 1);
    else if (!is_past && g->join.phase == JOIN_DONE)
        stop_for_higher(g, alive, blob);
}

/* A claim above our own life, signed with our key. */
static void on_own_claim(struct gossip *g, const struct alive *alive, struct blob *blob)
{
    if (alive->epoch > g->epoch) {
        if (!g->is_leaving && !g->is_stopped)
            on_own_later_life(g, alive, blob);
        return;
    }
    uint64_t refuted_ms = g->members.refuted_ms;
    if (refuted_ms != 0 && g->now.mono_ms < refuted_ms + OWN_CLAIM_INTERVAL_MS)
        return;
    g->members.refuted_ms = g->now.mono_ms;
    members_refute(g, alive->incarnation + 1);
}

/* Another process signs the very life that we do. Whoever is told of it goes on in another; should
 * both be told at once, it is hardly the same again. */
static void on_own_twin(struct gossip *g, const struct alive *alive)
{
    if (!is_at_our_address(g, alive) && !g->is_leaving && !g->is_stopped)
        members_raise_epoch(g, alive->epoch + 1 + prng_below(&g->prng, TWIN_EPOCHS));
}

/* --- Everybody's --------------------------------------------------------------------------------
 */

static struct blob *admit(struct gossip *g, struct span statement, enum statement_kind kind,
                          const struct key_public *signer)
{
    g->stats.signatures_verified++;
    return statement_admit(g->config.store, statement, kind, signer, &g->scope);
}

static enum news_verdict admit_stranger(struct gossip *g, struct span statement,
                                        const struct alive *alive, struct member **out)
{
    if (members_is_forgotten(g, node_tag(&alive->id), alive->epoch, alive->incarnation))
        return NEWS_STALE;
    if (g->members.count >= MEMBERS_MAX) {
        drop_count(g, DROP_LIMIT);
        return NEWS_KNOWN;
    }
    struct blob *blob = admit(g, statement, STATEMENT_ALIVE, &alive->id);
    if (blob == NULL)
        return NEWS_BAD;
    *out = members_insert(g, life_read(blob));
    return NEWS_NEW;
}

static enum news_verdict admit_newer(struct gossip *g, struct span statement,
                                     const struct alive *alive, struct member *member)
{
    struct blob *blob = admit(g, statement, STATEMENT_ALIVE, &alive->id);
    if (blob == NULL)
        return NEWS_BAD;
    if (member != g->members.self) {
        member_renew(g, member, life_read(blob));
        return NEWS_NEW;
    }
    on_own_claim(g, alive, blob);
    blob_release(blob);
    return NEWS_KNOWN;
}

static enum news_verdict admit_twin(struct gossip *g, struct span statement,
                                    const struct alive *alive)
{
    struct blob *blob = admit(g, statement, STATEMENT_ALIVE, &alive->id);
    if (blob == NULL)
        return NEWS_BAD;
    on_own_twin(g, alive);
    blob_release(blob);
    return NEWS_KNOWN;
}

enum news_verdict members_on_alive(struct gossip *g, struct span statement, struct member **out)
{
    struct alive alive;
    *out = NULL;
    if (!statement_read_alive(statement, &alive)) {
        drop_count(g, DROP_MALFORMED);
        return NEWS_BAD;
    }
    struct member *member = members_find(g, node_tag(&alive.id));
    if (member == NULL)
        return admit_stranger(g, statement, &alive, out);
    if (memcmp(&member->life->id, &alive.id, sizeof alive.id) != 0) {
        drop_count(g, DROP_CONFLICT);
        return NEWS_BAD;
    }
    *out = member;
    int order = life_compare(alive.epoch, alive.incarnation, member->life->epoch,
                             member->life->incarnation);
    if (order > 0)
        return admit_newer(g, statement, &alive, member);
    if (order == 0 && member == g->members.self &&
        !span_equal(blob_span(member->life->statement), statement))
        return admit_twin(g, statement, &alive);
    return order < 0 ? NEWS_STALE : NEWS_KNOWN;
}

/* LEFT counts only for the life that it names and that we know: what its subject never signed an
 * ALIVE for is void, and what it has outlived is stale. */
enum news_verdict life_on_left(struct gossip *g, struct span statement, int64_t since_ms)
{
    struct left left;
    if (!statement_read_left(statement, &left)) {
        drop_count(g, DROP_MALFORMED);
        return NEWS_BAD;
    }
    struct member *member = members_find(g, left.tag);
    if (member == NULL || life_compare(left.epoch, left.incarnation, member->life->epoch,
                                       member->life->incarnation) != 0)
        return NEWS_STALE;
    if (member->state == MEMBER_LEFT)
        return NEWS_KNOWN;
    struct blob *blob = admit(g, statement, STATEMENT_LEFT, &member->life->id);
    if (blob == NULL)
        return NEWS_BAD;
    if (member == g->members.self) {
        members_refute(g, 0); /* not while we are leaving */
        blob_release(blob);
        return NEWS_KNOWN;
    }
    member_dossier(member)->left = blob;
    suspicion_free(g, member);
    member_set_state(g, member, MEMBER_LEFT, since_ms);
    return NEWS_NEW;
}

enum news_verdict members_on_left(struct gossip *g, struct span statement)
{
    return life_on_left(g, statement, (int64_t)g->now.mono_ms);
}
