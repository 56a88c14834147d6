# SPDX-License-Identifier: Apache-2.0
"""What a cluster of real nodes costs, and how fast news and deaths are known in it."""

import http.client
import random
import statistics
import subprocess
import sys
import time

from harness import Cluster, wait_until


def row(what, value, reference=None, reference_is=""):
    ratio = value / reference if reference else None
    return {
        "what": what,
        "value": value,
        "reference": reference,
        "ratio": ratio,
        "reference_is": reference_is,
    }


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def progress(text):
    print(f"    {text}", file=sys.stderr, flush=True)


def memory_bytes(pid):
    """Proportional set size: shared pages count by their share."""
    for line in open(f"/proc/{pid}/smaps_rollup", encoding="ascii"):
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss")


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def idle(folder, seconds):
    """30 nodes, converged, no clients. Serf's figures were measured on a machine like this one."""
    seconds = seconds or 60
    cluster = Cluster(folder)
    try:
        nodes = cluster.start(30)
        time.sleep(10)  # what joining stirred up has settled
        cpu = [cpu_seconds(node.process.pid) for node in nodes]
        sent = [node.metric("aurora_bytes_out_total") for node in nodes]
        progress(f"30 nodes are idle for {seconds:.0f} s")
        started = time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - started
        cpu = [(cpu_seconds(node.process.pid) - before) / took for node, before in zip(nodes, cpu)]
        memory = [memory_bytes(node.process.pid) for node in nodes]
        sent = [
            (node.metric("aurora_bytes_out_total") - before) / took
            for node, before in zip(nodes, sent)
        ]
        return [
            row(
                "idle, 30 nodes: memory per node (PSS), MB",
                statistics.median(memory) / 1e6,
                7,
                "serf",
            ),
            row(
                "idle, 30 nodes: CPU per node, % of a core",
                100 * statistics.mean(cpu),
                0.24,
                "serf",
            ),
            row(
                "idle, 30 nodes: UDP payload sent per node, B/s", statistics.mean(sent), 268, "serf"
            ),
        ]
    finally:
        cluster.close()


def joining(folder, _seconds):
    """From the start of the last of 10 nodes until each of them sees all others alive."""
    times = []
    for i in range(5):
        place = folder / str(i)
        place.mkdir()
        cluster = Cluster(place)
        try:
            cluster.start(10, wait=False)
            started = cluster.nodes[-1].spawned
            names = [node.name for node in cluster.nodes]
            cluster.wait_everywhere(lambda node: node.sees_alive(names), 30, "all see all")
            times.append(time.monotonic() - started)
        finally:
            cluster.close()
    return [
        row(
            "10 nodes all see each other, after the last start, median, s", statistics.median(times)
        ),
        row("10 nodes all see each other, worst of 5, s", max(times)),
    ]


class Asker:
    """Keep-alive requests with little overhead: is a peer known at a node?"""

    def __init__(self, node):
        self.connection = http.client.HTTPConnection(node.http, timeout=5)

    def knows(self, peer):
        self.connection.request("GET", f"/v1/peers/{peer}")
        answer = self.connection.getresponse()
        answer.read()
        return answer.status == 200


def visibility(folder, _seconds):
    """From the answer to a registration at one of 10 nodes until the last one finds the peer."""
    cluster = Cluster(folder)
    try:
        nodes = cluster.start(10)
        askers = [Asker(node) for node in nodes]
        times = []
        dice = random.Random(7)
        for i in range(200):
            peer = f"peer-{i}"
            home = dice.randrange(10)
            assert nodes[home].register(peer).status_code == 200
            started = time.monotonic()
            waiting = [asker for k, asker in enumerate(askers) if k != home]
            while waiting:
                waiting = [asker for asker in waiting if not asker.knows(peer)]
                assert time.monotonic() - started < 10
            times.append((time.monotonic() - started) * 1000)
            time.sleep(dice.random() * 0.05)
        return [
            row("visible at all of 10 nodes, median, ms", statistics.median(times)),
            row("visible at all of 10 nodes, p99 of 200, ms", percentile(times, 0.99)),
        ]
    finally:
        cluster.close()


def detection(folder, _seconds):
    """kill -9 of one of 10 nodes until all others say dead."""
    cluster = Cluster(folder)
    times = []
    try:
        nodes = cluster.start(10)
        for i in range(7):
            victim = nodes[1 + i]
            victim.kill()
            started = time.monotonic()
            others = cluster.running()
            wait_until(
                lambda: all(node.members()[victim.name] == "dead" for node in others), 30, "dead"
            )
            times.append(time.monotonic() - started)
            progress(f"death {i + 1} of 7 known everywhere after {times[-1]:.1f} s")
            victim.start(nodes[:1])
            cluster.wait_all_alive(30)
        return [
            row(
                "kill -9 known at all of 10 nodes, median, s",
                statistics.median(times),
                8.1,
                "serf, 30 nodes",
            ),
            row("kill -9 known at all of 10 nodes, worst of 7, s", max(times)),
        ]
    finally:
        cluster.close()


def saturation(folder, seconds):
    """/discover of every node of five is hammered: does anybody suspect anybody?"""
    seconds = seconds or 60
    cluster = Cluster(folder)
    try:
        nodes = cluster.start(5)
        for i in range(100):
            assert nodes[i % 5].register(f"peer-{i}").status_code == 200
        cluster.wait_views_equal()
        before = sum(node.metric("aurora_accusations_made_total") for node in nodes)
        loads = [
            subprocess.Popen(
                ["wrk", "-t1", "-c16", f"-d{int(seconds)}s", node.url("/discover")],
                stdout=subprocess.PIPE,
                text=True,
            )
            for node in nodes
        ]
        progress(f"wrk saturates five nodes for {seconds:.0f} s")
        worst = 0
        while any(load.poll() is None for load in loads):
            states = [state for node in nodes for state in node.members().values()]
            worst = max(worst, sum(state != "alive" for state in states))
            time.sleep(0.5)
        rates = [float(load.stdout.read().split("Requests/sec:")[1].split()[0]) for load in loads]
        after = sum(node.metric("aurora_accusations_made_total") for node in nodes)
        return [
            row("saturated /discover on 5 nodes: requests/s in all", sum(rates)),
            row("saturated: accusations made", after - before),
            row("saturated: members seen other than alive, at worst", worst),
        ]
    finally:
        cluster.close()
