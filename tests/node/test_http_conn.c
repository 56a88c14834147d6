// SPDX-License-Identifier: Apache-2.0
/* test_http_conn.c - connections: any piecemeal, pipelines in order, and every limit with an answer
 */
#include "node/http_conn.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/node/http_stage.h"

#define HEAD "Host: n1\r\n"

static struct http_stage *stage;

static void begin(void)
{
    stage = stage_new();
}

static void end(void)
{
    stage_free(stage);
}

TestSuite(http_conn, .init = begin, .fini = end);

/* The status of the only answer. */
static int ask(const char *request)
{
    char *answer = stage_ask(stage, request);
    int status = answer_status(answer);

    free(answer);
    return status;
}

static bool answer_says(const char *request, int status, const char *words)
{
    char *answer = stage_ask(stage, request);
    bool says = answer_status(answer) == status && strstr(answer, words) != NULL;

    if (!says)
        fprintf(stderr, "%s\n", answer);
    free(answer);
    return says;
}

static size_t count_of(const char *text, const char *words)
{
    size_t count = 0;

    for (; (text = strstr(text, words)) != NULL; text++)
        count++;
    return count;
}

Test(http_conn, requests_may_arrive_split_anywhere)
{
    static const char text[] =
        "POST /register HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\n"
        "Content-Length: 25\r\n\r\n{\"peer_id\":\"p\",\"port\":80}"
        "\r\nGET /discover?limit=1 HTTP/1.1\r\nIf-None-Match: \"x\"\r\n" HEAD "\r\n"
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n"
        "8\r\n{\"peer_i\r\n7\r\nd\":\"p\"}\r\n0\r\n\r\n";
    size_t len = sizeof text - 1;

    /* Once before, so that the peer is known to /discover every time. */
    free(stage_ask(stage, text));
    char *whole = stage_ask(stage, text);
    cr_assert_eq(count_of(whole, "HTTP/1.1 200 OK"), 3, "%s", whole);
    for (size_t first = 0; first <= len; first++) {
        struct http_conn *conn = stage_connect(stage);

        cr_assert_eq(http_conn_feed(conn, text, first, stage->mono_ms), first);
        stage_obey(stage);
        cr_assert_eq(http_conn_feed(conn, text + first, len - first, stage->mono_ms), len - first);
        stage_obey(stage);
        char *answer = stage_hear(conn);
        cr_assert_eq(count_of(answer, "HTTP/1.1 200 OK"), 3, "split at %zu: %s", first, answer);
        cr_assert_eq(strlen(answer), strlen(whole), "split at %zu", first);
        free(answer);
        stage_disconnect(conn);
    }
    free(whole);
}

Test(http_conn, byte_by_byte)
{
    static const char text[] = "GET /health HTTP/1.1\r\n" HEAD "\r\n";
    struct http_conn *conn = stage_connect(stage);

    for (size_t i = 0; i < sizeof text - 1; i++)
        http_conn_feed(conn, text + i, 1, stage->mono_ms);
    char *answer = stage_hear(conn);
    cr_assert_str_eq(answer_body_text(answer), "{\"status\":\"healthy\"}");
    free(answer);
    stage_disconnect(conn);
}

/* What is sent byte by byte is always parsed; what comes whole, and again, need not be. */
static char *answers_to(const char *const requests[3], bool is_whole)
{
    struct http_conn *conn = stage_connect(stage);

    for (int i = 0; i < 3; i++) {
        size_t len = strlen(requests[i]), step = is_whole ? len : 1;

        for (size_t at = 0; at < len; at += step)
            http_conn_feed(conn, requests[i] + at, step, stage->mono_ms);
    }
    char *answers = stage_hear(conn);
    stage_disconnect(conn);
    return answers;
}

