// SPDX-License-Identifier: Apache-2.0
/* counters.h - what the daemon itself counts: added to by any thread, read by /metrics */
#ifndef AURORA_NODE_COUNTERS_H
#define AURORA_NODE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

/* X(name, help): each becomes aurora_<name>_total. */
#define COUNTERS(X)                                                                \
    X(udp_receive_errors, "Errors while receiving datagrams")                      \
    X(udp_send_errors, "Datagrams that the system refused to send")                \
    X(udp_send_blocked, "Datagrams dropped because the socket's buffer was full")  \
    X(udp_truncated, "Datagrams longer than any of ours, dropped")                 \
    X(udp_overflows, "Datagrams dropped by the kernel because we read too slowly") \
    X(store_writes, "Batches of changes written to the data directory")            \
    X(store_errors, "Failed writes to the data directory (each is retried)")       \
    X(store_compactions, "Times that the snapshot was rewritten")                  \
    X(store_dropped, "Changes not recorded at once because the disk was too slow") \
    X(resolve_failures, "Seed host names that could not be resolved")              \
    X(commands_refused, "Requests refused because the command queue was full")     \
    X(log_lines_lost, "Log lines dropped because nobody read them fast enough")

struct counters {
#define COUNTER_FIELD(name, help) atomic_uint_fast64_t name;
    COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

extern struct counters counters;

#define counter_add(name, count) \
    atomic_fetch_add_explicit(&counters.name, (count), memory_order_relaxed)
#define counter_read(name) ((uint64_t)atomic_load_explicit(&counters.name, memory_order_relaxed))

#endif
