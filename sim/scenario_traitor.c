// SPDX-License-Identifier: Apache-2.0
/* scenario_traitor.c - inflation, reflect, equivocate: one member that holds the key and lies about
 * lives, about where it is, and about its own log */
#include "sim/scenario.h"
#include "sim/traitor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { SETTLE_MS = 60000, ID_BYTES = 32, QUIET_MS = 5000 };

static size_t each_repetition(const struct run *run)
{
    return setting_count(&run->settings, SET_REPETITIONS);
}

/* Booted, quiet, with as many peers as the settings say; NULL: it did not come up. */
static struct cluster *make_world(struct cell *cell, size_t repetition)
{
    struct cluster *c =
        cell_cluster(cell, run_nodes(cell->run), cell_seed(cell, repetition), NULL, NULL);
    char id[ID_BYTES];

    if (!cell_boot(cell, c)) {
        cell_end(cell, c);
        return NULL;
    }
    for (size_t i = 0; i < setting_count(&cell->run->settings, SET_PEERS); i++) {
        snprintf(id, sizeof(id), "peer-%zu", i);
        cluster_register_ttl(c, i % cluster_nodes(c), id,
                             (uint32_t)setting(&cell->run->settings, SET_TTL_S));
    }
    cluster_run_for(c, QUIET_MS);
    return c;
}

static double settle(struct cell *cell, struct cluster *c, uint64_t bound_ms)
{
    uint64_t ms = cluster_wait_everywhere(c, settled(), bound_ms);

    if (ms == CLUSTER_NEVER)
        cell_late(cell, "seed %" PRIu64 ": not one registry again after %" PRIu64 " s",
                  cluster_seed(c), bound_ms / 1000);
    cluster_check_settled(c);
    return ms == CLUSTER_NEVER ? INFINITY : (double)ms;
}

static double sum_bytes(const struct cluster *c)
{
    double bytes = 0;

    for (size_t i = 0; i < cluster_nodes(c); i++)
        bytes += (double)cluster_status(c, i).stats.bytes_out;
    return bytes;
}

static double most(const struct outcome *outcomes, size_t count, size_t value)
{
    double result = 0;

    for (size_t i = 0; i < count; i++)
        result = fmax(result, outcomes[i].value[value]);
    return result;
}

/* --- inflation
 * --------------------------------------------------------------------------------------- */

enum {
    INFLATION_VOID = 0, /* lives believed somewhere that their subject never signed */
    INFLATION_ANSWERED, /* incarnations that honest members were made to skip */
    INFLATION_FOLLOWED, /* nodes that know the traitor's own last life */
    INFLATION_SETTLED_MS,
    INFLATION_BYTES, /* per node and second, while it goes on */
    INFLATION_VALUES
};
enum { INFLATION_ROUNDS = 60, INFLATION_EVERY_MS = 500 };

/* Two at odds: what a node believes, and what the subject's own core says. */
static void compare_lives(struct cluster *c, size_t traitor, double *value)
{
    for (size_t subject = 0; subject < cluster_nodes(c); subject++) {
        struct gossip_member_info own, seen;

        if (!gossip_member_find(cluster_core(c, subject), cluster_tag(c, subject), &own))
            continue;
        if (subject != traitor)
            value[INFLATION_ANSWERED] += (double)(own.incarnation - 1);
        for (size_t i = 0; i < cluster_nodes(c); i++) {
            if (!gossip_member_find(cluster_core(c, i), cluster_tag(c, subject), &seen))
                continue;
            bool is_later = seen.epoch > own.epoch ||
                            (seen.epoch == own.epoch && seen.incarnation > own.incarnation);
            value[INFLATION_VOID] += is_later;
            value[INFLATION_FOLLOWED] += subject == traitor && seen.epoch == own.epoch &&
                                         seen.incarnation == own.incarnation;
        }
    }
}

static void inflation_live(struct cell *cell)
{
    struct cluster *c = make_world(cell, cell->index);
    struct random random = random_stream(cell_seed(cell, cell->index), 'i');
    double *value = cell->out->value;

    if (c == NULL)
        return;
    size_t traitor = cluster_nodes(c) - 1;
    double before = sum_bytes(c);
    for (size_t i = 0; i < INFLATION_ROUNDS; i++) {
        size_t subject = random_below(&random, traitor);
        uint64_t by = UINT64_C(1) << random_below(&random, 40);

        traitor_inflate_other(c, traitor, subject, by);
        traitor_announce(c, traitor, subject, by);
        traitor_forge(c, traitor, (enum traitor_lie)random_below(&random, TRAITOR_LIES), subject);
        if (i % 10 == 0)
            traitor_inflate(c, traitor, by);
        if (i % 20 == 0)
            traitor_inflate_epoch(c, traitor, by);
        cluster_run_for(c, INFLATION_EVERY_MS);
    }
    value[INFLATION_BYTES] = (sum_bytes(c) - before) / (double)cluster_nodes(c) /
                             (INFLATION_ROUNDS * INFLATION_EVERY_MS / 1000.0);
    value[INFLATION_SETTLED_MS] = settle(cell, c, SETTLE_MS);
    compare_lives(c, traitor, value);
    cell_end(cell, c);
}

