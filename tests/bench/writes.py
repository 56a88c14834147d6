# SPDX-License-Identifier: Apache-2.0
"""Registrations of fresh peers, and heartbeats: beside etcd's leases and Redis' keys that expire.

Each server has the first core, the load the second, 64 connections of one request at a time;
rounds in turns, each with servers that were empty before. etcd: a lease is granted, a key of it is
written (h2load sends the same body again and again, so it is always the same key, which favours
etcd), and kept alive by a stream of one message. Redis: SET with EX of a drawn key; EXPIRE.
"""

import contextlib
import pathlib

from loads import CONNECTIONS, grpc, redis, wrk
from measure import (
    ROUNDS,
    SIGNATURE_US,
    alone,
    in_turns,
    median,
    progress,
    with_cpu,
)
from nodes import cluster_in, single_node
from rivals import Etcd, Redis, optional, protobuf
from table import row

SECONDS = 3
HEARTBEAT_IDS = 10000
TTL_S = 300
SCRIPTS = pathlib.Path(__file__).parent
VALUE = b'{"address":"10.1.2.3","port":9000,"archetypes":["kind-1","zone-7"],"metadata":{"note":"'
VALUE += b"x" * 89 + b'"}}'


def ours(folder, seconds):
    """Of one fresh node: the bare exchange of the same bytes, registrations, heartbeats; and what a
    signature and a parse cost alone, between them."""
    with cluster_in(folder) as cluster:
        node = single_node(cluster)

        def run(script, *arguments):
            words = (SCRIPTS / script, *arguments)
            return with_cpu(node.process.pid, lambda: wrk(node.url(""), seconds, (), words))

        exchange = run("register.lua", 1, "OPTIONS")
        register = run("register.lua", 1)
        costs = alone()
        known = node.status()["peers"]
        if known < register["requests"]:
            raise RuntimeError(f"{register['requests']} registered, {known} known")
        return {
            "exchange": exchange,
            "register": register,
            "alone": costs,
            "heartbeat": run("heartbeat.lua", 1, min(HEARTBEAT_IDS, known - CONNECTIONS)),
        }


def of_etcd(folder, seconds):
    with contextlib.ExitStack() as stack:
        etcd = optional(stack, Etcd, folder)
        lease = etcd.grant(TTL_S)

        def run(method, fields):
            url = etcd.url(f"/etcdserverpb.{method}")
            return grpc(folder, url, protobuf(fields), seconds, 15)

        grant = run("Lease/LeaseGrant", {1: TTL_S})
        put = run("KV/Put", {1: b"/peers/00000001-0000-4000-8000-000000000001", 2: VALUE, 3: lease})
        both = {"rps": 1 / (1 / grant["rps"] + 1 / put["rps"])}
        return {"register": both, "heartbeat": run("Lease/LeaseKeepAlive", {1: lease})}


def of_redis(folder, seconds, log):
    with contextlib.ExitStack() as stack:
        store = optional(stack, Redis, folder, log)
        key, ttl = "peer:00000001-0000-4000-8000-__rand_int__", str(TTL_S)
        write = ["SET", key, "x" * len(VALUE), "EX", ttl]  # quotes would end up in its CSV
        register = redis(store.port, seconds, write, 1000000)
        redis(store.port, 1, write, HEARTBEAT_IDS)  # so that what is renewed is there
        heartbeat = redis(store.port, seconds, ["EXPIRE", key, ttl], HEARTBEAT_IDS)
        return {"register": register, "heartbeat": heartbeat}


def installed(rival, folder):
    with contextlib.ExitStack() as stack:
        return optional(stack, rival, folder) is not None


def of_kind(results, name, kind, key="rps"):
    return [one[kind][key] for one in results[name]] if name in results else None


def sum_rows(results):
    """What a registration takes of the node's core beside what it cannot do without. In CPU, which
    other work on the machine disturbs less than the time; and round by round, for its speed
    changes."""
    taken = of_kind(results, "here", "register", "cpu_us")
    exchange = of_kind(results, "here", "exchange", "cpu_us")
    sign = of_kind(results, "here", "alone", "sign_us")
    parse = of_kind(results, "here", "alone", "parse_us")
    needed = [sum(parts) for parts in zip(exchange, sign, parse, strict=True)]
    shares = [one / least for one, least in zip(taken, needed, strict=True)]
    return [
        row("a signature alone, CPU, us", sign),
        row("a parse alone, CPU, us", parse),
        row("an HTTP exchange of the same bytes, CPU, us", exchange),
        row("registration, CPU, us", taken, needed, "signature + parse + exchange"),
        row("  the ratio of each round", shares, demand="value <= 1.25"),
    ]


def writes(folder, seconds):
    seconds = seconds or SECONDS
    runs = {"here": lambda: ours(folder, seconds)}
    if installed(Etcd, folder):
        runs["etcd"] = lambda: of_etcd(folder, seconds)
    if installed(Redis, folder):
        runs["redis"] = lambda: of_redis(folder, seconds, False)
        runs["logged"] = lambda: of_redis(folder, seconds, True)
    results = in_turns(runs, ROUNDS)
    for name in results:
        progress(
            f"{name}: {median(of_kind(results, name, 'register')):,.0f} registrations/s, "
            f"{median(of_kind(results, name, 'heartbeat')):,.0f} heartbeats/s"
        )
    return rows_of(results) + sum_rows(results)


def rows_of(results):
    rows = []
    kinds = (
        ("register", "registrations", "value >= 25000", "lease + put", "SET EX"),
        ("heartbeat", "heartbeats", "value >= 80000", "keepalive", "EXPIRE"),
    )
    slow = [one / SIGNATURE_US for one in of_kind(results, "here", "alone", "sign_us")]
    for kind, what, demand, in_etcd, in_redis in kinds:
        rates = of_kind(results, "here", kind)
        rows.append(row(f"{what}, one core, /s", rates, demand=demand, slowness=slow))
        rivals = {
            "etcd": f"etcd, {in_etcd}",
            "redis": f"Redis, {in_redis}, unlogged",
            "logged": f"Redis, {in_redis}, always synced",
        }
        for name, of in rivals.items():
            rows.append(row(f"{what}, one core, /s", rates, of_kind(results, name, kind), of))
        delays = of_kind(results, "here", kind, "p99_ms")
        theirs = of_kind(results, "logged", kind, "p99_ms")
        rows.append(row(f"{what}, p99, ms", delays, theirs, rivals["logged"]))
        cpu = of_kind(results, "here", kind, "cpu_us")
        rows.append(row(f"{what}, CPU for each, us", cpu))
    return rows
