# SPDX-License-Identifier: Apache-2.0
"""The six examples of the Python client against real nodes, one of which is killed half-way."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from harness import wait_until
from python_stage import CLIENT

LINE_TIMEOUT_S = 15


class Example:
    """A running example: its lines, its end."""

    def __init__(self, name, *arguments):
        self.told = []
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-B", str(CLIENT / "examples" / name), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(CLIENT)},
            # Started in the background, a shell's children ignore Ctrl-C, and so would theirs.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def says(self, pattern):
        """The next line that matches; its first group, if it has one."""
        while True:
            try:
                line = self._lines.get(timeout=LINE_TIMEOUT_S)
            except queue.Empty:
                line = None
            assert line is not None, f"never said {pattern!r}, but: {self.told}"
            self.told.append(line)
            found = re.search(pattern, line)
            if found:
                return found.group(1) if found.groups() else line

    def interrupt(self):
        """Ctrl-C. It says that it has stopped, and ends well."""
        self._process.send_signal(signal.SIGINT)
        self.says("^stopped$")
        self.ends_with(0)

    def ends_with(self, status):
        assert self._process.wait(LINE_TIMEOUT_S) == status, self.told
        self._reader.join()
        assert not [line for line in self.told if "Traceback" in line]

    def close(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


@pytest.fixture
def nodes(cluster):
    """Two nodes; the first will be killed."""
    cluster.options += ["--orphan-grace", "30"]
    return cluster.start(2)


@pytest.fixture
def example(nodes):
    """Starts an example that knows both nodes."""
    started = []

    def start(name, *arguments):
        started.append(Example(name, ",".join(node.url("") for node in nodes), *arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


def kill_the_first(nodes, *peer_ids):
    """And wait until the second is the home of these peers: their heartbeats have moved there."""
    wait_until(lambda: set(peer_ids) <= set(nodes[1].peers()), 5, "both nodes know them")
    nodes[0].kill()
    for peer_id in peer_ids:
        wait_until(
            lambda: nodes[1].get(f"/v1/peers/{peer_id}").json().get("home") == "n1",
            LINE_TIMEOUT_S,
            f"{peer_id} has moved",
        )


def test_simple(nodes, example):
    run = example("simple.py")
    mine = run.says("^registered (.+)")
    run.says("^peers: none")
    nodes[1].register("early")
    run.says("^peers: early")
    kill_the_first(nodes, mine)
    nodes[1].register("late")
    run.says("^peers: early late")
    run.interrupt()


def test_server_and_client(nodes, example):
    server = example("server.py", "0")
    mine = server.says("^listening as (.+) on port")
    assert example("client.py").says("answers (.+)").startswith('heard: {"type": "tensor"')
    server.says("^end of the call")
    kill_the_first(nodes, mine)
    client = example("client.py")
    assert client.says("^(.+) answers heard") == mine
    client.says("^1 answers$")
    client.ends_with(0)
    server.says("^received .*tensor")
    server.interrupt()


def test_client_without_a_server_says_so(nodes, example):
    nodes[0].kill()
    client = example("client.py")
    client.says("^0 answers$")
    client.ends_with(1)


def test_network_of_three(nodes, example):
    run = example("network.py")
    run.says(r"found \[2, 2, 2\], reached 2")
    mine = [peer["peer_id"] for peer in nodes[0].peers().values()]
    assert len(mine) == 3
    kill_the_first(nodes, *mine)
    turn = run.says(r"^turn (\d+)")
    for _ in range(2):
        run.says(rf"^peer [12] hears: greeting (?!{turn}$)\d+")
    run.says(r"found \[2, 2, 2\], reached 2")
    run.interrupt()


def test_context_manager(nodes, example):
    run = example("context_manager.py")
    mine = run.says("^registered (.+)")
    run.says("^healthy, 0 others")
    kill_the_first(nodes, mine)
    nodes[1].register("late")
    run.says("^healthy, 1 others")
    run.interrupt()
    assert mine not in nodes[1].peers(), "its registration has ended with the block"


def test_callbacks(nodes, example):
    run = example("callbacks.py")
    mine = run.says("^registered (.+)")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        nodes[1].register("early", address="127.0.0.1", port=port)
        run.says("^up early pepino")
        run.says("^connected early")
        calling, _ = listening.accept()
        with calling, calling.makefile("rb") as lines:
            assert mine.encode() in lines.readline() and lines.read() == b"hello"
    kill_the_first(nodes, mine)
    with socket.create_connection(("127.0.0.1", nodes[1].peers()[mine]["port"])) as call:
        call.sendall(b'{"peer_id":"by hand","archetypes":[]}\nhello')
        run.says("^received hello from by hand")
    nodes[1].register("late", archetypes=["other"])
    run.says("^up late other")
    nodes[1].session.delete(nodes[1].url("/v1/peers/late"))
    run.says("^down late")
    run.interrupt()
    assert sum(line.startswith("up early") for line in run.told) == 1
