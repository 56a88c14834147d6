# SPDX-License-Identifier: Apache-2.0
"""The Python client and the registry: real nodes, dead ones, and servers that misbehave."""

import dataclasses
import os
import stat
import subprocess
import sys
import threading

import pytest
import requests

from harness import wait_until
from python_stage import (
    CLIENT,
    answers,
    black_hole,
    client_threads,
    floods,
    one_each,
    pauses,
    says,
    silent,
    takes,
    trickles,
    unused_port,
)
import aurora_p2p
import aurora_p2p_client
from aurora_p2p import (
    AuroraArgumentError,
    AuroraError,
    AuroraIdentityError,
    AuroraP2PClient,
    AuroraProtocolError,
    AuroraRefused,
    AuroraStopped,
    AuroraTimeout,
    AuroraTLSError,
    AuroraUnavailable,
    Identity,
    PeerInfo,
)
from aurora_p2p.endpoints import Backoff

SLACK_S = 1.5  # what a busy machine may add to a timeout


@pytest.fixture
def node(cluster):
    return cluster.add("n0")


@pytest.fixture
def made():
    """Makes clients of which none is left running."""
    clients = []

    def make(*arguments, kind=AuroraP2PClient, **more):
        more.setdefault("auto_register", False)
        clients.append(kind(*arguments, **more))
        return clients[-1]

    yield make
    for client in clients:
        client.stop()
    assert client_threads() == []


# --- As the original client ---


def test_a_program_for_the_original_client_runs(node):
    from aurora_p2p_client import AuroraP2PClient, PeerInfo

    other = AuroraP2PClient(discovery_url=node.url("/dev"), archetypes=["ethics"], port=9001)
    with AuroraP2PClient(
        discovery_url=node.url("/dev"), archetypes=["pepino", "ethics"], port=9000
    ) as client:
        found = []
        client.on("on_peer_discovered", found.append)
        client.start_heartbeat(interval=30)
        peers = client.discover()
        assert [peer.peer_id for peer in peers] == [other.peer_id], "others, without oneself"
        assert found == peers
        assert isinstance(peers[0], PeerInfo) and peers[0].archetypes == ["ethics"]
        assert client.discover(archetype="pepino") == []
        assert client.heartbeat() is True
        assert client.health_check() == {"status": "healthy"}
        result = client.register(archetypes=["pepino"], metadata={"version": "2"})
        assert set(result) == {"message", "peer_id", "ttl_expires"}
    assert node.peers()[client.peer_id]["metadata"] == {"version": "2"}
    assert node.peers()[client.peer_id]["archetypes"] == ["pepino"]
    other.stop()


def test_peer_info_has_the_six_fields_and_goes_to_a_dictionary_and_back():
    names = [field.name for field in dataclasses.fields(PeerInfo)]
    assert names == ["peer_id", "address", "port", "archetypes", "last_seen", "metadata"]
    peer = PeerInfo("p", "192.0.2.1", 9000, ["a"], "2026-11-22T12:00:00.000000")
    assert peer.metadata == {}
    assert PeerInfo.from_dict(peer.to_dict()) == peer
    assert PeerInfo.from_dict({**peer.to_dict(), "later": 1, "port": "9000"}) == peer


def test_as_the_original_only_register_raises(made):
    url = f"http://127.0.0.1:{unused_port()}"
    client = made(url, kind=aurora_p2p_client.AuroraP2PClient)
    assert client.discover() == []
    assert client.heartbeat() is False
    assert client.health_check()["status"] == "unhealthy"
    assert client.connect_to_peer(PeerInfo("p", "127.0.0.1", unused_port(), [], ""), 1) is None
    with pytest.raises(requests.exceptions.RequestException):
        client.register()
    with pytest.raises(AuroraError):
        aurora_p2p_client.AuroraP2PClient(url)
    with pytest.raises(ValueError):
        client.on("on_nothing", print)


# --- Registering ---


