// SPDX-License-Identifier: Apache-2.0
/* traitor.c - lies that a member says through its own, otherwise honest core */
#include "sim/traitor.h"

#include "gossip/root.h"
#include "sim/checks.h"
#include "sim/memory.h"
#include "sim/traitor_impl.h"

#include <assert.h>

#define FORGED_PEER "forged"
enum { TTL_S = 60 };

/* --- What the traitors' files share
 * ------------------------------------------------------------------ */

void traitor_trace(struct cluster *cluster, size_t traitor, char what, uint64_t about)
{
    struct world *world = cluster_world(cluster);
    uint64_t kind = (uint64_t)'T' << 8 | (uint8_t)what;

    if (traitor != SIZE_MAX)
        checks_on_lie(world, traitor);
    trace_add(&world->trace, TRACE_FAULT, world->now_us, traitor, kind, about, 0);
}

struct gossip *traitor_core(struct cluster *cluster, size_t traitor)
{
    struct gossip *core = cluster_core(cluster, traitor);

    if (core == NULL || cluster_world(cluster)->nodes[traitor].is_paused || core->is_stopped ||
        core->is_leaving)
        return NULL;
    core->now = cluster_time(cluster, traitor);
    return core;
}

struct member *traitor_member(struct cluster *cluster, struct gossip *core, size_t node)
{
    return core == NULL ? NULL : members_find(core, cluster_tag(cluster, node));
}

/* --- Through its own core --------------------------------------------------------------------- */

void traitor_send_each(struct cluster *cluster, size_t traitor, const struct node_set *to,
                       size_t except, const struct wire_message *message)
{
    struct gossip *core = traitor_core(cluster, traitor);

    for (size_t i = 0; core != NULL && i < cluster_nodes(cluster); i++) {
        struct member *member = traitor_member(cluster, core, i);

        if (i != traitor && i != except && member != NULL && member != core->members.self &&
            (to == NULL || node_set_has(to, i)))
            outbox_send(core, member, PRIORITY_PROBE, message);
    }
    if (core != NULL)
        cluster_drain(cluster, traitor);
}

static void say(struct cluster *cluster, size_t traitor, const struct node_set *to, size_t except,
                struct blob *const *statements, size_t count)
{
    uint8_t bytes[PACKET_MAX_BYTES];

    for (size_t i = 0; i < count;) {
        struct wire_writer list = {bytes, 0, MESSAGE_MAX_BYTES - 8, false};
        uint32_t put = 0;

        while (i < count && put < WIRE_LIST_MAX) {
            wire_put_bin(&list, blob_span(statements[i]));
            if (list.overflowed)
                break;
            put++, i++;
        }
        assert(put > 0);
        struct wire_message news = {.type = WIRE_NEWS, .news.statements = wire_list_of(&list, put)};
        traitor_send_each(cluster, traitor, to, except, &news);
    }
    for (size_t i = 0; i < count; i++)
        blob_release(statements[i]);
}

void traitor_say(struct cluster *cluster, size_t traitor, const struct node_set *to,
                 struct blob *const *statements, size_t count)
{
    traitor_trace(cluster, traitor, 's', count);
    say(cluster, traitor, to, SIZE_MAX, statements, count);
}

/* A batch of one operation, to whoever gets it alone: nobody is asked to pass it on. */
static void send_operation(struct cluster *cluster, size_t traitor, size_t to, uint64_t home,
                           uint64_t epoch, uint64_t version, struct blob *statement)
{
    uint8_t bytes[STATEMENT_MAX_BYTES + 8];
    struct wire_writer list = {bytes, 0, sizeof(bytes), false};
    uint64_t tag = cluster_tag(cluster, to);
    struct node_set only = NODES(to);

    wire_put_bin(&list, blob_span(statement));
    struct wire_message message = {.type = WIRE_SPREAD_BATCH,
                                   .spread = {.token = version,
                                              .arc_low = tag,
                                              .arc_high = tag + 1,
                                              .batch = {.home = home,
                                                        .epoch = epoch,
                                                        .v0 = version - 1,
                                                        .v1 = version,
                                                        .applied = version,
                                                        .statements = wire_list_of(&list, 1)}}};
    traitor_send_each(cluster, traitor, &only, SIZE_MAX, &message);
}

/* --- Forging -----------------------------------------------------------------------------------
 */

