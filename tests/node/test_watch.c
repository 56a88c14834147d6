// SPDX-License-Identifier: Apache-2.0
/* test_watch.c - streams: what is told, to whom, from where on, and how long a reader is borne */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/mem.h"
#include "gossip/prng.h"
#include "node/watcher.h"
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

TestSuite(watch, .init = begin, .fini = end);

/* --- Watching -------------------------------------------------------------------------------- */

static struct http_conn *watch_from(const char *query, const char *last_event_id)
{
    struct http_conn *conn = stage_connect(stage);
    char text[1024];
    int len = snprintf(
        text, sizeof text, "GET /v1/watch%s HTTP/1.1\r\nHost: n1\r\n%s%s%s\r\n", query,
        last_event_id == NULL ? "" : "Last-Event-ID: ", last_event_id == NULL ? "" : last_event_id,
        last_event_id == NULL ? "" : "\r\n");

    http_conn_feed(conn, text, (size_t)len, stage->mono_ms);
    return conn;
}

/* All that there is to say now; freed with the next call. */
static const char *hear(struct http_conn *conn)
{
    static char *heard;

    free(heard);
    heard = stage_hear(conn);
    http_conn_settle(conn);
    return heard;
}

/* Takes at most so many bytes, as a socket with little room would. */
static void sip(struct http_conn *conn, struct buffer *out, size_t len)
{
    struct iovec pieces[8];

    while (len > 0 && http_conn_output(conn, pieces, 8) > 0) {
        size_t taken = pieces[0].iov_len < len ? pieces[0].iov_len : len;

        if (out != NULL)
            buffer_add(out, pieces[0].iov_base, taken);
        http_conn_sent(conn, taken, stage->mono_ms);
        len -= taken;
    }
    http_conn_settle(conn);
}

static struct http_conn *watch(const char *query)
{
    struct http_conn *conn = watch_from(query, NULL);

    hear(conn);
    return conn;
}

static size_t count_of(const char *text, const char *words)
{
    size_t count = 0;

    for (; (text = strstr(text, words)) != NULL; text++)
        count++;
    return count;
}

static bool says(const char *text, const char *words)
{
    if (strstr(text, words) != NULL)
        return true;
    fprintf(stderr, "\"%s\" is not in:\n%s\n", words, text);
    return false;
}

/* The last id in the text. */
static const char *last_id(const char *text)
{
    static char id[64];
    const char *at;

    id[0] = '\0';
    for (; (at = strstr(text, "\nid: ")) != NULL; text = at + 1)
        snprintf(id, sizeof id, "%.*s", (int)strcspn(at + 5, "\n"), at + 5);
    return id;
}

static void up(const char *peer_id, const char *archetypes)
{
    stage_peer(stage, STAGE_OWN, peer_id, archetypes, "{}");
}

static void down(const char *peer_id)
{
    stage_peer_gone(stage, peer_id, PEER_DOWN_EXPIRED);
}

/* --- What is told ---------------------------------------------------------------------------- */

