// SPDX-License-Identifier: Apache-2.0
/* trace.c - mixing what happens into a hash, and writing it down in words */
#include "sim/trace.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>

const char trace_legend[] =
    "# One line for each thing that happens, in the order in which it happens:\n"
    "#   time node what ...\n"
    "# time is virtual, in seconds with microseconds; node is n0, n1, ... or - for the world.\n"
    "#   start     a node starts: its identity's tag, its epoch, what disk it finds\n"
    "#   stop      it stops: left, or was killed\n"
    "#   send      to a node, with so many bytes: one copy unless the line says otherwise\n"
    "#             (copies=0: lost on its way; copies=2: duplicated)\n"
    "#   receive   from a node, with so many bytes; mac: the packet's last 8 bytes, as a number\n"
    "#   tick      a timer was due\n"
    "#   ask       a client's command, with its number; the answer is that number's event reply\n"
    "#   event     what the node tells its host: member, accused, peer-up, peer-update,\n"
    "#             peer-down, heartbeat, lease-end, home, log, status, epoch, conflict, joined,\n"
    "#             alone, left, reply; then what it is about\n"
    "#   fault     what the world does to it: cut, paused, blocked, clock, ...\n"
    "#   traitor   what a member does that holds the key and lies\n"
    "# A node of another cluster, and a sender that is nobody, have numbers from 16384 on.\n"
    "# world ...: a world begins; the lines that follow are of it.\n";

bool trace_open(struct trace *trace, const char *path)
{
    *trace = (struct trace){.hash = 1};
    if (path == NULL)
        return true;
    trace->file = fopen(path, "a");
    if (trace->file != NULL)
        setvbuf(trace->file, NULL, _IOLBF, BUFSIZ); /* the last line before a crash matters most */
    return trace->file != NULL;
}

void trace_close(struct trace *trace)
{
    if (trace->file != NULL)
        fclose(trace->file);
    trace->file = NULL;
}

bool trace_flush(struct trace *trace)
{
    return trace->file == NULL || (fflush(trace->file) == 0 && !ferror(trace->file));
}

bool trace_begin(FILE *file)
{
    fputs(trace_legend, file);
    return fflush(file) == 0 && !ferror(file);
}

/* --- The hash
 * ------------------------------------------------------------------------------------ */

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

void trace_take(struct trace *trace, enum trace_kind kind, uint64_t now_us, size_t node, uint64_t a,
                uint64_t b, uint64_t c)
{
    uint64_t hash = mix(mix(trace->hash, now_us), (uint64_t)kind << 32 | node);

    assert(kind > 0 && kind < TRACE_KINDS);
    trace->hash = mix(mix(mix(hash, a), b), c);
    trace->count++;
}

/* --- Words
 * --------------------------------------------------------------------------------------- */

/* What the numbers of a fault are. */
enum about {
    ABOUT_NOTHING = 0,
    ABOUT_COUNT,
    ABOUT_NODE,
    ABOUT_SIGNED,
    ABOUT_DIRECTION,
    ABOUT_LOSSES,   /* egress and ingress, per mille */
    ABOUT_NODE_LOW, /* node << 8 | which */
};

struct fault_words {
    uint16_t letter;
    enum about about;
    const char *words; /* then what it is about: "fault cut links=" */
};

#define T(letter) ((uint16_t)('T' << 8 | (letter)))

static const struct fault_words fault_words[] = {
    {'c', ABOUT_COUNT, "fault cuts end, links="},
    {'h', ABOUT_NOTHING, "fault cuts heal, and links that flap or clog"},
    {'H', ABOUT_NOTHING, "fault everything heals"},
    {'f', ABOUT_NOTHING, "fault the network's own losses and delays change"},
    {'p', ABOUT_NOTHING, "fault paused"},
    {'r', ABOUT_NOTHING, "fault resumed"},
    {'b', ABOUT_NOTHING, "fault blocked"},
    {'u', ABOUT_NOTHING, "fault unblocked"},
    {'w', ABOUT_SIGNED, "fault wall clock off, ms="},
    {'d', ABOUT_SIGNED, "fault clocks drift, ppm="},
    {'s', ABOUT_COUNT, "fault slow CPU, us per packet="},
    {'k', ABOUT_NODE, "fault started with the key and disk of "},
    {'i', ABOUT_NODE, "fault a forged packet, as if from "},
    {'x', ABOUT_DIRECTION, "fault links fail, "},
    {'X', ABOUT_DIRECTION, "fault links come back, "},
    {'y', ABOUT_NODE, "fault link clogs to "},
    {'Y', ABOUT_NODE, "fault link clears to "},
    {'l', ABOUT_LOSSES, "fault loses of its own packets, per mille"},
    {'n', ABOUT_COUNT, "fault NAT: another port, number="},
    {'a', ABOUT_NODE, "fault swaps addresses with "},
    {T('s'), ABOUT_COUNT, "traitor sends statements, count="},
    {T('f'), ABOUT_NODE_LOW, "traitor forges a statement of "},
    {T('m'), ABOUT_NODE, "traitor sends in the name of "},
    {T('p'), ABOUT_NODE, "traitor misplaces "},
    {T('n'), ABOUT_COUNT, "traitor raises its incarnation, by="},
    {T('e'), ABOUT_COUNT, "traitor raises its epoch, by="},
    {T('o'), ABOUT_NODE, "traitor raises the incarnation of "},
    {T('a'), ABOUT_NODE, "traitor announces what is not there, of "},
    {T('c'), ABOUT_NODE, "traitor accuses "},
    {T('l'), ABOUT_NODE, "traitor accuses another life of "},
    {T('q'), ABOUT_NODE, "traitor accuses again and again "},
    {T('h'), ABOUT_COUNT, "traitor signs two heads, version="},
    {T('r'), ABOUT_COUNT, "traitor signs two records, version="},
    {T('w'), ABOUT_COUNT, "traitor withholds (1) or not (0): "},
    {T('F'), ABOUT_COUNT, "traitor floods, packets="},
    {T('G'), ABOUT_COUNT, "traitor floods with garbage, packets="},
    {T('R'), ABOUT_COUNT, "traitor replays, packets="},
    {T('S'), ABOUT_COUNT, "traitor says old statements again, packets="},
    {T('B'), ABOUT_NODE_LOW, "traitor baits with a victim's address, at "},
};

