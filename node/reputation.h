// SPDX-License-Identifier: Apache-2.0
/* reputation.h - the hint that /discover?reputation=true adds: how long a peer has been known */
#ifndef AURORA_NODE_REPUTATION_H
#define AURORA_NODE_REPUTATION_H

#include <stdint.h>

#include "node/json_writer.h"

/* "reputation_hint": {score, age_hours, is_new, note}, inside of an object. */
void reputation_put(struct json_writer *, uint64_t registered_wall_ms, uint64_t now_wall_ms);

#endif
