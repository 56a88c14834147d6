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

/* Entries stand in the file in no particular order, and the loader stops at the first that is cut
 * or damaged: each of the two lists keeps as many as the draw says, any of them. */
static size_t keep_some(struct random *random, size_t kept_parts, size_t parts, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        kept += random_below(random, parts) < kept_parts;
    return kept;
}

static void tear_members(struct disk_image *image, struct random *random, size_t kept)
{
    for (; image->alive_count > kept; image->alive_count--) {
        size_t lost = random_below(random, image->alive_count);

        blob_release(image->alives[lost]);
        image->alives[lost] = image->alives[image->alive_count - 1];
    }
}

static void tear_leases(struct disk_image *image, struct random *random, size_t kept)
{
    for (; image->lease_count > kept; image->lease_count--) {
        size_t lost = random_below(random, image->lease_count);

        blob_release(image->leases[lost].record);
        image->leases[lost] = image->leases[image->lease_count - 1];
    }
}

/* The epoch has a file of its own, written at once or not at all, but a disk may lose either. */
void disk_tear(struct disk_image *image, struct random *random)
{
    enum { PARTS = 1000 };
    size_t kept_parts = random_below(random, PARTS);
    size_t members = keep_some(random, kept_parts, PARTS, image->alive_count);
    size_t leases = keep_some(random, kept_parts, PARTS, image->lease_count);

    assert(members <= image->alive_count && leases <= image->lease_count);
    tear_members(image, random, members);
    tear_leases(image, random, leases);
    if (random_chance(random, 0.5))
        image->epoch = 0;
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
