// SPDX-License-Identifier: Apache-2.0
/* register.c - aurora register, heartbeat, deregister: a peer's lease from the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

static bool add_number(const struct request *request, json_t *body, const char *option,
                       const char *key, long least, long most)
{
    long value = 0;
    if (request_option(request, option) == NULL)
        return true;
    if (!request_number(request, option, least, most, &value))
        return false;
    json_object_set_new(body, key, json_integer(value));
    return true;
}

static bool add_metadata(const struct request *request, json_t *body)
{
    const char *text = request_option(request, "metadata");
    json_error_t error;
    if (text == NULL)
        return true;
    json_t *metadata = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(metadata)) {
        json_decref(metadata);
        request_refuse(request, "--metadata must be a JSON object, not %s", text);
        return false;
    }
    json_object_set_new(body, "metadata", metadata);
    return true;
}

/* NULL: said what is wrong. */
static json_t *build_body(const struct request *request)
{
    json_t *body = json_object();
    json_t *archetypes = json_array();
    json_object_set_new(body, "peer_id", json_string(request->words[0]));
    json_object_set_new(body, "archetypes", archetypes);
    for (size_t i = 0; i < request->option_count; i++)
        if (strcmp(request->options[i].name, "archetype") == 0)
            json_array_append_new(archetypes, json_string(request->options[i].value));
    if (request_option(request, "address") != NULL)
        json_object_set_new(body, "address", json_string(request_option(request, "address")));
    if (add_number(request, body, "port", "port", 0, 65535) &&
        add_number(request, body, "ttl", "ttl_seconds", 10, 86400) && add_metadata(request, body))
        return body;
    json_decref(body);
    return NULL;
}

static enum exit_status run_register(const struct request *request)
{
    static const struct column columns[] = {
        {"peer", "peer_id"},
        {"address", "address"},
        {"port", "port"},
        {"archetypes", "archetypes"},
        {"home", "home"},
        {"expires in s", "expires_in"},
        {"lease token", "lease_token"},
    };
    struct answer answer;
    json_t *body = build_body(request);
    if (body == NULL)
        return EXIT_USAGE;
    enum exit_status status = client_call(&request->client, "POST", "/v1/peers", body, &answer);
    json_decref(body);
    if (status != EXIT_DONE)
        return status;
    if (request->wants_json)
        output_json(answer.body);
    else
        output_fields(answer.body, columns, sizeof columns / sizeof *columns);
    answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_status call_peer(const struct request *request, const char *method,
                                  const char *suffix, const char *done)
{
    char path[2048];
    struct answer answer;
    char *escaped = client_escape(request->words[0]);
    snprintf(path, sizeof path, "/v1/peers/%s%s", escaped, suffix);
    free(escaped);
    enum exit_status status = client_call(&request->client, method, path, NULL, &answer);
    if (status != EXIT_DONE)
        return status;
    if (request->wants_json)
        output_json(answer.body);
    else
        printf("%s %s\n", request->words[0], done);
    answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_status run_heartbeat(const struct request *request)
{
    return call_peer(request, "POST", "/heartbeat", "is renewed");
}

static enum exit_status run_deregister(const struct request *request)
{
    return call_peer(request, "DELETE", "", "is gone");
}

const struct command command_register = {
    .name = "register",
    .arguments = "ID [--archetype A]... [--address HOST] [--port N] [--metadata JSON] [--ttl S]",
    .summary = "Register a peer with this node; every node will find it",
    .help = "  --archetype A    what it is; may be given several times\n"
            "  --address HOST   where it is; else the address that this command comes from\n"
            "  --port N         0 to 65535\n"
            "  --metadata JSON  an object of at most 512 bytes, given back as sent\n"
            "  --ttl S          10 to 86400 seconds: renew it before with aurora heartbeat\n"
            "\n"
            "Prints the lease token that heartbeat and deregister need. Keep it.\n"
            "example: aurora register printer-1 --archetype printer --port 9100 --ttl 60",
    .options = "archetype address port metadata ttl ",
    .words_min = 1,
    .words_max = 1,
    .run = run_register,
};

const struct command command_heartbeat = {
    .name = "heartbeat",
    .arguments = "ID --token TOKEN",
    .summary = "Renew a peer's lease, at any node",
    .help = "example: aurora heartbeat printer-1 --token TOKEN",
    .options = "",
    .words_min = 1,
    .words_max = 1,
    .run = run_heartbeat,
};

const struct command command_deregister = {
    .name = "deregister",
    .arguments = "ID --token TOKEN",
    .summary = "End a peer's lease everywhere, at any node",
    .help = "example: aurora deregister printer-1 --token TOKEN",
    .options = "",
    .words_min = 1,
    .words_max = 1,
    .run = run_deregister,
};
