// SPDX-License-Identifier: Apache-2.0
/* wire_put.c - single MessagePack elements into a bounded buffer, in their shortest encoding. */
#include <assert.h>
#include <msgpack/pack.h>
#include <string.h>

#include "gossip/wire.h"

/* msgpack-c's packer is all inline and calls only this: the core needs nothing of its library. */
static int put_bytes(void *data, const char *bytes, size_t len)
{
    struct wire_writer *writer = data;
    assert(writer->len <= writer->capacity);
    if (writer->overflowed || len > writer->capacity - writer->len) {
        writer->overflowed = true;
        return -1;
    }
    if (len > 0)
        memcpy(writer->data + writer->len, bytes, len);
    writer->len += len;
    return 0;
}

static msgpack_packer packer_of(struct wire_writer *writer)
{
    return (msgpack_packer){writer, put_bytes};
}

void wire_put_array(struct wire_writer *writer, uint32_t count)
{
    msgpack_packer packer = packer_of(writer);
    msgpack_pack_array(&packer, count);
}

void wire_put_uint(struct wire_writer *writer, uint64_t value)
{
    msgpack_packer packer = packer_of(writer);
    msgpack_pack_uint64(&packer, value);
}

void wire_put_bool(struct wire_writer *writer, bool value)
{
    msgpack_packer packer = packer_of(writer);
    if (value)
        msgpack_pack_true(&packer);
    else
        msgpack_pack_false(&packer);
}

void wire_put_nil(struct wire_writer *writer)
{
    msgpack_packer packer = packer_of(writer);
    msgpack_pack_nil(&packer);
}

/* Header and body are two writes: when the second does not fit, the first is taken back. */
void wire_put_bin(struct wire_writer *writer, struct span bytes)
{
    msgpack_packer packer = packer_of(writer);
    size_t before = writer->len;
    if (msgpack_pack_bin_with_body(&packer, bytes.data, bytes.len) != 0)
        writer->len = before;
}

void wire_put_text(struct wire_writer *writer, struct span text)
{
    msgpack_packer packer = packer_of(writer);
    size_t before = writer->len;
    if (msgpack_pack_str_with_body(&packer, text.data, text.len) != 0)
        writer->len = before;
}
