// SPDX-License-Identifier: Apache-2.0
/* answer_body.c - an answer's body: immutable, shared by all connections it is being sent to */
#include "node/answer_body.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"

struct answer_body *answer_body_new(struct body_pool *pool, struct buffer *text)
{
    struct answer_body *body = mem_alloc(sizeof *body);

    assert(!text->is_full);
    *body = (struct answer_body){
        .pool = pool,
        .references = 1,
        .len = text->len,
        .data = text->data,
    };
    pool->bytes += body->len;
    buffer_init(text, text->max);
    return body;
}

struct answer_body *answer_body_copy(struct body_pool *pool, struct span text)
{
    struct buffer copy;

    buffer_init(&copy, text.len);
    memcpy(buffer_extend(&copy, text.len), text.data, text.len);
    return answer_body_new(pool, &copy);
}

struct answer_body *answer_body_retain(struct answer_body *body)
{
    assert(body->references > 0);
    body->references++;
    return body;
}

void answer_body_release(struct answer_body *body)
{
    if (body == NULL || --body->references > 0)
        return;
    assert(body->pool->bytes >= body->len);
    body->pool->bytes -= body->len;
    mem_free(body->data);
    mem_free(body);
}
