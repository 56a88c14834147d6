// SPDX-License-Identifier: Apache-2.0
/* config.h - what the daemon was told: long options, and a file of the same names */
#ifndef AURORA_NODE_CONFIG_H
#define AURORA_NODE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/addr.h"
#include "gossip/limits.h"
#include "node/log.h"

#define AURORA_VERSION "0.1.0"

#define CONFIG_PATH_MAX_BYTES   1024
#define CONFIG_HOST_MAX_BYTES   255 /* a host name: RFC 1035, section 2.3.4 */
#define CONFIG_PREFIXES_MAX     8
#define CONFIG_PREFIX_MAX_BYTES 64
#define CONFIG_ERROR_MAX_BYTES  512
#define CONFIG_FILE_MAX_BYTES   65536

#define CONFIG_GOSSIP_PORT 4747
#define CONFIG_HTTP_PORT   4780

/* Each has a view of its own, and is woken by every change: more of them cost writes more than they
 * give reads. */
#define HTTP_THREADS_MAX 16

/* A seed: a host name or an address, and a port. */
struct config_endpoint {
    char host[CONFIG_HOST_MAX_BYTES + 1];
    uint16_t port;
};

/* A plain value; all texts are NUL-terminated. */
struct node_config {
    char name[NODE_NAME_MAX_BYTES + 1];
    char zone[NODE_ZONE_MAX_BYTES + 1];
    char cluster[CLUSTER_NAME_MAX_BYTES + 1];
    struct addr bind[NODE_ADDRESSES_MAX]; /* at most one of each family */
    size_t bind_count;
    struct addr advertise[NODE_ADDRESSES_MAX]; /* port 0: the bound one */
    size_t advertise_count;
    struct addr http[NODE_ADDRESSES_MAX];
    size_t http_count;
    char http_url[NODE_URL_MAX_BYTES + 1]; /* "": made from --http */
    struct config_endpoint seeds[SEEDS_MAX];
    size_t seed_count;
    char data[CONFIG_PATH_MAX_BYTES];     /* "": nothing is kept */
    char key_file[CONFIG_PATH_MAX_BYTES]; /* "": the cluster is open */
    char file[CONFIG_PATH_MAX_BYTES];     /* --config */
    uint32_t ttl_s;
    enum log_level log_level;
    enum log_format log_format;
    char http_prefixes[CONFIG_PREFIXES_MAX]
                      [CONFIG_PREFIX_MAX_BYTES + 1]; /* "/dev": no slash at the end */
    size_t http_prefix_count;
    char cors_origin[CONFIG_HOST_MAX_BYTES + 1]; /* "*", or one origin */
    bool has_pages;                              /* "/", "/demo" and what belongs to them */
    uint32_t http_threads;
    uint32_t http_connections_max;
    uint32_t http_connections_per_address_max;
    uint32_t orphan_grace_ms;
    uint32_t probe_interval_ms;
    uint32_t suspicion_min_ms;
    uint32_t forward_timeout_ms;
    uint32_t rejoin_interval_ms; /* how often one dead member and one seed are asked */
    uint32_t join_wait_ms;       /* without an answer for so long a node starts alone */
};

enum config_outcome {
    CONFIG_RUN = 0,
    CONFIG_SHOWN, /* --help or --version: printed on standard output; exit 0 */
    CONFIG_WRONG, /* `error` says which option, and what would be right; exit 2 */
};

/* Options win over the file. Prints only for --help and --version. */
enum config_outcome config_parse(struct node_config *, int argc, char **argv,
                                 char error[CONFIG_ERROR_MAX_BYTES]);
/* The file's text, for the fuzzer and tests; `name` stands in errors. False: see `error`. */
bool config_parse_text(struct node_config *, const char *name, const char *text, size_t len,
                       char error[CONFIG_ERROR_MAX_BYTES]);
void config_defaults(struct node_config *);
/* What can only be judged when all is read: wildcards without --advertise, and so on. */
bool config_check(const struct node_config *, char error[CONFIG_ERROR_MAX_BYTES]);
/* "host", "host:port", "[ipv6]:port"; without a port it is CONFIG_GOSSIP_PORT. */
bool config_parse_endpoint(const char *text, struct config_endpoint *);
/* help.c: what --help prints. */
extern const char config_help[];

#endif
