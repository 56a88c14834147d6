# SPDX-License-Identifier: Apache-2.0
"""From a registration at one node until the last node of the cluster tells it to its watcher.

One small program holds a stream of every node and registers; the clock runs from before it writes
the request until it has read the last event, so its own work for each node is in the figure. How
much that is, is a row. Serf beside it: a tag is changed at one agent, and each agent is asked
until it knows; the next one when the one before does.
"""

import json
import random
import time

from measure import helper, median, percentile, progress, run_text
from nodes import cluster_in
from rivals import beside
from serf import SerfCluster
from table import row

REGISTRATIONS = 300
TAG_CHANGES = 15
SPACING_MS = 30
SEED = 7


def ours(folder, count, seed):
    """Delays in ms until the answer and until the last node, copies per node, the observer."""
    with cluster_in(folder) as cluster:
        nodes = cluster.start(count)
        time.sleep(2)  # what joining stirred up has settled
        before = copies(nodes)
        command = [helper("spread"), REGISTRATIONS, SPACING_MS, seed, *(n.http for n in nodes)]
        seen = json.loads(run_text([str(word) for word in command]))
        received = copies(nodes) - before
        return {
            "answer": [delays[0] for delays in seen["delays"]],
            "everywhere": [delays[1] for delays in seen["delays"]],
            "copies": received / REGISTRATIONS / (count - 1),
            "observer": seen["own_cpu_ms_each"],
        }


def copies(nodes):
    return sum(node.metric("aurora_spread_payloads_in_total") for node in nodes)


def of_serf(folder, count, dice):
    """Milliseconds from a tag's change at one agent until all know it."""
    delays = []
    with SerfCluster(folder, count) as cluster:
        for i in range(TAG_CHANGES):
            time.sleep(dice.random() / 2)
            agent, value = dice.choice(cluster.agents), f"change-{i:06d}"
            began = time.monotonic()
            with agent.tell("tags", {"Tags": {"v": value}, "DeleteTags": []}):
                cluster.wait_tag(value)
            delays.append((time.monotonic() - began) * 1000)
    return delays


def spreading_of(count, wanted_ms, wanted_p99_ms):
    """The part for a cluster of this size. It takes what time it needs."""

    def spreading(folder, _seconds):
        seen = ours(folder, count, SEED)
        delays = seen["everywhere"]
        p99 = percentile(delays, 0.99)
        progress(f"{count} nodes: {median(delays):.1f} ms, p99 {p99:.1f} ms")
        tags = beside(of_serf, folder, count, random.Random(SEED))
        what, of = f"a registration known at all of {count} nodes", "Serf, a tag's change"
        worst = max(tags) if tags else None
        return [
            row(f"{what}, median, ms", delays, tags, of, f"value <= {wanted_ms}"),
            row(f"{what}, p99, ms", p99, worst, f"{of}, worst", f"value <= {wanted_p99_ms}"),
            row("  of it until the home's answer, median, ms", seen["answer"]),
            row("  of it CPU of the observer, mean, ms", seen["observer"]),
            row("  payload copies per node", seen["copies"], demand="value <= 1.5"),
        ]

    return spreading
