// SPDX-License-Identifier: Apache-2.0
/* watch_show.h - what `aurora watch` prints: lines for people, or each event as JSON. */
#ifndef AURORA_TOOLS_WATCH_SHOW_H
#define AURORA_TOOLS_WATCH_SHOW_H

#include <stdbool.h>

#include "tools/sse.h"

struct show;

struct show *show_new(void);
void show_free(struct show *);
/* Prints the event, told by the node at `url`. False: it is none that a node sends. */
bool show_event(struct show *, const struct sse *, const char *url);
/* The event as one line of JSON, its data as they came. */
void show_json(const struct sse *);

#endif
