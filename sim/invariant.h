// SPDX-License-Identifier: Apache-2.0
/* invariant.h - the names of what must hold in every world */
#ifndef AURORA_SIM_INVARIANT_H
#define AURORA_SIM_INVARIANT_H

/* docs/SIMULATION.md has them in words. */
enum invariant {
    I_NONE = 0, /* none of them: the world itself, or something that was waited for */
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    I10,
    I11,
    I12,
    I13,
    I14,
    I15,
    I16,
    I17,
    I18,
    INVARIANTS
};

/* What a look at something found broken; what: NULL: nothing. */
struct broken {
    enum invariant which;
    const char *what;
};

#endif
