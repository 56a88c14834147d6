// SPDX-License-Identifier: Apache-2.0
/* test_api_v1.c - /v1: full records, tokens, members, status, why, metrics */
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

TestSuite(api_v1, .init = begin, .fini = end);

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

static json_t *ask_json(const char *method, const char *target, const char *body)
{
    char *answer = stage_request(stage, method, target, body);
    json_t *value = json_loads(answer_body_text(answer), JSON_REJECT_DUPLICATES, NULL);

    cr_assert_not_null(value, "%s", answer);
    free(answer);
    return value;
}

static const char *text_at(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *with_token(const char *method, const char *target, const char *token)
{
    static char text[512];

    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: n1\r\nAuthorization: Bearer %s\r\n\r\n",
             method, target, token);
    return text;
}

Test(api_v1, a_record_tells_everything)
{
    stage_peer(stage, STAGE_OWN, "p", "x", "{\"a\":1}");
    json_t *peer = ask_json("GET", "/v1/peers/p", NULL);

    cr_assert_str_eq(text_at(peer, "home"), "n1");
    cr_assert_str_eq(text_at(peer, "status"), "live");
    cr_assert_str_eq(text_at(peer, "issued_by"), "home");
    cr_assert_eq(json_integer_value(json_object_get(peer, "expires_in")), 300);
    cr_assert_eq(json_integer_value(json_object_get(peer, "version")), 1);
    cr_assert_eq(strlen(text_at(peer, "signature")), 128);
    cr_assert_not_null(text_at(peer, "statement"));
    json_decref(peer);
    stage_peer(stage, STAGE_OTHER, "q", "", "");
    stage_home(stage, STAGE_OTHER, HOME_GONE, stage->wall_ms);
    peer = ask_json("GET", "/v1/peers/q", NULL);
    cr_assert_str_eq(text_at(peer, "home"), "n2");
    cr_assert_str_eq(text_at(peer, "status"), "orphaned");
    cr_assert(json_is_null(json_object_get(peer, "expires_in")));
    json_decref(peer);
}

Test(api_v1, ids_in_paths_are_percent_encoded)
{
    stage_peer(stage, STAGE_OWN, "a/b c", "", "");
    cr_assert(answers("GET", "/v1/peers/a%2Fb%20c", NULL, 200, "\"peer_id\":\"a/b c\""));
    cr_assert(answers("GET", "/v1/peers/a/b", NULL, 404, "no such path"));
    cr_assert(answers("GET", "/v1/peers/%zz", NULL, 400, "path: "));
    cr_assert(answers("GET", "/v1/peers/none", NULL, 404, "{\"error\":\"unknown peer\","));
    cr_assert(answers("POST", "/v1/peers/%00/heartbeat", "", 400, "peer_id: "));
    cr_assert(answers("DELETE", "/v1/peers/%ff", NULL, 400, "peer_id: "));
}

Test(api_v1, lists_have_a_count_and_a_cursor)
{
    stage_peer(stage, STAGE_OWN, "a", "", "");
    stage_peer(stage, STAGE_OWN, "b", "", "");
    json_t *first = ask_json("GET", "/v1/peers?limit=1", NULL);
    char target[256];

    cr_assert_eq(json_integer_value(json_object_get(first, "count")), 1);
    snprintf(target, sizeof target, "/v1/peers?limit=1&cursor=%s", text_at(first, "cursor"));
    json_t *second = ask_json("GET", target, NULL);
    cr_assert(json_is_null(json_object_get(second, "cursor")));
    cr_assert_str_eq(text_at(json_array_get(json_object_get(second, "peers"), 0), "peer_id"), "b");
    json_decref(first);
    json_decref(second);
}

