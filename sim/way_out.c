// SPDX-License-Identifier: Apache-2.0
/* way_out.c - one packet after the other, each as long as its bytes take */
#include "sim/way_out.h"

#include "sim/memory.h"

#include <assert.h>

static void forget_those_that_began(struct way_out *way, uint64_t now_ns)
{
    while (way->waiting > 0 && way->starts_ns[way->first] <= now_ns) {
        way->first = (way->first + 1) % way->capacity;
        way->waiting--;
    }
}

/* The ring grows while the queue does: most nodes never have more than a few waiting. */
static void push(struct way_out *way, uint64_t start_ns)
{
    if (way->waiting == way->capacity) {
        size_t capacity = way->capacity ? way->capacity * 2 : 8;
        uint64_t *starts_ns = memory_new(capacity, sizeof(*starts_ns));

        for (size_t i = 0; i < way->waiting; i++)
            starts_ns[i] = way->starts_ns[(way->first + i) % way->capacity];
        free(way->starts_ns);
        way->starts_ns = starts_ns;
        way->capacity = capacity;
        way->first = 0;
    }
    way->starts_ns[(way->first + way->waiting++) % way->capacity] = start_ns;
}

bool way_out_take(struct way_out *way, uint64_t now_us, size_t len, double bytes_per_s,
                  size_t queue_packets, uint64_t *delay_us)
{
    uint64_t now_ns = now_us * 1000, start_ns = now_ns;

    assert(bytes_per_s > 0);
    forget_those_that_began(way, now_ns);
    if (way->free_ns > now_ns) {
        if (way->waiting >= queue_packets)
            return false;
        start_ns = way->free_ns;
        push(way, start_ns);
    }
    way->free_ns = start_ns + (uint64_t)((double)(len + WAY_OUT_HEADER_BYTES) * 1e9 / bytes_per_s);
    *delay_us = (way->free_ns - now_ns + 999) / 1000;
    return true;
}

void way_out_free(struct way_out *way)
{
    free(way->starts_ns);
    *way = (struct way_out){0};
}
