// SPDX-License-Identifier: Apache-2.0
/* fuzz_config.c - what people and programs write: config files, key files, command lines, control
 * lines
 *
 * The first byte chooses which. What is taken must be within its limits, what is refused must say
 * why.
 */
#include "crypto/key.h"
#include "node/config.h"
#include "node/control.h"
#include "node/keyring.h"
#include "node/net.h"
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check(const struct node_config *config)
{
    char error[CONFIG_ERROR_MAX_BYTES];

    require(memchr(config->name, '\0', sizeof config->name) != NULL && config->name[0] != '\0');
    require(memchr(config->data, '\0', sizeof config->data) != NULL);
    require(config->bind_count >= 1 && config->bind_count <= NODE_ADDRESSES_MAX);
    require(config->http_count >= 1 && config->http_count <= NODE_ADDRESSES_MAX);
    require(config->seed_count <= SEEDS_MAX && config->http_prefix_count <= CONFIG_PREFIXES_MAX);
    require(config->ttl_s >= PEER_TTL_MIN_S && config->ttl_s <= PEER_TTL_MAX_S);
    for (size_t i = 0; i < config->seed_count; i++)
        require(config->seeds[i].port != 0 && config->seeds[i].host[0] != '\0');
    require(config_check(config, error) || error[0] != '\0');
}

static void try_file(const char *text, size_t size)
{
    static struct node_config config;
    char error[CONFIG_ERROR_MAX_BYTES] = "";

    config_defaults(&config);
    if (config_parse_text(&config, "file", text, size, error))
        check(&config);
    else
        require(error[0] != '\0');
}

static void try_keys(const char *text, size_t size)
{
    struct seal_keyring ring;
    char error[KEYRING_ERROR_MAX_BYTES] = "";

    seal_keyring_init(&ring, "c");
    if (keyring_parse(&ring, "file", text, size, error))
        require(ring.count >= 1 && ring.count <= SEAL_KEYS_MAX);
    else
        require(error[0] != '\0');
}

/* Words separated by NUL. Help and files are left out: they print, and read elsewhere. */
static void try_words(const char *text, size_t size)
{
    static struct node_config config;
    char error[CONFIG_ERROR_MAX_BYTES], *argv[WORDS_MAX] = {"aurora-node"};
    char *copy = malloc(size + 1);
    int argc = 1;

    require(copy != NULL);
    memcpy(copy, text, size);
    copy[size] = '\0';
    for (size_t at = 0; at < size && argc < WORDS_MAX; at += strlen(copy + at) + 1) {
        if (strcmp(copy + at, "--help") != 0 && strcmp(copy + at, "--version") != 0 &&
            strncmp(copy + at, "--config", 8) != 0)
            argv[argc++] = copy + at;
    }
    enum config_outcome outcome = config_parse(&config, argc, argv, error);
    require(outcome != CONFIG_SHOWN && (outcome == CONFIG_RUN || error[0] != '\0'));
    if (outcome == CONFIG_RUN)
        check(&config);
    free(copy);
}

static void try_control(const char *text, size_t size)
{
    struct control_request request;

    control_parse(&request, text, size);
    require((request.error == NULL) == (request.command != CONTROL_WRONG));
    require(request.endpoint_count <= SEEDS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || !key_library_init())
        return 0;
    uint8_t *input = guard_copy(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0: try_file((const char *)input, size - 1); break;
    case 1: try_keys((const char *)input, size - 1); break;
    case 2: try_words((const char *)input, size - 1); break;
    default: try_control((const char *)input, size - 1); break;
    }
    guard_free(input, size - 1);
    return 0;
}
