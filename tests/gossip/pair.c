// SPDX-License-Identifier: Apache-2.0
/* pair.c - a few cores on a perfect wire. */
#include "pair.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void seal_ring(struct seal_keyring *ring, const char *cluster, const uint8_t *key)
{
    uint8_t open_key[SEAL_KEY_BYTES];
    seal_keyring_init(ring, cluster);
    seal_key_from_cluster(cluster, open_key);
    seal_keyring_add(ring, key == NULL ? open_key : key);
}

size_t pair_add(struct pair *pair, const char *cluster, const uint8_t *key)
{
    static const char *const names[PAIR_MAX] = {"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"};
    size_t index = pair->count++;
    struct gossip_config config = {.cluster = cluster, .name = names[index], .epoch = 100};
    uint8_t seed[32] = {(uint8_t)(index + 1), 0x5e};
    cr_assert_lt(index, PAIR_MAX);
    gossip_config_defaults(&config);
    key_pair_from_seed(seed, &config.identity);
    memcpy(config.seed, seed, sizeof config.seed);
    seal_ring(&config.keyring, cluster, key);
    pair->addrs[index] =
        (struct addr){.family = ADDR_IPV4, .ip = {10, 0, 0, (uint8_t)(index + 1)}, .port = 4747};
    config.addresses[0] = pair->addrs[index];
    config.address_count = 1;
    if (index > 0) {
        config.seeds[0] = pair->addrs[0];
        config.seed_count = 1;
    }
    pair->cores[index] = gossip_new(&config, pair->now);
    return index;
}

static size_t index_of(const struct pair *pair, const struct addr *addr)
{
    for (size_t i = 0; i < pair->count; i++)
        if (addr_equal(&pair->addrs[i], addr))
            return i;
    return PAIR_MAX;
}

static bool pump_one(struct pair *pair, size_t from)
{
    struct datagram *d = &pair->last;
    gossip_check_all(pair->cores[from], pair->now);
    if (!gossip_next_packet(pair->cores[from], pair->now, &d->to, d->bytes, &d->len))
        return false;
    d->from = pair->addrs[from];
    size_t to = index_of(pair, &d->to);
    if (pair->is_cut || to == PAIR_MAX)
        return true;
    struct datagram copy = *d;
    pair->delivered++;
    gossip_receive(pair->cores[to], pair->now, &copy.from, copy.bytes, copy.len);
    return true;
}

void pair_pump(struct pair *pair)
{
    bool moved = true;
    for (int rounds = 0; moved; rounds++) {
        cr_assert_lt(rounds, 100000, "packets without end");
        moved = false;
        for (size_t i = 0; i < pair->count; i++)
            moved |= pump_one(pair, i);
    }
}

void pair_run(struct pair *pair, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++) {
        pair->now.mono_ms++;
        pair->now.wall_ms++;
        for (size_t k = 0; k < pair->count; k++)
            if (gossip_deadline_ms(pair->cores[k]) <= pair->now.mono_ms)
                gossip_tick(pair->cores[k], pair->now);
        pair_pump(pair);
    }
}

struct pair *pair_new(size_t count)
{
    struct pair *pair = calloc(1, sizeof *pair);
    cr_assert(key_library_init());
    pair->now = (struct gossip_time){1000, 1700000000000};
    for (size_t i = 0; i < count; i++)
        pair_add(pair, "pair", NULL);
    for (int s = 0; s < 20; s++) {
        pair_run(pair, 500);
        size_t done = 0;
        for (size_t i = 0; i < count; i++) {
            struct gossip_status status = pair_status(pair, i);
            done += status.synced && status.members_alive == count;
        }
        if (done == count)
            return pair;
    }
    cr_assert_fail("the cores did not join");
    return pair;
}

void pair_free(struct pair *pair)
{
    for (size_t i = 0; i < pair->count; i++)
        gossip_free(pair->cores[i]);
    free(pair);
}

enum gossip_drop pair_receive(struct pair *pair, size_t core, const struct addr *from,
                              const void *bytes, size_t len)
{
    enum gossip_drop drop = gossip_receive(pair->cores[core], pair->now, from, bytes, len);
    pair_pump(pair);
    return drop;
}

static bool drain_reply(struct gossip *core, uint64_t request, enum gossip_result *result)
{
    struct gossip_event event;
    bool found = false;
    while (gossip_next_event(core, &event)) {
        if (event.kind == GOSSIP_EVENT_REPLY && event.reply.request == request) {
            *result = event.reply.result;
            found = true;
        }
        gossip_event_release(&event);
    }
    return found;
}

bool pair_register(struct pair *pair, size_t core, const char *peer_id)
{
    static uint64_t request;
    enum gossip_result result = RESULT_BUSY;
    struct gossip_registration registration = {.peer = {.peer_id = span_of_text(peer_id),
                                                        .address = span_of_text("198.51.100.1"),
                                                        .port = 9000,
                                                        .metadata = span_of_text("{}")}};
    gossip_register(pair->cores[core], pair->now, ++request, &registration);
    pair_pump(pair);
    return drain_reply(pair->cores[core], request, &result) && result == RESULT_OK;
}

bool pair_sees(const struct pair *pair, size_t core, const char *peer_id)
{
    struct gossip_peer_info info;
    return gossip_peer_find(pair->cores[core], span_of_text(peer_id), &info) && info.visible;
}

struct gossip_status pair_status(const struct pair *pair, size_t core)
{
    struct gossip_status status;
    gossip_status_now(pair->cores[core], &status);
    return status;
}
