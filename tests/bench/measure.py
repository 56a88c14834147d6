# SPDX-License-Identifier: Apache-2.0
"""What every benchmark needs: cores, rounds in turns, percentiles, the cost of a process."""

import json
import os
import pathlib
import statistics
import subprocess
import sys

ROUNDS = 5
SERVER_CORE, LOAD_CORE = 0, 1
SIGNATURE_US = 13.5  # of one Ed25519 signature on the machine of which the demands speak
BUILD = pathlib.Path(os.environ.get("BUILD", "build"))


class Missing(Exception):
    """A program that this machine lacks, and the package that has it, or the command that makes
    it."""

    def __init__(self, program, package="", command=""):
        super().__init__(f"no {program} here; {command or f'sudo apt-get install {package}'}")


def progress(text):
    print(f"    {text}", file=sys.stderr, flush=True)


def helper(name):
    """A program of tests/bench, built."""
    program = BUILD / "tests" / "bench" / name
    if not program.exists():
        raise Missing(program, command=f"make BUILD={BUILD} {program}")
    return str(program)


def pinned(cores, command):
    """`command` on these cores alone: a number, or a list as taskset takes it."""
    if os.cpu_count() < 2:
        raise RuntimeError("server and load each need a core of their own; here is only one")
    return ["taskset", "-c", str(cores), *command]


def in_turns(measures, rounds=ROUNDS):
    """Calls each of {name: function} `rounds` times, in turns, so that the machine's moods hit
    all of them; returns {name: [results]}."""
    results = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def column(results, name, key):
    """One figure of every round, or None where there was none: a rival that is not installed."""
    return [result[key] for result in results[name]] if name in results else None


def median(values):
    return statistics.median(values)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def memory_bytes(pid):
    """Proportional set size: shared pages count by their share."""
    for line in open(f"/proc/{pid}/smaps_rollup", encoding="ascii"):
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss")


def processes_of(pid):
    """The process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_seconds(pid):
    """Of all threads of the process and its children, to the nanosecond: clock ticks of 10 ms
    are too coarse for a process that needs 1 ms a second."""
    total = 0
    for process in processes_of(pid):
        for task in pathlib.Path(f"/proc/{process}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def with_cpu(pid, measure):
    """The measurement, and the server's microseconds of CPU for each request."""
    before = cpu_seconds(pid)
    seen = measure()
    seen["cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / seen["requests"]
    return seen


def run_text(command):
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:8])}: {done.stderr or done.stdout}")
    return done.stdout


def alone():
    """{sign_us, parse_us}: one signature and one parse of a registration, alone on the server's
    core, just now."""
    return json.loads(run_text(pinned(SERVER_CORE, [helper("write_costs"), "--json"])))


def slowness():
    """How many times as long as where the demands were set a signature takes here and now: the
    speed of a virtual machine changes by the hour, by a factor of three where this was written."""
    return alone()["sign_us"] / SIGNATURE_US
