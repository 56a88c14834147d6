// SPDX-License-Identifier: Apache-2.0
/* guard.c - input that ends flush against an unreadable page */
#include "tests/support/guard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t readable_bytes(size_t size)
{
    return (size + page_bytes() - 1) / page_bytes() * page_bytes();
}

uint8_t *guard_copy(const void *data, size_t size)
{
    size_t readable = readable_bytes(size);
    uint8_t *base = mmap(NULL, readable + page_bytes(), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (base == MAP_FAILED || mprotect(base + readable, page_bytes(), PROT_NONE) != 0)
        abort();
    uint8_t *copy = base + readable - size;
    if (data != NULL && size > 0)
        memcpy(copy, data, size);
    return copy;
}

void guard_free(uint8_t *copy, size_t size)
{
    size_t readable = readable_bytes(size);

    if (munmap(copy + size - readable, readable + page_bytes()) != 0)
        abort();
}
