// SPDX-License-Identifier: Apache-2.0
/* link.c - the path to a member: its address, its replay window, its round-trip time. */
#include <assert.h>

#include "gossip/core.h"
#include "gossip/mem.h"

void link_restart(const struct gossip *g, struct member *member)
{
    struct link *link = member->link;
    if (link == NULL)
        return;
    struct addr listed = member_listed_address(g, member);
    link->seen_highest = 0;
    link->seen_window = 0;
    if (!addr_equal(&link->addr, &listed)) {
        link->addr = listed;
        link->is_verified = false;
        link->unanswered_bytes = 0;
    }
}

struct link *member_link(struct gossip *g, struct member *member)
{
    assert(member != g->members.self);
    if (member->link == NULL) {
        member->link = mem_alloc(sizeof *member->link);
        member->link->addr = member_listed_address(g, member);
        member->link->egress =
            (struct bucket){g->config.egress_peer_bytes_per_s / 4, g->now.mono_ms};
    }
    return member->link;
}

bool member_address(struct gossip *g, struct member *member, struct addr *out)
{
    *out = member_link(g, member)->addr;
    return out->family != ADDR_NONE;
}

uint32_t link_steps(const struct link *link, uint64_t counter)
{
    if (link->seen_highest == 0 || counter <= link->seen_highest)
        return 1;
    uint64_t steps = counter - link->seen_highest;
    return steps < VOICE_STEPS_MAX ? (uint32_t)steps : VOICE_STEPS_MAX;
}

/* The window of RFC 4303, section 3.4.3, but 64 wide and one per epoch of the sender: link_restart
 * begins another. */
bool link_window_admit(struct link *link, uint64_t counter)
{
    if (counter == 0)
        return false;
    if (counter > link->seen_highest) {
        uint64_t ahead = counter - link->seen_highest;
        link->seen_window = ahead >= REPLAY_WINDOW ? 0 : link->seen_window << ahead;
        link->seen_window |= 1;
        link->seen_highest = counter;
        return true;
    }
    uint64_t behind = link->seen_highest - counter;
    if (behind >= REPLAY_WINDOW || (link->seen_window >> behind & 1) != 0)
        return false;
    link->seen_window |= UINT64_C(1) << behind;
    return true;
}

void link_window_restart(struct link *link, uint64_t counter)
{
    link->seen_highest = counter;
    link->seen_window = UINT64_MAX;
}

void link_credit(struct member *member, const struct addr *from, size_t len)
{
    struct link *link = member != NULL ? member->link : NULL;
    if (link == NULL || link->is_verified || !addr_equal(from, &link->addr))
        return;
    size_t left = link->unanswered_bytes;
    link->unanswered_bytes = (uint16_t)(left > len ? left - len : 0);
}

bool link_may_send_more(const struct link *link)
{
    return link->is_verified || link->unanswered_bytes < UNVERIFIED_BYTES_MAX;
}

bool link_may_answer(struct gossip *g, struct member *to)
{
    struct link *link = member_link(g, to);
    if (!link->is_verified && link->addr.family != ADDR_NONE)
        probe_path(g, to, &link->addr);
    return link->is_verified;
}

/* RFC 6298, section 2. */
void link_rtt_sample(struct link *link, uint32_t rtt_us)
{
    if (rtt_us == 0)
        rtt_us = 1; /* 0 means: not measured */
    if (link->rtt_us == 0) {
        link->rtt_us = rtt_us;
        link->rtt_var_us = rtt_us / 2;
        return;
    }
    uint32_t off_us = rtt_us > link->rtt_us ? rtt_us - link->rtt_us : link->rtt_us - rtt_us;
    link->rtt_var_us = (uint32_t)(((uint64_t)link->rtt_var_us * 3 + off_us) / 4);
    link->rtt_us = (uint32_t)(((uint64_t)link->rtt_us * 7 + rtt_us) / 8);
    if (link->rtt_us == 0)
        link->rtt_us = 1;
}

uint32_t link_timeout_ms(const struct link *link, uint32_t min_ms, uint32_t max_ms)
{
    assert(min_ms <= max_ms);
    uint64_t timeout_ms =
        link->rtt_us == 0 ? max_ms / 4 : (link->rtt_us + UINT64_C(4) * link->rtt_var_us) / 1000 + 1;
    if (timeout_ms < min_ms)
        return min_ms;
    return timeout_ms > max_ms ? max_ms : (uint32_t)timeout_ms;
}