static void say_about(FILE *file, enum about about, uint64_t a)
{
    static const char *const directions[] = {"none", "out", "in", "both"};

    switch (about) {
    case ABOUT_NOTHING: break;
    case ABOUT_COUNT: fprintf(file, "%" PRIu64, a); break;
    case ABOUT_NODE: fprintf(file, "n%" PRIu64, a); break;
    case ABOUT_NODE_LOW: fprintf(file, "n%" PRIu64 " kind=%" PRIu64, a >> 8, a & 255); break;
    case ABOUT_SIGNED: fprintf(file, "%" PRId64, (int64_t)a); break;
    case ABOUT_DIRECTION: fputs(directions[a & 3], file); break;
    case ABOUT_LOSSES:
        fprintf(file, " out=%" PRIu64 " in=%" PRIu64, a >> 32, a & UINT32_MAX);
        break;
    }
}

static void say_fault(FILE *file, uint64_t letter, uint64_t a, uint64_t b)
{
    for (size_t i = 0; i < sizeof(fault_words) / sizeof(fault_words[0]); i++)
        if (fault_words[i].letter == letter) {
            fputs(fault_words[i].words, file);
            say_about(file, fault_words[i].about, a);
            return;
        }
    fprintf(file, "fault %" PRIu64 " %" PRIu64 " %" PRIu64, letter, a, b);
}

static void say(FILE *file, enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c)
{
    static const char *const disks[] = {"latest", "old", "key-only", "none", "torn"};

    switch (kind) {
    case TRACE_START:
        fprintf(file, "start tag=%016" PRIx64 " epoch=%" PRIu64 " disk=%s", a, b,
                c < sizeof(disks) / sizeof(disks[0]) ? disks[c] : "?");
        break;
    case TRACE_STOP: fprintf(file, "stop tag=%016" PRIx64 " epoch=%" PRIu64, a, b); break;
    case TRACE_SEND:
        fprintf(file, "send n%" PRIu64 " bytes=%" PRIu64, a, b);
        if (c != 1)
            fprintf(file, " copies=%" PRIu64, c);
        break;
    case TRACE_DELIVER:
        fprintf(file, "receive n%" PRIu64 " bytes=%" PRIu64 " mac=%016" PRIx64, a, b, c);
        break;
    case TRACE_TICK: fputs("tick", file); break;
    case TRACE_EVENT: fprintf(file, "event %" PRIu64 " %" PRIu64 " %" PRIu64, a, b, c); break;
    case TRACE_COMMAND: fprintf(file, "ask %" PRIu64, a); break;
    case TRACE_FAULT: say_fault(file, a, b, c); break;
    case TRACE_KINDS: break;
    }
}

static void say_when(FILE *file, uint64_t now_us, size_t node)
{
    fprintf(file, "%" PRIu64 ".%06" PRIu64, now_us / 1000000, now_us % 1000000);
    if (node == SIZE_MAX)
        fputs(" - ", file);
    else
        fprintf(file, " n%zu ", node);
}

void trace_add(struct trace *trace, enum trace_kind kind, uint64_t now_us, size_t node, uint64_t a,
               uint64_t b, uint64_t c)
{
    trace_take(trace, kind, now_us, node, a, b, c);
    if (trace->file == NULL)
        return;
    say_when(trace->file, now_us, node);
    say(trace->file, kind, a, b, c);
    fputc('\n', trace->file);
}

void trace_say(struct trace *trace, uint64_t now_us, size_t node, const char *format, ...)
{
    va_list arguments;

    assert(trace->file != NULL);
    say_when(trace->file, now_us, node);
    va_start(arguments, format);
    vfprintf(trace->file, format, arguments);
    va_end(arguments);
    fputc('\n', trace->file);
}
