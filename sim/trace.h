// SPDX-License-Identifier: Apache-2.0
/* trace.h - a running hash of everything that happens, and on request a line for each of it
 *
 * Two worlds with the same hash did the same things in the same order. The hash takes in values
 * only: no pointer, no real time, no table order. */
#ifndef AURORA_SIM_TRACE_H
#define AURORA_SIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum trace_kind {
    TRACE_START = 1,
    TRACE_STOP,
    TRACE_SEND,    /* to, length, copies */
    TRACE_DELIVER, /* from, length, the packet's last 8 bytes: its MAC stands for all of it */
    TRACE_TICK,
    TRACE_EVENT, /* kind, then what it is about */
    TRACE_COMMAND,
    TRACE_FAULT, /* whoever drives the world changed it */
    TRACE_KINDS
};

struct trace {
    uint64_t hash;
    uint64_t count;
    FILE *file; /* NULL: the hash only */
};

/* Appends. False: the file cannot be written. NULL: none. */
bool trace_open(struct trace *, const char *path);
void trace_close(struct trace *);
/* The legend, as the first lines of a trace file. False: it cannot be written. */
bool trace_begin(FILE *);
/* False: something that was added is not in the file. */
bool trace_flush(struct trace *);
/* A hash of hashes: order matters, and no two words cancel. */
uint64_t trace_mix(uint64_t hash, uint64_t word);
void trace_add(struct trace *, enum trace_kind, uint64_t now_us, size_t node, uint64_t a,
               uint64_t b, uint64_t c);

#endif
