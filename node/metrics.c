// SPDX-License-Identifier: Apache-2.0
/* metrics.c - /metrics: everything that is counted, in Prometheus' text format 0.0.4 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/api.h"
#include "node/counters.h"
#include "node/turns.h"

#define LINE_MAX_BYTES 256

/* Name, labels and help are ours, so nothing needs escaping but the texts of info_put. */
static void line_put(struct buffer *out, const char *name, const char *labels, uint64_t value)
{
    char line[LINE_MAX_BYTES];
    int len = snprintf(line, sizeof line, "aurora_%s%s %" PRIu64 "\n", name, labels, value);

    if (len > 0 && (size_t)len < sizeof line)
        buffer_add(out, line, (size_t)len);
}

static void head_put(struct buffer *out, const char *name, const char *type, const char *help)
{
    char line[2 * LINE_MAX_BYTES];
    int len = snprintf(line, sizeof line, "# HELP aurora_%s %s\n# TYPE aurora_%s %s\n", name, help,
                       name, type);

    if (len > 0 && (size_t)len < sizeof line)
        buffer_add(out, line, (size_t)len);
}

static void gauge_put(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    head_put(out, name, "gauge", help);
    line_put(out, name, "", value);
}

static void counter_put(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    head_put(out, name, "counter", help);
    line_put(out, name, "", value);
}

static void labelled_put(struct buffer *out, const char *name, const char *label, const char *text,
                         uint64_t value)
{
    char labels[LINE_MAX_BYTES / 2];

    snprintf(labels, sizeof labels, "{%s=\"%s\"}", label, text);
    line_put(out, name, labels, value);
}

/* --- The core ------------------------------------------------------------------------------ */

static void put_drops(struct buffer *out, const struct gossip_stats *stats)
{
    head_put(out, "drops_total", "counter", "Packets, messages and statements dropped, by reason");
    for (size_t i = 1; i < DROP_REASONS; i++)
        labelled_put(out, "drops_total", "reason", gossip_drop_name((enum gossip_drop)i),
                     stats->drops[i]);
}

/* X(field, help): each becomes aurora_<field>_total. */
#define GOSSIP_COUNTERS(X)                                                     \
    X(packets_in, "Datagrams received")                                        \
    X(bytes_in, "Bytes of datagrams received")                                 \
    X(packets_out, "Datagrams sent")                                           \
    X(bytes_out, "Bytes of datagrams sent")                                    \
    X(signatures_verified, "Signatures verified")                              \
    X(signatures_made, "Statements signed")                                    \
    X(probes_sent, "Direct probes sent")                                       \
    X(probes_answered, "Probes answered, directly or through others")          \
    X(probes_failed, "Probes without any answer")                              \
    X(indirect_probes_sent, "Requests to others to probe for us")              \
    X(nacks_in, "Answers of others that they could not reach it either")       \
    X(accusations_made, "Accusations that this node signed")                   \
    X(refutations_made, "Accusations of this node that it refuted")            \
    X(deaths_declared, "Members that this node counted dead")                  \
    X(spread_payloads_in, "Batches of records received")                       \
    X(spread_payloads_duplicate, "Batches of records that were known already") \
    X(spread_sent, "Batches handed on along the tree")                         \
    X(spread_resent, "Batches sent again for want of an acknowledgement")      \
    X(announced, "Batches announced")                                          \
    X(missing_pulled, "Announced batches that had to be pulled")               \
    X(compares, "Comparisons with another node")                               \
    X(pulls, "Pulls begun")                                                    \
    X(pull_bytes_in, "Bytes of statements pulled")                             \
    X(sweeps, "Logs swept after a pull from their beginning")                  \
    X(repairs, "Buckets fetched again because their hash differed")            \
    X(outbox_dropped, "Packets of bulk dropped from a full outbox")            \
    X(events_held, "Times that the queue of events was half full")             \
    X(forwards, "Heartbeats and deregistrations forwarded to their home")      \
    X(adoptions, "Peers adopted from a home that is gone")

