// SPDX-License-Identifier: Apache-2.0
/* bounds.c - the bounds that are functions; bounds.h has their reasons */
#include "sim/bounds.h"

#include <math.h>

#define MS_US UINT64_C(1000)

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- Members --------------------------------------------------------------------------------- */

uint64_t bound_suspicion_min_us(const struct gossip_config *config, size_t members)
{
    double intervals = members > 1 ? log10((double)members) : 0;

    return larger(config->suspicion_min_ms * MS_US,
                  (uint64_t)(intervals * config->probe_interval_ms * 1000));
}

uint64_t bound_suspicion_max_us(const struct gossip_config *config, size_t members)
{
    return config->suspicion_max_factor * bound_suspicion_min_us(config, members);
}

/* Rounds are shuffled: a member may be the last of one and the first of the next but one. */
static uint64_t intervals_until_probed(size_t members)
{
    return smaller(12, 2 * members);
}

uint64_t bound_detect_us(const struct gossip_config *config, size_t members)
{
    uint64_t intervals = intervals_until_probed(members) + 2;

    /* Intervals are longer by up to a tenth. */
    return intervals * config->probe_interval_ms * 1100 +
           3 * bound_suspicion_min_us(config, members);
}

uint64_t bound_detect_worst_us(const struct gossip_config *config, size_t members)
{
    uint64_t intervals = (HEALTH_MAX + 1) * (intervals_until_probed(members) + 2);

    return intervals * config->probe_interval_ms * 1100 + bound_suspicion_max_us(config, members);
}

/* --- Convergence ----------------------------------------------------------------------------- */

static uint64_t alive_us(const struct gossip_config *config, size_t nodes, uint64_t faults_us)
{
    uint64_t large_us = nodes > 100 ? nodes * BOUND_SECOND_US / 100 : 0;

    return 25 * BOUND_SECOND_US + 2 * config->old_member_probe_ms * MS_US + faults_us / 8 +
           BOUND_READMIT_US + large_us;
}

uint64_t bound_converge_us(const struct gossip_config *config, size_t nodes, uint64_t faults_us,
                           uint32_t ttl_s)
{
    return alive_us(config, nodes, faults_us) + 15 * BOUND_SECOND_US + ttl_s * BOUND_SECOND_US +
           config->delete_keep_min_ms * MS_US / 8;
}

uint64_t bound_drain_us(const struct gossip_config *config, size_t nodes, uint64_t faults_us)
{
    return alive_us(config, nodes, faults_us) + 30 * BOUND_SECOND_US +
           2 * bound_suspicion_max_us(config, nodes);
}

/* --- Records --------------------------------------------------------------------------------- */

uint64_t bound_visible_us(size_t nodes)
{
    return 3 * BOUND_SECOND_US + nodes * 1000;
}

static uint64_t gone_us(const struct gossip_config *config, size_t members, uint32_t ttl_s)
{
    return bound_detect_worst_us(config, members) +
           smaller(ttl_s * BOUND_SECOND_US, config->orphan_grace_ms * MS_US);
}

uint64_t bound_served_us(const struct gossip_config *config, size_t members, uint32_t ttl_s)
{
    uint64_t lease_us = ttl_s * BOUND_SECOND_US * 4 / 3;

    return (lease_us + gone_us(config, members, ttl_s)) * 11 / 10 + BOUND_COMMAND_US +
           BOUND_CATCH_UP_US;
}

uint64_t bound_record_held_us(const struct gossip_config *config, size_t members, uint32_t ttl_s)
{
    return bound_served_us(config, members, ttl_s) + ttl_s * BOUND_SECOND_US * 11 / 10;
}

uint64_t bound_delete_held_us(const struct gossip_config *config, size_t members, uint32_t ttl_s)
{
    uint64_t keep_us = larger(ttl_s * BOUND_SECOND_US, config->delete_keep_min_ms * MS_US);

    return keep_us * 11 / 10 + bound_record_held_us(config, members, ttl_s) + 60 * BOUND_SECOND_US;
}

/* --- Traffic --------------------------------------------------------------------------------- */

uint64_t bound_egress_bytes(uint64_t bytes_per_s, uint64_t window_us)
{
    return bytes_per_s * window_us / BOUND_SECOND_US + bytes_per_s / 4 + BOUND_PACKET_BYTES;
}
