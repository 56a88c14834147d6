# SPDX-License-Identifier: Apache-2.0
"""Real nodes on loopback: joining, spreading, dying, adopting, returning."""

import statistics
import time

import requests

from harness import wait_until

# Short graces, so that what takes minutes in production takes seconds here.
SHORT = ["--orphan-grace", "4"]


def test_ten_nodes_see_each_other_soon_after_the_last_start(cluster):
    cluster.start(10, wait=False)
    names = [node.name for node in cluster.nodes]
    cluster.wait_everywhere(lambda node: node.sees_alive(names), 5, "all see all")


def test_a_registration_is_in_discover_of_every_node(cluster):
    nodes = cluster.start(10)
    times = []
    for i in range(30):
        peer = f"peer-{i}"
        assert nodes[i % 10].register(peer).status_code == 200
        started = time.monotonic()
        for node in nodes:
            wait_until(lambda: peer in node.peers(), 5, f"{peer} at {node.name}")
        times.append(time.monotonic() - started)
    assert (
        statistics.median(times) < 1.0
    )  # the figures are the bench's; this only shows that it works
    cluster.wait_views_equal()


def test_a_client_reads_its_own_write(cluster):
    node = cluster.add("n0")
    wait_until(lambda: node.status()["converged"], 10, "converged")
    for i in range(50):
        assert node.register(f"own-{i}").status_code == 200
        assert f"own-{i}" in node.peers()


def test_a_killed_node_is_known_dead_and_its_peers_stay_through_the_grace_then_go(cluster):
    cluster.options += SHORT
    nodes = cluster.start(5)
    victim, others = nodes[4], nodes[:4]
    assert victim.register("orphan").status_code == 200
    cluster.wait_everywhere(lambda node: "orphan" in node.peers(), 5, "orphan is everywhere")
    victim.kill()
    for node in others:
        wait_until(lambda: node.members()["n4"] == "dead", 10, f"n4 is dead at {node.name}")
        assert "orphan" in node.peers(), "its peers stay through the grace"
    cluster.wait_everywhere(lambda node: "orphan" not in node.peers(), 12, "orphan is gone")


def test_a_peer_that_heartbeats_elsewhere_is_adopted_and_never_blinks(cluster):
    cluster.options += SHORT
    nodes = cluster.start(5)
    victim, others = nodes[4], nodes[:4]
    assert victim.register("roamer").status_code == 200
    cluster.wait_everywhere(lambda node: "roamer" in node.peers(), 5, "roamer is everywhere")
    victim.kill()
    end = time.monotonic() + 16  # death is known within 8 s, the grace is 4 s
    beat = 0
    while time.monotonic() < end:
        if time.monotonic() > beat:
            assert others[0].heartbeat("roamer").status_code == 200
            beat = time.monotonic() + 1
        for node in others:
            assert "roamer" in node.peers(), f"roamer blinked at {node.name}"
        time.sleep(0.02)
    peers = others[1].get("/v1/peers").json()["peers"]
    assert [peer["home"] for peer in peers] == ["n0"] or peers[0]["home"] != "n4"


def test_a_restarted_node_keeps_its_identity_and_its_leases(cluster):
    nodes = cluster.start(3)
    before = nodes[2].status()["id"]
    assert nodes[2].register("kept").status_code == 200
    assert nodes[2].wait_saved("kept") < 1.5, "what was answered 200 is on disk within a second"
    nodes[2].kill()
    nodes[2].start(nodes[:1])
    wait_until(lambda: nodes[2].status()["converged"], 10, "converged again")
    assert nodes[2].status()["id"] == before
    assert nodes[2].heartbeat("kept").status_code == 200
    cluster.wait_everywhere(lambda node: "kept" in node.peers(), 5, "kept is everywhere")