Test(api_v1, unknown_parameters_are_refused_by_name)
{
    cr_assert(answers("GET", "/v1/peers?nope=1", NULL, 400, "{\"error\":\"nope: unknown"));
    cr_assert(answers("GET", "/v1/members?nope", NULL, 400, "{\"error\":\"nope: unknown"));
    cr_assert(answers("GET", "/v1/status?%ff=1", NULL, 400, "unknown query parameter"));
    cr_assert(answers("GET", "/v1/peers/p?x=1", NULL, 400, "{\"error\":\"x: unknown"));
    cr_assert(answers("GET", "/v1/status?", NULL, 200, "\"converged\""));
}

/* What the routes ask of the core. */
static struct node_command *send_raw(struct http_conn **conn, const char *text)
{
    *conn = stage_connect(stage);
    http_conn_feed(*conn, text, strlen(text), stage->mono_ms);
    return stage_command(stage);
}

Test(api_v1, registering_gives_a_token_whose_hash_alone_travels)
{
    struct http_conn *conn;
    struct node_command *command =
        send_raw(&conn, "POST /v1/peers HTTP/1.1\r\nHost: n1\r\nContent-Length: 24\r\n\r\n"
                        "{\"peer_id\":\"p\",\"port\":1}");
    uint8_t hash[LEASE_TOKEN_HASH_BYTES];

    cr_assert(command->kind == NODE_COMMAND_REGISTER && command->registration.has_token);
    cr_assert_not(command->registration.has_shown);
    token_hash(span_of_text(conn->first->token), hash);
    cr_assert_arr_eq(hash, command->registration.token_hash, sizeof hash);
    node_command_free(command);
    stage_disconnect(conn);
    json_t *peer = ask_json("POST", "/v1/peers", "{\"peer_id\":\"p\",\"port\":1}");
    cr_assert_eq(strlen(text_at(peer, "lease_token")), TOKEN_TEXT_BYTES - 1);
    cr_assert_str_eq(text_at(peer, "home"), "n1");
    cr_assert_eq(json_integer_value(json_object_get(peer, "expires_in")), 300);
    cr_assert_not_null(text_at(peer, "ttl_expires"));
    json_decref(peer);
}

Test(api_v1, a_token_that_is_shown_is_kept)
{
    struct http_conn *conn;
    struct node_command *command =
        send_raw(&conn, "POST /v1/peers HTTP/1.1\r\nHost: n1\r\nAuthorization: bearer abc\r\n"
                        "Content-Length: 24\r\n\r\n{\"peer_id\":\"p\",\"port\":1}");

    cr_assert(command->registration.has_shown && command->registration.has_token);
    cr_assert_arr_eq(command->registration.shown_hash, command->registration.token_hash,
                     LEASE_TOKEN_HASH_BYTES);
    cr_assert_str_eq(conn->first->token, "abc");
    node_command_free(command);
    stage_disconnect(conn);
}

Test(api_v1, heartbeats_always_say_something_about_the_token)
{
    struct http_conn *conn;
    uint8_t hash[LEASE_TOKEN_HASH_BYTES], zeros[LEASE_TOKEN_HASH_BYTES] = {0};
    struct node_command *command =
        send_raw(&conn, "POST /v1/peers/p/heartbeat HTTP/1.1\r\nHost: n1\r\n\r\n");

    cr_assert(command->has_token, "else the core would take it for the seed's");
    cr_assert_arr_eq(command->token_hash, zeros, sizeof zeros);
    node_command_free(command);
    stage_disconnect(conn);
    command = send_raw(&conn, with_token("POST", "/v1/peers/p/heartbeat", "abc"));
    token_hash(span_of_text("abc"), hash);
    cr_assert_arr_eq(command->token_hash, hash, sizeof hash);
    node_command_free(command);
    stage_disconnect(conn);
}