def test_what_is_registered_is_found_with_every_value_as_it_was(node, made):
    metadata = {"ü": [1, 2.5, True, None, {"deep": "\t"}], "colour": True, "n": "x"}
    one = made(node.url(""), "p/ü 1", 7001, ["a", "b"], metadata=metadata, address="::1", ttl=60)
    one.register()
    two = made(node.url(""))
    (peer,) = two.discover(["a", "b"], metadata={"colour": True, "n": "x"})
    assert (peer.peer_id, peer.address, peer.port) == ("p/ü 1", "::1", 7001)
    assert peer.archetypes == ["a", "b"] and peer.metadata == metadata
    assert two.discover(["a", "c"]) == [] and two.discover(metadata={"n": "y"}) == []
    assert one.discover() == [] and len(one.discover(include_self=True)) == 1
    assert node.get("/v1/peers/p%2F%C3%BC%201").json()["ttl_seconds"] == 60
    one.deregister()
    assert two.discover() == []
    with pytest.raises(AuroraRefused) as refused:
        one.deregister()
    assert refused.value.status == 404


def test_a_cut_answer_is_said_to_be_one(node, made, caplog):
    for name in ("p1", "p2", "p3"):
        node.register(name)
    client = made(node.url(""))
    assert len(client.discover()) == 3 and not caplog.records
    assert [peer.peer_id for peer in client.discover(limit=2)] == ["p1", "p2"]
    assert "not all" in caplog.records[-1].getMessage()


def test_a_node_that_refuses_names_the_field_and_no_other_node_is_asked(node, server, made):
    spare = server(silent)
    client = made([node.url(""), spare.url], archetypes=[f"{i:060}" for i in range(16)])
    with pytest.raises(AuroraRefused) as refused:
        client.register()
    assert refused.value.status == 413 and refused.value.reason
    with pytest.raises(AuroraArgumentError, match="^archetypes: "):
        client.register(archetypes=["x" * 65])
    assert spare.connections == 0 and node.peers() == {}


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("discovery_url", dict(discovery_url="127.0.0.1:4780")),
        ("discovery_url", dict(discovery_url="ftp://host")),
        ("discovery_url", dict(discovery_url="http://")),
        ("discovery_url", dict(discovery_url="http://host:99999")),
        ("discovery_url", dict(discovery_url="http://[::1")),
        ("discovery_url", dict(discovery_url="")),
        ("discovery_url", dict(discovery_url=None)),
        ("discovery_url", dict(discovery_url=["http://a", 7])),
        ("port", dict(port=65536)),
        ("port", dict(port="9000")),
        ("archetypes", dict(archetypes="pepino")),
        ("archetypes", dict(archetypes=[1])),
        ("metadata", dict(metadata=["x"])),
        ("metadata", dict(metadata={"x": float("nan")})),
        ("metadata", dict(metadata={"x": object()})),
        ("metadata", dict(metadata={"x": "\ud800"})),
        ("ttl", dict(ttl=9)),
        ("timeout", dict(timeout=0)),
        ("timeout", dict(timeout=float("nan"))),
        ("heartbeat_interval", dict(heartbeat_interval=-1)),
    ],
)
def test_wrong_arguments_are_named(name, arguments):
    with pytest.raises(AuroraArgumentError, match=f"^{name}: ") as wrong:
        AuroraP2PClient(**{"discovery_url": "http://127.0.0.1:1", **arguments})
    assert isinstance(wrong.value, ValueError)


# --- Several nodes ---


def test_a_dead_node_costs_one_timeout_and_is_then_tried_last(node, server, made):
    dead = server(silent)
    client = made(f"{dead.url}, {node.url('')}", timeout=1, archetypes=["a"])
    with takes(1, 1 + SLACK_S):
        client.register()
    for _ in range(5):
        with takes(0, 0.99):
            client.discover()
    assert dead.connections == 1


def test_a_machine_that_is_gone_costs_no_more(node, made):
    with black_hole() as port:
        client = made([f"http://127.0.0.1:{port}", node.url("")], timeout=1)
        with takes(1, 1 + SLACK_S):
            client.register()
        with takes(0, 0.99):
            client.discover()


def test_a_client_lives_on_through_the_death_of_the_node_that_it_registered_with(cluster, made):
    cluster.options += ["--orphan-grace", "2"]
    nodes = cluster.start(3)
    client = made([one.url("") for one in nodes], "p1", heartbeat_interval=0.1)
    client.register()
    client.start_heartbeat()
    wait_until(lambda: "p1" in nodes[2].peers(), 5, "spread")
    nodes[0].kill()
    assert client.discover() == []

    def is_adopted():
        record = nodes[1].get("/v1/peers/p1").json()
        return record.get("home") in ("n1", "n2") and record["status"] == "live"

    wait_until(is_adopted, 20, "another node is its home")
    assert "p1" in nodes[2].peers()


