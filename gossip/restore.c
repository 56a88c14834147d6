// SPDX-License-Identifier: Apache-2.0
/* restore.c - what a node's last life knew: out for the snapshot, and back in before the first
 * tick. */
#include "gossip/core.h"

/* Only an address to rejoin through: what the cluster knows by now is told by the cluster. */
bool gossip_restore_member(struct gossip *g, struct span alive_statement)
{
    struct alive alive;
    if (!statement_read_alive(alive_statement, &alive))
        return false;
    g->stats.signatures_verified++;
    struct blob *blob =
        statement_admit(g->config.store, alive_statement, STATEMENT_ALIVE, &alive.id, &g->scope);
    if (blob == NULL)
        return false;
    blob_release(blob);
    if (node_tag(&alive.id) != g->tag)
        join_add(g, alive.addresses, alive.address_count);
    return true;
}

bool gossip_restore_lease(struct gossip *g, struct span record_statement,
                          uint64_t heartbeat_wall_ms)
{
    return reissue_restore(g, record_statement, heartbeat_wall_ms);
}

bool gossip_lease_at(const struct gossip *g, size_t index, const struct blob **record,
                     uint64_t *heartbeat_wall_ms)
{
    const struct lease *lease = lease_at(g, index);
    if (lease == NULL) {
        *record = reissue_at(g, index - g->leases.count, heartbeat_wall_ms);
        return *record != NULL;
    }
    *record = lease_record(g, lease);
    *heartbeat_wall_ms = lease->heartbeat_wall_ms;
    return true;
}