Test(http_conn, a_request_that_comes_again_is_understood_as_the_first_time)
{
    static const char *const requests[] = {
        "GET /health HTTP/1.1\r\n" HEAD "\r\n",
        "GET /health HTTP/1.1\r\n" HEAD "If-None-Match: *\r\n\r\n",
        "GET /health HTTP/1.1\r\n" HEAD "Content-Length: 3\r\n\r\nabc",
        "HEAD /discover HTTP/1.1\r\n" HEAD "\r\n",
        "\r\nGET /discover?limit=1 HTTP/1.1\r\n" HEAD "\r\n",
        "GET /discover HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET /discover HTTP/1.1\r\n" HEAD "Connection: close\r\n\r\n",
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}",
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n"
        "2\r\n{}\r\n0\r\n\r\n",
        "OPTIONS /register HTTP/1.1\r\n" HEAD "\r\n",
        "GET /health HTTP/1.1\r\n\r\n", /* no Host */
    };
    enum { COUNT = sizeof requests / sizeof requests[0] };

    for (size_t i = 0; i < COUNT * COUNT * COUNT; i++) {
        const char *three[3] = {requests[i % COUNT], requests[i / COUNT % COUNT],
                                requests[i / COUNT / COUNT]};
        char *whole = answers_to(three, true), *pieces = answers_to(three, false);

        cr_assert_str_eq(whole, pieces, "%s%s%s", three[0], three[1], three[2]);
        free(whole);
        free(pieces);
    }
}

Test(http_conn, only_a_short_head_without_a_body_is_kept)
{
    static const char get[] = "GET /health HTTP/1.1\r\n" HEAD "\r\n",
                      post[] = "POST /x HTTP/1.1\r\n" HEAD "Content-Length: 1\r\n\r\n1";
    char text[HTTP_REPEAT_MAX_BYTES + 100];
    struct http_conn *conn = stage_connect(stage);

    http_conn_feed(conn, get, sizeof get - 1, stage->mono_ms);
    cr_assert_eq(conn->repeat.len, sizeof get - 1);
    http_conn_feed(conn, post, sizeof post - 1, stage->mono_ms);
    cr_assert_eq(conn->repeat.len, 0);
    int len = snprintf(text, sizeof text, "GET /health HTTP/1.1\r\n" HEAD "X: %0*d\r\n\r\n",
                       HTTP_REPEAT_MAX_BYTES, 0);
    http_conn_feed(conn, text, (size_t)len, stage->mono_ms);
    cr_assert_eq(conn->repeat.len, 0);
    free(stage_hear(conn));
    stage_disconnect(conn);
}

Test(http_conn, pipelined_requests_are_answered_in_their_order)
{
    static const char text[] =
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Content-Length: 15\r\n\r\n{\"peer_id\":\"p\"}"
        "GET /health HTTP/1.1\r\n" HEAD "\r\n"
        "GET /nowhere HTTP/1.1\r\n" HEAD "\r\n";
    struct http_conn *conn = stage_connect(stage);

    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    char *answer = stage_hear(conn);
    cr_assert_str_eq(answer, "", "the first one still waits for the core");
    free(answer);
    stage_reply(stage, RESULT_UNKNOWN_PEER, NULL);
    answer = stage_hear(conn);
    const char *peer = strstr(answer, "unknown peer"), *health = strstr(answer, "healthy"),
               *path = strstr(answer, "no such path");
    cr_assert(peer != NULL && health != NULL && path != NULL && peer < health && health < path);
    free(answer);
    stage_disconnect(conn);
}

Test(http_conn, a_pipeline_has_a_limit_and_goes_on_when_answers_have_left)
{
    static const char one[] = "GET /health HTTP/1.1\r\n" HEAD "\r\n";
    enum { COUNT = 3 * HTTP_EXCHANGES_MAX };
    char *text = malloc(COUNT * (sizeof one - 1));
    struct http_conn *conn = stage_connect(stage);
    size_t len = COUNT * (sizeof one - 1), at = 0, answers = 0;

    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + i * (sizeof one - 1), one, sizeof one - 1);
    while (at < len) {
        at += http_conn_feed(conn, text + at, len - at, stage->mono_ms);
        cr_assert(conn->exchange_count <= HTTP_EXCHANGES_MAX);
        char *answer = stage_hear(conn);
        answers += count_of(answer, "healthy");
        free(answer);
    }
    cr_assert_eq(answers, COUNT);
    free(text);
    stage_disconnect(conn);
}

