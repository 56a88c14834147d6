// SPDX-License-Identifier: Apache-2.0
/* test_store.c - what outlives a node: identity, epoch, leases and members, over torn files and
 * full disks */
#include "node/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gossip/statement.h"
#include "node/clock.h"
#include "node/file.h"
#include "node/log.h"

/* Each start costs some fsyncs; test_snapshot.c does every byte in memory. */
#define STRIDE  13
#define WALL_MS UINT64_C(1764000000000)

static char dir[64];
static char error[STORE_ERROR_MAX_BYTES];
static struct key_pair home;
static struct sign_scope scope;

static void begin(void)
{
    static const uint8_t seed[KEY_SEED_BYTES] = {7};

    cr_assert(key_library_init());
    key_pair_from_seed(seed, &home);
    sign_scope_of("test", &scope);
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    snprintf(dir, sizeof dir, "/tmp/test_store.XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void end(void)
{
    static const char *const names[] = {"identity", "epoch", "lock", "snapshot",
                                        "snapshot.damaged"};
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    cr_assert_eq(rmdir(dir), 0, "something else is left in %s: %s", dir, strerror(errno));
}

TestSuite(store, .init = begin, .fini = end, .timeout = 60);

/* --- Vocabulary
 * ------------------------------------------------------------------------------------------- */

static struct store *open_store(void)
{
    struct store *store = store_open(dir, WALL_MS, error);

    cr_assert_not_null(store, "%s", error);
    return store;
}

static struct blob *record_at(uint64_t epoch, const char *peer_id, uint64_t version, uint32_t ttl_s)
{
    struct record record = {.home = node_tag(&home.public),
                            .epoch = epoch,
                            .version = version,
                            .peer = {.peer_id = span_of_text(peer_id),
                                     .address = span_of_text("10.0.0.1"),
                                     .port = 9,
                                     .metadata = span_of_text("{}"),
                                     .ttl_s = ttl_s},
                            .seq = version,
                            .registered_at_ms = WALL_MS};
    struct blob *blob = statement_of_record(&record, &home, &scope);

    cr_assert_not_null(blob);
    return blob;
}

static struct blob *record_of(const char *peer_id, uint64_t version, uint32_t ttl_s)
{
    return record_at(5, peer_id, version, ttl_s);
}

static struct blob *alive_of(uint8_t number, uint64_t incarnation)
{
    uint8_t seed[KEY_SEED_BYTES] = {number};
    struct key_pair pair;

    key_pair_from_seed(seed, &pair);
    struct alive alive = {.id = pair.public,
                          .epoch = 5,
                          .incarnation = incarnation,
                          .name = span_of_text("n"),
                          .addresses = {{.family = ADDR_IPV4, .ip = {10, 0, 0, number}, .port = 1}},
                          .address_count = 1,
                          .protocol_version = PROTOCOL_VERSION};
    return statement_of_alive(&alive, &pair, &scope);
}

static void set_lease(struct store *store, const char *peer_id, uint64_t version)
{
    struct blob *blob = record_of(peer_id, version, 300);

    store_lease(store, blob, WALL_MS + version);
    blob_release(blob);
}

static void end_lease(struct store *store, const char *peer_id)
{
    struct blob *blob = record_of(peer_id, 1, 300);

    store_lease_end(store, blob);
    blob_release(blob);
}

static void set_member(struct store *store, uint8_t number)
{
    struct blob *blob = alive_of(number, 1);

    store_member(store, blob);
    blob_release(blob);
}

/* The heartbeat's time of a lease in the mirror; 0: no such lease. */
static uint64_t lease_in(struct store *store, const char *peer_id)
{
    struct mirror *mirror = store_mirror(store);
    struct mirror_entry entry;
    uint64_t found = 0;

    mirror_walk_begin(mirror);
    while (mirror_walk_next(mirror, &entry, 1) == 1) {
        struct record record;

        if (entry.kind == SNAPSHOT_LEASE && statement_read_record(entry.bytes, &record) &&
            span_equal(record.peer.peer_id, span_of_text(peer_id)))
            found = entry.wall_ms;
        mirror_entries_release(&entry, 1);
    }
    return found;
}

static size_t count_in(struct store *store)
{
    return mirror_count(store_mirror(store));
}

/* Polls a condition for at most so long; the store's thread works meanwhile. */
static bool becomes_clean(struct store *store, uint64_t within_ms)
{
    uint64_t until_ms = clock_mono_ms() + within_ms;
    struct timespec pause = {.tv_nsec = 1000000};

    while (!store_is_clean(store)) {
        if (clock_mono_ms() > until_ms)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static size_t size_of(const char *name)
{
    struct stat status;

    return stat(path_of(name), &status) == 0 ? (size_t)status.st_size : 0;
}

/* --- Identity and epoch
 * -------------------------------------------------------------------------------------- */

Test(store, the_identity_stays_and_is_for_its_owner_only)
{
    struct store *store = open_store();
    struct key_pair first = *store_identity(store);
    struct stat status;

    store_close(store, 0);
    store = open_store();
    cr_assert_eq(memcmp(&first, store_identity(store), sizeof first), 0);
    cr_assert_eq(stat(path_of("identity"), &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    store_close(store, 0);
}

Test(store, a_torn_identity_is_never_replaced)
{
    char bytes[256];

    store_close(open_store(), 0);
    int at = open(path_of("identity"), O_RDONLY);
    ssize_t len = read(at, bytes, sizeof bytes);
    close(at);
    for (ssize_t cut = 0; cut < len; cut += 3) {
        int fd = open(path_of("identity"), O_WRONLY | O_TRUNC);

        cr_assert_eq(write(fd, bytes, (size_t)cut), cut);
        close(fd);
        cr_assert_null(store_open(dir, WALL_MS, error), "cut at %zd", cut);
        cr_assert(strstr(error, "identity") != NULL && strstr(error, "damaged") != NULL, "%s",
                  error);
        cr_assert_eq(size_of("identity"), (size_t)cut, "left as it was found");
    }
}

Test(store, the_epoch_rises_at_every_start_and_is_on_the_disk_first)
{
    struct store *store = open_store();
    uint64_t first = store_epoch(store);

    cr_assert_eq(first, WALL_MS / 1000);
    store_close(store, 0);
    for (uint64_t i = 1; i <= 3; i++) {
        store = open_store(); /* at the same second */
        cr_assert_eq(store_epoch(store), first + i);
        store_close(store, 0);
    }
}

Test(store, a_raised_epoch_is_persisted)
{
    struct store *store = open_store();
    uint64_t first = store_epoch(store);

    cr_assert(store_start(store));
    store_set_epoch(store, first + 1000);
    store_set_epoch(store, first + 10); /* older news */
    cr_assert(becomes_clean(store, 1000));
    store_close(store, 1000);
    store = open_store();
    cr_assert_eq(store_epoch(store), first + 1001);
    store_close(store, 0);
}

Test(store, a_torn_epoch_falls_back_on_the_wall_clock)
{
    store_close(open_store(), 0);
    cr_assert_eq(truncate(path_of("epoch"), 20), 0);
    struct store *store = open_store();
    cr_assert_eq(store_epoch(store), WALL_MS / 1000);
    store_close(store, 0);
}

Test(store, two_nodes_never_use_one_directory)
{
    struct store *store = open_store();
    char pid[32];

    cr_assert_null(store_open(dir, WALL_MS, error));
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    cr_assert(strstr(error, "another node") != NULL && strstr(error, pid) != NULL, "%s", error);
    store_close(store, 0);
    store = open_store();
    store_close(store, 0);
}

Test(store, the_lock_of_a_killed_node_does_not_stay)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (store_open(dir, WALL_MS, error) != NULL)
            raise(SIGKILL);
        _exit(1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    store_close(open_store(), 0);
}

/* --- The snapshot
 * ---------------------------------------------------------------------------------------------- */

Test(store, leases_and_members_outlive_a_restart)
{
    struct store *store = open_store();

    cr_assert(store_start(store));
    set_lease(store, "a", 1);
    set_lease(store, "b", 2);
    set_lease(store, "b", 9);
    set_lease(store, "gone", 3);
    end_lease(store, "gone");
    set_member(store, 1);
    set_member(store, 2);
    struct blob *second = alive_of(2, 1);
    struct alive alive;
    cr_assert(statement_read_alive(blob_span(second), &alive));
    store_member_end(store, node_tag(&alive.id));
    blob_release(second);
    store_close(store, 1000);

    store = open_store();
    cr_assert_eq(lease_in(store, "a"), WALL_MS + 1);
    cr_assert_eq(lease_in(store, "b"), WALL_MS + 9);
    cr_assert_eq(lease_in(store, "gone"), 0);
    cr_assert_eq(count_in(store), 3);
    store_close(store, 0);
}

Test(store, a_change_is_on_the_disk_within_a_second)
{
    struct store *store = open_store();
    char copy[64] = "/tmp/test_store.XXXXXX", command[256];

    cr_assert(store_start(store));
    cr_assert(becomes_clean(store, 5000));
    for (uint64_t i = 1; i <= 20; i++) {
        set_lease(store, "p", i);
        cr_assert(becomes_clean(store, 1000), "change %lu", (unsigned long)i);
    }
    /* As after kill -9: nothing is said to the store any more, the files are what they are. */
    cr_assert_not_null(mkdtemp(copy));
    snprintf(command, sizeof command, "cp %s/snapshot %s/snapshot", dir, copy);
    cr_assert_eq(system(command), 0);
    struct store *second = store_open(copy, WALL_MS, error);
    cr_assert_eq(lease_in(second, "p"), WALL_MS + 20);
    store_close(second, 0);
    store_close(store, 1000);
    snprintf(command, sizeof command, "rm -r %s", copy);
    cr_assert_eq(system(command), 0);
}

Test(store, leases_whose_time_has_run_out_are_not_restored)
{
    struct store *store = open_store();
    struct blob *soon = record_of("short", 1, 10), *late = record_of("long", 2, 600);

    cr_assert(store_start(store));
    store_lease(store, soon, WALL_MS);
    store_lease(store, late, WALL_MS);
    blob_release(soon);
    blob_release(late);
    store_close(store, 1000);
    store = store_open(dir, WALL_MS + 60000, error);
    cr_assert_eq(lease_in(store, "short"), 0);
    cr_assert_eq(lease_in(store, "long"), WALL_MS);
    store_close(store, 0);
}

Test(store, a_reissued_lease_keeps_the_time_of_its_last_heartbeat)
{
    struct store *store = open_store();
    struct blob *old = record_at(5, "a", 7, 300), *again = record_at(6, "a", 7, 300);

    cr_assert(store_start(store));
    store_lease(store, old, WALL_MS);
    store_lease(store, again, WALL_MS + 100000);
    store_close(store, 1000);
    store = open_store();
    cr_assert_eq(lease_in(store, "a"), WALL_MS);
    cr_assert(store_start(store));
    store_heartbeat(store, again, WALL_MS + 100000);
    store_close(store, 1000);
    store = open_store();
    cr_assert_eq(lease_in(store, "a"), WALL_MS + 100000);
    store_close(store, 0);
    blob_release(old);
    blob_release(again);
}

Test(store, a_long_history_is_compacted)
{
    struct store *store = open_store();

    cr_assert(store_start(store));
    for (uint64_t i = 1; i <= 6000; i++) {
        char id[16];

        snprintf(id, sizeof id, "p%d", (int)(i % 50));
        set_lease(store, id, i);
        if (i % 100 == 0)
            cr_assert(becomes_clean(store, 1000));
    }
    cr_assert(becomes_clean(store, 1000));
    cr_assert_lt(size_of("snapshot"), 400000, "6,000 changes of 50 leases");
    store_close(store, 1000);
    store = open_store();
    cr_assert_eq(count_in(store), 50);
    cr_assert_eq(lease_in(store, "p0"), WALL_MS + 6000);
    store_close(store, 0);
}

/* --- Damage ---------------------------------------------------------------------------------- */

static size_t write_three_leases(char *bytes, size_t capacity)
{
    struct store *store = open_store();

    cr_assert(store_start(store));
    set_lease(store, "a", 1);
    set_lease(store, "b", 2);
    set_lease(store, "c", 3);
    store_close(store, 1000);
    int fd = open(path_of("snapshot"), O_RDONLY);
    ssize_t len = read(fd, bytes, capacity);
    close(fd);
    cr_assert_gt(len, 300);
    return (size_t)len;
}

static void put_snapshot(const char *bytes, size_t len)
{
    int fd = open(path_of("snapshot"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

/* Opens, and counts the leases: never more than were written, each one whole. */
static size_t leases_left(void)
{
    struct store *store = open_store();
    size_t a = lease_in(store, "a") == WALL_MS + 1, b = lease_in(store, "b") == WALL_MS + 2,
           c = lease_in(store, "c") == WALL_MS + 3;
    size_t count = count_in(store);

    cr_assert_eq(count, a + b + c, "nothing that was not written");
    cr_assert(a >= b && b >= c, "an earlier state: what came first stays longest");
    store_close(store, 0);
    return count;
}

Test(store, torn_anywhere_the_node_starts_from_what_stands_before)
{
    char bytes[4096];
    size_t len = write_three_leases(bytes, sizeof bytes), last = 0;

    for (size_t cut = 0; cut < len; cut += STRIDE) {
        put_snapshot(bytes, cut);
        size_t left = leases_left();

        cr_assert_geq(left, last, "a longer file never holds less");
        cr_assert_leq(left, 2, "cut at %zu of %zu", cut, len);
        last = left;
        bool is_torn = size_of("snapshot.damaged") > 0 || cut == 0;
        /* A cut between two entries is a good, shorter file. */
        cr_assert(is_torn || size_of("snapshot") == cut);
        unlink(path_of("snapshot.damaged"));
    }
    put_snapshot(bytes, len);
    cr_assert_eq(leases_left(), 3);
    cr_assert_eq(size_of("snapshot.damaged"), 0);
}

Test(store, damaged_anywhere_nothing_behind_it_is_believed)
{
    char bytes[4096];
    size_t len = write_three_leases(bytes, sizeof bytes);

    for (size_t at = 0; at < len; at += STRIDE) {
        bytes[at] ^= 0x10;
        put_snapshot(bytes, len);
        cr_assert_lt(leases_left(), 3, "byte %zu", at);
        cr_assert_eq(size_of("snapshot.damaged"), len, "set aside whole");
        bytes[at] ^= 0x10;
        unlink(path_of("snapshot.damaged"));
    }
}

Test(store, what_is_no_snapshot_is_set_aside)
{
    static const char text[] = "this is a text and no snapshot at all";

    put_snapshot(text, sizeof text);
    cr_assert_eq(leases_left(), 0);
    cr_assert_eq(size_of("snapshot.damaged"), sizeof text);
}

/* --- Disks ----------------------------------------------------------------------------------- */

Test(store, a_full_disk_is_retried_and_nothing_is_lost)
{
    struct store *store = open_store();
    struct rlimit small = {.rlim_cur = 600, .rlim_max = RLIM_INFINITY},
                  large = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    log_configure(LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    cr_assert(store_start(store));
    set_lease(store, "a", 1);
    cr_assert(becomes_clean(store, 1000));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint64_t i = 2; i < 20; i++) {
        char id[16];

        snprintf(id, sizeof id, "p%d", (int)i);
        set_lease(store, id, i);
    }
    cr_assert_not(becomes_clean(store, 500), "the disk is full");
    set_lease(store, "late", 20);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &large), 0);
    cr_assert(becomes_clean(store, 3 * STORE_RETRY_MS));
    store_close(store, 1000);
    store = open_store();
    cr_assert_eq(count_in(store), 20);
    cr_assert_eq(lease_in(store, "late"), WALL_MS + 20);
    store_close(store, 0);
    cr_assert_eq(size_of("snapshot.damaged"), 0);
}

Test(store, a_crash_on_a_full_disk_leaves_the_last_good_state)
{
    struct store *store = open_store();
    struct rlimit small = {.rlim_cur = 600, .rlim_max = RLIM_INFINITY},
                  large = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    log_configure(LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    cr_assert(store_start(store));
    set_lease(store, "a", 1);
    cr_assert(becomes_clean(store, 1000));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint64_t i = 2; i < 20; i++) {
        char id[16];

        snprintf(id, sizeof id, "p%d", (int)i);
        set_lease(store, id, i);
    }
    store_close(store, 0);
    setrlimit(RLIMIT_FSIZE, &large);
    store = open_store();
    cr_assert_eq(lease_in(store, "a"), WALL_MS + 1);
    store_close(store, 0);
}

Test(store, a_directory_that_cannot_be_is_refused_by_name)
{
    cr_assert_null(store_open("/proc/nowhere/at/all", WALL_MS, error));
    cr_assert(strstr(error, "--data") != NULL && strstr(error, "/proc/nowhere") != NULL, "%s",
              error);
}

Test(store, without_a_store_everything_is_a_no_op)
{
    struct blob *blob = record_of("a", 1, 300);

    store_lease(NULL, blob, 1);
    store_lease_end(NULL, blob);
    store_member(NULL, blob);
    store_member_end(NULL, 1);
    store_set_epoch(NULL, 1);
    store_close(NULL, 1);
    blob_release(blob);
    store_close(open_store(), 0);
}
