// SPDX-License-Identifier: Apache-2.0
/* wire_write.c - headers, messages and addresses into a bounded buffer.
 *
 * A packet's plain text:
 *
 *     +---------------------------------------+-------------------+-------------------+
 *     | [sender, epoch, receiver, counter]    | [type, ...]       | [type, ...]       | ...
 *     +---------------------------------------+-------------------+-------------------+
 */
#include <assert.h>
#include <string.h>

#include "gossip/wire.h"
#include "gossip/wire_shape.h"

#define ADDRESS_IPV4_BYTES 6
#define ADDRESS_IPV6_BYTES 18

void wire_write_header(struct wire_writer *writer, const struct wire_header *header)
{
    wire_put_array(writer, 4);
    wire_put_uint(writer, header->sender);
    wire_put_uint(writer, header->epoch);
    wire_put_uint(writer, header->receiver);
    wire_put_uint(writer, header->counter);
}

static void put_raw(struct wire_writer *writer, struct span bytes)
{
    assert(writer->len <= writer->capacity);
    if (bytes.len > writer->capacity - writer->len)
        writer->overflowed = true;
    if (writer->overflowed || bytes.len == 0)
        return;
    memcpy(writer->data + writer->len, bytes.data, bytes.len);
    writer->len += bytes.len;
}

static void put_list(struct wire_writer *writer, const struct wire_list *list)
{
    if (list->count > WIRE_LIST_MAX) {
        writer->overflowed = true;
        return;
    }
    wire_put_array(writer, list->count);
    put_raw(writer, list->rest);
}

static void put_fields(struct wire_writer *, const struct wire_shape *, const void *from);

static void put_batch(struct wire_writer *writer, const struct wire_batch *batch)
{
    assert(batch->v0 <= batch->v1);
    wire_put_array(writer, wire_batch_shape.count);
    put_fields(writer, &wire_batch_shape, batch);
}

static void put_bin_or_nil(struct wire_writer *writer, struct span bytes)
{
    if (bytes.len == 0)
        wire_put_nil(writer);
    else
        wire_put_bin(writer, bytes);
}

static void put_field(struct wire_writer *writer, enum wire_field_kind kind, const void *at)
{
    switch (kind) {
    case FIELD_UINT: wire_put_uint(writer, *(const uint64_t *)at); break;
    case FIELD_BOOL: wire_put_bool(writer, *(const bool *)at); break;
    case FIELD_BIN: wire_put_bin(writer, *(const struct span *)at); break;
    case FIELD_BIN_OR_NIL: put_bin_or_nil(writer, *(const struct span *)at); break;
    case FIELD_UINTS:
    case FIELD_BINS:
    case FIELD_LISTS: put_list(writer, at); break;
    case FIELD_BATCH: put_batch(writer, at); break;
    }
}

static void put_fields(struct wire_writer *writer, const struct wire_shape *shape, const void *from)
{
    for (unsigned i = 0; i < shape->count; i++)
        put_field(writer, (enum wire_field_kind)shape->fields[i].kind,
                  (const char *)from + shape->fields[i].offset);
}

bool wire_write_message(struct wire_writer *writer, const struct wire_message *message)
{
    const struct wire_shape *shape = wire_shape_of(message->type);
    assert(shape != NULL);
    struct wire_writer trial = *writer;
    wire_put_array(&trial, 1u + shape->count);
    wire_put_uint(&trial, message->type);
    put_fields(&trial, shape, message);
    if (trial.overflowed)
        return false;
    assert(trial.len > writer->len && trial.len <= trial.capacity);
    *writer = trial;
    return true;
}

struct wire_list wire_list_of(const struct wire_writer *scratch, uint32_t count)
{
    assert(scratch->len <= scratch->capacity);
    assert(count > 0 || scratch->len == 0);
    return (struct wire_list){span_of(scratch->data, scratch->len), count};
}

size_t wire_address_write(const struct addr *address, uint8_t out[18])
{
    assert(address->family == ADDR_IPV4 || address->family == ADDR_IPV6);
    size_t ip_bytes = address->family == ADDR_IPV4 ? 4 : 16;
    memcpy(out, address->ip, ip_bytes);
    out[ip_bytes] = (uint8_t)(address->port >> 8);
    out[ip_bytes + 1] = (uint8_t)(address->port & 0xff);
    return ip_bytes + 2;
}

bool wire_address_read(struct span bytes, struct addr *address)
{
    if (bytes.len != ADDRESS_IPV4_BYTES && bytes.len != ADDRESS_IPV6_BYTES)
        return false;
    *address = (struct addr){.family = bytes.len == ADDRESS_IPV4_BYTES ? ADDR_IPV4 : ADDR_IPV6};
    memcpy(address->ip, bytes.data, bytes.len - 2);
    address->port = (uint16_t)(bytes.data[bytes.len - 2] << 8 | bytes.data[bytes.len - 1]);
    return true;
}
