// SPDX-License-Identifier: Apache-2.0
/* log.h - what happened and why, one line each, as text or JSON on standard error
 *
 * A line is an event's name, a sentence, and fields:
 *
 *     log_say(LOG_LEVEL_INFO, "member.up", "a member is alive", log_text("name", name));
 *
 * Lines may be written by any thread and never block one once log_writer_start has been called: a
 * thread of its own writes them, and when nobody reads them fast enough they are dropped and
 * counted. */
#ifndef AURORA_NODE_LOG_H
#define AURORA_NODE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;

enum log_level { LOG_LEVEL_DEBUG = 0, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT = 0, LOG_FORMAT_JSON };

#define LOG_LINE_MAX_BYTES 1024 /* longer lines are cut, still valid JSON */
#define LOG_QUEUE_MAX      1024 /* lines waiting for the writer */
#define LOG_SELDOM_MS      60000

struct log_field {
    const char *key;  /* NULL ends the list */
    const char *text; /* NULL: it is a number, or an address */
    uint64_t number;
    const struct addr *addr;
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text ? text : ""};
}

static inline struct log_field log_number(const char *key, uint64_t number)
{
    return (struct log_field){.key = key, .number = number};
}

static inline struct log_field log_addr(const char *key, const struct addr *addr)
{
    return (struct log_field){.key = key, .addr = addr};
}

void log_configure(enum log_level, enum log_format);
bool log_is_on(enum log_level);
/* Where the lines go; 2 until this is called. */
void log_to(int fd);
/* From here on a thread writes the lines. False: no thread could be started; lines stay
 * synchronous. */
bool log_writer_start(void);
/* Writes what is queued, waiting at most a second, and ends the thread. */
void log_writer_stop(void);

void log_line(enum log_level, const char *event, const char *message, const struct log_field *);

/* Fields may be absent. */
#define log_say(level, event, ...)                                       \
    do {                                                                 \
        if (log_is_on(level))                                            \
            log_line_(level, event, __VA_ARGS__, (struct log_field){0}); \
    } while (0)
#define log_line_(level, event, message, ...) \
    log_line(level, event, message, (const struct log_field[]){__VA_ARGS__})

/* For lines that a stranger can cause: the first at once, then one a minute that says how many
 * there were ("repeated"). One limit per kind of line, static at its place of use. */
struct log_limit {
    atomic_uint_fast64_t next_ms;
    atomic_uint_fast64_t repeated;
};
/* May a line be written now? Then *repeated is how many were not, since the last one. */
bool log_limit_pass(struct log_limit *, uint64_t now_ms, uint64_t *repeated);

const char *log_level_name(enum log_level);
bool log_level_parse(const char *, enum log_level *);

#endif
