// SPDX-License-Identifier: Apache-2.0
/* observe.c - events into the naive view */
#include "sim/observe.h"

#include "sim/memory.h"

#include <assert.h>

static size_t tag_number(struct intern *tags, uint64_t tag)
{
    return intern_add(tags, span_of(&tag, sizeof(tag)));
}

static struct broken on_member(struct observer *observer, const struct gossip_event *event,
                               uint64_t now_us, struct intern *tags)
{
    size_t number = tag_number(tags, event->member.tag);
    const struct seen_member *before = observe_member(observer, number);
    bool is_older =
        event->member.epoch < before->epoch ||
        (event->member.epoch == before->epoch && event->member.incarnation < before->incarnation);

    if (before->is_known && before->state != MEMBER_FORGOTTEN && is_older)
        return (struct broken){I5, "a member's (epoch, incarnation) went back"};
    if (before->is_known && before->state == event->member.state &&
        before->epoch == event->member.epoch && before->incarnation == event->member.incarnation)
        return (struct broken){0}; /* only its round-trip time: nothing to write */
    observer->members.item_bytes = sizeof(struct seen_member);
    struct seen_member *member = pages_write(&observer->members, number);
    if (!member->is_known || member->state != event->member.state ||
        member->epoch != event->member.epoch) {
        member->since_us = now_us;
        if (event->member.state == MEMBER_DEAD && member->deaths < UINT16_MAX)
            member->deaths++;
    }
    bool was_well = !member->is_known || member->state <= MEMBER_SUSPECT;
    if (was_well != (event->member.state <= MEMBER_SUSPECT) && member->turns < UINT16_MAX)
        member->turns++;
    observer->voters -= member->is_known && member->state < MEMBER_DEAD;
    observer->voters += event->member.state < MEMBER_DEAD;
    member->is_known = true;
    member->state = (uint8_t)event->member.state;
    member->epoch = event->member.epoch;
    member->incarnation = event->member.incarnation;
    return (struct broken){0};
}

/* What a visible peer adds to the digest of the naive view. */
static uint64_t look_of(size_t number, const struct seen_peer *peer)
{
    uint64_t words[] = {number, peer->home, peer->epoch, peer->version}, hash = 7;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        hash = (hash ^ words[i]) * UINT64_C(0xbf58476d1ce4e5b9);
        hash ^= hash >> 29;
    }
    return hash;
}

static struct seen_peer *peer_of_record(struct observer *observer, const struct blob *blob,
                                        struct intern *peer_ids, size_t *number)
{
    struct record record;

    if (blob == NULL || !statement_read_record(blob_span(blob), &record))
        return NULL;
    *number = intern_add(peer_ids, record.peer.peer_id);
    observer->peers =
        memory_reach(observer->peers, &observer->peer_capacity, *number, sizeof(*observer->peers));
    return &observer->peers[*number];
}

static struct broken on_peer_down(struct observer *observer, const struct gossip_event *event,
                                  uint64_t now_us, struct intern *peer_ids)
{
    size_t number = 0;
    struct seen_peer *peer = peer_of_record(observer, event->peer.record, peer_ids, &number);

    if (peer == NULL)
        return (struct broken){I17, "PEER_DOWN without a record"};
    if (!peer->is_visible)
        return (struct broken){I17, "PEER_DOWN of a peer that was not up"};
    observer->digest -= look_of(number, peer);
    observer->peers_visible--;
    peer->is_visible = false;
    peer->since_us = now_us;
    peer->downs++;
    peer->down_reason = (uint8_t)event->peer.reason;
    return (struct broken){0};
}