def test_all_attempts_are_told_when_no_node_works(server, made):
    urls = [server(silent).url, f"http://127.0.0.1:{unused_port()}", server(answers("[]")).url]
    client = made(urls, timeout=1)  # short for the silent one, long for a refusal on a busy machine
    with takes(1, 1 + SLACK_S), pytest.raises(AuroraUnavailable) as failed:
        client.discover()
    assert [url for url, _ in failed.value.attempts] == urls
    kinds = [type(error) for _, error in failed.value.attempts]
    assert kinds == [AuroraTimeout, AuroraUnavailable, AuroraProtocolError]


def test_a_node_that_cannot_do_it_now_is_left_for_the_next(node, server, made):
    busy = server(answers('{"error":"not synced yet"}', "503 Service Unavailable"))
    client = made([busy.url, node.url("")])
    client.register()
    assert node.peers().keys() == {client.peer_id}
    with pytest.raises(AuroraRefused) as alone:
        made(busy.url).health_check()
    assert alone.value.status == 503 and alone.value.reason == "not synced yet"


def test_connections_are_kept_and_one_that_went_stale_is_no_error(server, made):
    node = server(answers('{"status":"healthy"}'))
    client = made(node.url)
    for _ in range(3):
        client.health_check()
    assert node.connections == 1
    node.cut()
    assert client.health_check() == {"status": "healthy"}
    assert node.connections == 2


def test_a_node_that_hangs_up_just_as_it_is_asked_again_is_asked_anew(server, made):
    node = server(one_each('{"status":"healthy"}'))
    client = made(node.url)
    for connections in (1, 2, 3):
        assert client.health_check() == {"status": "healthy"}
        assert node.connections == connections


# --- Heartbeats ---


def test_what_the_network_forgot_is_registered_again(node, made):
    client = made(node.url(""), "p1", archetypes=["a"], metadata={"k": 1})
    with pytest.raises(AuroraRefused) as unknown:
        client.heartbeat()
    assert unknown.value.status == 404, "nobody asked for it to be registered"
    client.register()
    assert node.session.delete(node.url("/v1/peers/p1")).status_code == 200
    assert client.heartbeat() is True
    assert node.peers()["p1"]["metadata"] == {"k": 1}

    client.start_heartbeat(interval=0.05)
    assert node.session.delete(node.url("/v1/peers/p1")).status_code == 200
    wait_until(lambda: "p1" in node.peers(), 5, "the thread has registered it again")


def test_heartbeats_go_on_after_all_nodes_were_away(node, made):
    client = made(node.url(""), "p1", heartbeat_interval=0.05, ttl=10)
    client.register()
    client.start_heartbeat()
    node.kill()
    with pytest.raises(AuroraUnavailable):
        client.discover()
    node.options += ["--http", node.http]
    node.start()
    node.session = requests.Session()
    seen = wait_until(lambda: node.peers().get("p1"), 10, "known again")[0]
    later = wait_until(lambda: node.peers()["p1"]["last_seen"] > seen["last_seen"], 10, "renewed")
    assert later


