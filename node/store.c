// SPDX-License-Identifier: Apache-2.0
/* store.c - the data directory: identity, epoch, and a snapshot of leases and members */
#include "node/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gossip/mem.h"
#include "node/clock.h"
#include "node/counters.h"
#include "node/file.h"
#include "node/identity.h"
#include "node/log.h"
#include "node/thread.h"

#define ENTRIES_BATCH 32 /* 32 KB of stack */
/* The file is written anew when it is more than twice what it needs to be, and this larger. */
#define SLACK_BYTES (256u << 10)

/* A file that entries are appended to. */
struct output {
    int fd; /* -1: none */
    size_t bytes;
    struct snapshot_chain chain;
};

struct store {
    int dir, lock;
    struct key_pair identity;
    uint64_t epoch;

    pthread_mutex_t mutex; /* of everything down to the empty line */
    pthread_cond_t changed, cleaned;
    struct mirror *mirror;
    uint64_t epoch_wanted, epoch_written;
    bool is_stopping, is_writing, has_thread;
    bool is_idle; /* the writer waits for a first change */

    /* The thread's own. */
    struct output output;
    bool must_rewrite; /* the file's end cannot be trusted, or there is no file */
    pthread_t thread;
};

/* --- Opening
 * --------------------------------------------------------------------------------------------- */

static bool open_lock(struct store *store, const char *dir, char *error)
{
    char holder[32] = "";

    store->lock = openat(store->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (store->lock < 0) {
        snprintf(error, STORE_ERROR_MAX_BYTES, "--data: cannot write in %.300s: %s", dir,
                 strerror(errno));
        return false;
    }
    if (flock(store->lock, LOCK_EX | LOCK_NB) != 0) {
        ssize_t len = read(store->lock, holder, sizeof holder - 1);
        holder[len > 0 ? strcspn(holder, "\n") : 0] = '\0';
        snprintf(error, STORE_ERROR_MAX_BYTES,
                 "--data: %.300s is in use by another node%s%s: every node needs its own directory",
                 dir, holder[0] ? ", process " : "", holder);
        return false;
    }
    int len = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    /* Only a hint for people: not worth failing for. */
    if (ftruncate(store->lock, 0) == 0 && write(store->lock, holder, (size_t)len) != len)
        errno = 0;
    return true;
}

static bool make_directories(const char *dir)
{
    char path[1024];
    size_t len = strlen(dir);

    if (len >= sizeof path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(path, dir, len + 1);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool open_directory(struct store *store, const char *dir, char *error)
{
    store->dir = -1;
    if (make_directories(dir))
        store->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->dir >= 0)
        return open_lock(store, dir, error);
    snprintf(error, STORE_ERROR_MAX_BYTES, "--data: cannot use the directory %.300s: %s", dir,
             strerror(errno));
    return false;
}

/* Everything up to the damage is good: the entries before it are an earlier state of ours. */
static void set_aside(struct store *store, size_t good_bytes, size_t bytes)
{
    renameat(store->dir, "snapshot", store->dir, "snapshot.damaged");
    log_say(LOG_LEVEL_WARNING, "store.snapshot_damaged",
            "the snapshot is damaged (a crash while it was written?); it was set aside, and what "
            "stands before the damage is used",
            log_text("kept_as", "snapshot.damaged"), log_number("good_bytes", good_bytes),
            log_number("bytes", bytes), log_number("leases", mirror_lease_count(store->mirror)));
}

static void load_entries(struct store *store, struct span file)
{
    struct snapshot_reader reader;
    struct snapshot_entry entry;
    bool is_good = snapshot_open(&reader, file);

    while (is_good && snapshot_next(&reader, &entry))
        is_good = mirror_load(store->mirror, &entry);
    if (!is_good || reader.rest.len > 0)
        set_aside(store, reader.offset, file.len);
}

static bool load_snapshot(struct store *store, uint64_t wall_ms, char *error)
{
    void *file;
    ssize_t len = file_read_all(store->dir, "snapshot", STORE_SNAPSHOT_MAX_BYTES, &file);

    if (len < 0 && errno == ENOENT)
        return true;
    if (len < 0) {
        snprintf(error, STORE_ERROR_MAX_BYTES, "--data: cannot read the file `snapshot`: %s",
                 strerror(errno));
        return false;
    }
    load_entries(store, span_of(file, (size_t)len));
    mirror_expire(store->mirror, wall_ms);
    free(file);
    return true;
}

static bool open_contents(struct store *store, uint64_t wall_ms, char *error)
{
    char why[IDENTITY_ERROR_MAX_BYTES];

    if (!identity_load(store->dir, &store->identity, why)) {
        snprintf(error, STORE_ERROR_MAX_BYTES, "--data: %.400s", why);
        return false;
    }
    if (!identity_next_epoch(store->dir, wall_ms, &store->epoch)) {
        snprintf(error, STORE_ERROR_MAX_BYTES, "--data: cannot write the file `epoch`: %s",
                 strerror(errno));
        return false;
    }
    store->epoch_wanted = store->epoch_written = store->epoch;
    return load_snapshot(store, wall_ms, error);
}

static void store_free(struct store *store)
{
    if (store->output.fd >= 0)
        close(store->output.fd);
    if (store->lock >= 0)
        close(store->lock);
    if (store->dir >= 0)
        close(store->dir);
    mirror_free(store->mirror);
    pthread_cond_destroy(&store->changed);
    pthread_cond_destroy(&store->cleaned);
    pthread_mutex_destroy(&store->mutex);
    key_wipe(&store->identity, sizeof store->identity);
    mem_free(store);
}

struct store *store_open(const char *dir, uint64_t wall_ms, char error[STORE_ERROR_MAX_BYTES])
{
    struct store *store = mem_alloc(sizeof *store);
    pthread_condattr_t monotonic;

    store->lock = store->output.fd = -1;
    store->must_rewrite = true; /* the first write makes a file without the past's changes */
    store->mirror = mirror_new();
    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->changed, &monotonic);
    pthread_cond_init(&store->cleaned, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (open_directory(store, dir, error) && open_contents(store, wall_ms, error))
        return store;
    store_free(store);
    return NULL;
}

const struct key_pair *store_identity(const struct store *store)
{
    return &store->identity;
}

uint64_t store_epoch(const struct store *store)
{
    return store->epoch;
}

int store_directory(const struct store *store)
{
    return store->dir;
}

struct mirror *store_mirror(struct store *store)
{
    assert(!store->has_thread);
    return store->mirror;
}

/* --- The gossip thread's side
 * ------------------------------------------------------------------------------ */

/* Unlocks, and wakes the writer for what is its first change: it collects the others by itself. */
static void changed(struct store *store, bool is_change)
{
    bool must_wake = is_change && store->is_idle;

    pthread_mutex_unlock(&store->mutex);
    if (must_wake)
        pthread_cond_signal(&store->changed);
}

void store_lease(struct store *store, struct blob *record, uint64_t wall_ms)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    changed(store, mirror_lease(store->mirror, record, wall_ms));
}

void store_heartbeat(struct store *store, struct blob *record, uint64_t wall_ms)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    changed(store, mirror_heartbeat(store->mirror, record, wall_ms));
}

