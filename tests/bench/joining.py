# SPDX-License-Identifier: Apache-2.0
"""A fresh node that takes over what ten homes hold: how fast, and does it answer probes meanwhile?

The homes are cores in one process (homes.c), with peers of 36-character ids, two archetypes and
100 bytes of metadata. The clock runs from before the node's process is started until its view has
all peers and is converged. Neither is pinned: the node may verify with all cores.
"""

import contextlib
import json
import subprocess
import time

from harness import wait_until
from measure import cpu_seconds, helper, memory_bytes, progress, slowness
from nodes import cluster_in
from table import row

HOMES = 10
HOLDERS = 1  # of them hold all, and are joined through: ten copies of a million are too many
JOIN_TIMEOUT_S = 600


class Homes:
    """`with Homes(peers) as homes`: ready when they have met."""

    def __init__(self, peers, *options):
        size = ["--homes", str(HOMES), "--peers", str(peers), "--holders", str(HOLDERS)]
        self.peers = peers
        self.process = subprocess.Popen(
            [helper("homes"), *size, *options, "--json"], stdout=subprocess.PIPE, text=True
        )
        self.counters = None

    def __enter__(self):
        progress(f"{HOMES} homes make {self.peers} peers")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the homes ended with {self.process.wait()}")
        self.seed = json.loads(line)["addresses"][0]
        return self

    def end(self):
        """Their counters: of what they saw since they were ready."""
        if self.counters is None:
            self.process.terminate()
            self.counters = json.loads(self.process.stdout.read())
            self.process.wait()
        return self.counters

    def __exit__(self, *_):
        with contextlib.suppress(ValueError):
            self.end()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def is_whole(status, peers):
    return status["converged"] and status["peers"] >= peers


def is_close(status, peers):
    """While peers come and go all the time, a view is never up to date for long."""
    return status["synced"] and status["peers"] >= 0.99 * peers


def pause():
    """Asking is work for the node: not all the time."""
    time.sleep(0.05)


def join(cluster, homes, is_enough=is_whole):
    """(the node, seconds, its CPU seconds by then)."""
    node = cluster.add(f"n{len(cluster.nodes)}", seeds=[homes.seed])
    wait_until(
        lambda: is_enough(node.status(), homes.peers) or pause(),
        JOIN_TIMEOUT_S,
        "all peers are taken over",
    )
    took_s = time.monotonic() - node.spawned
    cpu_s = cpu_seconds(node.process.pid)
    progress(f"{homes.peers} peers after {took_s:.2f} s, {cpu_s:.1f} s of CPU")
    return node, took_s, cpu_s


def joining_of(peers, wanted_s, rounds):
    """The part for so many peers."""

    def joining(folder, _seconds):
        times, cpu, memory, slow, failed = [], [], [], [], 0
        with Homes(peers) as homes, cluster_in(folder) as cluster:
            for _ in range(rounds):
                node, took_s, cpu_s = join(cluster, homes)
                times.append(took_s)
                slow.append(slowness())
                cpu.append(cpu_s * 1e6 / peers)
                memory.append(memory_bytes(node.process.pid) / peers)
                failed += node.metric("aurora_probes_failed_total")
                failed += node.metric("aurora_accusations_made_total")
                if node.stop(timeout_s=30) != 0:
                    raise RuntimeError("the node did not end well")
            seen = homes.end()
        what = f"a fresh node takes over {peers:,} peers"
        blamed = seen["accusations"] + seen["not_alive"]
        return [
            row(f"{what}, s", times, demand=f"value <= {wanted_s}", slowness=slow),
            row("  CPU of the node for each peer, us", cpu),
            row("  memory of the node for each peer (PSS), B", memory),
            row("  probes of the node that failed, its accusations", failed, demand="value <= 0"),
            row("  accusations and suspicions of the homes", blamed, demand="value <= 0"),
        ]

    return joining
