// SPDX-License-Identifier: Apache-2.0
/* watch.c - aurora watch: what changes, as it changes, from whichever node answers. */
#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/sse.h"
#include "tools/watch_show.h"

#define SILENCE_S         35    /* a node says something every 15 s */
#define PATIENCE_LEAST_MS 250   /* before the next node is asked, */
#define PATIENCE_MOST_MS  30000 /* doubled with each round in vain */
#define ERROR_MAX_BYTES   4096

enum outcome { STREAM_OPEN = 0, STREAM_ENDED, STREAM_SILENT, STREAM_NONSENSE, STREAM_REFUSED };

struct watching {
    const struct request *request;
    char path[REQUEST_PATH_BYTES];
    size_t node; /* which of them is asked */
    const char *url;
    struct sse sse;
    struct show *show;
    CURL *curl;
    enum outcome outcome;
    long status;         /* of the answer at hand; 0: none yet */
    bool was_ever_heard; /* a node has answered with a stream */
    bool is_heard;       /* this one has */
    char error[ERROR_MAX_BYTES];
    size_t error_len;
};

/* Ctrl-C writes here, so that it is never lost between two looks at a flag. */
static int stop_pipe[2] = {-1, -1};

static void on_signal(int number)
{
    ssize_t ignored = write(stop_pipe[1], "", 1);
    (void)number;
    (void)ignored;
}

static bool catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0;
}

/* True: somebody wants us to stop. */
static bool wait_stop(long ms)
{
    struct pollfd fd = {.fd = stop_pipe[0], .events = POLLIN};
    return poll(&fd, 1, (int)ms) > 0 || (fd.revents & POLLIN) != 0;
}

/* --- What comes ------------------------------------------------------------------------------ */

static void on_event(struct watching *watching)
{
    struct sse *sse = &watching->sse;
    watching->is_heard = true;
    watching->was_ever_heard = true;
    if (watching->request->wants_json)
        show_json(sse);
    else if (!show_event(watching->show, sse, watching->url))
        watching->outcome = STREAM_NONSENSE;
    fflush(stdout);
}

static void keep_error(struct watching *watching, const char *bytes, size_t len)
{
    size_t room = sizeof watching->error - 1 - watching->error_len;
    len = len < room ? len : room;
    memcpy(watching->error + watching->error_len, bytes, len);
    watching->error_len += len;
    watching->error[watching->error_len] = '\0';
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct watching *watching = context;
    const char *at = bytes;
    size_t len = size * count;
    enum sse_result result = SSE_MORE;
    curl_easy_getinfo(watching->curl, CURLINFO_RESPONSE_CODE, &watching->status);
    if (watching->status != 200) {
        keep_error(watching, bytes, len);
        return len;
    }
    while (watching->outcome == STREAM_OPEN &&
           (result = sse_feed(&watching->sse, &at, &len)) == SSE_EVENT)
        on_event(watching);
    if (result == SSE_TOO_LARGE)
        watching->outcome = STREAM_NONSENSE;
    return watching->outcome == STREAM_OPEN ? size * count : 0;
}

/* --- One stream ------------------------------------------------------------------------------ */

static struct curl_slist *headers_of(const struct watching *watching)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: text/event-stream");
    char line[SSE_ID_MAX_BYTES + 32];
    if (watching->sse.id[0] == '\0')
        return headers;
    snprintf(line, sizeof line, "Last-Event-ID: %s", watching->sse.id);
    return curl_slist_append(headers, line);
}

static CURL *prepare(struct watching *watching, struct curl_slist *headers)
{
    char url[2048 + REQUEST_PATH_BYTES];
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "%s%s", watching->url, watching->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, watching->request->client.timeout_ms);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, watching);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    return curl;
}

static void conclude(struct watching *watching, CURLcode code)
{
    if (watching->outcome != STREAM_OPEN)
        return;
    if (watching->status != 0 && watching->status != 200)
        watching->outcome = STREAM_REFUSED;
    else if (code == CURLE_OPERATION_TIMEDOUT)
        watching->outcome = STREAM_SILENT;
    else
        watching->outcome = STREAM_ENDED;
    if (watching->status == 0 && code != CURLE_OK)
        snprintf(watching->error, sizeof watching->error, "%s", curl_easy_strerror(code));
}

/* Until the stream ends. True: somebody wants us to stop. */
static bool listen_to(struct watching *watching)
{
    struct curl_waitfd stop = {.fd = stop_pipe[0], .events = CURL_WAIT_POLLIN};
    struct curl_slist *headers = headers_of(watching);
    CURLM *multi = curl_multi_init();
    CURLMsg *message;
    int running = 1, left;
    bool must_stop = false;
    watching->outcome = STREAM_OPEN;
    watching->status = 0;
    watching->is_heard = false;
    watching->error[0] = '\0';
    watching->error_len = 0;
    sse_begin(&watching->sse);
    watching->curl = prepare(watching, headers);
    curl_multi_add_handle(multi, watching->curl);
    while (running > 0 && !must_stop) {
        curl_multi_perform(multi, &running);
        if (running > 0)
            curl_multi_poll(multi, &stop, 1, 1000, NULL);
        must_stop = wait_stop(0);
    }
    message = curl_multi_info_read(multi, &left);
    conclude(watching, message != NULL ? message->data.result : CURLE_OK);
    curl_multi_remove_handle(multi, watching->curl);
    curl_easy_cleanup(watching->curl);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return must_stop;
}

