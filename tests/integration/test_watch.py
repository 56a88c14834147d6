# SPDX-License-Identifier: Apache-2.0
"""GET /v1/watch and `aurora watch` on real nodes: told, resumed, filtered, never held up."""

import json
import os
import signal
import socket
import subprocess
import threading
import urllib.parse

from harness import AURORA, wait_until

EVENT_TIMEOUT_S = 15


class Stream:
    """A watcher that reads when it is asked to, and no sooner."""

    def __init__(self, node, query="", last_event_id=None, receive_buffer=None):
        host, port = node.http.rsplit(":", 1)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(EVENT_TIMEOUT_S)
        self.socket.connect((host, int(port)))
        header = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id is not None else ""
        self.socket.sendall(
            f"GET /v1/watch{query} HTTP/1.1\r\nHost: {node.http}\r\n{header}\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()) != b"":
            name, value = line.decode().split(": ", 1)
            self.headers[name.lower()] = value
        self.last_id = None
        self.comments = 0

    def block(self):
        """The lines up to a blank one; None: the stream has ended, and not within a block."""
        lines = []
        while True:
            line = self.file.readline()
            if line == b"":
                assert not lines, f"the stream ends within an event: {lines}"
                return None
            if line == b"\n":
                return lines
            lines.append(line.decode().rstrip("\n"))

    def event(self):
        """(name, data) of the next event; None: the end."""
        while (lines := self.block()) is not None:
            name, data = None, None
            for line in lines:
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    assert data is None, "data is one line"
                    data = json.loads(value)
                elif field == "id":
                    self.last_id = value
                elif field == "":
                    self.comments += 1
                else:
                    assert field == "retry", line
            if name is not None:
                return name, data
        return None

    def snapshot(self):
        """All pages as one; returns (peers by id, reason)."""
        peers = {}
        while True:
            name, data = self.event()
            assert name == "snapshot", (name, data)
            assert data["count"] == len(data["peers"])
            peers.update({peer["peer_id"]: peer for peer in data["peers"]})
            if not data["more"]:
                return peers, data["reason"]

    def until(self, name, peer_id=None):
        """Reads on to an event of this name (about this peer); returns its data."""
        while True:
            event = self.event()
            assert event is not None, f"the stream ended before {name}"
            about = event[1].get("peer_id") or event[1].get("peer", {}).get("peer_id")
            if event[0] == name and peer_id in (None, about):
                return event[1]

    def close(self):
        self.file.close()
        self.socket.close()


def started(cluster, *options):
    node = cluster.add("n0", options)
    wait_until(lambda: node.status()["converged"], 10, "converged")
    return node


def test_first_what_there_is_then_what_changes(cluster):
    node = started(cluster)
    node.register("p1", ["a"], metadata={"k": "v"})
    stream = Stream(node)
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["access-control-allow-origin"] == "*"
    peers, reason = stream.snapshot()
    assert list(peers) == ["p1"] and reason == "new"
    alone = node.get("/v1/peers/p1").json()
    for moving in ("last_seen", "expires_in"):
        del alone[moving], peers["p1"][moving]
    assert peers["p1"] == alone
    node.register("p2", ["b"])
    assert stream.event()[1]["peer"]["peer_id"] == "p2"
    node.register("p2", ["c"])
    name, data = stream.event()
    assert name == "update" and data["peer"]["archetypes"] == ["c"]
    token = node.post("/v1/peers", {"peer_id": "p3", "port": 1}).json()["lease_token"]
    assert stream.event()[0] == "up"
    answer = node.session.delete(
        node.url("/v1/peers/p3"), headers={"Authorization": f"Bearer {token}"}, timeout=5
    )
    assert answer.status_code == 200
    assert stream.event() == ("down", {"peer_id": "p3", "reason": "left", "home": "n0"})
    stream.close()
    wait_until(lambda: node.metric("aurora_http_watchers") == 0, 5, "its going is noticed")


def test_a_filtered_stream_knows_no_others(cluster):
    node = started(cluster)
    node.register("p1", ["a"])
    node.register("p2", ["b"], metadata={"gpu": True})
    stream = Stream(node, "?archetype=b&meta.gpu=true&exclude=p4")
    assert list(stream.snapshot()[0]) == ["p2"]
    node.register("p3", ["b"])
    node.register("p4", ["b"], metadata={"gpu": True})
    node.register("p3", ["b"], metadata={"gpu": True})
    name, data = stream.event()
    assert name == "up" and data["peer"]["peer_id"] == "p3"
    node.register("p2", ["b"], metadata={"gpu": False})
    assert stream.event() == ("down", {"peer_id": "p2", "reason": "filter", "home": "n0"})
    stream.close()


def test_expiry_is_told(cluster):
    node = started(cluster)
    stream = Stream(node)
    stream.snapshot()
    node.register("p1", ttl_seconds=10)
    stream.until("up", "p1")
    assert stream.until("down", "p1")["reason"] == "expired"
    stream.close()


def test_who_comes_back_to_the_same_node_misses_nothing(cluster):
    node = started(cluster)
    stream = Stream(node)
    stream.snapshot()
    node.register("p1")
    stream.until("up", "p1")
    last = stream.last_id
    stream.close()
    node.register("p2")
    node.register("p1", ["other"])
    again = Stream(node, last_event_id=last)
    assert again.event() == ("resumed", {"node": "n0", "missed": 2})
    assert again.event()[0] == "up"
    assert again.event()[1]["peer"]["archetypes"] == ["other"]
    by_query = Stream(node, "?last_event_id=" + urllib.parse.quote(again.last_id))
    assert by_query.event() == ("resumed", {"node": "n0", "missed": 0})
    again.close()
    by_query.close()


def test_another_node_and_another_life_give_a_fresh_snapshot(cluster):
    nodes = cluster.start(2)
    nodes[0].register("p1")
    cluster.wait_views_equal()
    stream = Stream(nodes[0])
    assert "p1" in stream.snapshot()[0]
    stream.close()
    other = Stream(nodes[1], last_event_id=stream.last_id)
    peers, reason = other.snapshot()
    assert "p1" in peers and reason == "other-node"
    other.close()
    nodes[0].stop()
    nodes[0].start(nodes[1:])
    wait_until(lambda: nodes[0].status()["converged"], 10, "converged")
    cluster.wait_views_equal()
    reborn = Stream(nodes[0], last_event_id=stream.last_id)
    peers, reason = reborn.snapshot()
    assert "p1" in peers and reason == "other-node"
    reborn.close()


def test_garbage_as_the_last_id_is_no_ones_id(cluster):
    node = started(cluster)
    for garbage in ("x", "-1", "0" * 4000, "%00", "é"):
        stream = Stream(node, "?last_event_id=" + urllib.parse.quote(garbage))
        assert stream.snapshot() == ({}, "other-node"), garbage
        stream.close()
    assert node.get("/v1/watch?last_event_id=%ff").status_code == 400
    refused = node.get("/v1/watch?limit=1")
    assert refused.status_code == 400 and refused.json()["error"].startswith("limit")
    assert node.session.post(node.url("/v1/watch"), timeout=5).status_code == 405
    head = node.session.head(node.url("/v1/watch"), timeout=5)
    assert head.status_code == 200 and head.headers["Content-Type"] == "text/event-stream"


def test_a_death_is_told_on_the_other_nodes(cluster):
    nodes = [
        cluster.add(f"n{i}", ["--orphan-grace", "3"], seeds=cluster.nodes[:1]) for i in range(3)
    ]
    cluster.wait_all_alive()
    nodes[1].register("kept")
    nodes[1].register("lost")
    cluster.wait_views_equal()
    stream = Stream(nodes[2])
    assert set(stream.snapshot()[0]) == {"kept", "lost"}
    nodes[1].kill()
    gone = stream.until("home")
    assert gone["home"] == "n1" and gone["status"] == "orphaned"
    assert nodes[0].heartbeat("kept").status_code == 200
    assert stream.until("update", "kept")["peer"]["home"] == "n0"
    down = stream.until("down", "lost")
    assert down == {"peer_id": "lost", "reason": "home-dead", "home": "n1"}
    stream.close()


def register_many(node, count, metadata):
    """Pipelined: one connection, as fast as the node takes them."""
    host, port = node.http.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as link:
        answers = link.makefile("rb")
        for first in range(0, count, 20):
            numbers = range(first, min(first + 20, count))
            for number in numbers:
                body = json.dumps(
                    {"peer_id": f"many-{number:06d}", "port": 1, "metadata": metadata}
                )
                link.sendall(
                    f"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
                    f"{body}".encode()
                )
            for _ in numbers:
                assert b" 200 " in answers.readline()
                length = 0
                while (line := answers.readline().strip()) != b"":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                answers.read(length)


def test_a_large_snapshot_comes_in_pages_and_is_whole(cluster):
    node = started(cluster)
    register_many(node, 2000, {"note": "x" * 300})
    stream = Stream(node)
    pages, peers = 0, set()
    while True:
        name, data = stream.event()
        assert name == "snapshot" and len(json.dumps(data)) < 40000
        pages += 1
        peers |= {peer["peer_id"] for peer in data["peers"]}
        assert (stream.last_id is None) == data["more"]
        if not data["more"]:
            break
    assert len(peers) == 2000 and pages > 50
    stream.close()


def test_a_slow_reader_is_dropped_with_a_last_word_and_others_go_on(cluster):
    node = started(cluster)
    slow = Stream(node, receive_buffer=4096)
    quick = Stream(node)
    heard = []
    reader = threading.Thread(
        target=lambda: [heard.append(event) for event in iter(quick.event, None)], daemon=True
    )
    reader.start()
    register_many(node, 1000, {"note": "x" * 400})
    assert node.metric("aurora_http_watch_dropped_total") == 0, "it is borne for a while"
    wait_until(
        lambda: node.metric("aurora_http_watch_dropped_total") == 1, 30, "the slow one is dropped"
    )
    last = None
    while (event := slow.event()) is not None:
        last = event
    assert last[0] == "dropped", last[0]
    assert last[1]["reason"] == "too-slow" and last[1]["behind"] > 0
    again = Stream(node, last_event_id=slow.last_id)
    name, data = again.event()
    assert name == "resumed"
    seen = {again.until("up")["peer"]["peer_id"] for _ in range(data["missed"])}
    assert "many-000999" in seen
    wait_until(lambda: sum(name == "up" for name, _ in heard) == 1000, 10, "the other has it all")
    assert node.metric("aurora_http_watchers") == 2
    node.register("afterwards")
    wait_until(lambda: heard[-1][1].get("peer", {}).get("peer_id") == "afterwards", 5, "goes on")
    node.stop()
    reader.join(5)
    assert not reader.is_alive(), "and ends, between two events, when the node does"
    for stream in (slow, again):
        stream.close()


def test_silence_is_filled_within_15_seconds(cluster):
    node = started(cluster)
    stream = Stream(node)
    stream.snapshot()
    stream.block()
    stream.close()


def test_watchers_leave_room_for_requests(cluster):
    node = started(cluster, "--http-connections", "8", "--http-connections-per-address", "8")
    node.session.close()  # its connection is not counted on
    streams = [Stream(node) for _ in range(6)]
    refused = Stream(node)
    assert refused.status == 503
    refused.close()
    assert node.register("p1").status_code == 200
    for stream in streams:
        stream.snapshot()
        assert stream.until("up", "p1")
        stream.close()


# --- aurora watch ------------------------------------------------------------------------------


class Watching:
    """`aurora watch` as a person or a script runs it."""

    def __init__(self, nodes, *words):
        options = [word for node in nodes for word in ("--node", f"http://{node.http}")]
        self.process = subprocess.Popen(
            [str(AURORA), *options, "watch", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        self.out, self.err = [], []
        self.readers = [
            threading.Thread(target=self.read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(pipe, into):
        for line in pipe:
            into.append(line.rstrip("\n"))

    def wait_line(self, *words, of="out"):
        lines = self.out if of == "out" else self.err

        def found():
            return [line for line in list(lines) if all(word in line for word in words)]

        try:
            return wait_until(found, EVENT_TIMEOUT_S, f"a line with {words}")[0][0]
        except AssertionError as error:
            raise AssertionError(f"{error}\nout: {self.out}\nerr: {self.err}") from error

    def stop(self):
        """Ctrl-C. Returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(5)
        for reader in self.readers:
            reader.join(5)
        return status


def test_people_see_a_line_for_each_change(cluster):
    node = started(cluster)
    node.register("printer-1", ["printer", "colour"], port=9100)
    watching = Watching([node], "--archetype", "printer")
    line = watching.wait_line(" = printer-1")
    assert line.split()[3:] == ["n0", "printer,colour", "198.51.100.7:9100"]
    assert "\033" not in line, "colours are for terminals"
    node.register("scanner-1", ["scanner"])
    node.register("printer-2", ["printer"], address="2001:db8::1", port=1)
    assert watching.wait_line(" + printer-2").split()[5] == "[2001:db8::1]:1"
    node.register("printer-1", ["printer"], port=9101)
    assert "198.51.100.7:9101" in watching.wait_line(" ~ printer-1")
    node.register("printer-2", ["other"])
    assert watching.wait_line(" - printer-2").split()[4:] == ["filter"]
    assert watching.stop() == 0
    assert not [line for line in watching.out if "scanner" in line]
    assert len(watching.out) == 4
    assert watching.err == [f"aurora: watching n0 at http://{node.http}"]


def test_scripts_get_each_event_as_a_line_of_json(cluster):
    node = started(cluster)
    huge = 123456789012345678901234567890
    watching = Watching([node], "--json")
    watching.wait_line('"event":"snapshot"')
    node.register("p1", ["a"], metadata={"huge": huge})
    watching.wait_line('"event":"up"')
    assert watching.stop() == 0
    snapshot, up = [json.loads(line) for line in watching.out]
    assert snapshot["peers"] == [] and snapshot["reason"] == "new"
    assert up["peer"]["metadata"] == {"huge": huge} and up["id"] != snapshot["id"]


def test_when_a_node_dies_the_next_one_is_watched(cluster):
    nodes = cluster.start(3)
    nodes[2].register("stays")
    nodes[2].register("goes")
    cluster.wait_views_equal()
    watching = Watching(nodes[:2])
    watching.wait_line(" = goes")
    nodes[0].kill()
    watching.wait_line("the stream from", "has ended", of="err")
    watching.wait_line("watching n1", "compared", of="err")
    nodes[2].register("new")
    watching.wait_line(" + new")
    assert len([line for line in watching.out if "stays" in line]) == 1, "it is no news"
    assert watching.stop() == 0


def test_a_restarted_node_is_watched_again_and_only_differences_are_told(cluster):
    nodes = cluster.start(2)
    nodes[1].register("stays")
    token = nodes[1].post("/v1/peers", {"peer_id": "goes", "port": 1}).json()["lease_token"]
    cluster.wait_views_equal()
    watching = Watching(nodes[:1])
    watching.wait_line(" = goes")
    http = nodes[0].http
    nodes[0].stop()
    watching.wait_line("no node answers", of="err")
    nodes[1].session.delete(
        nodes[1].url("/v1/peers/goes"), headers={"Authorization": f"Bearer {token}"}, timeout=5
    )
    nodes[0].options += ["--http", http]
    nodes[0].start(nodes[1:])
    assert watching.wait_line(" - goes").split()[4:] == ["away"]
    assert len([line for line in watching.out if "stays" in line]) == 1
    assert watching.stop() == 0


def test_watching_wrongly_is_refused_with_a_reason(cluster):
    node = started(cluster)

    def refused(*words, status):
        result = subprocess.run(
            [str(AURORA), *words], capture_output=True, text=True, timeout=20, check=False
        )
        assert result.returncode == status, (result.stdout, result.stderr)
        return result.stderr

    url = f"http://{node.http}"
    assert "key=value" in refused("--node", url, "watch", "--meta", "x", status=1)
    assert "no option --limit" in refused("--node", url, "watch", "--limit", "3", status=1)
    assert "no node answers" in refused("--node", "http://127.0.0.1:1", "watch", status=2)
    archetypes = [word for i in range(17) for word in ("--archetype", str(i))]
    assert "archetype: at most 16" in refused("--node", url, "watch", *archetypes, status=3)
    assert "Watching" not in refused("watch", "one", status=1)


def test_a_stream_that_is_nonsense_is_left(cluster):
    node = started(cluster)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def babble():
            link, _ = server.accept()
            with link:
                link.recv(65536)
                link.sendall(b"HTTP/1.1 200 OK\r\n\r\nevent: up\ndata: [1,\n\n")
                link.recv(1)

        threading.Thread(target=babble, daemon=True).start()

        class Babbler:
            http = f"127.0.0.1:{port}"

        watching = Watching([Babbler, node])
        watching.wait_line("no stream of an Aurora node", of="err")
        watching.wait_line("watching n0", of="err")
        assert watching.stop() == 0
