// SPDX-License-Identifier: Apache-2.0
/* file.c - small files, whole: read, and replaced so that a crash leaves the old or the new one */
#include "node/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64

static void close_keeping_errno(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
}

static ssize_t read_all(int fd, void *out, size_t capacity)
{
    size_t len = 0;

    while (len < capacity) {
        ssize_t got = read(fd, (char *)out + len, capacity - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

ssize_t file_read(int dir, const char *name, void *out, size_t capacity)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    ssize_t len = read_all(fd, out, capacity);
    close_keeping_errno(fd);
    return len;
}

static ssize_t read_sized(int fd, size_t max, void **out)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return -1;
    if (!S_ISREG(status.st_mode) || (uintmax_t)status.st_size > max) {
        errno = EFBIG;
        return -1;
    }
    *out = malloc((size_t)status.st_size + 1); /* never of 0 bytes */
    if (*out == NULL)
        return -1;
    return read_all(fd, *out, (size_t)status.st_size);
}

ssize_t file_read_all(int dir, const char *name, size_t max, void **out)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

    *out = NULL;
    if (fd < 0)
        return -1;
    ssize_t len = read_sized(fd, max, out);
    close_keeping_errno(fd);
    if (len < 0) {
        free(*out);
        *out = NULL;
    }
    return len;
}

bool file_write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t written = write(fd, at, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        len -= (size_t)written;
    }
    return true;
}

bool file_commit(int dir, int fd, const char *temporary, const char *name)
{
    /* The bytes before the name: a rename that reaches the disk first would show an empty file. */
    return fsync(fd) == 0 && renameat(dir, temporary, dir, name) == 0 && fsync(dir) == 0;
}

bool file_replace(int dir, const char *name, const void *bytes, size_t len, mode_t mode)
{
    char temporary[NAME_MAX_BYTES];

    assert(strlen(name) + sizeof ".tmp" <= sizeof temporary);
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    bool is_done = file_write_all(fd, bytes, len) && file_commit(dir, fd, temporary, name);
    if (!is_done) {
        int error = errno;

        unlinkat(dir, temporary, 0); /* on a full disk its room is needed */
        errno = error;
    }
    close_keeping_errno(fd);
    return is_done;
}