def test_a_graceful_leave_is_left_not_dead(cluster):
    nodes = cluster.start(3)
    assert nodes[2].stop() == 0
    for node in nodes[:2]:
        wait_until(lambda: node.members()["n2"] == "left", 3, "n2 has left")


def test_a_three_second_stop_brings_no_false_death(cluster):
    nodes = cluster.start(5)
    nodes[3].freeze()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for node in nodes:
            if node is not nodes[3]:
                assert "dead" not in node.members().values()
        time.sleep(0.05)
    nodes[3].thaw()
    cluster.wait_all_alive(10)
    assert sum(node.metric("aurora_deaths_declared_total") for node in nodes) == 0


def test_a_node_without_the_key_is_refused_counted_and_logged_once(cluster, tmp_path):
    key = tmp_path / "key"
    key.write_text("ab" * 32 + "\n")
    key.chmod(0o600)
    keyed = ["--key-file", str(key)]
    first = cluster.add("n0", keyed)
    second = cluster.add("n1", keyed)
    stranger = cluster.add("stranger", [], seeds=[first])
    wait_until(
        lambda: first.sees_alive(["n0", "n1"]) and second.sees_alive(["n0", "n1"]), 10, "two"
    )
    wait_until(lambda: first.metric("aurora_drops_total") >= 3, 20, "its packets are counted")
    assert "stranger" not in first.members()
    assert list(stranger.members()) == ["stranger"]
    lines = [
        line for line in first.log().splitlines() if "another key" in line or "unknown_key" in line
    ]
    assert len(lines) == 1, lines


def test_two_clusters_on_one_address_never_merge(cluster):
    red = cluster.add("red", ["--cluster", "red"], seeds=[])
    blue = cluster.add("blue", ["--cluster", "blue"], seeds=[red])
    wait_until(lambda: red.metric("aurora_drops_total") >= 3, 20, "blue keeps asking")
    assert list(red.members()) == ["red"]
    assert list(blue.members()) == ["blue"]


def test_a_node_with_no_reachable_seed_starts_alone_says_so_and_keeps_trying(cluster):
    # A port that nobody listens on now; the seed starts there later.
    first = cluster.add("n0", seeds=[])
    address = first.gossip
    first.stop()
    second = cluster.add("n1", seeds=[address])
    wait_until(lambda: second.status()["converged"], 15, "alone, and ready")
    assert second.register("lonely").status_code == 200
    first.options += ["--bind", address]
    first.start([])
    wait_until(lambda: first.sees_alive(["n0", "n1"]), 60, "the seed was found")
    wait_until(lambda: "lonely" in first.peers(), 10, "and its records")


def test_a_seed_may_be_a_host_name(cluster):
    first = cluster.add("n0")
    port = first.gossip.rsplit(":", 1)[1]
    second = cluster.add("n1", seeds=[f"localhost:{port}"])
    wait_until(lambda: second.sees_alive(["n0", "n1"]), 10, "joined by name")


def test_ipv6_only_nodes_form_a_cluster(cluster):
    v6 = ["--bind", "[::1]:0", "--http", "[::1]:0"]
    first = cluster.add("n0", v6)
    second = cluster.add("n1", v6)
    wait_until(
        lambda: first.sees_alive(["n0", "n1"]) and second.sees_alive(["n0", "n1"]), 10, "both"
    )
    wait_until(lambda: second.status()["synced"], 5, "it knows what there is")
    assert second.register("six", address="2001:db8::1").status_code == 200
    wait_until(lambda: "six" in first.peers(), 5, "spread over IPv6")


