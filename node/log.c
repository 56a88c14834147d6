// SPDX-License-Identifier: Apache-2.0
/* log.c - what happened and why, one line each, as text or JSON on standard error */
#include "node/log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node/clock.h"
#include "node/counters.h"
#include "node/net.h"
#include "node/queue.h"
#include "node/thread.h"

#define LOG_TAIL_BYTES 24 /* room kept for "cut", the closing brace and the newline */

struct log_line {
    size_t len;
    bool is_cut;
    char bytes[LOG_LINE_MAX_BYTES];
};

/* The one log of the process. */
static struct {
    _Atomic(enum log_level) level;
    _Atomic(enum log_format) format;
    atomic_int fd;
    atomic_bool has_writer, is_stopping;
    struct queue *lines;
    sem_t waiting;
    pthread_t writer;
} sink = {.level = LOG_LEVEL_INFO, .fd = STDERR_FILENO};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

const char *log_level_name(enum log_level level)
{
    assert(level <= LOG_LEVEL_ERROR);
    return level_names[level];
}

bool log_level_parse(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_configure(enum log_level level, enum log_format format)
{
    atomic_store(&sink.level, level);
    atomic_store(&sink.format, format);
}

bool log_is_on(enum log_level level)
{
    return level >= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

void log_to(int fd)
{
    atomic_store(&sink.fd, fd);
}

/* --- Building a line
 * ------------------------------------------------------------------------------------ */

static void line_put(struct log_line *line, const char *text, size_t len)
{
    if (line->is_cut || line->len + len > LOG_LINE_MAX_BYTES - LOG_TAIL_BYTES) {
        line->is_cut = true;
        return;
    }
    memcpy(line->bytes + line->len, text, len);
    line->len += len;
}

static void line_put_text(struct log_line *line, const char *text)
{
    line_put(line, text, strlen(text));
}

static void __attribute__((format(printf, 2, 3)))
line_put_format(struct log_line *line, const char *format, ...)
{
    char text[160];
    va_list arguments;

    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(len >= 0 && (size_t)len < sizeof text);
    line_put(line, text, (size_t)len);
}

/* Bytes of the UTF-8 sequence at `text` (RFC 3629), or 0 when it is none. */
static size_t utf8_len(const unsigned char *text)
{
    size_t len = text[0] < 0x80                      ? 1
                 : text[0] >= 0xC2 && text[0] < 0xE0 ? 2
                 : text[0] >= 0xE0 && text[0] < 0xF0 ? 3
                 : text[0] >= 0xF0 && text[0] < 0xF5 ? 4
                                                     : 0;

    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xED && text[1] >= 0xA0) ||
        (text[0] == 0xF0 && text[1] < 0x90) || (text[0] == 0xF4 && text[1] >= 0x90))
        return 0;
    return len;
}

/* As a JSON string (RFC 8259, section 7). Names come from strangers: a line must stay one line. */
static void line_put_quoted(struct log_line *line, const char *text)
{
    line_put(line, "\"", 1);
    while (*text != '\0') {
        size_t len = utf8_len((const unsigned char *)text);

        if (len == 0)
            line_put_text(line, "\\ufffd");
        else if (*text == '"' || *text == '\\')
            line_put_format(line, "\\%c", *text);
        else if ((unsigned char)*text < 0x20 || *text == 0x7f)
            line_put_format(line, "\\u%04x", (unsigned)*text);
        else
            line_put(line, text, len);
        text += len == 0 ? 1 : len;
    }
    line_put(line, "\"", 1);
}

static bool is_plain_word(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '\\' || *text == '=')
            return false;
    }
    return true;
}

static void line_put_time(struct log_line *line)
{
    uint64_t now_ms = clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[32];

    gmtime_r(&seconds, &utc);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    line_put(line, text, len);
    line_put_format(line, ".%03uZ", (unsigned)(now_ms % 1000));
}

static void line_put_value(struct log_line *line, const struct log_field *field, bool is_json)
{
    char addr[NET_TEXT_BYTES];
    const char *text = field->text;

    if (text == NULL && field->addr == NULL) {
        line_put_format(line, "%llu", (unsigned long long)field->number);
        return;
    }
    if (text == NULL) {
        net_text(field->addr, addr);
        text = addr;
    }
    if (is_json || !is_plain_word(text))
        line_put_quoted(line, text);
    else
        line_put_text(line, text);
}

/* A field that does not fit is left out whole, and so is what follows: the line stays well-formed.
 */
