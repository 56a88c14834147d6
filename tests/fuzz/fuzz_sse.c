// SPDX-License-Identifier: Apache-2.0
/* fuzz_sse.c - a stream of events from a node that may be none: the same in any pieces, and bounded
 *
 * The first byte says in what pieces the rest arrives. */
#include "tools/sse.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

/* Everything that was told, one after the other. */
struct told {
    char *text;
    size_t len;
    struct sse sse;
};

static void add(struct told *told, const char *text)
{
    size_t len = strlen(text) + 1;

    told->text = realloc(told->text, told->len + len);
    require(told->text != NULL);
    memcpy(told->text + told->len, text, len);
    told->len += len;
}

/* `bytes` is a copy of its own, so that reading past it is noticed. */
static void feed(struct told *told, const char *bytes, size_t len)
{
    enum sse_result result;

    while ((result = sse_feed(&told->sse, &bytes, &len)) == SSE_EVENT) {
        require(strlen(told->sse.name) <= SSE_NAME_MAX_BYTES && told->sse.data_len > 0);
        add(told, told->sse.name);
        add(told, told->sse.data);
        add(told, told->sse.id);
    }
    require(result == SSE_MORE && len == 0);
    require(told->sse.line_len <= SSE_EVENT_MAX_BYTES && strlen(told->sse.id) <= SSE_ID_MAX_BYTES);
    require(told->sse.retry_ms >= 0);
}

static void play(struct told *told, const uint8_t *data, size_t size, size_t step)
{
    for (size_t at = 0; at < size; at += step) {
        size_t len = size - at < step ? size - at : step;
        char *copy = malloc(len);

        require(copy != NULL);
        memcpy(copy, data + at, len);
        feed(told, copy, len);
        free(copy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole = {0}, pieces = {0};

    if (size < 2)
        return 0;
    play(&whole, data + 1, size - 1, size);
    play(&pieces, data + 1, size - 1, data[0] + 1u);
    require(whole.len == pieces.len);
    require(whole.len == 0 || memcmp(whole.text, pieces.text, whole.len) == 0);
    require(strcmp(whole.sse.id, pieces.sse.id) == 0);
    require(whole.sse.retry_ms == pieces.sse.retry_ms);
    sse_free(&whole.sse);
    sse_free(&pieces.sse);
    free(whole.text);
    free(pieces.text);
    return 0;
}
