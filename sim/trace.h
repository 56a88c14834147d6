// SPDX-License-Identifier: Apache-2.0
/* trace.h - a running hash of everything that happens, and on request a line for each of it
 *
 * Two worlds with the same hash did the same things in the same order. The hash takes in values
 * only: no pointer, no real time, no table order. The lines say the same in words; they are in no
 * hash, so that writing them changes nothing. trace_legend explains them. */
#ifndef AURORA_SIM_TRACE_H
#define AURORA_SIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum trace_kind {
    TRACE_START = 1, /* the identity's tag, epoch, enum disk */
    TRACE_STOP,      /* the identity's tag, epoch */
    TRACE_SEND,      /* to, length, copies */
    TRACE_DELIVER,   /* from, length, the packet's last 8 bytes: its MAC stands for all of it */
    TRACE_TICK,
    TRACE_EVENT,   /* kind, then what it is about */
    TRACE_COMMAND, /* its number */
    TRACE_FAULT, /* whoever drives the world changed it: a letter (faults.h), then what it is about;
                    a traitor's acts: 'T' << 8 | letter */
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
/* False: something that was added is not in the file. */
bool trace_flush(struct trace *);
/* What every line means; each line of it begins with "# ". */
extern const char trace_legend[];
/* The legend, as the first lines of a trace file. False: it cannot be written. */
bool trace_begin(FILE *);

/* Into the hash, and a line if somebody reads. Node SIZE_MAX: none in particular. */
void trace_add(struct trace *, enum trace_kind, uint64_t now_us, size_t node, uint64_t a,
               uint64_t b, uint64_t c);
/* Into the hash alone: its line, with more words, is trace_say's. */
void trace_take(struct trace *, enum trace_kind, uint64_t now_us, size_t node, uint64_t a,
                uint64_t b, uint64_t c);
/* A line alone. Call it only where trace->file is not NULL: making words costs time. */
void trace_say(struct trace *, uint64_t now_us, size_t node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A hash of hashes: order matters, and no two words cancel. */
uint64_t trace_mix(uint64_t hash, uint64_t word);

#endif
