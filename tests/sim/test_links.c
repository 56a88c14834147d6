// SPDX-License-Identifier: Apache-2.0
/* test_links.c - a set of links, held against the simplest one */
#include "sim/links.h"
#include "sim/random.h"

#include <criterion/criterion.h>

enum { NODES_HERE = 130 }; /* two words and a bit */

struct simple {
    bool has[NODES_HERE][NODES_HERE];
};

static void compare(const struct links *links, const struct simple *simple)
{
    size_t count = 0, ends[NODES_HERE] = {0};

    for (size_t i = 0; i < NODES_HERE; i++)
        for (size_t j = 0; j < NODES_HERE; j++) {
            cr_assert_eq(links_has(links, i, j), simple->has[i][j]);
            count += simple->has[i][j];
            ends[i] += simple->has[i][j];
            ends[j] += simple->has[i][j];
        }
    cr_assert_eq(links->count, count);
    for (size_t i = 0; i < NODES_HERE; i++)
        cr_assert_eq(links_at(links, i), ends[i]);
}

static struct node_set some(struct random *random, double chance)
{
    struct node_set set = {{0}};

    for (size_t i = 0; i < NODES_HERE; i++)
        if (random_chance(random, chance))
            node_set_add(&set, i);
    node_set_add(&set, NODES_HERE + 5); /* who does not exist has no links */
    return set;
}

Test(links, are_what_was_added_and_not_removed)
{
    static struct simple simple;
    struct links links = links_none(NODES_HERE);
    struct random random = random_stream(7, 't');

    for (size_t round = 0; round < 30; round++) {
        struct node_set from = some(&random, 0.1), to = some(&random, 0.2);

        links_add_between(&links, &from, &to);
        for (size_t i = 0; i < NODES_HERE; i++)
            for (size_t j = 0; j < NODES_HERE; j++)
                simple.has[i][j] |= i != j && node_set_has(&from, i) && node_set_has(&to, j);
        for (size_t n = 0; n < 300; n++) {
            size_t i = random_below(&random, NODES_HERE), j = random_below(&random, NODES_HERE);
            bool adds = random_chance(&random, 0.3);

            if (adds)
                links_add(&links, i, j);
            else
                links_remove(&links, i, j);
            simple.has[i][j] = adds && i != j;
        }
        compare(&links, &simple);
    }
    links_clear(&links);
    cr_assert_eq(links.count, 0);
    cr_assert_not(links_has(&links, 0, 1));
}
