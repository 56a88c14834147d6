// SPDX-License-Identifier: Apache-2.0
/* time_text.h - points in time as texts: ISO 8601 for the API, RFC 9110 for HTTP's Date */
#ifndef AURORA_NODE_TIME_TEXT_H
#define AURORA_NODE_TIME_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TIME_TEXT_ISO_BYTES  27 /* "2026-11-22T12:05:00.123456" and a NUL */
#define TIME_TEXT_DATE_BYTES 30 /* "Sun, 22 Nov 2026 12:05:00 GMT" and a NUL */

/* Microseconds since 1970, UTC. Without a zone: existing clients subtract such times from naive
 * ones, and a "Z" makes them raise. Years beyond 9999 become the end of 9999. Returns `out`. */
char *time_text_iso(uint64_t wall_us, char out[TIME_TEXT_ISO_BYTES]);
/* The same for many of them, one after the other: most are of the day of the one before. Zeroed at
 * first. */
struct time_text_day {
    unsigned days;
    char text[TIME_TEXT_ISO_BYTES];
};
const char *time_text_next(uint64_t wall_us, struct time_text_day *);
char *time_text_date(uint64_t wall_us, char out[TIME_TEXT_DATE_BYTES]);

#endif