Test(watch, begins_with_what_there_is_and_goes_on_with_what_changes)
{
    up("p1", "a");
    struct http_conn *conn = watch_from("", NULL);
    const char *text = hear(conn);

    cr_assert(says(text, "HTTP/1.1 200 OK\r\n"));
    cr_assert(says(text, "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                         "X-Accel-Buffering: no\r\nAccess-Control-Allow-Origin: *\r\n"));
    cr_assert(says(text, "Connection: close\r\n\r\nretry: 2000\n\nevent: snapshot\ndata: "
                         "{\"peers\":[{\"peer_id\":\"p1\","));
    cr_assert(says(text, "],\"more\":false,\"count\":1,\"node\":\"n1\",\"reason\":\"new\"}\nid: "));
    cr_assert_null(strstr(text, "Content-Length"));
    up("p2", "b");
    cr_assert(says(hear(conn), "event: up\nid: "));
    up("p2", "c");
    text = hear(conn);
    cr_assert(says(text, "event: update\nid: "));
    cr_assert(says(text, "data: {\"peer\":{\"peer_id\":\"p2\","));
    cr_assert(says(text, "\"statement\":\""), "the record is the one of GET /v1/peers/{id}");
    down("p2");
    cr_assert(says(hear(conn),
                   "\ndata: {\"peer_id\":\"p2\",\"reason\":\"expired\",\"home\":\"n1\"}\n\n"));
    cr_assert_str_eq(hear(conn), "");
    stage_disconnect(conn);
}

Test(watch, a_record_is_the_one_that_a_single_question_gets)
{
    up("p1", "a");
    char *alone = stage_request(stage, "GET", "/v1/peers/p1", NULL);
    struct http_conn *conn = watch_from("", NULL);

    cr_assert(says(hear(conn), answer_body_text(alone)));
    free(alone);
    stage_disconnect(conn);
}

Test(watch, reasons_have_names)
{
    static const struct {
        enum peer_down_reason reason;
        const char *name;
    } cases[] = {
        {PEER_DOWN_EXPIRED, "expired"}, {PEER_DOWN_DEREGISTERED, "left"},
        {PEER_DOWN_MOVED, "moved"},     {PEER_DOWN_ORPHAN_GRACE, "home-dead"},
        {PEER_DOWN_SWEPT, "swept"},
    };
    struct http_conn *conn = watch("");
    char expected[64];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        up("p", "a");
        stage_peer_gone(stage, "p", cases[i].reason);
        snprintf(expected, sizeof expected, "\"reason\":\"%s\"", cases[i].name);
        cr_assert(says(hear(conn), expected));
    }
    stage_disconnect(conn);
}

Test(watch, data_is_one_line_whatever_the_metadata_look_like)
{
    struct http_conn *conn = watch("");

    stage_peer(stage, STAGE_OWN, "p", "a", "{\r\n\t\"k\":\n\"a\\nb\"\r}");
    const char *text = hear(conn);
    cr_assert(says(text, "\"metadata\":{  \t\"k\": \"a\\nb\" }"));
    cr_assert_eq(count_of(text, "\n"), 4, "event, id, data and the blank line: %s", text);
    stage_disconnect(conn);
}

Test(watch, heartbeats_are_no_changes)
{
    up("p", "a");
    struct http_conn *conn = watch("");

    stage_heartbeat(stage, "p");
    cr_assert_str_eq(hear(conn), "");
    stage_disconnect(conn);
}

Test(watch, a_home_that_goes_is_told_once_for_all_its_peers)
{
    stage_peer(stage, STAGE_OTHER, "p1", "a", "{}");
    stage_peer(stage, STAGE_OTHER, "p2", "a", "{}");
    struct http_conn *conn = watch("");

    stage_home(stage, STAGE_OTHER, HOME_DOUBTED, STAGE_WALL_MS);
    cr_assert_str_eq(hear(conn), "", "a doubted home's peers are live");
    stage_home(stage, STAGE_OTHER, HOME_GONE, STAGE_WALL_MS);
    cr_assert(says(hear(conn), "data: {\"home\":\"n2\",\"epoch\":7,\"status\":\"orphaned\"}\n\n"));
    stage_home(stage, STAGE_OTHER, HOME_GONE, STAGE_WALL_MS);
    cr_assert_str_eq(hear(conn), "");
    stage_home(stage, STAGE_OTHER, HOME_VOUCHES, STAGE_WALL_MS);
    cr_assert(says(hear(conn), "\"status\":\"live\""));
    stage_disconnect(conn);
}

/* --- To whom --------------------------------------------------------------------------------- */

Test(watch, a_filter_makes_a_world_of_its_own)
{
    up("p1", "a");
    up("p2", "b");
    struct http_conn *conn = watch_from("?archetype=a", NULL);
    const char *text = hear(conn);

    cr_assert(says(text, "\"count\":1") && strstr(text, "p2") == NULL);
    up("p2", "b c");
    cr_assert_str_eq(hear(conn), "");
    up("p2", "b a");
    text = hear(conn);
    cr_assert(says(text, "event: up\n") && says(text, "\"p2\""));
    up("p2", "a");
    cr_assert(says(hear(conn), "event: update\n"));
    up("p2", "b");
    text = hear(conn);
    cr_assert(says(text, "event: down\n"));
    cr_assert(says(text, "{\"peer_id\":\"p2\",\"reason\":\"filter\",\"home\":\"n1\"}"));
    down("p2");
    cr_assert_str_eq(hear(conn), "");
    stage_disconnect(conn);
}

Test(watch, one_change_is_several_things_to_several_watchers)
{
    struct http_conn *all = watch(""), *a = watch("?archetype=a"), *b = watch("?archetype=b");

    up("p", "a");
    hear(all);
    hear(a);
    cr_assert_str_eq(hear(b), "");
    up("p", "b");
    cr_assert(says(hear(all), "event: update\n"));
    cr_assert(says(hear(a), "event: down\n"));
    cr_assert(says(hear(b), "event: up\n"));
    stage_disconnect(all);
    stage_disconnect(a);
    stage_disconnect(b);
}

/* --- From where on --------------------------------------------------------------------------- */

Test(watch, who_comes_back_misses_nothing)
{
    struct http_conn *conn = watch("");

    up("p1", "a");
    char id[64];
    snprintf(id, sizeof id, "%s", last_id(hear(conn)));
    stage_disconnect(conn);
    up("p2", "a");
    down("p1");
    conn = watch_from("", id);
    const char *text = hear(conn);
    cr_assert(
        says(text, "retry: 2000\n\nevent: resumed\ndata: {\"node\":\"n1\",\"missed\":2}\n\n"));
    cr_assert(says(text, "event: up\n") && says(text, "event: down\n"));
    cr_assert_null(strstr(text, "snapshot"));
    snprintf(id, sizeof id, "%s", last_id(text));
    stage_disconnect(conn);
    char query[128];
    snprintf(query, sizeof query, "?last_event_id=%s", id);
    conn = watch_from(query, NULL);
    cr_assert(says(hear(conn), "\"missed\":0"), "the parameter will do, too");
    stage_disconnect(conn);
}

Test(watch, the_header_says_more_than_the_parameter)
{
    struct http_conn *first = watch_from("", NULL);
    char query[128], id[64];

    snprintf(query, sizeof query, "?last_event_id=%s", last_id(hear(first)));
    up("p1", "a");
    snprintf(id, sizeof id, "%s", last_id(hear(first)));
    struct http_conn *again = watch_from(query, id);
    cr_assert(says(hear(again), "\"missed\":0"));
    stage_disconnect(first);
    stage_disconnect(again);
}

Test(watch, an_id_that_is_not_ours_gets_a_snapshot_that_says_so)
{
    static const char *const wrong[] = {
        "x",
        "1",
        "0000000000000000-1",
        "-",
        "\xff\xfe",
        "0123456789abcdef-",
        "0123456789abcdef-99999999999999999999999999999999999",
    };
    struct http_conn *keeper = watch_from("", NULL);
    char future[128], id[64];

    snprintf(id, sizeof id, "%s", last_id(hear(keeper)));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct http_conn *conn = watch_from("", wrong[i]);
        cr_assert(says(hear(conn), "\"reason\":\"other-node\""), "%s", wrong[i]);
        stage_disconnect(conn);
    }
    id[17] = '\0';
    static const char *const numbers[] = {"9", "18446744073709551616", "1x", "+1", "-1", ""};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(future, sizeof future, "%s%s", id, numbers[i]);
        struct http_conn *conn = watch_from("", future);
        cr_assert(says(hear(conn), "\"reason\":\"other-node\""), "%s", future);
        stage_disconnect(conn);
    }
    struct http_conn *empty = watch_from("", "");
    cr_assert(says(hear(empty), "\"reason\":\"new\""));
    stage_disconnect(empty);
    stage_disconnect(keeper);
}

