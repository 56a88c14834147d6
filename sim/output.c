// SPDX-License-Identifier: Apache-2.0
/* output.c - files written beside their place */
#define _XOPEN_SOURCE 700 /* realpath */
#include "sim/output.h"

#include "sim/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse(const char *option, const char *path, int error)
{
    fprintf(stderr,
            "aurora-sim: %s: '%s' cannot be written: %s; name a file in a folder that can\n",
            option, path, strerror(error));
    return false;
}

static char *copy_of(const char *text, const char *tail)
{
    size_t bytes = strlen(text) + strlen(tail) + 1;
    char *copy = memory_resize(NULL, bytes);

    snprintf(copy, bytes, "%s%s", text, tail);
    return copy;
}

/* mkstemp makes it private; a result is as public as any new file. */
static void make_public(int file)
{
    mode_t mask = umask(0);

    umask(mask);
    (void)!fchmod(file, 0666 & ~mask);
}

static bool open_beside(struct output *output)
{
    output->temp = copy_of(output->path, ".XXXXXX");
    int file = mkstemp(output->temp);
    if (file < 0) {
        free(output->temp);
        output->temp = NULL;
        return false;
    }
    make_public(file);
    output->file = fdopen(file, "w");
    return output->file != NULL;
}

bool output_open(struct output *output, const char *option, const char *path)
{
    struct stat is;

    *output = (struct output){0};
    if (path == NULL)
        return true;
    if (strcmp(path, "-") == 0) {
        output->path = copy_of("stdout", "");
        output->file = stdout;
        return true;
    }
    bool exists = stat(path, &is) == 0;
    char *real = exists ? realpath(path, NULL) : NULL; /* a link stays a link */
    output->path = real != NULL ? real : copy_of(path, "");
    bool is_open;
    if (exists && S_ISDIR(is.st_mode)) {
        errno = EISDIR;
        is_open = false;
    } else if (exists && !S_ISREG(is.st_mode)) {
        output->file = fopen(path, "w");
        is_open = output->file != NULL;
    } else {
        is_open = (!exists || access(path, W_OK) == 0) && open_beside(output);
    }
    if (is_open)
        return true;
    refuse(option, path, errno);
    output_drop(output);
    return false;
}

static bool lost(const struct output *output, int error)
{
    fprintf(stderr, "aurora-sim: '%s' could not be written: %s; the run is not in it\n",
            output->path, strerror(error ? error : EIO));
    return false;
}

bool output_finish(struct output *output)
{
    bool is_written = true;

    if (output->path == NULL)
        return true;
    errno = 0;
    if (output->file != NULL)
        is_written = !ferror(output->file) && fflush(output->file) == 0;
    if (output->file != NULL && output->file != stdout)
        is_written = fclose(output->file) == 0 && is_written;
    output->file = NULL;
    if (is_written && output->temp != NULL)
        is_written = rename(output->temp, output->path) == 0;
    if (!is_written)
        lost(output, errno);
    else if (output->temp != NULL)
        output->temp[0] = '\0'; /* it has another name now */
    output_drop(output);
    return is_written;
}

void output_drop(struct output *output)
{
    if (output->file != NULL && output->file != stdout)
        fclose(output->file);
    if (output->temp != NULL && output->temp[0] != '\0')
        unlink(output->temp);
    free(output->temp);
    free(output->path);
    *output = (struct output){0};
}

const char *output_name(const struct output *output)
{
    return output->temp != NULL ? output->temp : output->path;
}
