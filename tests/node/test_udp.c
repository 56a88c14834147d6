// SPDX-License-Identifier: Apache-2.0
/* test_udp.c - datagrams in batches, both families, and what is refused is counted */
#include "node/udp.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/counters.h"
#include "node/net.h"

static struct udp a, b;

static struct addr parse(const char *text)
{
    struct addr addr;

    cr_assert(net_parse(text, 0, &addr));
    return addr;
}

static void open_on(struct udp *udp, const char *first, const char *second)
{
    struct addr addrs[2] = {parse(first)}, failed;

    if (second != NULL)
        addrs[1] = parse(second);
    cr_assert(udp_open(udp, addrs, second != NULL ? 2 : 1, &failed), "%s", strerror(errno));
    cr_assert_neq(udp->addrs[0].port, 0, "a free port was chosen");
}

static void queue_text(struct udp *udp, const struct addr *to, const char *text)
{
    struct udp_packet *packet = udp_slot(udp);

    packet->addr = *to;
    packet->len = strlen(text);
    memcpy(packet->bytes, text, packet->len);
    udp_queue(udp);
}

/* Waits until the socket is readable, at most five seconds. */
static size_t receive(struct udp *udp, size_t socket, bool *is_empty)
{
    struct pollfd wait = {.fd = udp->fds[socket], .events = POLLIN};

    cr_assert_eq(poll(&wait, 1, 5000), 1, "nothing arrived");
    return udp_receive(udp, socket, is_empty);
}

Test(udp, datagrams_arrive_whole_and_name_their_sender)
{
    bool is_empty;

    open_on(&a, "127.0.0.1", NULL);
    open_on(&b, "127.0.0.1", NULL);
    queue_text(&a, &b.addrs[0], "one");
    queue_text(&a, &b.addrs[0], "three");
    udp_flush(&a);
    size_t count = receive(&b, 0, &is_empty);
    if (count == 1)
        cr_assert_eq(receive(&b, 0, &is_empty), 1);
    else
        cr_assert_eq(b.in[1].len, 5);
    cr_assert(addr_equal(&b.in[0].addr, &a.addrs[0]));
    cr_assert(is_empty);
    udp_close(&a);
    udp_close(&b);
}

Test(udp, more_than_a_batch_is_sent_and_received)
{
    size_t received = 0;
    bool is_empty;

    open_on(&a, "127.0.0.1", NULL);
    open_on(&b, "127.0.0.1", NULL);
    for (int i = 0; i < 3 * UDP_BATCH + 1; i++)
        queue_text(&a, &b.addrs[0], "x");
    udp_flush(&a);
    while (received < 3 * UDP_BATCH + 1)
        received += receive(&b, 0, &is_empty);
    cr_assert(is_empty);
    cr_assert_eq(received, 3 * UDP_BATCH + 1);
    udp_close(&a);
    udp_close(&b);
}

Test(udp, both_families_share_one_node)
{
    bool is_empty;

    open_on(&a, "127.0.0.1", "::1");
    open_on(&b, "127.0.0.1", "::1");
    cr_assert_eq(b.addrs[0].port, b.addrs[1].port);
    queue_text(&a, &b.addrs[1], "six");
    queue_text(&a, &b.addrs[0], "four");
    udp_flush(&a);
    cr_assert_eq(receive(&b, 1, &is_empty), 1);
    cr_assert_eq(b.in[0].addr.family, ADDR_IPV6);
    cr_assert(addr_equal(&b.in[0].addr, &a.addrs[1]));
    cr_assert_eq(receive(&b, 0, &is_empty), 1);
    cr_assert_eq(b.in[0].addr.family, ADDR_IPV4);
    udp_close(&a);
    udp_close(&b);
}

Test(udp, a_datagram_of_a_family_without_a_socket_is_counted)
{
    struct addr to = parse("[::1]:9");
    uint64_t before = counter_read(udp_send_errors);

    open_on(&a, "127.0.0.1", NULL);
    queue_text(&a, &to, "x");
    udp_flush(&a);
    cr_assert_eq(counter_read(udp_send_errors), before + 1);
    udp_close(&a);
}

Test(udp, a_refused_datagram_does_not_hold_up_the_others)
{
    struct addr nowhere = parse("127.0.0.1:0");
    uint64_t before = counter_read(udp_send_errors);
    size_t received = 0;
    bool is_empty;

    open_on(&a, "127.0.0.1", NULL);
    open_on(&b, "127.0.0.1", NULL);
    queue_text(&a, &b.addrs[0], "before");
    queue_text(&a, &nowhere, "x"); /* port 0: EINVAL */
    queue_text(&a, &b.addrs[0], "after");
    udp_flush(&a);
    while (received < 2)
        received += receive(&b, 0, &is_empty);
    cr_assert_eq(counter_read(udp_send_errors), before + 1);
    udp_close(&a);
    udp_close(&b);
}

Test(udp, a_datagram_longer_than_any_of_ours_is_dropped_and_counted)
{
    static char bytes[PACKET_MAX_BYTES + 100];
    uint64_t before = counter_read(udp_truncated);
    struct sockaddr_storage name;
    bool is_empty;

    open_on(&b, "127.0.0.1", NULL);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t len = net_to_system(&b.addrs[0], &name);
    for (size_t size = PACKET_MAX_BYTES; size <= sizeof bytes; size += 100)
        cr_assert_eq(sendto(fd, bytes, size, 0, (struct sockaddr *)&name, len), (ssize_t)size);
    size_t count = receive(&b, 0, &is_empty);
    if (!is_empty || counter_read(udp_truncated) == before)
        count += udp_receive(&b, 0, &is_empty);
    cr_assert_eq(count, 1);
    cr_assert_eq(b.in[0].len, PACKET_MAX_BYTES);
    cr_assert_eq(counter_read(udp_truncated), before + 1);
    close(fd);
    udp_close(&b);
}

Test(udp, a_port_in_use_is_refused_by_name)
{
    struct addr failed;

    open_on(&a, "127.0.0.1", NULL);
    cr_assert_not(udp_open(&b, a.addrs, 1, &failed));
    cr_assert_eq(errno, EADDRINUSE);
    cr_assert(addr_equal(&failed, &a.addrs[0]));
    udp_close(&a);
}

Test(net, addresses_and_their_texts_are_one_to_one)
{
    static const char *const texts[] = {"127.0.0.1:4747", "[::1]:1", "[fd00::1:2]:65535",
                                        "255.255.255.255:1"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct addr addr = parse(texts[i]);
        struct sockaddr_storage name;
        char text[NET_TEXT_BYTES];

        cr_assert_str_eq(net_text(&addr, text), texts[i]);
        net_to_system(&addr, &name);
        struct addr back = net_from_system((struct sockaddr *)&name);
        cr_assert(addr_equal(&addr, &back));
    }
}

Test(net, what_is_no_address_is_refused)
{
    static const char *const wrong[] = {
        "",     "a",      "1.2.3", "1.2.3.4:",  "1.2.3.4:x",  "1.2.3.4:65536",
        "[::1", "[::1]x", "::1]",  "[1.2.3.4]", "1.2.3.4:-1", "1.2.3.4:000001"};
    struct addr addr;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_not(net_parse(wrong[i], 1, &addr), "\"%s\" was taken", wrong[i]);
}
