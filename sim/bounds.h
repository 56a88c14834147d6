// SPDX-License-Identifier: Apache-2.0
/* bounds.h - how long, how many and how much: what the checkers hold a world to, each with its
 * reason
 *
 * These are promises of docs/PROTOCOL.md, written down a second time: a limit that is changed in
 * the core alone is found here. Times are in microseconds of virtual time. */
#ifndef AURORA_SIM_BOUNDS_H
#define AURORA_SIM_BOUNDS_H

#include <stddef.h>
#include <stdint.h>

#include "gossip/gossip.h"

#define BOUND_SECOND_US UINT64_C(1000000)

/* --- Members --------------------------------------------------------------------------------- */

/* q = min(3, ceil(N/2)). */
#define BOUND_QUORUM 3

/* The shortest suspicion: max(2.5 s, log10(N) intervals) unless configured otherwise; the longest
 * is six times that, or as configured. */
uint64_t bound_suspicion_min_us(const struct gossip_config *, size_t members);
uint64_t bound_suspicion_max_us(const struct gossip_config *, size_t members);

/* Until everybody whom nothing troubles has a crash for what it is (I7): until one of N - 1 probes
 * it (each does so once in a round: at the latest after two rounds, and with any N the chance that
 * nobody did in 12 intervals is e^-12), two intervals until that probe has failed and the
 * observers' have, and three shortest suspicions: one is the rule, one more where an accuser was
 * lost with the crash, one to spare for what is heard late. Seen: at most 9 s of 22 with 128 nodes.
 */
uint64_t bound_detect_us(const struct gossip_config *, size_t members);
/* The same where anything may be wrong: every node may think so little of itself that it probes
 * nine times slower, and the suspicion may have to last its longest. */
uint64_t bound_detect_worst_us(const struct gossip_config *, size_t members);

/* What is asked where nothing troubles is asked after so long without trouble: by then the old
 * members were probed often enough to be known as alive again, unless they were parted for long;
 * and of nodes that have run for so long. */
#define BOUND_CALM_US (90 * BOUND_SECOND_US)
#define BOUND_BOOT_US (10 * BOUND_SECOND_US)
/* Who started before a seed asks it again after 30 s, give or take a third. */
#define BOUND_SEEDS_ASKED_US (40 * BOUND_SECOND_US + BOUND_BOOT_US)

/* --- Convergence ----------------------------------------------------------------------------- */

/* Whoever died again within ten minutes must be heard for 25 s before it objects. */
#define BOUND_READMIT_US (27 * BOUND_SECOND_US)
/* After a heal (I6). Members that hold one another for dead meet when one of them is probed: one of
 * the old is every 10 s, each every eighth of the time that it has been gone, and seeds are asked
 * at least every 30 s, give or take a third. Then what a life left behind that reached some nodes
 * only hides there what it stands above until its ttl has run, and a deletion until the next search
 * for old ones. */
uint64_t bound_converge_us(const struct gossip_config *, size_t nodes, uint64_t faults_us,
                           uint32_t ttl_s);
/* After a heal, every queue is seen empty, every limiter open and every suspicion over (I16): when
 * everybody is known to be alive again, and the slowest of them, an old probe's or a pull's
 * backoff, has run. */
uint64_t bound_drain_us(const struct gossip_config *, size_t nodes, uint64_t faults_us);

/* --- Records --------------------------------------------------------------------------------- */

/* Until what was answered is visible everywhere (I10): the tree takes a few round trips; what it
 * missed and no announcement repaired comes with the HEAD after 500 ms, or with a comparison, which
 * each node makes within half a second of a probe that differs, and a probe comes every second. */
uint64_t bound_visible_us(size_t nodes);
/* How long a client's command may still take effect after it was given: three homes at the timeout
 * each, and what was resent meanwhile. */
#define BOUND_COMMAND_US (10 * BOUND_SECOND_US)
/* A home that vouches again makes its orphans visible at once, also one whose delete we have not
 * heard of yet; comparing brings that. */
#define BOUND_CATCH_UP_US (15 * BOUND_SECOND_US)
/* After a client's last act nobody shows it any longer than this (I9): its ttl, a third of that for
 * a home that restarted meanwhile, the orphan grace (at most the ttl) where the home died at the
 * last moment, which must be noticed, and the delete must arrive. Clocks may be slow by a tenth. */
uint64_t bound_served_us(const struct gossip_config *, size_t members, uint32_t ttl_s);
/* How long after it was made (or after its home was gone) a record may be held, and a delete. */
uint64_t bound_record_held_us(const struct gossip_config *, size_t members, uint32_t ttl_s);
uint64_t bound_delete_held_us(const struct gossip_config *, size_t members, uint32_t ttl_s);

/* --- Traffic --------------------------------------------------------------------------------- */

/* Whoever applied something new tells so many (I11). */
#define BOUND_ANNOUNCED 3
/* A token bucket that holds a quarter of a second's worth lets this much through in a window, and
 * one packet more (I11). */
uint64_t bound_egress_bytes(uint64_t bytes_per_s, uint64_t window_us);
#define BOUND_BULK_BYTES_PER_S (UINT64_C(32) << 20)
/* A packet (I18). */
#define BOUND_PACKET_BYTES 1200

/* --- Memory ---------------------------------------------------------------------------------- */

/* Of a member: its struct, link, ALIVE and LEFT, places in the ring, the table of names and the
 * probing order, each of which may have grown to twice or (names) four times what it holds. */
#define BOUND_MEMBER_BYTES 1400
/* Of a member that is or was accused: 16 accusations. */
#define BOUND_SUSPICION_BYTES 5000
/* Of an operation: the statement (1,000 at most), the entry, its lease, and places in the tables. A
 * peer's cell is kept for the next one: as many as there ever were. */
#define BOUND_OPERATION_BYTES 1300
#define BOUND_CELL_BYTES      48
/* Of a log: its struct, HEAD and evidence; and of a place in its list of versions. The list is at
 * most so many times as long as the most that its node ever held, and never shorter than a few. */
#define BOUND_LOG_BYTES     1600
#define BOUND_SLOT_BYTES    8
#define BOUND_SLOTS_FACTOR  8
#define BOUND_SLOTS_LEAST   128
#define BOUND_LOGS_PER_HOME 8
/* Tables as they begin. */
#define BOUND_BASE_BYTES 65536

#endif
