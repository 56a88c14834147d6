// SPDX-License-Identifier: Apache-2.0
/* test_output.c - a file is whole or not there */
#include "sim/output.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/aurora-output-XXXXXX";
static char path[80];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/result", folder);
    cr_redirect_stderr();
}

static size_t files(void)
{
    DIR *dir = opendir(folder);
    size_t count = 0;

    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void end(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(output, .init = begin, .fini = end);

static const char *content(void)
{
    static char text[80];
    FILE *file = fopen(path, "r");

    memset(text, 0, sizeof(text));
    if (file == NULL)
        return "";
    cr_assert_lt(fread(text, 1, sizeof(text) - 1, file), sizeof(text));
    fclose(file);
    return text;
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

Test(output, old_file_stays_until_the_new_one_is_whole)
{
    struct output output;

    put("old");
    cr_assert(output_open(&output, "--json", path));
    fputs("new", output.file);
    fflush(output.file);
    cr_assert_str_eq(content(), "old");
    cr_assert(output_finish(&output));
    cr_assert_str_eq(content(), "new");
    cr_assert_eq(files(), 1);
}

Test(output, dropped_leaves_nothing)
{
    struct output output;

    cr_assert(output_open(&output, "--json", path));
    fputs("half", output.file);
    output_drop(&output);
    cr_assert_eq(files(), 0);
}

Test(output, is_as_public_as_any_new_file)
{
    struct output output;
    struct stat is;

    umask(022);
    cr_assert(output_open(&output, "--json", path) && output_finish(&output));
    cr_assert_eq(stat(path, &is), 0);
    cr_assert_eq(is.st_mode & 0777, 0644);
}

Test(output, full_disk_is_a_failure)
{
    struct output output;

    cr_assert(output_open(&output, "--json", "/dev/full"));
    fputs("x", output.file);
    cr_assert_not(output_finish(&output));
}

Test(output, folder_that_is_not_there_is_said_at_once)
{
    struct output output;
    char nowhere[100];

    snprintf(nowhere, sizeof(nowhere), "%s/no/where", folder);
    cr_assert_not(output_open(&output, "--json", nowhere));
    cr_assert_not(output_open(&output, "--json", folder));
    cr_assert(output_finish(&output), "and then there is nothing to finish");
}

Test(output, link_stays_a_link)
{
    struct output output;
    char link[100];
    struct stat is;

    put("old");
    snprintf(link, sizeof(link), "%s/link", folder);
    cr_assert_eq(symlink(path, link), 0);
    cr_assert(output_open(&output, "--json", link));
    fputs("new", output.file);
    cr_assert(output_finish(&output));
    cr_assert_str_eq(content(), "new");
    cr_assert(lstat(link, &is) == 0 && S_ISLNK(is.st_mode));
    unlink(link);
}

Test(output, not_wanted_is_nothing)
{
    struct output output;

    cr_assert(output_open(&output, "--json", NULL));
    cr_assert_null(output_name(&output));
    cr_assert(output_finish(&output));
}
