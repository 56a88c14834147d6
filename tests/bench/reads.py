# SPDX-License-Identifier: Apache-2.0
"""/discover: beside a static file in nginx, etcd's range reads and Redis, for the same peers.

Each server has the first core, the load the second, 64 keep-alive connections of one request at a
time; rounds in turns. nginx serves the bytes of our own answer from a memory file system. etcd
holds each peer's JSON under /ARCHETYPE/ID and is asked for that prefix through gRPC.

Redis holds each peer's JSON as a key that expires, as a peer does, and is asked for all of them by
MGET: its fastest answer for peers that come and go, and less than a discovery, for who asks must
know their ids. Beside it, without a demand, HVALS of one hash: faster still, but nothing in a hash
of Debian's Redis (7.0) expires, so it cannot be the registry that the writes are measured on.
"""

import contextlib
import os

from harness import wait_until
from loads import grpc, redis, wrk
from measure import column, in_turns, median, progress, with_cpu
from nodes import cluster_in, fill, knows_option, registering, single_node
from rivals import Etcd, Nginx, Redis, memory_folder, optional
from table import row

COUNTS = (10, 100, 1000)
SECONDS = 3
WRITES_PER_S = 1000
TTL_S = 86400  # in Redis: longer than any run
# Of etcd and Redis: how much faster we are to be, by the number of peers.
OF_ETCD = {10: 8, 100: 8, 1000: 8}
OF_REDIS = {10: 1.5, 100: 4, 1000: 5}


def path_of(count):
    return f"/discover?archetype=of-{count}"


def peers_of(node, count):
    """The records as etcd and Redis shall hold them: (id, JSON), of the very same bytes."""
    text = node.get(path_of(count)).content
    pieces = text.split(b'[{"peer_id":"', 1)[1].split(b'],"count"', 1)[0].split(b',{"peer_id":"')
    records = [b'{"peer_id":"' + piece for piece in pieces]
    if len(records) != count:
        raise RuntimeError(f"{len(records)} records in an answer of {count}")
    return [(record.split(b'"', 4)[3], record) for record in records]


def key_of(peer):
    return f"peer:{peer.decode()}"


def fill_rivals(node, count, etcd, store):
    for peer, record in peers_of(node, count):
        if etcd:
            etcd.put(b"/of-%d/%s" % (count, peer), record)
        if store:
            store.ask("SET", key_of(peer), record, "EX", TTL_S)
            store.ask("HSET", f"of-{count}", peer, record)


def speed_rows(what, results, rivals):
    """`rivals`: name -> (of, demand on the ratio of requests, demand on that of the p99)."""
    rows = []
    for name, (of, rate_demand, delay_demand) in rivals.items():
        ours, theirs = column(results, "here", "rps"), column(results, name, "rps")
        rows.append(row(f"{what}, requests/s", ours, theirs, of, rate_demand))
        if delay_demand is not None:
            ours, theirs = column(results, "here", "p99_ms"), column(results, name, "p99_ms")
            rows.append(row(f"{what}, p99, ms", ours, theirs, of, delay_demand))
        if name in results and "cpu_us" in results[name][0]:
            ours, theirs = column(results, "here", "cpu_us"), column(results, name, "cpu_us")
            rows.append(row(f"{what}, CPU for each, us", ours, theirs, of))
    return rows


def costed(process, url, seconds):
    return with_cpu(process.pid, lambda: wrk(url, seconds))


def of_redis(store, seconds, *command):
    return with_cpu(store.process.pid, lambda: redis(store.port, seconds, command))


