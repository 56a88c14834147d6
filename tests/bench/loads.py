# SPDX-License-Identifier: Apache-2.0
"""The load generators wrk, h2load and redis-benchmark: started, and what they print understood.

A parser that does not find what it needs raises: no figure is better than a wrong one.
"""

import csv
import io
import math
import re
import shutil

from measure import LOAD_CORE, Missing, percentile, pinned, run_text

CONNECTIONS = 64
FIRST_REQUESTS = 2000  # of redis-benchmark, to see how fast it goes
WRK_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}
H2LOAD_DONE = r"^requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, \d+ failed"


class Unreadable(Exception):
    """The output of a load generator that is not what we know, or that tells of errors."""


def require(program, package):
    if shutil.which(program) is None:
        raise Missing(program, package)


def one(pattern, text):
    found = re.search(pattern, text, re.M)
    if not found:
        raise Unreadable(f"no {pattern!r} in:\n{text}")
    return found


def parse_wrk(text):
    """{requests, rps, p50_ms, p99_ms}. Any failed request is an error."""
    if "Non-2xx" in text or "Socket errors" in text:
        raise Unreadable(text)
    delays = {}
    for share in (50, 99):
        found = one(rf"^ +{share}% +([0-9.]+)(us|ms|s|m)$", text)
        delays[f"p{share}_ms"] = float(found[1]) * WRK_UNITS_MS[found[2]]
    requests = int(one(r"^ +(\d+) requests in ", text)[1])
    if requests == 0:
        raise Unreadable(f"nothing was answered:\n{text}")
    return {
        "requests": requests,
        "rps": float(one(r"^Requests/sec: +([0-9.]+)$", text)[1]),
        **delays,
    }


def wrk(url, seconds, headers=(), script=(), cores=LOAD_CORE, threads=1):
    """`script`: a file and its arguments."""
    require("wrk", "wrk")
    command = ["wrk", f"-t{threads}", f"-c{CONNECTIONS}", f"-d{math.ceil(seconds)}s", "--latency"]
    for header in headers:
        command += ["-H", header]
    if script:
        command += ["-s", str(script[0]), url, "--", *map(str, script[1:])]
    else:
        command.append(url)
    return parse_wrk(run_text(pinned(cores, command)))


def parse_h2load(text, log, bytes_each_min):
    """{requests, rps, p50_ms, p99_ms} of the summary and of the log, which has a line for each
    request: when it began, its status, how many microseconds it took. gRPC says in trailers
    whether a call failed, which h2load does not read; but then no body comes, and that shows."""
    counts = one(H2LOAD_DONE, text)
    done, succeeded = int(counts[1]), int(counts[2])
    # A connection that the server ended early is not opened again: the rate would be too low.
    if done == 0 or succeeded != done or "Process Request Failure" in text:
        raise Unreadable(text)
    data = int(one(r"\((\d+)\) data$", text)[1])
    if data < done * bytes_each_min:
        raise Unreadable(f"{data} bytes in {done} answers: expected {bytes_each_min} each\n{text}")
    rows = [line.split("\t") for line in log.splitlines()]
    if not rows or any(len(fields) != 3 or fields[1] != "200" for fields in rows):
        raise Unreadable(f"not a log of h2load: {log[:200]}")
    delays = [int(fields[2]) / 1000 for fields in rows]
    return {
        "requests": done,
        "rps": float(one(r"^finished in .*?, ([0-9.]+) req/s", text)[1]),
        "p50_ms": percentile(delays, 0.50),
        "p99_ms": percentile(delays, 0.99),
    }


def grpc(folder, url, message, seconds, bytes_each_min):
    """Unary calls with this message, one at a time on each of 64 connections."""
    require("h2load", "nghttp2-client")
    body, log = folder / "grpc.body", folder / "h2load.log"
    body.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
    log.unlink(missing_ok=True)
    lasting = f"-D{round(1000 * seconds)}ms"
    command = ["h2load", "-t1", f"-c{CONNECTIONS}", "-m1", lasting, "-d", str(body)]
    command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    text = run_text(pinned(LOAD_CORE, [*command, f"--log-file={log}", url]))
    return parse_h2load(text, log.read_text(), bytes_each_min)


def parse_redis(text):
    """{rps, p50_ms, p99_ms} of `redis-benchmark --csv` with one command."""
    rows = list(csv.DictReader(io.StringIO(text)))
    if len(rows) != 1:
        raise Unreadable(text)
    try:
        return {
            "rps": float(rows[0]["rps"]),
            "p50_ms": float(rows[0]["p50_latency_ms"]),
            "p99_ms": float(rows[0]["p99_latency_ms"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(text) from error


def redis(port, seconds, command, ids=0):
    """One command, over and over; of `ids` above 0, each __rand_int__ is a number below it. It
    takes a number of requests, not a time: a short run first says how many are `seconds`. What is
    returned is of the second, but for `requests`, which counts both."""
    require("redis-benchmark", "redis-tools")
    base = ["redis-benchmark", "-p", str(port), "-c", str(CONNECTIONS), "--csv"]
    base += ["-r", str(ids)] if ids else []

    def run(count):
        text = run_text(pinned(LOAD_CORE, [*base, "-n", str(count), *command]))
        return {**parse_redis(text), "requests": count}

    rate = run(FIRST_REQUESTS)["rps"]
    seen = run(max(FIRST_REQUESTS, int(rate * seconds)))
    return {**seen, "requests": seen["requests"] + FIRST_REQUESTS}