void store_lease_end(struct store *store, struct blob *record)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    changed(store, mirror_lease_end(store->mirror, record));
}

void store_member(struct store *store, struct blob *alive)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    changed(store, mirror_member(store->mirror, alive));
}

void store_member_end(struct store *store, uint64_t tag)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    changed(store, mirror_member_end(store->mirror, tag));
}

void store_set_epoch(struct store *store, uint64_t epoch)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    bool is_change = epoch > store->epoch_wanted;
    if (is_change)
        store->epoch_wanted = epoch;
    changed(store, is_change);
}

static bool is_clean(const struct store *store)
{
    return !mirror_is_dirty(store->mirror) && !store->is_writing &&
           store->epoch_wanted == store->epoch_written;
}

bool store_is_clean(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool answer = is_clean(store);
    pthread_mutex_unlock(&store->mutex);
    return answer;
}

/* --- The writer ------------------------------------------------------------------------------ */

static bool output_append(struct output *output, const struct mirror_entry *entries, size_t count)
{
    uint8_t bytes[ENTRIES_BATCH * SNAPSHOT_ENTRY_MAX_BYTES];
    size_t len = 0;

    assert(count <= ENTRIES_BATCH);
    for (size_t i = 0; i < count; i++) {
        struct snapshot_entry view = mirror_entry_view(&entries[i]);

        len += snapshot_put(bytes + len, &output->chain, &view);
    }
    output->bytes += len;
    return file_write_all(output->fd, bytes, len);
}

/* The changes so far to the file, and to the one that is about to replace it, if any. */
static bool write_changes(struct store *store, struct output *next)
{
    struct mirror_entry entries[ENTRIES_BATCH];
    bool is_done = true;

    for (;;) {
        pthread_mutex_lock(&store->mutex);
        size_t count = mirror_take(store->mirror, entries, ENTRIES_BATCH);
        pthread_mutex_unlock(&store->mutex);
        if (count == 0)
            break;
        if (store->output.fd >= 0)
            is_done = output_append(&store->output, entries, count) && is_done;
        if (next != NULL)
            is_done = output_append(next, entries, count) && is_done;
        mirror_entries_release(entries, count);
    }
    if (store->output.fd >= 0 && is_done)
        is_done = fdatasync(store->output.fd) == 0;
    return is_done;
}

/* Everything into `next`; changes meanwhile still reach the old file in time. */
static bool write_everything(struct store *store, struct output *next)
{
    struct mirror_entry entries[ENTRIES_BATCH];
    uint64_t flushed_ms = clock_mono_ms();
    size_t count;

    pthread_mutex_lock(&store->mutex);
    mirror_walk_begin(store->mirror);
    pthread_mutex_unlock(&store->mutex);
    do {
        pthread_mutex_lock(&store->mutex);
        count = mirror_walk_next(store->mirror, entries, ENTRIES_BATCH);
        pthread_mutex_unlock(&store->mutex);
        bool is_done = output_append(next, entries, count);
        mirror_entries_release(entries, count);
        if (!is_done)
            return false;
        if (clock_mono_ms() - flushed_ms > STORE_DELAY_MS) {
            flushed_ms = clock_mono_ms();
            if (!write_changes(store, next))
                return false;
        }
    } while (count > 0);
    return write_changes(store, next);
}

