// SPDX-License-Identifier: Apache-2.0
/* view_members.h - the view's members and homes; view.c's other half */
#ifndef AURORA_NODE_VIEW_MEMBERS_H
#define AURORA_NODE_VIEW_MEMBERS_H

#include "node/view.h"

/* Finds it or makes it: it vouches for its peers until an event says otherwise. */
struct view_home *view_home_open(struct view *, uint64_t tag, uint64_t epoch);
/* Forgets a home of which nothing is known any more. */
void view_home_tidy(struct view *, struct view_home *);

void view_on_member(struct view *, const struct gossip_event *);
void view_on_home(struct view *, const struct gossip_event *);
void view_on_log(struct view *, const struct gossip_event *);
void view_members_free(struct view *);

#endif
