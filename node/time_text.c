// SPDX-License-Identifier: Apache-2.0
/* time_text.c - points in time as texts
 *
 * By hand, not strftime: an answer may hold ten thousand of them. */
#include "node/time_text.h"

#include <string.h>

#define LAST_US (253402300800ull * 1000000 - 1) /* the end of year 9999 */
#define DAY_S   86400u

struct calendar {
    unsigned year, month, day, weekday; /* month and day from 1; 0 is Sunday */
    unsigned hour, minute, second, microsecond;
};

/* Days since 1970 to a date: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms,
 * civil_from_days, for days that are not before 1970. Its years begin in March. */
static void calendar_date(struct calendar *calendar, unsigned days)
{
    unsigned shifted = days + 719468;
    unsigned era = shifted / 146097, day_of_era = shifted % 146097;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153;

    calendar->day = day_of_year - (153 * month + 2) / 5 + 1;
    calendar->month = month < 10 ? month + 3 : month - 9;
    calendar->year = year_of_era + era * 400 + (calendar->month <= 2);
    calendar->weekday = (days + 4) % 7;
}

static struct calendar calendar_of(uint64_t wall_us)
{
    struct calendar calendar;

    if (wall_us > LAST_US)
        wall_us = LAST_US;
    uint64_t wall_s = wall_us / 1000000;
    unsigned second = (unsigned)(wall_s % DAY_S);
    calendar_date(&calendar, (unsigned)(wall_s / DAY_S));
    calendar.hour = second / 3600;
    calendar.minute = second / 60 % 60;
    calendar.second = second % 60;
    calendar.microsecond = (unsigned)(wall_us % 1000000);
    return calendar;
}

static void put_digits(char *out, unsigned value, unsigned count)
{
    while (count-- > 0) {
        out[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void put_time(char *out, unsigned second, unsigned microsecond)
{
    put_digits(out + 11, second / 3600, 2);
    put_digits(out + 14, second / 60 % 60, 2);
    put_digits(out + 17, second % 60, 2);
    put_digits(out + 20, microsecond, 6);
}

char *time_text_iso(uint64_t wall_us, char out[TIME_TEXT_ISO_BYTES])
{
    struct calendar now = calendar_of(wall_us);

    memcpy(out, "0000-00-00T00:00:00.000000", TIME_TEXT_ISO_BYTES);
    put_digits(out, now.year, 4);
    put_digits(out + 5, now.month, 2);
    put_digits(out + 8, now.day, 2);
    put_time(out, now.hour * 3600 + now.minute * 60 + now.second, now.microsecond);
    return out;
}

const char *time_text_next(uint64_t wall_us, struct time_text_day *day)
{
    uint64_t wall_s = wall_us / 1000000;

    if (wall_us > LAST_US || day->text[0] == '\0' || wall_s / DAY_S != day->days) {
        day->days = (unsigned)(wall_us / 1000000 / DAY_S);
        return time_text_iso(wall_us, day->text);
    }
    put_time(day->text, (unsigned)(wall_s % DAY_S), (unsigned)(wall_us % 1000000));
    return day->text;
}

char *time_text_date(uint64_t wall_us, char out[TIME_TEXT_DATE_BYTES])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct calendar now = calendar_of(wall_us);

    memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", TIME_TEXT_DATE_BYTES);
    memcpy(out, days + 3 * now.weekday, 3);
    put_digits(out + 5, now.day, 2);
    memcpy(out + 8, months + 3 * (now.month - 1), 3);
    put_digits(out + 12, now.year, 4);
    put_digits(out + 17, now.hour, 2);
    put_digits(out + 20, now.minute, 2);
    put_digits(out + 23, now.second, 2);
    return out;
}
