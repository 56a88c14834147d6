// SPDX-License-Identifier: Apache-2.0
/* fuzz_wire.c - packets' plain text: bounded, and what is read can be written and read again
 *
 * The input is what a packet opens to. Everything in it is read, each list to its end. What was
 * read is written, and reading and writing that once more must change nothing.
 */
#include "gossip/wire.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

/* Every element is a uint, a bin or a list, or something else, at which a reader gives up. */
static void walk_list(struct wire_list list, unsigned depth)
{
    struct wire_list inner;
    struct span bytes;
    uint64_t number;

    require(depth < DEPTH_MAX);
    while (list.count > 0) {
        uint32_t before = list.count;
        if (wire_list_list(&list, &inner))
            walk_list(inner, depth + 1);
        else if (wire_list_bin(&list, &bytes))
            require(bytes.len <= PACKET_PLAIN_MAX_BYTES);
        else if (!wire_list_uint(&list, &number))
            return;
        require(list.count == before - 1);
    }
    require(list.rest.len == 0);
}

static void walk_message(const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_NEWS: walk_list(message->news.statements, 0); break;
    case WIRE_MEMBERS: walk_list(message->members.entries, 0); break;
    case WIRE_MEMBERS_HASHES:
    case WIRE_LOGS_HASHES: walk_list(message->hashes.hashes, 0); break;
    case WIRE_MEMBERS_LIST:
    case WIRE_LOGS_LIST: walk_list(message->list.entries, 0); break;
    case WIRE_SPREAD_BATCH: walk_list(message->spread.batch.statements, 0); break;
    case WIRE_SPREAD_NEWS: walk_list(message->spread.statements, 0); break;
    case WIRE_HOP_ACKS: walk_list(message->hop_acks.tokens, 0); break;
    case WIRE_ANNOUNCE:
    case WIRE_HEAD_PULL: walk_list(message->announce.entries, 0); break;
    case WIRE_RANGE: walk_list(message->range.batch.statements, 0); break;
    case WIRE_ROOT_PAGE: walk_list(message->root_page.hashes, 0); break;
    case WIRE_BUCKET: walk_list(message->bucket.statements, 0); break;
    default: break;
    }
}

/* Bytes written, or 0: the packet was not sound to its end. */
static size_t rewrite(struct span plain, uint8_t *out)
{
    struct wire_writer writer = {out, 0, PACKET_PLAIN_MAX_BYTES, false};
    struct wire_reader reader;
    struct wire_header header;
    struct wire_message message;
    enum wire_next next;

    if (!wire_read_header(&reader, plain, &header))
        return 0;
    wire_write_header(&writer, &header);
    while ((next = wire_read_next(&reader, &message)) != WIRE_NEXT_END) {
        if (next == WIRE_NEXT_BAD)
            return 0;
        if (next == WIRE_NEXT_SKIPPED)
            continue;
        walk_message(&message);
        /* The shortest form is no longer than what came. */
        require(wire_write_message(&writer, &message));
    }
    return writer.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t once[PACKET_PLAIN_MAX_BYTES], twice[PACKET_PLAIN_MAX_BYTES];
    uint8_t *plain = guard_copy(data, size);
    size_t len = rewrite(span_of(plain, size), once);

    guard_free(plain, size);
    if (len > 0) {
        require(rewrite(span_of(once, len), twice) == len);
        require(memcmp(once, twice, len) == 0);
    }
    return 0;
}