static bool output_begin(struct output *output, int dir, const char *name)
{
    uint8_t magic[SNAPSHOT_MAGIC_BYTES];

    *output =
        (struct output){.fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    snapshot_begin(magic, &output->chain);
    output->bytes = sizeof magic;
    return output->fd >= 0 && file_write_all(output->fd, magic, sizeof magic);
}

static void output_end(struct output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    output->fd = -1;
}

static bool rewrite(struct store *store)
{
    struct output next;

    if (store->must_rewrite)
        output_end(&store->output); /* nothing more may follow what cannot be trusted */
    store->must_rewrite = true;
    if (!output_begin(&next, store->dir, "snapshot.tmp") || !write_everything(store, &next) ||
        !file_commit(store->dir, next.fd, "snapshot.tmp", "snapshot")) {
        int error = errno;

        output_end(&next);
        unlinkat(store->dir, "snapshot.tmp", 0);
        errno = error;
        return false;
    }
    output_end(&store->output);
    store->output = next;
    store->must_rewrite = false;
    counter_add(store_compactions, 1);
    return true;
}

static bool write_epoch(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    uint64_t wanted = store->epoch_wanted;
    bool is_written = wanted == store->epoch_written;
    pthread_mutex_unlock(&store->mutex);
    if (is_written)
        return true;
    if (!identity_write_epoch(store->dir, wanted))
        return false;
    pthread_mutex_lock(&store->mutex);
    store->epoch_written = wanted;
    pthread_mutex_unlock(&store->mutex);
    return true;
}

static bool write_all(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    size_t needed_bytes = mirror_bytes(store->mirror);
    pthread_mutex_unlock(&store->mutex);
    if (!write_epoch(store))
        return false;
    if (store->must_rewrite || store->output.bytes > 2 * needed_bytes + SLACK_BYTES)
        return rewrite(store);
    counter_add(store_writes, 1);
    store->must_rewrite = !write_changes(store, NULL);
    return !store->must_rewrite;
}

static void say_outcome(bool is_done, bool was_failing)
{
    static struct log_limit limit;
    uint64_t repeated;
    int error = errno;

    if (is_done && was_failing)
        log_say(LOG_LEVEL_INFO, "store.recovered", "the data directory can be written again");
    if (is_done)
        return;
    counter_add(store_errors, 1);
    if (!was_failing)
        atomic_store(&limit.next_ms, 0);
    if (log_limit_pass(&limit, clock_mono_ms(), &repeated))
        log_say(LOG_LEVEL_ERROR, "store.write_failed",
                "cannot write the data directory; trying again each second, and until it succeeds "
                "a crash would lose the changes since",
                log_text("error", strerror(error)), log_number("repeated", repeated));
}

/* With the mutex held: waits for at most so long, or until told to stop. */
static void wait_for(struct store *store, pthread_cond_t *condition, uint64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!store->is_stopping && pthread_cond_timedwait(condition, &store->mutex, &until) == 0)
        continue;
}

static void *store_run(void *context)
{
    struct store *store = context;
    bool is_failing = false;

    pthread_mutex_lock(&store->mutex);
    while (!store->is_stopping || (!is_clean(store) && !is_failing)) {
        store->is_idle = true;
        while (!store->is_stopping && is_clean(store) && !store->must_rewrite)
            pthread_cond_wait(&store->changed, &store->mutex);
        store->is_idle = false;
        wait_for(store, &store->changed, is_failing ? STORE_RETRY_MS : STORE_DELAY_MS);
        store->is_writing = true;
        pthread_mutex_unlock(&store->mutex);

        bool is_done = write_all(store);
        say_outcome(is_done, is_failing);
        is_failing = !is_done;

        pthread_mutex_lock(&store->mutex);
        store->is_writing = is_failing; /* what was taken and not written is still owed */
        if (is_clean(store))
            pthread_cond_broadcast(&store->cleaned);
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

bool store_start(struct store *store)
{
    assert(!store->has_thread);
    store->has_thread = thread_start(&store->thread, "aurora-store", store_run, store);
    return store->has_thread;
}

void store_close(struct store *store, uint64_t wait_ms)
{
    struct timespec until;

    if (store == NULL)
        return;
    if (store->has_thread) {
        pthread_mutex_lock(&store->mutex);
        store->is_stopping = true;
        pthread_cond_signal(&store->changed);
        pthread_mutex_unlock(&store->mutex);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += (time_t)(wait_ms / 1000) + 1;
        if (pthread_timedjoin_np(store->thread, NULL, &until) != 0)
            return; /* the disk is stuck; the process ends anyway, and the lock with it */
    }
    store_free(store);
}
