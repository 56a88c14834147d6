// SPDX-License-Identifier: Apache-2.0
/* answer_cache.h - whole answers to the queries asked lately, so that most requests cost one copy
 *
 * An answer holds for as long as the view has not changed, and for a second at most: last_seen and
 * timestamp may lag by that much (docs/HTTP.md). */
#ifndef AURORA_NODE_ANSWER_CACHE_H
#define AURORA_NODE_ANSWER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/span.h"
#include "node/answer_body.h"

#define ANSWER_CACHE_COUNT     16
#define ANSWER_CACHE_KEY_BYTES 256 /* longer queries are answered anew each time */
#define ANSWER_CACHE_MS        1000
#define ANSWER_ETAG_BYTES      48

/* What a cached answer is about: the same query means different things to different routes. */
enum answer_kind { ANSWER_DISCOVER = 1, ANSWER_V1_PEERS };

struct cached_answer {
    enum answer_kind kind; /* 0: empty */
    size_t key_len;
    char key[ANSWER_CACHE_KEY_BYTES];
    uint64_t generation, made_ms, used_ms;
    bool is_cut;
    struct answer_body *body;
    char etag[ANSWER_ETAG_BYTES];
};

struct answer_cache {
    struct cached_answer answers[ANSWER_CACHE_COUNT];
};

/* NULL: none that still holds. Borrowed until the next call. */
const struct cached_answer *answer_cache_find(struct answer_cache *, enum answer_kind,
                                              struct span query, uint64_t generation,
                                              uint64_t now_ms);
/* Retains the body. Replaces the same query's answer, else the one unused for longest. */
void answer_cache_put(struct answer_cache *, const struct cached_answer *, struct span query);
/* Gives up what is too old to be used, now and then, so that an idle node holds nothing. */
void answer_cache_sweep(struct answer_cache *, uint64_t now_ms);
void answer_cache_clear(struct answer_cache *);

#endif