static void put_gossip(struct buffer *out, const struct gossip_stats *stats)
{
#define PUT_GOSSIP(field, help) counter_put(out, #field "_total", help, stats->field);
    GOSSIP_COUNTERS(PUT_GOSSIP)
#undef PUT_GOSSIP
    put_drops(out, stats);
}

/* --- State --------------------------------------------------------------------------------- */

static void put_members(struct buffer *out, const struct view *view)
{
    uint64_t counts[MEMBER_FORGOTTEN] = {0};

    for (size_t i = 0; i < view->member_count; i++)
        counts[view->members[i]->state]++;
    head_put(out, "members", "gauge", "Members known, this node included, by state");
    for (size_t i = 0; i < MEMBER_FORGOTTEN; i++)
        labelled_put(out, "members", "state", member_state_name((enum member_state)i), counts[i]);
}

static void put_logs(struct buffer *out, const struct view *view)
{
    uint64_t counts[LOG_EQUIVOCATING + 1] = {0};

    for (size_t i = 0; i < view->home_count; i++)
        if (view->homes[i]->has_log)
            counts[view->homes[i]->log_state]++;
    head_put(out, "logs", "gauge", "Logs held, one per home and epoch, by state");
    for (size_t i = 0; i <= LOG_EQUIVOCATING; i++)
        labelled_put(out, "logs", "state", log_state_name((enum log_state)i), counts[i]);
}

static void put_state(struct buffer *out, const struct api *api)
{
    const struct gossip_status *status = &api->view.status;

    gauge_put(out, "converged", "1: this node's view is whole, as far as it can know",
              status->converged);
    gauge_put(out, "synced", "1: the first sync is done", status->synced);
    gauge_put(out, "cut_off", "1: nothing is heard from any other node", status->cut_off);
    gauge_put(out, "leaving", "1: this node is leaving the cluster", status->leaving);
    gauge_put(out, "health", "Lifeguard's local health multiplier, 0 is well", status->health);
    gauge_put(out, "epoch", "This node's epoch", status->epoch);
    gauge_put(out, "members_alive", "Members that are alive, this node included",
              status->members_alive);
    gauge_put(out, "peers", "Peers visible here", api->view.peers.count);
    gauge_put(out, "records", "Records held, hidden ones included", status->records_held);
    gauge_put(out, "outbox_packets", "Packets waiting to be sent", status->outbox_packets);
    gauge_put(out, "start_time_seconds", "When this node started, seconds since 1970",
              api->options->started_wall_ms / 1000);
    put_members(out, &api->view);
    put_logs(out, &api->view);
}

/* Names may hold what a label's value may not. */
static void info_text_put(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buffer_add(out, "\\", 1);
        buffer_add(out, text, 1);
    }
}

static void info_put(struct buffer *out, const struct api *api)
{
    head_put(out, "info", "gauge", "Who this node is");
    buffer_add_text(out, "aurora_info{version=\"" AURORA_VERSION "\",name=\"");
    info_text_put(out, api->config->name);
    buffer_add_text(out, "\",cluster=\"");
    info_text_put(out, api->config->cluster);
    buffer_add_text(out, "\",zone=\"");
    info_text_put(out, api->config->zone);
    buffer_add_text(out, "\"} 1\n");
}

/* --- The daemon and HTTP ------------------------------------------------------------------- */

static void put_daemon(struct buffer *out)
{
#define PUT_COUNTER(name, help) counter_put(out, #name "_total", help, counter_read(name));
    COUNTERS(PUT_COUNTER)
#undef PUT_COUNTER
}