Test(watch, an_id_that_the_ring_has_forgotten_is_too_old)
{
    struct http_conn *conn = watch("");
    char id[64];

    up("p", "a");
    snprintf(id, sizeof id, "%s", last_id(hear(conn)));
    for (int i = 0; i < WATCH_RING_CHANGES_MAX; i++)
        up("p", i % 2 == 0 ? "b" : "a");
    struct http_conn *just = watch_from("", id);
    cr_assert(says(hear(just), "event: resumed\n"));
    stage_disconnect(just);
    up("p", "c");
    struct http_conn *late = watch_from("", id);
    cr_assert(says(hear(late), "\"reason\":\"too-old\""));
    stage_disconnect(late);
    stage_disconnect(conn);
}

Test(watch, changes_are_kept_for_a_minute_after_the_last_watcher)
{
    struct http_conn *conn = watch_from("", NULL);
    char id[64];

    snprintf(id, sizeof id, "%s", last_id(hear(conn)));
    stage_disconnect(conn);
    stage_wait(stage, WATCH_LINGER_MS - 1);
    up("p", "a");
    conn = watch_from("", id);
    cr_assert(says(hear(conn), "\"missed\":1"));
    stage_disconnect(conn);
    stage_wait(stage, WATCH_LINGER_MS);
    up("p", "b");
    cr_assert_not(watch_ring_runs(&stage->api.watch.ring));
    cr_assert_eq(stage->api.bodies.bytes, 0);
    up("p", "c");
    conn = watch_from("", id);
    cr_assert(says(hear(conn), "\"reason\":\"too-old\""), "what nobody kept is not passed over");
    stage_disconnect(conn);
}

