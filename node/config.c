// SPDX-License-Identifier: Apache-2.0
/* config.c - what the daemon was told: long options, and a file of the same names */
#include "node/config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gossip/text.h"
#include "node/net.h"

#define LINE_MAX_BYTES  1536
#define TYPING_MISTAKES 2 /* "--seeds" is one away from "--seed" */

/* What is being read: where, and which lists were begun there (they replace earlier ones). */
struct reader {
    struct node_config *config;
    const char *source; /* "FILE:12: " or "--" */
    uint32_t begun;     /* one bit per option */
    char *error;
};

struct option {
    const char *name;
    /* False: the value is wrong, and `right` tells what would be right. */
    bool (*set)(struct node_config *, const char *value, bool is_first);
    const char *right;
};

static void __attribute__((format(printf, 2, 3)))
say_wrong(char error[CONFIG_ERROR_MAX_BYTES], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error, CONFIG_ERROR_MAX_BYTES, format, arguments);
    va_end(arguments);
}

/* --- Kinds of values
 * ------------------------------------------------------------------------------------- */

static bool take_text(char *out, size_t size, size_t min_bytes, const char *value)
{
    size_t len = strlen(value);

    if (!text_is_clean(span_of_text(value), min_bytes, size - 1))
        return false;
    memcpy(out, value, len + 1);
    return true;
}

static bool take_number(uint32_t *out, uint32_t min, uint32_t max, const char *value)
{
    char *end;

    if (value[0] < '0' || value[0] > '9' || strlen(value) > 9)
        return false;
    unsigned long number = strtoul(value, &end, 10);
    *out = (uint32_t)number;
    return *end == '\0' && number >= min && number <= max;
}

/* Seconds with at most three decimals, to milliseconds. */
static bool take_seconds(uint32_t *out_ms, uint32_t min_ms, uint32_t max_ms, const char *value)
{
    size_t whole = strspn(value, "0123456789");
    uint64_t ms = 0;

    if (whole == 0 || whole > 6)
        return false;
    for (size_t i = 0; i < whole; i++)
        ms = ms * 10 + (uint64_t)(value[i] - '0');
    ms *= 1000;
    value += whole;
    if (*value == '.') {
        uint64_t unit_ms = 100;

        for (value++; *value >= '0' && *value <= '9' && unit_ms > 0; value++, unit_ms /= 10)
            ms += unit_ms * (uint64_t)(*value - '0');
    }
    *out_ms = (uint32_t)ms;
    return *value == '\0' && ms >= min_ms && ms <= max_ms;
}

/* A list that takes one address of each family. */
static bool take_addr(struct addr *list, size_t *count, uint16_t port, const char *value,
                      bool is_first)
{
    struct addr addr;

    if (!net_parse(value, port, &addr))
        return false;
    if (is_first)
        *count = 0;
    for (size_t i = 0; i < *count; i++) {
        if (list[i].family == addr.family)
            return false;
    }
    list[(*count)++] = addr; /* two families: never over NODE_ADDRESSES_MAX */
    return true;
}

static bool is_host_name(const char *text, size_t len)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

    return len > 0 && len <= CONFIG_HOST_MAX_BYTES && text[0] != '-' &&
           strspn(text, allowed) >= len;
}

bool config_parse_endpoint(const char *text, struct config_endpoint *endpoint)
{
    struct addr addr;
    uint32_t port = CONFIG_GOSSIP_PORT;
    char host[NET_TEXT_BYTES];
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);

    if (net_parse(text, CONFIG_GOSSIP_PORT, &addr)) {
        snprintf(endpoint->host, sizeof endpoint->host, "%s", net_host_text(&addr, host));
        endpoint->port = addr.port;
        return addr.port != 0;
    }
    /* Digits and dots that are no address are a typing mistake, not a host name. */
    if (!is_host_name(text, len) || strspn(text, "0123456789.") >= len)
        return false;
    if (colon != NULL && !take_number(&port, 1, 65535, colon + 1))
        return false;
    memcpy(endpoint->host, text, len);
    endpoint->host[len] = '\0';
    endpoint->port = (uint16_t)port;
    return true;
}

