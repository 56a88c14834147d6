# SPDX-License-Identifier: Apache-2.0
"""Watching with the Python client: one story of ups, updates and downs, whatever connections do."""

import json
import threading

import pytest

from harness import wait_until
from python_stage import (
    client_threads,
    relay_to,
    says,
    scripted_stream,
    silent,
    takes,
    trickles,
    unused_port,
)
from aurora_p2p import AuroraError, AuroraP2PClient, AuroraProtocolError, AuroraRefused
from aurora_p2p import sse
from aurora_p2p.sse import EventReader


@pytest.fixture
def watching():
    """watching(urls, ...) is a Watch; all are ended, and leave no thread."""
    clients = []

    def start(urls, *filters, **more):
        clients.append(AuroraP2PClient(urls, "watcher", auto_register=False, timeout=2))
        return clients[-1].watch(*filters, **more)

    yield start
    for client in clients:
        client.stop()
    assert client_threads() == []


def soon(watch):
    """The next event; a watchdog ends the wait for it."""
    guard = threading.Timer(15, watch.close)
    guard.start()
    event = next(watch, None)
    guard.cancel()
    assert event is not None, "nothing was told"
    return event


def story(watch, until):
    """What is told up to the event `until`, as (kind, peer_id)."""
    told = []
    while not told or told[-1] != until:
        event = soon(watch)
        told.append((event.kind, event.peer_id))
    return told


SYNCED = ("synced", "")


# --- Real nodes ---


def test_snapshot_then_up_update_down_with_its_reason(cluster, watching):
    node = cluster.add("n0")
    node.register("p1", metadata={"n": 1})
    watch = watching(node.url(""))
    assert story(watch, SYNCED) == [("up", "p1"), SYNCED]
    assert watch.node == "n0"
    node.register("p2", ["other"])
    node.register("p1", metadata={"n": 2})
    assert soon(watch).peer_id == "p2"
    event = soon(watch)
    assert (event.kind, event.peer.metadata) == ("update", {"n": 2})
    assert event.record["home"] == "n0" and event.record["status"] == "live"
    node.session.delete(node.url("/v1/peers/p2"))
    event = soon(watch)
    assert (event.kind, event.peer_id, event.peer.archetypes) == ("down", "p2", ["other"])
    assert event.reason and event.reason != "gone-meanwhile"
    assert [peer.peer_id for peer in watch.peers()] == ["p1"]


def test_filters_are_those_of_discover(cluster, watching):
    node = cluster.add("n0")
    node.register("watcher")
    node.register("p1", ["a", "b"], metadata={"k": 1})
    node.register("p2", ["a"], metadata={"k": 1})
    node.register("p3", ["a", "b"], metadata={"k": 2})
    assert story(watching(node.url(""), ["a", "b"], metadata={"k": 1}), SYNCED) == [
        ("up", "p1"), SYNCED,
    ]
    assert ("up", "watcher") in story(watching(node.url(""), include_self=True), SYNCED)
    with pytest.raises(AuroraRefused) as refused:
        watching(node.url(""), metadata={f"k{i}": "v" for i in range(9)})
    assert refused.value.status == 400


def test_a_broken_connection_is_resumed_where_it_ended(cluster, watching, server):
    node = cluster.add("n0")
    line = server(relay_to(node.http))
    node.register("p1")
    watch = watching(line.url)
    story(watch, SYNCED)
    for turn in range(3):
        line.cut()
        node.register(f"missed-{turn}")
        node.session.delete(node.url("/v1/peers/p1"))
        node.register("p1")
        assert story(watch, ("up", "p1")) == [
            ("up", f"missed-{turn}"), ("down", "p1"), ("up", "p1"),
        ], "each once, none left out"
    assert watch.resumes == 3 and watch.connects == 4


def test_another_node_goes_on_with_the_story(cluster, watching):
    cluster.options += ["--orphan-grace", "60"]
    nodes = cluster.start(3)
    for name in ("stays", "changes", "goes"):
        nodes[1].register(name)
    cluster.wait_everywhere(lambda node: len(node.peers()) == 3, 5, "spread")
    watch = watching([node.url("") for node in nodes])
    story(watch, SYNCED)
    nodes[0].freeze()  # what happens now, it cannot tell
    nodes[1].register("changes", metadata={"n": 2})
    nodes[1].session.delete(nodes[1].url("/v1/peers/goes"))
    nodes[1].register("comes")
    wait_until(lambda: set(nodes[1].peers()) == {"stays", "changes", "comes"}, 5, "done")
    nodes[0].kill()
    told = story(watch, SYNCED)
    assert sorted(told) == [("down", "goes"), SYNCED, ("up", "comes"), ("update", "changes")]
    assert watch.node == "n1" and watch.resumes == 0
    nodes[1].register("later")
    assert story(watch, ("up", "later")) == [("up", "later")]