Test(watch, without_changes_even_an_old_id_is_good)
{
    struct http_conn *conn = watch_from("", NULL);
    char id[64];

    snprintf(id, sizeof id, "%s", last_id(hear(conn)));
    stage_disconnect(conn);
    stage_wait(stage, 10 * WATCH_LINGER_MS);
    api_on_time(&stage->api);
    conn = watch_from("", id);
    cr_assert(says(hear(conn), "\"missed\":0"));
    stage_disconnect(conn);
    stage_wait(stage, 10 * WATCH_LINGER_MS);
    api_on_time(&stage->api);
    up("p", "a");
    conn = watch_from("", id);
    cr_assert(says(hear(conn), "\"reason\":\"too-old\""), "nobody kept it, but it was counted");
    stage_disconnect(conn);
}

/* --- A client's picture ---------------------------------------------------------------------- */

/* What docs/HTTP.md tells clients to do: peer_id -> version. */
struct picture {
    json_t *now, *coming;
    size_t pages, largest_page;
};

static void picture_put(json_t *into, json_t *peer)
{
    json_object_set(into, json_string_value(json_object_get(peer, "peer_id")),
                    json_object_get(peer, "version"));
}

static void picture_page(struct picture *picture, json_t *data)
{
    size_t i;
    json_t *peer;

    json_array_foreach(json_object_get(data, "peers"), i, peer) picture_put(picture->coming, peer);
    picture->pages++;
    if (json_is_true(json_object_get(data, "more")))
        return;
    json_decref(picture->now);
    picture->now = picture->coming;
    picture->coming = json_object();
}

static void picture_event(struct picture *picture, const char *name, const char *line)
{
    json_t *data = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

    cr_assert_not_null(data, "%s", line);
    if (strncmp(name, "snapshot\n", 9) == 0) {
        if (strlen(line) > picture->largest_page)
            picture->largest_page = strcspn(line, "\n");
        picture_page(picture, data);
    } else if (strncmp(name, "down\n", 5) == 0) {
        json_object_del(picture->now, json_string_value(json_object_get(data, "peer_id")));
    } else if (strncmp(name, "up\n", 3) == 0 || strncmp(name, "update\n", 7) == 0) {
        picture_put(picture->now, json_object_get(data, "peer"));
    }
    json_decref(data);
}

