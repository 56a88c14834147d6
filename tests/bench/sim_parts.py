# SPDX-License-Identifier: Apache-2.0
"""How fast the simulator is: two large worlds and five hundred small ones, on all cores.

The demands are for two cores, in seconds of wall time and gigabytes.
"""

import os
import subprocess
import time

from measure import progress
from table import row

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
    size = ["--nodes", str(nodes), "--duration", f"{virtual_s:g}"]
    return simulate(["run", "idle", *size, "--set", "start=known"])


def swarm(worlds, virtual_s):
    size = ["--nodes", "50", "--minutes", f"{virtual_s / 60:g}"]
    return simulate(["swarm", "--first", "1", "--seeds", str(worlds), *size])


def speed(_folder, seconds):
    """`seconds` are virtual ones."""
    virtual_s = seconds or VIRTUAL_S
    share = virtual_s / VIRTUAL_S
    progress("1,000 nodes")
    small = [world(1000, virtual_s)[0] for _ in range(ROUNDS)]
    progress("10,000 nodes: minutes")
    large, peak = world(10000, virtual_s)
    progress("500 random worlds: minutes")
    worlds, _ = swarm(500, virtual_s)
    length = f"x {virtual_s:g} s"

    def timed(what, seconds, wanted_s):
        return row(f"simulator: {what} {length}, s", seconds, demand=f"value <= {wanted_s:g}")

    return [
        timed("1,000 nodes", small, 10 * share),
        timed("10,000 nodes", large, 180 * share),
        row("simulator: 10,000 nodes, peak memory, GiB", peak / 2**30, demand="value <= 8"),
        timed("500 worlds of 50 nodes", worlds, 600 * share),
    ]
