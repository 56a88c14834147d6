// SPDX-License-Identifier: Apache-2.0
/* narrate.c - the core's events as log lines: what happened and why, in a few words */
#include "node/narrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gossip/mem.h"
#include "gossip/table.h"
#include "node/log.h"

#define TAG_TEXT_BYTES 17

/* What was last said about a member: only changes of state are news. */
struct known {
    uint64_t tag;
    enum member_state state;
    uint64_t epoch;
    char name[NODE_NAME_MAX_BYTES + 1];
    struct addr addr;
    struct known *next;
};

struct narrator {
    uint64_t self;
    struct table table; /* of `known`, by tag: tags are hashes already */
    struct known *first;
    bool was_told, was_converged, was_cut_off;
    struct log_limit drops[DROP_REASONS];
};

struct narrator *narrator_new(uint64_t self)
{
    struct narrator *narrator = mem_alloc(sizeof *narrator);

    narrator->self = self;
    return narrator;
}

void narrator_free(struct narrator *narrator)
{
    struct known *next;

    if (narrator == NULL)
        return;
    for (struct known *known = narrator->first; known != NULL; known = next) {
        next = known->next;
        mem_free(known);
    }
    table_free(&narrator->table);
    mem_free(narrator);
}

static const char *tag_text(uint64_t tag, char out[TAG_TEXT_BYTES])
{
    snprintf(out, TAG_TEXT_BYTES, "%016" PRIx64, tag);
    return out;
}

/* A copy that is NUL-terminated; `out` has room for `size`. */
static const char *span_text(struct span text, char *out, size_t size)
{
    size_t len = text.len < size ? text.len : size - 1;

    if (len > 0)
        memcpy(out, text.data, len);
    out[len] = '\0';
    return out;
}

/* --- Members --------------------------------------------------------------------------------- */

static struct known *known_find(struct narrator *narrator, uint64_t tag)
{
    size_t cursor = 0;

    return table_next(&narrator->table, tag, &cursor);
}

static const char *name_of(struct narrator *narrator, uint64_t tag)
{
    const struct known *known = known_find(narrator, tag);

    return tag == narrator->self ? "this node" : known != NULL ? known->name : "unknown";
}

static struct known *known_add(struct narrator *narrator, uint64_t tag)
{
    struct known *known = mem_alloc(sizeof *known);

    known->tag = tag;
    known->state = MEMBER_FORGOTTEN; /* so that any state is news */
    known->next = narrator->first;
    narrator->first = known;
    table_add(&narrator->table, tag, known);
    return known;
}

static void known_update(struct known *known, const struct blob *blob)
{
    struct alive alive;

    if (blob == NULL || !statement_read_alive(blob_span(blob), &alive))
        return;
    span_text(alive.name, known->name, sizeof known->name);
    known->addr = alive.addresses[0];
}

static void say_member(enum log_level level, const char *event, const char *message,
                       const struct known *known)
{
    char tag[TAG_TEXT_BYTES];

    log_say(level, event, message, log_text("name", known->name), log_addr("addr", &known->addr),
            log_text("id", tag_text(known->tag, tag)), log_number("epoch", known->epoch));
}

static void say_state(const struct known *known, enum member_state before)
{
    switch (known->state) {
    case MEMBER_ALIVE:
        if (before == MEMBER_SUSPECT)
            say_member(LOG_LEVEL_INFO, "member.refuted", "a suspected member is alive after all",
                       known);
        else
            say_member(LOG_LEVEL_INFO, "member.alive", "a member is alive", known);
        break;
    case MEMBER_SUSPECT:
        say_member(LOG_LEVEL_WARNING, "member.suspect",
                   "a member does not answer somebody; it has a few seconds to object", known);
        break;
    case MEMBER_UNREACHABLE:
        say_member(LOG_LEVEL_WARNING, "member.unreachable",
                   "a member does not answer us, and too few others say so to call it dead", known);
        break;
    case MEMBER_DEAD:
        say_member(LOG_LEVEL_WARNING, "member.dead",
                   "enough members say that this one does not answer; its peers are orphans",
                   known);
        break;
    case MEMBER_LEFT: say_member(LOG_LEVEL_INFO, "member.left", "a member has left", known); break;
    case MEMBER_FORGOTTEN:
        say_member(LOG_LEVEL_INFO, "member.forgotten", "a member gone for long is forgotten",
                   known);
        break;
    }
}