static void inflation_tell(const struct run *run, const struct outcome *outcomes,
                           struct report *report)
{
    struct sheet *sheet =
        report_sheet(report, "half a minute of lies about lives",
                     "world|void_lives_believed|lives_forced|traitor_known_by|settled_after_s|"
                     "bytes_per_node_s");
    size_t worlds = each_repetition(run);

    for (size_t i = 0; i < worlds; i++) {
        sheet_number(sheet, (double)i, 0);
        sheet_number(sheet, outcomes[i].value[INFLATION_VOID], 0);
        sheet_number(sheet, outcomes[i].value[INFLATION_ANSWERED], 0);
        sheet_number(sheet, outcomes[i].value[INFLATION_FOLLOWED], 0);
        sheet_number(sheet, outcomes[i].value[INFLATION_SETTLED_MS] / 1000, 1);
        sheet_number(sheet, outcomes[i].value[INFLATION_BYTES], 0);
    }
    report_metric(report, "void_lives_believed", most(outcomes, worlds, INFLATION_VOID));
    report_reference(report, "void_lives_believed", 0,
                     "promise I5; memberlist takes any member's word for any other");
    report_metric(report, "lives_forced", most(outcomes, worlds, INFLATION_ANSWERED));
    report_reference(report, "lives_forced", 0,
                     "memberlist: the subject must outbid whatever was said of it");
    report_metric(report, "settled_max_ms", most(outcomes, worlds, INFLATION_SETTLED_MS));
    report_note(report, "Each half second: an ALIVE, two accusations and one more statement in "
                        "somebody else's name, and a version that nobody has; now and then its own "
                        "life, up to 2^39 higher, which it may.");
}

static const enum setting takes[] = {SET_REPETITIONS, SET_PEERS, SET_TTL_S, SETTINGS};
static const struct preset presets[] = {
    {SET_REPETITIONS, 3}, {SET_PEERS, 40}, {SET_TTL_S, 600}, {SETTINGS, 0}};

const struct scenario scenario_inflation = {
    .name = "inflation",
    .what = "a liar raises its own life, and speaks of lives of others that were never signed",
    .anchor = "memberlist: any member may say of any other what it likes",
    .nodes = 32,
    .nodes_least = 3,
    .duration_s = 100,
    .presets = presets,
    .takes = takes,
    .values = INFLATION_VALUES,
    .cells = each_repetition,
    .live = inflation_live,
    .tell = inflation_tell,
};

/* --- reflect
 * ----------------------------------------------------------------------------------------- */

enum { REFLECT_FROM = 0, REFLECT_TO, REFLECT_PACKETS_FROM, REFLECT_PACKETS_TO, REFLECT_VALUES };
enum { REFLECT_ROUNDS = 60, REFLECT_EVERY_MS = 500 };

static const char *const bait_names[TRAITOR_BAITS] = {
    [BAIT_PING] = "a PING of its own",
    [BAIT_JOIN] = "a JOIN with its padding",
    [BAIT_JOIN_BARE] = "a JOIN without",
    [BAIT_PULL] = "questions for whole logs",
    [BAIT_ALIVE] = "an identity said to live there",
    [BAIT_REPLAY] = "others' packets again",
    [BAIT_OWN_KEY] = "a question in the receiver's name",
};

static size_t reflect_cells(const struct run *run)
{
    return TRAITOR_BAITS * each_repetition(run);
}

static void reflect_live(struct cell *cell)
{
    struct cluster *c = make_world(cell, cell->index / TRAITOR_BAITS);
    enum traitor_bait bait = (enum traitor_bait)(cell->index % TRAITOR_BAITS);
    struct random random = random_stream(cell->index, 'r');
    struct addr victim = traitor_victim(7);
    double *value = cell->out->value;

    if (c == NULL)
        return;
    size_t traitor = cluster_nodes(c) - 1;
    traitor_listen(c);
    cluster_run_for(c, QUIET_MS);
    for (size_t i = 0; i < REFLECT_ROUNDS; i++) {
        for (size_t at = 0; at < traitor; at++)
            traitor_reflect(c, &random, traitor, bait, at, &victim);
        cluster_run_for(c, REFLECT_EVERY_MS);
    }
    cluster_run_for(c, QUIET_MS);
    const struct stranger *there = stranger_find(&cluster_world(c)->strangers, &victim);
    if (there != NULL) {
        value[REFLECT_FROM] = (double)there->bytes_from;
        value[REFLECT_TO] = (double)there->bytes_to;
        value[REFLECT_PACKETS_FROM] = (double)there->packets_from;
        value[REFLECT_PACKETS_TO] = (double)there->packets_to;
    }
    settle(cell, c, SETTLE_MS);
    cell_end(cell, c);
}

