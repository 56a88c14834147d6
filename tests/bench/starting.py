# SPDX-License-Identifier: Apache-2.0
"""Nodes that start: from the start of the last of ten until each of them sees all others alive."""

import time

from measure import ROUNDS
from nodes import cluster_in
from table import row

NODES = 10


def starting(folder, _seconds):
    times = []
    for _ in range(ROUNDS):
        with cluster_in(folder) as cluster:
            cluster.start(NODES, wait=False)
            started = cluster.nodes[-1].spawned
            names = [node.name for node in cluster.nodes]
            cluster.wait_everywhere(lambda node: node.sees_alive(names), 30, "all see all")
            times.append(time.monotonic() - started)
    what = f"{NODES} nodes all see each other, after the last start"
    return [
        row(f"{what}, s", times, demand="value <= 1"),
        row(f"{what}, worst of {ROUNDS}, s", max(times)),
    ]
