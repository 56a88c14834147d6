// SPDX-License-Identifier: Apache-2.0
/* narrate.c - the words of events and commands in a trace */
#include "sim/narrate.h"

#include "sim/world.h"

#include <inttypes.h>
#include <stdio.h>

enum { WORD_BYTES = 140 };

struct word {
    char text[WORD_BYTES];
};

/* "n7", or the tag of somebody who is no node of this world. */
static struct word member_word(const struct world *world, uint64_t tag)
{
    size_t node = world_node_of_tag(world, tag);
    struct word word;

    if (node != SIZE_MAX)
        snprintf(word.text, sizeof(word.text), "n%zu", node);
    else
        snprintf(word.text, sizeof(word.text), "tag:%016" PRIx64, tag);
    return word;
}

/* One word whatever is in it: lines stay lines, and columns columns. */
static struct word span_word(struct span span)
{
    struct word word = {"?"};
    size_t len = span.len < WORD_BYTES - 1 ? span.len : WORD_BYTES - 1;

    for (size_t i = 0; i < len; i++)
        word.text[i] = span.data[i] > ' ' && span.data[i] != 127 ? (char)span.data[i] : '?';
    if (len > 0)
        word.text[len] = '\0';
    return word;
}

static struct word peer_word(const struct blob *blob)
{
    struct record record;

    if (blob == NULL || !statement_read_record(blob_span(blob), &record))
        return (struct word){"?"};
    return span_word(record.peer.peer_id);
}

/* --- Events
 * -------------------------------------------------------------------------------------- */

static void take_event(struct world *world, size_t node, const struct gossip_event *event)
{
    uint64_t a = 0, b = 0;

    switch (event->kind) {
    case GOSSIP_EVENT_MEMBER:
        a = event->member.tag ^ event->member.epoch;
        b = (uint64_t)event->member.state << 32 | event->member.incarnation;
        break;
    case GOSSIP_EVENT_ACCUSED: a = event->accused.accuser, b = event->accused.subject; break;
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE:
    case GOSSIP_EVENT_PEER_DOWN: a = event->peer.home, b = event->peer.version; break;
    case GOSSIP_EVENT_HOME: a = event->home.tag, b = event->home.standing; break;
    case GOSSIP_EVENT_LOG:
        a = event->log.tag;
        b = (uint64_t)event->log.state << 32 | event->log.applied;
        break;
    case GOSSIP_EVENT_STATUS: a = event->status->view_digest[0]; break;
    case GOSSIP_EVENT_REPLY: a = event->reply.request, b = event->reply.result; break;
    default: break;
    }
    trace_take(&world->trace, TRACE_EVENT, world->now_us, node, (uint64_t)event->kind, a, b);
}

static const char *reason_word(enum peer_down_reason reason)
{
    switch (reason) {
    case PEER_DOWN_EXPIRED: return "expired";
    case PEER_DOWN_DEREGISTERED: return "deregistered";
    case PEER_DOWN_MOVED: return "moved";
    case PEER_DOWN_ORPHAN_GRACE: return "orphan-grace";
    case PEER_DOWN_SWEPT: return "swept";
    }
    return "?";
}

static const char *standing_word(enum home_standing standing)
{
    switch (standing) {
    case HOME_VOUCHES: return "vouches";
    case HOME_DOUBTED: return "doubted";
    case HOME_GONE: return "gone";
    }
    return "?";
}

static const char *conflict_word(enum gossip_conflict what)
{
    switch (what) {
    case CONFLICT_NAME: return "name";
    case CONFLICT_KEY_IN_USE: return "key-in-use";
    case CONFLICT_KEY_HIGHER: return "key-higher";
    }
    return "?";
}

static void say_peer(struct world *world, size_t node, const char *what,
                     const struct gossip_event *event)
{
    bool is_down = event->kind == GOSSIP_EVENT_PEER_DOWN;

    trace_say(&world->trace, world->now_us, node,
              "event %s %s home=%s epoch=%" PRIu64 " version=%" PRIu64 "%s%s", what,
              peer_word(event->peer.record).text, member_word(world, event->peer.home).text,
              event->peer.epoch, event->peer.version, is_down ? " reason=" : "",
              is_down ? reason_word(event->peer.reason) : "");
}

static void say_members(struct world *world, size_t node, const struct gossip_event *event)
{
    struct trace *trace = &world->trace;

    if (event->kind == GOSSIP_EVENT_MEMBER)
        trace_say(
            trace, world->now_us, node, "event member %s %s epoch=%" PRIu64 " incarnation=%" PRIu64,
            member_word(world, event->member.tag).text, member_state_name(event->member.state),
            event->member.epoch, event->member.incarnation);
    else
        trace_say(trace, world->now_us, node,
                  "event accused %s by=%s epoch=%" PRIu64 " incarnation=%" PRIu64 " accusers=%u%s",
                  member_word(world, event->accused.subject).text,
                  member_word(world, event->accused.accuser).text, event->accused.epoch,
                  event->accused.incarnation, event->accused.accusers,
                  event->accused.is_told ? " told" : "");
}

static void say_status(struct world *world, size_t node, const struct gossip_status *status)
{
    trace_say(&world->trace, world->now_us, node,
              "event status alive=%u members=%u peers=%" PRIu64 " view=%016" PRIx64 "%s%s%s",
              status->members_alive, status->members, status->peers_visible, status->view_digest[0],
              status->synced ? " synced" : "", status->converged ? " converged" : "",
              status->cut_off ? " cut-off" : "");
}

