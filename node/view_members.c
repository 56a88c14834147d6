// SPDX-License-Identifier: Apache-2.0
/* view_members.c - the view's members and homes */
#include "node/view_members.h"

#include <assert.h>
#include <string.h>

#include "crypto/hex.h"
#include "gossip/mem.h"

/* Both arrays are sorted; they change with the cluster's membership, not with its peers. */
static void *array_insert(void *array, size_t *count, size_t *capacity, size_t at, void *item)
{
    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 8 : 2 * *capacity;
        array = mem_resize(array, *capacity * sizeof(void *));
    }
    char *place = (char *)array + at * sizeof(void *);
    memmove(place + sizeof(void *), place, (*count - at) * sizeof(void *));
    memcpy(place, &item, sizeof item);
    ++*count;
    return array;
}

static void array_remove(void *array, size_t *count, size_t at)
{
    char *place = (char *)array + at * sizeof(void *);

    assert(at < *count);
    --*count;
    memmove(place, place + sizeof(void *), (*count - at) * sizeof(void *));
}

/* --- Homes --------------------------------------------------------------------------------- */

static bool home_is_below(const struct view_home *home, uint64_t tag, uint64_t epoch)
{
    return home->tag != tag ? home->tag < tag : home->epoch < epoch;
}

static size_t home_rank(const struct view *view, uint64_t tag, uint64_t epoch)
{
    size_t low = 0, high = view->home_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (home_is_below(view->homes[middle], tag, epoch))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct view_home *view_home_open(struct view *view, uint64_t tag, uint64_t epoch)
{
    size_t at = home_rank(view, tag, epoch);

    if (at < view->home_count && view->homes[at]->tag == tag && view->homes[at]->epoch == epoch)
        return view->homes[at];
    struct view_home *home = mem_alloc(sizeof *home);
    home->tag = tag;
    home->epoch = epoch;
    view->homes = array_insert(view->homes, &view->home_count, &view->home_capacity, at, home);
    return home;
}

void view_home_tidy(struct view *view, struct view_home *home)
{
    bool is_known = !home->log_is_gone && home->standing != HOME_VOUCHES;

    if (home->peer_count > 0 || home->has_log || is_known)
        return;
    size_t at = home_rank(view, home->tag, home->epoch);
    assert(view->homes[at] == home);
    array_remove(view->homes, &view->home_count, at);
    mem_free(home);
}

void view_on_home(struct view *view, const struct gossip_event *event)
{
    struct view_home *home = view_home_open(view, event->home.tag, event->home.epoch);

    home->standing = event->home.standing;
    home->since_wall_ms = event->home.since_wall_ms;
    if (home->peer_count > 0)
        view->generation++;
}

void view_on_log(struct view *view, const struct gossip_event *event)
{
    struct view_home *home = view_home_open(view, event->log.tag, event->log.epoch);

    home->has_log = !event->log.is_gone;
    home->log_is_gone = event->log.is_gone;
    home->log_state = event->log.state;
    home->applied = event->log.applied;
    home->head_version = event->log.head_version;
    home->live_count = event->log.live_count;
    view_home_tidy(view, home);
}

/* --- Members ------------------------------------------------------------------------------- */

static size_t member_rank(const struct view *view, uint64_t tag)
{
    size_t low = 0, high = view->member_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (view->members[middle]->tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct view_member *view_member_find(const struct view *view, uint64_t tag)
{
    size_t at = member_rank(view, tag);

    return at < view->member_count && view->members[at]->tag == tag ? view->members[at] : NULL;
}

static void member_free(struct view_member *member)
{
    blob_release(member->statement);
    mem_free(member);
}

static void member_forget(struct view *view, uint64_t tag)
{
    struct view_member *member = view_member_find(view, tag);

    if (member == NULL)
        return;
    array_remove(view->members, &view->member_count, member_rank(view, tag));
    member_free(member);
}

static struct view_member *member_open(struct view *view, uint64_t tag)
{
    struct view_member *member = view_member_find(view, tag);

    if (member != NULL)
        return member;
    member = mem_alloc(sizeof *member);
    member->tag = tag;
    view->members = array_insert(view->members, &view->member_count, &view->member_capacity,
                                 member_rank(view, tag), member);
    return member;
}

static void member_speak(struct view_member *member, struct blob *statement)
{
    struct alive alive;

    if (statement == NULL || !statement_read_alive(blob_span(statement), &alive))
        return;
    blob_retain(statement);
    blob_release(member->statement);
    member->statement = statement;
    member->alive = alive;
}

void view_on_member(struct view *view, const struct gossip_event *event)
{
    if (event->member.state == MEMBER_FORGOTTEN) {
        member_forget(view, event->member.tag);
        return;
    }
    struct view_member *member = member_open(view, event->member.tag);
    struct span name = member->alive.name;
    bool is_renamed;

    member->state = event->member.state;
    member->epoch = event->member.epoch;
    member->incarnation = event->member.incarnation;
    member->rtt_us = event->member.rtt_us;
    member->is_self = event->member.is_self;
    if (event->member.alive == NULL || event->member.alive == member->statement)
        return;
    struct blob *old = member->statement != NULL ? blob_retain(member->statement) : NULL;
    member_speak(member, event->member.alive);
    is_renamed = !span_equal(name, member->alive.name);
    blob_release(old);
    if (is_renamed)
        view->generation++; /* answers name homes */
}

static bool member_is(const struct view_member *member, struct span name)
{
    uint8_t bytes[KEY_PUBLIC_BYTES];

    if (span_equal(member->alive.name, name))
        return true;
    if (name.len == 16 && hex_decode((const char *)name.data, name.len, bytes, 8)) {
        uint64_t tag = 0;

        for (int i = 0; i < 8; i++)
            tag = tag << 8 | bytes[i];
        return tag == member->tag;
    }
    return name.len == sizeof bytes * 2 && member->statement != NULL &&
           hex_decode((const char *)name.data, name.len, bytes, sizeof bytes) &&
           memcmp(bytes, member->alive.id.bytes, sizeof bytes) == 0;
}

struct view_member *view_member_named(const struct view *view, struct span name)
{
    struct view_member *found = NULL;

    for (size_t i = 0; i < view->member_count; i++) {
        struct view_member *member = view->members[i];

        if (member_is(member, name) && (found == NULL || member->state < found->state))
            found = member;
    }
    return found;
}

struct span view_node_name(const struct view *view, uint64_t tag, char room[17])
{
    const struct view_member *member = view_member_find(view, tag);
    uint8_t bytes[8];

    if (member != NULL && member->alive.name.len > 0)
        return member->alive.name;
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(tag >> (56 - 8 * i));
    hex_encode(bytes, sizeof bytes, room, 17);
    return span_of(room, 16);
}

void view_members_free(struct view *view)
{
    for (size_t i = 0; i < view->member_count; i++)
        member_free(view->members[i]);
    for (size_t i = 0; i < view->home_count; i++)
        mem_free(view->homes[i]);
    mem_free(view->members);
    mem_free(view->homes);
}