static void narrate_member(struct narrator *narrator, const struct gossip_event *event)
{
    struct known *known = known_find(narrator, event->member.tag);

    if (event->member.is_self)
        return;
    if (known == NULL)
        known = known_add(narrator, event->member.tag);
    known_update(known, event->member.alive);
    enum member_state before = known->state;
    bool is_news = known->state != event->member.state || known->epoch != event->member.epoch;
    known->state = event->member.state;
    known->epoch = event->member.epoch;
    if (is_news)
        say_state(known, before);
}

static void narrate_accused(struct narrator *narrator, const struct gossip_event *event)
{
    log_say(LOG_LEVEL_INFO, "member.accused", "a member says that another does not answer",
            log_text("accuser", name_of(narrator, event->accused.accuser)),
            log_text("subject", name_of(narrator, event->accused.subject)),
            log_number("accusers", event->accused.accusers));
}

static void narrate_conflict(struct narrator *narrator, const struct gossip_event *event)
{
    char tag[TAG_TEXT_BYTES];
    const char *id = tag_text(event->conflict.tag, tag);
    const struct addr *addr = &event->conflict.addr;

    switch (event->conflict.what) {
    case CONFLICT_NAME:
        log_say(LOG_LEVEL_ERROR, "conflict.name",
                "two live members have one name: give each its own --name", log_text("id", id),
                log_text("name", name_of(narrator, event->conflict.tag)), log_addr("addr", addr));
        break;
    case CONFLICT_KEY_IN_USE:
        log_say(LOG_LEVEL_ERROR, "conflict.key_in_use",
                "a node with our identity still answers at another address: is this a copy of its "
                "--data? Stop that one, or remove the file `identity` here",
                log_addr("addr", addr));
        break;
    case CONFLICT_KEY_HIGHER:
        log_say(LOG_LEVEL_ERROR, "conflict.key_higher",
                "a later start of our identity is running elsewhere: this node stops",
                log_addr("addr", addr));
        break;
    }
}

/* --- The record plane
 * ---------------------------------------------------------------------------------------- */

static const char *const down_reasons[] = {
    [PEER_DOWN_EXPIRED] = "expired", [PEER_DOWN_DEREGISTERED] = "deregistered",
    [PEER_DOWN_MOVED] = "moved",     [PEER_DOWN_ORPHAN_GRACE] = "orphan_grace",
    [PEER_DOWN_SWEPT] = "swept",
};

static void narrate_peer(struct narrator *narrator, const struct gossip_event *event)
{
    struct record record;
    char id[PEER_ID_MAX_BYTES + 1];
    const char *home = name_of(narrator, event->peer.home);

    if (!log_is_on(LOG_LEVEL_DEBUG) || event->peer.record == NULL ||
        !statement_read_record(blob_span(event->peer.record), &record))
        return;
    span_text(record.peer.peer_id, id, sizeof id);
    if (event->kind == GOSSIP_EVENT_PEER_DOWN)
        log_say(LOG_LEVEL_DEBUG, "peer.down", "a peer is gone", log_text("peer", id),
                log_text("home", home), log_text("reason", down_reasons[event->peer.reason]));
    else
        log_say(LOG_LEVEL_DEBUG, event->kind == GOSSIP_EVENT_PEER_UP ? "peer.up" : "peer.update",
                "a peer is here", log_text("peer", id), log_text("home", home),
                log_number("version", event->peer.version));
}

