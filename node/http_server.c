// SPDX-License-Identifier: Apache-2.0
/* http_server.c - the sockets: listeners and connections */
#include "node/http_server.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gossip/mem.h"
#include "node/clock.h"
#include "node/http_conn.h"
#include "node/http_reader.h"
#include "node/net.h"
#include "node/watcher.h"

#define TICK_MS            500
#define ACCEPTS_PER_TURN   64   /* then whoever is connected already gets a turn */
#define ACCEPT_PAUSE_MS    200  /* without descriptors, trying at once would only spin */
#define LINGER_MS          5000 /* for a client to read its refusal while it still sends */
#define LINGERING_MAX      256
#define OUTPUT_PIECES      64
#define WATCHERS_PER_TURN  64           /* then requests get a turn */
#define WATCHER_TURN_BYTES (256u << 10) /* the same for one that takes all it is given */

struct http_socket {
    struct http_server *server;
    struct http_socket *before, *after;
    struct http_conn conn; /* first thing freed */
    struct http_address *address;
    struct loop_fd fd;
    int number;
    struct buffer stalled; /* read from the socket, not yet taken by the connection */
    int send_buffer;       /* what the system was told; 0: its own choice */
    bool is_lingering;     /* said its last; input is thrown away until the client closes */
    uint64_t linger_until_ms;
};

/* --- One connection ------------------------------------------------------------------------ */

static struct http_team *team_of(const struct http_server *server)
{
    return server->api->options->team;
}

/* The descriptor stays open, and counts as it did. */
static void socket_forget(struct http_socket *socket)
{
    struct http_server *server = socket->server;

    loop_fd_stop(&socket->fd);
    http_conn_free(&socket->conn);
    *(socket->before != NULL ? &socket->before->after : &server->first) = socket->after;
    if (socket->after != NULL)
        socket->after->before = socket->before;
    server->count--;
    if (socket->is_lingering)
        server->lingering_count--;
    atomic_fetch_sub(&server->api->stats->connections, 1);
    buffer_free(&socket->stalled);
    mem_free(socket);
    if (server->count == 0) {
        loop_timer_stop(&server->tick);
        loop_timer_stop(&server->round);
        api_rest(server->api);
    }
}

static void socket_close(struct http_socket *socket)
{
    close(socket->number);
    http_team_leave(team_of(socket->server), socket->address, socket->is_lingering);
    socket_forget(socket);
}

/* Closing while the client still sends would make its system throw our answer away unread (RFC
 * 9112, section 9.6): say that we are done, and read on for a while. */
static void socket_finish(struct http_socket *socket)
{
    struct http_server *server = socket->server;

    http_conn_retire(&socket->conn);
    if (!socket->conn.was_refused || server->lingering_count == LINGERING_MAX ||
        shutdown(socket->number, SHUT_WR) != 0) {
        socket_close(socket);
        return;
    }
    socket->is_lingering = true;
    socket->linger_until_ms = server->api->now_mono_ms + LINGER_MS;
    server->lingering_count++;
    http_team_linger(team_of(server));
    loop_fd_watch(&socket->fd, LOOP_READ);
}

/* The system would hold megabytes for a watcher that does not read, out of our sight. To one that
 * is told to go it may hold a little more: those words shall arrive. */
