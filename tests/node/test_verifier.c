// SPDX-License-Identifier: Apache-2.0
/* test_verifier.c - what is pulled in bulk is verified by other threads, and the loop is told */
#include "node/verifier.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "gossip/gossip.h"
#include "node/clock.h"

#define PEERS      2000 /* some 700 ranges */
#define PATIENCE_S 30

struct scene {
    struct loop *loop;
    struct loop_timer turn, late;
    struct verifier *verifier;
    struct gossip *home, *joiner;
    struct addr home_addr, joiner_addr;
    size_t given, returned;
    bool is_late;
};

static struct gossip *core_new(const char *name, uint8_t number, const struct addr *addr,
                               const struct addr *seed)
{
    struct gossip_config config = {0};
    uint8_t key[SEAL_KEY_BYTES], identity[KEY_SEED_BYTES] = {number};

    gossip_config_defaults(&config);
    config.cluster = "verifier";
    config.name = name;
    config.addresses[0] = *addr;
    config.address_count = 1;
    config.seed[0] = number;
    config.epoch = 1;
    config.seed_count = seed != NULL;
    if (seed != NULL)
        config.seeds[0] = *seed;
    key_pair_from_seed(identity, &config.identity);
    seal_key_from_cluster(config.cluster, key);
    seal_keyring_init(&config.keyring, config.cluster);
    seal_keyring_add(&config.keyring, key);
    return gossip_new(&config, clock_now());
}

static void register_peer(struct gossip *core, uint64_t number)
{
    char id[32];
    int len = snprintf(id, sizeof id, "peer-%u", (unsigned)number);
    struct gossip_registration registration = {
        .peer = {.peer_id = span_of(id, (size_t)len), .address = span_of("host", 4), .ttl_s = 300}};

    gossip_register(core, clock_now(), number, &registration);
}

static bool move_packets(struct gossip *from, const struct addr *from_addr, struct gossip *to)
{
    uint8_t bytes[PACKET_MAX_BYTES];
    struct gossip_event event;
    struct addr addr;
    size_t len;
    bool has_moved = false;

    while (gossip_next_packet(from, clock_now(), &addr, bytes, &len)) {
        gossip_receive(to, clock_now(), from_addr, bytes, len);
        has_moved = true;
    }
    while (gossip_next_event(from, &event))
        gossip_event_release(&event);
    return has_moved;
}

static void drain(struct scene *scene)
{
    struct gossip_check *check;
    bool has_moved;

    do {
        gossip_check_all(scene->home, clock_now());
        while ((check = gossip_next_check(scene->joiner)) != NULL) {
            verifier_give(scene->verifier, check);
            scene->given++;
        }
        has_moved = move_packets(scene->home, &scene->home_addr, scene->joiner);
        has_moved |= move_packets(scene->joiner, &scene->joiner_addr, scene->home);
    } while (has_moved);
}

static bool is_complete(const struct scene *scene)
{
    struct gossip_status status;

    gossip_status_now(scene->joiner, &status);
    return status.peers_visible == PEERS;
}

static void on_turn(void *context)
{
    struct scene *scene = context;

    gossip_tick(scene->home, clock_now());
    gossip_tick(scene->joiner, clock_now());
    drain(scene);
    loop_timer_start(&scene->turn, 2);
}

static void on_verdicts(void *context)
{
    struct scene *scene = context;
    struct gossip_check *check;

    while ((check = verifier_next(scene->verifier)) != NULL) {
        gossip_checked(scene->joiner, clock_now(), check);
        scene->returned++;
    }
    drain(scene);
    if (is_complete(scene))
        loop_stop(scene->loop);
}

static void on_late(void *context)
{
    struct scene *scene = context;

    scene->is_late = true;
    loop_stop(scene->loop);
}

static struct scene *scene_new(void)
{
    struct scene *scene = calloc(1, sizeof *scene);

    key_library_init();
    scene->loop = loop_new();
    scene->home_addr = (struct addr){ADDR_IPV4, {127, 0, 0, 1}, 1001};
    scene->joiner_addr = (struct addr){ADDR_IPV4, {127, 0, 0, 1}, 1002};
    scene->verifier = verifier_new(scene->loop, on_verdicts, scene);
    scene->home = core_new("home", 1, &scene->home_addr, NULL);
    gossip_tick(scene->home, clock_now());
    for (uint64_t i = 0; i < PEERS; i++)
        register_peer(scene->home, i + 1);
    scene->joiner = core_new("joiner", 2, &scene->joiner_addr, &scene->home_addr);
    loop_timer_init(&scene->turn, scene->loop, on_turn, scene);
    loop_timer_init(&scene->late, scene->loop, on_late, scene);
    loop_timer_start(&scene->turn, 0);
    loop_timer_start(&scene->late, PATIENCE_S * 1000);
    return scene;
}

static void scene_free(struct scene *scene)
{
    loop_timer_stop(&scene->turn);
    loop_timer_stop(&scene->late);
    verifier_free(scene->verifier);
    gossip_free(scene->joiner);
    gossip_free(scene->home);
    loop_free(scene->loop);
    free(scene);
}

Test(verifier, a_whole_log_is_verified_elsewhere_and_arrives)
{
    struct scene *scene = scene_new();

    loop_run(scene->loop);
    cr_assert_not(scene->is_late);
    cr_assert(is_complete(scene));
    cr_assert_gt(scene->given, 100U, "in bulk, and so not by the loop's thread");
    cr_assert_leq(scene->returned, scene->given);
    scene_free(scene);
}

static void on_first_verdict(void *context)
{
    struct scene *scene = context;

    loop_stop(scene->loop);
}

/* Some have run and were not taken back, some run, some wait. */
Test(verifier, it_ends_in_the_middle_of_its_work)
{
    struct scene *scene = scene_new();

    verifier_free(scene->verifier);
    scene->verifier = verifier_new(scene->loop, on_first_verdict, scene);
    loop_run(scene->loop);
    cr_assert_not(scene->is_late);
    cr_assert_gt(scene->given, 0U);
    cr_assert_not(is_complete(scene));
    scene_free(scene);
}

Test(verifier, one_that_never_had_work_ends)
{
    struct loop *loop = loop_new();
    struct verifier *verifier = verifier_new(loop, on_first_verdict, NULL);

    cr_assert_null(verifier_next(verifier));
    verifier_free(verifier);
    loop_free(loop);
}
