// SPDX-License-Identifier: Apache-2.0
/* client.c - one request to a node's HTTP API, and its answer as JSON. */
#include "tools/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No answer is larger: 10,000 peers of at most 2 KB each, with room. */
#define ANSWER_MAX_BYTES (64u << 20)

struct buffer {
    char *data;
    size_t len;
};

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct buffer *buffer = context;
    size_t len = size * count;
    if (len > ANSWER_MAX_BYTES - buffer->len)
        return 0;
    char *grown = realloc(buffer->data, buffer->len + len + 1);
    if (grown == NULL)
        return 0;
    memcpy(grown + buffer->len, data, len);
    buffer->data = grown;
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
    return len;
}

static struct curl_slist *headers_for(const struct client *client, bool has_body)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    if (has_body)
        headers = curl_slist_append(headers, "Content-Type: application/json");
    if (client->token != NULL) {
        char line[256];
        snprintf(line, sizeof line, "Authorization: Bearer %s", client->token);
        headers = curl_slist_append(headers, line);
    }
    return headers;
}

static CURLcode perform(const struct client *client, const char *method, const char *path,
                        const char *body, struct buffer *received, long *status)
{
    char url[2048];
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_for(client, body != NULL);
    snprintf(url, sizeof url, "%s%s", client->url, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, client->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, received);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code;
}

static enum exit_status status_of(long http)
{
    if (http >= 200 && http < 300)
        return EXIT_DONE;
    if (http == 404)
        return EXIT_NOT_FOUND;
    if (http == 429 || http >= 500)
        return EXIT_NOT_READY;
    return http >= 400 ? EXIT_REFUSED : EXIT_NO_NODE;
}

static enum exit_status explain(const struct client *client, const struct answer *answer)
{
    enum exit_status status = status_of(answer->status);
    const char *error = json_string_value(json_object_get(answer->body, "error"));
    if (error == NULL)
        error = "no reason given; is this an Aurora node?";
    fprintf(stderr, "aurora: %s answered %ld: %s\n", client->url, answer->status, error);
    if (status == EXIT_NOT_READY)
        fprintf(stderr, "aurora: try again in a moment\n");
    return status;
}

/* Metadata may hold integers of any size: then all are read as what fits best. */
static json_t *read_body(const char *text)
{
    json_t *body = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (body == NULL)
        body = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    return body;
}

enum exit_status client_call(const struct client *client, const char *method, const char *path,
                             const json_t *body, struct answer *answer)
{
    struct buffer received = {NULL, 0};
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    *answer = (struct answer){0};
    CURLcode code = perform(client, method, path, text, &received, &answer->status);
    free(text);
    if (code != CURLE_OK) {
        fprintf(stderr,
                "aurora: no node answers at %s: %s\n"
                "aurora: give a node's HTTP address with --node URL or AURORA_NODE\n",
                client->url, curl_easy_strerror(code));
        free(received.data);
        return EXIT_NO_NODE;
    }
    if (received.data != NULL)
        answer->body = read_body(received.data);
    free(received.data);
    enum exit_status status = status_of(answer->status);
    if (status == EXIT_DONE && answer->body != NULL)
        return EXIT_DONE;
    if (status == EXIT_DONE)
        answer->status = 0;
    status = explain(client, answer);
    answer_free(answer);
    return status;
}

void answer_free(struct answer *answer)
{
    json_decref(answer->body);
    *answer = (struct answer){0};
}

char *client_escape(const char *text)
{
    char *encoded = curl_easy_escape(NULL, text, 0);
    char *own = encoded == NULL ? NULL : strdup(encoded);
    curl_free(encoded);
    if (own == NULL)
        abort();
    return own;
}
