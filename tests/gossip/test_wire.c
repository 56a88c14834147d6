// SPDX-License-Identifier: Apache-2.0
/* test_wire.c - what is written is what is read, and nothing that arrives can do more than be
 * dropped */
#include "gossip/wire.h"

#include "gossip/prng.h"
#include "tests/support/guard.h"

#include <criterion/criterion.h>
#include <malloc.h>

static uint8_t buffer[PACKET_PLAIN_MAX_BYTES];
static struct wire_writer writer;
static const struct wire_header header = {11, 12, 13, 14};

static void start(void)
{
    writer = (struct wire_writer){buffer, 0, sizeof buffer, false};
}

TestSuite(wire, .init = start);

/* --- Each element lands in its field: messages written by hand ----------------------------------
 */

static void put_text_number(unsigned number)
{
    static uint8_t bytes[20];

    bytes[number % 20] = (uint8_t)number;
    wire_put_bin(&writer, span_of(&bytes[number % 20], 1));
}

/* u: the uint 100 + its place; b: true; s: one byte of that number; n: nil; U, S, L: a list of one
 * uint, bin, list; B: a batch of 201 to 206 with an S of 107. */
static void put_element(char kind, unsigned number)
{
    switch (kind) {
    case 'u': wire_put_uint(&writer, number); break;
    case 'b': wire_put_bool(&writer, true); break;
    case 's': put_text_number(number); break;
    case 'n': wire_put_nil(&writer); break;
    case 'U':
    case 'S':
    case 'L':
        wire_put_array(&writer, 1);
        put_element(kind == 'U' ? 'u' : kind == 'S' ? 's' : 'U', number);
        break;
    case 'B':
        wire_put_array(&writer, 7);
        for (unsigned i = 201; i <= 206; i++)
            wire_put_uint(&writer, i);
        put_element('S', 107);
        break;
    default: cr_assert_fail("%c", kind);
    }
}

static enum wire_next read_only(struct wire_message *message)
{
    uint8_t *plain = guard_copy(buffer, writer.len);
    struct wire_reader reader;
    struct wire_header read;

    cr_assert(wire_read_header(&reader, span_of(plain, writer.len), &read));
    enum wire_next next = wire_read_next(&reader, message);
    /* The guard page goes with the test's process: spans in `message` stay good until then. */
    return next;
}

static struct wire_message message_of(enum wire_type type, const char *kinds)
{
    struct wire_message message, short_one;
    uint32_t count = (uint32_t)strlen(kinds);

    for (unsigned missing = 0; missing <= 1; missing++) {
        start();
        wire_write_header(&writer, &header);
        wire_put_array(&writer, 1 + count - missing);
        wire_put_uint(&writer, type);
        for (unsigned i = 0; i < count - missing; i++)
            put_element(kinds[i], 101 + i);
        cr_assert_eq(read_only(missing ? &short_one : &message),
                     missing ? WIRE_NEXT_BAD : WIRE_NEXT_MESSAGE, "type %d", type);
    }
    cr_assert_eq(message.type, type);
    return message;
}

