# SPDX-License-Identifier: Apache-2.0
"""How fast the simulator is: two large worlds and five hundred small ones, on all cores.

The references are what we asked of two cores, in seconds of wall time and gigabytes.
"""

import os
import statistics
import subprocess
import time

from cluster_parts import progress, row

VIRTUAL_S = 600
ROUNDS = 3
# Pages of 2 MB for the heap: a world of 10,000 nodes touches gigabytes in no order.
LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def simulate(arguments):
    """Wall seconds and the peak of resident memory in bytes of one aurora-sim."""
    program = os.path.join(os.environ.get("BUILD", "build"), "aurora-sim")
    began = time.monotonic()
    process = subprocess.Popen(
        [program, *arguments], stdout=subprocess.DEVNULL, env={**os.environ, **LARGE_PAGES}
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"aurora-sim {' '.join(arguments)}: {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - began, usage.ru_maxrss * 1024


def world(nodes, virtual_s):
    return simulate(
        ["run", "idle", "--nodes", str(nodes), "--duration", f"{virtual_s:g}", "--set", "start=known"]
    )


def speed(_folder, seconds):
    """`seconds` are virtual ones."""
    virtual_s = seconds or VIRTUAL_S
    share = virtual_s / VIRTUAL_S
    rows = []
    progress("1,000 nodes")
    small = [world(1000, virtual_s) for _ in range(ROUNDS)]
    what = f"simulator: 1,000 nodes x {virtual_s:g} s, median of {ROUNDS} (s of wall time)"
    rows.append(row(what, statistics.median(took for took, _ in small), 10 * share, "wanted"))
    progress("10,000 nodes: minutes")
    took, peak = world(10000, virtual_s)
    rows.append(row(f"simulator: 10,000 nodes x {virtual_s:g} s (s)", took, 180 * share, "wanted"))
    rows.append(row("simulator: 10,000 nodes, peak memory (GiB)", peak / 2**30, 8, "wanted"))
    progress("500 random worlds: minutes")
    minutes = f"{virtual_s / 60:g}"
    took, _ = simulate(["swarm", "--first", "1", "--seeds", "500", "--nodes", "50", "--minutes", minutes])
    rows.append(row(f"simulator: 500 worlds of 50 nodes x {virtual_s:g} s (s)", took, 600 * share, "wanted"))
    return rows