/* The first thread has the watchers, too. */
static void put_threads(struct buffer *out, struct http_team *team)
{
    char number[8];

    head_put(out, "http_thread_connections", "gauge", "Connections open now, by thread");
    for (size_t i = 0; i < http_team_size(team); i++) {
        snprintf(number, sizeof number, "%u", (unsigned)i % 100);
        labelled_put(out, "http_thread_connections", "thread", number,
                     stat_read(&http_team_stats(team, i)->connections));
    }
}

static void put_http(struct buffer *out, struct api *api)
{
    struct http_stats sum;

    api_publish(api);
    http_team_sum(api->options->team, &sum);
#define PUT_COUNTED(name, help) \
    counter_put(out, "http_" #name "_total", help, stat_read(&sum.name));
#define PUT_GAUGE(name, metric, help) gauge_put(out, #metric, help, stat_read(&sum.name));
    HTTP_COUNTERS(PUT_COUNTED)
    HTTP_GAUGES(PUT_GAUGE)
#undef PUT_COUNTED
#undef PUT_GAUGE
    put_threads(out, api->options->team);
    head_put(out, "http_responses_total", "counter", "Answers, by status");
    for (unsigned i = 0; i < HTTP_STATUS_END - HTTP_STATUS_FIRST; i++) {
        uint64_t count = stat_read(&sum.by_status[i]);
        char status[8];

        if (count == 0)
            continue;
        snprintf(status, sizeof status, "%u", (i + HTTP_STATUS_FIRST) % 1000);
        labelled_put(out, "http_responses_total", "status", status, count);
    }
}

static void put_turns_of(struct buffer *out, const char *loop, struct turns *of)
{
    static const char *const bounds[] = {
#define BOUND_TEXT(us, seconds) seconds,
        TURNS_BUCKETS(BOUND_TEXT)
#undef BOUND_TEXT
            "+Inf"};
    char labels[LINE_MAX_BYTES / 2];
    uint64_t count = 0, sum_us = stat_read(&of->sum_us);

    for (size_t i = 0; i < TURNS_BUCKET_COUNT; i++) {
        count += stat_read(&of->buckets[i]);
        snprintf(labels, sizeof labels, "{loop=\"%s\",le=\"%s\"}", loop, bounds[i]);
        line_put(out, "loop_turn_seconds_bucket", labels, count);
    }
    snprintf(labels, sizeof labels, "{loop=\"%s\"} %" PRIu64 ".%06" PRIu64 "\n", loop,
             sum_us / 1000000, sum_us % 1000000);
    buffer_add_text(out, "aurora_loop_turn_seconds_sum");
    buffer_add_text(out, labels);
    snprintf(labels, sizeof labels, "{loop=\"%s\"}", loop);
    line_put(out, "loop_turn_seconds_count", labels, count);
}

/* What came in meanwhile waited for so long. */
static void put_turns(struct buffer *out)
{
    head_put(out, "loop_turn_seconds", "histogram",
             "How long an event loop took from one wait to the next");
    put_turns_of(out, "gossip", &turns_by_loop[TURNS_GOSSIP]);
    put_turns_of(out, "http", &turns_by_loop[TURNS_HTTP]);
    head_put(out, "loop_turn_most_microseconds", "gauge", "The longest of them since the start");
    labelled_put(out, "loop_turn_most_microseconds", "loop", "gossip",
                 stat_read(&turns_by_loop[TURNS_GOSSIP].most_us));
    labelled_put(out, "loop_turn_most_microseconds", "loop", "http",
                 stat_read(&turns_by_loop[TURNS_HTTP].most_us));
}

void api_metrics(struct api *api, struct http_exchange *exchange)
{
    struct http_answer answer = {
        .status = 200,
        .type = "text/plain; version=0.0.4; charset=utf-8",
    };

    buffer_clear(&api->scratch);
    info_put(&api->scratch, api);
    put_state(&api->scratch, api);
    put_gossip(&api->scratch, &api->view.status.stats);
    put_daemon(&api->scratch);
    put_http(&api->scratch, api);
    put_turns(&api->scratch);
    api_answer_scratch(api, exchange, answer);
}
