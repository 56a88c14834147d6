// SPDX-License-Identifier: Apache-2.0
/* test_known.c - who begins in the middle believes what the host proves, and knows it all at once
 */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

enum { ACTORS = 20 };

/* Of a core of its own, and of the actors; the first is forged when told so. */
static struct gossip_known *known_of(struct cast *cast, struct gossip *core, size_t actors,
                                     bool is_forged)
{
    struct span spans[ACTORS + 1] = {blob_span(core->members.self->life->statement)};
    struct blob *blobs[ACTORS];
    struct gossip_known *known;
    for (size_t i = 0; i < actors; i++) {
        blobs[i] = cast_alive(cast, i, CAST_EPOCH, 1);
        spans[i + 1] = blob_span(blobs[i]);
    }
    if (is_forged)
        blobs[0]->bytes[3] ^= 1;
    known = gossip_known_new(core->cluster, NULL, spans, actors + 1);
    for (size_t i = 0; i < actors; i++)
        blob_release(blobs[i]);
    return known;
}

static struct gossip *core_new(struct gossip_time now)
{
    struct gossip_config config;
    cast_config(&config);
    config.seeds[0] = (struct addr){.family = ADDR_IPV4, .ip = {10, 9, 9, 9}, .port = 9};
    config.seed_count = 1;
    return gossip_new(&config, now);
}

Test(known, everybody_is_there_in_order_and_nobody_is_asked)
{
    struct cast *cast = cast_new(NULL, ACTORS, ACTORS);
    struct gossip_time now = {1000, 1000000};
    struct gossip *core = core_new(now);
    struct gossip_known *known = known_of(cast, core, ACTORS, false);
    struct gossip_event event;
    struct gossip_status status;
    while (gossip_next_event(core, &event))
        gossip_event_release(&event);
    gossip_begin_known(core, now, known);
    gossip_known_free(known);
    for (size_t i = 0; i < ACTORS; i++) {
        const struct member *member = members_find(core, cast->actors[i].tag);
        cr_assert_not_null(member);
        cr_assert_eq(member->state, MEMBER_ALIVE);
        cr_assert(member->is_seen);
    }
    cr_assert_eq(core->members.count, ACTORS + 1);
    cr_assert_eq(members_n(core), ACTORS + 1);
    for (size_t i = 1; i < core->members.count; i++)
        cr_assert_lt(core->members.tags[i - 1], core->members.tags[i]);
    cr_assert_eq(core->members.digest, cast->core->members.digest, "as if it had joined");
    gossip_status_now(core, &status);
    cr_assert(status.synced);
    gossip_tick(core, now);
    cr_assert_eq(core->outbox.count, 0, "no JOIN");
    while (gossip_next_event(core, &event)) {
        cr_assert_neq(event.kind, GOSSIP_EVENT_MEMBER);
        gossip_event_release(&event);
    }
    gossip_free(core);
    cast_free(cast);
}

Test(known, what_its_subject_did_not_sign_is_refused)
{
    struct cast *cast = cast_new(NULL, ACTORS, 0);
    cr_assert_null(known_of(cast, cast->core, ACTORS, true));
    cast_free(cast);
}

Test(known, two_lives_of_one_node_are_refused)
{
    struct cast *cast = cast_new(NULL, 2, 0);
    struct blob *one = cast_alive(cast, 0, CAST_EPOCH, 1);
    struct blob *two = cast_alive(cast, 0, CAST_EPOCH, 2);
    struct span both[] = {blob_span(one), blob_span(two)};
    cr_assert_null(gossip_known_new(cast->core->cluster, NULL, both, 2));
    blob_release(one);
    blob_release(two);
    cast_free(cast);
}

Test(known, another_clusters_members_are_refused)
{
    struct cast *cast = cast_new(NULL, 1, 0);
    struct span own = blob_span(cast->core->members.self->life->statement);
    cr_assert_null(gossip_known_new("another", NULL, &own, 1));
    cast_free(cast);
}
