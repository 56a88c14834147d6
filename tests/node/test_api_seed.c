// SPDX-License-Identifier: Apache-2.0
/* test_api_seed.c - the frozen routes: key sets, times, errors, CORS, to the letter */
#include "node/api.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/node/http_stage.h"

static struct http_stage *stage;

static void begin(void)
{
    stage = stage_new();
}

static void end(void)
{
    stage_free(stage);
}

TestSuite(api_seed, .init = begin, .fini = end);

static bool answers(const char *method, const char *target, const char *body, int status,
                    const char *expected)
{
    char *answer = stage_request(stage, method, target, body);
    bool is_so = answer_status(answer) == status && strstr(answer, expected) != NULL;

    if (!is_so)
        fprintf(stderr, "%s %s: %s\n", method, target, answer);
    free(answer);
    return is_so;
}

static json_t *ask_json(const char *target)
{
    char *answer = stage_request(stage, "GET", target, NULL);
    json_t *value = json_loads(answer_body_text(answer), 0, NULL);

    cr_assert_not_null(value, "%s", answer);
    free(answer);
    return value;
}

/* The names of an object's members, in their order. */
static const char *keys_of(json_t *object)
{
    static char keys[256];
    const char *key;
    json_t *value;

    keys[0] = '\0';
    json_object_foreach(object, key, value)
    {
        size_t len = strlen(keys);

        snprintf(keys + len, sizeof keys - len, "%s%s", len > 0 ? "," : "", key);
    }
    return keys;
}

static const char *ids_of(const char *target)
{
    static char ids[256];
    json_t *answer = ask_json(target), *peers = json_object_get(answer, "peers");

    ids[0] = '\0';
    for (size_t i = 0; i < json_array_size(peers); i++) {
        size_t len = strlen(ids);

        snprintf(ids + len, sizeof ids - len, "%s%s", len > 0 ? "," : "",
                 json_string_value(json_object_get(json_array_get(peers, i), "peer_id")));
    }
    cr_assert_eq((size_t)json_integer_value(json_object_get(answer, "count")),
                 json_array_size(peers));
    json_decref(answer);
    return ids;
}

Test(api_seed, register_answers_exactly_this)
{
    cr_assert(answers("POST", "/register",
                      "{\"peer_id\":\"p\",\"address\":\"192.0.2.5\",\"port\":80,\"archetypes\":[],"
                      "\"metadata\":{}}",
                      200,
                      "\r\n\r\n{\"message\":\"Peer registered successfully\",\"peer_id\":\"p\","
                      "\"ttl_expires\":\"2026-11-22T12:05:00.123000\"}"));
}

Test(api_seed, heartbeat_answers_exactly_this)
{
    stage_peer(stage, STAGE_OWN, "p", "", "{}");
    cr_assert(answers("POST", "/heartbeat", "{\"peer_id\":\"p\"}", 200,
                      "\r\n\r\n{\"message\":\"Heartbeat updated\",\"peer_id\":\"p\","
                      "\"timestamp\":\"" STAGE_WALL_ISO "\","
                      "\"ttl_expires\":\"2026-11-22T12:05:00.123000\"}"));
}

Test(api_seed, an_unknown_peer_is_a_404_that_names_it)
{
    cr_assert(answers("POST", "/heartbeat", "{\"peer_id\":\"x\\\"y\"}", 404,
                      "\r\n\r\n{\"error\":\"unknown peer\",\"peer_id\":\"x\\\"y\"}"));
}

Test(api_seed, discover_answers_exactly_this)
{
    stage_peer(stage, STAGE_OWN, "p", "pepino b", "{\"n\": 1.50}");
    cr_assert(answers("GET", "/discover", NULL, 200,
                      "\r\n\r\n{\"peers\":[{\"peer_id\":\"p\",\"address\":\"192.0.2.7\","
                      "\"port\":8080,\"archetypes\":[\"pepino\",\"b\"],"
                      "\"last_seen\":\"" STAGE_WALL_ISO "\",\"metadata\":{\"n\": 1.50}}],"
                      "\"count\":1,\"timestamp\":\"" STAGE_WALL_ISO "\","
                      "\"reputation_enabled\":false}"));
}

