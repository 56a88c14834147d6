// SPDX-License-Identifier: Apache-2.0
/* answer_body.h - an answer's body: immutable, shared by all connections it is being sent to
 *
 * One thread's; the count is not atomic. The pool knows how much all of them hold: slow readers of
 * large answers that have long been replaced must not eat the machine. */
#ifndef AURORA_NODE_ANSWER_BODY_H
#define AURORA_NODE_ANSWER_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "node/buffer.h"

/* One answer of the largest kind (100,000 peers of the largest kind) always fits. */
#define ANSWER_BODIES_MAX_BYTES (384u << 20)
#define ANSWER_BODY_MAX_BYTES   (256u << 20)
/* From here on a body is cheaper to send from a file in memory: the system then hands its pages on
 * instead of copying them for each client. */
#define ANSWER_FILE_MIN_BYTES (8u << 10)
#define ANSWER_FILES_MAX      256 /* of one thread: descriptors are for connections */

struct body_pool {
    size_t bytes; /* of all that live */
    size_t files;
};

struct answer_body {
    struct body_pool *pool;
    unsigned references;
    size_t len;
    char *data;
    int file; /* the same bytes, for sendfile; -1: none, and `data` is on the heap */
};

/* Takes the buffer's bytes over and leaves it empty; the caller owns one reference. */
struct answer_body *answer_body_new(struct body_pool *, struct buffer *);
/* The same with a copy of these bytes, in no more memory than they need. */
struct answer_body *answer_body_copy(struct body_pool *, struct span);
/* The same with a copy in a file. NULL: it is too small, there are too many, or the system refuses.
 */
struct answer_body *answer_body_file(struct body_pool *, struct span);
struct answer_body *answer_body_retain(struct answer_body *);
/* NULL is allowed. */
void answer_body_release(struct answer_body *);

#endif
