// SPDX-License-Identifier: Apache-2.0
/* test_restore.c - what a restarted node gives back */
#include <criterion/criterion.h>

#include "tests/gossip/cast.h"

static struct cast *unstarted(struct blob **alive)
{
    struct cast *cast = cast_new(NULL, 2, 0);
    *alive = cast_alive(cast, 0, CAST_EPOCH, 1);
    struct gossip_config config;
    cast_config(&config);
    gossip_free(cast->core);
    cast->core = gossip_new(&config, cast->now);
    return cast;
}

Test(restore, a_remembered_member_is_an_address_to_rejoin_through)
{
    struct blob *alive;
    struct cast *cast = unstarted(&alive);
    cr_assert(gossip_restore_member(cast->core, blob_span(alive)));
    cr_assert_eq(members_n(cast->core), 1, "an address, nothing more");
    cast_run(cast, 5);
    cr_assert(cast_heard(cast, 0, WIRE_JOIN, 0, NULL));
    cr_assert_eq(cast->core->join.phase, JOIN_ASKING);
    blob_release(alive);
    cast_free(cast);
}

Test(restore, damaged_statements_are_refused)
{
    struct blob *alive;
    struct cast *cast = unstarted(&alive);
    cr_assert_not(gossip_restore_member(cast->core, span_of(alive->bytes, alive->len - 1)));
    alive->bytes[1] ^= 1;
    cr_assert_not(gossip_restore_member(cast->core, blob_span(alive)));
    cr_assert_eq(cast->core->join.extra_count, 0);
    cr_assert_not(gossip_restore_lease(cast->core, blob_span(alive), 0));
    blob_release(alive);
    cast_free(cast);
}

Test(restore, our_own_statement_is_no_address_to_ask)
{
    struct blob *alive;
    struct cast *cast = unstarted(&alive);
    cr_assert(
        gossip_restore_member(cast->core, blob_span(cast->core->members.self->life->statement)));
    cr_assert_eq(cast->core->join.extra_count, 0);
    blob_release(alive);
    cast_free(cast);
}

Test(restore, without_leases_there_is_none_to_list)
{
    struct cast *cast = cast_new(NULL, 1, 0);
    const struct blob *record;
    uint64_t wall_ms;
    cr_assert_not(gossip_lease_at(cast->core, 0, &record, &wall_ms));
    cast_free(cast);
}
