// SPDX-License-Identifier: Apache-2.0
/* registrar.c - registers peers at a steady rate, and says how long the answers took
 *
 * Usage: registrar HOST PORT KIND PEERS fill               each of the peers once, at full speed
 *        registrar HOST PORT KIND PEERS change RATE SECONDS   one after the other gets new metadata
 *        registrar HOST PORT KIND PEERS churn RATE SECONDS    a new one, then an end of the oldest
 *
 * Peers are of the archetypes of-KIND and zone-(number % 1000), their ids have 36 characters and
 * their metadata 100 bytes. What is due while all connections wait for answers is done late, not
 * left out; the delays count from the moment at which it was due. Prints JSON. */
#include "net.h"

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define CONNECTIONS    32
#define TEXT_BYTES     1024
#define DELAYS_MAX     10000000
#define ANSWER_WAIT_US 1000000

enum work { FILL, CHANGE, CHURN };

struct line {
    uint64_t due_us; /* of what it waits for; 0: it is idle */
    char text[TEXT_BYTES];
    size_t len;
};

static struct line lines[CONNECTIONS];
static struct pollfd polls[CONNECTIONS];
static uint32_t *delays_us;
static uint64_t sent, answered;
static uint64_t kind, peers;
static enum work work;

static void make_registration(char *text, uint64_t peer, uint64_t serial)
{
    char body[TEXT_BYTES / 2];

    snprintf(body, sizeof body,
             "{\"peer_id\":\"%08" PRIx64 "-0000-4000-8000-%012" PRIx64
             "\",\"address\":\"10.1.2.3\",\"port\":9000,\"archetypes\":[\"of-%" PRIu64
             "\",\"zone-%" PRIu64 "\"],\"metadata\":{\"serial\":\"%016" PRIu64
             "\",\"note\":\"%061d\"}}",
             kind, peer, kind, peer % 1000, serial, 0);
    snprintf(text, TEXT_BYTES,
             "POST /register HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
}

static void make_end(char *text, uint64_t peer)
{
    snprintf(text, TEXT_BYTES,
             "DELETE /v1/peers/%08" PRIx64 "-0000-4000-8000-%012" PRIx64
             " HTTP/1.1\r\nHost: bench\r\n\r\n",
             kind, peer);
}

static void send_next(size_t i, uint64_t due_us)
{
    char text[TEXT_BYTES];

    if (work == CHURN && sent % 2 == 1)
        make_end(text, sent / 2);
    else if (work == CHURN)
        make_registration(text, peers + sent / 2, sent);
    else
        make_registration(text, sent % peers, work == FILL ? 0 : sent + 1);
    net_say(polls[i].fd, text);
    lines[i].due_us = due_us;
    sent++;
}

/* Whether the whole answer is here, which must be a 200. */
static bool is_complete(const struct line *line)
{
    static const char ok[] = "HTTP/1.1 200 ", length[] = "\r\nContent-Length: ";
    const char *body = strstr(line->text, "\r\n\r\n"), *at = strstr(line->text, length);

    if (body == NULL)
        return false;
    if (strncmp(line->text, ok, sizeof ok - 1) != 0 || at == NULL) {
        fprintf(stderr, "registrar: not a 200: %s\n", line->text);
        exit(1);
    }
    size_t body_len = strtoul(at + sizeof length - 1, NULL, 10);
    return line->len >= (size_t)(body + 4 - line->text) + body_len;
}

static void take_answer(size_t i)
{
    struct line *line = &lines[i];
    size_t room = sizeof line->text - 1 - line->len;
    ssize_t len = recv(polls[i].fd, line->text + line->len, room, 0);

    if (len <= 0)
        net_fail("an answer");
    line->len += (size_t)len;
    line->text[line->len] = '\0';
    if (!is_complete(line))
        return;
    if (answered < DELAYS_MAX)
        delays_us[answered] = (uint32_t)(net_now_us() - line->due_us);
    answered++;
    line->due_us = 0;
    line->len = 0;
}

static void wait_for_answers(uint64_t until_us)
{
    uint64_t now_us = net_now_us(), wait_us = until_us > now_us ? until_us - now_us : 0;
    struct timespec wait = {.tv_sec = (time_t)(wait_us / 1000000),
                            .tv_nsec = (long)(wait_us % 1000000 * 1000)};

    if (ppoll(polls, CONNECTIONS, &wait, NULL) < 0)
        net_fail("poll");
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (polls[i].revents != 0)
            take_answer(i);
    }
}

/* Sends what is due by now to the connections that are idle. Returns when there is more to do, if
 * no answer comes before. */
static uint64_t send_due(uint64_t begin_us, uint64_t rate, uint64_t count)
{
    for (size_t i = 0; i < CONNECTIONS && sent < count; i++) {
        uint64_t due_us = rate == 0 ? net_now_us() : begin_us + sent * 1000000 / rate;

        if (due_us > net_now_us())
            return due_us;
        if (lines[i].due_us == 0)
            send_next(i, due_us);
    }
    return net_now_us() + ANSWER_WAIT_US;
}

static int by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static double delay_ms(double share)
{
    uint64_t known = answered < DELAYS_MAX ? answered : DELAYS_MAX;
    uint64_t index = (uint64_t)(share * (double)known);

    return known == 0 ? 0 : delays_us[index < known ? index : known - 1] / 1000.0;
}

static void drive(uint64_t rate, uint64_t count)
{
    uint64_t begin_us = net_now_us();

    while (answered < count)
        wait_for_answers(send_due(begin_us, rate, count));
    double took_s = (double)(net_now_us() - begin_us) / 1e6;
    qsort(delays_us, answered < DELAYS_MAX ? answered : DELAYS_MAX, sizeof *delays_us, by_size);
    printf("{\"done\":%" PRIu64 ",\"seconds\":%.3f,\"rate\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
           "\"p999_ms\":%.3f,\"worst_ms\":%.3f}\n",
           answered, took_s, (double)answered / took_s, delay_ms(.5), delay_ms(.99), delay_ms(.999),
           delay_ms(1));
}

static bool read_work(int argc, char **argv)
{
    static const char *const names[] = {[FILL] = "fill", [CHANGE] = "change", [CHURN] = "churn"};

    if (argc < 6)
        return false;
    while (work <= CHURN && strcmp(argv[5], names[work]) != 0)
        work++;
    return work <= CHURN && argc == (work == FILL ? 6 : 8);
}

int main(int argc, char **argv)
{
    if (!read_work(argc, argv)) {
        fputs("usage: registrar HOST PORT KIND PEERS fill | (change | churn) RATE SECONDS\n",
              stderr);
        return 2;
    }
    struct sockaddr_in server = net_address(argv[1], argv[2]);

    kind = strtoull(argv[3], NULL, 10);
    peers = strtoull(argv[4], NULL, 10);
    delays_us = calloc(DELAYS_MAX, sizeof *delays_us);
    if (delays_us == NULL || peers == 0)
        net_fail("cannot begin");
    for (size_t i = 0; i < CONNECTIONS; i++)
        polls[i] = (struct pollfd){.fd = net_dial(&server), .events = POLLIN};
    uint64_t rate = work == FILL ? 0 : strtoull(argv[6], NULL, 10);
    drive(rate, work == FILL ? peers : rate * strtoull(argv[7], NULL, 10));
    return 0;
}
