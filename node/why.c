// SPDX-License-Identifier: Apache-2.0
/* why.c - the last events on this node, to be asked about a peer or a node */
#include "node/why.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/time_text.h"

#define WHY_TEXT_MAX_BYTES 256

struct why_event {
    uint64_t wall_ms;
    enum gossip_event_kind kind;
    unsigned detail;  /* state, reason, standing: by kind */
    uint64_t node;    /* it is about this one; for a peer: its home */
    uint64_t accuser; /* ACCUSED */
    uint64_t epoch;
    uint64_t number; /* incarnation, or version */
    uint32_t accusers;
    uint32_t peer_id_bytes; /* 0: not about a peer */
    char peer_id[PEER_ID_MAX_BYTES];
};

void why_init(struct why *why)
{
    why->ring = mem_alloc(WHY_EVENTS_MAX * sizeof *why->ring);
    why->count = 0;
}

void why_free(struct why *why)
{
    mem_free(why->ring);
    *why = (struct why){0};
}

/* --- Recording ----------------------------------------------------------------------------- */

static void keep(struct why *why, const struct gossip_event *event, struct why_event kept)
{
    kept.wall_ms = event->wall_ms;
    kept.kind = event->kind;
    why->ring[why->count++ % WHY_EVENTS_MAX] = kept;
}

static void record_peer(struct why *why, const struct gossip_event *event)
{
    struct why_event kept = {
        .detail = event->kind == GOSSIP_EVENT_PEER_DOWN ? event->peer.reason : 0,
        .node = event->peer.home,
        .epoch = event->peer.epoch,
        .number = event->peer.version,
    };

    if (event->peer.record == NULL)
        return;
    struct span peer_id = statement_peer_id_of(blob_span(event->peer.record));
    assert(peer_id.len <= sizeof kept.peer_id);
    kept.peer_id_bytes = (uint32_t)peer_id.len;
    memcpy(kept.peer_id, peer_id.data, peer_id.len);
    keep(why, event, kept);
}

/* A changed round trip is no news. */
static void record_member(struct why *why, const struct view *view,
                          const struct gossip_event *event)
{
    const struct view_member *known = view_member_find(view, event->member.tag);

    if (known != NULL && known->state == event->member.state &&
        known->epoch == event->member.epoch && known->incarnation == event->member.incarnation)
        return;
    keep(why, event,
         (struct why_event){
             .detail = event->member.state,
             .node = event->member.tag,
             .epoch = event->member.epoch,
             .number = event->member.incarnation,
         });
}

static void record_log(struct why *why, const struct view *view, const struct gossip_event *event)
{
    for (size_t i = 0; i < view->home_count; i++) {
        const struct view_home *home = view->homes[i];

        if (home->tag == event->log.tag && home->epoch == event->log.epoch && home->has_log &&
            home->log_state == event->log.state && !event->log.is_gone)
            return;
    }
    keep(why, event,
         (struct why_event){
             .detail = event->log.is_gone ? LOG_EQUIVOCATING + 1u : event->log.state,
             .node = event->log.tag,
             .epoch = event->log.epoch,
             .number = event->log.applied,
         });
}

static void record_accusation(struct why *why, const struct gossip_event *event)
{
    keep(why, event,
         (struct why_event){
             .node = event->accused.subject,
             .accuser = event->accused.accuser,
             .epoch = event->accused.epoch,
             .number = event->accused.incarnation,
             .accusers = event->accused.accusers,
         });
}