/* --- One setter per option
 * --------------------------------------------------------------------------------- */

#define SETTER(option) \
    static bool set_##option(struct node_config *config, const char *value, bool is_first)

#define TEXT_SETTER(option, field, min_bytes)                                    \
    SETTER(option)                                                               \
    {                                                                            \
        (void)is_first;                                                          \
        return take_text(config->field, sizeof config->field, min_bytes, value); \
    }

#define SECONDS_SETTER(option, field, min_ms, max_ms)               \
    SETTER(option)                                                  \
    {                                                               \
        (void)is_first;                                             \
        return take_seconds(&config->field, min_ms, max_ms, value); \
    }

#define NUMBER_SETTER(option, field, min, max)               \
    SETTER(option)                                           \
    {                                                        \
        (void)is_first;                                      \
        return take_number(&config->field, min, max, value); \
    }

TEXT_SETTER(name, name, 1)
TEXT_SETTER(zone, zone, 0)
TEXT_SETTER(cluster, cluster, 1)
TEXT_SETTER(data, data, 1)
TEXT_SETTER(key_file, key_file, 1)
TEXT_SETTER(cors_origin, cors_origin, 1)
NUMBER_SETTER(ttl, ttl_s, PEER_TTL_MIN_S, PEER_TTL_MAX_S)
NUMBER_SETTER(http_threads, http_threads, 1, HTTP_THREADS_MAX)
NUMBER_SETTER(http_connections, http_connections_max, 1, 1000000)
NUMBER_SETTER(http_connections_per_address, http_connections_per_address_max, 1, 1000000)
SECONDS_SETTER(orphan_grace, orphan_grace_ms, 0, 86400000)
SECONDS_SETTER(probe_interval, probe_interval_ms, 50, 60000)
SECONDS_SETTER(suspicion_min, suspicion_min_ms, 50, 600000)
SECONDS_SETTER(forward_timeout, forward_timeout_ms, 50, 60000)
SECONDS_SETTER(rejoin_interval, rejoin_interval_ms, 100, 3600000)
SECONDS_SETTER(join_wait, join_wait_ms, 100, 600000)

SETTER(bind)
{
    return take_addr(config->bind, &config->bind_count, CONFIG_GOSSIP_PORT, value, is_first);
}

SETTER(advertise)
{
    return take_addr(config->advertise, &config->advertise_count, 0, value, is_first) &&
           !net_is_wildcard(&config->advertise[config->advertise_count - 1]);
}

SETTER(http)
{
    return take_addr(config->http, &config->http_count, CONFIG_HTTP_PORT, value, is_first);
}

SETTER(http_url)
{
    (void)is_first;
    return take_text(config->http_url, sizeof config->http_url, 8, value) &&
           (strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0);
}

SETTER(seed)
{
    if (is_first)
        config->seed_count = 0;
    if (config->seed_count == SEEDS_MAX ||
        !config_parse_endpoint(value, &config->seeds[config->seed_count]))
        return false;
    config->seed_count++;
    return true;
}

SETTER(pages)
{
    (void)is_first;
    config->has_pages = strcmp(value, "on") == 0;
    return config->has_pages || strcmp(value, "off") == 0;
}

SETTER(log_level)
{
    (void)is_first;
    return log_level_parse(value, &config->log_level);
}

