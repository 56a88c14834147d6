// SPDX-License-Identifier: Apache-2.0
/* peers_answer.h - an answer that lists peers: from the cache when it may be, with its ETag */
#ifndef AURORA_NODE_PEERS_ANSWER_H
#define AURORA_NODE_PEERS_ANSWER_H

#include "node/api.h"
#include "node/selection.h"

/* True: the exchange has its answer (or 304). */
bool peers_answer_cached(struct api *, enum answer_kind, const struct http_request *,
                         struct http_exchange *);
/* The scratch buffer's text, which goes into the cache too. */
void peers_answer_send(struct api *, enum answer_kind, const struct http_request *,
                       struct http_exchange *, bool is_cut);

#endif