void why_record(struct why *why, const struct view *view, const struct gossip_event *event)
{
    struct why_event own = {.node = view->own_tag, .epoch = view->status.epoch};

    switch (event->kind) {
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE:
    case GOSSIP_EVENT_PEER_DOWN: record_peer(why, event); break;
    case GOSSIP_EVENT_MEMBER: record_member(why, view, event); break;
    case GOSSIP_EVENT_LOG: record_log(why, view, event); break;
    case GOSSIP_EVENT_ACCUSED: record_accusation(why, event); break;
    case GOSSIP_EVENT_HOME:
        own = (struct why_event){
            .detail = event->home.standing, .node = event->home.tag, .epoch = event->home.epoch};
        keep(why, event, own);
        break;
    case GOSSIP_EVENT_CONFLICT:
        own = (struct why_event){.detail = event->conflict.what, .node = event->conflict.tag};
        keep(why, event, own);
        break;
    case GOSSIP_EVENT_JOINED:
    case GOSSIP_EVENT_ALONE:
    case GOSSIP_EVENT_LEFT: keep(why, event, own); break;
    default: break; /* heartbeats, replies and reports tell nothing about a reason */
    }
}

/* --- Telling ------------------------------------------------------------------------------- */

static const char *peer_event_text(const struct why_event *event)
{
    if (event->kind == GOSSIP_EVENT_PEER_UP)
        return "became visible";
    if (event->kind == GOSSIP_EVENT_PEER_UPDATE)
        return "its record was replaced";
    switch ((enum peer_down_reason)event->detail) {
    case PEER_DOWN_EXPIRED: return "expired: no heartbeat reached its home within its ttl";
    case PEER_DOWN_DEREGISTERED: return "was deregistered by its client";
    case PEER_DOWN_MOVED: return "moved: another home has the newer record";
    case PEER_DOWN_ORPHAN_GRACE: return "hidden: its home is gone for longer than the grace";
    case PEER_DOWN_SWEPT: return "swept: its home no longer holds it";
    default: return "went";
    }
}

static const char *member_text(enum member_state state)
{
    switch (state) {
    case MEMBER_ALIVE: return "is alive";
    case MEMBER_SUSPECT: return "is suspected: it may still refute";
    case MEMBER_UNREACHABLE:
        return "is unreachable from here: too few others agree that it is dead";
    case MEMBER_DEAD: return "was declared dead by a quorum";
    case MEMBER_LEFT: return "has left, as it said itself";
    default: return "was forgotten";
    }
}

static const char *home_text(enum home_standing standing)
{
    switch (standing) {
    case HOME_VOUCHES: return "its word about its peers is current here";
    case HOME_DOUBTED: return "is suspected: its peers stay, their last_seen stands still";
    default: return "its word counts no more here: its peers are orphaned";
    }
}

static const char *log_text_of(unsigned state)
{
    switch (state) {
    case LOG_BEHIND: return "we are behind its log, and pulling";
    case LOG_PROVED: return "our copy of its log is proved equal";
    case LOG_DIVERGED: return "our copy of its log differs: being repaired";
    case LOG_EQUIVOCATING: return "it signed two different heads of one version: frozen";
    default: return "its log was dropped";
    }
}

static const char *own_text(const struct why_event *event)
{
    if (event->kind == GOSSIP_EVENT_JOINED)
        return "a seed answered";
    if (event->kind == GOSSIP_EVENT_ALONE)
        return "no seed answered in time: started alone, still trying";
    return "has left the cluster";
}

static const char *conflict_text(unsigned what)
{
    switch (what) {
    case CONFLICT_NAME: return "its name is in use by another live node";
    case CONFLICT_KEY_IN_USE: return "its key is in use elsewhere";
    default: return "its key runs elsewhere with a higher epoch";
    }
}

static const char *event_text(const struct why_event *event)
{
    switch (event->kind) {
    case GOSSIP_EVENT_MEMBER: return member_text((enum member_state)event->detail);
    case GOSSIP_EVENT_HOME: return home_text((enum home_standing)event->detail);
    case GOSSIP_EVENT_LOG: return log_text_of(event->detail);
    case GOSSIP_EVENT_ACCUSED: return "accused";
    case GOSSIP_EVENT_CONFLICT: return conflict_text(event->detail);
    case GOSSIP_EVENT_JOINED:
    case GOSSIP_EVENT_ALONE:
    case GOSSIP_EVENT_LEFT: return own_text(event);
    default: return peer_event_text(event);
    }
}