def test_all_nodes_killed_and_restarted_at_once_come_back_with_their_peers(cluster):
    nodes = cluster.start(5)
    for i, node in enumerate(nodes):
        assert node.register(f"peer-{i}").status_code == 200
    cluster.wait_everywhere(lambda node: len(node.peers()) == 5, 5, "all peers everywhere")
    for i, node in enumerate(nodes):
        node.wait_saved(f"peer-{i}")
    addresses = [node.gossip for node in nodes]
    for node in nodes:
        node.kill()
    for node, address in zip(nodes, addresses):
        node.options += ["--bind", address]
        node.start([addresses[0]], wait=False)
    for node in nodes:
        node.wait_ready()
    cluster.wait_all_alive(15)
    cluster.wait_everywhere(lambda node: len(node.peers()) == 5, 15, "all peers are back")
    for i in range(5):
        assert nodes[(i + 1) % 5].heartbeat(f"peer-{i}").status_code == 200


def test_garbage_on_the_gossip_port_changes_nothing(cluster):
    import os
    import socket

    nodes = cluster.start(3)
    assert nodes[0].register("steady").status_code == 200
    host, port = nodes[0].gossip.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for size in [0, 1, 28, 29, 45, 46, 200, 1200, 1201, 1472, 9000]:
            for _ in range(20):
                sock.sendto(os.urandom(size), (host, int(port)))
        sock.sendto(bytes.fromhex("dd00ffffff"), (host, int(port)))
    wait_until(lambda: nodes[0].metric("aurora_drops_total") >= 150, 5, "dropped and counted")
    assert nodes[0].sees_alive(["n0", "n1", "n2"])
    cluster.wait_everywhere(lambda node: "steady" in node.peers(), 5, "nothing was lost")


def test_the_same_key_twice_refuses_to_run(cluster):
    import shutil

    nodes = cluster.start(3)
    clone = nodes[2].folder / "clone"
    shutil.copytree(
        nodes[2].data, clone, ignore=shutil.ignore_patterns("control.sock", "ports.json")
    )
    copy = cluster.add("clone", seeds=[nodes[0]], wait=False)
    wait_until(lambda: not copy.is_running(), 15, "the copy refuses to run")
    assert copy.process.returncode not in (0, None)
    assert "key" in copy.log().lower()
    assert nodes[2].is_running()
    cluster.nodes.remove(copy)
    cluster.wait_all_alive(10)


def test_unknown_peer_heartbeat_is_404_at_every_node(cluster):
    nodes = cluster.start(3)
    for node in nodes:
        answer = node.heartbeat("nobody")
        assert answer.status_code == 404
        assert answer.json() == {"error": "unknown peer", "peer_id": "nobody"}


def test_a_full_disk_stops_nothing(cluster, tmp_path):
    """The data folder is on a tiny, full file system: registering goes on, the log says so."""
    import subprocess
    import os
    import pytest

    folder = tmp_path / "tiny"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], check=False
        ).returncode
    ):
        pytest.skip("needs the right to mount a file system")
    try:
        node = cluster.add("n0", ["--data", str(folder)], wait=False)
        node.data = folder
        node.wait_ready()
        with open(folder / "ballast", "wb", buffering=0) as ballast:
            try:
                while ballast.write(b"x" * 4096):
                    pass
            except OSError:
                pass  # full
        wait_until(lambda: node.status()["converged"], 10, "converged")
        for i in range(100):
            assert node.register(f"peer-{i}").status_code == 200
        wait_until(lambda: "No space left" in node.log(), 10, "the log names the full disk")
        assert len(node.peers()) == 100
        (folder / "ballast").unlink()
        assert node.register("after").status_code == 200
        node.wait_saved("after", 10)
        node.kill()
        node.start([])
        wait_until(lambda: node.status()["converged"], 10, "converged again")
        assert node.heartbeat("after").status_code == 200
        assert node.heartbeat("peer-7").status_code == 200
    finally:
        cluster.close()
        subprocess.run(["umount", str(folder)], check=False)


def test_a_stopped_node_frees_its_ports(cluster):
    node = cluster.add("n0")
    http = node.http
    assert node.stop() == 0
    try:
        requests.get(f"http://{http}/health", timeout=1)
        raise AssertionError("it still answers")
    except requests.ConnectionError:
        pass