SETTER(log_format)
{
    (void)is_first;
    config->log_format = strcmp(value, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
    return strcmp(value, "json") == 0 || strcmp(value, "text") == 0;
}

SETTER(http_prefix)
{
    size_t len = strlen(value);

    if (is_first)
        config->http_prefix_count = 0;
    if (strcmp(value, "none") == 0)
        return is_first;
    if (len > 1 && value[len - 1] == '/')
        len--;
    if (config->http_prefix_count == CONFIG_PREFIXES_MAX || len < 2 ||
        len > CONFIG_PREFIX_MAX_BYTES || value[0] != '/' || strcspn(value, " ?#%\"\\") < len)
        return false;
    char *prefix = config->http_prefixes[config->http_prefix_count++];
    memcpy(prefix, value, len);
    prefix[len] = '\0';
    return text_is_clean(span_of_text(prefix), 2, CONFIG_PREFIX_MAX_BYTES);
}

static const struct option options[] = {
    {"name", set_name, "1 to 64 bytes of text without control characters"},
    {"zone", set_zone, "at most 64 bytes of text without control characters"},
    {"cluster", set_cluster, "1 to 64 bytes of text without control characters"},
    {"data", set_data, "a directory's path"},
    {"key-file", set_key_file, "a file's path"},
    {"bind", set_bind,
     "an IP address with an optional port, one per family: 10.0.0.1:4747 or [::1]:4747"},
    {"advertise", set_advertise,
     "an IP address that others can reach, with an optional port, one per family: 192.0.2.7:4747"},
    {"http", set_http,
     "an IP address with an optional port, one per family: 127.0.0.1:4780 or [::1]:4780"},
    {"http-url", set_http_url, "a URL of at most 128 bytes: http://node1.example.net:4780"},
    {"seed", set_seed,
     "a host name or IP address with an optional port, at most 16 of them: "
     "node1.example.net:4747 or [fd00::1]:4747"},
    {"ttl", set_ttl, "a whole number of seconds from 10 to 86400"},
    {"http-prefix", set_http_prefix,
     "a path of at most 64 bytes that begins with a slash, at most 8 of them: /dev"},
    {"cors-origin", set_cors_origin, "* or an origin: https://app.example.net"},
    {"pages", set_pages, "on or off"},
    {"http-threads", set_http_threads, "a number from 1 to 16"},
    {"http-connections", set_http_connections, "a number from 1 to 1000000"},
    {"http-connections-per-address", set_http_connections_per_address,
     "a number from 1 to 1000000"},
    {"log-level", set_log_level, "debug, info, warning or error"},
    {"log-format", set_log_format, "text or json"},
    {"orphan-grace", set_orphan_grace, "seconds from 0 to 86400: 90 or 1.5"},
    {"probe-interval", set_probe_interval, "seconds from 0.05 to 60"},
    {"suspicion-min", set_suspicion_min, "seconds from 0.05 to 600"},
    {"forward-timeout", set_forward_timeout, "seconds from 0.05 to 60"},
    {"rejoin-interval", set_rejoin_interval, "seconds from 0.1 to 3600"},
    {"join-wait", set_join_wait, "seconds from 0.1 to 600"},
};
#define OPTIONS_COUNT (sizeof options / sizeof options[0])
static_assert(OPTIONS_COUNT <= 32, "one bit per option in reader.begun");

/* --- Names ----------------------------------------------------------------------------------- */

/* Levenshtein's distance, for names of at most 31 bytes; longer ones are simply far away. */
static size_t distance(const char *a, const char *b)
{
    size_t row[32], a_len = strlen(a), b_len = strlen(b);

    if (a_len > 31 || b_len > 31)
        return 32;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[b_len];
}

static void say_unknown(const struct reader *reader, const char *name)
{
    const char *nearest = NULL;
    size_t nearest_distance = TYPING_MISTAKES + 1;

    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        size_t d = distance(name, options[i].name);

        if (d < nearest_distance) {
            nearest_distance = d;
            nearest = options[i].name;
        }
    }
    say_wrong(reader->error, "%s%.64s: there is no such option%s%s%s (--help shows all)",
              reader->source, name, nearest ? "; did you mean " : "", nearest ? nearest : "",
              nearest ? "?" : "");
}

static bool reader_set(struct reader *reader, const char *name, const char *value)
{
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        if (strcmp(options[i].name, name) != 0)
            continue;
        bool is_first = (reader->begun & (UINT32_C(1) << i)) == 0;

        reader->begun |= UINT32_C(1) << i;
        if (options[i].set(reader->config, value, is_first))
            return true;
        say_wrong(reader->error, "%s%s: \"%.100s\" will not do; it takes %s", reader->source, name,
                  value, options[i].right);
        return false;
    }
    say_unknown(reader, name);
    return false;
}

/* --- The file -------------------------------------------------------------------------------- */

