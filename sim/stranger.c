// SPDX-License-Identifier: Apache-2.0
/* stranger.c - addresses that are nobody's, and packets remembered */
#include "sim/stranger.h"

#include "sim/memory.h"

#include <assert.h>

enum { CAPTURE_KEEPS_EVERY = 61 }; /* of those seen; odd, so that it keeps no rhythm of theirs */

struct stranger *stranger_find(const struct strangers *strangers, const struct addr *addr)
{
    for (size_t i = 0; i < strangers->count; i++)
        if (addr_equal(&strangers->all[i].addr, addr))
            return &strangers->all[i];
    return NULL;
}

size_t stranger_add(struct strangers *strangers, const struct addr *addr)
{
    const struct stranger *known = stranger_find(strangers, addr);

    if (known != NULL)
        return (size_t)(known - strangers->all);
    strangers->all = memory_reach(strangers->all, &strangers->capacity, strangers->count,
                                  sizeof(*strangers->all));
    strangers->all[strangers->count] = (struct stranger){.addr = *addr};
    return strangers->count++;
}

static void put(struct captured *slot, uint32_t from, uint32_t to, const uint8_t *bytes, size_t len)
{
    assert(len <= sizeof(slot->bytes));
    slot->from = from;
    slot->to = to;
    slot->len = (uint16_t)len;
    memcpy(slot->bytes, bytes, len);
}

void capture_packet(struct capture *capture, uint32_t from, uint32_t to, const uint8_t *bytes,
                    size_t len)
{
    if (capture->seen % CAPTURE_KEEPS_EVERY == 0)
        put(&capture->old[capture->kept++ % CAPTURE_OLD], from, to, bytes, len);
    put(&capture->recent[capture->seen++ % CAPTURE_RECENT], from, to, bytes, len);
}
