// SPDX-License-Identifier: Apache-2.0
/* test_announce.c - "this log has reached this version": said to three, of every log, in whole
 * words */
#include "tests/gossip/stage.h"

#include <criterion/criterion.h>

#define EPOCH_MAX UINT64_C(0x7fffffffffffffff)

static struct stage *stage;

static void start(void)
{
    stage = stage_new(true);
}

static void stop(void)
{
    stage_free(stage);
}

TestSuite(announce, .init = start, .fini = stop);

/* Sums over everything announced to this puppet; every entry must be whole. */
static void heard(size_t who, size_t *count, uint64_t *home_sum)
{
    struct wire_message message;
    struct wire_list entry;
    uint64_t home, epoch, version;

    *count = *home_sum = 0;
    for (size_t n = 0; stage_heard(stage, who, WIRE_ANNOUNCE, n, &message); n++) {
        struct wire_list entries = message.announce.entries;
        while (wire_list_list(&entries, &entry)) {
            cr_assert(wire_list_uint(&entry, &home) && wire_list_uint(&entry, &epoch) &&
                      wire_list_uint(&entry, &version));
            cr_assert(epoch == EPOCH_MAX && version == home);
            ++*count;
            *home_sum += home;
        }
    }
}

Test(announce, all_that_is_pending_is_said_however_many_messages_it_takes)
{
    uint64_t expected = 0;
    size_t told = 0;

    stage_forget(stage);
    for (uint64_t i = 1; i <= ANNOUNCE_PENDING_MAX; i++) {
        uint64_t home = EPOCH_MAX - i;
        announce_later(stage->core, home, EPOCH_MAX, home);
        expected += home;
    }
    stage_run(stage, ANNOUNCE_DELAY_MS + 1);
    for (size_t who = 0; who < STAGE_PUPPETS; who++) {
        size_t count;
        uint64_t sum;
        heard(who, &count, &sum);
        if (count == 0)
            continue;
        cr_assert_eq(count, (size_t)ANNOUNCE_PENDING_MAX);
        cr_assert_eq(sum, expected);
        told++;
    }
    cr_assert_eq(told, (size_t)ANNOUNCE_COUNT);
}

Test(announce, versions_of_one_log_are_one_announcement_of_the_highest)
{
    size_t counts = 0;

    stage_forget(stage);
    announce_later(stage->core, 7, 1, 5);
    announce_later(stage->core, 7, 1, 9);
    announce_later(stage->core, 7, 1, 8);
    stage_run(stage, ANNOUNCE_DELAY_MS + 1);
    for (size_t who = 0; who < STAGE_PUPPETS; who++) {
        struct wire_message message;
        struct wire_list entry;
        uint64_t home, epoch, version;
        if (!stage_heard(stage, who, WIRE_ANNOUNCE, 0, &message))
            continue;
        struct wire_list entries = message.announce.entries;
        cr_assert_eq(entries.count, 1U);
        cr_assert(wire_list_list(&entries, &entry));
        cr_assert(wire_list_uint(&entry, &home) && wire_list_uint(&entry, &epoch) &&
                  wire_list_uint(&entry, &version));
        cr_assert(home == 7 && epoch == 1 && version == 9);
        counts++;
    }
    cr_assert_eq(counts, (size_t)ANNOUNCE_COUNT);
}
