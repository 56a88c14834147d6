// SPDX-License-Identifier: Apache-2.0
/* file.h - small files, whole: read, and replaced so that a crash leaves the old or the new one */
#ifndef AURORA_NODE_FILE_H
#define AURORA_NODE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All of these work in the directory `dir` (a descriptor), and set errno. */

/* Bytes read (at most `capacity`), or -1; ENOENT: there is none. */
ssize_t file_read(int dir, const char *name, void *out, size_t capacity);
/* The whole of a file of at most `max` bytes; the caller frees *out. -1: see errno (EFBIG). */
ssize_t file_read_all(int dir, const char *name, size_t max, void **out);
bool file_write_all(int fd, const void *bytes, size_t len);
/* To a temporary file, to the disk, over the old one, and the directory to the disk. */
bool file_replace(int dir, const char *name, const void *bytes, size_t len, mode_t mode);
/* The last two steps of it, for a file that was written as `temporary`. */
bool file_commit(int dir, int fd, const char *temporary, const char *name);

#endif
