# SPDX-License-Identifier: Apache-2.0
"""What the clients of the original service do, done to real nodes: key sets, times, prefixes, CORS.

The classes below mirror how those clients read answers: one builds a dataclass from the keys of a
peer and fails on any other, and all subtract times from naive ones.
"""

import dataclasses
import datetime

import pytest

from harness import wait_until


@dataclasses.dataclass
class PeerInfo:
    peer_id: str
    address: str
    port: int
    archetypes: list
    last_seen: str
    metadata: dict


def age_seconds(text):
    return (datetime.datetime.utcnow() - datetime.datetime.fromisoformat(text)).total_seconds()


@pytest.fixture
def node(cluster):
    node = cluster.add("n0")
    wait_until(lambda: node.status()["converged"], 10, "converged")
    return node


METADATA = {"nested": {"list": [1, 2.5, True, None, "ü"]}, "empty": {}}


@pytest.mark.parametrize("prefix", ["", "/dev", "/staging", "/prod"])
def test_the_four_routes_answer_with_exactly_their_keys(node, prefix):
    answer = node.post(
        f"{prefix}/register",
        {
            "peer_id": "p1",
            "address": "203.0.113.5",
            "port": 9000,
            "archetypes": ["pepino"],
            "metadata": METADATA,
        },
    )
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"message", "peer_id", "ttl_expires"}
    assert body["message"] == "Peer registered successfully" and body["peer_id"] == "p1"
    assert 290 < -age_seconds(body["ttl_expires"]) < 310
    assert "." in body["ttl_expires"] and not body["ttl_expires"].endswith("Z")

    answer = node.post(f"{prefix}/heartbeat", {"peer_id": "p1"})
    assert answer.status_code == 200
    assert set(answer.json()) == {"message", "peer_id", "timestamp", "ttl_expires"}
    assert answer.json()["message"] == "Heartbeat updated"
    assert abs(age_seconds(answer.json()["timestamp"])) < 5

    answer = node.get(f"{prefix}/discover", params={"archetype": "pepino"})
    assert set(answer.json()) == {"peers", "count", "timestamp", "reputation_enabled"}
    assert answer.json()["reputation_enabled"] is False and answer.json()["count"] == 1
    peer = PeerInfo(**answer.json()["peers"][0])  # any seventh key raises
    assert (peer.peer_id, peer.address, peer.port) == ("p1", "203.0.113.5", 9000)
    assert peer.metadata == METADATA
    assert abs(age_seconds(peer.last_seen)) < 300

    answer = node.get(f"{prefix}/health")
    assert answer.status_code == 200 and answer.json() == {"status": "healthy"}


def test_reputation_adds_one_key_and_only_when_asked(node):
    assert node.register("p1").status_code == 200
    peer = node.get("/discover", params={"reputation": "true"}).json()["peers"][0]
    assert set(peer) == {
        "peer_id",
        "address",
        "port",
        "archetypes",
        "last_seen",
        "metadata",
        "reputation_hint",
    }
    assert set(peer["reputation_hint"]) == {"score", "age_hours", "is_new", "note"}


def test_last_seen_moves_on_at_every_node_while_the_home_lives(cluster):
    nodes = cluster.start(3)
    assert nodes[0].register("p1").status_code == 200
    wait_until(lambda: "p1" in nodes[2].peers(), 5, "spread")
    first = nodes[2].peers()["p1"]["last_seen"]
    wait_until(
        lambda: nodes[2].peers()["p1"]["last_seen"] > first,
        5,
        "the home vouches for it: no heartbeat is gossiped, and yet it is seen",
    )


def test_existing_clients_only_ever_heartbeat_also_after_their_home_died(cluster):
    cluster.options += ["--orphan-grace", "2"]
    nodes = cluster.start(4)
    assert nodes[3].register("p1").status_code == 200
    wait_until(lambda: "p1" in nodes[0].peers(), 5, "spread")
    nodes[3].kill()
    wait_until(lambda: "p1" not in nodes[0].peers(), 20, "hidden after the grace")
    assert nodes[0].heartbeat("p1").status_code == 200, "hidden, not dropped"
    cluster.wait_everywhere(lambda node: "p1" in node.peers(), 5, "back everywhere")


@pytest.mark.parametrize(
    "path",
    [
        "/register",
        "/heartbeat",
        "/discover",
        "/health",
        "/dev/discover",
        "/v1/peers",
        "/v1/members",
        "/no/such/route",
    ],
)
def test_preflight_is_answered_on_every_route(node, path):
    answer = node.session.options(
        node.url(path),
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
        timeout=5,
    )
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    "body, field",
    [
        ({"address": "a", "port": 1}, "peer_id"),
        ({"peer_id": "", "port": 1}, "peer_id"),
        ({"peer_id": "a\x01b", "port": 1}, "peer_id"),
        ({"peer_id": 7, "port": 1}, "peer_id"),
        ({"peer_id": "x" * 129, "port": 1}, "peer_id"),
        ({"peer_id": "p", "port": "ninety"}, "port"),
        ({"peer_id": "p", "port": 70000}, "port"),
        ({"peer_id": "p", "port": 1.5}, "port"),
        ({"peer_id": "p", "port": 1, "archetypes": "pepino"}, "archetypes"),
        (
            {"peer_id": "p", "port": 1, "archetypes": ["x"] * 17 + list("abcdefghijklmnopq")},
            "archetypes",
        ),
        ({"peer_id": "p", "port": 1, "archetypes": [1]}, "archetypes"),
        ({"peer_id": "p", "port": 1, "metadata": []}, "metadata"),
        ({"peer_id": "p", "port": 1, "metadata": {"k": "v" * 600}}, "metadata"),
        ({"peer_id": "p", "port": 1, "address": "a\x00b"}, "address"),
        ({"peer_id": "p", "port": 1, "ttl_seconds": 5}, "ttl_seconds"),
    ],
)
def test_bad_fields_are_named(node, body, field):
    answer = node.post("/register", body)
    assert 400 <= answer.status_code < 500
    assert field in answer.json()["error"]
    assert node.peers() == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"peer_id": "\xc3\x28"}',
        b"[" * 5000,
        b'{"a":' * 3000,
        b'{"peer_id": "p", "port": NaN}',
    ],
)
def test_malformed_json_is_a_400(node, raw):
    answer = node.session.post(
        node.url("/register"), data=raw, timeout=5, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_ten_megabytes_are_refused_with_an_answer(node):
    answer = node.session.post(
        node.url("/register"),
        data=b"x" * 10_000_000,
        timeout=5,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413


def test_a_string_port_and_a_missing_address_are_accepted(node):
    assert node.post("/register", {"peer_id": "p", "port": "9001"}).status_code == 200
    peer = node.peers()["p"]
    assert peer["port"] == 9001 and peer["address"] == "127.0.0.1"
