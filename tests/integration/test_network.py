# SPDX-License-Identifier: Apache-2.0
"""Nodes on hosts of their own (network namespaces that the test makes), cut apart and healed."""

import os
import subprocess
import uuid

import pytest

from harness import Cluster, wait_until


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Network:
    """`count` namespaces on one bridge, on which the test itself has an address, too."""

    def __init__(self, count):
        self.tag = uuid.uuid4().hex[:6]
        self.hosts = [f"au{self.tag}{i}" for i in range(count)]
        self.bridge = f"au{self.tag}b"
        self.made = []
        ip("link", "add", self.bridge, "type", "bridge")
        ip("addr", "add", "10.213.77.254/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")
        for i, host in enumerate(self.hosts):
            ip("netns", "add", host)
            self.made.append(host)
            ip("link", "add", f"v{host}", "type", "veth", "peer", "name", "eth0", "netns", host)
            ip("link", "set", f"v{host}", "master", self.bridge, "up")
            ip("-n", host, "addr", "add", f"10.213.77.{i + 1}/24", "dev", "eth0")
            ip("-n", host, "link", "set", "eth0", "up")
            ip("-n", host, "link", "set", "lo", "up")

    def isolate(self, hosts, others):
        """No packet between the two sets; both still reach the test."""
        for a in hosts:
            for b in others:
                for host, target in ((a, b), (b, a)):
                    ip(
                        "-n",
                        self.hosts[host],
                        "route",
                        "add",
                        "blackhole",
                        f"10.213.77.{target + 1}/32",
                    )

    def heal(self):
        for host in self.hosts:
            ip("-n", host, "route", "flush", "type", "blackhole")

    def close(self):
        for host in self.made:
            subprocess.run(["ip", "netns", "del", host], check=False)
        subprocess.run(["ip", "link", "del", self.bridge], check=False)


@pytest.fixture
def network():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    try:
        made = Network(5)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.decode()}")
    yield made
    made.close()


def start(cluster, network):
    for i, host in enumerate(network.hosts):
        address = f"10.213.77.{i + 1}"
        cluster.add(
            f"n{i}",
            ["--bind", f"{address}:4747", "--http", f"{address}:4780", "--orphan-grace", "4"],
            seeds=["10.213.77.1:4747"] if i else [],
            wait=False,
            prefix=["ip", "netns", "exec", host],
        )
    for node in cluster.nodes:
        node.wait_ready()
    cluster.wait_all_alive(20)
    return cluster.nodes


def test_a_partition_heals_into_one_view_without_an_operator(tmp_path, network):
    cluster = Cluster(tmp_path)
    try:
        nodes = start(cluster, network)
        for i, node in enumerate(nodes):
            assert node.register(f"peer-{i}", ttl_seconds=60).status_code == 200
        cluster.wait_everywhere(lambda node: len(node.peers()) == 5, 5, "five peers everywhere")
        network.isolate([0, 1, 2], [3, 4])
        wait_until(
            lambda: nodes[0].members()["n4"] != "alive" and nodes[4].members()["n0"] != "alive",
            20,
            "the halves miss each other",
        )
        # Both sides go on taking registrations.
        assert nodes[0].register("left-side", ttl_seconds=60).status_code == 200
        assert nodes[4].register("right-side", ttl_seconds=60).status_code == 200
        wait_until(
            lambda: "left-side" in nodes[2].peers() and "right-side" in nodes[3].peers(),
            5,
            "each half serves its own",
        )
        # Two of five accusers are no quorum: the smaller side declares nobody dead.
        assert "dead" not in nodes[4].members().values()
        network.heal()
        cluster.wait_all_alive(25)
        cluster.wait_everywhere(lambda node: len(node.peers()) == 7, 15, "all seven everywhere")
        cluster.wait_views_equal()
    finally:
        cluster.close()


def test_a_cut_off_node_answers_from_memory_says_so_and_then_lets_go(tmp_path, network):
    cluster = Cluster(tmp_path)
    try:
        nodes = start(cluster, network)
        assert nodes[0].register("far", ttl_seconds=60).status_code == 200
        assert nodes[4].register("near", ttl_seconds=60).status_code == 200
        cluster.wait_everywhere(lambda node: len(node.peers()) == 2, 5, "both everywhere")
        network.isolate([4], [0, 1, 2, 3])
        wait_until(
            lambda: nodes[4].get("/discover").headers["X-Aurora-Converged"] == "false",
            10,
            "it says that it is not converged",
        )
        wait_until(lambda: "far" not in nodes[4].peers(), 15, "the grace ran out")
        assert "near" in nodes[4].peers(), "its own peers are its own"
        assert "dead" not in nodes[4].members().values(), "it blames nobody for its own silence"
        network.heal()
        cluster.wait_all_alive(25)
        cluster.wait_everywhere(lambda node: len(node.peers()) == 2, 10, "both everywhere again")
    finally:
        cluster.close()
