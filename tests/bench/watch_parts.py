# SPDX-License-Identifier: Apache-2.0
"""Ten thousand open streams of one node, a hundred changes a second."""

import json
import pathlib
import subprocess
import threading
import time

from harness import Cluster
from measure import cpu_seconds, helper, memory_bytes, progress
from table import row

WATCHERS = 10000
RATE = 100


def threads_of(pid):
    """Name of each thread and its CPU seconds."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)
        name = fields[0].split("(", 1)[1]
        found[name] = found.get(name, 0) + sum(int(f) for f in fields[1].split()[11:13]) / 100
    return found


def watch(folder, seconds):
    """The node is one of three, so that its failure detector has something to do meanwhile."""
    seconds = int(seconds or 20)
    room = str(WATCHERS * 14 // 10)
    options = ["--http-connections", room, "--http-connections-per-address", room]
    program = helper("watchers")
    cluster = Cluster(folder, options)
    load = None
    try:
        nodes = cluster.start(3)
        node = nodes[0]
        node.register("a-peer")
        time.sleep(2)  # what joining stirred up has settled
        accusations = sum(one.metric("aurora_accusations_made_total") for one in nodes)
        before = memory_bytes(node.process.pid)
        host, port = node.http.rsplit(":", 1)
        started = time.monotonic()
        load = subprocess.Popen(
            [program, host, port, str(WATCHERS), str(RATE), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert load.stdout.readline() == "ready\n"
        opened_s = time.monotonic() - started
        progress(f"{WATCHERS} watchers have their snapshot after {opened_s:.1f} s")
        assert node.metric("aurora_http_watchers") == WATCHERS
        idle = memory_bytes(node.process.pid) - before
        cpu = threads_of(node.process.pid)
        total_cpu = cpu_seconds(node.process.pid)
        own_cpu = cpu_seconds(load.pid)
        load.stdin.write("go\n")
        load.stdin.flush()
        worst = []
        done = threading.Event()

        def look():
            while not done.wait(0.5):
                states = [s for one in nodes for s in one.members().values()]
                worst.append(sum(state != "alive" for state in states))

        looking = threading.Thread(target=look)
        looking.start()
        time.sleep(seconds)
        spent = {
            name: (value - cpu.get(name, 0)) / seconds
            for name, value in threads_of(node.process.pid).items()
        }
        total = (cpu_seconds(node.process.pid) - total_cpu) / seconds
        own = (cpu_seconds(load.pid) - own_cpu) / seconds
        busy = memory_bytes(node.process.pid) - before
        seen = json.loads(load.stdout.readline())
        done.set()
        looking.join()
        after = sum(one.metric("aurora_accusations_made_total") for one in nodes)
        progress(f"{seen}; CPU {spent}; load generator {own:.2f}")
        what = f"{WATCHERS} watchers, {RATE} changes/s"
        return [
            row(f"{what}: all opened with their snapshot, s", opened_s),
            row(f"{what}: memory of the node per idle watcher (PSS), B", idle / WATCHERS),
            row(f"{what}: the same while changes come, B", busy / WATCHERS),
            row(
                f"{what}: events delivered/s",
                seen["delivered_in_time"] / seconds,
                RATE * WATCHERS,
                "all of them",
            ),
            row(
                f"{what}: events delivered in the end",
                seen["delivered"],
                seen["changes"] * WATCHERS,
                "all of them",
            ),
            row(f"{what}: bytes sent, MB/s", seen["bytes"] / 1e6 / seconds),
            row(f"{what}: change to receipt, median, ms", seen["p50_ms"]),
            row(f"{what}: change to receipt, p99, ms", seen["p99_ms"]),
            row(f"{what}: change to receipt, worst, ms", seen["worst_ms"]),
            row(f"{what}: registration beside it, worst, ms", seen["answer_worst_ms"]),
            row(f"{what}: CPU of the node, cores", total),
            row(f"{what}: of this its HTTP thread", spent.get("aurora-http", 0)),
            row(f"{what}: watchers that lost their stream", seen["gone"]),
            row(f"{what}: accusations made", after - accusations),
            row(f"{what}: members seen other than alive, at worst", max(worst, default=0)),
        ]
    finally:
        if load is not None:
            load.kill()
            load.wait()
        cluster.close()
