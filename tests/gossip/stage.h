// SPDX-License-Identifier: Apache-2.0
/* stage.h - one real core among puppets: members whose every packet the test writes, and reads
 *
 * The core is alone until puppets enter, its first sync is done unless asked otherwise, and its
 * probes are an hour apart so that no puppet has to answer them. */
#ifndef AURORA_TESTS_GOSSIP_STAGE_H
#define AURORA_TESTS_GOSSIP_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/core.h"
#include "gossip/root.h"

#define STAGE_PUPPETS 6
#define STAGE_PACKETS 2048
#define STAGE_EPOCH   1000

struct puppet {
    struct key_pair pair;
    struct addr addr;
    uint64_t tag;
    uint64_t counter;
    struct member *member; /* in the core's table */
};

/* A packet that the core sent, opened. */
struct stage_packet {
    size_t puppet; /* whom to */
    size_t len;
    uint8_t plain[PACKET_PLAIN_MAX_BYTES];
};

struct stage {
    struct gossip *core;
    struct gossip_time now;
    struct seal_keyring keyring;
    struct sign_scope scope;
    struct puppet puppets[STAGE_PUPPETS];
    struct stage_packet *packets; /* since the last stage_forget */
    size_t packet_count;
    uint64_t nonce;
    bool keeps_checks;              /* the test takes and runs them */
    size_t peer_events, log_events; /* since the last stage_forget */
    struct gossip_event last_log;   /* GOSSIP_EVENT_LOG */
};

/* All puppets are ALIVE members. `is_synced` false: the core has not begun its first sync. */
struct stage *stage_new(bool is_synced);
void stage_free(struct stage *);
/* Time passes; what the core sends is kept. */
void stage_run(struct stage *, uint64_t ms);
void stage_drain(struct stage *);
void stage_forget(struct stage *);

/* A packet with this one message, from puppet `who`. */
enum gossip_drop stage_say(struct stage *, size_t who, const struct wire_message *);
/* Puppet `who` says that the log of puppet `home` has come to this version. */
void stage_announce(struct stage *, size_t who, size_t home, uint64_t version);
/* The n-th message of this type to puppet `who` since the last stage_forget (from 0); its spans
 * point into the stage. False: there is none. */
bool stage_heard(struct stage *, size_t who, enum wire_type, size_t n, struct wire_message *);
/* To anybody. */
size_t stage_count(struct stage *, enum wire_type);

/* The puppet starts anew, one epoch higher; its statements stay those of its first life. */
void stage_restart_puppet(struct stage *, size_t index);

/* Statements of puppet `home`; the caller releases them. */
struct blob *stage_record(struct stage *, size_t home, const char *peer_id, uint64_t version);
struct blob *stage_deletion(struct stage *, size_t home, const char *peer_id, uint64_t version);
struct blob *stage_head(struct stage *, size_t home, uint64_t version, const struct hash *root);
/* A HEAD with the root that these records would have. `versions` has a version for each. */
struct blob *stage_true_head(struct stage *, size_t home, uint64_t version, size_t count,
                             const char *const *peer_ids, const uint64_t *versions);

/* Batches: `bytes` holds the encoded statements; they are released. */
struct stage_list {
    uint8_t bytes[PACKET_MAX_BYTES];
    struct wire_writer writer;
    uint32_t count;
};
void stage_list_begin(struct stage_list *);
void stage_list_add(struct stage_list *, struct blob *);
/* Puppet `home` records of versions v0 + 1 ... v1, of peers "p<version>"; whatever it held before
 * is gone. */
void stage_list_records(struct stage *, struct stage_list *, size_t home, uint64_t v0, uint64_t v1);
struct wire_batch stage_batch(struct stage *, size_t home, uint64_t v0, uint64_t v1,
                              uint64_t applied, const struct stage_list *);
/* Puppet `who` answers a PULL with one RANGE. */
enum gossip_drop stage_range(struct stage *, size_t who, uint64_t request, bool is_reset,
                             bool is_last, const struct wire_batch *);
/* The same, given straight to the log. */
void stage_fill(struct stage *, size_t home, uint64_t v0, uint64_t v1);
struct log *stage_log(struct stage *, size_t home);
bool stage_sees(struct stage *, const char *peer_id);

#endif