Test(api_v1, without_a_token_it_is_401_and_with_a_wrong_one_403)
{
    struct http_conn *conn = stage_connect(stage);
    const char *text = "POST /v1/peers/p/heartbeat HTTP/1.1\r\nHost: n1\r\n\r\n";

    http_conn_feed(conn, text, strlen(text), stage->mono_ms);
    stage_reply(stage, RESULT_WRONG_TOKEN, NULL);
    char *answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 401);
    cr_assert_not_null(strstr(answer, "WWW-Authenticate: Bearer\r\n"));
    free(answer);
    text = with_token("DELETE", "/v1/peers/p", "wrong");
    http_conn_feed(conn, text, strlen(text), stage->mono_ms);
    stage_reply(stage, RESULT_WRONG_TOKEN, NULL);
    answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 403);
    free(answer);
    text = "DELETE /v1/peers/p HTTP/1.1\r\nHost: n1\r\nAuthorization: Basic abc\r\n\r\n";
    http_conn_feed(conn, text, strlen(text), stage->mono_ms);
    answer = stage_hear(conn);
    cr_assert_eq(answer_status(answer), 401);
    free(answer);
    stage_disconnect(conn);
}

Test(api_v1, deleting)
{
    stage_peer(stage, STAGE_OWN, "p", "", "");
    cr_assert(answers("DELETE", "/v1/peers/p", NULL, 200,
                      "{\"message\":\"Peer deregistered\",\"peer_id\":\"p\"}"));
    cr_assert(answers("DELETE", "/v1/peers/p", NULL, 404, "unknown peer"));
}

Test(api_v1, members_have_the_shape_that_scripts_rely_on)
{
    json_t *answer = ask_json("GET", "/v1/members", NULL);
    json_t *members = json_object_get(answer, "members"), *own = json_array_get(members, 0),
           *other = json_array_get(members, 1);

    cr_assert_eq(json_integer_value(json_object_get(answer, "count")), 2);
    cr_assert_str_eq(text_at(own, "name"), "n1");
    cr_assert_eq(strlen(text_at(own, "id")), 64);
    cr_assert_str_eq(text_at(own, "state"), "alive");
    cr_assert_str_eq(text_at(own, "gossip"), "192.0.2.1:4747");
    cr_assert_str_eq(text_at(own, "http"), "http://192.0.2.1:4780");
    cr_assert_str_eq(text_at(own, "zone"), "here");
    cr_assert_eq(json_integer_value(json_object_get(own, "epoch")), STAGE_EPOCH);
    cr_assert_eq(json_integer_value(json_object_get(own, "incarnation")), 1);
    cr_assert(json_is_true(json_object_get(own, "self")));
    cr_assert(json_is_false(json_object_get(other, "self")));
    cr_assert_float_eq(json_number_value(json_object_get(other, "rtt_ms")), 1.234, 1e-9);
    json_decref(answer);
}

Test(api_v1, status_has_the_shape_that_scripts_rely_on)
{
    struct gossip_event event = {.kind = GOSSIP_EVENT_LOG};

    event.log.tag = STAGE_OTHER;
    event.log.epoch = STAGE_EPOCH;
    event.log.applied = 5;
    event.log.head_version = 8;
    event.log.live_count = 3;
    event.log.state = LOG_BEHIND;
    api_on_event(&stage->api, &event);
    json_t *status = ask_json("GET", "/v1/status", NULL);
    json_t *home = json_array_get(json_object_get(status, "homes"), 0);

    cr_assert_str_eq(text_at(status, "name"), "n1");
    cr_assert_str_eq(text_at(status, "cluster"), "aurora");
    cr_assert_eq(strlen(text_at(status, "id")), 64);
    cr_assert_eq(strlen(text_at(status, "view")), 32);
    cr_assert(json_is_true(json_object_get(status, "converged")));
    cr_assert_eq(json_integer_value(json_object_get(status, "members")), 2);
    cr_assert_eq(json_integer_value(json_object_get(status, "peers")), 0);
    cr_assert_str_eq(text_at(home, "name"), "n2");
    cr_assert_str_eq(text_at(home, "state"), "behind");
    cr_assert_eq(json_integer_value(json_object_get(home, "version")), 5);
    cr_assert_eq(json_integer_value(json_object_get(home, "count")), 3);
    cr_assert_eq(json_integer_value(json_object_get(home, "behind_by")), 3);
    json_decref(status);
}

