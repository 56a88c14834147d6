// SPDX-License-Identifier: Apache-2.0
/* check.c - the invariants, each held against the core's public answers and the naive view */
#include "sim/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { PRINTED_MAX = 40 };

void check_failed(struct world *world, size_t node, enum invariant which, const char *format, ...)
{
    char what[FIRST_BROKEN_BYTES], line[FIRST_BROKEN_BYTES + 80], name[8] = "";
    va_list arguments;

    world->broken[which]++;
    if (++world->failures > PRINTED_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    if (which != I_NONE)
        snprintf(name, sizeof(name), "I%d: ", (int)which);
    snprintf(line, sizeof(line), "seed %" PRIu64 ", %" PRIu64 ".%06" PRIu64 " s, n%zd: %s%s",
             world->options.seed, world->now_us / 1000000, world->now_us % 1000000, (ssize_t)node,
             name, what);
    if (world->failures == 1)
        snprintf(world->first_broken, sizeof(world->first_broken), "%.*s", FIRST_BROKEN_BYTES - 1,
                 line);
    fprintf(stderr, "%s\n", line);
}

/* --- I17
 * --------------------------------------------------------------------------------------------- */

/* What a node must show, from the winning statement and its home's standing alone. While a home is
 * gone the grace decides, and either answer may be right. */
static const char *filter(const struct gossip *core, const struct gossip_peer_info *peer)
{
    struct gossip_log_info log;
    bool is_record =
        peer->record != NULL && statement_kind_of(blob_span(peer->record)) == STATEMENT_RECORD;

    if (peer->visible && !is_record)
        return "a deletion is visible";
    if (!is_record)
        return NULL;
    bool has_log = gossip_log_find(core, peer->home, peer->epoch, &log);
    if (peer->visible && !has_log)
        return "a record is visible that is in no log";
    if (peer->visible && log.applied < peer->version && !log.is_resetting)
        return "a record is visible that is not applied";
    if (!peer->visible && has_log && log.standing != HOME_GONE)
        return "a record is hidden whose home vouches for it";
    return NULL;
}

static bool check_peer(struct world *world, size_t node, size_t number)
{
    const struct seen_peer *seen = observe_peer(&world->nodes[node].seen, number);
    struct span id = intern_name(&world->peer_ids, number);
    struct gossip_peer_info peer = {0};
    const char *broken = NULL;

    if (!gossip_peer_find(world->nodes[node].core, id, &peer))
        peer = (struct gossip_peer_info){0};
    else
        broken = filter(world->nodes[node].core, &peer);
    if (peer.visible != seen->is_visible)
        broken =
            peer.visible ? "visible, but no event said so" : "not visible, but no event said so";
    else if (peer.visible && (peer.home != seen->home || peer.epoch != seen->epoch ||
                              peer.version != seen->version))
        broken = "events and core name different records";
    if (broken != NULL)
        check_failed(world, node, I17, "peer %.*s: %s", (int)id.len, (const char *)id.data, broken);
    return broken == NULL;
}

bool check_view(struct world *world, size_t node)
{
    const struct observer *seen = &world->nodes[node].seen;
    struct gossip_status status;
    bool holds = true;

    check_asked(world, I17);
    for (size_t i = 0; i < world->peer_ids.count; i++)
        holds = check_peer(world, node, i) && holds;
    gossip_status_now(world->nodes[node].core, &status);
    if (status.peers_visible != seen->peers_visible) {
        check_failed(world, node, I17, "%" PRIu64 " peers visible, %zu by the events",
                     status.peers_visible, seen->peers_visible);
        holds = false;
    }
    if (status.view_digest[0] != seen->core_view_digest[0] ||
        status.view_digest[1] != seen->core_view_digest[1]) {
        check_failed(world, node, I17, "the digest is not what the last event said");
        holds = false;
    }
    return holds;
}

/* --- I6
 * ---------------------------------------------------------------------------------------------- */

static bool are_views_equal(struct world *world, size_t begin, size_t end, bool tells)
{
    uint64_t first[2] = {0}, digest[2];
    size_t base = SIZE_MAX;

    for (size_t i = begin; i < end; i++) {
        const struct observer *seen = &world->nodes[i].seen;

        if (!world_is_present(world, i))
            continue;
        gossip_view_digest(world->nodes[i].core, digest);
        if (base == SIZE_MAX) {
            base = i;
            memcpy(first, digest, sizeof(first));
        }
        bool same_events = seen->digest == world->nodes[base].seen.digest;
        bool same_core = digest[0] == first[0] && digest[1] == first[1];
        if (same_core && same_events)
            continue;
        if (tells)
            check_failed(world, i, I6, "%zu peers visible, %zu at n%zu%s", seen->peers_visible,
                         world->nodes[base].seen.peers_visible, base,
                         same_core != same_events ? "; digests and events disagree" : "");
        return false;
    }
    return true;
}

/* Of each cluster for itself. */
bool check_views_equal(struct world *world, bool tells)
{
    size_t nodes = world->options.nodes, own = nodes - world->options.foreign;
    if (tells)
        check_asked(world, I6);
    bool is_equal = are_views_equal(world, 0, own, tells);

    return are_views_equal(world, own, nodes, tells) && is_equal;
}

bool check_logs_proved(struct world *world, size_t node, bool tells)
{
    const struct gossip *core = world->nodes[node].core;
    struct gossip_log_info log;

    for (size_t i = 0; i < gossip_log_count(core); i++) {
        struct gossip_member_info home;

        if (!gossip_log_at(core, i, &log) || log.state == LOG_PROVED ||
            !gossip_member_find(core, log.home, &home) || home.state != MEMBER_ALIVE ||
            log.epoch != home.epoch)
            continue;
        if (tells)
            check_failed(world, node, I6,
                         "the log of n%zd is %s: applied %" PRIu64 ", head %" PRIu64,
                         (ssize_t)world_node_of_tag(world, log.home), log_state_name(log.state),
                         log.applied, log.head_version);
        return false;
    }
    return true;
}

static bool is_alive_at(const struct world *world, size_t node, size_t other)
{
    const struct node *subject = &world->nodes[other];

    if (subject->core == NULL || other == node || !world_is_same_cluster(world, node, other))
        return true;
    const struct seen_member *member = observe_member(&world->nodes[node].seen, subject->number);
    return member->state == MEMBER_ALIVE && member->epoch == subject->epoch;
}

bool check_all_alive(struct world *world, size_t node, size_t *hint, bool tells)
{
    size_t other = 0;

    if (hint != NULL && *hint < world->options.nodes && !is_alive_at(world, node, *hint))
        return false;
    while (other < world->options.nodes && is_alive_at(world, node, other))
        other++;
    if (other == world->options.nodes)
        return true;
    if (hint != NULL)
        *hint = other;
    if (tells) {
        const struct seen_member *member =
            observe_member(&world->nodes[node].seen, world->nodes[other].number);
        check_failed(world, node, I6, "n%zu is %s (epoch %" PRIu64 "; it runs %" PRIu64 ")", other,
                     member_state_name((enum member_state)member->state), member->epoch,
                     world->nodes[other].epoch);
    }
    return false;
}