static void picture_read(struct picture *picture, const char *text)
{
    const char *event = strstr(text, "retry: ");

    for (text = event != NULL ? event : text; (event = strstr(text, "event: ")) != NULL;) {
        const char *line = strstr(event, "\ndata: ");
        const char *stop = strchr(line + 1, '\n');
        char *copy = strndup(line + 7, (size_t)(stop - line - 7));

        picture_event(picture, event + 7, copy);
        free(copy);
        text = stop;
    }
}

static bool picture_is_view(const struct picture *picture, const char *archetype)
{
    const struct view *view = &stage->api.view;
    struct peer_order_place place = {0, 0};
    struct view_peer *peer;
    char id[PEER_ID_MAX_BYTES + 1];
    size_t count = 0;

    while ((peer = peer_order_next(&view->peers, &place)) != NULL) {
        struct span peer_id = view_peer_id(peer);

        if (archetype[0] != '\0' && !view_peer_has(peer, span_of_text(archetype)))
            continue;
        count++;
        snprintf(id, sizeof id, "%.*s", (int)peer_id.len, (const char *)peer_id.data);
        json_t *version = json_object_get(picture->now, id);
        if ((uint64_t)json_integer_value(version) != view_peer_version(peer)) {
            fprintf(stderr, "%s: version %lld, not %llu\n", id,
                    (long long)json_integer_value(version),
                    (unsigned long long)view_peer_version(peer));
            return false;
        }
    }
    return json_object_size(picture->now) == count;
}

static void picture_free(struct picture *picture)
{
    json_decref(picture->now);
    json_decref(picture->coming);
}

static const char *peer_name(uint32_t number)
{
    static char name[PEER_ID_MAX_BYTES];

    snprintf(name, sizeof name, "peer-%03u-%080u", number, number);
    return name;
}

static void change_something(struct prng *dice)
{
    const char *name = peer_name(prng_below(dice, 300));

    if (prng_below(dice, 3) > 0)
        up(name, prng_below(dice, 2) == 0 ? "a" : "b");
    else if (view_peer_find(&stage->api.view, span_of_text(name)) != NULL)
        down(name);
}

/* Reads a few bytes at a time while everything changes; now and then it comes back with its last
 * id. In the end its picture must be the view. */
static void watch_through_changes(uint64_t seed, const char *query, const char *archetype)
{
    struct prng dice;
    struct picture picture = {.now = json_object(), .coming = json_object()};
    struct http_conn *conn = watch_from(query, NULL);
    uint8_t bytes[32] = {(uint8_t)seed};
    struct buffer heard;

    prng_seed(&dice, bytes);
    buffer_init(&heard, 64u << 20);
    for (int i = 0; i < 200; i++)
        up(peer_name(prng_below(&dice, 300)), i % 2 == 0 ? "a" : "b");
    for (int i = 0; i < 600; i++) {
        change_something(&dice);
        sip(conn, &heard, prng_below(&dice, 2000));
    }
    sip(conn, &heard, SIZE_MAX);
    buffer_add(&heard, "", 1);
    picture_read(&picture, heard.data);
    cr_assert(picture_is_view(&picture, archetype), "seed %llu", (unsigned long long)seed);
    cr_assert_gt(picture.pages, 3);
    cr_assert_leq(picture.largest_page, WATCHER_PAGE_BYTES + WATCH_EVENT_MAX_BYTES);
    char id[64];
    snprintf(id, sizeof id, "%s", last_id(heard.data));
    stage_disconnect(conn);
    for (int i = 0; i < 100; i++)
        change_something(&dice);
    conn = watch_from(query, id);
    picture_read(&picture, hear(conn));
    cr_assert(picture_is_view(&picture, archetype), "seed %llu", (unsigned long long)seed);
    stage_disconnect(conn);
    buffer_free(&heard);
    picture_free(&picture);
}

Test(watch, a_picture_is_right_whatever_happened_while_it_was_drawn)
{
    for (uint64_t seed = 1; seed <= 10; seed++)
        watch_through_changes(seed, "", "");
}

Test(watch, a_filtered_picture_too)
{
    for (uint64_t seed = 11; seed <= 20; seed++)
        watch_through_changes(seed, "?archetype=b", "b");
}