static void line_put_field(struct log_line *line, const struct log_field *field, bool is_json)
{
    size_t before = line->len;

    if (is_json) {
        line_put(line, ",", 1);
        line_put_quoted(line, field->key);
        line_put(line, ":", 1);
    } else {
        line_put_format(line, " %.64s=", field->key);
    }
    line_put_value(line, field, is_json);
    if (line->is_cut)
        line->len = before;
}

static void line_begin(struct log_line *line, enum log_level level, const char *event,
                       const char *message, bool is_json)
{
    line->len = 0;
    line->is_cut = false;
    if (is_json) {
        line_put_text(line, "{\"time\":\"");
        line_put_time(line);
        line_put_format(line, "\",\"level\":\"%s\",\"event\":", log_level_name(level));
        line_put_quoted(line, event);
        line_put_text(line, ",\"message\":");
        line_put_quoted(line, message);
    } else {
        line_put_time(line);
        line_put_format(line, " %-7s %.64s: ", log_level_name(level), event);
        line_put_text(line, message);
    }
}

static void line_end(struct log_line *line, bool is_json)
{
    const char *tail =
        is_json ? (line->is_cut ? ",\"cut\":true}\n" : "}\n") : (line->is_cut ? " (cut)\n" : "\n");
    size_t len = strlen(tail);

    assert(len <= LOG_TAIL_BYTES && line->len + len <= LOG_LINE_MAX_BYTES);
    memcpy(line->bytes + line->len, tail, len);
    line->len += len;
}

/* --- Writing it
 * ------------------------------------------------------------------------------------------ */

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, 100);
        } else if (errno != EINTR) {
            return; /* nobody reads: there is nobody to tell */
        }
    }
}

static void *log_writer_run(void *context)
{
    struct log_line *line;

    (void)context;
    for (;;) {
        bool is_last = atomic_load(&sink.is_stopping);

        while ((line = queue_pop(sink.lines)) != NULL) {
            write_all(atomic_load(&sink.fd), line->bytes, line->len);
            free(line);
        }
        if (is_last)
            return NULL;
        while (sem_wait(&sink.waiting) != 0)
            continue;
    }
}

bool log_writer_start(void)
{
    assert(!atomic_load(&sink.has_writer));
    sink.lines = queue_new(LOG_QUEUE_MAX);
    atomic_store(&sink.is_stopping, false);
    sem_init(&sink.waiting, 0, 0);
    if (!thread_start(&sink.writer, "aurora-log", log_writer_run, NULL)) {
        queue_free(sink.lines);
        return false;
    }
    atomic_store(&sink.has_writer, true);
    return true;
}

void log_writer_stop(void)
{
    struct timespec until;

    if (!atomic_exchange(&sink.has_writer, false))
        return;
    atomic_store(&sink.is_stopping, true);
    sem_post(&sink.waiting);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    /* A reader that is stuck must not keep us from ending; the queue is then left to it. */
    if (pthread_timedjoin_np(sink.writer, NULL, &until) == 0)
        queue_free(sink.lines);
}

static void line_hand_over(const struct log_line *line)
{
    struct log_line *copy = malloc(offsetof(struct log_line, bytes) + line->len);

    if (copy == NULL) {
        counter_add(log_lines_lost, 1);
        return;
    }
    memcpy(copy, line, offsetof(struct log_line, bytes) + line->len);
    if (queue_push(sink.lines, copy)) {
        sem_post(&sink.waiting);
    } else {
        free(copy);
        counter_add(log_lines_lost, 1);
    }
}

void log_line(enum log_level level, const char *event, const char *message,
              const struct log_field *fields)
{
    bool is_json = atomic_load(&sink.format) == LOG_FORMAT_JSON;
    struct log_line line;

    if (!log_is_on(level))
        return;
    line_begin(&line, level, event, message, is_json);
    for (; fields != NULL && fields->key != NULL; fields++)
        line_put_field(&line, fields, is_json);
    line_end(&line, is_json);
    if (atomic_load(&sink.has_writer))
        line_hand_over(&line);
    else
        write_all(atomic_load(&sink.fd), line.bytes, line.len);
}

bool log_limit_pass(struct log_limit *limit, uint64_t now_ms, uint64_t *repeated)
{
    uint_fast64_t next_ms = atomic_load(&limit->next_ms);

    if (now_ms < next_ms ||
        !atomic_compare_exchange_strong(&limit->next_ms, &next_ms, now_ms + LOG_SELDOM_MS)) {
        atomic_fetch_add(&limit->repeated, 1);
        return false;
    }
    *repeated = atomic_exchange(&limit->repeated, 0);
    return true;
}
