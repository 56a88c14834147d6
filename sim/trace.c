// SPDX-License-Identifier: Apache-2.0
/* trace.c - mixing what happens into a hash, and writing it down */
#include "sim/trace.h"

#include <assert.h>
#include <inttypes.h>

static const char *const names[TRACE_KINDS] = {
    [TRACE_START] = "start",     [TRACE_STOP] = "stop",   [TRACE_SEND] = "send",
    [TRACE_DELIVER] = "deliver", [TRACE_TICK] = "tick",   [TRACE_EVENT] = "event",
    [TRACE_COMMAND] = "command", [TRACE_FAULT] = "fault",
};

bool trace_open(struct trace *trace, const char *path)
{
    *trace = (struct trace){.hash = 1};
    if (path == NULL)
        return true;
    trace->file = fopen(path, "a");
    return trace->file != NULL;
}

void trace_close(struct trace *trace)
{
    if (trace->file != NULL)
        fclose(trace->file);
    trace->file = NULL;
}

bool trace_begin(FILE *file)
{
    fputs("# time_s node what ...\n", file);
    return fflush(file) == 0;
}

bool trace_flush(struct trace *trace)
{
    return trace->file == NULL || (fflush(trace->file) == 0 && !ferror(trace->file));
}

/* Each word is spread over all bits before the next comes. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ (hash >> 29);
}

uint64_t trace_mix(uint64_t hash, uint64_t word)
{
    return mix(hash, word);
}

void trace_add(struct trace *trace, enum trace_kind kind, uint64_t now_us, size_t node, uint64_t a,
               uint64_t b, uint64_t c)
{
    uint64_t hash = mix(mix(trace->hash, now_us), (uint64_t)kind << 32 | node);

    assert(kind > 0 && kind < TRACE_KINDS);
    trace->hash = mix(mix(mix(hash, a), b), c);
    trace->count++;
    if (trace->file != NULL)
        fprintf(trace->file,
                "%" PRIu64 ".%06" PRIu64 " n%zu %s %" PRIu64 " %" PRIu64 " %016" PRIx64 "\n",
                now_us / 1000000, now_us % 1000000, node, names[kind], a, b, c);
}
