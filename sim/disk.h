// SPDX-License-Identifier: Apache-2.0
/* disk.h - what a node's data directory holds between two lives: epoch, members, leases */
#ifndef AURORA_SIM_DISK_H
#define AURORA_SIM_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"
#include "sim/random.h"

/* What a node finds when it starts. */
enum disk {
    DISK_LATEST = 0, /* key, epoch, members and leases as they were when it stopped */
    DISK_OLD,        /* the same as they were when the disk was last copied */
    DISK_KEY_ONLY,   /* the key, nothing else: amnesia */
    DISK_NONE,       /* nothing: a new key under the old name and address */
    DISK_TORN,       /* files that end too early: see disk_tear */
};

struct disk_image {
    uint64_t epoch; /* the highest used */
    struct blob **alives;
    size_t alive_count;
    struct disk_lease {
        struct blob *record;
        uint64_t heartbeat_wall_ms;
    } * leases;
    size_t lease_count;
};

/* Replaces what the image held by what the core would save now. */
void disk_save(struct disk_image *, const struct gossip *, uint64_t epoch);
void disk_copy(struct disk_image *to, const struct disk_image *from);
/* What is left of it when the machine died while the files were written. */
void disk_tear(struct disk_image *, struct random *);
/* Gives it back to a new core. */
void disk_restore(const struct disk_image *, struct gossip *);
void disk_clear(struct disk_image *);

#endif
