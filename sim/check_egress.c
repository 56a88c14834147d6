// SPDX-License-Identifier: Apache-2.0
/* check_egress.c - I11: egress stays under its cap; a node relays an operation once, and tells at
 * most three others of it
 *
 * The bytes are counted here as they leave, and must be those that the core counts by kind: probes
 * are not paced, bulk and the rest have a bucket each. Relays are counted over the whole world:
 * what begins once needs one hop to each other member, and whatever more there is comes from hops
 * that were sent again, each of which may serve its arc a second time. */
#include "sim/check_all.h"

#include <inttypes.h>

enum { RELAYS_EVERY_S = 5 };

void check_egress_packet(struct world *world, size_t node, size_t len)
{
    world->checks->nodes[node].bytes_out += len;
}

/* --- Each node's caps ------------------------------------------------------------------------ */

static void check_window(struct world *world, size_t node, const char *what, uint64_t bytes,
                         uint64_t bytes_per_s)
{
    uint64_t since_us = world->checks->nodes[node].egress_at_us;
    /* Its clock may be fast by a tenth, and its loop late by a second's worth. */
    uint64_t window_us = (world->now_us - since_us) * 11 / 10;
    uint64_t bound = bound_egress_bytes(bytes_per_s, window_us);

    if (bytes > bound)
        check_failed(world, node, I11,
                     "%" PRIu64 " bytes of %s within %" PRIu64 " ms, %" PRIu64 " may leave", bytes,
                     what, (world->now_us - since_us) / 1000, bound);
}

static void check_caps(struct world *world, size_t node, const struct gossip_stats *stats)
{
    struct node_checks *checks = &world->checks->nodes[node];
    struct bytes_out now = {stats->bytes_out, stats->bytes_out_probes, stats->bytes_out_bulk};
    uint64_t all = now.all - checks->egress.all, probes = now.probes - checks->egress.probes;
    uint64_t bulk = now.bulk - checks->egress.bulk;

    if (stats->bytes_out != checks->bytes_out)
        check_failed(world, node, I11, "%" PRIu64 " bytes left it, and it counts %" PRIu64,
                     checks->bytes_out, stats->bytes_out);
    if (checks->egress_at_us != 0) {
        check_asked(world, I11);
        check_window(world, node, "bulk", bulk, BOUND_BULK_BYTES_PER_S);
        check_window(world, node, "what is paced", all - probes - bulk,
                     world->config.egress_bytes_per_s);
    }
    if (stats->announced > BOUND_ANNOUNCED * stats->batches_new)
        check_failed(world, node, I11, "%" PRIu64 " announcements of %" PRIu64 " batches",
                     stats->announced, stats->batches_new);
    checks->egress = now;
    checks->egress_at_us = world->now_us;
}

/* --- Relays ---------------------------------------------------------------------------------- */

static void relays_add(struct relays *relays, const struct gossip_stats *stats)
{
    relays->made += stats->spread_made;
    relays->sent += stats->spread_sent;
    relays->resent += stats->spread_resent;
}

/* A life's last word; its hops are the world's for ever. */
void check_egress_stop(struct world *world, size_t node)
{
    struct gossip_status status;

    gossip_status_now(world->nodes[node].core, &status);
    relays_add(&world->checks->relays_over, &status.stats);
}

/* What was sent until a while ago, against what has begun until now: nodes tell once a second. */
static void check_relays(struct world *world)
{
    struct checks *checks = world->checks;
    struct relays now = checks->relays_over;
    uint64_t others = checks->identity_count;

    for (size_t i = 0; i < world->options.nodes; i++)
        if (world->nodes[i].core != NULL)
            relays_add(&now, &world->nodes[i].seen.status.stats);
    if (!check_has_liars(world)) {
        check_asked(world, I11);
        if (checks->relays.sent > (now.made + now.resent) * others)
            check_failed(world, SIZE_MAX, I11,
                         "%" PRIu64 " hops of %" PRIu64 " payloads, %" PRIu64
                         " sent again, to %" PRIu64 " members",
                         checks->relays.sent, now.made, now.resent, others);
    }
    checks->relays = now;
}

void check_egress_second(struct world *world)
{
    struct gossip_status status;

    for (size_t i = 0; i < world->options.nodes; i += world->checks->watch_every) {
        if (world->nodes[i].core == NULL)
            continue;
        gossip_status_now(world->nodes[i].core, &status);
        check_caps(world, i, &status.stats);
    }
    if (world->checks->seconds % RELAYS_EVERY_S == 0)
        check_relays(world);
}
