// SPDX-License-Identifier: Apache-2.0
/* watchers.c - many open streams of one node, and changes at a steady rate: what arrives, how late?
 *
 * Usage: watchers HOST PORT COUNT RATE SECONDS      (tests/bench/watch_parts.py drives it)
 *
 * Says "ready" when every watcher has its snapshot, waits for a line on standard input, makes RATE
 * changes a second, and prints what it saw as JSON. In turn a peer is registered, registered anew
 * and ended; the time is in its metadata, so that each watcher's delay can be told. All of them
 * count lines (an event has four); every SAMPLE-th reads them, too. */
#include "net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAMPLE          20
#define LINE_MAX_BYTES  65536
#define ROOM_BYTES      (256 << 10)
#define DELAYS          20000 /* milliseconds */
#define DRAIN_MS        3000
#define EVENTS_AT_ONCE  256
#define LINES_PER_EVENT 4

struct watcher {
    int fd;
    uint64_t lines, bytes;
    bool has_snapshot;
    char *line; /* of those that are read, and of all until the snapshot */
    size_t line_len;
};

static struct watcher *watchers;
static size_t watcher_count, ready_count, gone_count;
static struct sockaddr_in server;
static int epoll_fd;
static char *room;
static uint64_t delays[DELAYS], delay_count, worst_ms;
static bool is_measuring;

/* --- What the watchers hear --------------------------------------------------------------------
 */

static void take_delay(const char *line)
{
    const char *at = strstr(line, "\"metadata\":{\"t\":");

    if (at == NULL || !is_measuring)
        return;
    uint64_t ms = (net_now_us() - strtoull(at + 16, NULL, 10)) / 1000;
    delays[ms < DELAYS ? ms : DELAYS - 1]++;
    delay_count++;
    worst_ms = ms > worst_ms ? ms : worst_ms;
}

static void take_line(struct watcher *watcher)
{
    if (watcher->has_snapshot)
        take_delay(watcher->line);
    else if (strstr(watcher->line, "\"more\":false") != NULL) {
        watcher->has_snapshot = true;
        ready_count++;
    }
}

static bool is_read(const struct watcher *watcher)
{
    return !watcher->has_snapshot || (size_t)(watcher - watchers) % SAMPLE == 0;
}

static void keep_line(struct watcher *watcher, const char *bytes, size_t len)
{
    if (watcher->line == NULL)
        watcher->line = malloc(LINE_MAX_BYTES);
    if (watcher->line == NULL || len >= LINE_MAX_BYTES - watcher->line_len)
        net_fail("a line is too long");
    memcpy(watcher->line + watcher->line_len, bytes, len);
    watcher->line_len += len;
    watcher->line[watcher->line_len] = '\0';
}

static void take_bytes(struct watcher *watcher, const char *bytes, size_t len)
{
    const char *end = bytes + len, *newline;

    watcher->bytes += len;
    for (; bytes < end && (newline = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL;
         bytes = newline + 1) {
        watcher->lines++;
        if (!is_read(watcher))
            continue;
        keep_line(watcher, bytes, (size_t)(newline - bytes));
        take_line(watcher);
        watcher->line_len = 0;
    }
    if (is_read(watcher))
        keep_line(watcher, bytes, (size_t)(end - bytes));
}

static void on_watcher(struct watcher *watcher)
{
    ssize_t len = recv(watcher->fd, room, ROOM_BYTES, MSG_DONTWAIT);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        gone_count++;
        close(watcher->fd);
        watcher->fd = -1;
        return;
    }
    take_bytes(watcher, room, (size_t)len);
    if (!is_read(watcher)) {
        free(watcher->line);
        watcher->line = NULL;
        watcher->line_len = 0;
    }
}

static void open_watcher(size_t number)
{
    struct watcher *watcher = &watchers[number];
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = watcher}};

    watcher->fd = net_dial(&server);
    net_say(watcher->fd, "GET /v1/watch HTTP/1.1\r\nHost: bench\r\n\r\n");
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watcher->fd, &event) != 0)
        net_fail("epoll_ctl");
}

/* --- Changes -----------------------------------------------------------------------------------
 */

static int changer;
static uint64_t answers, changes_made, asked_us, answer_worst_us;

