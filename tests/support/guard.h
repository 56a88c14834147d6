// SPDX-License-Identifier: Apache-2.0
/* guard.h - input that ends flush against an unreadable page
 *
 * A decoder that reads one byte past its input crashes the test, sanitizer or not. Every decoder's
 * test and fuzzer gives it its input this way.
 */
#ifndef AURORA_TESTS_SUPPORT_GUARD_H
#define AURORA_TESTS_SUPPORT_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* A writable copy of `size` bytes whose end is the end of the readable memory. With size 0 the
 * result may not be read at all. `data` may be NULL: the bytes are then zero. Free it with the
 * same size. */
uint8_t *guard_copy(const void *data, size_t size);
void guard_free(uint8_t *copy, size_t size);

#endif
