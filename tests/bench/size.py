# SPDX-License-Identifier: Apache-2.0
"""A million peers in one node: memory, reads beside those of a node with 10,000, and churn.

Both nodes joined ten homes of one process each. A thousand of the peers are registered at the
node itself, the same at both, so that the same questions get the same answers; they are asked in
turns, both nodes on the first core, the load on the second.
"""

import contextlib
import pathlib
import re
import subprocess
import time

from joining import Homes, join
from loads import wrk
from measure import (
    Missing,
    column,
    cpu_seconds,
    in_turns,
    memory_bytes,
    percentile,
    progress,
)
from nodes import cluster_in, fill, registering
from rivals import note_missing
from table import row

MANY, FEW = 1000000, 10000
OWN = {100: 100, 900: 900}  # kinds of peers that are registered at the node itself
CHURN_PER_S = 2000
SECONDS = 3
CHURN_SECONDS = 30
SCRIPT = pathlib.Path(__file__).parent / "discover.lua"
TURN = re.compile(r"^.*?\s(\d+\.\d+):\s+syscalls:sys_(enter|exit)_epoll_wait", re.M)


def joined(stack, folder, peers, *options):
    """(homes, a node that holds `peers` peers of which a thousand are its own)."""
    homes = stack.enter_context(Homes(peers - sum(OWN.values()), *options))
    node, _, _ = join(stack.enter_context(cluster_in(folder)), homes)
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


def turns_ms(node, seconds, folder):
    """How long each turn of the loop took that the protocol lives in: from the return of
    epoll_wait to the next call of it, as the kernel saw it."""
    events = ["syscalls:sys_enter_epoll_wait", "syscalls:sys_exit_epoll_wait"]
    data = folder / "perf.data"
    command = ["perf", "record", "-q", "-e", ",".join(events), "-t", str(node.process.pid)]
    try:
        done = subprocess.run(
            [*command, "-o", str(data), "sleep", str(seconds)], capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise Missing("perf", "linux-perf") from error
    if done.returncode != 0:
        raise Missing("tracing of system calls", command="run as root: " + done.stderr[:200])
    text = subprocess.run(
        ["perf", "script", "-i", str(data), "-F", "time,event"], capture_output=True, text=True
    ).stdout
    return parse_turns(text)


def parse_turns(text):
    turns, woken_s = [], None
    for at, what in TURN.findall(text):
        if what == "exit":
            woken_s = float(at)
        elif woken_s is not None:
            turns.append((float(at) - woken_s) * 1000)
            woken_s = None
    if not turns:
        raise RuntimeError(f"no turns in the trace: {text[:300]}")
    return turns


def churn(folder, seconds):
    """At the homes a peer comes, one is renewed and one goes, 2,000 times a second in all; beside
    it 100 registrations a second at the node itself, whose answers show any stall."""
    seconds = int(seconds or CHURN_SECONDS)
    with contextlib.ExitStack() as stack:
        homes, node = joined(stack, folder, MANY, "--churn", str(CHURN_PER_S))
        cpu, turns = cpu_seconds(node.process.pid), None
        with registering(node, 100, 100, 100, seconds + 1, cores="0-1") as finish:
            try:
                turns = turns_ms(node, seconds, folder)
            except Missing as missing:
                note_missing(missing)
                time.sleep(seconds)
            cpu = (cpu_seconds(node.process.pid) - cpu) / seconds
            seen = finish()
        accused = node.metric("aurora_accusations_made_total")
        counters = homes.end()
        accused += counters["accusations"]
    what = f"{MANY:,} peers, churn of {CHURN_PER_S}/s"
    stalled = percentile(turns, 0.999) if turns else None
    rows = [row(f"{what}: registration beside it, p99.9, ms", seen["p999_ms"])]
    if turns:
        rows += [
            row(f"{what}: turn of the loop, p99.9, ms", stalled, demand="value <= 5"),
            row("  longest turn, ms", max(turns)),
        ]
    return rows + [
        row("  CPU of the node, cores", cpu),
        row("  accusations", accused, demand="value <= 0"),
    ]
