// SPDX-License-Identifier: Apache-2.0
/* http_stats.h - what an HTTP thread counts: written by it alone, but for the connections that
 * others hand to it, and read by all */
#ifndef AURORA_NODE_HTTP_STATS_H
#define AURORA_NODE_HTTP_STATS_H

#include <stdatomic.h>
#include <stdint.h>

/* X(name, help): each becomes aurora_http_<name>_total. */
#define HTTP_COUNTERS(X)                                                               \
    X(connections_accepted, "Connections accepted")                                    \
    X(connections_refused, "Connections answered with 503 because of a limit")         \
    X(connections_timed_out, "Connections closed because the client was too slow")     \
    X(accept_errors, "Connections that the system could not hand over")                \
    X(bytes_in, "Bytes received")                                                      \
    X(bytes_out, "Bytes sent")                                                         \
    X(requests, "Requests answered")                                                   \
    X(requests_malformed, "Requests refused as malformed or too large before routing") \
    X(cache_hits, "Answers about peers taken from the cache")                          \
    X(cache_misses, "Answers about peers made anew")                                   \
    X(waits_timed_out, "Requests answered with 504 because no reply came")             \
    X(watch_opened, "Watches begun")                                                   \
    X(watch_resumed, "Of these, those that went on where they had been")               \
    X(watch_refused, "Watches refused because there were too many")                    \
    X(watch_dropped, "Watchers dropped because they read too slowly")                  \
    X(watch_events, "Changes sent to watchers")

/* What a thread has now. */
#define HTTP_GAUGES(X)                                                                \
    X(connections, http_connections, "Connections open now")                          \
    X(waiting, http_waiting, "Requests that wait for a reply of the core")            \
    X(watchers, http_watchers, "Watchers now")                                        \
    X(ring_bytes, http_watch_ring_bytes, "Bytes of changes kept for watchers")        \
    X(bodies_bytes, http_bodies_bytes, "Bytes of answers held, cached or being sent") \
    X(fragments_bytes, view_fragments_bytes, "Bytes of ready-made JSON held")

#define HTTP_STATUS_FIRST 100
#define HTTP_STATUS_END   600

/* Numbers only, so that those of several threads can be added up. */
struct http_stats {
#define HTTP_STATS_COUNTER(name, help)       atomic_uint_fast64_t name;
#define HTTP_STATS_GAUGE(name, metric, help) atomic_uint_fast64_t name;
    HTTP_COUNTERS(HTTP_STATS_COUNTER)
    HTTP_GAUGES(HTTP_STATS_GAUGE)
#undef HTTP_STATS_COUNTER
#undef HTTP_STATS_GAUGE
    atomic_uint_fast64_t by_status[HTTP_STATUS_END - HTTP_STATUS_FIRST];
};

static inline uint64_t stat_read(const atomic_uint_fast64_t *stat)
{
    return atomic_load_explicit(stat, memory_order_relaxed);
}

static inline void stat_set(atomic_uint_fast64_t *stat, uint64_t value)
{
    atomic_store_explicit(stat, value, memory_order_relaxed);
}

/* Only by the thread that owns it: so this is no locked instruction. */
static inline void stat_add(atomic_uint_fast64_t *stat, uint64_t count)
{
    stat_set(stat, stat_read(stat) + count);
}

#endif