def test_a_node_that_falls_silent_is_left(cluster, watching):
    nodes = cluster.start(2)
    watch = watching([node.url("") for node in nodes], silence_timeout=1)
    story(watch, SYNCED)
    nodes[0].freeze()
    nodes[1].register("p1")
    assert story(watch, ("up", "p1"))[-1] == ("up", "p1")
    assert watch.node == "n1"


def test_callbacks_tell_the_same_story_and_outlive_a_node(cluster):
    nodes = cluster.start(2)
    told = []
    with AuroraP2PClient([node.url("") for node in nodes], auto_register=False) as client:
        client.on("on_peer_discovered", lambda peer: told.append(("discovered", peer.peer_id)))
        client.on("on_peer_up", lambda peer: told.append(("up", peer.peer_id)))
        client.on("on_peer_update", lambda peer: told.append(("update", peer.metadata["n"])))
        client.on("on_peer_down", lambda peer, reason: 1 / 0)
        client.on("on_peer_down", lambda peer, reason: told.append(("down", peer.peer_id)))
        client.start_watch("a")
        nodes[1].register("p1", ["a"], metadata={"n": 1})
        wait_until(lambda: ("up", "p1") in told, 5, "up")
        nodes[0].kill()
        nodes[1].register("p1", ["a"], metadata={"n": 2})
        wait_until(lambda: ("update", 2) in told, 10, "update")
        nodes[1].session.delete(nodes[1].url("/v1/peers/p1"))
        wait_until(lambda: ("down", "p1") in told, 5, "down")
    assert told == [("discovered", "p1"), ("up", "p1"), ("update", 2), ("down", "p1")]
    assert client_threads() == []


def test_the_death_of_a_home_is_an_update_and_so_is_a_new_one(cluster, watching):
    cluster.options += ["--orphan-grace", "60"]
    nodes = cluster.start(3)
    nodes[2].register("p1")
    wait_until(lambda: "p1" in nodes[0].peers(), 5, "spread")
    watch = watching(nodes[0].url(""))
    story(watch, SYNCED)
    nodes[2].kill()
    orphaned = soon(watch)
    assert (orphaned.kind, orphaned.record["status"]) == ("update", "orphaned")
    assert nodes[1].heartbeat("p1").status_code == 200
    adopted = soon(watch)
    assert (adopted.kind, adopted.record["status"], adopted.record["home"]) == (
        "update", "live", "n1",
    )


def test_close_from_another_thread_ends_the_wait_at_once(cluster, watching):
    node = cluster.add("n0")
    watch = watching(node.url(""))
    story(watch, SYNCED)
    ended = []
    thread = threading.Thread(target=lambda: ended.extend(watch))
    thread.start()
    with takes(0, 1):
        watch.close()
        thread.join(5)
    assert not thread.is_alive() and ended == []
    wait_until(lambda: node.metric("aurora_http_connections") <= 1, 5, "the node knows it, too")


# --- Scripted ones ---


def record(peer_id, **more):
    return {"peer_id": peer_id, "address": "192.0.2.1", "port": 1, "archetypes": [],
            "last_seen": "2026-11-22T12:00:00.000000", "metadata": {}, **more}


def event(name, data, event_id=None):
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n"


def snapshot(peers, more=False, event_id=None, reason="new", node="n"):
    data = {"peers": peers, "more": more, "count": len(peers), "node": node, "reason": reason}
    return event("snapshot", data, event_id)


def test_a_snapshot_counts_when_its_last_page_has_come(watching, server):
    first = "retry: 2000\n\n" + snapshot([record("a")], True) + ": keep-alive\n\n"
    stream = scripted_stream((first, True), snapshot([record("a")], True) + snapshot(
        [record("b")], False, "s-7"))
    watch = watching(server(stream).url)
    assert story(watch, SYNCED) == [("up", "a"), ("up", "b"), SYNCED]
    assert "last-event-id" not in stream.requests[1].lower(), "there was none yet"


def test_the_last_id_is_sent_and_a_fresh_snapshot_is_merged(watching, server):
    stream = scripted_stream(
        (snapshot([record("a"), record("b"), record("c", last_seen="old")], False, "s-1")
         + event("up", {"peer": record("d")}, "s-2")
         + event("dropped", {"reason": "too-slow"}), True),
        snapshot([record("b", port=2), record("c", last_seen="new", expires_in=9), record("e")],
                 False, "t-1", "too-old"),
    )
    watch = watching(server(stream).url)
    assert story(watch, ("up", "d")) == [
        ("up", "a"), ("up", "b"), ("up", "c"), SYNCED, ("up", "d"),
    ]
    told = []
    for told_event in watch:
        told.append((told_event.kind, told_event.peer_id, told_event.reason))
        if told_event.kind == "synced":
            break
    assert sorted(told, key=str) == sorted([
        ("down", "a", "gone-meanwhile"), ("down", "d", "gone-meanwhile"), ("update", "b", None),
        ("up", "e", None), ("synced", "", None)], key=str)
    assert "Last-Event-ID: s-2\r\n" in stream.requests[1] + "\r\n"