static struct blob *lie_of_life(struct cluster *cluster, struct gossip *core,
                                const struct member *member, enum traitor_lie lie, size_t subject)
{
    size_t next = (subject + 1) % cluster_nodes(cluster);
    const struct member *other = traitor_member(cluster, core, next);
    struct left left = {member->life->tag, member->life->epoch, member->life->incarnation};
    struct alive alive;

    if (lie == LIE_LEFT)
        return statement_of_left(&left, &core->config.identity, &core->scope);
    if (lie == LIE_ACCUSATION && other != NULL) {
        struct accusation accusation = {member->life->tag, other->life->tag, other->life->epoch,
                                        other->life->incarnation, core->now.wall_ms};
        return statement_of_accusation(&accusation, &core->config.identity, &core->scope);
    }
    if (!statement_read_alive(blob_span(member->life->statement), &alive))
        return NULL;
    alive.incarnation++;
    return statement_of_alive(&alive, &core->config.identity, &core->scope);
}

static struct blob *lie_of_head(const struct gossip *core, const struct member *member,
                                uint64_t version)
{
    struct head head = {.home = member->life->tag,
                        .epoch = member->life->epoch,
                        .version = version,
                        .wall_ms = core->now.wall_ms};

    return statement_of_head(&head, &core->config.identity, &core->scope);
}

/* Any peer of that log, else one that never was. */
static struct span peer_in(const struct log *log)
{
    for (size_t i = 0; log != NULL && i < log->slot_count; i++)
        if (slot_entry(log->slots[i]) != NULL && !slot_entry(log->slots[i])->is_delete)
            return entry_peer_id(slot_entry(log->slots[i]));
    return span_of_text(FORGED_PEER);
}

static struct peer_description describe(struct span peer_id)
{
    return (struct peer_description){
        .peer_id = peer_id, .address = span_of_text("10.66.6.6"), .port = 666, .ttl_s = TTL_S};
}

static struct blob *lie_of_log(const struct gossip *core, const struct member *member,
                               uint64_t version, enum traitor_lie lie)
{
    struct deletion deletion = {.home = member->life->tag,
                                .epoch = member->life->epoch,
                                .version = version,
                                .peer_id = peer_in(member_logs(member)),
                                .seq = core->now.wall_ms * 2,
                                .ttl_s = TTL_S,
                                .reason = DELETE_DEREGISTERED};
    struct record record = {.home = member->life->tag,
                            .epoch = member->life->epoch,
                            .version = version,
                            .peer = describe(span_of_text(FORGED_PEER)),
                            .seq = core->now.wall_ms * 2,
                            .registered_at_ms = core->now.wall_ms};

    return lie == LIE_DELETE
               ? statement_of_deletion(&deletion, &core->config.identity, &core->scope)
               : statement_of_record(&record, &core->config.identity, &core->scope);
}

void traitor_forge(struct cluster *cluster, size_t traitor, enum traitor_lie lie, size_t subject)
{
    struct gossip *core = traitor_core(cluster, traitor);
    const struct member *member = traitor_member(cluster, core, subject);

    if (member == NULL)
        return;
    const struct log *log = registry_log(core, member->life->tag, member->life->epoch);
    uint64_t epoch = member->life->epoch, version = (log != NULL ? log->applied : 0) + 1;
    bool is_operation = lie == LIE_RECORD || lie == LIE_DELETE;
    struct blob *blob = is_operation      ? lie_of_log(core, member, version, lie)
                        : lie == LIE_HEAD ? lie_of_head(core, member, version)
                                          : lie_of_life(cluster, core, member, lie, subject);
    traitor_trace(cluster, traitor, 'f', subject << 8 | (size_t)lie);
    for (size_t i = 0; is_operation && blob != NULL && i < cluster_nodes(cluster); i++)
        if (i != traitor)
            send_operation(cluster, traitor, i, cluster_tag(cluster, subject), epoch, version,
                           blob);
    if (is_operation)
        blob_release(blob);
    else if (blob != NULL)
        say(cluster, traitor, NULL, SIZE_MAX, &blob, 1);
}

/* --- Lives -------------------------------------------------------------------------------------
 */

void traitor_inflate(struct cluster *cluster, size_t traitor, uint64_t by)
{
    struct gossip *core = traitor_core(cluster, traitor);

    if (core == NULL || core->members.self->life->incarnation + by > STATEMENT_NUMBER_MAX / 2)
        return;
    traitor_trace(cluster, traitor, 'n', by);
    members_refute(core, core->members.self->life->incarnation + by);
    cluster_drain(cluster, traitor);
}

void traitor_inflate_epoch(struct cluster *cluster, size_t traitor, uint64_t by)
{
    struct gossip *core = traitor_core(cluster, traitor);

    if (core == NULL || by == 0 || core->epoch + by > STATEMENT_NUMBER_MAX / 2)
        return;
    traitor_trace(cluster, traitor, 'e', by);
    members_raise_epoch(core, core->epoch + by);
    cluster_drain(cluster, traitor);
}

