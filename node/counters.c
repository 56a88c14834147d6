// SPDX-License-Identifier: Apache-2.0
/* counters.c - what the daemon itself counts: added to by any thread, read by /metrics */
#include "node/counters.h"

struct counters counters;
