// SPDX-License-Identifier: Apache-2.0
/* fragment.c - a peer's JSON, ready-made but for its last_seen, in a bounded cache */
#include "node/fragment.h"

#include <assert.h>
#include <string.h>

#include "gossip/mem.h"
#include "node/json_scan.h"
#include "node/json_writer.h"
#include "node/time_text.h"

/* Every byte of a record may become six ("\u0080" is the longest escape, of two bytes; "\"" of
 * one), and the names around them are few. */
#define FRAGMENT_MAX_BYTES (6 * STATEMENT_MAX_BYTES + 256)

void fragment_drop(struct view *view, struct view_peer *peer)
{
    struct fragment *fragment = peer->fragment;

    if (fragment == NULL)
        return;
    assert(view->fragments.bytes >= fragment->len);
    *(fragment->older != NULL ? &fragment->older->newer : &view->fragments.oldest) =
        fragment->newer;
    *(fragment->newer != NULL ? &fragment->newer->older : &view->fragments.newest) =
        fragment->older;
    view->fragments.bytes -= fragment->len;
    peer->fragment = NULL;
    mem_free(fragment);
}

/* Nobody checks on its way through the cluster that metadata is JSON: a node that signs anything
 * else must not be able to break everybody's answers. */
static void metadata_put(struct json_writer *json, struct span metadata)
{
    bool is_object =
        metadata.len > 0 && metadata.data[0] == '{' && json_scan_is_valid(metadata, NULL);

    writer_key(json, "metadata");
    writer_raw(json, is_object ? metadata : span_of("{}", 2));
}

/* Returns the place of the hole. */
static size_t fragment_write(struct buffer *out, const struct peer_description *peer)
{
    struct json_writer json;

    writer_begin(&json, out);
    writer_object_open(&json);
    buffer_clear(out); /* whoever puts the fragment opens and closes the object around it */
    writer_put_text(&json, "peer_id", peer->peer_id);
    writer_put_text(&json, "address", peer->address);
    writer_put_number(&json, "port", peer->port);
    writer_key(&json, "archetypes");
    writer_array_open(&json);
    for (size_t i = 0; i < peer->archetype_count; i++)
        writer_text(&json, peer->archetypes[i]);
    writer_array_close(&json);
    writer_put_string(&json, "last_seen", "");
    size_t hole = out->len - 1;
    metadata_put(&json, peer->metadata);
    return hole;
}

static void fragment_keep(struct view *view, struct fragment *fragment)
{
    struct fragments *all = &view->fragments;

    fragment->older = all->newest;
    *(all->newest != NULL ? &all->newest->newer : &all->oldest) = fragment;
    all->newest = fragment;
    all->bytes += fragment->len;
    while (all->bytes > FRAGMENTS_MAX_BYTES && all->oldest != fragment)
        fragment_drop(view, all->oldest->peer);
}

const struct fragment *fragment_of(struct view *view, struct view_peer *peer)
{
    struct record record;
    struct buffer text;

    if (peer->fragment != NULL)
        return peer->fragment;
    bool is_read = statement_read_record(blob_span(peer->record), &record);
    assert(is_read);
    (void)is_read;
    buffer_init(&text, FRAGMENT_MAX_BYTES);
    size_t hole = fragment_write(&text, &record.peer);
    assert(!text.is_full && hole < text.len);
    struct fragment *fragment = mem_alloc(sizeof *fragment + text.len);
    fragment->peer = peer;
    fragment->len = text.len;
    fragment->hole = hole;
    memcpy(fragment->text, text.data, text.len);
    buffer_free(&text);
    peer->fragment = fragment;
    fragment_keep(view, fragment);
    return fragment;
}

void fragment_put(struct json_writer *json, const struct fragment *fragment, const char *last_seen)
{
    size_t time = TIME_TEXT_ISO_BYTES - 1;
    char *room = buffer_extend(json->out, fragment->len + time);

    assert(!json->has_value);
    json->has_value = true;
    if (room == NULL)
        return;
    memcpy(room, fragment->text, fragment->hole);
    memcpy(room + fragment->hole, last_seen, time);
    memcpy(room + fragment->hole + time, fragment->text + fragment->hole,
           fragment->len - fragment->hole);
}
