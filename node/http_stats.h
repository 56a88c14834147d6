// SPDX-License-Identifier: Apache-2.0
/* http_stats.h - what the HTTP side counts: its own thread's, so nothing atomic */
#ifndef AURORA_NODE_HTTP_STATS_H
#define AURORA_NODE_HTTP_STATS_H

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

#define HTTP_STATUS_FIRST 100
#define HTTP_STATUS_END   600

struct http_stats {
#define HTTP_STATS_FIELD(name, help) uint64_t name;
    HTTP_COUNTERS(HTTP_STATS_FIELD)
#undef HTTP_STATS_FIELD
    uint64_t by_status[HTTP_STATUS_END - HTTP_STATUS_FIRST];
    uint64_t connections; /* open now */
};

#endif