static double ratio_of(const struct outcome *outcomes, size_t worlds, enum traitor_bait bait,
                       double *sum)
{
    for (size_t i = 0; i < worlds; i++)
        for (size_t k = 0; k < REFLECT_VALUES; k++)
            sum[k] += outcomes[i * TRAITOR_BAITS + (size_t)bait].value[k];
    return sum[REFLECT_FROM] > 0 ? sum[REFLECT_TO] / sum[REFLECT_FROM] : 0;
}

static void reflect_tell(const struct run *run, const struct outcome *outcomes,
                         struct report *report)
{
    struct sheet *sheet = report_sheet(report, "what a victim gets whose address a liar gives",
                                       "bait|packets_from|bytes_from|packets_to|bytes_to|ratio");
    double worst = 0, named = 0;

    for (enum traitor_bait bait = 0; bait < TRAITOR_BAITS; bait++) {
        double sum[REFLECT_VALUES] = {0};
        double ratio = ratio_of(outcomes, each_repetition(run), bait, sum);

        sheet_text(sheet, bait_names[bait]);
        sheet_number(sheet, sum[REFLECT_PACKETS_FROM], 0);
        sheet_number(sheet, sum[REFLECT_FROM], 0);
        sheet_number(sheet, sum[REFLECT_PACKETS_TO], 0);
        sheet_number(sheet, sum[REFLECT_TO], 0);
        sheet_number(sheet, ratio, 2);
        if (bait == BAIT_ALIVE)
            named = ratio;
        else
            worst = fmax(worst, ratio);
    }
    report_metric(report, "ratio_max_forged_source", worst);
    report_reference(report, "ratio_max_forged_source", 1,
                     "promise I13; RFC 9000, section 8.1, allows 3");
    report_metric(report, "ratio_named_in_alive", named);
    report_reference(report, "ratio_named_in_alive", 3, "RFC 9000, section 8.1");
    report_note(report,
                "Bytes that claimed to come from the victim, and bytes that it was sent. An "
                "identity that lives there by its own word is looked for there: that is the "
                "one bait that pays, and it needs the cluster's key.");
}

static const struct preset reflect_presets[] = {
    {SET_REPETITIONS, 1}, {SET_PEERS, 400}, {SET_TTL_S, 600}, {SETTINGS, 0}};

const struct scenario scenario_reflect = {
    .name = "reflect",
    .what = "a liar gives somebody else's address for its own: bytes there for bytes from there",
    .anchor = "RFC 9000, section 8.1: three times what came, until the address is validated",
    .nodes = 16,
    .nodes_least = 3,
    .duration_s = 60,
    .presets = reflect_presets,
    .takes = takes,
    .values = REFLECT_VALUES,
    .cells = reflect_cells,
    .live = reflect_live,
    .tell = reflect_tell,
};

/* --- equivocate
 * -------------------------------------------------------------------------------------- */

enum {
    EQUIVOCATE_SEEN_MS = 0, /* until every node shows it */
    EQUIVOCATE_TAKEN,       /* operations of that log that were taken afterwards, somewhere */
    EQUIVOCATE_LOST,        /* its peers that are not visible somewhere, while it is frozen */
    EQUIVOCATE_CURED_MS,    /* its next life: one registry again */
    EQUIVOCATE_VALUES
};
enum { EQUIVOCATE_BOUND_MS = 10000, LOOK_MS = 5, FROZEN_MS = 10000, KINDS = 2 };
/* What only some hold of a frozen log goes with the grace of its orphans. */
enum { CURE_MS = ORPHAN_GRACE_MS + 10000 };

static size_t equivocate_cells(const struct run *run)
{
    return KINDS * each_repetition(run);
}

static bool shows_equivocation(struct cluster *c, size_t node, size_t home)
{
    struct gossip_log_info log;

    for (size_t i = 0; i < gossip_log_count(cluster_core(c, node)); i++)
        if (gossip_log_at(cluster_core(c, node), i, &log) && log.home == cluster_tag(c, home) &&
            log.epoch == cluster_epoch(c, home))
            return log.state == LOG_EQUIVOCATING;
    return false;
}

