// SPDX-License-Identifier: Apache-2.0
/* watch_show.c - what `aurora watch` prints: lines for people, or each event as JSON. */
#include "tools/watch_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/output.h"

/* Columns grow with what has been seen, up to here: one long id must not push all others away. */
#define ID_WIDTH_MAX   40
#define HOME_WIDTH_MAX 20

struct show {
    json_t *known;  /* peer_id -> [home, epoch, version]; what has been shown */
    json_t *coming; /* the pages of a snapshot that is not whole yet: peer_id -> record */
    bool has_begun; /* there was a snapshot */
    bool has_colour;
    int id_width, home_width;
};

struct show *show_new(void)
{
    struct show *show = calloc(1, sizeof *show);
    const char *term = getenv("TERM"), *refused = getenv("NO_COLOR");
    if (show == NULL)
        abort();
    show->known = json_object();
    show->coming = json_object();
    show->id_width = 12;
    show->home_width = 6;
    show->has_colour = isatty(STDOUT_FILENO) && (refused == NULL || *refused == '\0') &&
                       term != NULL && strcmp(term, "dumb") != 0;
    return show;
}

void show_free(struct show *show)
{
    json_decref(show->known);
    json_decref(show->coming);
    free(show);
}

/* --- Lines ----------------------------------------------------------------------------------- */

static const char *colour_of(char sign)
{
    switch (sign) {
    case '+': return "\033[32m";
    case '-': return "\033[31m";
    case '~': return "\033[33m";
    case '!': return "\033[35m";
    default: return "\033[2m";
    }
}

static int width_of(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_column(const char *text, int *width, int most)
{
    int own = width_of(text);
    if (own > *width)
        *width = own < most ? own : most;
    printf("%s%*s  ", text, own < *width ? *width - own : 0, "");
}

static void print_line(struct show *show, char sign, const json_t *id, const json_t *home,
                       const char *rest)
{
    struct timespec now;
    struct tm parts;
    char clock[16];
    char *id_text = output_cell(id), *home_text = output_cell(home);
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &parts);
    strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    printf("%s.%03d ", clock, (int)(now.tv_nsec / 1000000));
    printf("%s%c%s ", show->has_colour ? colour_of(sign) : "", sign,
           show->has_colour ? "\033[0m" : "");
    print_column(id_text, &show->id_width, ID_WIDTH_MAX);
    print_column(home_text, &show->home_width, HOME_WIDTH_MAX);
    printf("%s\n", rest);
    free(id_text);
    free(home_text);
}

/* "printer,colour  192.0.2.7:9100  orphaned" */
static void print_peer(struct show *show, char sign, const json_t *peer)
{
    char rest[2048];
    char *archetypes = output_cell(json_object_get(peer, "archetypes"));
    char *address = output_cell(json_object_get(peer, "address"));
    const char *status = json_string_value(json_object_get(peer, "status"));
    bool is_v6 = strchr(address, ':') != NULL;
    snprintf(rest, sizeof rest, "%s  %s%s%s:%d%s", archetypes[0] != '\0' ? archetypes : "-",
             is_v6 ? "[" : "", address, is_v6 ? "]" : "",
             (int)json_integer_value(json_object_get(peer, "port")),
             status != NULL && strcmp(status, "orphaned") == 0 ? "  orphaned" : "");
    print_line(show, sign, json_object_get(peer, "peer_id"), json_object_get(peer, "home"), rest);
    free(archetypes);
    free(address);
}

/* --- Events ---------------------------------------------------------------------------------- */

static json_t *essence_of(const json_t *peer)
{
    return json_pack("[O,O,O]", json_object_get(peer, "home"), json_object_get(peer, "epoch"),
                     json_object_get(peer, "version"));
}

static bool is_record(const json_t *peer)
{
    return json_is_string(json_object_get(peer, "peer_id")) &&
           json_is_string(json_object_get(peer, "home")) &&
           json_is_number(json_object_get(peer, "epoch")) &&
           json_is_number(json_object_get(peer, "version"));
}

/* A sign for the peer: what is it beside what has been shown? '\0': the same. */
static char take_peer(struct show *show, const json_t *peer)
{
    const char *id = json_string_value(json_object_get(peer, "peer_id"));
    json_t *known = json_object_get(show->known, id), *essence = essence_of(peer);
    char sign = known == NULL ? '+' : json_equal(known, essence) ? '\0' : '~';
    json_object_set_new(show->known, id, essence);
    return sign;
}

static void take_gone(struct show *show, const char *id, const json_t *home, const char *reason)
{
    json_t *name = json_string(id);
    print_line(show, '-', name, home, reason);
    json_decref(name);
    json_object_del(show->known, id);
}

