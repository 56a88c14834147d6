# SPDX-License-Identifier: Apache-2.0
"""/discover of every node of five is hammered: does anybody suspect anybody?"""

import subprocess
import time

from loads import parse_wrk, require
from measure import progress
from nodes import cluster_in
from table import row

NODES = 5
SECONDS = 60


def accusations(cluster):
    return sum(node.metric("aurora_accusations_made_total") for node in cluster.nodes)


def hammer(node, seconds):
    return subprocess.Popen(
        ["wrk", "-t1", "-c16", "--latency", f"-d{int(seconds)}s", node.url("/discover")],
        stdout=subprocess.PIPE,
        text=True,
    )


def worst_states(cluster, loads):
    """The most members that all nodes together saw other than alive at any time."""
    worst = 0
    while any(load.poll() is None for load in loads):
        states = [state for node in cluster.nodes for state in node.members().values()]
        worst = max(worst, sum(state != "alive" for state in states))
        time.sleep(0.5)
    return worst


def saturation(folder, seconds):
    seconds = seconds or SECONDS
    require("wrk", "wrk")
    with cluster_in(folder) as cluster:
        nodes = cluster.start(NODES)
        for i in range(100):
            assert nodes[i % NODES].register(f"peer-{i}").status_code == 200
        cluster.wait_views_equal()
        before = accusations(cluster)
        loads = [hammer(node, seconds) for node in nodes]
        progress(f"wrk saturates {NODES} nodes for {seconds:.0f} s")
        worst = worst_states(cluster, loads)
        rates = [parse_wrk(load.stdout.read())["rps"] for load in loads]
        what = f"/discover saturated on {NODES} nodes"
        return [
            row(f"{what}: requests/s in all", sum(rates)),
            row(f"{what}: accusations made", accusations(cluster) - before, demand="value <= 0"),
            row(f"{what}: seen other than alive, at worst", worst, demand="value <= 0"),
        ]
