// SPDX-License-Identifier: Apache-2.0
/* wire_shape.c - what each message type consists of: one table for reader and writer, so that the
 * two cannot drift apart, and a new message is one line. */
#include "gossip/wire_shape.h"

#include <assert.h>

static_assert(sizeof(struct wire_message) <= UINT8_MAX, "offsets in struct wire_field are bytes");

#define AT(kind, member)                                             \
    {                                                                \
        FIELD_##kind, (uint8_t)offsetof(struct wire_message, member) \
    }
#define IN_BATCH(kind, member)                                     \
    {                                                              \
        FIELD_##kind, (uint8_t)offsetof(struct wire_batch, member) \
    }

/* clang-format off */
static const struct wire_shape shapes[WIRE_TYPES] = {
    [WIRE_PING] = {3, {AT(UINT, probe.random), AT(UINT, probe.members_digest),
                       AT(UINT, probe.records_digest)}},
    [WIRE_ACK] = {3, {AT(UINT, probe.random), AT(UINT, probe.members_digest),
                      AT(UINT, probe.records_digest)}},
    [WIRE_PING_REQUEST] = {2, {AT(UINT, ping_request.random), AT(UINT, ping_request.target)}},
    [WIRE_NACK] = {1, {AT(UINT, nack.random)}},
    [WIRE_NEWS] = {1, {AT(BINS, news.statements)}},
    [WIRE_JOIN] = {3, {AT(BIN, join.statement), AT(UINT, join.request), AT(BIN, join.padding)}},
    [WIRE_JOIN_REPLY] = {5, {AT(UINT, join_reply.request), AT(UINT, join_reply.remembered_epoch),
                             AT(BIN_OR_NIL, join_reply.remembered),
                             AT(BIN, join_reply.seen_address), AT(BIN, join_reply.statement)}},
    [WIRE_MEMBERS_PULL] = {1, {AT(UINT, members_pull.after)}},
    [WIRE_MEMBERS] = {3, {AT(UINT, members.after), AT(UINT, members.through),
                          AT(LISTS, members.entries)}},
    [WIRE_MEMBERS_HASHES] = {2, {AT(UINT, hashes.flags), AT(UINTS, hashes.hashes)}},
    [WIRE_MEMBERS_LIST] = {3, {AT(UINT, list.flags), AT(UINT, list.buckets),
                               AT(LISTS, list.entries)}},
    [WIRE_SPREAD_BATCH] = {4, {AT(UINT, spread.token), AT(UINT, spread.arc_low),
                               AT(UINT, spread.arc_high), AT(BATCH, spread.batch)}},
    [WIRE_SPREAD_NEWS] = {4, {AT(UINT, spread.token), AT(UINT, spread.arc_low),
                              AT(UINT, spread.arc_high), AT(BINS, spread.statements)}},
    [WIRE_HOP_ACKS] = {1, {AT(UINTS, hop_acks.tokens)}},
    [WIRE_ANNOUNCE] = {1, {AT(LISTS, announce.entries)}},
    [WIRE_LOGS_HASHES] = {2, {AT(UINT, hashes.flags), AT(UINTS, hashes.hashes)}},
    [WIRE_LOGS_LIST] = {3, {AT(UINT, list.flags), AT(UINT, list.buckets),
                            AT(LISTS, list.entries)}},
    [WIRE_PULL] = {6, {AT(UINT, pull.request), AT(UINT, pull.home), AT(UINT, pull.epoch),
                       AT(UINT, pull.after), AT(UINT, pull.window_bytes),
                       AT(BOOL, pull.is_reset)}},
    [WIRE_RANGE] = {4, {AT(UINT, range.request), AT(BOOL, range.is_reset),
                        AT(BOOL, range.is_last), AT(BATCH, range.batch)}},
    [WIRE_HEAD_PULL] = {1, {AT(LISTS, announce.entries)}},
    [WIRE_ROOT_PULL] = {4, {AT(UINT, root_pull.request), AT(UINT, root_pull.home),
                            AT(UINT, root_pull.epoch), AT(UINT, root_pull.page)}},
    [WIRE_ROOT_PAGE] = {6, {AT(UINT, root_page.request), AT(UINT, root_page.home),
                            AT(UINT, root_page.epoch), AT(UINT, root_page.version),
                            AT(UINT, root_page.page), AT(UINTS, root_page.hashes)}},
    [WIRE_BUCKET_PULL] = {5, {AT(UINT, bucket_pull.request), AT(UINT, bucket_pull.home),
                              AT(UINT, bucket_pull.epoch), AT(UINT, bucket_pull.bucket),
                              AT(UINT, bucket_pull.after_index)}},
    [WIRE_BUCKET] = {8, {AT(UINT, bucket.request), AT(UINT, bucket.home), AT(UINT, bucket.epoch),
                         AT(UINT, bucket.version), AT(UINT, bucket.bucket),
                         AT(UINT, bucket.after_index), AT(BOOL, bucket.is_last),
                         AT(BINS, bucket.statements)}},
    [WIRE_FORWARD] = {1, {AT(BIN, forward.statement)}},
    [WIRE_FORWARD_REPLY] = {6, {AT(UINT, forward_reply.origin), AT(UINT, forward_reply.target),
                                AT(UINT, forward_reply.request), AT(UINT, forward_reply.result),
                                AT(UINT, forward_reply.expires_in_ms),
                                AT(UINT, forward_reply.seq)}},
};

const struct wire_shape wire_batch_shape = {
    7, {IN_BATCH(UINT, home), IN_BATCH(UINT, epoch), IN_BATCH(UINT, v0), IN_BATCH(UINT, v1),
        IN_BATCH(UINT, applied), IN_BATCH(UINT, floor), IN_BATCH(BINS, statements)}};
/* clang-format on */

const struct wire_shape *wire_shape_of(uint64_t type)
{
    if (type == 0 || type >= WIRE_TYPES)
        return NULL;
    assert(shapes[type].count > 0);
    return &shapes[type];
}