def whole_answers(folder, seconds, node, nginx, etcd, store):
    rows = []
    for count in COUNTS:
        body_bytes = len(node.get(path_of(count)).content)
        runs = {"here": lambda: costed(node.process, node.url(path_of(count)), seconds)}
        if nginx:
            runs["nginx"] = lambda: costed(nginx.process, nginx.url(f"/{count}.json"), seconds)
        if etcd:
            key = Etcd.range_of(b"/of-%d/" % count)
            url = etcd.url("/etcdserverpb.KV/Range")
            runs["etcd"] = lambda: grpc(folder, url, key, seconds, body_bytes * 9 // 10)
        if store:
            keys = [key_of(peer) for peer, _ in peers_of(node, count)]
            runs["redis"] = lambda: of_redis(store, seconds, "MGET", *keys)
            runs["hash"] = lambda: of_redis(store, seconds, "HVALS", f"of-{count}")
        results = in_turns(runs)
        progress(f"{count} peers, requests/s: {figures(results)}")
        rivals = {
            "nginx": ("nginx, same bytes", "ratio >= 0.95", "ratio <= 1.2"),
            "etcd": ("etcd, gRPC range", f"ratio >= {OF_ETCD[count]}", None),
            "redis": ("Redis, MGET of keys that expire", f"ratio >= {OF_REDIS[count]}", None),
            "hash": ("Redis, HVALS of a hash that does not", "", None),
        }
        rows += speed_rows(f"/discover of {count} peers, one core", results, rivals)
    return rows


def figures(results):
    return ", ".join(f"{name} {median(column(results, name, 'rps')):,.0f}" for name in results)


def conditional(seconds, node):
    """Those that get a 304, beside those that get the whole answer."""
    rows = []
    for count in COUNTS:
        url, etag = node.url(path_of(count)), node.get(path_of(count)).headers["ETag"]
        if node.get(path_of(count), headers={"If-None-Match": etag}).status_code != 304:
            raise RuntimeError("no 304")

        def run(*headers):
            return with_cpu(node.process.pid, lambda: wrk(url, seconds, headers))

        results = in_turns({"here": lambda: run(f"If-None-Match: {etag}"), "full": run})
        for key, unit, demand in (("rps", "requests/s", ""), ("cpu_us", "CPU, us", "ratio <= 1")):
            ours, full = column(results, "here", key), column(results, "full", key)
            what = f"/discover of {count} peers, 304, {unit}"
            rows.append(row(what, ours, full, "whole answers", demand))
    return rows


def while_written(seconds, node):
    """Each registration changes a peer of the archetype that is asked for."""
    rows = []
    for count in COUNTS:

        def written():
            length = int(seconds) + 1
            with registering(node, count, count, WRITES_PER_S, length) as finish:
                seen = wrk(node.url(path_of(count)), seconds)
                seen["written"] = finish()["rate"]
            return seen

        results = in_turns(
            {"here": written, "quiet": lambda: wrk(node.url(path_of(count)), seconds)}
        )
        what = f"/discover of {count} peers, {WRITES_PER_S} registrations/s of them"
        ours, quiet = column(results, "here", "rps"), column(results, "quiet", "rps")
        rows.append(row(f"{what}, requests/s", ours, quiet, "quiet", "ratio >= 0.8"))
        wanted = [WRITES_PER_S] * len(results["here"])
        rows.append(row("  registrations/s meanwhile", column(results, "here", "written"), wanted))
        progress(f"{count} peers, while written: {figures(results)}")
    return rows


def two_cores(folder, seconds, one, stack):
    """With four cores: server on two of them, load on the others, and the figure is what it says.
    With two, server and load share both, and what two server cores would give is told by the CPU
    that each request costs: twice that of one, if it costs no more than with one thread."""
    if not knows_option("--http-threads"):
        progress("no --http-threads in this build")
        return []
    server, load, threads = ("0,1", "2,3", 2) if os.cpu_count() >= 4 else ("0,1", "0,1", 2)
    cluster = stack.enter_context(cluster_in(folder))
    two = single_node(cluster, ["--http-threads", "2"], server)
    nginx = optional(stack, Nginx, folder, static_files(stack, one), 2, server)
    rows = []
    for count in COUNTS:
        fill(two, count, count)

        def shared(url, pid):
            return with_cpu(pid, lambda: wrk(url, seconds, cores=load, threads=threads))

        def alone():
            url = one.url(path_of(count))
            return with_cpu(one.process.pid, lambda: wrk(url, seconds))

        runs = {
            "one": alone,
            "here": lambda: shared(two.url(path_of(count)), two.process.pid),
        }
        if nginx:
            runs["nginx"] = lambda: shared(nginx.url(f"/{count}.json"), nginx.process.pid)
        results = in_turns(runs)
        progress(f"{count} peers, two threads: {figures(results)}")
        what = f"/discover of {count} peers, two threads"
        shares = "" if load != server else ", load on the same two cores"
        ours, nginxs = column(results, "here", "rps"), column(results, "nginx", "rps")
        rows.append(row(f"{what}{shares}, requests/s", ours, nginxs, "nginx, 2 workers"))
        single = column(results, "one", "rps")
        if load != server:
            rows.append(row(f"{what}, requests/s", ours, single, "one thread", "ratio >= 1.8"))
        else:
            ours = [2e6 / each for each in column(results, "here", "cpu_us")]
            single = [1e6 / each for each in column(results, "one", "cpu_us")]
            what += ": requests that 2 s of CPU serve"
            rows.append(row(what, ours, single, "1 s, one thread", "ratio >= 1.8"))
    return rows


@contextlib.contextmanager
def one_node(folder):
    with cluster_in(folder) as cluster:
        node = single_node(cluster)
        for count in COUNTS:
            fill(node, count, count)
            wait_until(lambda: len(node.peers(archetype=f"of-{count}")) == count, 5, "all peers")
        yield node


def static_files(stack, node):
    """Our answers as files in memory."""
    root = memory_folder(stack)
    for count in COUNTS:
        (root / f"{count}.json").write_bytes(node.get(path_of(count)).content)
    return root


def reads(folder, seconds):
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(one_node(folder))
        etcd, store = optional(stack, Etcd, folder), optional(stack, Redis, folder)
        nginx = optional(stack, Nginx, folder, static_files(stack, node))
        for count in COUNTS:
            fill_rivals(node, count, etcd, store)
        return whole_answers(folder, seconds or SECONDS, node, nginx, etcd, store)


def reads_304(folder, seconds):
    with one_node(folder) as node:
        return conditional(seconds or SECONDS, node)


def reads_written(folder, seconds):
    with one_node(folder) as node:
        return while_written(seconds or SECONDS, node)


def reads_cores(folder, seconds):
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(one_node(folder))
        return two_cores(folder, seconds or SECONDS, node, stack)