Test(watch, a_page_is_made_when_it_can_be_sent_and_is_small)
{
    for (uint32_t i = 0; i < 300; i++)
        up(peer_name(i), "a");
    struct http_conn *conn = watch_from("", NULL);

    sip(conn, NULL, 2000);
    cr_assert_leq(stage->api.bodies.bytes, WATCHER_PAGE_BYTES + WATCH_EVENT_MAX_BYTES);
    const char *text = hear(conn);
    cr_assert_gt(count_of(text, "event: snapshot\n"), 10);
    cr_assert_eq(count_of(text, "\"more\":false"), 1);
    cr_assert_eq(count_of(text, "\nid: "), 1, "only the last page has an id");
    stage_disconnect(conn);
}

Test(watch, looking_for_few_among_many_lets_others_have_their_turn)
{
    char name[32];

    for (int i = 0; i < 3 * WATCHER_LOOKS_MAX; i++) {
        snprintf(name, sizeof name, "p%06d", i);
        up(name, "a");
    }
    struct http_conn *conn = watch_from("?meta.k=v", NULL);
    cr_assert_null(strstr(hear(conn), "snapshot"));
    int turns = 0;
    while (watch_next_ready(&stage->api.watch, stage->mono_ms) == conn &&
           strstr(hear(conn), "\"peers\":[],\"more\":false") == NULL)
        cr_assert_lt(++turns, 5);
    cr_assert_gt(turns, 0);
    stage_disconnect(conn);
}

/* --- How long a reader is borne -------------------------------------------------------------- */

static bool is_dropped(struct http_conn *conn)
{
    const char *text = hear(conn);
    const char *word = strstr(text, "event: dropped\ndata: {\"reason\":\"too-slow\",\"behind\":");

    return word != NULL && strchr(word, '}')[3] == '\0' && http_conn_is_done(conn) &&
           conn->was_refused;
}

Test(watch, who_falls_off_the_ring_is_dropped_and_others_go_on)
{
    struct http_conn *slow = watch(""), *quick = watch(""), *half = watch("");

    up("p", "a");
    sip(half, NULL, 20);
    http_conn_settle(slow);
    for (int i = 0; i < WATCH_RING_CHANGES_MAX; i++) {
        up("p", i % 2 == 0 ? "b" : "a");
        if (i % 1000 == 0)
            hear(quick);
    }
    cr_assert(is_dropped(slow));
    up("p", "c");
    up("p", "d");
    const char *text = hear(half);
    cr_assert_null(strstr(text, "event: update"), "it gets the rest of what was half sent, alone");
    cr_assert(says(text, "\n\nevent: dropped\n"));
    cr_assert(http_conn_is_done(half));
    cr_assert(says(hear(quick), "event: update\n"));
    cr_assert_eq(stage->api.stats->watch_dropped, 2);
    stage_disconnect(slow);
    stage_disconnect(half);
    stage_disconnect(quick);
}

Test(watch, who_takes_nothing_for_too_long_is_dropped)
{
    struct http_conn *conn = watch("");

    up("p", "a");
    sip(conn, NULL, 10);
    stage_wait(stage, WATCHER_STALL_MS - 1);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_STAYS);
    cr_assert_not(watcher_is_ending(conn->watcher));
    stage_wait(stage, 1);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_STAYS);
    cr_assert(watcher_is_ending(conn->watcher));
    cr_assert_eq(watch_next_ready(&stage->api.watch, stage->mono_ms), conn, "to be told so");
    sip(conn, NULL, 10);
    stage_wait(stage, WATCHER_STALL_MS);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_GOES, "not even that");
    stage_disconnect(conn);
}