/* What was known and is no longer there went while nobody told us. */
static void drop_missing(struct show *show)
{
    const char *id;
    json_t *known;
    void *next;
    json_object_foreach_safe(show->known, next, id, known)
    {
        if (json_object_get(show->coming, id) != NULL)
            continue;
        json_t *home = json_incref(json_array_get(known, 0));
        char *copy = strdup(id);
        if (copy == NULL)
            abort();
        take_gone(show, copy, home, "away");
        free(copy);
        json_decref(home);
    }
}

static void end_snapshot(struct show *show, const json_t *data, const char *url)
{
    const char *id;
    json_t *peer;
    fprintf(stderr, "aurora: watching %s at %s%s\n",
            json_string_value(json_object_get(data, "node")), url,
            show->has_begun ? "; compared with what was known" : "");
    drop_missing(show);
    json_object_foreach(show->coming, id, peer)
    {
        char sign = take_peer(show, peer);
        if (sign != '\0')
            print_peer(show, show->has_begun ? sign : '=', peer);
    }
    json_object_clear(show->coming);
    show->has_begun = true;
}

static bool show_page(struct show *show, const json_t *data, const char *url)
{
    const json_t *peers = json_object_get(data, "peers");
    size_t i;
    json_t *peer;
    if (!json_is_array(peers) || !json_is_string(json_object_get(data, "node")))
        return false;
    json_array_foreach(peers, i, peer)
    {
        if (!is_record(peer))
            return false;
        json_object_set(show->coming, json_string_value(json_object_get(peer, "peer_id")), peer);
    }
    if (!json_is_true(json_object_get(data, "more")))
        end_snapshot(show, data, url);
    return true;
}

static bool show_down(struct show *show, const json_t *data)
{
    const char *id = json_string_value(json_object_get(data, "peer_id"));
    char *reason = output_cell(json_object_get(data, "reason"));
    if (id != NULL && json_object_get(show->known, id) != NULL)
        take_gone(show, id, json_object_get(data, "home"), reason);
    free(reason);
    return id != NULL;
}

static bool show_peer(struct show *show, const json_t *data)
{
    const json_t *peer = json_object_get(data, "peer");
    if (!is_record(peer))
        return false;
    char sign = take_peer(show, peer);
    if (sign != '\0')
        print_peer(show, sign, peer);
    return true;
}

static void show_home(struct show *show, const json_t *data)
{
    const char *status = json_string_value(json_object_get(data, "status"));
    bool is_gone = status != NULL && strcmp(status, "orphaned") == 0;
    json_t *everybody = json_string("(its peers)");
    print_line(show, '!', everybody, json_object_get(data, "home"),
               is_gone ? "orphaned: the home is gone" : "live: the home is back");
    json_decref(everybody);
}

static void show_resumed(const json_t *data, const char *url)
{
    char *node = output_cell(json_object_get(data, "node"));
    fprintf(stderr, "aurora: watching %s at %s; nothing missed, %lld changes to catch up\n", node,
            url, (long long)json_integer_value(json_object_get(data, "missed")));
    free(node);
}

/* Metadata may hold integers of any size; nothing of them is shown here. */
static json_t *read_data(const char *text)
{
    json_t *data = json_loads(text, JSON_ALLOW_NUL, NULL);
    return data != NULL ? data : json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
}

bool show_event(struct show *show, const struct sse *sse, const char *url)
{
    json_t *data = read_data(sse->data);
    const char *name = sse->name;
    bool is_right = json_is_object(data);
    if (!is_right)
        ;
    else if (strcmp(name, "snapshot") == 0)
        is_right = show_page(show, data, url);
    else if (strcmp(name, "up") == 0 || strcmp(name, "update") == 0)
        is_right = show_peer(show, data);
    else if (strcmp(name, "down") == 0)
        is_right = show_down(show, data);
    else if (strcmp(name, "home") == 0)
        show_home(show, data);
    else if (strcmp(name, "resumed") == 0)
        show_resumed(data, url);
    else if (strcmp(name, "dropped") == 0)
        fprintf(stderr, "aurora: %s was faster than we read\n", url);
    json_decref(data);
    return is_right;
}

/* Data that are an object stay as they are, to the last digit; the names go in front. */
void show_json(const struct sse *sse)
{
    json_t *head = json_pack("{s:s}", "event", sse->name[0] != '\0' ? sse->name : "message");
    size_t blank = strspn(sse->data, " \t");
    const char *rest = sse->data + blank;
    if (sse->id[0] != '\0')
        json_object_set_new(head, "id", json_string(sse->id));
    char *text = json_dumps(head, JSON_COMPACT);
    if (text == NULL || rest[0] != '{')
        fprintf(stderr, "aurora: an event without an object: %s\n", sse->name);
    else
        printf("%.*s%s%s\n", (int)strlen(text) - 1, text,
               rest[1 + strspn(rest + 1, " \t")] == '}' ? "" : ",", rest + 1);
    free(text);
    json_decref(head);
}