Test(api_seed, a_peer_has_six_keys_and_a_seventh_only_when_asked)
{
    stage_peer(stage, STAGE_OTHER, "p", "", "");
    json_t *plain = ask_json("/discover"), *hinted = ask_json("/discover?reputation=true");
    json_t *peer = json_array_get(json_object_get(plain, "peers"), 0);

    cr_assert_str_eq(keys_of(plain), "peers,count,timestamp,reputation_enabled");
    cr_assert_str_eq(keys_of(peer), "peer_id,address,port,archetypes,last_seen,metadata");
    cr_assert_eq(json_object_size(json_object_get(peer, "metadata")), 0);
    peer = json_array_get(json_object_get(hinted, "peers"), 0);
    cr_assert_str_eq(keys_of(peer),
                     "peer_id,address,port,archetypes,last_seen,metadata,reputation_hint");
    cr_assert_str_eq(keys_of(json_object_get(peer, "reputation_hint")),
                     "score,age_hours,is_new,note");
    cr_assert(json_is_true(json_object_get(hinted, "reputation_enabled")));
    json_decref(plain);
    json_decref(hinted);
}

Test(api_seed, health_is_healthy_whatever_happens)
{
    stage_status(stage, false, false);
    cr_assert(answers("GET", "/health", NULL, 200, "\r\n\r\n{\"status\":\"healthy\"}"));
}

Test(api_seed, before_the_first_sync_everything_about_peers_is_a_503)
{
    stage_status(stage, false, false);
    cr_assert(answers("GET", "/discover", NULL, 503, "Retry-After: "));
    cr_assert(answers("POST", "/register", "{\"peer_id\":\"p\",\"port\":1}", 503, "Retry-After: "));
    cr_assert(answers("POST", "/heartbeat", "{\"peer_id\":\"p\"}", 503, "Retry-After: "));
    cr_assert(answers("GET", "/v1/peers", NULL, 503, "Retry-After: "));
    cr_assert(answers("GET", "/v1/peers/p", NULL, 503, "Retry-After: "));
    cr_assert(answers("GET", "/v1/status", NULL, 200, "\"synced\":false"));
    cr_assert(answers("GET", "/v1/members", NULL, 200, "\"members\":["));
    cr_assert(answers("GET", "/metrics", NULL, 200, "aurora_synced 0"));
}

Test(api_seed, any_base_path_may_stand_in_front)
{
    static const char *const paths[] = {"/health",      "/dev/health", "/staging/health",
                                        "/prod/health", "//health",    "/dev//health",
                                        "/health/",     "/dev/health/"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        cr_assert(answers("GET", paths[i], NULL, 200, "healthy"), "%s", paths[i]);
    cr_assert(answers("GET", "/other/health", NULL, 404, "no such path"));
    cr_assert(answers("GET", "/development/health", NULL, 404, "no such path"));
    cr_assert(answers("GET", "/dev", NULL, 200, "<!doctype html>"), "the status page");
    cr_assert(answers("GET", "/dev/v1", NULL, 200, "\"routes\""));
}

Test(api_seed, preflight_is_answered_everywhere)
{
    static const char *const paths[] = {"/register", "/heartbeat",    "/discover", "/health",
                                        "/nowhere",  "/dev/discover", "/v1/peers", "/metrics"};

    stage_status(stage, false, false);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *answer = stage_request(stage, "OPTIONS", paths[i], NULL);

        cr_assert_eq(answer_status(answer), 200);
        cr_assert_not_null(strstr(answer, "Access-Control-Allow-Origin: *\r\n"));
        cr_assert_not_null(
            strstr(answer, "Access-Control-Allow-Methods: GET,POST,DELETE,OPTIONS\r\n"));
        cr_assert_not_null(
            strstr(answer, "Access-Control-Allow-Headers: Content-Type,X-Amz-Date,Authorization,"
                           "X-Api-Key,Accept,Last-Event-ID\r\n"));
        cr_assert_not_null(strstr(answer, "Content-Length: 0\r\n"));
        cr_assert_null(strstr(answer, "Private-Network"));
        free(answer);
    }
}

