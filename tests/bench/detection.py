# SPDX-License-Identifier: Apache-2.0
"""kill -9 of one of thirty nodes until all others say dead; and no death that was none.

The others are asked in turn, and the next one only when the one before has said it, so that the
asking costs little: the last of them decides. Serf's agents beside it are asked in the same way.
Then the same cluster, while a busy loop for each core of the machine takes what it can get.
"""

import os
import subprocess
import sys
import time

from harness import wait_until
from measure import progress
from nodes import cluster_in
from rivals import beside
from serf import SerfCluster
from table import row

NODES = 30
DEATHS = 7
SATURATED_S = 600
BUSY = "while True: pass"


def wait_dead_everywhere(victim, others):
    for node in others:
        wait_until(lambda: node.members()[victim.name] == "dead" or pause(), 60, "dead")


def pause():
    time.sleep(0.015)


def ours(cluster):
    delays = []
    for i in range(DEATHS):
        victim = cluster.nodes[1 + i]
        victim.kill()
        began = time.monotonic()
        wait_dead_everywhere(victim, cluster.running())
        delays.append(time.monotonic() - began)
        progress(f"death {i + 1} of {DEATHS} known everywhere after {delays[-1]:.1f} s")
        victim.start(cluster.nodes[:1])
        cluster.wait_all_alive(60)
    return delays


def of_serf(folder):
    delays = []
    with SerfCluster(folder, NODES) as cluster:
        for victim in cluster.agents[1 : 1 + DEATHS]:
            victim.kill()
            began = time.monotonic()
            cluster.wait_failed(victim)
            delays.append(time.monotonic() - began)
            progress(f"Serf: known everywhere after {delays[-1]:.1f} s")
            cluster.start([victim], cluster.agents[0])
            cluster.wait_all_alive()
    return delays


def detection(folder, _seconds):
    with cluster_in(folder) as cluster:
        cluster.start(NODES)
        cluster.wait_all_alive(60)
        delays = ours(cluster)
    serfs = beside(of_serf, folder)
    what, of = f"kill -9 known at all of {NODES} nodes", "Serf, LAN profile"
    return [
        row(f"{what}, median, s", delays, serfs, of, "value <= 5"),
        row(f"{what}, worst of {DEATHS}, s", max(delays), max(serfs) if serfs else None, of),
    ]


def counted(cluster, name):
    return sum(node.metric(name) for node in cluster.nodes)


def busy_loops(count):
    return [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]


def under_load(folder, seconds):
    """A death that is declared here is false: nobody dies."""
    seconds = seconds or SATURATED_S
    loops = []
    with cluster_in(folder) as cluster:
        nodes = cluster.start(NODES)
        names = ("aurora_deaths_declared_total", "aurora_accusations_made_total")
        before = [counted(cluster, name) for name in names]
        try:
            loops = busy_loops(os.cpu_count())
            progress(f"{NODES} nodes beside {len(loops)} busy loops for {seconds:.0f} s")
            until, seen, asked = time.monotonic() + seconds, 0, 0
            while time.monotonic() < until:
                states = nodes[asked % NODES].members().values()
                seen = max(seen, sum(state not in ("alive", "suspect") for state in states))
                asked += 1
                time.sleep(1)
        finally:
            for loop in loops:
                loop.kill()
                loop.wait()
        deaths, accusations = (counted(cluster, n) - b for n, b in zip(names, before))
        what = f"{NODES} nodes, all cores busy for {seconds:.0f} s"
        return [
            row(f"{what}: false deaths, at all nodes", deaths, demand="value <= 0"),
            row("  members that one of them saw dead, at worst", seen, demand="value <= 0"),
            row("  accusations (refuted)", accusations),
        ]