static const char *event_name(const struct why_event *event)
{
    static const char *const homes[] = {"home.vouches", "home.doubted", "home.gone"};
    static const char *const logs[] = {"log.behind", "log.proved", "log.diverged",
                                       "log.equivocating", "log.dropped"};
    static const char *const members[] = {"member.alive", "member.suspect", "member.unreachable",
                                          "member.dead",  "member.left",    "member.forgotten"};

    switch (event->kind) {
    case GOSSIP_EVENT_MEMBER: return members[event->detail];
    case GOSSIP_EVENT_HOME: return homes[event->detail];
    case GOSSIP_EVENT_LOG: return logs[event->detail];
    case GOSSIP_EVENT_ACCUSED: return "member.accused";
    case GOSSIP_EVENT_CONFLICT: return "member.conflict";
    case GOSSIP_EVENT_JOINED: return "node.joined";
    case GOSSIP_EVENT_ALONE: return "node.alone";
    case GOSSIP_EVENT_LEFT: return "node.left";
    case GOSSIP_EVENT_PEER_UP: return "peer.up";
    case GOSSIP_EVENT_PEER_UPDATE: return "peer.update";
    default: return "peer.down";
    }
}

static void put_text(const struct why_event *event, const struct view *view,
                     struct json_writer *json)
{
    char text[WHY_TEXT_MAX_BYTES], room[17];
    struct span by = view_node_name(view, event->accuser, room);
    int len = 0;

    if (event->kind == GOSSIP_EVENT_ACCUSED)
        len = snprintf(text, sizeof text, "accused by %.*s: %u accuse it now", (int)by.len,
                       (const char *)by.data, (unsigned)event->accusers);
    if (len > 0)
        writer_put_text(json, "text", span_of(text, strlen(text)));
    else
        writer_put_string(json, "text", event_text(event));
}

static void event_put(const struct why_event *event, const struct view *view,
                      struct json_writer *json)
{
    char time[TIME_TEXT_ISO_BYTES], room[17];
    bool is_peer = event->peer_id_bytes > 0;

    writer_object_open(json);
    writer_put_string(json, "time", time_text_iso(event->wall_ms * 1000, time));
    writer_put_string(json, "event", event_name(event));
    put_text(event, view, json);
    if (is_peer)
        writer_put_text(json, "peer_id", span_of(event->peer_id, event->peer_id_bytes));
    writer_put_text(json, is_peer ? "home" : "node", view_node_name(view, event->node, room));
    if (event->kind == GOSSIP_EVENT_ACCUSED)
        writer_put_text(json, "by", view_node_name(view, event->accuser, room));
    writer_put_number(json, "epoch", event->epoch);
    if (is_peer || event->kind == GOSSIP_EVENT_LOG)
        writer_put_number(json, "version", event->number);
    else if (event->kind == GOSSIP_EVENT_MEMBER || event->kind == GOSSIP_EVENT_ACCUSED)
        writer_put_number(json, "incarnation", event->number);
    writer_object_close(json);
}

static bool event_is_about(const struct why_event *event, struct span peer_id,
                           const struct view_member *node)
{
    if (event->peer_id_bytes > 0)
        return span_equal(span_of(event->peer_id, event->peer_id_bytes), peer_id);
    return node != NULL && event->node == node->tag;
}

size_t why_put(const struct why *why, const struct view *view, struct span peer_id,
               const struct view_member *node, struct json_writer *json)
{
    uint64_t at = why->count > WHY_EVENTS_MAX ? why->count - WHY_EVENTS_MAX : 0;
    size_t found = 0;

    writer_array_open(json);
    for (; at < why->count; at++) {
        const struct why_event *event = &why->ring[at % WHY_EVENTS_MAX];

        if (!event_is_about(event, peer_id, node))
            continue;
        event_put(event, view, json);
        found++;
    }
    writer_array_close(json);
    return found;
}