static bool allows_private(const char *target, const char *method)
{
    char text[256];

    snprintf(text, sizeof text,
             "OPTIONS %s HTTP/1.1\r\nHost: n1\r\nOrigin: http://example.org\r\n"
             "Access-Control-Request-Method: %s\r\n"
             "Access-Control-Request-Private-Network: true\r\n\r\n",
             target, method);
    char *answer = stage_ask(stage, text);
    bool allows = strstr(answer, "Access-Control-Allow-Private-Network: true\r\n") != NULL;
    free(answer);
    return allows;
}

Test(api_seed, private_networks_are_open_on_seed_routes_and_for_reading_v1)
{
    cr_assert(allows_private("/register", "POST"));
    cr_assert(allows_private("/dev/discover", "GET"));
    cr_assert(allows_private("/v1/peers", "GET"));
    cr_assert_not(allows_private("/v1/peers", "POST"));
    cr_assert_not(allows_private("/v1/peers/p", "DELETE"));
    cr_assert_not(allows_private("/metrics", "GET"));
    cr_assert_not(allows_private("/nowhere", "GET"));
}

Test(api_seed, another_origin_can_be_configured)
{
    memcpy(stage->config.cors_origin, "https://a.example", 18);
    cr_assert(answers("GET", "/health", NULL, 200,
                      "Access-Control-Allow-Origin: https://a.example\r\nVary: Origin\r\n"));
}

Test(api_seed, wrong_methods_are_told_the_right_ones)
{
    cr_assert(answers("GET", "/register", NULL, 405, "Allow: POST, OPTIONS\r\n"));
    cr_assert(answers("POST", "/discover", "{}", 405, "Allow: GET, HEAD, OPTIONS\r\n"));
    cr_assert(answers("PUT", "/v1/peers/p", "{}", 405, "Allow: GET, HEAD, DELETE, OPTIONS\r\n"));
    cr_assert(answers("DELETE", "/v1/peers", NULL, 405, "Allow: GET, HEAD, POST, OPTIONS\r\n"));
}

Test(api_seed, filters)
{
    stage_peer(stage, STAGE_OTHER, "a", "x y", "{\"gpu\":true,\"name\":\"caf\\u00e9\",\"n\":8}");
    stage_peer(stage, STAGE_OTHER, "b", "x", "{\"gpu\":false}");
    stage_peer(stage, STAGE_OTHER, "c", "y", "");
    cr_assert_str_eq(ids_of("/discover"), "a,b,c");
    cr_assert_str_eq(ids_of("/discover?archetype=x"), "a,b");
    cr_assert_str_eq(ids_of("/discover?archetype=x&archetype=y"), "a");
    cr_assert_str_eq(ids_of("/discover?archetype=z"), "");
    cr_assert_str_eq(ids_of("/discover?exclude=a&exclude=c"), "b");
    cr_assert_str_eq(ids_of("/discover?meta.gpu=true"), "a");
    cr_assert_str_eq(ids_of("/discover?meta.name=caf%C3%A9&meta.n=8"), "a");
    cr_assert_str_eq(ids_of("/discover?meta.gpu=1"), "");
    cr_assert_str_eq(ids_of("/discover?limit=2&whatever=1"), "a,b");
}

Test(api_seed, a_cut_answer_says_so)
{
    stage_peer(stage, STAGE_OTHER, "a", "", "");
    stage_peer(stage, STAGE_OTHER, "b", "", "");
    cr_assert(answers("GET", "/discover?limit=1", NULL, 200, "X-Aurora-Truncated: true\r\n"));
    char *whole = stage_request(stage, "GET", "/discover?limit=2", NULL);
    cr_assert_null(strstr(whole, "X-Aurora-Truncated:"));
    free(whole);
}

Test(api_seed, ten_thousand_peers_and_no_more_unless_asked)
{
    char id[32];

    for (int i = 0; i <= 10000; i++) {
        snprintf(id, sizeof id, "p%d", i);
        stage_peer(stage, STAGE_OTHER, id, "", "");
    }
    cr_assert(answers("GET", "/discover", NULL, 200, "\"count\":10000,"));
    cr_assert(answers("GET", "/discover", NULL, 200, "X-Aurora-Truncated: true\r\n"));
    cr_assert(answers("GET", "/discover?limit=20000", NULL, 200, "\"count\":10001,"));
}

