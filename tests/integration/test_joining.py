# SPDX-License-Identifier: Apache-2.0
"""A node that joins takes over much: its signatures are verified by threads of their own."""

import os

from harness import wait_until

PEERS = 600  # some 200 datagrams: no gap, but bulk


def fill(node):
    for number in range(PEERS):
        assert node.register(f"peer-{number}").status_code == 200


def threads(node):
    folder = f"/proc/{node.process.pid}/task"
    names = [open(f"{folder}/{task}/comm", encoding="ascii").read() for task in os.listdir(folder)]
    return sum(name.strip() == "aurora-verify" for name in names)


def test_a_joiner_takes_over_a_large_log_and_nobody_suspects_anybody(cluster):
    home = cluster.add("home")
    wait_until(lambda: home.status()["converged"], 10, "converged")
    fill(home)
    assert threads(home) == 0, "whoever pulls nothing needs no such threads"
    joiner = cluster.add("joiner", seeds=[home])
    wait_until(lambda: len(joiner.peers(archetype="pepino")) == PEERS, 20, "all are here")
    cluster.wait_views_equal()
    assert threads(joiner) == min(8, len(os.sched_getaffinity(joiner.process.pid)))
    assert joiner.metric("aurora_signatures_verified_total") >= PEERS
    for node in (home, joiner):
        assert node.metric("aurora_accusations_made_total") == 0
        assert set(node.members().values()) == {"alive"}


def test_a_joiner_that_is_stopped_in_the_middle_ends_as_any_other(cluster):
    home = cluster.add("home")
    wait_until(lambda: home.status()["converged"], 10, "converged")
    fill(home)
    for number in range(5):
        joiner = cluster.add(f"joiner-{number}", seeds=[home], wait=False)
        wait_until(lambda: threads(joiner) > 0, 10, "it has begun to verify")
        assert joiner.stop() == 0
