// SPDX-License-Identifier: Apache-2.0
/* news.h - statements that arrive as news, whatever brought them: applied by kind. */
#ifndef AURORA_GOSSIP_NEWS_H
#define AURORA_GOSSIP_NEWS_H

#include "gossip/members.h"
#include "gossip/wire.h"

/* Applies every statement of the list; `from` is who told us. NEWS_BAD: one of them is malformed or
 * wrongly signed (the ones before it were applied); else the newest verdict among them. */
enum news_verdict news_apply_all(struct gossip *, struct member *from, struct wire_list statements);

#endif