static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t\r");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
        text[--len] = '\0';
    return text;
}

static bool reader_line(struct reader *reader, char *line)
{
    char *name = trim(line);
    char *equals = strchr(name, '=');

    if (*name == '\0' || *name == '#')
        return true;
    if (equals == NULL) {
        say_wrong(reader->error, "%s\"%.64s\" is no `option = value`", reader->source, name);
        return false;
    }
    *equals = '\0';
    return reader_set(reader, trim(name), trim(equals + 1));
}

bool config_parse_text(struct node_config *config, const char *name, const char *text, size_t len,
                       char error[CONFIG_ERROR_MAX_BYTES])
{
    char source[CONFIG_PATH_MAX_BYTES + 32], line[LINE_MAX_BYTES];
    struct reader reader = {config, source, 0, error};
    const char *end = text + len;

    for (size_t number = 1; text < end; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = (size_t)((newline != NULL ? newline : end) - text);

        snprintf(source, sizeof source, "%s:%zu: ", name, number);
        if (line_len >= sizeof line || memchr(text, '\0', line_len) != NULL) {
            say_wrong(error, "%sthe line is too long, or not text", source);
            return false;
        }
        memcpy(line, text, line_len);
        line[line_len] = '\0';
        if (!reader_line(&reader, line))
            return false;
        text += line_len + (newline != NULL);
    }
    return true;
}

static bool config_parse_file(struct node_config *config, char error[CONFIG_ERROR_MAX_BYTES])
{
    FILE *file = fopen(config->file, "re");
    char *text = malloc(CONFIG_FILE_MAX_BYTES);
    size_t len = file != NULL && text != NULL ? fread(text, 1, CONFIG_FILE_MAX_BYTES, file) : 0;
    bool is_right = false;

    if (file == NULL || text == NULL || ferror(file))
        say_wrong(error, "--config: cannot read %.300s: %s", config->file, strerror(errno));
    else if (len == CONFIG_FILE_MAX_BYTES)
        say_wrong(error, "--config: %.300s is larger than %d bytes", config->file,
                  CONFIG_FILE_MAX_BYTES);
    else
        is_right = config_parse_text(config, config->file, text, len, error);
    if (file != NULL)
        fclose(file);
    free(text);
    return is_right;
}

/* --- The command line
 * -------------------------------------------------------------------------------------------- */

/* "--name value" or "--name=value" at argv[*at]; moves *at past it. `name` has room for 64 bytes.
 */
static bool next_option(int argc, char **argv, int *at, char name[64], const char **value,
                        char error[CONFIG_ERROR_MAX_BYTES])
{
    const char *word = argv[(*at)++];
    size_t len = strcspn(word, "=");

    if (strncmp(word, "--", 2) != 0 || len < 3 || len - 2 >= 64) {
        say_wrong(error,
                  "\"%.100s\" is no option; options look like --name NAME (--help shows all)",
                  word);
        return false;
    }
    memcpy(name, word + 2, len - 2);
    name[len - 2] = '\0';
    if (word[len] == '=') {
        *value = word + len + 1;
    } else if (*at < argc) {
        *value = argv[(*at)++];
    } else {
        say_wrong(error, "--%s: its value is missing (--help shows all)", name);
        return false;
    }
    return true;
}

static enum config_outcome parse_command_line(struct node_config *config, int argc, char **argv,
                                              bool is_for_file, char *error)
{
    struct reader reader = {config, "--", 0, error};
    char name[64];
    const char *value;

    for (int at = 1; at < argc;) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "--version") == 0) {
            printf("%s", argv[at][2] == 'h' ? config_help : "aurora-node " AURORA_VERSION "\n");
            return CONFIG_SHOWN;
        }
        if (!next_option(argc, argv, &at, name, &value, error))
            return CONFIG_WRONG;
        if (strcmp(name, "config") == 0) {
            if (!take_text(config->file, sizeof config->file, 1, value)) {
                say_wrong(error, "--config: \"%.100s\" is no file's path", value);
                return CONFIG_WRONG;
            }
        } else if (!is_for_file && !reader_set(&reader, name, value)) {
            return CONFIG_WRONG;
        }
    }
    return CONFIG_RUN;
}

