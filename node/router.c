// SPDX-License-Identifier: Apache-2.0
/* router.c - which route a request is for */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "node/api.h"
#include "node/cors.h"
#include "node/http_query.h"

enum route {
    ROUTE_UNKNOWN = 0,
    ROUTE_TOP,
    ROUTE_LIST,
    ROUTE_PAGE,
    SEED_REGISTER,
    SEED_HEARTBEAT,
    SEED_DISCOVER,
    SEED_HEALTH,
    METRICS,
    V1_PEERS,
    V1_PEER,
    V1_PEER_HEARTBEAT,
    V1_MEMBERS,
    V1_STATUS,
    V1_WHY,
    V1_WATCH,
    ROUTES
};

enum { CAN_GET = 1, CAN_POST = 2, CAN_DELETE = 4 };

static const unsigned route_methods[ROUTES] = {
    [ROUTE_TOP] = CAN_GET,
    [ROUTE_LIST] = CAN_GET,
    [ROUTE_PAGE] = CAN_GET,
    [SEED_REGISTER] = CAN_POST,
    [SEED_HEARTBEAT] = CAN_POST,
    [SEED_DISCOVER] = CAN_GET,
    [SEED_HEALTH] = CAN_GET,
    [METRICS] = CAN_GET,
    [V1_PEERS] = CAN_GET | CAN_POST,
    [V1_PEER] = CAN_GET | CAN_DELETE,
    [V1_PEER_HEARTBEAT] = CAN_POST,
    [V1_MEMBERS] = CAN_GET,
    [V1_STATUS] = CAN_GET,
    [V1_WHY] = CAN_GET,
    [V1_WATCH] = CAN_GET,
};

static const struct {
    const char *path;
    enum route route;
} routes[] = {
    {"/discover", SEED_DISCOVER}, {"/heartbeat", SEED_HEARTBEAT}, {"/register", SEED_REGISTER},
    {"/health", SEED_HEALTH},     {"/metrics", METRICS},          {"/v1/peers", V1_PEERS},
    {"/v1/members", V1_MEMBERS},  {"/v1/status", V1_STATUS},      {"/v1", ROUTE_LIST},
    {"/v1/watch", V1_WATCH},
};

/* --- Paths --------------------------------------------------------------------------------- */

static bool begins_with(struct span path, const char *prefix)
{
    size_t len = strlen(prefix);

    return path.len >= len && memcmp(path.data, prefix, len) == 0;
}

static struct span skip(struct span path, size_t len)
{
    assert(len <= path.len);
    return span_of(path.data + len, path.len - len);
}

/* Base URLs with a slash at their end make "//register"; that and a slash at the end mean nothing
 * here. */
