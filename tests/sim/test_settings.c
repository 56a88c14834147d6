// SPDX-License-Identifier: Apache-2.0
/* test_settings.c - the table of settings is sound, and an assignment is read or explained */
#include "sim/settings.h"

#include "gossip/gossip.h"
#include "sim/cluster.h"

#include <criterion/criterion.h>
#include <string.h>

static struct settings settings;
static char error[2000];

static void begin(void)
{
    settings_usual(&settings);
    error[0] = '\0';
}

TestSuite(settings, .init = begin);

static bool set(const char *assignment)
{
    return settings_set(&settings, assignment, NULL, error, sizeof(error));
}

Test(settings, table_is_sound)
{
    for (enum setting i = 0; i < SETTINGS; i++) {
        const struct setting_info *info = setting_info(i);

        cr_assert_not_null(info->name, "setting %d", (int)i);
        cr_assert(info->group >= GROUP_WORLD && info->group <= GROUP_FAULT, "%s", info->name);
        cr_assert_not_null(info->unit, "%s", info->name);
        cr_assert(info->help != NULL && *info->help != '\0', "%s", info->name);
        cr_assert_lt(info->least, info->most, "%s", info->name);
        cr_assert(info->least <= info->usual && info->usual <= info->most, "%s", info->name);
        for (enum setting k = 0; k < i; k++)
            cr_assert_str_neq(info->name, setting_info(k)->name);
    }
}

/* What is printed for repeating a run is read back as the same. */
Test(settings, text_of_every_one_is_read_back)
{
    for (enum setting i = 0; i < SETTINGS; i++) {
        char assignment[120], text[40];
        const struct setting_info *info = setting_info(i);

        settings.value[i] =
            info->is_whole ? info->most : info->least + 0.1 * (info->most - info->least) / 3;
        double expected = settings.value[i];
        setting_text(&settings, i, text, sizeof(text));
        snprintf(assignment, sizeof(assignment), "%s=%s", info->name, text);
        settings.value[i] = -1;
        cr_assert(set(assignment), "%s: %s", assignment, error);
        cr_assert_eq(settings.value[i], expected, "%s", assignment);
        cr_assert(settings.is_given[i]);
    }
}

Test(settings, choice_is_its_word)
{
    cr_assert(set("detector=lifeguard"));
    cr_assert_eq(setting(&settings, SET_DETECTOR), 1);
    cr_assert_not(set("detector=life"), "a beginning is not the word");
    cr_assert(strstr(error, "aurora|lifeguard|swim"), "%s", error);
    cr_assert_not(set("detector="));
}

Test(settings, range_is_told)
{
    cr_assert_not(set("loss=1.5"));
    cr_assert(strstr(error, "loss") && strstr(error, "1.5") && strstr(error, "0 to 1"), "%s",
              error);
    cr_assert_not(set("peers=2.5"));
    cr_assert(strstr(error, "whole number"), "%s", error);
    static const char *const wrong[] = {"loss=",    "loss=x",    "loss=0.1x", "loss=nan",
                                        "loss=inf", "loss=-0.1", "loss"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_assert_not(set(wrong[i]), "%s", wrong[i]);
    cr_assert_eq(setting(&settings, SET_LOSS), 0, "what is wrong changes nothing");
    cr_assert_not(settings.is_given[SET_LOSS]);
}

Test(settings, unknown_name_lists_what_there_is)
{
    cr_assert_not(set("lossy=1"));
    cr_assert(strstr(error, "'lossy'") && strstr(error, " loss ") && strstr(error, " detector "),
              "%s", error);
    cr_assert(strstr(error, " client_two_nodes"), "to the last: %s", error);
    cr_assert_null(strchr(error, '\n'), "one line");
}

Test(settings, scenario_takes_the_common_ones_and_its_own)
{
    static const enum setting takes[] = {SET_BAD, SETTINGS};

    cr_assert(settings_set(&settings, "loss=0.1", takes, error, sizeof(error)));
    cr_assert(settings_set(&settings, "bad=3", takes, error, sizeof(error)));
    cr_assert_not(settings_set(&settings, "peers=3", takes, error, sizeof(error)));
    cr_assert(strstr(error, " bad") && !strstr(error, " ttl_s"), "%s", error);
}

/* A short buffer cuts the list, and nothing else. */
Test(settings, error_fits_its_buffer)
{
    char small[20];

    memset(small, 'x', sizeof(small));
    cr_assert_not(settings_set(&settings, "no=1", NULL, small, sizeof(small)));
    cr_assert_lt(strnlen(small, sizeof(small)), sizeof(small));
}

Test(settings, usual_ones_are_the_protocols_own)
{
    struct gossip_config usual = {0}, made;

    gossip_config_defaults(&usual);
    settings_to_config(&settings, &made);
    cr_assert_eq(made.probe_interval_ms, usual.probe_interval_ms);
    cr_assert_eq(made.probe_timeout_max_ms, usual.probe_timeout_max_ms);
    cr_assert_eq(made.suspicion_min_ms, usual.suspicion_min_ms);
    cr_assert_eq(made.orphan_grace_ms, usual.orphan_grace_ms);
    cr_assert_eq(made.delete_keep_min_ms, usual.delete_keep_min_ms);
    cr_assert_eq(made.old_member_forget_ms, usual.old_member_forget_ms);
    cr_assert_eq(made.egress_bytes_per_s, usual.egress_bytes_per_s);
    cr_assert_eq(made.detector, usual.detector);
}

Test(settings, reach_the_cluster)
{
    struct cluster_options options = {0};

    cr_assert(set("latency_ms=0") && set("loss=0.25") && set("memo=off") && set("seeds=3"));
    settings_to_cluster(&settings, &options);
    cr_assert_lt(options.latency_ms, 0, "none at all, not the default");
    cr_assert_eq(options.loss, 0.25);
    cr_assert(options.has_no_memo);
    cr_assert_eq(options.seeds, 3);
}
