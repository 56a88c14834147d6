// SPDX-License-Identifier: Apache-2.0
/* answer_body.c - an answer's body: immutable, shared by all connections it is being sent to */
#include "node/answer_body.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
        .file = -1,
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

/* The pages are never written again: what a socket still holds of them stays as it was sent. */
static bool file_fill(int file, struct span text)
{
    while (text.len > 0) {
        ssize_t written = write(file, text.data, text.len);

        if (written <= 0)
            return false;
        text = span_of(text.data + written, text.len - (size_t)written);
    }
    return true;
}

struct answer_body *answer_body_file(struct body_pool *pool, struct span text)
{
    char *data = MAP_FAILED;

    if (text.len < ANSWER_FILE_MIN_BYTES || pool->files == ANSWER_FILES_MAX)
        return NULL;
    int file = memfd_create("aurora-answer", MFD_CLOEXEC);
    if (file < 0)
        return NULL;
    if (file_fill(file, text))
        data = mmap(NULL, text.len, PROT_READ, MAP_SHARED, file, 0);
    if (data == MAP_FAILED) {
        close(file);
        return NULL;
    }
    struct answer_body *body = mem_alloc(sizeof *body);
    *body = (struct answer_body){
        .pool = pool,
        .references = 1,
        .len = text.len,
        .data = data,
        .file = file,
    };
    pool->bytes += body->len;
    pool->files++;
    return body;
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
    if (body->file >= 0) {
        munmap(body->data, body->len);
        close(body->file);
        body->pool->files--;
    } else {
        mem_free(body->data);
    }
    mem_free(body);
}