Test(watch, a_reader_that_takes_its_step_in_time_may_go_on)
{
    struct http_conn *conn = watch("");

    for (uint32_t i = 0; i < 300; i++)
        up(peer_name(i), "a");
    for (int i = 0; i < 5; i++) {
        sip(conn, NULL, WATCHER_STEP_BYTES);
        stage_wait(stage, WATCHER_STALL_MS - 1);
        cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_STAYS);
        cr_assert_not(watcher_is_ending(conn->watcher));
    }
    for (int i = 0; i < 4; i++) {
        sip(conn, NULL, 1);
        stage_wait(stage, WATCHER_STALL_MS / 4);
    }
    http_conn_on_time(conn, stage->mono_ms);
    cr_assert(watcher_is_ending(conn->watcher), "a byte now and then is no step");
    cr_assert(is_dropped(conn));
    stage_disconnect(conn);
}

Test(watch, silence_is_broken_now_and_then)
{
    struct http_conn *conn = watch("?archetype=a");
    char id[64];

    up("p", "a");
    snprintf(id, sizeof id, "%s", last_id(hear(conn)));
    up("q", "b");
    cr_assert_str_eq(hear(conn), "");
    stage_wait(stage, WATCHER_KEEP_ALIVE_MS);
    cr_assert_eq(http_conn_on_time(conn, stage->mono_ms), CONN_STAYS);
    cr_assert_eq(watch_next_ready(&stage->api.watch, stage->mono_ms), conn);
    const char *text = hear(conn);
    cr_assert_eq(strncmp(text, ": keep-alive\nid: ", 17), 0, "%s", text);
    cr_assert_str_neq(last_id(text), id, "what was passed over need not be asked for again");
    cr_assert_str_eq(hear(conn), "");
    stage_disconnect(conn);
}

/* --- Rounds ---------------------------------------------------------------------------------- */

Test(watch, a_change_makes_everybody_ready_who_was_idle)
{
    struct http_conn *one = watch(""), *two = watch("");

    cr_assert_null(watch_next_ready(&stage->api.watch, stage->mono_ms));
    cr_assert_eq(watch_wait_ms(&stage->api.watch, stage->mono_ms), UINT64_MAX);
    up("p", "a");
    cr_assert_eq(watch_wait_ms(&stage->api.watch, stage->mono_ms), 0);
    cr_assert_eq(watch_next_ready(&stage->api.watch, stage->mono_ms), one);
    cr_assert_eq(watch_next_ready(&stage->api.watch, stage->mono_ms), two);
    cr_assert_null(watch_next_ready(&stage->api.watch, stage->mono_ms));
    stage_disconnect(one);
    stage_disconnect(two);
}

Test(watch, the_more_they_are_the_more_each_is_told_at_once)
{
    enum { MANY = 300 };
    static struct http_conn *conns[MANY];
    uint64_t wait_ms = MANY * WATCH_ROUND_US / 1000;

    for (int i = 0; i < MANY; i++)
        conns[i] = watch("");
    up("p", "a");
    int served = 0;
    struct http_conn *conn;
    while ((conn = watch_next_ready(&stage->api.watch, stage->mono_ms)) != NULL) {
        cr_assert(says(hear(conn), "event: up\n"));
        served++;
    }
    cr_assert_eq(served, MANY);
    up("p", "b");
    up("p", "c");
    cr_assert_null(watch_next_ready(&stage->api.watch, stage->mono_ms));
    cr_assert_eq(watch_wait_ms(&stage->api.watch, stage->mono_ms), wait_ms);
    stage_wait(stage, wait_ms);
    conn = watch_next_ready(&stage->api.watch, stage->mono_ms);
    cr_assert_eq(count_of(hear(conn), "event: update\n"), 2);
    for (int i = 0; i < MANY; i++)
        stage_disconnect(conns[i]);
}

Test(watch, a_watcher_is_small)
{
    struct http_conn *conn = watch("");

    cr_assert_leq(sizeof(struct watcher), 256);
    cr_assert_null(conn->first, "the exchange is gone");
    cr_assert(conn->head.data == NULL && conn->body.data == NULL);
    cr_assert_null(conn->watcher->text);
    stage_disconnect(conn);
}

/* --- As HTTP --------------------------------------------------------------------------------- */

