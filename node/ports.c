// SPDX-License-Identifier: Apache-2.0
/* ports.c - DATA/ports.json: where a running node can be reached */
#include "node/ports.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "crypto/hex.h"
#include "node/file.h"
#include "node/net.h"

bool ports_write(int dir, const struct http_options *options)
{
    char id[HEX_SIZE(KEY_PUBLIC_BYTES)], gossip[NET_TEXT_BYTES], http[NET_TEXT_BYTES];
    char text[1024];

    hex_encode(options->id.bytes, sizeof options->id.bytes, id, sizeof id);
    json_t *object =
        json_pack("{s:i,s:s,s:s,s:s,s:s,s:s}", "pid", (int)getpid(), "name", options->config->name,
                  "id", id, "gossip", net_text(&options->gossip[0], gossip), "http",
                  net_text(&options->http[0], http), "http_url", options->http_url);
    size_t len = json_dumpb(object, text, sizeof text - 1, 0);
    json_decref(object);
    if (len == 0 || len >= sizeof text)
        return false;
    text[len] = '\n';
    return file_replace(dir, PORTS_NAME, text, len + 1, 0644);
}

void ports_remove(int dir)
{
    unlinkat(dir, PORTS_NAME, 0);
}
