// SPDX-License-Identifier: Apache-2.0
/* reputation.c - the hint that /discover?reputation=true adds: how long a peer has been known
 *
 * Age is all that a registry can vouch for: it has not seen what the peer does. So the score is
 * the age, from 0 to 1 over a day, and the note says that it is nothing more. */
#include "node/reputation.h"

#define HOUR_MS 3600000ull
#define FULL_MS (24 * HOUR_MS)
#define NEW_MS  HOUR_MS

void reputation_put(struct json_writer *json, uint64_t registered_wall_ms, uint64_t now_wall_ms)
{
    uint64_t age_ms = now_wall_ms > registered_wall_ms ? now_wall_ms - registered_wall_ms : 0;
    uint64_t score = age_ms >= FULL_MS ? 100 : age_ms * 100 / FULL_MS;

    writer_key(json, "reputation_hint");
    writer_object_open(json);
    writer_key(json, "score");
    writer_decimal(json, score, 2);
    writer_key(json, "age_hours");
    writer_decimal(json, age_ms * 100 / HOUR_MS, 2);
    writer_put_bool(json, "is_new", age_ms < NEW_MS);
    writer_put_string(json, "note", "by the age of the registration alone");
    writer_object_close(json);
}