static double wait_until_seen(struct cell *cell, struct cluster *c, size_t home)
{
    uint64_t since_us = cluster_now_us(c);
    size_t node = 0;

    while (node < cluster_nodes(c)) {
        if (shows_equivocation(c, node, home)) {
            node++;
        } else if (cluster_now_us(c) - since_us > EQUIVOCATE_BOUND_MS * UINT64_C(1000)) {
            cell_late(cell, "seed %" PRIu64 ": n%zu knows of no equivocation after %d s",
                      cluster_seed(c), node, EQUIVOCATE_BOUND_MS / 1000);
            return INFINITY;
        } else {
            cluster_run_for(c, LOOK_MS);
        }
    }
    return (double)(cluster_now_us(c) - since_us) / 1000;
}

/* It goes on as if nothing were: nothing of it is taken, and what was there stays. */
static void look_while_frozen(struct cell *cell, struct cluster *c, size_t home, double *value)
{
    char id[ID_BYTES];

    cluster_ask_register(c, home, "after", 600);
    cluster_run_for(c, FROZEN_MS);
    for (size_t node = 0; node < cluster_nodes(c); node++) {
        value[EQUIVOCATE_TAKEN] += node != home && cluster_sees_peer(c, node, "after");
        for (size_t i = home; i < setting_count(&cell->run->settings, SET_PEERS);
             i += cluster_nodes(c)) {
            snprintf(id, sizeof(id), "peer-%zu", i);
            value[EQUIVOCATE_LOST] += !cluster_sees_peer(c, node, id);
        }
    }
}

static void equivocate_live(struct cell *cell)
{
    struct cluster *c = make_world(cell, cell->index / KINDS);
    bool is_late = cell->index % KINDS == 1; /* about a version that most have left behind */
    double *value = cell->out->value;

    if (c == NULL)
        return;
    size_t home = cluster_nodes(c) - 1;
    if (is_late)
        traitor_equivocate_late(c, home);
    else
        traitor_equivocate(c, home);
    value[EQUIVOCATE_SEEN_MS] = wait_until_seen(cell, c, home);
    look_while_frozen(cell, c, home, value);
    cluster_check(c);
    cluster_restart(c, home, DISK_LATEST);
    value[EQUIVOCATE_CURED_MS] = settle(cell, c, CURE_MS);
    cell_end(cell, c);
}

static void equivocate_tell(const struct run *run, const struct outcome *outcomes,
                            struct report *report)
{
    struct sheet *sheet = report_sheet(
        report, "a home signs two HEADs for one version",
        "the version|world|seen_everywhere_ms|bound_ms|taken_after|lost_meanwhile|cured_ms");
    size_t worlds = equivocate_cells(run);

    for (size_t i = 0; i < worlds; i++) {
        sheet_text(sheet, i % KINDS ? "one before the last" : "the last");
        sheet_number(sheet, (double)(i / KINDS), 0);
        sheet_number(sheet, outcomes[i].value[EQUIVOCATE_SEEN_MS], 0);
        sheet_number(sheet, EQUIVOCATE_BOUND_MS, 0);
        sheet_number(sheet, outcomes[i].value[EQUIVOCATE_TAKEN], 0);
        sheet_number(sheet, outcomes[i].value[EQUIVOCATE_LOST], 0);
        sheet_number(sheet, outcomes[i].value[EQUIVOCATE_CURED_MS], 0);
    }
    report_metric(report, "seen_everywhere_max_ms", most(outcomes, worlds, EQUIVOCATE_SEEN_MS));
    report_reference(report, "seen_everywhere_max_ms", EQUIVOCATE_BOUND_MS, "stated bound");
    report_metric(report, "taken_after", most(outcomes, worlds, EQUIVOCATE_TAKEN));
    report_reference(report, "taken_after", 0, "the log is frozen");
    report_metric(report, "lost_meanwhile", most(outcomes, worlds, EQUIVOCATE_LOST));
    report_metric(report, "cured_max_ms", most(outcomes, worlds, EQUIVOCATE_CURED_MS));
    report_note(report,
                "One HEAD goes to the nodes of even number, the other to the odd; or both to "
                "the even, while the odd are told a later version. The home's next life "
                "ends it; what only some held goes with the grace of its orphans.");
}

const struct scenario scenario_equivocate = {
    .name = "equivocate",
    .what = "a home tells half of the nodes one thing and half another: evidence, and a frozen log",
    .anchor = NULL,
    .nodes = 32,
    .nodes_least = 4,
    .duration_s = 60,
    .presets = presets,
    .takes = takes,
    .values = EQUIVOCATE_VALUES,
    .cells = equivocate_cells,
    .live = equivocate_live,
    .tell = equivocate_tell,
};
