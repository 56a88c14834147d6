// SPDX-License-Identifier: Apache-2.0
/* disk.c - saving a core's state, and giving it to the next life */
#include "sim/disk.h"

#include "sim/memory.h"

#include <assert.h>

/* The core lends its blobs; they are immutable but for their count. */
static struct blob *keep(const struct blob *lent)
{
    return blob_retain((struct blob *)(uintptr_t)lent);
}

static void save_members(struct disk_image *image, const struct gossip *core)
{
    size_t count = gossip_member_count(core);

    image->alives = memory_new(count, sizeof(struct blob *));
    for (size_t i = 0; i < count; i++) {
        struct gossip_member_info member;

        if (gossip_member_at(core, i, &member) && member.alive != NULL &&
            member.tag != gossip_tag(core))
            image->alives[image->alive_count++] = keep(member.alive);
    }
}

static void save_leases(struct disk_image *image, const struct gossip *core)
{
    const struct blob *record;
    uint64_t heartbeat_wall_ms;
    size_t capacity = 0;

    while (gossip_lease_at(core, image->lease_count, &record, &heartbeat_wall_ms)) {
        image->leases =
            memory_reach(image->leases, &capacity, image->lease_count, sizeof(*image->leases));
        image->leases[image->lease_count++] = (struct disk_lease){keep(record), heartbeat_wall_ms};
    }
}

void disk_save(struct disk_image *image, const struct gossip *core, uint64_t epoch)
{
    assert(epoch > 0);
    disk_clear(image);
    image->epoch = epoch;
    save_members(image, core);
    save_leases(image, core);
}

void disk_copy(struct disk_image *to, const struct disk_image *from)
{
    disk_clear(to);
    to->epoch = from->epoch;
    to->alives = memory_new(from->alive_count, sizeof(*to->alives));
    to->leases = memory_new(from->lease_count, sizeof(*to->leases));
    for (; to->alive_count < from->alive_count; to->alive_count++)
        to->alives[to->alive_count] = blob_retain(from->alives[to->alive_count]);
    for (; to->lease_count < from->lease_count; to->lease_count++) {
        to->leases[to->lease_count] = from->leases[to->lease_count];
        blob_retain(to->leases[to->lease_count].record);
    }
}

void disk_restore(const struct disk_image *image, struct gossip *core)
{
    for (size_t i = 0; i < image->alive_count; i++)
        gossip_restore_member(core, blob_span(image->alives[i]));
    for (size_t i = 0; i < image->lease_count; i++)
        gossip_restore_lease(core, blob_span(image->leases[i].record),
                             image->leases[i].heartbeat_wall_ms);
}

void disk_clear(struct disk_image *image)
{
    for (size_t i = 0; i < image->alive_count; i++)
        blob_release(image->alives[i]);
    for (size_t i = 0; i < image->lease_count; i++)
        blob_release(image->leases[i].record);
    free(image->alives);
    free(image->leases);
    *image = (struct disk_image){0};
}