def test_events_of_later_versions_are_passed_over(watching, server):
    text = snapshot([record("a")]) + event("weather", {"x": 1}) + "unknown: field\n\n" + event(
        "down", {"peer_id": "nobody", "reason": "left"}) + event(
        "down", {"peer_id": "a", "reason": "home-dead", "home": "n"})
    assert story(watching(server(scripted_stream(text)).url), ("down", "a")) == [
        ("up", "a"), SYNCED, ("down", "a"),
    ]


def test_keep_alives_move_the_id_on(watching, server):
    stream = scripted_stream(
        (snapshot([record("a")], False, "s-1") + ": keep-alive\nid: s-9\n\n", True),
        event("resumed", {"node": "n", "missed": 1}) + event("up", {"peer": record("b")}, "s-10"))
    watch = watching(server(stream).url)
    assert story(watch, ("up", "b")) == [("up", "a"), SYNCED, ("up", "b")]
    assert "Last-Event-ID: s-9\r\n" in stream.requests[1] + "\r\n" and watch.resumes == 1


def test_a_homes_status_is_that_of_all_its_records(watching, server):
    peers = [record("a", home="h", epoch=1, status="live"),
             record("b", home="h", epoch=2, status="live"),
             record("c", home="i", epoch=1, status="live")]
    stream = scripted_stream(snapshot(peers) + 2 * event(
        "home", {"home": "h", "epoch": 1, "status": "orphaned"}) + event(
        "down", {"peer_id": "c", "reason": "left", "home": "i"}))
    watch = watching(server(stream).url)
    story(watch, SYNCED)
    changed = soon(watch)
    assert (changed.kind, changed.peer_id, changed.record["status"]) == ("update", "a", "orphaned")
    assert soon(watch).kind == "down", "said twice, told once"


NONSENSE = [
    "data: x\n\n", "data: [1]\n\n", event("snapshot", {"peers": 1}),
    event("snapshot", {"peers": [{"peer_id": 1}]}), event("up", {}),
    event("snapshot", {"peers": [record("a"), record("b", port="x")], "more": False}),
    event("down", {"peer_id": None}), "event: up\ndata: {\"peer\":\n\n",
]


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_left_for_another_connection_and_nothing_of_it_stays(text, watching, server):
    stream = scripted_stream(text, snapshot([record("a")]))
    assert story(watching(server(stream).url), SYNCED) == [("up", "a"), SYNCED]
    assert len(stream.requests) == 2


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.mark.parametrize("start", [HEAD, HEAD + b"data: ", HEAD.replace(
    b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n: ")])
def test_trickling_bytes_do_not_keep_a_stream_alive(start, watching, server):
    good = server(scripted_stream(snapshot([record("a")])))
    with takes(0.3, 3):
        watch = watching([server(trickles(start)).url, good.url], silence_timeout=0.3)
        story(watch, SYNCED)
    assert watch.url == good.url


def test_wrong_endpoints_are_errors_at_once(watching, server):
    urls = [f"http://127.0.0.1:{unused_port()}", server(says(b"HTTP/1.1 200 OK\r\n\r\n{}")).url]
    with pytest.raises(AuroraError) as failed:
        watching(urls)
    assert isinstance(failed.value.attempts[1][1], AuroraProtocolError)
    client = AuroraP2PClient(server(silent).url, auto_register=False, timeout=0.3)
    with takes(0.3, 2), pytest.raises(AuroraError):
        client.watch()


def test_callbacks_wait_for_nodes_that_are_not_there_yet():
    told = threading.Event()
    port = unused_port()
    with AuroraP2PClient(f"http://127.0.0.1:{port}", auto_register=False) as client:
        client.on("peer_up", lambda peer: told.set())
        watch = client.start_watch()
        assert watch.connects == 0
    assert client_threads() == []


# --- The reader of events ---


def test_events_may_come_in_any_pieces():
    text = ("retry: 1500\r\n\r\n: hello\nid: s-1\nevent: up\ndata: ü1\ndata:2\n\n"
            "event: x\n\nid: s-2\n\ndata: last\n\n").encode()
    whole = EventReader().feed(text)
    assert [(e.name, e.data, e.id) for e in whole] == [
        ("up", "ü1\n2", "s-1"), ("message", "", "s-2"), ("message", "last", None),
    ]
    for cut in range(len(text)):
        reader = EventReader()
        assert reader.feed(text[:cut]) + reader.feed(text[cut:]) == whole
        assert reader.retry_s == 1.5


def test_lines_and_events_have_a_longest(monkeypatch):
    monkeypatch.setattr(sse, "LINE_MAX_BYTES", 1000)
    monkeypatch.setattr(sse, "EVENT_MAX_BYTES", 3000)
    reader = EventReader()
    reader.feed(b"data: " + b"x" * 900)
    with pytest.raises(AuroraProtocolError):
        reader.feed(b"x" * 200)
    reader = EventReader()
    with pytest.raises(AuroraProtocolError):
        for _ in range(5):
            reader.feed(b"data: " + b"x" * 900 + b"\n")
    with pytest.raises(AuroraProtocolError):
        EventReader().feed(b"data: \xff\n")
