// SPDX-License-Identifier: Apache-2.0
/* peers_answer.c - an answer that lists peers: from the cache when it may be, with its ETag */
#include "node/peers_answer.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/hex.h"
#include "node/view_text.h"

/* Weak: last_seen, timestamp and expires_in are outside of it. The digest tells the records; the
 * standing of homes, which /v1 shows, is in no digest. */
static void etag_write(const struct api *api, enum answer_kind kind, struct span query,
                       char out[ANSWER_ETAG_BYTES])
{
    struct hash_state state;
    struct hash hash;
    uint8_t head = (uint8_t)kind;

    hash_begin(&state, "etag");
    hash_update(&state, &head, 1);
    hash_update(&state, api->view.digest, sizeof api->view.digest);
    for (size_t i = 0; kind == ANSWER_V1_PEERS && i < api->view.home_count; i++) {
        const struct view_home *home = api->view.homes[i];
        uint64_t standing[3] = {home->tag, home->epoch, home->standing};

        if (home->peer_count > 0 && home->standing != HOME_VOUCHES)
            hash_update(&state, standing, sizeof standing);
    }
    hash_update(&state, query.data, query.len);
    hash_end(&state, &hash);
    memcpy(out, "W/\"", 3);
    hex_encode(hash.bytes, 16, out + 3, HEX_SIZE(16));
    memcpy(out + 3 + 32, "\"", 2);
}

/* "W/" says nothing here: a weak comparison is all that If-None-Match asks for (RFC 9110, section
 * 13.1.2). */
bool api_is_unchanged(const struct http_request *request, const char *etag)
{
    struct span list = request->headers[HEADER_IF_NONE_MATCH];
    size_t len = strlen(etag + 2);

    assert(memcmp(etag, "W/", 2) == 0);
    if (list.len == 1 && list.data[0] == '*')
        return true;
    for (size_t at = 0; at + len <= list.len; at++)
        if (memcmp(list.data + at, etag + 2, len) == 0)
            return true;
    return false;
}

static void answer_with(struct api *api, const struct http_request *request,
                        struct http_exchange *exchange, const struct cached_answer *cached)
{
    struct http_answer answer = {
        .status = 200,
        .is_about_peers = true,
        .is_cut = cached->is_cut,
        .etag = cached->etag,
    };

    if (request->headers[HEADER_IF_NONE_MATCH].len > 0 && api_is_unchanged(request, cached->etag))
        answer.status = 304;
    else
        answer.body = answer_body_retain(cached->body);
    api_answer(api, exchange, &answer);
}

bool peers_answer_cached(struct api *api, enum answer_kind kind, const struct http_request *request,
                         struct http_exchange *exchange)
{
    const struct cached_answer *cached = answer_cache_find(&api->cache, kind, request->query,
                                                           api->view.generation, api->now_mono_ms);

    if (cached == NULL) {
        stat_add(&api->stats->cache_misses, 1);
        return false;
    }
    stat_add(&api->stats->cache_hits, 1);
    answer_with(api, request, exchange, cached);
    return true;
}

void peers_answer_send(struct api *api, enum answer_kind kind, const struct http_request *request,
                       struct http_exchange *exchange, bool is_cut)
{
    bool has_room = api->bodies.bytes + api->scratch.len <= ANSWER_BODIES_MAX_BYTES;
    struct cached_answer made = {
        .kind = kind,
        .generation = api->view.generation,
        .made_ms = api->now_mono_ms,
        .is_cut = is_cut,
    };

    if (api->scratch.is_full || !has_room) {
        api_answer_scratch(api, exchange, (struct http_answer){.status = 200});
        return;
    }
    etag_write(api, kind, request->query, made.etag);
    made.body = answer_body_file(&api->bodies, buffer_span(&api->scratch));
    if (made.body == NULL)
        made.body = answer_body_new(&api->bodies, &api->scratch);
    api->listed_ms = api->now_mono_ms;
    answer_cache_put(&api->cache, &made, request->query);
    answer_with(api, request, exchange, &made);
    answer_body_release(made.body);
}