/* --- All of it ------------------------------------------------------------------------------- */

static void default_name(struct node_config *config)
{
    char host[256] = "";

    if (gethostname(host, sizeof host - 1) != 0 ||
        !take_text(config->name, sizeof config->name, 1, host))
        memcpy(config->name, "aurora", sizeof "aurora");
}

static void default_addresses(struct node_config *config)
{
    net_parse("127.0.0.1", CONFIG_GOSSIP_PORT, &config->bind[0]);
    config->bind_count = 1;
    net_parse("127.0.0.1", CONFIG_HTTP_PORT, &config->http[0]);
    config->http_count = 1;
}

void config_defaults(struct node_config *config)
{
    static const char *const prefixes[] = {"/dev", "/staging", "/prod"};

    memset(config, 0, sizeof *config);
    default_name(config);
    default_addresses(config);
    memcpy(config->cluster, "aurora", sizeof "aurora");
    memcpy(config->cors_origin, "*", sizeof "*");
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        memcpy(config->http_prefixes[i], prefixes[i], strlen(prefixes[i]));
    config->http_prefix_count = sizeof prefixes / sizeof prefixes[0];
    config->has_pages = true;
    config->ttl_s = TTL_DEFAULT_S;
    config->log_level = LOG_LEVEL_INFO;
    config->http_threads = 1;
    config->http_connections_max = 4096;
    config->http_connections_per_address_max = 1024;
    config->orphan_grace_ms = ORPHAN_GRACE_MS;
    config->probe_interval_ms = PROBE_INTERVAL_MS;
    config->suspicion_min_ms = SUSPICION_MIN_MS;
    config->forward_timeout_ms = FORWARD_TIMEOUT_MS;
    config->rejoin_interval_ms = OLD_MEMBER_PROBE_MS;
    config->join_wait_ms = JOIN_ALONE_MS;
}

/* The address of this family among the advertised ones, or NULL. */
static const struct addr *advertised(const struct node_config *config, uint8_t family)
{
    for (size_t i = 0; i < config->advertise_count; i++) {
        if (config->advertise[i].family == family)
            return &config->advertise[i];
    }
    return NULL;
}

bool config_check(const struct node_config *config, char error[CONFIG_ERROR_MAX_BYTES])
{
    char text[NET_TEXT_BYTES];

    assert(config->bind_count >= 1 && config->http_count >= 1);
    for (size_t i = 0; i < config->bind_count; i++) {
        if (net_is_wildcard(&config->bind[i]) && !advertised(config, config->bind[i].family)) {
            say_wrong(error,
                      "--bind %s takes packets on every address, but the others need one to send "
                      "to: add --advertise with an address of this host that they can reach",
                      net_text(&config->bind[i], text));
            return false;
        }
    }
    for (size_t i = 0; i < config->advertise_count; i++) {
        bool is_bound =
            config->advertise[i].family == config->bind[0].family ||
            (config->bind_count > 1 && config->advertise[i].family == config->bind[1].family);

        if (!is_bound) {
            say_wrong(error,
                      "--advertise %s is of a family that no --bind listens on: add --bind %s",
                      net_host_text(&config->advertise[i], text),
                      config->advertise[i].family == ADDR_IPV6 ? "[::]" : "0.0.0.0");
            return false;
        }
    }
    return true;
}

enum config_outcome config_parse(struct node_config *config, int argc, char **argv,
                                 char error[CONFIG_ERROR_MAX_BYTES])
{
    error[0] = '\0';
    config_defaults(config);
    enum config_outcome outcome = parse_command_line(config, argc, argv, true, error);
    if (outcome != CONFIG_RUN)
        return outcome;
    if (config->file[0] != '\0' && !config_parse_file(config, error))
        return CONFIG_WRONG;
    outcome = parse_command_line(config, argc, argv, false, error);
    if (outcome != CONFIG_RUN)
        return outcome;
    return config_check(config, error) ? CONFIG_RUN : CONFIG_WRONG;
}