def test_retries_are_random_rise_and_have_a_cap():
    longest = Backoff(0.5, 30, rng=lambda low, high: high)
    assert [longest.next_delay() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    for _ in range(2000):
        assert longest.next_delay() == 30
    longest.worked()
    assert longest.next_delay() == 0.5
    delays = {Backoff(1, 30).next_delay() for _ in range(50)}
    assert len(delays) == 50 and min(delays) < 0.3 and max(delays) > 0.7


# --- Whatever a server may do ---

PEER = '{"peer_id":"p","address":"a","port":%s,"archetypes":[],"last_seen":"t","metadata":{}}'
OK = b"HTTP/1.1 200 OK\r\n"

MISBEHAVIOUR = {
    "silent": (silent, AuroraTimeout),
    "trickling head": (trickles(b"HTTP/1.1 200 OK\r\nX-A: "), AuroraTimeout),
    "trickling body": (trickles(OK + b"Content-Length: 9999\r\n\r\n"), AuroraTimeout),
    "trickling chunks": (trickles(OK + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"),
                         AuroraTimeout),
    "endless body": (floods(OK + b"\r\n"), AuroraProtocolError),
    "huge length": (floods(OK + b"Content-Length: 99999999999\r\n\r\n"), AuroraProtocolError),
    "endless head line": (floods(OK + b"X: "), AuroraProtocolError),
    "short body": (says(OK + b'Content-Length: 99\r\n\r\n{"peers":[]}'), AuroraProtocolError),
    "short chunk": (says(OK + b'Transfer-Encoding: chunked\r\n\r\n63\r\n{"peers":[]}'),
                    AuroraProtocolError),
    "no HTTP": (says(b"220 mail.example.org ESMTP\r\n"), AuroraProtocolError),
    "binary": (says(bytes(range(256)) * 9), AuroraProtocolError),
    "closes": (says(b""), AuroraUnavailable),
    "HTML": (answers("<html>hello</html>"), AuroraProtocolError),
    "empty": (answers(""), AuroraProtocolError),
    "no object": (answers("[1]"), AuroraProtocolError),
    "no UTF-8": (answers(b'{"a":"\xff"}'), AuroraProtocolError),
    "deep": (answers("[" * 100_000), AuroraProtocolError),
    "long number": (answers('{"a":' + "9" * 100_000 + "}"), AuroraProtocolError),
    "no peers": (answers("{}"), AuroraProtocolError),
    "peers of text": (answers('{"peers":["x"]}'), AuroraProtocolError),
    "port of text": (answers('{"peers":[%s]}' % (PEER % '"x"')), AuroraProtocolError),
    "port beyond": (answers('{"peers":[%s]}' % (PEER % "65536")), AuroraProtocolError),
    "404 of another": (answers("not here", "404 Not Found"), AuroraProtocolError),
    "500": (answers("{}", "500 Internal Server Error"), AuroraProtocolError),
    "redirect": (answers("", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
                 AuroraProtocolError),
    "compressed": (answers("{}", head="Content-Encoding: gzip\r\n"), AuroraProtocolError),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_every_misbehaviour_is_one_error_and_in_time(name, server, made):
    behave, kind = MISBEHAVIOUR[name]
    client = made(server(behave).url, timeout=0.5 if kind is AuroraTimeout else 5)
    with takes(0, client.timeout + SLACK_S), pytest.raises(AuroraError) as failed:
        client.discover()
    assert type(failed.value) is kind, repr(failed.value)
    assert isinstance(failed.value, requests.RequestException)


def test_a_timeout_is_waited_for_and_not_more(server, made):
    client = made(server(trickles(OK + b"X-A: ")).url, timeout=0.4)
    with takes(0.4, 0.4 + SLACK_S), pytest.raises(AuroraTimeout):
        client.health_check()


def test_what_has_come_already_leaves_no_more_time_for_the_rest(server, made):
    client = made(server(pauses(1.2, OK + b"X-A: ")).url, timeout=1.5)
    with takes(1.5, 2.4), pytest.raises(AuroraTimeout):
        client.health_check()


def test_tls_with_something_that_does_not_speak_it(server, made):
    plain = server(lambda sock, _: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(AuroraTLSError):
        made(plain.url.replace("http:", "https:")).health_check()


def test_tls_handshakes_keep_to_the_timeout(server, made):
    url = server(silent).url.replace("http:", "https:")
    with takes(0.3, 0.3 + SLACK_S), pytest.raises(AuroraTimeout):
        made(url, timeout=0.3).health_check()


# --- Stopping ---


def test_stop_leaves_no_thread_and_ends_calls_that_are_under_way(node, server, made):
    stalled = server(silent)
    client = made(node.url(""), port=0)
    client.register()
    client.start_heartbeat()
    client.start_listener()
    client.start_watch()
    waiting = made(stalled.url, timeout=60)
    waiting.start_heartbeat()
    errors = []

    def call():
        with pytest.raises(AuroraError) as ended:
            waiting.discover()
        errors.append(ended.value)

    thread = threading.Thread(target=call)
    thread.start()
    wait_until(lambda: stalled.connections == 2, 5, "heartbeat and call are under way")
    assert len(client_threads()) == 4
    with takes(0, SLACK_S):
        client.stop()
        waiting.stop()
        thread.join(SLACK_S)
    assert client_threads() == [] and not thread.is_alive()
    assert [type(error) for error in errors] == [AuroraStopped]
    client.stop()
    assert client.heartbeat() is True, "a stopped client can be used again"


def test_stop_heartbeat_ends_no_other_call(server, made):
    stalled = server(silent)
    client = made(stalled.url, timeout=1)
    client.start_heartbeat()
    kinds = []

    def call():
        try:
            client.discover()
        except AuroraError as error:
            kinds.append(type(error))

    thread = threading.Thread(target=call)
    thread.start()
    wait_until(lambda: stalled.connections == 2, 5, "both wait")
    with takes(0, 0.5):
        client.stop_heartbeat()
    thread.join(5)
    assert kinds == [AuroraTimeout]


def test_deregister_on_stop(node, made):
    with made(node.url(""), "p1", deregister_on_stop=True) as client:
        client.register()
        assert "p1" in node.peers()
    assert "p1" not in node.peers()


def test_a_callback_that_raises_harms_nobody(node, made):
    made(node.url(""), "p1", auto_register=True)
    client, seen = made(node.url("")), []
    client.on("peer_discovered", lambda peer: 1 / 0)
    client.on("on_peer_discovered", seen.append)
    assert len(client.discover()) == 1 and len(seen) == 1


# --- Peers that are their own key ---


def test_an_identity_is_made_once_and_signs_what_is_registered(node, made, tmp_path):
    path = tmp_path / "keys" / "peer.key"
    metadata = {"ü": 1.5}
    client = made(
        node.url(""), identity=str(path), archetypes=["a", "b", "a"], metadata=metadata
    )
    assert client.peer_id.startswith("ed25519:") and len(client.peer_id) == 72
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["peer.key"]
    client.register()
    record = node.get(f"/v1/peers/{client.peer_id}").json()
    assert record["issued_by"] == "self" and record["archetypes"] == ["a", "b"]
    client.register(metadata={"changed": True})
    assert node.peers()[client.peer_id]["metadata"] == {"changed": True}
    assert client.heartbeat() is True

    again = made(node.url(""), identity=path)
    assert again.peer_id == client.peer_id
    again.register()
    assert node.peers()[client.peer_id]["metadata"] == again.metadata
    assert node.register(client.peer_id).status_code == 403, "nobody else can"


def test_identity_file_is_the_default_file(monkeypatch, tmp_path, made):
    monkeypatch.delenv("AURORA_P2P_IDENTITY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    client = made("http://127.0.0.1:1", identity="file")
    path = tmp_path / "aurora-p2p" / "identity.key"
    assert Identity.from_file(path).peer_id == client.peer_id
    monkeypatch.setenv("AURORA_P2P_IDENTITY", str(tmp_path / "other"))
    assert made("http://127.0.0.1:1", identity="file").peer_id != client.peer_id


def test_a_clock_that_was_set_back_is_made_up_for(node, made, tmp_path, monkeypatch):
    client = made(node.url(""), identity=tmp_path / "key", metadata={"n": 1})
    client.register()
    monkeypatch.setattr("aurora_p2p.client.time.time_ns", lambda: 10**15)
    restarted = made(node.url(""), identity=tmp_path / "key", metadata={"n": 2})
    restarted.register()
    assert node.peers()[client.peer_id]["metadata"] == {"n": 2}


@pytest.mark.parametrize("content, mode", [("00" * 32, 0o644), ("00" * 31, 0o600), ("zz", 0o600),
                                           ("", 0o600)])
def test_key_files_that_are_open_or_hold_something_else_are_refused(content, mode, tmp_path):
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(AuroraIdentityError, match=str(path)):
        Identity.from_file(path)
    assert path.read_text() == content


def test_two_programs_that_start_together_get_the_same_key(tmp_path):
    barrier, ids = threading.Barrier(8), []

    def start():
        barrier.wait()
        ids.append(Identity.from_file(tmp_path / "key").peer_id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8 and len(set(ids)) == 1
    assert os.listdir(tmp_path) == ["key"]


def test_everything_that_is_exported_is_documented():
    for name in aurora_p2p.__all__:
        if name != "__version__":
            assert getattr(aurora_p2p, name).__doc__, name


def test_only_identities_need_pynacl(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "nacl.signing", None)  # as if it were not there
    AuroraP2PClient("http://127.0.0.1:1", auto_register=False)
    with pytest.raises(AuroraIdentityError, match="PyNaCl"):
        AuroraP2PClient("http://127.0.0.1:1", identity=tmp_path / "key", auto_register=False)
    loaded = subprocess.run(
        [sys.executable, "-c", "import aurora_p2p, sys; print('nacl' in sys.modules)"],
        env={**os.environ, "PYTHONPATH": str(CLIENT)}, stdout=subprocess.PIPE, text=True,
        check=True)
    assert loaded.stdout == "False\n"
