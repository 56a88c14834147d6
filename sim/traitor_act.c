// SPDX-License-Identifier: Apache-2.0
/* traitor_act.c - what a traitor does next, when chance decides */
#include "sim/traitor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { FLOOD_PACKETS = 400, REPLAYED_PACKETS = 40, VICTIMS = 8, OFTEN = 20 };

/* What an act is drawn for: who does it to whom. */
struct plot_of_one {
    size_t traitor, subject, at;
};

const char *traitor_act_name(enum traitor_act act)
{
    static const char *const names[TRAITOR_ACTS] = {
        [TRAITOR_FORGE] = "forge",       [TRAITOR_REPLAY] = "replay",
        [TRAITOR_INFLATE] = "inflate",   [TRAITOR_ACCUSE] = "accuse",
        [TRAITOR_COLLUDE] = "collude",   [TRAITOR_EQUIVOCATE] = "equivocate",
        [TRAITOR_WITHHOLD] = "withhold", [TRAITOR_FLOOD] = "flood",
        [TRAITOR_REFLECT] = "reflect",
    };

    assert(act < TRAITOR_ACTS);
    return names[act];
}

static bool is_among(size_t node, const size_t *traitors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (traitors[i] == node)
            return true;
    return false;
}

/* A node that is no traitor; SIZE_MAX: there is none. */
static size_t somebody_honest(const struct cluster *cluster, struct random *random,
                              const size_t *traitors, size_t count)
{
    size_t nodes = cluster_nodes(cluster);
    size_t start = random_below(random, nodes);

    for (size_t i = 0; i < nodes; i++)
        if (!is_among((start + i) % nodes, traitors, count))
            return (start + i) % nodes;
    return SIZE_MAX;
}

static void forge(struct cluster *cluster, struct random *random, const struct plot_of_one *plot)
{
    uint64_t what = random_below(random, TRAITOR_LIES + 2);

    if (what < TRAITOR_LIES)
        traitor_forge(cluster, plot->traitor, (enum traitor_lie)what, plot->subject);
    else if (what == TRAITOR_LIES)
        traitor_mute(cluster, plot->traitor, plot->subject, plot->at);
    else
        traitor_misplace(cluster, plot->traitor, plot->subject, plot->at);
}

static void replay(struct cluster *cluster, struct random *random, const struct plot_of_one *plot)
{
    struct addr own = cluster_addr(cluster, plot->traitor);
    uint64_t what = random_below(random, 3);

    if (what == 0)
        traitor_replay_statements(cluster, random, plot->traitor, REPLAYED_PACKETS / 4);
    else
        traitor_replay(cluster, random, REPLAYED_PACKETS, what == 1 ? &own : NULL);
}

static void inflate(struct cluster *cluster, struct random *random, const struct plot_of_one *plot)
{
    uint64_t what = random_below(random, 4);
    uint64_t by = UINT64_C(1) << random_below(random, 20);

    switch (what) {
    case 0: traitor_inflate(cluster, plot->traitor, by); break;
    case 1: traitor_inflate_epoch(cluster, plot->traitor, by); break;
    case 2: traitor_inflate_other(cluster, plot->traitor, plot->subject, by); break;
    default: traitor_announce(cluster, plot->traitor, plot->subject, by << 20); break;
    }
}

static void accuse(struct cluster *cluster, struct random *random, const struct plot_of_one *plot)
{
    if (random_chance(random, 0.5))
        traitor_accuse(cluster, plot->traitor, plot->subject, NULL);
    else
        traitor_accuse_often(cluster, plot->traitor, plot->subject, plot->at, OFTEN);
}

static void equivocate(struct cluster *cluster, struct random *random,
                       const struct plot_of_one *plot)
{
    char peer_id[24];
    uint64_t number = random_below(random, 1000);

    snprintf(peer_id, sizeof(peer_id), "two-%" PRIu64, number);
    if (random_chance(random, 0.5) || !traitor_equivocate(cluster, plot->traitor))
        traitor_equivocate_record(cluster, plot->traitor, peer_id);
}

/* Begins, or ends. */
static void withhold(struct cluster *cluster, struct random *random, const struct plot_of_one *plot)
{
    struct node_set some = {{0}};

    if (random_chance(random, 0.25)) {
        traitor_withhold(cluster, plot->traitor, NULL);
        return;
    }
    for (size_t i = 0; i < cluster_nodes(cluster); i++)
        if (random_chance(random, 0.5))
            node_set_add(&some, i);
    traitor_withhold(cluster, plot->traitor, &some);
}

static void flood(struct cluster *cluster, struct random *random, const struct plot_of_one *plot)
{
    switch (random_below(random, 3)) {
    case 0: traitor_flood(cluster, random, plot->traitor, FLOOD_PACKETS); break;
    case 1: traitor_ask(cluster, plot->traitor, plot->at, FLOOD_PACKETS); break;
    default: traitor_flood_garbage(cluster, random, plot->traitor, FLOOD_PACKETS);
    }
}

static void reflect(struct cluster *cluster, struct random *random, const struct plot_of_one *plot)
{
    struct addr victim = traitor_victim((uint32_t)random_below(random, VICTIMS));
    enum traitor_bait bait = (enum traitor_bait)random_below(random, TRAITOR_BAITS);

    traitor_reflect(cluster, random, plot->traitor, bait, plot->at, &victim);
}

void traitor_act(struct cluster *cluster, struct random *random, enum traitor_act act,
                 const size_t *traitors, size_t count)
{
    struct plot_of_one plot;

    assert(act < TRAITOR_ACTS);
    if (count == 0)
        return;
    plot.traitor = traitors[random_below(random, count)];
    plot.subject = somebody_honest(cluster, random, traitors, count);
    plot.at = somebody_honest(cluster, random, traitors, count);
    if (plot.subject == SIZE_MAX)
        return;
    switch (act) {
    case TRAITOR_FORGE: forge(cluster, random, &plot); break;
    case TRAITOR_REPLAY: replay(cluster, random, &plot); break;
    case TRAITOR_INFLATE: inflate(cluster, random, &plot); break;
    case TRAITOR_ACCUSE: accuse(cluster, random, &plot); break;
    case TRAITOR_COLLUDE: traitor_collude(cluster, traitors, count, plot.subject); break;
    case TRAITOR_EQUIVOCATE: equivocate(cluster, random, &plot); break;
    case TRAITOR_WITHHOLD: withhold(cluster, random, &plot); break;
    case TRAITOR_FLOOD: flood(cluster, random, &plot); break;
    case TRAITOR_REFLECT: reflect(cluster, random, &plot); break;
    case TRAITOR_ACTS: break;
    }
}