static char *etag_of(const char *target)
{
    char *answer = stage_request(stage, "GET", target, NULL), *etag = strstr(answer, "ETag: ");

    cr_assert_not_null(etag);
    etag = strndup(etag + 6, strcspn(etag + 6, "\r"));
    free(answer);
    return etag;
}

Test(api_seed, an_etag_holds_until_the_view_changes)
{
    char request[512];

    stage_peer(stage, STAGE_OTHER, "p", "", "");
    char *etag = etag_of("/discover");
    snprintf(request, sizeof request,
             "GET /discover HTTP/1.1\r\nHost: n1\r\nIf-None-Match: \"x\", %s\r\n\r\n", etag);
    for (int i = 0; i < 3; i++) {
        char *answer = stage_ask(stage, request);

        cr_assert_eq(answer_status(answer), 304);
        cr_assert_null(strstr(answer, "Content-Length"));
        cr_assert_str_eq(answer_body_text(answer), "");
        free(answer);
        stage_wait(stage, 1500); /* times do not count */
    }
    char *other = etag_of("/discover?limit=5");
    cr_assert_str_neq(etag, other);
    stage_peer(stage, STAGE_OTHER, "q", "", "");
    char *answer = stage_ask(stage, request);
    cr_assert_eq(answer_status(answer), 200);
    free(answer);
    free(etag);
    free(other);
}

Test(api_seed, answers_about_peers_carry_the_views_digest)
{
    stage_peer(stage, STAGE_OTHER, "p", "", "");
    char header[96];

    snprintf(header, sizeof header, "X-Aurora-View: %016llx%016llx\r\nX-Aurora-Converged: true\r\n",
             (unsigned long long)stage->api.view.digest[0],
             (unsigned long long)stage->api.view.digest[1]);
    cr_assert(answers("GET", "/discover", NULL, 200, header));
    cr_assert(answers("POST", "/heartbeat", "{\"peer_id\":\"p\"}", 200, header));
    cr_assert(answers("POST", "/heartbeat", "{\"peer_id\":\"q\"}", 404, header));
    stage_status(stage, true, false);
    cr_assert(answers("GET", "/discover", NULL, 200, "X-Aurora-Converged: false\r\n"));
}

Test(api_seed, times_in_answers_lag_by_a_second_at_most)
{
    stage_peer(stage, STAGE_OTHER, "p", "", "");
    for (int i = 0; i < 20; i++) {
        char now[TIME_TEXT_ISO_BYTES], then[TIME_TEXT_ISO_BYTES];
        json_t *answer = ask_json("/discover");
        json_t *peer = json_array_get(json_object_get(answer, "peers"), 0);

        time_text_iso(stage->wall_ms * 1000, now);
        time_text_iso((stage->wall_ms - 1000) * 1000, then);
        const char *seen = json_string_value(json_object_get(peer, "last_seen"));
        cr_assert(strcmp(seen, now) <= 0 && strcmp(seen, then) > 0, "%s at %s", seen, now);
        const char *told = json_string_value(json_object_get(answer, "timestamp"));
        cr_assert(strcmp(told, now) <= 0 && strcmp(told, then) > 0, "%s at %s", told, now);
        json_decref(answer);
        stage_wait(stage, 270);
    }
}

Test(api_seed, a_client_reads_its_own_write_from_the_cache_too)
{
    for (int i = 0; i < 20; i++) {
        char body[64], id[32];

        snprintf(body, sizeof body, "{\"peer_id\":\"p%d\",\"port\":1}", i);
        snprintf(id, sizeof id, "\"peer_id\":\"p%d\"", i);
        cr_assert(answers("GET", "/discover", NULL, 200, "\"peers\":["));
        cr_assert(answers("POST", "/register", body, 200, id));
        cr_assert(answers("GET", "/discover", NULL, 200, id));
    }
}

Test(api_seed, no_address_means_where_the_request_came_from)
{
    free(stage_request(stage, "POST", "/register",
                       "{\"peer_id\":\"p\",\"port\":1,\"address\":\"\"}"));
    cr_assert(answers("GET", "/discover", NULL, 200, "\"address\":\"198.51.100.9\""));
}

