# SPDX-License-Identifier: Apache-2.0
"""A million peers in one node: memory, reads beside those of a node with 10,000, and churn.

Both nodes joined ten homes of one process each. A thousand of the peers are registered at the
node itself, the same at both, so that the same questions get the same answers; they are asked in
turns, both nodes on the first core, the load on the second.
"""

import contextlib
import math
import pathlib
import re
import subprocess
import time

from joining import Homes, is_close, is_whole, join
from loads import wrk
from measure import column, cpu_seconds, in_turns, memory_bytes, progress, slowness
from nodes import cluster_in, fill, registering
from table import row

MANY, FEW = 1000000, 10000
OWN = {100: 100, 900: 900}  # kinds of peers that are registered at the node itself
CHURN_PER_S = 2000
SECONDS = 3
CHURN_SECONDS = 30
SCRIPT = pathlib.Path(__file__).parent / "discover.lua"
TURN = re.compile(r'^aurora_loop_turn_seconds_bucket\{loop="(\w+)",le="([^"]+)"\} (\d+)$', re.M)


def joined(stack, folder, peers, *options, is_enough=is_whole):
    """(homes, a node that holds `peers` peers of which a thousand are its own)."""
    homes = stack.enter_context(Homes(peers - sum(OWN.values()), *options))
    node, _, _ = join(stack.enter_context(cluster_in(folder)), homes, is_enough)
    for kind, count in OWN.items():
        fill(node, kind, count)
    return homes, node


def pin(node, cores):
    command = ["taskset", "-a", "-c", "-p", str(cores), str(node.process.pid)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def speed_rows(many, few, seconds):
    def asked(node, what):
        return wrk(node.url(""), seconds, (), (SCRIPT, 900, 900, what))

    def cached(node):
        return wrk(node.url("/discover?archetype=of-100"), seconds)

    kinds = {
        "/discover of 100 peers": cached,
        "/discover of 899, never the same": lambda node: asked(node, "exclude"),
        "/v1/peers/{id}": lambda node: asked(node, "id"),
    }
    rows = []
    for what, ask in kinds.items():
        results = in_turns({"here": lambda: ask(many), "few": lambda: ask(few)})
        ours, fews = column(results, "here", "rps"), column(results, "few", "rps")
        said = f"{what}, {MANY:,} peers held, requests/s"
        rows.append(row(said, ours, fews, f"{FEW:,} peers held", "ratio >= 0.9"))
    return rows


def size(folder, seconds):
    with contextlib.ExitStack() as stack:
        _, few = joined(stack, folder, FEW)
        homes, many = joined(stack, folder, MANY)
        time.sleep(5)
        memory = memory_bytes(many.process.pid) / MANY
        progress(f"{memory:.0f} bytes for each of {many.status()['peers']} peers")
        for node in (few, many):
            pin(node, 0)
        rows = [row(f"{MANY:,} peers held: memory for each, B", memory, demand="value <= 512")]
        return rows + speed_rows(many, few, seconds or SECONDS)


def turn_counts(node, loop):
    """How many turns of the loop took at most so many seconds: {seconds: count}."""
    return {
        float(bound): int(count)
        for name, bound, count in TURN.findall(node.get("/metrics").text)
        if name == loop
    }


def turns_within_ms(before, after, share):
    """The least bound in ms below which this share of the turns in between stayed; None if that
    is beyond all bounds."""
    between = {bound: after[bound] - before[bound] for bound in after}
    if not between or max(between.values()) == 0:
        raise RuntimeError("the node has counted no turns")
    wanted = share * max(between.values())
    bound = min(bound for bound, count in between.items() if count >= wanted)
    return None if math.isinf(bound) else 1000 * bound


def churn(folder, seconds):
    """At the homes a peer comes, one is renewed and one goes, 2,000 times a second in all; beside
    it 100 registrations a second at the node itself, whose answers show any stall."""
    seconds = int(seconds or CHURN_SECONDS)
    with contextlib.ExitStack() as stack:
        options = ["--churn", str(CHURN_PER_S)]
        homes, node = joined(stack, folder, MANY, *options, is_enough=is_close)
        cpu, turns = cpu_seconds(node.process.pid), turn_counts(node, "gossip")
        with registering(node, 100, 100, 100, seconds, cores="0-1") as finish:
            seen = finish()
        cpu = (cpu_seconds(node.process.pid) - cpu) / seconds
        stalled_ms = turns_within_ms(turns, turn_counts(node, "gossip"), 0.999)
        slow = [slowness()]
        accused = node.metric("aurora_accusations_made_total")
        counters = homes.end()
        accused += counters["accusations"]
        progress(f"the homes: {counters}")
    what = f"{MANY:,} peers, churn of {CHURN_PER_S}/s"
    return [
        row(
            f"{what}: turn of the loop, p99.9 at most, ms",
            [stalled_ms],
            demand="value <= 5",
            slowness=None if stalled_ms is None else slow,
        ),
        row("  a registration beside it, p99.9, ms", seen["p999_ms"]),
        row("  CPU of the node, cores", cpu),
        row("  accusations", accused, demand="value <= 0"),
    ]
