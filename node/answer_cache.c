// SPDX-License-Identifier: Apache-2.0
/* answer_cache.c - whole answers to the queries asked lately */
#include "node/answer_cache.h"

#include <assert.h>
#include <string.h>

static void answer_drop(struct cached_answer *answer)
{
    answer_body_release(answer->body);
    answer->body = NULL;
    answer->kind = 0;
}

/* The place of this query, else an empty one, else the one unused for longest. */
static struct cached_answer *place_of(struct answer_cache *cache, enum answer_kind kind,
                                      struct span query)
{
    struct cached_answer *place = &cache->answers[0];

    for (size_t i = 0; i < ANSWER_CACHE_COUNT; i++) {
        struct cached_answer *answer = &cache->answers[i];

        if (answer->kind == kind && span_equal(span_of(answer->key, answer->key_len), query))
            return answer;
        if (place->kind != 0 && (answer->kind == 0 || answer->used_ms < place->used_ms))
            place = answer;
    }
    return place;
}

const struct cached_answer *answer_cache_find(struct answer_cache *cache, enum answer_kind kind,
                                              struct span query, uint64_t generation,
                                              uint64_t now_ms)
{
    struct cached_answer *answer = place_of(cache, kind, query);

    if (answer->kind != kind || answer->generation != generation ||
        now_ms - answer->made_ms >= ANSWER_CACHE_MS ||
        !span_equal(span_of(answer->key, answer->key_len), query))
        return NULL;
    answer->used_ms = now_ms;
    return answer;
}

void answer_cache_put(struct answer_cache *cache, const struct cached_answer *made,
                      struct span query)
{
    assert(made->kind != 0 && made->body != NULL);
    if (query.len > ANSWER_CACHE_KEY_BYTES)
        return;
    struct cached_answer *answer = place_of(cache, made->kind, query);
    answer_drop(answer);
    *answer = *made;
    answer_body_retain(answer->body);
    answer->used_ms = made->made_ms;
    answer->key_len = query.len;
    if (query.len > 0)
        memcpy(answer->key, query.data, query.len);
}

void answer_cache_sweep(struct answer_cache *cache, uint64_t now_ms)
{
    for (size_t i = 0; i < ANSWER_CACHE_COUNT; i++)
        if (now_ms - cache->answers[i].made_ms >= ANSWER_CACHE_MS)
            answer_drop(&cache->answers[i]);
}

void answer_cache_clear(struct answer_cache *cache)
{
    for (size_t i = 0; i < ANSWER_CACHE_COUNT; i++)
        answer_drop(&cache->answers[i]);
}