static struct span trim_slashes(struct span path)
{
    while (path.len > 1 && path.data[0] == '/' && path.data[1] == '/')
        path = skip(path, 1);
    while (path.len > 1 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

static struct span strip_prefix(const struct node_config *config, struct span path)
{
    path = trim_slashes(path);
    for (size_t i = 0; i < config->http_prefix_count; i++) {
        const char *prefix = config->http_prefixes[i];
        size_t len = strlen(prefix);

        if (!begins_with(path, prefix))
            continue;
        if (path.len == len)
            return span_of("/", 1);
        if (path.data[len] == '/')
            return trim_slashes(skip(path, len));
    }
    return path;
}

/* "/v1/peers/{id}[/heartbeat]": ids are percent-encoded, so that a slash in one is no other path.
 */
static enum route peer_route(struct span rest, struct span *id)
{
    const uint8_t *slash = memchr(rest.data, '/', rest.len);

    *id = rest;
    if (slash == NULL)
        return V1_PEER;
    id->len = (size_t)(slash - rest.data);
    bool is_heartbeat = span_equal(skip(rest, id->len), span_of_text("/heartbeat"));
    return is_heartbeat && id->len > 0 ? V1_PEER_HEARTBEAT : ROUTE_UNKNOWN;
}

static enum route route_of(struct span path, struct span *id)
{
    static const char peer[] = "/v1/peers/", why[] = "/v1/why/";

    *id = span_of("", 0);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (span_equal(path, span_of_text(routes[i].path)))
            return routes[i].route;
    if (span_equal(path, span_of("/", 1)))
        return ROUTE_TOP;
    if (begins_with(path, peer))
        return peer_route(skip(path, sizeof peer - 1), id);
    if (!begins_with(path, why))
        return ROUTE_UNKNOWN;
    *id = skip(path, sizeof why - 1);
    return memchr(id->data, '/', id->len) == NULL ? V1_WHY : ROUTE_UNKNOWN;
}

static bool is_seed(enum route route)
{
    return route >= SEED_REGISTER && route <= SEED_HEALTH;
}

/* --- Refusals ------------------------------------------------------------------------------ */

static void answer_unknown(struct api *api, struct http_exchange *exchange)
{
    api_error(api, exchange, 404, "no such path; see GET /v1 for those there are");
}

static void answer_wrong_method(struct api *api, struct http_exchange *exchange, unsigned methods)
{
    static const char *const allow[8] = {
        [CAN_GET] = "GET, HEAD, OPTIONS",
        [CAN_POST] = "POST, OPTIONS",
        [CAN_GET | CAN_POST] = "GET, HEAD, POST, OPTIONS",
        [CAN_GET | CAN_DELETE] = "GET, HEAD, DELETE, OPTIONS",
    };

    assert(allow[methods] != NULL);
    api_error_about(api, exchange, (struct http_answer){.status = 405, .allow = allow[methods]},
                    "this path does not answer that method; see Allow", span_of("", 0));
}

/* Bodies are JSON, whatever else a client calls them: curl -d says that it sends a form, and a
 * page that wants to spare the preflight says that it sends text. */
static bool type_is_fine(struct span type)
{
    static const char *const fine[] = {"application/json", "text/plain", "text/json",
                                       "application/x-www-form-urlencoded"};
    const uint8_t *end = type.len > 0 ? memchr(type.data, ';', type.len) : NULL;

    if (end != NULL)
        type.len = (size_t)(end - type.data);
    while (type.len > 0 && type.data[type.len - 1] == ' ')
        type.len--;
    if (type.len == 0)
        return true;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        if (type.len == strlen(fine[i]) &&
            strncasecmp((const char *)type.data, fine[i], type.len) == 0)
            return true;
    return type.len > 5 && memcmp(type.data + type.len - 5, "+json", 5) == 0;
}

static bool body_is_fine(struct api *api, const struct http_request *request,
                         struct http_exchange *exchange)
{
    struct span encoding = request->headers[HEADER_CONTENT_ENCODING];

    if (request->body.len == 0)
        return true;
    if (encoding.len > 0 && !span_equal(encoding, span_of_text("identity"))) {
        api_error(api, exchange, 415, "Content-Encoding: none is understood");
        return false;
    }
    if (!type_is_fine(request->headers[HEADER_CONTENT_TYPE])) {
        api_error(api, exchange, 415, "Content-Type: must be application/json");
        return false;
    }
    return true;
}

/* --- Dispatch ------------------------------------------------------------------------------ */

static void answer_list(struct api *api, struct http_exchange *exchange)
{
    static const char *const paths[] = {
        "POST /register",        "POST /heartbeat",
        "GET /discover",         "GET /health",
        "GET /metrics",          "GET /v1/peers",
        "POST /v1/peers",        "GET /v1/peers/{id}",
        "DELETE /v1/peers/{id}", "POST /v1/peers/{id}/heartbeat",
        "GET /v1/watch",         "GET /v1/members",
        "GET /v1/status",        "GET /v1/why/{peer or node}",
    };
    struct json_writer json;

    api_json_begin(api, &json);
    writer_object_open(&json);
    writer_put_string(&json, "service", "aurora");
    writer_put_string(&json, "version", AURORA_VERSION);
    writer_put_string(&json, "node", api->config->name);
    writer_put_string(&json, "cluster", api->config->cluster);
    writer_key(&json, "routes");
    writer_array_open(&json);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        writer_string(&json, paths[i]);
    writer_array_close(&json);
    writer_object_close(&json);
    writer_end(&json);
    api_answer_scratch(api, exchange, (struct http_answer){.status = 200});
}

static void dispatch_peer(struct api *api, enum route route, const struct http_request *request,
                          struct http_exchange *exchange, struct span id)
{
    if (route == V1_PEER_HEARTBEAT)
        api_v1_heartbeat(api, request, exchange, id);
    else if (request->method == METHOD_DELETE)
        api_v1_delete(api, request, exchange, id);
    else
        api_v1_peer(api, exchange, id);
}

static void dispatch(struct api *api, enum route route, const struct http_request *request,
                     struct http_exchange *exchange, struct span id)
{
    switch (route) {
    case ROUTE_TOP:
    case ROUTE_LIST: answer_list(api, exchange); break;
    case SEED_REGISTER: api_seed_register(api, request, exchange); break;
    case SEED_HEARTBEAT: api_seed_heartbeat(api, request, exchange); break;
    case SEED_DISCOVER: api_seed_discover(api, request, exchange); break;
    case SEED_HEALTH: api_seed_health(api, exchange); break;
    case METRICS: api_metrics(api, exchange); break;
    case V1_PEERS:
        if (request->method == METHOD_POST)
            api_v1_register(api, request, exchange);
        else
            api_v1_peers(api, request, exchange);
        break;
    case V1_WATCH: api_v1_watch(api, request, exchange); break;
    case V1_MEMBERS: api_v1_members(api, exchange); break;
    case V1_STATUS: api_v1_status(api, exchange); break;
    case V1_WHY: api_v1_why(api, exchange, id); break;
    default: dispatch_peer(api, route, request, exchange, id); break;
    }
}

static bool method_is_fine(enum http_request_method method, unsigned methods)
{
    switch (method) {
    case METHOD_GET:
    case METHOD_HEAD: return (methods & CAN_GET) != 0;
    case METHOD_POST: return (methods & CAN_POST) != 0;
    case METHOD_DELETE: return (methods & CAN_DELETE) != 0;
    default: return false;
    }
}

/* On /v1 nothing is ignored in silence; the lists of peers read their own. */
static bool query_is_fine(struct api *api, enum route route, const struct http_request *request,
                          struct http_exchange *exchange)
{
    bool reads_query = route == V1_WATCH || (route == V1_PEERS && request->method != METHOD_POST);

    if (route < V1_PEERS || reads_query || request->query.len == 0)
        return true;
    struct http_query reader;
    struct http_parameter parameter;
    char text[128] = "query: malformed";

    http_query_begin(&reader, request->query, api->query.text);
    enum http_query_next next = http_query_next(&reader, &parameter);
    if (next == QUERY_END)
        return true;
    if (next == QUERY_PARAMETER) {
        static const char reason[] = ": unknown query parameter";
        size_t len = parameter.name.len < 64 ? parameter.name.len : 64;

        memcpy(text, parameter.name.data, len);
        memcpy(text + len, reason, sizeof reason);
    }
    api_error(api, exchange, 400, text);
    return false;
}

/* What is no route, or the top, may be a file. */
static const struct page_file *page_for(const struct api *api, const struct http_request *request,
                                        struct span path, enum route *route)
{
    const struct page_file *page = NULL;

    if (*route > ROUTE_TOP || !api->config->has_pages)
        return NULL;
    if (*route == ROUTE_UNKNOWN || !pages_wants_json(request))
        page = pages_find(path);
    if (page != NULL)
        *route = ROUTE_PAGE;
    return page;
}

void api_handle(struct api *api, const struct http_request *request, struct http_exchange *exchange)
{
    struct span path = strip_prefix(api->config, request->path), id;
    enum route route = route_of(path, &id);
    const struct page_file *page = page_for(api, request, path, &route);
    char id_text[3 * PEER_ID_MAX_BYTES];
    size_t id_len = 0;

    if (request->method == METHOD_OPTIONS) {
        cors_preflight(api, request, exchange, is_seed(route), begins_with(path, "/v1/"));
        return;
    }
    if (route == ROUTE_UNKNOWN) {
        answer_unknown(api, exchange);
        return;
    }
    if (!method_is_fine(request->method, route_methods[route])) {
        answer_wrong_method(api, exchange, route_methods[route]);
        return;
    }
    if (id.len > sizeof id_text || !percent_decode(id, false, id_text, &id_len)) {
        api_error(api, exchange, 400, "path: the id is too long, or has a malformed \"%\"");
        return;
    }
    if (page != NULL)
        pages_answer(api, request, exchange, page);
    else if (query_is_fine(api, route, request, exchange) && body_is_fine(api, request, exchange))
        dispatch(api, route, request, exchange, span_of(id_text, id_len));
}
