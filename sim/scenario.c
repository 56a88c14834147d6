// SPDX-License-Identifier: Apache-2.0
/* scenario.c - which scenarios there are. A new one: one line here, and its scenario_*.c. */
#include "sim/scenario.h"

#include <string.h>

/* In the order of `list`. A scenario's variable is scenario_ and its name, with _ for -. */
// clang-format off
#define EACH_SCENARIO(IT) \
    IT(idle) \
    IT(storm) \
    IT(converge) \
    IT(home_crash) \
    IT(home_amnesia) \
    IT(home_clock) \
    IT(home_clone) \
    IT(mass_restart) \
    IT(long_outage) \
    IT(lossy_accuser) \
    IT(colluders) \
    IT(inflation) \
    IT(reflect) \
    IT(equivocate) \
    IT(ip_reuse) \
    IT(soak) \
    IT(swim_load) \
    IT(swim_detect) \
    IT(swim_false) \
    IT(lifeguard_threshold) \
    IT(lifeguard_interval) \
    IT(lifeguard_cpu) \
    IT(rapid_bootstrap) \
    IT(rapid_crash) \
    IT(rapid_flipflop) \
    IT(rapid_egress80) \
    /* the end */
// clang-format on

#define DECLARE(name) extern const struct scenario scenario_##name;
EACH_SCENARIO(DECLARE)

#define ENTRY(name) &scenario_##name,
const struct scenario *const scenarios[] = {EACH_SCENARIO(ENTRY) NULL};

const struct scenario *scenario_find(const char *name)
{
    for (size_t i = 0; scenarios[i] != NULL; i++)
        if (strcmp(scenarios[i]->name, name) == 0)
            return scenarios[i];
    return NULL;
}