Test(api_v1, why_tells_what_happened_to_a_peer)
{
    stage_peer(stage, STAGE_OWN, "p", "", "");
    stage_peer(stage, STAGE_OWN, "p", "x", "");
    stage_peer_gone(stage, "p", PEER_DOWN_EXPIRED);
    json_t *answer = ask_json("GET", "/v1/why/p", NULL),
           *events = json_object_get(answer, "events");

    cr_assert_eq(json_array_size(events), 3);
    cr_assert_str_eq(text_at(json_array_get(events, 0), "event"), "peer.up");
    cr_assert_str_eq(text_at(json_array_get(events, 1), "event"), "peer.update");
    cr_assert_str_eq(text_at(json_array_get(events, 2), "event"), "peer.down");
    cr_assert_not_null(strstr(text_at(json_array_get(events, 2), "text"), "expired"));
    cr_assert_not_null(text_at(json_array_get(events, 2), "time"));
    json_decref(answer);
    cr_assert(answers("GET", "/v1/why/nobody", NULL, 404, "nothing is known"));
}

Test(api_v1, why_tells_who_accused_a_node)
{
    struct gossip_event event = {.kind = GOSSIP_EVENT_ACCUSED};

    event.accused.accuser = STAGE_OWN;
    event.accused.subject = STAGE_OTHER;
    event.accused.epoch = STAGE_EPOCH;
    event.accused.incarnation = 1;
    event.accused.accusers = 2;
    api_on_event(&stage->api, &event);
    cr_assert(answers("GET", "/v1/why/n2", NULL, 200, "accused by n1: 2 accuse it now"));
    cr_assert(answers("GET", "/v1/why/2222222222222222", NULL, 200, "\"by\":\"n1\""));
}

Test(api_v1, why_forgets_the_oldest)
{
    char id[32];

    for (int i = 0; i < WHY_EVENTS_MAX + 10; i++) {
        snprintf(id, sizeof id, "p%d", i);
        stage_peer(stage, STAGE_OTHER, id, "", "");
    }
    json_t *answer = ask_json("GET", "/v1/why/p0", NULL);
    cr_assert_eq(json_array_size(json_object_get(answer, "events")), 0);
    json_decref(answer);
    cr_assert(answers("GET", "/v1/why/p4000", NULL, 200, "\"count\":1"));
}

Test(api_v1, metrics_name_every_drop_and_every_counter)
{
    static const char *const names[] = {
        "aurora_drops_total{reason=\"forged\"} 0",
        "aurora_drops_total{reason=\"unsolicited\"} 0",
        "aurora_packets_in_total 0",
        "aurora_http_requests_total ",
        "aurora_members{state=\"alive\"} 2",
        "aurora_converged 1",
        "aurora_udp_send_errors_total 0",
        "aurora_info{version=\"",
        "aurora_loop_turn_seconds_bucket{loop=\"gossip\",le=\"0.005\"} ",
        "aurora_loop_turn_seconds_bucket{loop=\"http\",le=\"+Inf\"} ",
        "aurora_loop_turn_most_microseconds{loop=\"http\"} ",
    };
    char *answer = stage_request(stage, "GET", "/metrics", NULL);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_assert_not_null(strstr(answer, names[i]), "%s", names[i]);
    for (int i = 1; i < DROP_REASONS; i++)
        cr_assert_not_null(strstr(answer, gossip_drop_name((enum gossip_drop)i)));
    cr_assert_not_null(strstr(answer, "Content-Type: text/plain; version=0.0.4"));
    free(answer);
}

Test(api_v1, a_list_has_all_routes)
{
    cr_assert(answers("GET", "/v1", NULL, 200, "\"GET /discover\""));
}