Test(api_seed, faults_are_4xx_that_name_the_field)
{
    cr_assert(answers("POST", "/register", "", 400, "{\"error\":\"body: "));
    cr_assert(answers("POST", "/register", "{\"peer_id\":\"p\",\"port\":\"x\"}", 400,
                      "{\"error\":\"port: "));
    cr_assert(answers("POST", "/heartbeat", "{\"peer_id\":[]}", 400, "{\"error\":\"peer_id: "));
    cr_assert(answers("GET", "/discover?limit=x", NULL, 400, "{\"error\":\"limit: "));
}

Test(api_seed, bodies_of_other_types_are_415_and_curls_default_is_not)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {"Content-Type: application/json; charset=utf-8", 404},
        {"Content-Type: application/x-www-form-urlencoded", 404},
        {"Content-Type: text/plain", 404},
        {"Content-Type: application/vnd.x+json", 404},
        {"X-Nothing: 1", 404},
        {"Content-Type: multipart/form-data", 415},
        {"Content-Type: text/xml", 415},
        {"Content-Encoding: gzip", 415},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];

        snprintf(text, sizeof text,
                 "POST /heartbeat HTTP/1.1\r\nHost: n1\r\n%s\r\nContent-Length: 15\r\n\r\n"
                 "{\"peer_id\":\"p\"}",
                 cases[i].header);
        char *answer = stage_ask(stage, text);
        cr_assert_eq(answer_status(answer), cases[i].status, "%s: %s", cases[i].header, answer);
        free(answer);
    }
}

Test(api_seed, every_result_of_the_core_has_its_status)
{
    static const struct {
        enum gossip_result result;
        int status;
        const char *words;
    } cases[] = {
        {RESULT_NOT_READY, 503, "Retry-After"},     {RESULT_UNKNOWN_PEER, 404, "unknown peer"},
        {RESULT_TOO_LARGE, 413, "1,000 bytes"},     {RESULT_QUOTA_HOME, 429, "Retry-After"},
        {RESULT_QUOTA_CLUSTER, 429, "Retry-After"}, {RESULT_BUSY, 503, "Retry-After"},
        {RESULT_WRONG_TOKEN, 401, "Bearer"},        {RESULT_TOKEN_NEEDED, 401, "WWW-Authenticate"},
        {RESULT_UNSIGNED_KEY, 403, "signature"},    {RESULT_OLD_VERSION, 409, "peer_version"},
        {RESULT_UNREACHABLE, 503, "Retry-After"},   {RESULT_LEAVING, 503, "Retry-After"},
        {RESULT_INVALID, 400, "address: "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char text[] =
            "POST /register HTTP/1.1\r\nHost: n1\r\nContent-Length: 24\r\n\r\n"
            "{\"peer_id\":\"p\",\"port\":1}";
        struct http_conn *conn = stage_connect(stage);

        http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms);
        stage_reply(stage, cases[i].result, cases[i].result == RESULT_INVALID ? "address" : NULL);
        char *answer = stage_hear(conn);
        cr_assert_eq(answer_status(answer), cases[i].status, "%s",
                     gossip_result_name(cases[i].result));
        cr_assert_not_null(strstr(answer, cases[i].words), "%s", answer);
        free(answer);
        stage_disconnect(conn);
    }
}

Test(api_seed, a_full_command_queue_is_a_503)
{
    static const char text[] = "POST /heartbeat HTTP/1.1\r\nHost: n1\r\nContent-Length: 15\r\n\r\n"
                               "{\"peer_id\":\"p\"}";
    struct http_conn *conns[BRIDGE_COMMANDS_MAX / HTTP_EXCHANGES_MAX + 1];
    size_t count = sizeof conns / sizeof conns[0];

    for (size_t i = 0; i < count; i++) {
        conns[i] = stage_connect(stage);
        for (int j = 0; j < HTTP_EXCHANGES_MAX; j++)
            http_conn_feed(conns[i], text, sizeof text - 1, stage->mono_ms);
    }
    char *answer = stage_hear(conns[count - 1]);
    cr_assert_eq(answer_status(answer), 503);
    cr_assert_not_null(strstr(answer, "Retry-After"));
    free(answer);
    for (size_t i = 0; i < count; i++)
        stage_disconnect(conns[i]);
}
