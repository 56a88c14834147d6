// SPDX-License-Identifier: Apache-2.0
/* fuzz_statement.c - statements from strangers: bounded, never admitted; what is read can be said
 *
 * The input is a statement, signature included. Every reader sees it. What one accepts is encoded
 * again, and must be read to the same.
 */
#include "gossip/statement.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct key_pair pair;
static struct sign_scope scope;

static void require(int truth)
{
    if (!truth)
        abort();
}

/* The struct is encoded, read and encoded once more: nothing may get lost or change. */
#define READ_AND_SAY(noun, kind)                                                    \
    do {                                                                            \
        struct noun noun;                                                           \
        if (!statement_read_##noun(bytes, &noun))                                   \
            break;                                                                  \
        require(statement_kind_of(bytes) == (kind));                                \
        struct blob *first = statement_of_##noun(&noun, &pair, &scope);             \
        require(first != NULL && first->len <= bytes.len);                          \
        require(statement_read_##noun(blob_span(first), &noun));                    \
        struct blob *second = statement_of_##noun(&noun, &pair, &scope);            \
        require(second != NULL && span_equal(blob_span(first), blob_span(second))); \
        blob_release(first);                                                        \
        blob_release(second);                                                       \
        readers++;                                                                  \
    } while (0)

static void read_with_all(struct span bytes)
{
    unsigned readers = 0;

    READ_AND_SAY(alive, STATEMENT_ALIVE);
    READ_AND_SAY(left, STATEMENT_LEFT);
    READ_AND_SAY(accusation, STATEMENT_ACCUSATION);
    READ_AND_SAY(record, STATEMENT_RECORD);
    READ_AND_SAY(deletion, STATEMENT_DELETION);
    READ_AND_SAY(head, STATEMENT_HEAD);
    READ_AND_SAY(command, STATEMENT_COMMAND);
    require(readers <= 1);
}

/* What is asked of bytes that were read before is what the readers, which check everything, say,
 * however they are encoded. */
static void ask_again(struct span bytes)
{
    struct record record;
    struct deletion deletion;
    bool is_record = statement_read_record(bytes, &record);

    if (!is_record && !statement_read_deletion(bytes, &deletion))
        return;
    struct statement_order order = statement_order_of(bytes);
    require(span_equal(order.peer_id, statement_peer_id_of(bytes)));
    require(span_equal(order.peer_id, is_record ? record.peer.peer_id : deletion.peer_id));
    require(order.version == (is_record ? record.version : deletion.version));
    require(order.seq == (is_record ? record.seq : deletion.seq));
}

static void forge(struct span bytes)
{
    enum statement_kind kind = statement_kind_of(bytes);

    require(kind <= STATEMENT_COMMAND);
    if (kind != 0)
        require(statement_admit(NULL, bytes, kind, &pair.public, &scope) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {42};

    if (pair.secret[0] == 0) {
        require(key_library_init());
        key_pair_from_seed(seed, &pair);
        sign_scope_of("fuzz", &scope);
    }
    uint8_t *copy = guard_copy(data, size);
    read_with_all(span_of(copy, size));
    ask_again(span_of(copy, size));
    forge(span_of(copy, size));
    guard_free(copy, size);
    return 0;
}
