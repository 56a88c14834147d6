# SPDX-License-Identifier: Apache-2.0
"""--http-threads: several threads answer, and to clients they are one node."""

import http.client
import json
import random
import socket
import threading

import pytest

from harness import wait_until
from test_watch import Stream

SEED = 20261122


def started(cluster, threads, *options):
    node = cluster.add("n0", ["--http-threads", str(threads), *options])
    wait_until(lambda: node.status()["converged"], 10, "converged")
    return node


def connected(node, count):
    """So many connections, each of which has been answered once."""
    connections = []
    for _ in range(count):
        connection = http.client.HTTPConnection(node.http, timeout=10)
        connection.connect()
        connections.append(connection)
    for connection in connections:
        assert ask(connection, "GET", "/health")[0] == 200
    return connections


def ask(connection, method, path, body=None, headers=None):
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, headers or {})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read() or b"{}")


def by_thread(node):
    found = {}
    for line in node.get("/metrics").text.splitlines():
        if line.startswith("aurora_http_thread_connections{"):
            found[line.split('"')[1]] = int(line.rsplit(" ", 1)[1])
    return found


def test_connections_are_spread_evenly(cluster):
    node = started(cluster, 4)
    connections = connected(node, 63)  # and the one that asks for the metrics
    assert by_thread(node) == {"0": 16, "1": 16, "2": 16, "3": 16}
    for connection in connections[:40]:
        connection.close()
    wait_until(lambda: sum(by_thread(node).values()) == 24, 10, "the closed ones are not counted")
    connections = connections[40:] + connected(node, 40)
    counts = by_thread(node)
    assert sum(counts.values()) == 64 and max(counts.values()) <= 17, counts
    assert node.metric("aurora_http_connections") == 64
    assert node.status()["load"]["http_connections"] == 64
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_was_answered_is_seen_on_every_connection(cluster, threads):
    node = started(cluster, threads)
    connections = connected(node, 6)
    chance = random.Random(SEED)
    print("seed", SEED)
    for port in range(1, 400):
        writer, reader = chance.sample(connections, 2)
        body = {"peer_id": "p", "address": "192.0.2.1", "port": port, "archetypes": ["a"]}
        assert ask(writer, "POST", "/register", body)[0] == 200
        peers = ask(reader, "GET", "/discover?archetype=a")[1]["peers"]
        assert [peer["port"] for peer in peers] == [port]
        assert ask(reader, "GET", "/v1/peers/p")[1]["port"] == port
        if port % 10 == 0:
            assert ask(writer, "DELETE", "/v1/peers/p")[0] == 200
            assert ask(reader, "GET", "/discover?archetype=a")[1]["peers"] == []
            assert ask(reader, "GET", "/v1/peers/p")[0] == 404
    for connection in connections:
        connection.close()


def test_every_thread_gets_the_replies_to_its_own_commands(cluster):
    node = started(cluster, 3)
    connections = connected(node, 12)
    failures = []

    def work(number):
        for i in range(100):
            peer_id = f"peer-{number}-{i}"
            body = {"peer_id": peer_id, "address": "192.0.2.1", "port": 1}
            status, answer = ask(connections[number], "POST", "/register", body)
            beat = ask(connections[number], "POST", "/heartbeat", {"peer_id": peer_id})
            if (status, answer.get("peer_id")) != (200, peer_id) or beat[1]["peer_id"] != peer_id:
                failures.append((peer_id, status, answer, beat))

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(connections))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failures
    for connection in connections:
        count = ask(connection, "GET", "/discover?limit=100000")[1]["count"]
        assert count == 1200
        connection.close()
    assert node.metric("aurora_peers") == 1200