static struct blob *accusation_of(struct cluster *cluster, struct gossip *core, size_t subject,
                                  uint64_t epoch, uint64_t incarnation)
{
    core->stamp = core->stamp + 1 > core->now.wall_ms ? core->stamp + 1 : core->now.wall_ms;
    struct accusation accusation = {core->tag, cluster_tag(cluster, subject), epoch, incarnation,
                                    core->stamp};
    return statement_of_accusation(&accusation, &core->config.identity, &core->scope);
}

void traitor_inflate_other(struct cluster *cluster, size_t traitor, size_t subject, uint64_t by)
{
    struct gossip *core = traitor_core(cluster, traitor);
    const struct member *member = traitor_member(cluster, core, subject);
    struct alive alive;

    if (member == NULL || member->life->incarnation + by > STATEMENT_NUMBER_MAX ||
        !statement_read_alive(blob_span(member->life->statement), &alive))
        return;
    alive.incarnation += by;
    struct blob *lies[] = {
        statement_of_alive(&alive, &core->config.identity, &core->scope),
        accusation_of(cluster, core, subject, alive.epoch, alive.incarnation),
        accusation_of(cluster, core, subject, alive.epoch + 1, 1),
    };
    traitor_trace(cluster, traitor, 'o', subject);
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
        say(cluster, traitor, NULL, SIZE_MAX, &lies[i], 1);
}

void traitor_announce(struct cluster *cluster, size_t traitor, size_t subject, uint64_t version)
{
    uint8_t bytes[64];
    struct wire_writer list = {bytes, 0, sizeof(bytes), false};

    if (traitor_core(cluster, traitor) == NULL)
        return;
    wire_put_array(&list, 3);
    wire_put_uint(&list, cluster_tag(cluster, subject));
    wire_put_uint(&list, cluster_epoch(cluster, subject));
    wire_put_uint(&list, version);
    struct wire_message lie = {.type = WIRE_ANNOUNCE, .announce.entries = wire_list_of(&list, 1)};
    traitor_trace(cluster, traitor, 'a', subject);
    traitor_send_each(cluster, traitor, NULL, SIZE_MAX, &lie);
}

/* --- Accusing ----------------------------------------------------------------------------------
 */

void traitor_accuse(struct cluster *cluster, size_t traitor, size_t subject,
                    const struct node_set *to)
{
    struct gossip *core = traitor_core(cluster, traitor);
    const struct member *member = traitor_member(cluster, core, subject);

    if (member == NULL)
        return;
    struct blob *lie =
        accusation_of(cluster, core, subject, member->life->epoch, member->life->incarnation);
    traitor_trace(cluster, traitor, 'c', subject);
    say(cluster, traitor, to, to == NULL ? subject : SIZE_MAX, &lie, 1);
}

void traitor_accuse_life(struct cluster *cluster, size_t traitor, size_t subject, uint64_t epoch,
                         uint64_t incarnation)
{
    struct gossip *core = traitor_core(cluster, traitor);

    if (core == NULL)
        return;
    struct blob *lie = accusation_of(cluster, core, subject, epoch, incarnation);
    traitor_trace(cluster, traitor, 'l', subject);
    say(cluster, traitor, NULL, SIZE_MAX, &lie, 1);
}

void traitor_collude(struct cluster *cluster, const size_t *traitors, size_t count, size_t subject)
{
    for (size_t i = 0; i < count; i++)
        traitor_accuse(cluster, traitors[i], subject, NULL);
}

void traitor_accuse_often(struct cluster *cluster, size_t traitor, size_t subject, size_t at,
                          size_t times)
{
    struct gossip *core = traitor_core(cluster, traitor);
    const struct member *member = traitor_member(cluster, core, subject);
    struct node_set only = NODES(at);

    if (member == NULL || times == 0)
        return;
    struct blob **lies = memory_new(times, sizeof(struct blob *));
    for (size_t i = 0; i < times; i++)
        lies[i] =
            accusation_of(cluster, core, subject, member->life->epoch, member->life->incarnation);
    traitor_trace(cluster, traitor, 'q', subject);
    say(cluster, traitor, &only, SIZE_MAX, lies, times);
    free(lies);
}

/* --- Its own log -------------------------------------------------------------------------------
 */

static struct node_set parity(const struct cluster *cluster, size_t remainder)
{
    struct node_set set = {{0}};

    for (size_t i = remainder; i < cluster_nodes(cluster); i += 2)
        node_set_add(&set, i);
    return set;
}

/* Its own core holds both, so that it does not wonder when it is shown the second: an honest one
 * would begin another life. */