Test(http_conn, head_is_get_without_a_body)
{
    char *head = stage_request(stage, "HEAD", "/health", NULL);

    cr_assert_eq(answer_status(head), 200);
    cr_assert_not_null(strstr(head, "Content-Length: 20\r\n"));
    cr_assert_str_eq(answer_body_text(head), "");
    free(head);
}

Test(http_conn, the_connection_stays_unless_somebody_says_otherwise)
{
    static const struct {
        const char *request;
        bool stays;
    } cases[] = {
        {"GET /health HTTP/1.1\r\n" HEAD "\r\n", true},
        {"GET /health HTTP/1.1\r\n" HEAD "Connection: close\r\n\r\n", false},
        {"GET /health HTTP/1.0\r\n\r\n", false},
        {"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET /health HTTP/1.1\r\n" HEAD "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_conn *conn = stage_connect(stage);

        http_conn_feed(conn, cases[i].request, strlen(cases[i].request), stage->mono_ms);
        char *answer = stage_hear(conn);
        cr_assert_eq(answer_status(answer), 200);
        cr_assert_eq(http_conn_is_done(conn), !cases[i].stays, "%s", cases[i].request);
        cr_assert_eq(strstr(answer, "Connection: close") != NULL, !cases[i].stays);
        free(answer);
        stage_disconnect(conn);
    }
}

Test(http_conn, heads_over_16_kib_get_431)
{
    static char text[40000];
    size_t at = (size_t)snprintf(text, sizeof text, "GET /health HTTP/1.1\r\n" HEAD);

    for (int i = 0; at < 20000; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "X-Header-%d: value\r\n", i);
    snprintf(text + at, sizeof text - at, "\r\n");
    cr_assert_eq(ask(text), 431);
    memset(text, 'a', 20000);
    memcpy(text, "GET /", 5);
    snprintf(text + 20000, sizeof text - 20000, " HTTP/1.1\r\n" HEAD "\r\n");
    cr_assert_eq(ask(text), 431);
}

Test(http_conn, bodies_over_64_kib_get_413_before_they_are_sent)
{
    cr_assert(answer_says("POST /register HTTP/1.1\r\n" HEAD "Content-Length: 65537\r\n\r\n", 413,
                          "Connection: close"));
    cr_assert_eq(ask("POST /register HTTP/1.1\r\n" HEAD
                     "Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n"),
                 413);
}

Test(http_conn, chunks_over_64_kib_get_413)
{
    struct http_conn *conn = stage_connect(stage);
    static char chunk[8192 + 16];
    static const char head[] =
        "POST /register HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n";

    memcpy(chunk, "2000\r\n", 6);
    memset(chunk + 6, ' ', 8192);
    memcpy(chunk + 6 + 8192, "\r\n", 2);
    http_conn_feed(conn, head, sizeof head - 1, stage->mono_ms);
    for (int i = 0; i < 9; i++)
        http_conn_feed(conn, chunk, 6 + 8192 + 2, stage->mono_ms);
    char *answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 413);
    cr_assert(http_conn_is_done(conn));
    free(answer);
    stage_disconnect(conn);
}

Test(http_conn, expect_is_answered_before_the_body_comes)
{
    static const char head[] =
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Expect: 100-continue\r\nContent-Length: 15\r\n\r\n";
    struct http_conn *conn = stage_connect(stage);

    http_conn_feed(conn, head, sizeof head - 1, stage->mono_ms);
    char *answer = stage_hear(conn);
    cr_assert_str_eq(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    free(answer);
    http_conn_feed(conn, "{\"peer_id\":\"p\"}", 15, stage->mono_ms);
    stage_obey(stage);
    answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 404);
    free(answer);
    stage_disconnect(conn);
}