def refusal(node):
    """What a new connection that asks whether it is well hears."""
    host, port = node.http.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as probe:
        probe.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return int(probe.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("option", ["--http-connections", "--http-connections-per-address"])
def test_the_limits_are_those_of_all_threads_together(cluster, option):
    node = started(cluster, 3, option, "6")
    node.session.close()
    connections = []

    def is_full():  # those that were there before may take a moment to go
        connection = http.client.HTTPConnection(node.http, timeout=10)
        if ask(connection, "GET", "/health")[0] == 200:
            connections.append(connection)
        return len(connections) == 6

    wait_until(is_full, 10, "six connections")
    assert refusal(node) == 503
    connections.pop().close()
    wait_until(lambda: refusal(node) == 200, 10, "there is room again")
    for connection in connections:
        connection.close()
    wait_until(lambda: node.metric("aurora_http_connections") == 1, 10, "none is left")
    assert node.metric("aurora_http_connections_refused_total") >= 1


def test_requests_are_counted_over_all_threads(cluster):
    node = started(cluster, 3)
    connections = connected(node, 9)
    before = node.metric("aurora_http_requests_total")
    for connection in connections:
        for _ in range(5):
            assert ask(connection, "GET", "/health")[0] == 200
        connection.close()
    assert node.metric("aurora_http_requests_total") == before + 45 + 1
    assert node.status()["limits"]["http_threads"] == 3


def test_streams_can_be_asked_for_on_any_connection(cluster):
    node = started(cluster, 3)
    node.register("p1")
    streams = [Stream(node) for _ in range(7)]
    for stream in streams:
        name, data = stream.event()
        assert name == "snapshot" and data["count"] == 1 and data["reason"] == "new"
    assert node.metric("aurora_http_watchers") == 7
    node.register("p2")
    for stream in streams:
        assert stream.until("up", "p2")
    last_id = streams[0].last_id
    for stream in streams:
        stream.close()
    node.register("p3")
    again = [Stream(node, last_event_id=last_id) for _ in range(4)]
    for stream in again:
        name, data = stream.event()
        assert name == "resumed" and data["missed"] == 1, "wherever it has come back to"
        assert stream.event()[1]["peer"]["peer_id"] == "p3"
    for stream in again:
        stream.close()
    wait_until(lambda: node.metric("aurora_http_watchers") == 0, 10, "all have gone")
    wait_until(lambda: node.metric("aurora_http_connections") == 1, 10, "nothing is left behind")


def test_what_was_asked_before_a_stream_is_answered_before_it(cluster):
    node = started(cluster, 2)
    host, port = node.http.rsplit(":", 1)
    for _ in range(4):  # two of them are the other thread's
        body = b'{"peer_id":"p","address":"192.0.2.1","port":1}'
        stream = socket.create_connection((host, int(port)), timeout=10)
        stream.sendall(
            b"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body
            + b"GET /v1/watch?archetype=none HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        heard = b""
        while b"event: snapshot" not in heard:
            more = stream.recv(65536)
            assert more, heard
            heard += more
        assert heard.index(b"registered successfully") < heard.index(b"text/event-stream")
        stream.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_large_answers_arrive_whole_at_slow_readers(cluster, threads):
    node = started(cluster, threads)
    for i in range(500):
        node.register(f"peer-{i:06d}", ["many"], metadata={"note": "x" * 300})
    wanted = node.get("/discover?archetype=many&limit=500").json()["peers"]
    host, port = node.http.rsplit(":", 1)
    readers = []
    for _ in range(8):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(20)
        reader.connect((host, int(port)))
        reader.sendall(
            b"GET /discover?archetype=many&limit=500 HTTP/1.1\r\nHost: x\r\n\r\n" * 2
            + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        readers.append([reader, b""])
    node.register("peer-000000", ["other"])  # while they are being sent
    while any(reader is not None for reader, _ in readers):
        for entry in readers:
            if entry[0] is None:
                continue
            more = entry[0].recv(4096)
            entry[1] += more
            if not more:
                entry[0].close()
                entry[0] = None
    for _, heard in readers:
        for _ in range(2):
            head, rest = heard.split(b"\r\n\r\n", 1)
            length = int(head.lower().split(b"content-length: ")[1].split()[0])
            got = json.loads(rest[:length])
            heard = rest[length:]
            known = {peer["peer_id"]: peer for peer in wanted}
            assert len(got["peers"]) in (499, 500)
            for peer in got["peers"]:
                assert peer["metadata"] == known[peer["peer_id"]]["metadata"]
        assert heard.endswith(b'{"status":"healthy"}')


def test_a_node_with_several_threads_ends_well(cluster):
    node = started(cluster, 4)
    connections = connected(node, 12)
    streams = [Stream(node) for _ in range(3)]
    for stream in streams:
        stream.snapshot()
    assert node.stop() == 0
    for stream in streams:
        assert stream.event() is None, "ended between two events"
        stream.close()
    for connection in connections:
        connection.close()