static bool answers(const char *request, int status, const char *words)
{
    char *answer = stage_ask(stage, request);
    bool is_so = answer_status(answer) == status && says(answer, words);

    free(answer);
    return is_so;
}

Test(watch, wrong_requests_are_told_what_is_wrong)
{
    cr_assert(answers("GET /v1/watch?limit=3 HTTP/1.1\r\nHost: x\r\n\r\n", 400,
                      "{\"error\":\"limit: unknown query parameter\"}"));
    cr_assert(answers("GET /v1/watch?sort=peer_id HTTP/1.1\r\nHost: x\r\n\r\n", 400, "sort: "));
    cr_assert(answers("GET /v1/watch?x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "x: unknown"));
    cr_assert(answers("POST /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: GET, HEAD"));
    cr_assert(answers("GET /v1/watch HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n"
                      "Last-Event-ID: 2\r\n\r\n",
                      400, "a header is repeated"));
    stage_status(stage, false, false);
    cr_assert(answers("GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n", 503, "Retry-After: "));
    cr_assert_eq(stage->api.watch.count, 0);
}

Test(watch, head_has_the_headers_and_no_stream)
{
    char *answer = stage_ask(stage, "HEAD /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n");

    cr_assert(says(answer, "Content-Type: text/event-stream\r\n"));
    cr_assert_str_eq(answer_body_text(answer), "");
    cr_assert_eq(stage->api.watch.count, 0);
    free(answer);
}

Test(watch, http_1_0_and_prefixes_will_do)
{
    cr_assert(answers("GET /v1/watch HTTP/1.0\r\n\r\n", 200, "event: snapshot\n"));
    cr_assert(answers("GET /prod/v1/watch HTTP/1.1\r\nHost: x\r\n\r\n", 200, "event: snapshot\n"));
}

Test(watch, requests_before_it_are_answered_first_and_those_behind_it_never)
{
    static const char text[] = "POST /heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n"
                               "{\"peer_id\":\"p\"}"
                               "GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n"
                               "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    struct http_conn *conn = stage_connect(stage);

    cr_assert_eq(http_conn_feed(conn, text, sizeof text - 1, stage->mono_ms), sizeof text - 1);
    up("q", "a");
    cr_assert_str_eq(hear(conn), "", "the heartbeat waits for its reply");
    stage_obey(stage);
    const char *all = hear(conn);
    cr_assert(says(all, "unknown peer"));
    cr_assert(says(all, "event: snapshot\n"));
    cr_assert(says(all, "\"q\""));
    cr_assert_null(strstr(all, "healthy"));
    cr_assert(http_conn_listens(conn));
    cr_assert_not(http_conn_is_done(conn));
    http_conn_end(conn, stage->mono_ms);
    cr_assert(http_conn_is_done(conn), "who closes its sending half has gone");
    stage_disconnect(conn);
}

Test(watch, watchers_may_not_take_all_connections)
{
    struct http_conn *conns[3];

    stage->config.http_connections_max = 4;
    for (int i = 0; i < 3; i++)
        conns[i] = watch("");
    cr_assert(answers("GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n", 503, "too many watch"));
    cr_assert_eq(stage->api.stats->watch_refused, 1);
    stage_disconnect(conns[0]);
    cr_assert(answers("GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n", 200, "event: snapshot\n"));
    stage_disconnect(conns[1]);
    stage_disconnect(conns[2]);
}

Test(watch, a_stream_that_ends_ends_between_two_events)
{
    struct http_conn *conn = watch("");
    struct buffer heard;

    buffer_init(&heard, 1u << 20);
    up("p", "a");
    sip(conn, &heard, 30);
    up("p", "b");
    watcher_end(conn->watcher);
    sip(conn, &heard, SIZE_MAX);
    buffer_add(&heard, "", 1);
    cr_assert_eq(count_of(heard.data, "\n\n"), 1);
    cr_assert_str_eq(heard.data + heard.len - 3, "\n\n");
    cr_assert(http_conn_is_done(conn));
    buffer_free(&heard);
    stage_disconnect(conn);
}