static void narrate_log(struct narrator *narrator, const struct gossip_event *event)
{
    enum log_state state = event->log.state;

    if (event->log.is_gone || (state != LOG_DIVERGED && state != LOG_EQUIVOCATING))
        return;
    log_say(LOG_LEVEL_WARNING, state == LOG_DIVERGED ? "log.diverged" : "log.equivocating",
            state == LOG_DIVERGED
                ? "our copy of a home's records differs from what it signed; fetching it again"
                : "a home has signed two different contents for one version: its log is frozen",
            log_text("home", name_of(narrator, event->log.tag)),
            log_number("version", event->log.applied));
}

static void narrate_status(struct narrator *narrator, const struct gossip_status *status)
{
    if (status->cut_off != narrator->was_cut_off)
        log_say(status->cut_off ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                status->cut_off ? "cut_off" : "reconnected",
                status->cut_off ? "no packet from anybody: judging nobody until that ends"
                                : "packets arrive again");
    if (!narrator->was_told || status->converged != narrator->was_converged)
        log_say(LOG_LEVEL_INFO, status->converged ? "converged" : "catching_up",
                status->converged ? "this node's view is up to date"
                                  : "this node's view is not up to date yet",
                log_number("members", status->members_alive),
                log_number("peers", status->peers_visible));
    narrator->was_told = true;
    narrator->was_cut_off = status->cut_off;
    narrator->was_converged = status->converged;
}

/* --- All events ------------------------------------------------------------------------------ */

void narrate_event(struct narrator *narrator, const struct gossip_event *event)
{
    switch (event->kind) {
    case GOSSIP_EVENT_MEMBER: narrate_member(narrator, event); break;
    case GOSSIP_EVENT_ACCUSED: narrate_accused(narrator, event); break;
    case GOSSIP_EVENT_CONFLICT: narrate_conflict(narrator, event); break;
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE:
    case GOSSIP_EVENT_PEER_DOWN: narrate_peer(narrator, event); break;
    case GOSSIP_EVENT_LOG: narrate_log(narrator, event); break;
    case GOSSIP_EVENT_STATUS: narrate_status(narrator, event->status); break;
    case GOSSIP_EVENT_JOINED:
        log_say(LOG_LEVEL_INFO, "joined", "a seed has answered",
                log_addr("seed", &event->joined.addr));
        break;
    case GOSSIP_EVENT_ALONE:
        log_say(LOG_LEVEL_WARNING, "alone",
                "no seed has answered: started alone, and still trying");
        break;
    case GOSSIP_EVENT_EPOCH:
        log_say(LOG_LEVEL_INFO, "epoch.raised", "the cluster remembers a later life of ours",
                log_number("epoch", event->epoch.epoch));
        break;
    case GOSSIP_EVENT_LEFT: log_say(LOG_LEVEL_INFO, "left", "the others know that we leave"); break;
    default: break;
    }
}

static const char *drop_message(enum gossip_drop reason)
{
    switch (reason) {
    case DROP_UNKNOWN_KEY:
        return "a packet sealed with another key, or of another cluster, was dropped: check "
               "--key-file and --cluster of the sender";
    case DROP_FORGED: return "a packet that does not authenticate was dropped";
    case DROP_VERSION: return "a packet that is none of ours, or of another version, was dropped";
    case DROP_MALFORMED: return "a packet of a member could not be read and was dropped";
    case DROP_BAD_SIGNATURE: return "a packet with a wrong signature was dropped";
    case DROP_CONFLICT: return "a packet of a node that claims another one's place was dropped";
    default: return NULL;
    }
}

void narrate_drop(struct narrator *narrator, enum gossip_drop reason, const struct addr *from,
                  uint64_t now_ms)
{
    const char *message = drop_message(reason);
    char event[64];
    uint64_t repeated;

    if (message == NULL || !log_limit_pass(&narrator->drops[reason], now_ms, &repeated))
        return;
    snprintf(event, sizeof event, "packet.%s", gossip_drop_name(reason));
    log_say(LOG_LEVEL_WARNING, event, message, log_addr("from", from),
            log_number("repeated", repeated));
}
