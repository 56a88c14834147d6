// SPDX-License-Identifier: Apache-2.0
/* test_time_text.c - times as the seed's clients read them: no zone, always microseconds */
#include "node/time_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static const char *iso(uint64_t wall_us)
{
    static char text[TIME_TEXT_ISO_BYTES];

    return time_text_iso(wall_us, text);
}

Test(time_text, iso_has_no_zone_and_six_decimals)
{
    cr_assert_str_eq(iso(0), "1970-01-01T00:00:00.000000");
    cr_assert_str_eq(iso(1), "1970-01-01T00:00:00.000001");
    cr_assert_str_eq(iso(1795348800123456), "2026-11-22T12:00:00.123456");
}

Test(time_text, leap_days)
{
    cr_assert_str_eq(iso(951782400000000), "2000-02-29T00:00:00.000000");
    cr_assert_str_eq(iso(4107542399000000), "2100-02-28T23:59:59.000000");
    cr_assert_str_eq(iso(4107542400000000), "2100-03-01T00:00:00.000000");
}

Test(time_text, the_far_future_is_the_end_of_year_9999)
{
    cr_assert_str_eq(iso(253402300799999999), "9999-12-31T23:59:59.999999");
    cr_assert_str_eq(iso(UINT64_MAX), "9999-12-31T23:59:59.999999");
}

Test(time_text, agrees_with_the_c_library_every_seven_hours_for_a_century)
{
    for (uint64_t wall_s = 0; wall_s < 3155760000u; wall_s += 25201) {
        time_t now = (time_t)wall_s;
        struct tm parts;
        char expected[32], date[TIME_TEXT_DATE_BYTES];

        gmtime_r(&now, &parts);
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000000", &parts);
        cr_assert_str_eq(iso(wall_s * 1000000), expected);
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        cr_assert_str_eq(time_text_date(wall_s * 1000000, date), expected);
    }
}

Test(time_text, many_times_one_after_the_other_are_as_each_alone)
{
    static const uint64_t day_us = 86400ull * 1000000, start_us = 1795348800123456;
    struct time_text_day day = {0};

    cr_assert_str_eq(time_text_next(0, &day), iso(0));
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t wall_us = start_us + i * 1234567891 - (i % 3 == 0 ? day_us : 0);

        cr_assert_str_eq(time_text_next(wall_us, &day), iso(wall_us));
        cr_assert_str_eq(time_text_next(wall_us + 1, &day), iso(wall_us + 1));
    }
    cr_assert_str_eq(time_text_next(UINT64_MAX, &day), iso(UINT64_MAX));
    cr_assert_str_eq(time_text_next(start_us, &day), iso(start_us));
}