Test(http_conn, what_has_two_meanings_is_refused)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
         400},
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
         400},
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length: 2, 2\r\n\r\n{}", 400},
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length: -2\r\n\r\n{}", 400},
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length: +2\r\n\r\n{}", 400},
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length: 0x2\r\n\r\n{}", 400},
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length:\r\n\r\n{}", 400},
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length : 2\r\n\r\n{}", 400},
        {"POST /register HTTP/1.1\r\n" HEAD "Content-Length: 99999999999999999999\r\n\r\n{}", 400},
        {"POST /register HTTP/1.1\r\n" HEAD
         "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400},
        {"POST /register HTTP/1.1\r\n" HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         501},
        {"POST /register HTTP/1.1\r\n" HEAD "Transfer-Encoding: gzip\r\n\r\n", 501},
        {"POST /register HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        {"GET /health HTTP/1.1\r\n" HEAD "Host: other\r\n\r\n", 400},
        {"GET /health HTTP/1.1\r\n\r\n", 400},
        {"GET /health HTTP/1.1\r\n" HEAD "Bad Header: 1\r\n\r\n", 400},
        {"GET /health HTTP/2.0\r\n" HEAD "\r\n", 505},
        {"GET /health\r\n\r\n", 505},
        {"GET /health HTTP/1.1\r\n" HEAD "Expect: fries\r\n\r\n", 417},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
        {"BREW /coffee HTTP/1.1\r\n" HEAD "\r\n", 400},
        {"GET health HTTP/1.1\r\n" HEAD "\r\n", 400},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *answer = stage_ask(stage, cases[i].text);

        cr_assert_eq(answer_status(answer), cases[i].status, "%s\n%s", cases[i].text, answer);
        cr_assert_not_null(strstr(answer, "{\"error\":\""));
        cr_assert_not_null(strstr(answer, "Access-Control-Allow-Origin"));
        cr_assert_not_null(strstr(answer, "Connection: close"));
        free(answer);
    }
}

Test(http_conn, a_nul_in_a_header_is_refused)
{
    static const char text[] = "GET /health HTTP/1.1\r\n" HEAD "X-A: a\0b\r\n\r\n";
    struct http_conn *conn = stage_connect(stage);

    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    char *answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 400);
    free(answer);
    stage_disconnect(conn);
}

Test(http_conn, absolute_targets_are_understood)
{
    cr_assert_eq(ask("GET http://example.org:4780/health HTTP/1.1\r\n" HEAD "\r\n"), 200);
    cr_assert_eq(ask("GET http://example.org HTTP/1.1\r\n" HEAD "\r\n"), 200);
    cr_assert_eq(ask("OPTIONS * HTTP/1.1\r\n" HEAD "\r\n"), 200);
    cr_assert_eq(ask("CONNECT example.org:80 HTTP/1.1\r\n" HEAD "\r\n"), 404);
}

Test(http_conn, slow_senders_get_408)
{
    static const char half[] = "GET /health HTTP/1.1\r\nHo";
    struct http_conn *conn = stage_connect(stage);

    http_conn_feed(conn, half, sizeof half - 1, stage->mono_ms);
    stage_wait(stage, HTTP_HEAD_MS - 1);
    http_conn_feed(conn, "s", 1, stage->mono_ms);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_STAYS);
    stage_wait(stage, 1);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_SPEAKS,
                 "a byte now and then does not put the deadline off");
    char *answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 408);
    cr_assert(http_conn_is_done(conn));
    free(answer);
    stage_disconnect(conn);
}

Test(http_conn, slow_bodies_get_408)
{
    static const char head[] = "POST /register HTTP/1.1\r\n" HEAD "Content-Length: 20\r\n\r\n{";
    struct http_conn *conn = stage_connect(stage);

    http_conn_feed(conn, head, sizeof head - 1, stage->mono_ms);
    stage_wait(stage, HTTP_BODY_MS - 1);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_STAYS);
    stage_wait(stage, 1);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_SPEAKS);
    stage_disconnect(conn);
}

