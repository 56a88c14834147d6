# SPDX-License-Identifier: Apache-2.0
"""What nodes cost that do nothing: memory, CPU and UDP payload of each, beside Serf's agents; and
how that grows with the cluster, on real nodes and in the simulator.

Memory is the proportional set size; the CPU is the scheduler's count in nanoseconds; the payload
is what nodes and agents count themselves. Medians over five windows of time, means over nodes.
"""

import os
import re
import statistics
import subprocess
import time

from measure import BUILD, ROUNDS, cpu_seconds, memory_bytes, progress
from nodes import cluster_in
from rivals import beside
from serf import SerfCluster
from table import row

NODES = 30
SECONDS = 60
SETTLE_S = 30
GROWTH_SECONDS = 30
GROWTH_NODES = (10, 30, 100)
SIMULATED_NODES = (1000, 10000)
SIMULATED_S = 60


def watch_idle(pids, seconds, sent=lambda: 0):
    """{memory, cpu, sent}: bytes; ms of CPU a second and bytes a second for each of five windows,
    each the mean of a node. `sent` counts the bytes of all of them."""
    time.sleep(SETTLE_S)  # what joining stirred up has settled
    windows = {"cpu_ms": [], "sent": []}
    for _ in range(ROUNDS):
        cpu, bytes_before = sum(map(cpu_seconds, pids)), sent()
        began = time.monotonic()
        time.sleep(seconds / ROUNDS)
        took = (time.monotonic() - began) * len(pids)
        windows["cpu_ms"].append((sum(map(cpu_seconds, pids)) - cpu) * 1000 / took)
        windows["sent"].append((sent() - bytes_before) / took)
    memory = statistics.median(memory_bytes(pid) for pid in pids)
    return {"memory": memory, **windows}


def ours(folder, count, seconds):
    with cluster_in(folder) as cluster:
        nodes = cluster.start(count)
        progress(f"{count} nodes do nothing for {seconds:.0f} s")
        return watch_idle(
            [node.process.pid for node in nodes],
            seconds,
            lambda: sum(node.metric("aurora_bytes_out_total") for node in nodes),
        )


def of_serf(folder, count, seconds):
    with SerfCluster(folder, count) as cluster:
        progress(f"{count} Serf agents do nothing for {seconds:.0f} s")
        began = time.time() + SETTLE_S
        seen = watch_idle([agent.process.pid for agent in cluster.agents], seconds)
        seen["sent"] = cluster.sent_per_second(began, time.time())
        return seen


def cost(folder, seconds):
    seconds = seconds or SECONDS
    here = ours(folder, NODES, seconds)
    serf = beside(of_serf, folder, NODES, max(seconds, 25))  # it counts in intervals of 10 s
    serf = serf or {"memory": None, "cpu_ms": None, "sent": None}
    what, of = f"idle, {NODES} nodes, each", "Serf, LAN profile"
    theirs = serf["memory"] / 1e6 if serf["memory"] else None
    return [
        row(f"{what}: memory (PSS), MB", here["memory"] / 1e6, theirs, of, "value <= 3"),
        row(f"{what}: CPU, ms/s", here["cpu_ms"], serf["cpu_ms"], of, "value <= 1.5"),
        row(f"{what}: UDP payload sent, B/s", here["sent"], serf["sent"], of, "value <= 250"),
    ]


def simulate(nodes, virtual_s):
    """CPU seconds, peak of memory in bytes and bytes per node and second of one idle world."""
    size = ["--nodes", str(nodes), "--duration", str(virtual_s), "--set", "start=known"]
    process = subprocess.Popen(
        [str(BUILD / "aurora-sim"), "run", "idle", *size], stdout=subprocess.PIPE, text=True
    )
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"aurora-sim: {text}")
    sent = float(re.search(r"^bytes_per_node_s +([0-9.,]+)", text, re.M)[1].replace(",", ""))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, sent


def simulated(nodes):
    """As ours(): what a second longer costs is the difference of two runs."""
    progress(f"{nodes} nodes in the simulator")
    short, _, _ = simulate(nodes, SIMULATED_S)
    long, memory, sent = simulate(nodes, 2 * SIMULATED_S)
    cpu_ms = (long - short) * 1000 / SIMULATED_S / nodes
    return {"memory": memory / nodes, "cpu_ms": cpu_ms, "sent": sent}


def growth_rows(what, seen, first, of):
    return [
        row(f"{what}: memory, MB", seen["memory"] / 1e6, first["memory"] / 1e6, of),
        row(f"{what}: CPU, ms/s", seen["cpu_ms"], first["cpu_ms"], of),
        row(f"{what}: UDP payload sent, B/s", seen["sent"], first["sent"], of),
    ]


def growth(folder, seconds):
    """Each size beside the smallest of its kind: a ratio of 1 is a cost that does not grow."""
    seconds = seconds or GROWTH_SECONDS
    seen = {count: ours(folder, count, seconds) for count in GROWTH_NODES}
    rows = []
    for count in GROWTH_NODES:
        of = f"{GROWTH_NODES[0]} nodes"
        rows += growth_rows(f"idle, {count} nodes, each", seen[count], seen[GROWTH_NODES[0]], of)
    seen = {count: simulated(count) for count in SIMULATED_NODES}
    for count in SIMULATED_NODES:
        of = f"{SIMULATED_NODES[0]} simulated"
        first = seen[SIMULATED_NODES[0]]
        rows += growth_rows(f"simulated, {count} nodes, each", seen[count], first, of)
    return rows
