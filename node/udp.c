// SPDX-License-Identifier: Apache-2.0
/* udp.c - the gossip sockets: datagrams in and out in batches */
#include "node/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/counters.h"
#include "node/net.h"

static void set_buffer(int fd, int option, int forced)
{
    int bytes = UDP_BUFFER_BYTES;

    /* The second one is for root, beyond the system's maximum. What is granted will have to do. */
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

static int open_socket(struct addr *addr)
{
    int fd = net_open(SOCK_DGRAM, addr), on = 1;

    if (fd < 0)
        return -1;
    set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE);
    set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE);
    (void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    return fd;
}

bool udp_open(struct udp *udp, const struct addr *addrs, size_t count, struct addr *failed)
{
    assert(count >= 1 && count <= NODE_ADDRESSES_MAX);
    udp->count = udp->out_count = 0;
    memset(udp->overflows, 0, sizeof udp->overflows);
    for (size_t i = 0; i < count; i++) {
        udp->addrs[i] = addrs[i];
        /* Both families on one port where the choice is free: one thing less to be surprised by. */
        if (i > 0 && addrs[i].port == 0)
            udp->addrs[i].port = udp->addrs[0].port;
        udp->fds[i] = open_socket(&udp->addrs[i]);
        if (udp->fds[i] < 0) {
            int error = errno;

            *failed = udp->addrs[i];
            udp_close(udp);
            errno = error;
            return false;
        }
        udp->count++;
    }
    return true;
}

void udp_close(struct udp *udp)
{
    for (size_t i = 0; i < udp->count; i++)
        close(udp->fds[i]);
    udp->count = 0;
}

/* --- In -------------------------------------------------------------------------------------- */

struct receiving {
    struct mmsghdr headers[UDP_IN_BATCH];
    struct iovec parts[UDP_IN_BATCH];
    struct sockaddr_in6 names[UDP_IN_BATCH]; /* the larger of the two families' */
    _Alignas(struct cmsghdr) char controls[UDP_IN_BATCH][CMSG_SPACE(sizeof(uint32_t))];
};

static void receiving_prepare(struct receiving *receiving, struct udp *udp)
{
    for (size_t i = 0; i < UDP_IN_BATCH; i++) {
        receiving->parts[i] = (struct iovec){udp->in[i].bytes, sizeof udp->in[i].bytes};
        receiving->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &receiving->names[i],
            .msg_namelen = sizeof receiving->names[i],
            .msg_iov = &receiving->parts[i],
            .msg_iovlen = 1,
            .msg_control = receiving->controls[i],
            .msg_controllen = sizeof receiving->controls[i],
        };
    }
}

/* SO_RXQ_OVFL: how many datagrams this socket's queue has dropped, ever. */
static void count_overflows(uint64_t *seen, struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        uint32_t dropped;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
        if (dropped > *seen) {
            counter_add(udp_overflows, dropped - *seen);
            *seen = dropped;
        }
    }
}

/* Moves the datagrams that could be ours to the front; returns how many. */
static size_t receiving_sift(struct receiving *receiving, struct udp *udp, size_t socket,
                             size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct mmsghdr *header = &receiving->headers[i];

        count_overflows(&udp->overflows[socket], &header->msg_hdr);
        if (header->msg_len > PACKET_MAX_BYTES) {
            counter_add(udp_truncated, 1);
            continue;
        }
        if (kept != i)
            memcpy(udp->in[kept].bytes, udp->in[i].bytes, header->msg_len);
        udp->in[kept].len = header->msg_len;
        udp->in[kept].addr = net_from_system((struct sockaddr *)&receiving->names[i]);
        kept += udp->in[kept].addr.family != ADDR_NONE;
    }
    return kept;
}

size_t udp_receive(struct udp *udp, size_t socket, bool *is_empty)
{
    struct receiving receiving;

    assert(socket < udp->count);
    receiving_prepare(&receiving, udp);
    int count = recvmmsg(udp->fds[socket], receiving.headers, UDP_IN_BATCH, MSG_DONTWAIT, NULL);
    *is_empty = count < UDP_IN_BATCH;
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR)
            counter_add(udp_receive_errors, 1);
        return 0;
    }
    return receiving_sift(&receiving, udp, socket, (size_t)count);
}

/* --- Out ------------------------------------------------------------------------------------- */

struct udp_packet *udp_slot(struct udp *udp)
{
    assert(udp->out_count < UDP_BATCH);
    return &udp->out[udp->out_count];
}

void udp_queue(struct udp *udp)
{
    assert(udp->out[udp->out_count].len <= PACKET_MAX_BYTES);
    if (++udp->out_count == UDP_BATCH)
        udp_flush(udp);
}

/* The system tells of the first datagram that it refuses by failing with it in front: skip it. */
static void send_all(int fd, struct mmsghdr *headers, unsigned count)
{
    while (count > 0) {
        int sent = sendmmsg(fd, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            counter_add(udp_send_blocked, count);
            return;
        }
        if (sent <= 0) {
            counter_add(udp_send_errors, 1);
            sent = 1;
        }
        headers += sent;
        count -= (unsigned)sent;
    }
}

static void flush_family(struct udp *udp, uint8_t family, int fd)
{
    struct mmsghdr headers[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    struct sockaddr_storage names[UDP_BATCH];
    unsigned count = 0;

    for (size_t i = 0; i < udp->out_count; i++) {
        struct udp_packet *packet = &udp->out[i];

        if (packet->addr.family != family)
            continue;
        parts[count] = (struct iovec){packet->bytes, packet->len};
        headers[count].msg_hdr = (struct msghdr){
            .msg_name = &names[count],
            .msg_namelen = net_to_system(&packet->addr, &names[count]),
            .msg_iov = &parts[count],
            .msg_iovlen = 1,
        };
        count++;
    }
    if (count > 0 && fd >= 0)
        send_all(fd, headers, count);
    else
        counter_add(udp_send_errors, count); /* we have no socket of that family */
}

void udp_flush(struct udp *udp)
{
    int ipv4 = -1, ipv6 = -1;

    if (udp->out_count == 0)
        return;
    for (size_t i = 0; i < udp->count; i++)
        *(udp->addrs[i].family == ADDR_IPV6 ? &ipv6 : &ipv4) = udp->fds[i];
    flush_family(udp, ADDR_IPV4, ipv4);
    flush_family(udp, ADDR_IPV6, ipv6);
    udp->out_count = 0;
}