static void fit_send_buffer(struct http_socket *socket)
{
    const struct watcher *watcher = socket->conn.watcher;
    int bytes;

    if (watcher == NULL)
        return;
    bytes = watcher_is_ending(watcher) ? WATCHER_LAST_WORD_BYTES : WATCHER_SEND_BUFFER_BYTES;
    if (socket->send_buffer == bytes)
        return;
    socket->send_buffer = bytes;
    setsockopt(socket->number, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

/* Once, what comes next; 0: nothing does. sendfile knows no MSG_NOSIGNAL: the thread has SIGPIPE
 * blocked (thread.h). */
static ssize_t send_some(struct http_socket *socket)
{
    struct iovec pieces[OUTPUT_PIECES];
    struct msghdr message = {.msg_iov = pieces};
    size_t at, len;
    int file = http_conn_file(&socket->conn, &at, &len);

    if (len > 0)
        return sendfile(socket->number, file, &(off_t){(off_t)at}, len);
    message.msg_iovlen = (size_t)http_conn_output(&socket->conn, pieces, OUTPUT_PIECES);
    if (message.msg_iovlen == 0)
        return 0;
    return sendmsg(socket->number, &message, MSG_NOSIGNAL | (file >= 0 ? MSG_MORE : 0));
}

/* Sends what it can. False: the connection is gone. */
static bool socket_send(struct http_socket *socket)
{
    struct api *api = socket->server->api;
    size_t sent_bytes = 0;
    ssize_t sent;

    fit_send_buffer(socket);
    while ((sent = send_some(socket)) != 0) {
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (sent < 0) {
            socket_close(socket);
            return false;
        }
        stat_add(&api->stats->bytes_out, (uint64_t)sent);
        http_conn_sent(&socket->conn, (size_t)sent, api->now_mono_ms);
        sent_bytes += (size_t)sent;
        if (socket->conn.watcher != NULL && sent_bytes >= WATCHER_TURN_BYTES)
            return true;
    }
    return true;
}

/* What was read but could not be taken, now that there may be room. */
static void feed_stalled(struct http_socket *socket)
{
    struct buffer *stalled = &socket->stalled;

    if (stalled->len == 0 || !http_conn_may_read(&socket->conn))
        return;
    size_t taken = http_conn_feed(&socket->conn, stalled->data, stalled->len,
                                  socket->server->api->now_mono_ms);
    memmove(stalled->data, stalled->data + taken, stalled->len - taken);
    stalled->len -= taken;
    if (stalled->len == 0)
        buffer_free(stalled);
}

/* To the first thread, as the request that it has come to says. False: it cannot take it. */
static bool socket_move(struct http_socket *socket)
{
    struct http_arrival *arrival = socket->conn.moving;

    arrival->number = socket->number;
    arrival->from = socket->conn.from;
    arrival->address = socket->address;
    loop_fd_stop(&socket->fd); /* before that thread's loop begins to watch it */
    if (!http_team_send(team_of(socket->server), HTTP_FIRST_THREAD, arrival))
        return false;
    socket->conn.moving = NULL;
    socket_forget(socket);
    return true;
}

/* Sends and takes input in turn until neither gets further; it may be closed afterwards. */
static void socket_advance(struct http_socket *socket)
{
    struct http_conn *conn = &socket->conn;
    size_t before;

    do {
        before = socket->stalled.len;
        if (!socket_send(socket))
            return;
        feed_stalled(socket);
    } while (socket->stalled.len < before);
    if (http_conn_is_moving(conn)) {
        if (socket_move(socket))
            return;
        conn->first->state = EXCHANGE_OPEN;
        conn->first->is_last = true;
        api_error(socket->server->api, conn->first, 503, "too many connections; try again soon");
        if (!socket_send(socket))
            return;
    }
    api_clean(socket->server->api, conn);
    if (http_conn_is_done(conn)) {
        socket_finish(socket);
        return;
    }
    unsigned wanted = http_conn_settle(conn) ? LOOP_WRITE : 0;
    if (http_conn_listens(conn) && socket->stalled.len == 0)
        wanted |= LOOP_READ;
    loop_fd_watch(&socket->fd, wanted);
}

static void socket_take(struct http_socket *socket, const uint8_t *data, size_t len)
{
    struct api *api = socket->server->api;
    size_t taken = http_conn_feed(&socket->conn, data, len, api->now_mono_ms);

    stat_add(&api->stats->bytes_in, len);
    assert(taken == len || socket->stalled.len == 0);
    buffer_add(&socket->stalled, data + taken, len - taken);
}

static void on_readable(struct http_socket *socket)
{
    struct http_server *server = socket->server;
    ssize_t len = recv(socket->number, server->room, HTTP_READ_BYTES, 0);

    if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (len < 0 || (len == 0 && socket->is_lingering)) {
        socket_close(socket);
        return;
    }
    if (socket->is_lingering)
        return;
    api_catch_up(server->api);
    if (len == 0)
        http_conn_end(&socket->conn, server->api->now_mono_ms);
    else
        socket_take(socket, server->room, (size_t)len);
    socket_advance(socket);
}

static void on_ready(void *context, unsigned ready)
{
    struct http_socket *socket = context;

    api_set_time(socket->server->api, clock_mono_ms(), clock_wall_us());
    if (ready & LOOP_READ)
        on_readable(socket);
    else
        socket_advance(socket);
}

/* --- Accepting ----------------------------------------------------------------------------- */

/* It counts as this thread's already. */
static struct http_socket *socket_open(struct http_server *server, int number,
                                       const struct addr *from, struct http_address *address)
{
    struct http_socket *socket = mem_alloc(sizeof *socket);

    socket->server = server;
    socket->number = number;
    socket->address = address;
    buffer_init(&socket->stalled, HTTP_READ_BYTES);
    http_conn_init(&socket->conn, server->api, from, server->api->now_mono_ms);
    socket->after = server->first;
    if (server->first != NULL)
        server->first->before = socket;
    server->first = socket;
    server->count++;
    if (!loop_timer_is_running(&server->tick))
        loop_timer_start(&server->tick, TICK_MS);
    loop_fd_init(&socket->fd, server->loop, number, on_ready, socket);
    loop_fd_watch(&socket->fd, LOOP_READ);
    return socket;
}

static struct http_socket *socket_keep(struct http_server *server, int number,
                                       const struct addr *from, struct http_address *address)
{
    stat_add(&server->api->stats->connections_accepted, 1);
    atomic_fetch_add(&server->api->stats->connections, 1);
    return socket_open(server, number, from, address);
}

/* To the thread that has fewest; to this one if that does not take it. */
static void place_connection(struct http_server *server, int number, const struct addr *from,
                             struct http_address *address)
{
    size_t thread = http_team_idlest(team_of(server));
    struct http_arrival *arrival;

    if (thread != server->api->options->number) {
        arrival = http_arrival_new(NULL, 0);
        arrival->number = number;
        arrival->from = *from;
        arrival->address = address;
        if (http_team_send(team_of(server), thread, arrival)) {
            stat_add(&server->api->stats->connections_accepted, 1);
            return;
        }
        mem_free(arrival);
    }
    socket_keep(server, number, from, address);
}

void http_server_take_arrivals(struct http_server *server)
{
    struct api *api = server->api;
    struct http_arrival *arrival;

    api_catch_up(api);
    while ((arrival = http_team_next(team_of(server), api->options->number)) != NULL) {
        struct http_socket *socket =
            socket_open(server, arrival->number, &arrival->from, arrival->address);

        if (arrival->len > 0) {
            http_conn_feed(&socket->conn, arrival->text, arrival->len, api->now_mono_ms);
            socket_advance(socket);
        }
        mem_free(arrival);
    }
}

/* A connection above the limits is answered and closed; it never gets to ask. Only a flood gets no
 * answer. */
static void refuse_connection(struct http_server *server, int number, const struct addr *from,
                              struct http_address *address)
{
    stat_add(&server->api->stats->connections_refused, 1);
    if (server->lingering_count == LINGERING_MAX) {
        close(number);
        http_team_leave(team_of(server), address, false);
        return;
    }
    struct http_socket *socket = socket_keep(server, number, from, address);
    http_reader_refuse(&socket->conn, 503, "too many connections; try again soon");
    socket_advance(socket);
}

static void watch_listeners(struct http_server *server, unsigned events)
{
    for (size_t i = 0; i < server->listener_count; i++)
        if (server->listeners[i].number >= 0)
            loop_fd_watch(&server->listeners[i].fd, events);
}

/* False: nobody is waiting any more, or the system has no more descriptors. */
static bool accept_one(struct http_server *server, int listener)
{
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof name;
    bool is_over;
    int on = 1;
    int number = accept4(listener, (struct sockaddr *)&name, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (number < 0) {
        if (errno == ECONNABORTED || errno == EINTR)
            return true;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            stat_add(&server->api->stats->accept_errors, 1);
            watch_listeners(server, 0);
            loop_timer_start(&server->accept, ACCEPT_PAUSE_MS);
        }
        return false;
    }
    struct addr from = net_from_system((const struct sockaddr *)&name);
    struct http_address *address = http_team_enter(team_of(server), &from, &is_over);
    setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (is_over)
        refuse_connection(server, number, &from, address);
    else
        place_connection(server, number, &from, address);
    return true;
}

static void on_listener(void *context, unsigned ready)
{
    struct http_listener *listener = context;

    (void)ready;
    api_set_time(listener->server->api, clock_mono_ms(), clock_wall_us());
    for (int i = 0; i < ACCEPTS_PER_TURN; i++)
        if (!accept_one(listener->server, listener->number))
            return;
}

static void on_accept_time(void *context)
{
    watch_listeners(context, LOOP_READ);
}

/* --- The whole ----------------------------------------------------------------------------- */

static void socket_on_time(struct http_socket *socket)
{
    struct api *api = socket->server->api;

    if (socket->is_lingering) {
        if (api->now_mono_ms >= socket->linger_until_ms)
            socket_close(socket);
        return;
    }
    switch (http_conn_on_time(&socket->conn, api->now_mono_ms)) {
    case CONN_STAYS: break;
    case CONN_SPEAKS:
        stat_add(&api->stats->connections_timed_out, 1);
        socket_advance(socket);
        break;
    case CONN_GOES:
        stat_add(&api->stats->connections_timed_out, 1);
        socket_close(socket);
        break;
    }
}

static struct http_socket *socket_of(struct http_conn *conn)
{
    return (struct http_socket *)(void *)((char *)conn - offsetof(struct http_socket, conn));
}

static void plan_round(struct http_server *server)
{
    uint64_t wait_ms = watch_wait_ms(&server->api->watch, server->api->now_mono_ms);

    if (wait_ms != UINT64_MAX && !loop_timer_is_running(&server->round))
        loop_timer_start(&server->round, wait_ms);
}

/* Serves some of those who watch, and comes back for the others. */
static void on_round(void *context)
{
    struct http_server *server = context;
    struct api *api = server->api;
    struct http_conn *conn;

    api_set_time(api, clock_mono_ms(), clock_wall_us());
    for (int i = 0; i < WATCHERS_PER_TURN; i++) {
        conn = watch_next_ready(&api->watch, api->now_mono_ms);
        if (conn == NULL)
            break;
        socket_advance(socket_of(conn));
    }
    plan_round(server);
}

static void on_tick(void *context)
{
    struct http_server *server = context;
    struct http_socket *next;

    api_set_time(server->api, clock_mono_ms(), clock_wall_us());
    loop_timer_start(&server->tick, TICK_MS);
    api_on_time(server->api);
    http_server_flush(server);
    for (struct http_socket *socket = server->first; socket != NULL; socket = next) {
        next = socket->after;
        socket_on_time(socket);
    }
    plan_round(server);
}

void http_server_flush(struct http_server *server)
{
    struct http_conn *conn;

    while ((conn = api_next_dirty(server->api)) != NULL)
        socket_advance(socket_of(conn));
    plan_round(server);
}

void http_server_start(struct http_server *server, struct api *api, struct loop *loop,
                       const int *listeners, size_t count)
{
    assert(count <= NODE_ADDRESSES_MAX);
    memset(server, 0, sizeof *server);
    server->api = api;
    server->loop = loop;
    server->listener_count = count;
    server->room = mem_alloc(HTTP_READ_BYTES);
    loop_timer_init(&server->tick, loop, on_tick, server);
    loop_timer_init(&server->round, loop, on_round, server);
    loop_timer_init(&server->accept, loop, on_accept_time, server);
    for (size_t i = 0; i < count; i++) {
        struct http_listener *listener = &server->listeners[i];

        listener->server = server;
        listener->number = listeners[i];
        loop_fd_init(&listener->fd, loop, listeners[i], on_listener, listener);
        loop_fd_watch(&listener->fd, LOOP_READ);
    }
}

/* Ends it after what is half said. Behind an earlier request its turn comes with that. */
static void dismiss_watcher(struct http_socket *socket)
{
    watcher_end(socket->conn.watcher);
    if (!socket->is_lingering && socket->conn.first == NULL)
        socket_advance(socket);
}

void http_server_close_listeners(struct http_server *server)
{
    struct http_socket *next;

    loop_timer_stop(&server->accept);
    for (size_t i = 0; i < server->listener_count; i++) {
        struct http_listener *listener = &server->listeners[i];

        if (listener->number < 0)
            continue;
        loop_fd_stop(&listener->fd);
        close(listener->number);
        listener->number = -1;
    }
    for (struct http_socket *socket = server->first; socket != NULL; socket = next) {
        next = socket->after;
        if (socket->conn.watcher != NULL)
            dismiss_watcher(socket);
        else if (socket->conn.first == NULL && !socket->conn.is_reading && socket->stalled.len == 0)
            socket_close(socket);
    }
}

bool http_server_is_idle(const struct http_server *server)
{
    return server->count == 0;
}

void http_server_free(struct http_server *server)
{
    http_server_close_listeners(server);
    while (server->first != NULL)
        socket_close(server->first);
    loop_timer_stop(&server->tick);
    loop_timer_stop(&server->round);
    mem_free(server->room);
}
