# SPDX-License-Identifier: Apache-2.0
"""Direct connections between peers of the Python client."""

import json
import socket
import threading

import pytest

from harness import wait_until
from python_stage import client_threads, silent, takes, unused_port, Server
from aurora_p2p import AuroraLinkError, AuroraP2PClient, PeerInfo

NOBODY = "http://127.0.0.1:1"  # no registry is needed here


@pytest.fixture
def pair():
    """A peer that can be called, and one to call it with."""
    listening = AuroraP2PClient(NOBODY, "callee", 0, ["a"], auto_register=False)
    calling = AuroraP2PClient(NOBODY, "caller", 0, ["b", "c"], auto_register=False)
    yield listening, calling
    calling.stop()
    listening.stop()
    assert client_threads() == []


def info_of(client):
    return PeerInfo(client.peer_id, "127.0.0.1", client.port, client.archetypes, "")


def test_without_a_handler_data_is_told_and_echoed(pair):
    listening, calling = pair
    heard, connected, gone = [], [], []
    listening.on("on_data_received", lambda data, caller: heard.append((data, caller)))
    listening.on("peer_disconnected", gone.append)
    calling.on("on_peer_connected", lambda peer, sock: connected.append((peer, sock)))
    calling.on("on_peer_disconnected", gone.append)
    listening.start_listener()
    assert listening.port != 0
    peer = info_of(listening)
    sock = calling.connect_to_peer(peer)
    assert connected == [(peer, sock)]
    data = bytes(range(256)) * 8  # no line feed has a meaning here
    sock.sendall(data)
    back = b""
    while len(back) < len(data):
        back += sock.recv(4096)
    assert back == data
    assert b"".join(part for part, _ in heard) == data
    caller = heard[0][1]
    assert caller["peer_id"] == "caller" and caller["archetypes"] == ["b", "c"]
    assert "timestamp" in caller and gone == []
    sock.close()
    sock.close()
    wait_until(lambda: len(gone) == 2, 5, "both sides have noticed")
    assert {one.peer_id for one in gone} == {"callee", "caller"}


def test_a_handler_gets_every_byte_after_the_handshake(pair):
    listening, _ = pair
    taken = []

    def handler(sock, caller):
        taken.append((caller["peer_id"], sock.recv(5, socket.MSG_WAITALL)))

    listening.start_listener(handler)
    with socket.create_connection(("127.0.0.1", listening.port)) as sock:
        sock.sendall(b'{"peer_id":"by hand","archetypes":[]}\nhello')  # in one packet
        assert sock.recv(1) == b"", "closed when the handler has returned"
    assert taken == [("by hand", b"hello")]


@pytest.mark.parametrize(
    "line",
    [b"\n", b"[]\n", b"{}\n", b'{"peer_id":7}\n', b'{"peer_id":"p","archetypes":1}\n', b"\xff\n",
     b"[" * 4000 + b"\n", b"x" * 5000, b"GET / HTTP/1.1\r\n\r\n"],
)
def test_bad_handshakes_end_their_connection_and_nothing_else(pair, line):
    listening, calling = pair
    listening.start_listener(lambda sock, caller: sock.sendall(b"!"))
    with socket.create_connection(("127.0.0.1", listening.port), 5) as sock:
        sock.sendall(line)
        try:
            assert sock.recv(1) == b""
        except ConnectionResetError:
            pass
    with calling.connect_to_peer(info_of(listening)) as sock:
        assert sock.recv(1) == b"!"


def test_a_handler_that_raises_harms_nobody(pair):
    listening, calling = pair
    listening.start_listener(lambda sock, caller: 1 / 0)
    for _ in range(2):
        with calling.connect_to_peer(info_of(listening)) as sock:
            assert sock.recv(1) == b""


def test_many_connections_at_once_and_all_end_with_stop(pair):
    listening, calling = pair
    entered = threading.Semaphore(0)

    def handler(sock, caller):
        entered.release()
        sock.recv(1)  # until somebody ends it

    listening.start_listener(handler)
    sockets = [calling.connect_to_peer(info_of(listening)) for _ in range(20)]
    for _ in sockets:
        assert entered.acquire(timeout=5)
    assert client_threads().count("aurora-link") == 20
    with takes(0, 2):
        listening.stop()
    assert client_threads() == []
    for sock in sockets:
        assert sock.recv(1) == b""
        sock.close()


def test_a_listener_can_be_stopped_from_its_own_handler(pair):
    listening, calling = pair
    listening.start_listener(lambda sock, caller: listening.stop())
    with calling.connect_to_peer(info_of(listening)) as sock:
        assert sock.recv(1) == b""
    wait_until(lambda: client_threads() == [], 5, "all threads have ended")


def test_what_cannot_be_reached_or_bound_is_an_error(pair):
    listening, calling = pair
    with pytest.raises(AuroraLinkError, match="callee"):
        calling.connect_to_peer(PeerInfo("callee", "127.0.0.1", unused_port(), [], ""), 5)
    with socket.create_server(("", 0)) as taken:
        other = AuroraP2PClient(NOBODY, port=taken.getsockname()[1], auto_register=False)
        with pytest.raises(AuroraLinkError, match="port"):
            other.start_listener()


def test_who_connects_says_first_who_it_is():
    said = []

    def listen(sock, _server):
        said.append(sock.makefile("rb").readline())

    with Server(listen) as server:
        calling = AuroraP2PClient(NOBODY, "caller", 0, ["b"], auto_register=False)
        calling.connect_to_peer(PeerInfo("x", "127.0.0.1", server.port, [], "")).close()
        wait_until(lambda: said, 5, "the line has come")
    hello = json.loads(said[0])
    assert set(hello) == {"peer_id", "archetypes", "timestamp"}
    assert hello["peer_id"] == "caller" and hello["archetypes"] == ["b"]


def test_a_port_that_was_found_is_registered(cluster):
    node = cluster.add("n0")
    client = AuroraP2PClient(node.url(""), "p1", port=0)
    assert node.peers()["p1"]["port"] == 0
    client.start_listener()
    assert node.peers()["p1"]["port"] == client.port != 0
    client.stop()


def test_a_silent_caller_holds_nothing_up(pair):
    listening, calling = pair
    listening.start_listener(lambda sock, caller: sock.sendall(b"!"))
    with socket.create_connection(("127.0.0.1", listening.port)):
        with calling.connect_to_peer(info_of(listening)) as sock:
            assert sock.recv(1) == b"!"
        with takes(0, 2):
            listening.stop()


def test_the_address_that_others_reach_is_registered():
    with Server(silent) as server:
        client = AuroraP2PClient(server.url, address="192.0.2.9", auto_register=False)
        assert client.local_ip == "192.0.2.9"
        found = AuroraP2PClient(server.url, auto_register=False).local_ip
        assert socket.getaddrinfo(found, 1, flags=socket.AI_NUMERICHOST)