static struct broken on_peer_seen(struct observer *observer, const struct gossip_event *event,
                                  uint64_t now_us, struct intern *peer_ids)
{
    size_t number = 0;
    struct seen_peer *peer = peer_of_record(observer, event->peer.record, peer_ids, &number);
    bool is_up = event->kind == GOSSIP_EVENT_PEER_UP;

    if (peer == NULL)
        return (struct broken){I17, "PEER_UP or PEER_UPDATE without a record"};
    if (peer->is_visible == is_up)
        return (struct broken){I17, is_up ? "PEER_UP of a peer that was up"
                                          : "PEER_UPDATE of a peer that was not up"};
    if (is_up) {
        observer->peers_visible++;
        peer->is_visible = true;
        peer->since_us = now_us;
        peer->ups++;
    } else {
        observer->digest -= look_of(number, peer);
    }
    peer->changed_us = now_us;
    peer->home = event->peer.home;
    peer->epoch = event->peer.epoch;
    peer->version = event->peer.version;
    observer->digest += look_of(number, peer);
    return (struct broken){0};
}

static struct broken on_log(struct observer *observer, const struct gossip_event *event,
                            struct intern *tags)
{
    size_t number = tag_number(tags, event->log.tag);

    observer->logs.item_bytes = sizeof(struct seen_log);
    struct seen_log *log = pages_write(&observer->logs, number);
    if (event->log.is_gone || event->log.epoch < log->epoch) {
        log->is_known = log->is_known && event->log.epoch != log->epoch;
        return (struct broken){0};
    }
    if (log->is_known && log->epoch == event->log.epoch && event->log.applied < log->applied)
        return (struct broken){I1, "an applied version went back"};
    *log = (struct seen_log){event->log.epoch, event->log.applied, true};
    return (struct broken){0};
}

static void on_conflict(struct observer *observer, const struct gossip_event *event)
{
    observer->conflicts++;
    if (event->conflict.what != CONFLICT_NAME)
        observer->must_stop = true;
}

struct broken observe_event(struct observer *observer, const struct gossip_event *event,
                            uint64_t now_us, struct intern *tags, struct intern *peer_ids)
{
    struct broken broken = {0};

    switch (event->kind) {
    case GOSSIP_EVENT_MEMBER: return on_member(observer, event, now_us, tags);
    case GOSSIP_EVENT_PEER_UP:
    case GOSSIP_EVENT_PEER_UPDATE: broken = on_peer_seen(observer, event, now_us, peer_ids); break;
    case GOSSIP_EVENT_PEER_DOWN: broken = on_peer_down(observer, event, now_us, peer_ids); break;
    case GOSSIP_EVENT_LOG: return on_log(observer, event, tags);
    case GOSSIP_EVENT_STATUS:
        observer->status = *event->status;
        observer->has_status = true;
        return (struct broken){0};
    case GOSSIP_EVENT_CONFLICT: on_conflict(observer, event); return (struct broken){0};
    case GOSSIP_EVENT_JOINED: observer->is_joined = true; return (struct broken){0};
    case GOSSIP_EVENT_ALONE: observer->is_alone = true; return (struct broken){0};
    case GOSSIP_EVENT_LEFT: observer->has_left = true; return (struct broken){0};
    default: return (struct broken){0};
    }
    memcpy(observer->core_view_digest, event->peer.view_digest, sizeof(observer->core_view_digest));
    return broken;
}

void observe_as(struct observer *observer, const struct observer *from)
{
    pages_free(&observer->members);
    pages_copy(&observer->members, &from->members);
    observer->voters = from->voters;
    observer->is_joined = from->is_joined;
}

void observe_free(struct observer *observer)
{
    pages_free(&observer->members);
    free(observer->peers);
    pages_free(&observer->logs);
    *observer = (struct observer){0};
}

const struct seen_member *observe_member(const struct observer *observer, size_t number)
{
    static const struct seen_member unknown = {.state = MEMBER_FORGOTTEN};
    const struct seen_member *member = pages_read(&observer->members, number);

    return member == NULL || !member->is_known ? &unknown : member;
}

const struct seen_peer *observe_peer(const struct observer *observer, size_t number)
{
    static const struct seen_peer unknown = {.since_us = OBSERVE_NEVER};

    if (number >= observer->peer_capacity || observer->peers[number].ups == 0)
        return &unknown;
    return &observer->peers[number];
}
