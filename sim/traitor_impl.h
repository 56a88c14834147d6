// SPDX-License-Identifier: Apache-2.0
/* traitor_impl.h - what the traitors' files share; with them, the only ones of the simulator that
 * know the core's insides */
#ifndef AURORA_SIM_TRAITOR_IMPL_H
#define AURORA_SIM_TRAITOR_IMPL_H

#include "gossip/core.h"
#include "sim/traitor.h"

/* What it does, in a trace: TRACE_FAULT with 'T' << 8 | what, then what it is about. */
void traitor_trace(struct cluster *, size_t traitor, char what, uint64_t about);
/* Its core, at the present time; NULL: it cannot act. */
struct gossip *traitor_core(struct cluster *, size_t traitor);
/* That node as the core knows it; NULL: it does not, or there is no core. */
struct member *traitor_member(struct cluster *, struct gossip *core, size_t node);
/* Through its own core, to each of `to` (NULL: all) but `except` (SIZE_MAX: nobody). */
void traitor_send_each(struct cluster *, size_t traitor, const struct node_set *to, size_t except,
                       const struct wire_message *);

#endif
