// SPDX-License-Identifier: Apache-2.0
/* test_address.c - who gets what is sent where, after NATs and swaps */
#include "sim/address.h"

#include <criterion/criterion.h>

static struct address_book book;

static uint32_t at(uint32_t number, uint64_t now_us)
{
    struct addr addr = address_at(&book, number);

    return address_find(&book, &addr, now_us);
}

Test(address, every_node_has_one_of_its_own)
{
    struct addr addr;

    book.nodes = 300;
    for (uint32_t i = 0; i < 300; i++)
        cr_assert_eq(at(i, 0), i);
    addr = address_of_node(300);
    cr_assert_eq(address_find(&book, &addr, 0), ADDRESS_NOBODY);
    addr = address_of_node(7);
    addr.port++;
    cr_assert_eq(address_find(&book, &addr, 0), ADDRESS_NOBODY);
}

Test(address, after_a_rebinding_the_old_one_works_as_long_as_said)
{
    book.nodes = 3;
    uint32_t first = address_rebind(&book, 1, 1, 500);
    cr_assert_eq(at(1, 499), 1);
    cr_assert_eq(at(1, 500), ADDRESS_NOBODY);
    cr_assert_eq(at(first, 900), 1);
    struct addr old = address_at(&book, 1), new = address_at(&book, first);
    cr_assert_arr_eq(old.ip, new.ip, sizeof(old.ip), "only the port changes");
    cr_assert_neq(old.port, new.port);
    uint32_t second = address_rebind(&book, first, 1, 1000);
    cr_assert_eq(at(first, 1000), ADDRESS_NOBODY);
    cr_assert_eq(at(second, 1000), 1);
    cr_assert_eq(at(0, 1000), 0);
    address_book_free(&book);
}

Test(address, a_restored_one_leads_to_its_node_and_so_do_the_ports_between)
{
    book.nodes = 3;
    uint32_t first = address_rebind(&book, 1, 1, 500);
    uint32_t second = address_rebind(&book, first, 1, 600);
    struct addr own = address_of_node(1);
    cr_assert_eq(address_restore(&book, &own, 1), 1);
    cr_assert_eq(at(1, 1000), 1);
    cr_assert_eq(at(first, 1000), 1);
    cr_assert_eq(at(second, 1000), 1);
    address_book_free(&book);
}

Test(address, swapped_ones_lead_to_the_other_node)
{
    book.nodes = 4;
    address_swap(&book, 1, 3);
    cr_assert_eq(at(1, 0), 3);
    cr_assert_eq(at(3, 0), 1);
    cr_assert_eq(at(2, 0), 2);
    address_swap(&book, 3, 1);
    cr_assert_eq(at(1, 0), 1);
    address_book_free(&book);
}
