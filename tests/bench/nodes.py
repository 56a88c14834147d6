# SPDX-License-Identifier: Apache-2.0
"""Our own side of a benchmark: nodes on cores of their own, and peers in them."""

import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile

from harness import NODE, Cluster, wait_until
from measure import LOAD_CORE, SERVER_CORE, helper, pinned, run_text


@contextlib.contextmanager
def cluster_in(folder, options=()):
    """A cluster with a folder of its own, killed and removed at the end."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="cluster.", dir=folder))
    cluster = Cluster(place, options)
    try:
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(place, ignore_errors=True)


def single_node(cluster, options=(), cores=SERVER_CORE):
    """A node alone on the server's core."""
    node = cluster.add(
        f"n{len(cluster.nodes)}", options, seeds=(), prefix=pinned(cores, []), wait=True
    )
    wait_until(lambda: node.status()["converged"], 15, "converged")
    return node


def knows_option(option):
    """Whether this build's node has it."""
    shown = subprocess.run([str(NODE), "--help"], capture_output=True, text=True, check=False)
    return option in shown.stdout


def registrar(node, kind, peers, *work):
    """The command that registers `peers` peers of the archetype of-KIND at the node."""
    host, port = node.http.rsplit(":", 1)
    return [helper("registrar"), host, port, str(kind), str(peers), *map(str, work)]


def fill(node, kind, peers):
    return json.loads(run_text(pinned(LOAD_CORE, registrar(node, kind, peers, "fill"))))


@contextlib.contextmanager
def registering(node, kind, peers, rate, seconds, work="change", cores=LOAD_CORE):
    """While it is open, registrations come at this rate. Yields a function that waits for the end
    of them and returns what the registrar saw."""
    command = registrar(node, kind, peers, work, rate, seconds)
    process = subprocess.Popen(pinned(cores, command), stdout=subprocess.PIPE, text=True)

    def finish():
        text = process.stdout.read()
        if process.wait() != 0:
            raise RuntimeError("the registrar failed")
        return json.loads(text)

    try:
        yield finish
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
