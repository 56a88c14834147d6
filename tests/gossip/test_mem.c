// SPDX-License-Identifier: Apache-2.0
/* test_mem.c - memory comes zeroed, grows with its contents, and is never NULL */
#include "gossip/mem.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

Test(mem, fresh_memory_is_zero)
{
    for (int round = 0; round < 10; round++) {
        uint8_t *bytes = mem_alloc(5000);
        for (size_t i = 0; i < 5000; i++)
            cr_assert_eq(bytes[i], 0);
        memset(bytes, 0xff, 5000); /* for the next round to find */
        mem_free(bytes);
    }
}

Test(mem, resizing_keeps_the_contents)
{
    char *text = mem_resize(NULL, 6);

    memcpy(text, "hello", 6);
    text = mem_resize(text, 100000);
    cr_assert_str_eq(text, "hello");
    text = mem_resize(text, 6);
    cr_assert_str_eq(text, "hello");
    mem_free(text);
    mem_free(NULL);
}

/* Not NULL, which nobody checks for: the process ends where the memory did. (AddressSanitizer has
 * its own way of ending it.) */
#ifndef __SANITIZE_ADDRESS__
Test(mem, running_out_ends_the_process, .signal = SIGABRT)
{
    volatile size_t impossible = SIZE_MAX / 2;

    mem_alloc(impossible);
}
#endif
