// SPDX-License-Identifier: Apache-2.0
/* inspect.c - the read-only window into a core: tests, checkers and snapshots look through it. */
#include "gossip/core.h"

uint64_t gossip_tag(const struct gossip *g)
{
    return g->tag;
}

static void describe_member(const struct gossip *g, const struct member *member,
                            struct gossip_member_info *out)
{
    *out = (struct gossip_member_info){
        .tag = member->life->tag,
        .state = member->state,
        .epoch = member->life->epoch,
        .incarnation = member->life->incarnation,
        .accusers = (uint32_t)suspicion_accusers(g, member),
        .alive = member->life->statement,
    };
}

size_t gossip_member_count(const struct gossip *g)
{
    return g->members.count;
}

bool gossip_member_at(const struct gossip *g, size_t index, struct gossip_member_info *out)
{
    if (index >= g->members.count)
        return false;
    describe_member(g, g->members.ring[index], out);
    return true;
}

bool gossip_member_find(const struct gossip *g, uint64_t tag, struct gossip_member_info *out)
{
    const struct member *member = members_find(g, tag);
    if (member == NULL)
        return false;
    describe_member(g, member, out);
    return true;
}

size_t gossip_log_count(const struct gossip *g)
{
    return g->registry.log_count;
}

static void describe_log(const struct log *log, struct gossip_log_info *out)
{
    *out = (struct gossip_log_info){
        .home = log->home,
        .epoch = log->epoch,
        .applied = log->applied,
        .floor = log->floor,
        .head_version = log->head.version,
        .live_count = log->live_count,
        .state = log->state,
        .standing = log->standing,
        .is_resetting = log->pull != NULL && log->pull->is_reset,
    };
}

bool gossip_log_at(const struct gossip *g, size_t index, struct gossip_log_info *out)
{
    if (index >= g->registry.log_count)
        return false;
    describe_log(g->registry.logs[index], out);
    return true;
}

bool gossip_log_find(const struct gossip *g, uint64_t home, uint64_t epoch,
                     struct gossip_log_info *out)
{
    const struct log *log = registry_log(g, home, epoch);
    if (log == NULL)
        return false;
    describe_log(log, out);
    return true;
}

bool gossip_peer_find(const struct gossip *g, struct span peer_id, struct gossip_peer_info *out)
{
    const struct peer *peer = registry_peer(g, peer_id);
    if (peer == NULL || peer->winner == NULL)
        return false;
    *out = (struct gossip_peer_info){
        .visible = peer_is_visible(peer),
        .home = peer->winner->log->home,
        .epoch = peer->winner->log->epoch,
        .version = peer->winner->version,
        .record = peer->winner->blob,
    };
    return true;
}