#define EQ(actual, expected) cr_assert_eq(actual, expected, "%s", #actual)
#define BIN(actual, expected) \
    cr_assert((actual).len == 1 && (actual).data[0] == (expected), "%s", #actual)

static void expect_uints(struct wire_list list, uint64_t expected)
{
    uint64_t value;

    EQ(list.count, 1U);
    cr_assert(wire_list_uint(&list, &value));
    EQ(value, expected);
    cr_assert_not(wire_list_uint(&list, &value));
}

static void expect_bins(struct wire_list list, uint8_t expected)
{
    struct span value;

    EQ(list.count, 1U);
    cr_assert(wire_list_bin(&list, &value));
    BIN(value, expected);
    cr_assert_not(wire_list_bin(&list, &value));
}

static void expect_lists(struct wire_list list, uint64_t expected)
{
    struct wire_list inner;

    EQ(list.count, 1U);
    cr_assert(wire_list_list(&list, &inner));
    expect_uints(inner, expected);
    cr_assert_not(wire_list_list(&list, &inner));
}

static void expect_batch(struct wire_batch batch)
{
    EQ(batch.home, 201U);
    EQ(batch.epoch, 202U);
    EQ(batch.v0, 203U);
    EQ(batch.v1, 204U);
    EQ(batch.applied, 205U);
    EQ(batch.floor, 206U);
    expect_bins(batch.statements, 107);
}

Test(wire, elements_of_probes_land_in_their_fields)
{
    for (enum wire_type type = WIRE_PING; type <= WIRE_ACK; type++) {
        struct wire_message m = message_of(type, "uuu");
        EQ(m.probe.random, 101U);
        EQ(m.probe.members_digest, 102U);
        EQ(m.probe.records_digest, 103U);
    }
    struct wire_message m = message_of(WIRE_PING_REQUEST, "uu");
    EQ(m.ping_request.random, 101U);
    EQ(m.ping_request.target, 102U);
    EQ(message_of(WIRE_NACK, "u").nack.random, 101U);
}

Test(wire, elements_of_joining_land_in_their_fields)
{
    struct wire_message m = message_of(WIRE_JOIN, "sus");
    BIN(m.join.statement, 101);
    EQ(m.join.request, 102U);
    BIN(m.join.padding, 103);
    m = message_of(WIRE_JOIN_REPLY, "uusss");
    EQ(m.join_reply.request, 101U);
    EQ(m.join_reply.remembered_epoch, 102U);
    BIN(m.join_reply.remembered, 103);
    BIN(m.join_reply.seen_address, 104);
    BIN(m.join_reply.statement, 105);
    m = message_of(WIRE_JOIN_REPLY, "uunss");
    EQ(m.join_reply.remembered.len, 0U);
    BIN(m.join_reply.seen_address, 104);
}

Test(wire, elements_of_membership_land_in_their_fields)
{
    expect_bins(message_of(WIRE_NEWS, "S").news.statements, 101);
    EQ(message_of(WIRE_MEMBERS_PULL, "u").members_pull.after, 101U);
    struct wire_message m = message_of(WIRE_MEMBERS, "uuL");
    EQ(m.members.after, 101U);
    EQ(m.members.through, 102U);
    expect_lists(m.members.entries, 103);
    m = message_of(WIRE_MEMBERS_HASHES, "uU");
    EQ(m.hashes.flags, 101U);
    expect_uints(m.hashes.hashes, 102);
    m = message_of(WIRE_MEMBERS_LIST, "uuL");
    EQ(m.list.flags, 101U);
    EQ(m.list.buckets, 102U);
    expect_lists(m.list.entries, 103);
}

Test(wire, elements_of_spreading_land_in_their_fields)
{
    struct wire_message m = message_of(WIRE_SPREAD_BATCH, "uuuB");
    EQ(m.spread.token, 101U);
    EQ(m.spread.arc_low, 102U);
    EQ(m.spread.arc_high, 103U);
    expect_batch(m.spread.batch);
    m = message_of(WIRE_SPREAD_NEWS, "uuuS");
    EQ(m.spread.token, 101U);
    EQ(m.spread.arc_low, 102U);
    EQ(m.spread.arc_high, 103U);
    expect_bins(m.spread.statements, 104);
    expect_uints(message_of(WIRE_HOP_ACKS, "U").hop_acks.tokens, 101);
    expect_lists(message_of(WIRE_ANNOUNCE, "L").announce.entries, 101);
}

Test(wire, elements_of_comparing_and_pulling_land_in_their_fields)
{
    struct wire_message m = message_of(WIRE_LOGS_HASHES, "uU");
    EQ(m.hashes.flags, 101U);
    expect_uints(m.hashes.hashes, 102);
    m = message_of(WIRE_LOGS_LIST, "uuL");
    EQ(m.list.flags, 101U);
    EQ(m.list.buckets, 102U);
    expect_lists(m.list.entries, 103);
    m = message_of(WIRE_PULL, "uuuuub");
    EQ(m.pull.request, 101U);
    EQ(m.pull.home, 102U);
    EQ(m.pull.epoch, 103U);
    EQ(m.pull.after, 104U);
    EQ(m.pull.window_bytes, 105U);
    cr_assert(m.pull.is_reset);
    m = message_of(WIRE_RANGE, "ubbB");
    EQ(m.range.request, 101U);
    cr_assert(m.range.is_reset && m.range.is_last);
    expect_batch(m.range.batch);
    expect_lists(message_of(WIRE_HEAD_PULL, "L").announce.entries, 101);
}

Test(wire, elements_of_repairing_land_in_their_fields)
{
    struct wire_message m = message_of(WIRE_ROOT_PULL, "uuuu");
    EQ(m.root_pull.request, 101U);
    EQ(m.root_pull.home, 102U);
    EQ(m.root_pull.epoch, 103U);
    EQ(m.root_pull.page, 104U);
    m = message_of(WIRE_ROOT_PAGE, "uuuuuU");
    EQ(m.root_page.request, 101U);
    EQ(m.root_page.home, 102U);
    EQ(m.root_page.epoch, 103U);
    EQ(m.root_page.version, 104U);
    EQ(m.root_page.page, 105U);
    expect_uints(m.root_page.hashes, 106);
    m = message_of(WIRE_BUCKET_PULL, "uuuuu");
    EQ(m.bucket_pull.request, 101U);
    EQ(m.bucket_pull.home, 102U);
    EQ(m.bucket_pull.epoch, 103U);
    EQ(m.bucket_pull.bucket, 104U);
    EQ(m.bucket_pull.after_index, 105U);
    m = message_of(WIRE_BUCKET, "uuuuuubS");
    EQ(m.bucket.request, 101U);
    EQ(m.bucket.home, 102U);
    EQ(m.bucket.epoch, 103U);
    EQ(m.bucket.version, 104U);
    EQ(m.bucket.bucket, 105U);
    EQ(m.bucket.after_index, 106U);
    cr_assert(m.bucket.is_last);
    expect_bins(m.bucket.statements, 108);
}

Test(wire, elements_of_forwarding_land_in_their_fields)
{
    BIN(message_of(WIRE_FORWARD, "s").forward.statement, 101);
    struct wire_message m = message_of(WIRE_FORWARD_REPLY, "uuuuuu");
    EQ(m.forward_reply.origin, 101U);
    EQ(m.forward_reply.target, 102U);
    EQ(m.forward_reply.request, 103U);
    EQ(m.forward_reply.result, 104U);
    EQ(m.forward_reply.expires_in_ms, 105U);
    EQ(m.forward_reply.seq, 106U);
}

/* --- Whole packets
 * --------------------------------------------------------------------------------- */

static struct wire_message ping_of(uint64_t random)
{
    return (struct wire_message){.type = WIRE_PING, .probe = {random, 2, UINT64_MAX}};
}

/* A header, a PING, a SPREAD_BATCH with three statements, a LOGS_LIST: every kind of element. */
static void write_mixture(void)
{
    uint8_t scratch[300], entries[100];
    struct wire_writer list = {scratch, 0, sizeof scratch, false};
    struct wire_writer rows = {entries, 0, sizeof entries, false};
    struct wire_message ping = ping_of(1);

    for (int i = 0; i < 3; i++)
        wire_put_bin(&list, span_of(buffer, 70));
    for (uint64_t i = 0; i < 3; i++) {
        wire_put_array(&rows, 5);
        for (int j = 0; j < 5; j++)
            wire_put_uint(&rows, i << 20);
    }
    struct wire_message batch = {.type = WIRE_SPREAD_BATCH,
                                 .spread = {.token = 1,
                                            .arc_high = UINT64_MAX,
                                            .batch = {1, 2, 3, 6, 6, 0, wire_list_of(&list, 3)}}};
    struct wire_message logs = {.type = WIRE_LOGS_LIST,
                                .list = {1, 0xffffffff, wire_list_of(&rows, 3)}};
    start();
    wire_write_header(&writer, &header);
    cr_assert(wire_write_message(&writer, &ping));
    cr_assert(wire_write_message(&writer, &batch));
    cr_assert(wire_write_message(&writer, &logs));
}

/* Reads everything there is to read, lists included; -1: bad, else the number of known messages. */
static int walk(struct span plain)
{
    struct wire_reader reader;
    struct wire_header read;
    struct wire_message m;
    int known = 0;

    if (!wire_read_header(&reader, plain, &read))
        return -1;
    for (;;) {
        switch (wire_read_next(&reader, &m)) {
        case WIRE_NEXT_END: return known;
        case WIRE_NEXT_BAD:
            cr_assert_eq(wire_read_next(&reader, &m), WIRE_NEXT_END, "nothing after it is read");
            return -1;
        case WIRE_NEXT_SKIPPED: break;
        case WIRE_NEXT_MESSAGE: known++; break;
        }
    }
}

static int walk_guarded(const uint8_t *bytes, size_t len)
{
    uint8_t *plain = guard_copy(bytes, len);
    int known = walk(span_of(plain, len));

    guard_free(plain, len);
    return known;
}

Test(wire, header_comes_back)
{
    struct wire_reader reader;
    struct wire_header read, widest = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

    wire_write_header(&writer, &widest);
    cr_assert_eq(writer.len, (size_t)PACKET_HEADER_MAX_BYTES);
    cr_assert(wire_read_header(&reader, span_of(buffer, writer.len), &read));
    cr_assert(memcmp(&read, &widest, sizeof read) == 0);
    struct wire_message none;
    cr_assert_eq(wire_read_next(&reader, &none), WIRE_NEXT_END);
}

Test(wire, messages_follow_one_another)
{
    write_mixture();
    cr_assert_eq(walk_guarded(buffer, writer.len), 3);
}

Test(wire, packet_cut_anywhere_is_refused_whole)
{
    struct wire_reader reader;
    struct wire_header read;

    write_mixture();
    for (size_t len = 0; len < writer.len; len++) {
        uint8_t *plain = guard_copy(buffer, len);
        bool whole = wire_read_header(&reader, span_of(plain, len), &read);
        /* Between two messages a cut cannot be seen here; the seal's MAC sees it. */
        if (whole)
            cr_assert_geq(walk(span_of(plain, len)), 0, "%zu", len);
        guard_free(plain, len);
    }
    cr_assert_not(wire_read_header(&reader, span_of(buffer, writer.len - 1), &read));
}

Test(wire, hostile_bytes_neither_crash_nor_allocate)
{
    static const uint8_t seed[32] = {9};
    uint8_t bytes[sizeof buffer];
    struct prng prng;

    write_mixture();
    prng_seed(&prng, seed);
    size_t allocated = mallinfo2().uordblks;
    for (int round = 0; round < 100000; round++) {
        memcpy(bytes, buffer, writer.len);
        for (uint32_t flips = prng_below(&prng, 4) + 1; flips > 0; flips--)
            bytes[prng_below(&prng, (uint32_t)writer.len)] ^= (uint8_t)(1u << prng_below(&prng, 8));
        walk(span_of(bytes, writer.len));
    }
    cr_assert_eq(mallinfo2().uordblks, allocated);
}

Test(wire, flipped_bytes_never_lead_past_the_end)
{
    write_mixture();
    for (size_t at = 0; at < writer.len; at++) {
        uint8_t kept = buffer[at];
        static const uint8_t hostile[] = {0xff, 0xdd, 0xdf, 0xc6, 0xdb, 0xc9, 0xdc, 0x9f, 0xc1};
        for (size_t i = 0; i < sizeof hostile; i++) {
            buffer[at] = hostile[i];
            walk_guarded(buffer, writer.len);
        }
        buffer[at] = kept;
    }
}

Test(wire, five_bytes_that_claim_sixteen_million_elements_are_refused)
{
    static const uint8_t bomb[] = {0xdd, 0x00, 0xff, 0xff, 0xff};

    cr_assert_eq(walk_guarded(bomb, sizeof bomb), -1);
    wire_write_header(&writer, &header);
    memcpy(buffer + writer.len, bomb, sizeof bomb);
    cr_assert_eq(walk_guarded(buffer, writer.len + sizeof bomb), -1);
}

Test(wire, depth_bomb_is_refused)
{
    wire_write_header(&writer, &header);
    memset(buffer + writer.len, 0x91, sizeof buffer - writer.len);
    buffer[sizeof buffer - 1] = 1;
    cr_assert_eq(walk_guarded(buffer, sizeof buffer), -1);
}

/* A header of `start` bytes, then unknown messages [127] up to `len`. */
static int walk_filled(const uint8_t *head, size_t start_len, size_t len)
{
    uint8_t bytes[PACKET_PLAIN_MAX_BYTES + 1];

    memcpy(bytes, head, start_len);
    for (size_t i = start_len; i < len; i += 2) {
        bytes[i] = 0x91;
        bytes[i + 1] = 0x7f;
    }
    return walk_guarded(bytes, len);
}

Test(wire, longer_than_a_packet_is_refused)
{
    static const uint8_t five[] = {0x94, 1, 1, 1, 1}, six[] = {0x94, 1, 1, 1, 0xcc, 0x80};

    cr_assert_eq(walk_filled(six, 6, PACKET_PLAIN_MAX_BYTES - 1), 0);
    cr_assert_eq(walk_filled(five, 5, PACKET_PLAIN_MAX_BYTES), 0);
    cr_assert_eq(walk_filled(six, 6, PACKET_PLAIN_MAX_BYTES + 1), -1);
}

Test(wire, unknown_types_are_skipped_and_known_ones_after_them_read)
{
    struct wire_message ping = ping_of(5), read;
    struct wire_reader reader;
    struct wire_header head;

    wire_write_header(&writer, &header);
    wire_put_array(&writer, 3);
    wire_put_uint(&writer, WIRE_TYPES);
    wire_put_array(&writer, 0);
    wire_put_text(&writer, span_of_text("later"));
    cr_assert(wire_write_message(&writer, &ping));
    cr_assert(wire_read_header(&reader, span_of(buffer, writer.len), &head));
    cr_assert_eq(wire_read_next(&reader, &read), WIRE_NEXT_SKIPPED);
    cr_assert_eq(wire_read_next(&reader, &read), WIRE_NEXT_MESSAGE);
    cr_assert_eq(read.probe.random, 5U);
    cr_assert_eq(wire_read_next(&reader, &read), WIRE_NEXT_END);
}

Test(wire, elements_of_a_later_version_are_skipped)
{
    struct wire_message read;

    wire_put_array(&writer, 5);
    for (uint64_t i = 1; i <= 4; i++)
        wire_put_uint(&writer, i);
    wire_put_text(&writer, span_of_text("later"));
    wire_put_array(&writer, 4);
    wire_put_uint(&writer, WIRE_NACK);
    wire_put_uint(&writer, 77);
    wire_put_nil(&writer);
    wire_put_array(&writer, 0);
    cr_assert_eq(read_only(&read), WIRE_NEXT_MESSAGE);
    cr_assert_eq(read.nack.random, 77U);
}

Test(wire, range_that_ends_before_it_starts_is_bad)
{
    struct wire_message read;

    wire_write_header(&writer, &header);
    wire_put_array(&writer, 5);
    wire_put_uint(&writer, WIRE_RANGE);
    wire_put_uint(&writer, 1);
    wire_put_bool(&writer, false);
    wire_put_bool(&writer, true);
    wire_put_array(&writer, 7);
    static const uint64_t numbers[] = {1, 1, 9, 8, 8, 0};
    for (size_t i = 0; i < 6; i++)
        wire_put_uint(&writer, numbers[i]);
    wire_put_array(&writer, 0);
    cr_assert_eq(read_only(&read), WIRE_NEXT_BAD);
}

Test(wire, list_of_more_than_its_limit_is_bad_and_never_written)
{
    uint8_t scratch[WIRE_LIST_MAX + 1] = {0};
    struct wire_writer list = {scratch, sizeof scratch, sizeof scratch, false};
    struct wire_message acks = {.type = WIRE_HOP_ACKS}, read;

    wire_write_header(&writer, &header);
    size_t before = writer.len;
    acks.hop_acks.tokens = wire_list_of(&list, WIRE_LIST_MAX + 1);
    cr_assert_not(wire_write_message(&writer, &acks));
    cr_assert(writer.len == before && !writer.overflowed);
    wire_put_array(&writer, 2);
    wire_put_uint(&writer, WIRE_HOP_ACKS);
    wire_put_array(&writer, WIRE_LIST_MAX + 1);
    memcpy(buffer + writer.len, scratch, sizeof scratch);
    writer.len += sizeof scratch;
    cr_assert_eq(read_only(&read), WIRE_NEXT_BAD);
}

/* --- Bounded writing -----------------------------------------------------------------------------
 */

Test(wire, message_that_does_not_fit_leaves_the_writer_alone)
{
    struct wire_message ping = ping_of(UINT64_MAX);
    uint8_t *room = guard_copy(NULL, 30);

    for (size_t capacity = 0; capacity <= 30; capacity++) {
        struct wire_writer tight = {room + 30 - capacity, 0, capacity, false};
        bool fits = wire_write_message(&tight, &ping);
        cr_assert_eq(fits, capacity >= 21, "capacity %zu", capacity);
        cr_assert_eq(tight.len, fits ? 21U : 0U);
        cr_assert_not(tight.overflowed);
    }
    guard_free(room, 30);
}

Test(wire, element_that_does_not_fit_is_not_begun)
{
    uint8_t *room = guard_copy(NULL, 10);
    struct wire_writer tight = {room, 0, 10, false};

    wire_put_bin(&tight, span_of(buffer, 5));
    cr_assert_eq(tight.len, 7U);
    wire_put_bin(&tight, span_of(buffer, 2));
    cr_assert(tight.overflowed && tight.len == 7);
    wire_put_nil(&tight);
    cr_assert_eq(tight.len, 7U, "after an overflow nothing is written");
    tight.overflowed = false;
    wire_put_text(&tight, span_of_text("abc"));
    cr_assert(tight.overflowed && tight.len == 7);
    guard_free(room, 10);
}

Test(wire, largest_statement_fits_a_spread_in_one_packet)
{
    uint8_t statement[STATEMENT_MAX_BYTES] = {0}, scratch[STATEMENT_MAX_BYTES + 3];
    struct wire_writer list = {scratch, 0, sizeof scratch, false};
    const uint64_t most = UINT64_MAX;

    wire_put_bin(&list, span_of(statement, sizeof statement));
    struct wire_message spread = {
        .type = WIRE_SPREAD_BATCH,
        .spread = {.token = most,
                   .arc_low = most,
                   .arc_high = most,
                   .batch = {most, most, most, most, most, most, wire_list_of(&list, 1)}}};
    wire_write_header(&writer, &(struct wire_header){most, most, most, most});
    size_t before = writer.len;
    cr_assert(wire_write_message(&writer, &spread));
    cr_assert_leq(writer.len - before - sizeof statement, (size_t)SPREAD_OVERHEAD_MAX_BYTES);
    cr_assert_eq(walk(span_of(buffer, writer.len)), 1);
}

Test(wire, list_stays_where_it_is_before_an_element_of_another_kind)
{
    struct wire_list list, inner;
    uint64_t number;
    struct span bytes;

    wire_put_uint(&writer, 5);
    wire_put_bin(&writer, span_of_text("x"));
    wire_put_array(&writer, 0);
    list = wire_list_of(&writer, 3);
    cr_assert_not(wire_list_bin(&list, &bytes));
    cr_assert_not(wire_list_list(&list, &inner));
    cr_assert(wire_list_uint(&list, &number) && number == 5);
    cr_assert_not(wire_list_uint(&list, &number));
    cr_assert(wire_list_bin(&list, &bytes) && bytes.len == 1);
    cr_assert(wire_list_list(&list, &inner) && inner.count == 0);
    cr_assert_not(wire_list_list(&list, &inner));
    cr_assert_eq(list.rest.len, 0U);
}

/* --- Addresses
 * ------------------------------------------------------------------------------------- */

Test(wire, addresses_come_back)
{
    struct addr cases[] = {{ADDR_IPV4, {127, 0, 0, 1}, 4747},
                           {ADDR_IPV6, {0x20, 1, 0xd, 0xb8, [15] = 1}, 65535}};
    uint8_t bytes[18];

    for (size_t i = 0; i < 2; i++) {
        struct addr read;
        size_t len = wire_address_write(&cases[i], bytes);
        cr_assert_eq(len, i == 0 ? 6U : 18U);
        cr_assert(wire_address_read(span_of(bytes, len), &read));
        cr_assert(addr_equal(&cases[i], &read));
        cr_assert_not(wire_address_read(span_of(bytes, len - 1), &read));
    }
    cr_assert_not(wire_address_read(span_of(bytes, 0), &(struct addr){0}));
}
