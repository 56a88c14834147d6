# SPDX-License-Identifier: Apache-2.0
"""Real aurora-node processes on loopback: start them, ask them, stop them, hurt them.

No fixed ports: every node binds port 0 and writes the chosen ones to DATA/ports.json. No sleeps
in tests: they wait for what must come true, within a bound.
"""

import json
import os
import pathlib
import signal
import subprocess
import time

import requests

BUILD = pathlib.Path(os.environ.get("AURORA_BUILD", "build")).resolve()
NODE = BUILD / "aurora-node"
AURORA = BUILD / "aurora"
START_TIMEOUT_S = 15


class TimedOut(AssertionError):
    """What a test waited for did not come true in time."""


def wait_until(condition, timeout_s, what):
    """Polls until condition() is truthy; returns (its value, seconds that it took)."""
    started = time.monotonic()
    last_error = None
    while True:
        try:
            value = condition()
            if value:
                return value, time.monotonic() - started
        except requests.RequestException as error:
            last_error = error
        if time.monotonic() - started > timeout_s:
            raise TimedOut(f"not within {timeout_s} s: {what}; last error: {last_error}")
        time.sleep(0.005)  # a polling interval, not a hope


class Node:
    """One aurora-node: its process, its folder, its addresses."""

    def __init__(self, name, folder, options=(), prefix=()):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.data = self.folder / name
        self.options = list(options)
        self.prefix = list(prefix)
        self.process = None
        self.session = requests.Session()

    def start(self, seeds=(), wait=True):
        self.data.mkdir(parents=True, exist_ok=True)
        ports = self.data / "ports.json"
        if ports.exists():
            ports.unlink()
        command = [
            *self.prefix,
            str(NODE),
            "--name",
            self.name,
            "--data",
            str(self.data),
            *self.options,
        ]
        if "--bind" not in self.options:
            command += ["--bind", "127.0.0.1:0"]
        if "--http" not in self.options:
            command += ["--http", "127.0.0.1:0"]
        for seed in seeds:
            command += ["--seed", seed if isinstance(seed, str) else seed.gossip]
        self.log_file = open(self.folder / f"{self.name}.log", "ab")
        self.process = subprocess.Popen(
            command, stdout=self.log_file, stderr=self.log_file, stdin=subprocess.DEVNULL
        )
        self.spawned = time.monotonic()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"{self.name} ended with {self.process.returncode}:\n{self.log()}"
                )
            path = self.data / "ports.json"
            return path.exists() and json.loads(path.read_text() or "null")

        found, _ = wait_until(ready, START_TIMEOUT_S, f"{self.name} is ready")
        self.gossip = found["gossip"]
        self.http = found["http"]

    def log(self):
        return (self.folder / f"{self.name}.log").read_text(errors="replace")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9: nothing is said to anybody."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout_s=5):
        """SIGTERM: leaves gracefully. Returns the exit status."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    # --- HTTP ---

    def url(self, path):
        return f"http://{self.http}{path}"

    def get(self, path, **arguments):
        return self.session.get(self.url(path), timeout=5, **arguments)

    def post(self, path, body, **arguments):
        return self.session.post(self.url(path), json=body, timeout=5, **arguments)

    def register(self, peer_id, archetypes=("pepino",), port=9000, address="198.51.100.7", **more):
        return self.post(
            "/register",
            {
                "peer_id": peer_id,
                "address": address,
                "port": port,
                "archetypes": list(archetypes),
                "metadata": {},
                **more,
            },
        )

    def heartbeat(self, peer_id):
        return self.post("/heartbeat", {"peer_id": peer_id})

    def peers(self, **query):
        return {
            peer["peer_id"]: peer
            for peer in self.get("/discover", params=query).json().get("peers", [])
        }

    def wait_saved(self, peer_id, timeout_s=5):
        """Until the peer's lease is in some file of the data folder. Returns the seconds."""

        def saved():
            return any(
                peer_id.encode() in path.read_bytes()
                for path in self.data.iterdir()
                if path.is_file() and path.suffix != ".tmp"
            )

        return wait_until(saved, timeout_s, f"{peer_id} is on {self.name}'s disk")[1]

    def members(self):
        return {
            member["name"]: member["state"] for member in self.get("/v1/members").json()["members"]
        }

    def status(self):
        return self.get("/v1/status").json()

    def sees_alive(self, names):
        members = self.members()
        return all(members.get(name) == "alive" for name in names)

    def metric(self, name):
        """The sum of a metric over its labels."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            if line.split("{")[0].split(" ")[0] == name:
                total += float(line.rsplit(" ", 1)[1])
        return total


class Cluster:
    """Nodes that share one seed, the first of them."""

    def __init__(self, folder, options=()):
        self.folder = folder
        self.options = list(options)
        self.nodes = []

    def add(self, name, options=(), seeds=None, wait=True, prefix=()):
        node = Node(name, self.folder, [*self.options, *options], prefix)
        chosen = seeds if seeds is not None else self.nodes[:1]
        self.nodes.append(node)
        return node.start(chosen, wait)

    def start(self, count, wait=True):
        """`count` nodes n0, n1, ...; waits until each sees all the others. Returns the nodes."""
        for i in range(count):
            self.add(f"n{i}", wait=i == 0)
        for node in self.nodes:
            node.wait_ready()
        if wait:
            self.wait_all_alive()
        return self.nodes

    def running(self):
        return [node for node in self.nodes if node.is_running()]

    def wait_all_alive(self, timeout_s=15):
        nodes = self.running()
        names = [node.name for node in nodes]
        _, took = wait_until(
            lambda: all(node.sees_alive(names) for node in nodes),
            timeout_s,
            "every node sees every other alive",
        )
        wait_until(
            lambda: all(node.status()["converged"] for node in nodes),
            timeout_s,
            "every node is converged",
        )
        return took

    def wait_everywhere(self, condition, timeout_s, what):
        """condition(node) at every running node."""
        return wait_until(lambda: all(condition(node) for node in self.running()), timeout_s, what)[
            1
        ]

    def wait_views_equal(self, timeout_s=15):
        def equal():
            views = {node.get("/discover").headers["X-Aurora-View"] for node in self.running()}
            return len(views) == 1

        return wait_until(equal, timeout_s, "all views are equal")[1]

    def close(self):
        for node in self.nodes:
            if node.is_running():
                node.process.send_signal(signal.SIGCONT)
                node.process.kill()
                node.process.wait()