static void say_rest(struct world *world, size_t node, const struct gossip_event *event)
{
    struct trace *trace = &world->trace;
    uint64_t now_us = world->now_us;

    switch (event->kind) {
    case GOSSIP_EVENT_HEARTBEAT:
    case GOSSIP_EVENT_LEASE_END:
        trace_say(trace, now_us, node, "event %s %s",
                  event->kind == GOSSIP_EVENT_HEARTBEAT ? "heartbeat" : "lease-end",
                  peer_word(event->heartbeat.record).text);
        break;
    case GOSSIP_EVENT_EPOCH:
        trace_say(trace, now_us, node, "event epoch %" PRIu64, event->epoch.epoch);
        break;
    case GOSSIP_EVENT_CONFLICT:
        trace_say(trace, now_us, node, "event conflict %s with=%s",
                  conflict_word(event->conflict.what),
                  member_word(world, event->conflict.tag).text);
        break;
    case GOSSIP_EVENT_JOINED: trace_say(trace, now_us, node, "event joined"); break;
    case GOSSIP_EVENT_ALONE: trace_say(trace, now_us, node, "event alone"); break;
    case GOSSIP_EVENT_LEFT: trace_say(trace, now_us, node, "event left"); break;
    case GOSSIP_EVENT_REPLY:
        trace_say(trace, now_us, node, "event reply %" PRIu64 " %s", event->reply.request,
                  gossip_result_name(event->reply.result));
        break;
    default: trace_say(trace, now_us, node, "event %d", (int)event->kind); break;
    }
}

static void say_event(struct world *world, size_t node, const struct gossip_event *event)
{
    struct trace *trace = &world->trace;

    switch (event->kind) {
    case GOSSIP_EVENT_MEMBER:
    case GOSSIP_EVENT_ACCUSED: say_members(world, node, event); break;
    case GOSSIP_EVENT_PEER_UP: say_peer(world, node, "peer-up", event); break;
    case GOSSIP_EVENT_PEER_UPDATE: say_peer(world, node, "peer-update", event); break;
    case GOSSIP_EVENT_PEER_DOWN: say_peer(world, node, "peer-down", event); break;
    case GOSSIP_EVENT_STATUS: say_status(world, node, event->status); break;
    case GOSSIP_EVENT_HOME:
        trace_say(trace, world->now_us, node, "event home %s %s epoch=%" PRIu64,
                  member_word(world, event->home.tag).text, standing_word(event->home.standing),
                  event->home.epoch);
        break;
    case GOSSIP_EVENT_LOG:
        trace_say(trace, world->now_us, node,
                  "event log %s %s epoch=%" PRIu64 " applied=%" PRIu64 " head=%" PRIu64,
                  member_word(world, event->log.tag).text,
                  event->log.is_gone ? "dropped" : log_state_name(event->log.state),
                  event->log.epoch, event->log.applied, event->log.head_version);
        break;
    default: say_rest(world, node, event); break;
    }
}

void narrate_event(struct world *world, size_t node, const struct gossip_event *event)
{
    take_event(world, node, event);
    if (world->trace.file != NULL)
        say_event(world, node, event);
}

void narrate_command(struct world *world, size_t node, uint64_t request, const char *what,
                     struct span peer_id, uint32_t ttl_s)
{
    if (world->trace.file == NULL)
        return;
    struct word peer = span_word(peer_id);
    if (ttl_s > 0)
        trace_say(&world->trace, world->now_us, node, "ask %" PRIu64 " %s %s ttl_s=%u", request,
                  what, peer.text, ttl_s);
    else
        trace_say(&world->trace, world->now_us, node, "ask %" PRIu64 " %s %s", request, what,
                  peer.text);
}

/* --- Cuts
 * ---------------------------------------------------------------------------------------- */

/* "n0,n3-n5": as much of it as fits. */
static struct word set_word(const struct node_set *set, size_t nodes)
{
    struct word word = {""};
    size_t used = 0;

    for (size_t i = 0; i < nodes && used < WORD_BYTES - 24; i++) {
        size_t last = i;

        if (!node_set_has(set, i))
            continue;
        while (last + 1 < nodes && node_set_has(set, last + 1))
            last++;
        used += (size_t)snprintf(word.text + used, WORD_BYTES - used, "%sn%zu", used ? "," : "", i);
        if (last > i)
            used += (size_t)snprintf(word.text + used, WORD_BYTES - used, "-n%zu", last);
        i = last;
    }
    if (used >= WORD_BYTES - 24)
        snprintf(word.text + used, WORD_BYTES - used, "...");
    return word;
}

void narrate_cut(struct world *world, bool is_one_way, const struct node_set *from,
                 const struct node_set *to)
{
    uint64_t links = world->network.cut.count;

    trace_take(&world->trace, TRACE_FAULT, world->now_us, SIZE_MAX, is_one_way ? 'o' : 'c', links,
               0);
    if (world->trace.file != NULL)
        trace_say(&world->trace, world->now_us, SIZE_MAX, "fault cut %s %s %s, links=%" PRIu64,
                  set_word(from, world->options.nodes).text, is_one_way ? "to" : "from",
                  set_word(to, world->options.nodes).text, links);
}