Test(http_conn, idle_connections_go_and_slow_readers_too)
{
    struct http_conn *conn = stage_connect(stage);
    static const char text[] = "GET /health HTTP/1.1\r\n" HEAD "\r\n";

    stage_wait(stage, HTTP_IDLE_MS);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_GOES);
    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    stage_wait(stage, HTTP_WRITE_MS - 1);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_STAYS);
    http_conn_sent(conn, 1, stage->mono_ms);
    stage_wait(stage, 1);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_GOES,
                 "a byte now and then does not put the deadline off");
    stage_disconnect(conn);
}

Test(http_conn, a_client_that_ends_half_way_is_told)
{
    struct http_conn *conn = stage_connect(stage);

    http_conn_feed(conn, "GET /he", 7, stage->mono_ms);
    http_conn_end(conn, stage->mono_ms);
    char *answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 400);
    free(answer);
    stage_disconnect(conn);
}

Test(http_conn, a_client_that_only_stops_sending_still_gets_its_answer)
{
    struct http_conn *conn = stage_connect(stage);
    static const char text[] =
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Content-Length: 15\r\n\r\n{\"peer_id\":\"p\"}";

    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    http_conn_end(conn, stage->mono_ms);
    cr_assert_not(http_conn_is_done(conn));
    stage_obey(stage);
    char *answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 404);
    cr_assert(http_conn_is_done(conn));
    free(answer);
    stage_disconnect(conn);
}

Test(http_conn, a_reply_for_a_connection_that_is_gone_finds_nothing)
{
    struct http_conn *conn = stage_connect(stage);
    static const char text[] =
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Content-Length: 15\r\n\r\n{\"peer_id\":\"p\"}";

    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    stage_disconnect(conn);
    stage_obey(stage);
    cr_assert_eq(stage->api.waiting.by_number.count, 0);
}

Test(http_conn, a_reply_that_does_not_come_is_a_504)
{
    struct http_conn *conn = stage_connect(stage);
    static const char text[] =
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Content-Length: 15\r\n\r\n{\"peer_id\":\"p\"}";

    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    stage_wait(stage, WAITING_TIMEOUT_MS - 1);
    api_on_time(&stage->api);
    char *answer = stage_hear(conn);
    cr_assert_str_eq(answer, "");
    free(answer);
    stage_wait(stage, 1);
    api_on_time(&stage->api);
    answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 504);
    free(answer);
    stage_obey(stage); /* the late reply changes nothing */
    stage_disconnect(conn);
}

Test(http_conn, a_stopping_node_answers_and_closes)
{
    struct http_conn *conn = stage_connect(stage);
    static const char text[] =
        "POST /heartbeat HTTP/1.1\r\n" HEAD "Content-Length: 15\r\n\r\n{\"peer_id\":\"p\"}";

    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    api_stop(&stage->api, false);
    char *answer = stage_hear(conn);
    cr_assert_str_eq(answer, "");
    free(answer);
    api_stop(&stage->api, true);
    answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 503);
    cr_assert(http_conn_is_done(conn));
    free(answer);
    stage_disconnect(conn);
}

/* --- Large answers, from files --------------------------------------------------------------- */

#define DISCOVER "GET /discover?archetype=many HTTP/1.1\r\n" HEAD "\r\n"

/* So many that all of them together are worth a file. */
static void many_peers(void)
{
    char id[32];

    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "peer-%03d", i);
        stage_peer(stage, STAGE_OTHER, id, "many", "{}");
    }
}