static void make_change(uint64_t number)
{
    char body[256], text[512];
    uint64_t peer = number / 3;

    asked_us = net_now_us();
    snprintf(body, sizeof body,
             "{\"peer_id\":\"bench-%08" PRIu64 "\",\"address\":\"192.0.2.7\",\"port\":9000,"
             "\"archetypes\":[\"bench\"],\"metadata\":{\"t\":%" PRIu64 "}}",
             peer, asked_us);
    if (number % 3 == 2)
        snprintf(text, sizeof text,
                 "DELETE /v1/peers/bench-%08" PRIu64 " HTTP/1.1\r\nHost: bench\r\n\r\n", peer);
    else
        snprintf(text, sizeof text,
                 "POST /register HTTP/1.1\r\nHost: bench\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(body), body);
    net_say(changer, text);
    changes_made++;
}

static void on_changer(void)
{
    static const char ok[] = "HTTP/1.1 200";
    ssize_t len = recv(changer, room, ROOM_BYTES - 1, MSG_DONTWAIT);

    if (len <= 0)
        return;
    room[len] = '\0';
    for (const char *at = room; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++) {
        if (strncmp(at, ok, sizeof ok - 1) != 0) {
            fprintf(stderr, "watchers: %.60s\n", at);
            exit(1);
        }
        answers++;
    }
    uint64_t took_us = net_now_us() - asked_us;
    answer_worst_us = took_us > answer_worst_us ? took_us : answer_worst_us;
}

static void open_changer(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};

    changer = net_dial(&server);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, changer, &event) != 0)
        net_fail("epoll_ctl");
}

/* --- The whole ---------------------------------------------------------------------------------
 */

static void turn(int wait_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(epoll_fd, events, EVENTS_AT_ONCE, wait_ms);

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL)
            on_changer();
        else
            on_watcher(events[i].data.ptr);
    }
}

static uint64_t sum_lines(void)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < watcher_count; i++)
        lines += watchers[i].lines;
    return lines;
}

static uint64_t sum_bytes(void)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < watcher_count; i++)
        bytes += watchers[i].bytes;
    return bytes;
}

static size_t percentile_ms(double share)
{
    uint64_t wanted = (uint64_t)(share * (double)delay_count), seen = 0;

    for (size_t ms = 0; ms < DELAYS; ms++) {
        seen += delays[ms];
        if (seen > wanted)
            return ms;
    }
    return DELAYS;
}

static void drive(uint64_t rate, uint64_t seconds)
{
    uint64_t begin_us = net_now_us(), end_us = begin_us + seconds * 1000000;
    uint64_t lines = sum_lines(), bytes = sum_bytes(), now;

    is_measuring = true;
    while ((now = net_now_us()) < end_us) {
        uint64_t due_us = begin_us + changes_made * 1000000 / rate;

        if (now >= due_us)
            make_change(changes_made);
        else
            turn((int)((due_us - now) / 1000));
        turn(0);
    }
    uint64_t in_time = (sum_lines() - lines) / LINES_PER_EVENT;
    end_us += DRAIN_MS * 1000;
    while (net_now_us() < end_us)
        turn(50);
    printf("{\"changes\":%" PRIu64 ",\"answers\":%" PRIu64 ",\"delivered\":%" PRIu64
           ",\"delivered_in_time\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"p50_ms\":%zu,\"p99_ms\":%zu,\"worst_ms\":%" PRIu64 ",\"answer_worst_ms\":%" PRIu64
           ",\"gone\":%zu}\n",
           changes_made, answers, (sum_lines() - lines) / LINES_PER_EVENT, in_time,
           sum_bytes() - bytes, percentile_ms(.5), percentile_ms(.99), worst_ms,
           answer_worst_us / 1000, gone_count);
}

static void prepare(char **argv)
{
    watcher_count = strtoul(argv[3], NULL, 10);
    watchers = calloc(watcher_count, sizeof *watchers);
    room = malloc(ROOM_BYTES);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server = net_address(argv[1], argv[2]);
    net_raise_limit();
    if (watchers == NULL || room == NULL || epoll_fd < 0)
        net_fail("cannot begin");
}

int main(int argc, char **argv)
{
    char line[16];

    if (argc != 6) {
        fprintf(stderr, "usage: watchers HOST PORT COUNT RATE SECONDS\n");
        return 2;
    }
    prepare(argv);
    for (size_t i = 0; i < watcher_count; i++) {
        open_watcher(i);
        turn(0);
    }
    while (ready_count < watcher_count && gone_count == 0)
        turn(1000);
    open_changer();
    puts("ready");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) != NULL)
        drive(strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
    return 0;
}
