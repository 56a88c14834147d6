// SPDX-License-Identifier: Apache-2.0
/* api.h - what the node answers over HTTP: the state that all routes share
 *
 * One thread's. Requests come in by api_handle, events by api_on_event; answers go into exchanges.
 * A route that needs the core sends a command over the bridge and leaves its exchange waiting. */
#ifndef AURORA_NODE_API_H
#define AURORA_NODE_API_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/hex.h"
#include "node/answer_body.h"
#include "node/answer_cache.h"
#include "node/http_exchange.h"
#include "node/http_request.h"
#include "node/http_stats.h"
#include "node/http_thread.h"
#include "node/json_writer.h"
#include "node/pages.h"
#include "node/peer_query.h"
#include "node/time_text.h"
#include "node/view.h"
#include "node/waiting.h"
#include "node/watch.h"
#include "node/why.h"

struct http_conn;

struct api {
    const struct http_options *options;
    const struct node_config *config;
    char id_text[HEX_SIZE(KEY_PUBLIC_BYTES)];
    uint64_t now_mono_ms, now_wall_us;  /* of this turn */
    char now_text[TIME_TEXT_ISO_BYTES]; /* of the answer that is being written */
    uint64_t date_s;                    /* the second that `date` tells */
    char date[TIME_TEXT_DATE_BYTES];
    bool is_stopping;
    struct view view;
    struct why why;
    struct waiting waiting;
    struct watch watch;
    struct body_pool bodies;
    struct answer_cache cache;
    struct http_stats *stats; /* the team's, of this thread */
    struct pages pages;
    struct http_exchange *spare; /* to be used again */
    size_t spare_count;
    struct http_conn *dirty; /* connections that have something to send */
    struct peer_query query; /* of the request at hand; too large for the stack */
    struct buffer scratch;   /* of the answer at hand; its memory is used again */
    uint64_t listed_ms;      /* when peers were last listed in it: it may be large since */
};

/* `options` outlives the API. */
void api_init(struct api *, const struct http_options *);
/* After all connections. */
void api_free(struct api *);
/* At the start of each turn, before anything else. */
void api_set_time(struct api *, uint64_t mono_ms, uint64_t wall_us);
/* The event stays the caller's. */
void api_on_event(struct api *, const struct gossip_event *);
/* Applies up to so many events of the bridge; true: there may be more. */
bool api_take_events(struct api *, size_t max);
/* Before a request is answered: what another thread has answered 200 to must be seen here, too. It
 * is in the bridge at least. */
void api_catch_up(struct api *);
/* Tells the other threads what this one has now. */
void api_publish(struct api *);
/* Nobody is connected: gives up what was kept for the next request. */
void api_rest(struct api *);
/* Every second or so: ends what waited for too long. */
void api_on_time(struct api *);
/* From now on connections close after their answers; with `now`, those that wait get a 503. */
void api_stop(struct api *, bool now);
bool api_is_stopping(const struct api *);

/* router.c: answers the request, or leaves the exchange waiting. */
void api_handle(struct api *, const struct http_request *, struct http_exchange *);

/* --- For connections ------------------------------------------------------------------------ */

struct http_exchange *api_exchange_new(struct api *);
void api_exchange_free(struct api *, struct http_exchange *);
/* It has something to send: api_next_dirty will return it. */
void api_dirty(struct api *, struct http_conn *);
void api_clean(struct api *, struct http_conn *);
struct http_conn *api_next_dirty(struct api *);

/* --- For routes ----------------------------------------------------------------------------- */

struct http_answer {
    unsigned status;
    struct answer_body *body; /* handed over; NULL: none */
    const char *type;         /* NULL: JSON */
    bool is_about_peers;      /* tells the view's digest, and whether it is converged */
    bool is_cut;
    bool is_stream; /* of events; no body, and no length */
    bool wants_token;
    bool is_preflight, allows_private_network;
    unsigned retry_after_s; /* 0: not told */
    const char *etag;       /* NULL: none */
    const char *allow;      /* NULL: none */
    const char *headers;    /* further lines, each with its CRLF; NULL: none */
};

/* http_answer.c: writes the head, and gives the exchange back to its connection to be sent. */
void api_answer(struct api *, struct http_exchange *, const struct http_answer *);
/* The scratch buffer's text as a body: 503 instead when it, or all bodies together, are too large.
 */
void api_answer_scratch(struct api *, struct http_exchange *, struct http_answer);
/* Empties the scratch buffer and begins JSON in it. */
void api_json_begin(struct api *, struct json_writer *);
/* {"error": text}. */
void api_error(struct api *, struct http_exchange *, unsigned status, const char *text);
/* The same with more headers in `answer`, and with "peer_id" when it is not empty. */
void api_error_about(struct api *, struct http_exchange *, struct http_answer answer,
                     const char *text, struct span peer_id);

/* The first sync is done; if not, the exchange has its 503. */
bool api_is_ready(struct api *, struct http_exchange *);

/* api_command.c: sends a command, and leaves the exchange waiting (or answers 503). */
void api_register(struct api *, struct http_exchange *, enum exchange_route,
                  const struct gossip_registration *);
void api_heartbeat(struct api *, struct http_exchange *, enum exchange_route, struct span peer_id,
                   const uint8_t *token_hash);
void api_deregister(struct api *, struct http_exchange *, struct span peer_id,
                    const uint8_t *token_hash);
/* The reply has come: `exchange` no longer waits. */
void api_reply(struct api *, struct http_exchange *, const struct gossip_reply *);

/* The routes. Those that take an id get it decoded. */
void api_seed_register(struct api *, const struct http_request *, struct http_exchange *);
void api_seed_heartbeat(struct api *, const struct http_request *, struct http_exchange *);
void api_seed_discover(struct api *, const struct http_request *, struct http_exchange *);
void api_seed_health(struct api *, struct http_exchange *);
void api_v1_peers(struct api *, const struct http_request *, struct http_exchange *);
void api_v1_register(struct api *, const struct http_request *, struct http_exchange *);
void api_v1_peer(struct api *, struct http_exchange *, struct span peer_id);
void api_v1_heartbeat(struct api *, const struct http_request *, struct http_exchange *,
                      struct span peer_id);
void api_v1_delete(struct api *, const struct http_request *, struct http_exchange *,
                   struct span peer_id);
void api_v1_members(struct api *, struct http_exchange *);
void api_v1_status(struct api *, struct http_exchange *);
void api_v1_why(struct api *, struct http_exchange *, struct span name);
void api_v1_watch(struct api *, const struct http_request *, struct http_exchange *);
void api_metrics(struct api *, struct http_exchange *);

/* Members of a full record, inside of an object that was just opened. */
void api_v1_peer_put(struct api *, struct json_writer *, struct view_peer *);
/* What GET /v1/peers/{id} answers: a whole object, the statement included. */
void api_v1_peer_put_whole(struct api *, struct json_writer *, struct view_peer *);
/* If-None-Match names this ETag. */
bool api_is_unchanged(const struct http_request *, const char *etag);

#endif