Test(http_conn, a_large_answer_comes_from_a_file)
{
    struct http_conn *conn = stage_connect(stage);
    size_t at, len;

    many_peers();
    char *first = stage_ask(stage, DISCOVER);
    http_conn_feed(conn, DISCOVER, sizeof DISCOVER - 1, stage->mono_ms);
    int file = http_conn_file(conn, &at, &len);
    cr_assert(file >= 0 && len == 0, "the head comes first");
    struct iovec pieces[8];
    cr_assert_eq(http_conn_output(conn, pieces, 8), 1);
    http_conn_sent(conn, pieces[0].iov_len, stage->mono_ms);

    const char *text = answer_body_text(first);
    char *read_back = malloc(strlen(text));
    cr_assert_eq(http_conn_file(conn, &at, &len), file);
    cr_assert(at == 0 && len == strlen(text) && len >= ANSWER_FILE_MIN_BYTES);
    cr_assert_eq(pread(file, read_back, len, 0), (ssize_t)len);
    cr_assert_eq(memcmp(read_back, text, len), 0, "the very bytes of the first answer");
    http_conn_sent(conn, 1000, stage->mono_ms);
    cr_assert_eq(http_conn_file(conn, &at, &len), file);
    cr_assert(at == 1000 && len == strlen(text) - 1000, "it goes on where it was");
    http_conn_sent(conn, len, stage->mono_ms);
    cr_assert_eq(http_conn_file(conn, &at, &len), -1);
    cr_assert_null(conn->first);
    free(read_back);
    free(first);
    stage_disconnect(conn);
}

Test(http_conn, slow_readers_of_old_answers_do_not_use_up_the_descriptors)
{
    struct http_conn *conns[ANSWER_FILES_MAX + 8];
    size_t at, len;

    many_peers();
    for (size_t i = 0; i < ANSWER_FILES_MAX + 8; i++) {
        conns[i] = stage_connect(stage);
        stage_peer(stage, STAGE_OTHER, "peer-000", "many", i % 2 == 0 ? "{}" : "{\"a\":1}");
        http_conn_feed(conns[i], DISCOVER, sizeof DISCOVER - 1, stage->mono_ms);
        cr_assert_leq(stage->api.bodies.files, ANSWER_FILES_MAX);
    }
    cr_assert_eq(http_conn_file(conns[ANSWER_FILES_MAX + 7], &at, &len), -1);
    for (size_t i = 0; i < ANSWER_FILES_MAX + 8; i++) {
        char *answer = stage_hear(conns[i]);

        cr_assert_not_null(strstr(answer, "\"count\":100"));
        free(answer);
        stage_disconnect(conns[i]);
    }
    cr_assert_leq(stage->api.bodies.files, ANSWER_CACHE_COUNT);
    api_rest(&stage->api);
    cr_assert_eq(stage->api.bodies.files, 0);
    cr_assert_eq(stage->api.bodies.bytes, 0);
}

Test(http_conn, answers_from_files_keep_their_place_among_the_others)
{
    struct http_conn *conn = stage_connect(stage);
    static const char text[] = "GET /health HTTP/1.1\r\n" HEAD "\r\n" DISCOVER
                               "GET /health HTTP/1.1\r\n" HEAD "\r\n" DISCOVER;
    size_t at, len;

    many_peers();
    free(stage_ask(stage, DISCOVER));
    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    cr_assert_eq(http_conn_file(conn, &at, &len), -1, "a small one comes first");
    char *answers = stage_hear(conn);
    const char *first = strstr(answers, "\"count\":100");
    cr_assert_not_null(first);
    cr_assert_not_null(strstr(first, "healthy"));
    cr_assert_eq(count_of(answers, "\"count\":100"), 2);
    cr_assert_eq(count_of(answers, "healthy"), 2);
    cr_assert_lt(strstr(answers, "healthy"), first);
    free(answers);
    stage_disconnect(conn);
}

Test(http_conn, head_of_a_large_answer_has_no_file)
{
    struct http_conn *conn = stage_connect(stage);
    static const char text[] = "HEAD /discover?archetype=many HTTP/1.1\r\n" HEAD "\r\n";
    size_t at, len;

    many_peers();
    free(stage_ask(stage, DISCOVER));
    http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
    cr_assert_eq(http_conn_file(conn, &at, &len), -1);
    char *head = stage_hear(conn);
    cr_assert_eq(answer_status(head), 200);
    cr_assert_str_eq(answer_body_text(head), "");
    free(head);
    stage_disconnect(conn);
}