/* --- From one to the next -------------------------------------------------------------------- */

static void say_why(const struct watching *watching)
{
    json_t *body = json_loads(watching->error, 0, NULL);
    const char *error = json_string_value(json_object_get(body, "error"));
    switch (watching->outcome) {
    case STREAM_REFUSED:
        fprintf(stderr, "aurora: %s answered %ld: %s\n", watching->url, watching->status,
                error != NULL ? error : "no reason given; is this an Aurora node?");
        break;
    case STREAM_SILENT: fprintf(stderr, "aurora: %s has fallen silent\n", watching->url); break;
    case STREAM_NONSENSE:
        fprintf(stderr, "aurora: what %s says is no stream of an Aurora node\n", watching->url);
        break;
    default:
        if (watching->is_heard)
            fprintf(stderr, "aurora: the stream from %s has ended\n", watching->url);
        else
            fprintf(stderr, "aurora: no node answers at %s: %s\n", watching->url,
                    watching->error[0] != '\0' ? watching->error : "it hung up");
        break;
    }
    json_decref(body);
}

/* Is there no use in going on? A request that is wrong will be wrong everywhere. */
static bool is_hopeless(const struct watching *watching, size_t rounds, enum exit_status *status)
{
    if (watching->outcome == STREAM_REFUSED && watching->status >= 400 && watching->status < 500 &&
        watching->status != 429) {
        *status = watching->status == 404 ? EXIT_NOT_FOUND : EXIT_REFUSED;
        return true;
    }
    if (watching->was_ever_heard || rounds == 0 || watching->outcome == STREAM_REFUSED)
        return false;
    fprintf(stderr, "aurora: give a node's HTTP address with --node URL or AURORA_NODE; several "
                    "--node are tried in turn\n");
    *status = EXIT_NO_NODE;
    return true;
}

static const char *node_url(const struct request *request, size_t number)
{
    const struct client *client = &request->client;
    return client->node_count == 0 ? client->url : client->nodes[number % client->node_count];
}

static enum exit_status watch_on(struct watching *watching)
{
    const struct client *client = &watching->request->client;
    size_t node_count = client->node_count == 0 ? 1 : client->node_count;
    size_t in_vain = 0; /* nodes asked since one was heard */
    long patience_ms = PATIENCE_LEAST_MS;
    for (;;) {
        enum exit_status status;
        watching->url = node_url(watching->request, watching->node);
        if (listen_to(watching))
            return EXIT_DONE;
        say_why(watching);
        in_vain = watching->is_heard ? 1 : in_vain + 1;
        if (watching->is_heard)
            patience_ms = PATIENCE_LEAST_MS;
        if (is_hopeless(watching, in_vain / node_count, &status))
            return status;
        watching->node = (watching->node + 1) % node_count;
        bool is_round = in_vain % node_count == 0;
        if (is_round && watching->sse.retry_ms > patience_ms)
            patience_ms = watching->sse.retry_ms;
        if (wait_stop(is_round ? patience_ms : PATIENCE_LEAST_MS))
            return EXIT_DONE;
        if (is_round)
            patience_ms = 2 * patience_ms < PATIENCE_MOST_MS ? 2 * patience_ms : PATIENCE_MOST_MS;
    }
}

static enum exit_status run(const struct request *request)
{
    struct watching watching = {.request = request, .path = "/v1/watch"};
    if (!request_query(request, watching.path))
        return EXIT_USAGE;
    if (!catch_signals()) {
        perror("aurora watch");
        return EXIT_REFUSED;
    }
    watching.show = show_new();
    enum exit_status status = watch_on(&watching);
    show_free(watching.show);
    sse_free(&watching.sse);
    close(stop_pipe[0]);
    close(stop_pipe[1]);
    return status;
}

const struct command command_watch = {
    .name = "watch",
    .arguments = "[--archetype A]... [--meta KEY=VALUE]... [--exclude ID]...",
    .summary = "What changes, as it changes: peers that come, change and go, until Ctrl-C",
    .help = "  --archetype A    only peers of this archetype; given twice, both must match\n"
            "  --meta K=V       only peers whose metadata has this value\n"
            "  --exclude ID     all but this one\n"
            "  --node URL       given several times: when one falls silent the next is asked\n"
            "  --json           each event as one line of JSON: event, id, and what came with it\n"
            "\n"
            "One line for each change: the time, a sign, the peer, its home, and more.\n"
            "  =  it was there when the watch began\n"
            "  +  it has come, and offers this\n"
            "  ~  it has changed, or another node has become its home\n"
            "  -  it has gone: left, expired, home-dead, moved, swept; filter: it has changed and\n"
            "     is no longer among those asked for; away: it went while no node was heard\n"
            "  !  a home is gone and its peers are orphaned, or it is back\n"
            "A stream that breaks is taken up where it was, on another node by comparing; what\n"
            "happens to the stream itself is told on standard error. Ctrl-C: status 0.\n"
            "\n"
            "example: aurora --node http://10.0.0.1:4780 --node http://10.0.0.2:4780 watch \\\n"
            "             --archetype printer\n"
            "example: aurora watch --json | jq -r 'select(.event == \"down\").peer_id'",
    .options = "archetype meta exclude ",
    .run = run,
};