bool traitor_equivocate(struct cluster *cluster, size_t traitor)
{
    struct gossip *core = traitor_core(cluster, traitor);
    struct log *own = core != NULL ? core->registry.own : NULL;
    struct node_set even = parity(cluster, 0), odd = parity(cluster, 1);

    if (own == NULL || own->applied == 0 || own->evidence != NULL)
        return false;
    struct head head = {.home = own->home,
                        .epoch = own->epoch,
                        .version = own->applied,
                        .live_count = own->live_count,
                        .wall_ms = core->now.wall_ms};
    root_compute(own, &head.root);
    if (own->head_blob == NULL || own->head.version < head.version) {
        blob_release(own->head_blob);
        own->head = head;
        own->head_blob = statement_of_head(&head, &core->config.identity, &core->scope);
    }
    struct blob *first = blob_retain(own->head_blob);
    head.root.bytes[0] ^= 1;
    own->evidence = statement_of_head(&head, &core->config.identity, &core->scope);
    own->state = LOG_EQUIVOCATING;
    struct blob *second = blob_retain(own->evidence);
    head_check(core, own);
    traitor_trace(cluster, traitor, 'h', head.version);
    say(cluster, traitor, &even, SIZE_MAX, &first, 1);
    say(cluster, traitor, &odd, SIZE_MAX, &second, 1);
    return true;
}

static struct blob *record_of_own(struct gossip *core, uint64_t version, const char *peer_id,
                                  uint16_t port)
{
    struct record record = {.home = core->tag,
                            .epoch = core->epoch,
                            .version = version,
                            .peer = describe(span_of_text(peer_id)),
                            .seq = core->now.wall_ms,
                            .registered_at_ms = core->now.wall_ms};

    record.peer.port = port;
    return statement_of_record(&record, &core->config.identity, &core->scope);
}

/* Its log goes on by one operation that only these are told of. */
static void go_on(struct cluster *cluster, size_t traitor, const struct node_set *told)
{
    struct gossip *core = traitor_core(cluster, traitor);
    struct log *own = core->registry.own;
    uint64_t version = own->applied + 1;
    struct blob *blob = record_of_own(core, version, "late", 1);

    log_append(core, own, blob_retain(blob));
    batch_skip(core);
    for (size_t i = 0; i < cluster_nodes(cluster); i++)
        if (i != traitor && node_set_has(told, i))
            send_operation(cluster, traitor, i, own->home, own->epoch, version, blob);
    blob_release(blob);
}

bool traitor_equivocate_late(struct cluster *cluster, size_t traitor)
{
    struct gossip *core = traitor_core(cluster, traitor);
    struct log *own = core != NULL ? core->registry.own : NULL;
    struct node_set even = parity(cluster, 0), odd = parity(cluster, 1);

    if (own == NULL || own->head_blob == NULL || own->head.version != own->applied ||
        own->evidence != NULL)
        return false;
    struct head head = own->head;
    head.root.bytes[0] ^= 1;
    struct blob *two[] = {
        blob_retain(own->head_blob),
        statement_of_head(&head, &core->config.identity, &core->scope),
    };
    blob_retain(two[1]);
    batch_flush(core);
    go_on(cluster, traitor, &odd);
    head.version = own->applied;
    head.live_count = own->live_count;
    root_compute(own, &head.root);
    blob_release(own->head_blob);
    own->head = head;
    own->head_blob = statement_of_head(&head, &core->config.identity, &core->scope);
    own->evidence = two[1];
    own->state = LOG_EQUIVOCATING;
    struct blob *last = blob_retain(own->head_blob);
    head_check(core, own);
    traitor_trace(cluster, traitor, 'j', head.version);
    say(cluster, traitor, &even, SIZE_MAX, two, 2);
    say(cluster, traitor, &odd, SIZE_MAX, &last, 1);
    return true;
}

bool traitor_equivocate_record(struct cluster *cluster, size_t traitor, const char *peer_id)
{
    struct gossip *core = traitor_core(cluster, traitor);
    struct log *own = core != NULL ? core->registry.own : NULL;

    if (own == NULL || own->state == LOG_EQUIVOCATING)
        return false;
    batch_flush(core);
    uint64_t version = own->applied + 1;
    struct blob *two[] = {record_of_own(core, version, peer_id, 1),
                          record_of_own(core, version, peer_id, 2)};
    log_append(core, own, blob_retain(two[0]));
    batch_skip(core);
    head_touch(core);
    traitor_trace(cluster, traitor, 'r', version);
    for (size_t i = 0; i < cluster_nodes(cluster); i++)
        if (i != traitor)
            send_operation(cluster, traitor, i, own->home, own->epoch, version, two[i % 2]);
    blob_release(two[0]);
    blob_release(two[1]);
    return true;
}

void traitor_withhold(struct cluster *cluster, size_t traitor, const struct node_set *from)
{
    struct node *node = &cluster_world(cluster)->nodes[traitor];

    traitor_trace(cluster, traitor, 'w', from != NULL);
    free(node->withheld_from);
    node->withheld_from = NULL;
    if (from != NULL) {
        node->withheld_from = memory_new(1, sizeof(*from));
        *node->withheld_from = *from;
    }
}
