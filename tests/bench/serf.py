# SPDX-License-Identifier: Apache-2.0
"""A cluster of Serf agents with the profile for local networks, watched through their RPC.

Of the answers nothing is decoded: what is waited for is looked up as text. Each agent has a
stream of member events, as each of our nodes has a watcher when the same is measured here.
"""

import calendar
import re
import selectors
import shutil
import signal
import socket
import subprocess
import time

from harness import wait_until
from measure import Missing
from rivals import free_port

START_TIMEOUT_S = 60
INTERVAL_S = 10  # for which an agent sums up its counters
SENT = re.compile(
    r"^\[(\S+ \S+) \+0000 UTC\]\[C\] '[^']*memberlist\.udp\.sent': .*? Sum: ([0-9.]+)",
    re.M,
)


def pack(value):
    """MessagePack of what requests are made of."""
    if isinstance(value, dict):
        items = b"".join(pack(key) + pack(item) for key, item in value.items())
        return bytes([0x80 | len(value)]) + items
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(map(pack, value))
    if isinstance(value, int):
        return bytes([value])
    text = value.encode()
    return bytes([0xA0 | len(text)]) + text


class Agent:
    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.gossip = f"127.0.0.1:{free_port()}"
        self.process = None
        self.stream = None
        self.heard = b""

    def start(self, seed=None):
        rpc = free_port()
        command = ["serf", "agent", "-node", self.name, "-bind", self.gossip]
        command += ["-rpc-addr", f"127.0.0.1:{rpc}", "-profile", "lan", "-log-level", "err"]
        command += ["-retry-join", seed.gossip, "-retry-interval", "1s"] if seed else []
        self.rpc = ("127.0.0.1", rpc)
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def log(self):
        return (self.folder / f"{self.name}.log").read_text(errors="replace")

    def connect(self):
        connection = socket.create_connection(self.rpc, 5)
        connection.sendall(pack({"Command": "handshake", "Seq": 0}) + pack({"Version": 1}))
        return connection

    def ask(self, command, body=None):
        """All that comes until nothing does for a moment."""
        with self.tell(command, body) as connection:
            return read_until_silent(connection)

    def tell(self, command, body=None):
        """Without waiting for the answer, on a connection of its own that the caller closes."""
        connection = self.connect()
        connection.sendall(pack({"Command": command, "Seq": 1}) + (pack(body) if body else b""))
        return connection

    def alive_count(self):
        try:
            return self.ask("members").count(b"\xa6Status\xa5alive")
        except OSError:
            return 0

    def listen(self):
        self.stream = self.connect()
        self.stream.sendall(pack({"Command": "stream", "Seq": 1}) + pack({"Type": "*"}))
        self.stream.setblocking(False)

    def kill(self):
        if self.stream:
            self.stream.close()
            self.stream = None
        self.process.kill()
        self.process.wait()


def read_until_silent(connection, first_s=2, silence_s=0.2):
    """A handshake's answer comes first; it is short."""
    connection.settimeout(first_s)
    answer = b""
    while True:
        try:
            chunk = connection.recv(1 << 20)
        except TimeoutError:
            return answer
        if not chunk:
            return answer
        answer += chunk
        connection.settimeout(silence_s if len(answer) > 64 else first_s)


class SerfCluster:
    """`with SerfCluster(folder, 30) as cluster`: agents that all see each other."""

    def __init__(self, folder, count):
        if shutil.which("serf") is None:
            raise Missing("serf", "serf")
        self.agents = [Agent(f"serf-{i:03d}", folder) for i in range(count)]

    def __enter__(self):
        try:
            for agent in self.agents:
                agent.start(self.agents[0] if agent is not self.agents[0] else None)
            self.wait_all_alive()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for agent in self.agents:
            if agent.process:
                agent.kill()

    def wait_all_alive(self):
        count = len(self.agents)
        for agent in self.agents:
            wait_until(lambda: agent.alive_count() == count, START_TIMEOUT_S, "all agents alive")

    def listen(self):
        for agent in self.agents:
            if agent.stream is None:
                agent.listen()

    def wait_heard(self, text, among, timeout_s=60):
        """Until the streams of all these agents have said `text`, bytes or a pattern; what they
        said is forgotten then."""
        pattern = text if isinstance(text, re.Pattern) else re.compile(re.escape(text))
        with selectors.DefaultSelector() as selector:
            for agent in among:
                selector.register(agent.stream, selectors.EVENT_READ, agent)
            until = time.monotonic() + timeout_s
            while selector.get_map():
                ready = selector.select(timeout=1)
                if time.monotonic() > until:
                    raise RuntimeError(f"{len(selector.get_map())} agents never said {text!r}")
                for key, _ in ready:
                    self.hear(key.data)
                    if pattern.search(key.data.heard):
                        key.data.heard = b""
                        selector.unregister(key.fileobj)

    @staticmethod
    def hear(agent):
        chunk = agent.stream.recv(1 << 20)
        if not chunk:
            raise RuntimeError(f"{agent.name} has closed its stream")
        agent.heard += chunk

    def sent_per_second(self, since_s, until_s):
        """UDP payload of each agent, in the whole intervals between these wall-clock times."""
        for agent in self.agents:
            agent.process.send_signal(signal.SIGUSR1)  # prints its counters
        found, _ = wait_until(lambda: self.sums(since_s, until_s), 10, "the agents' counters")
        return found

    def sums(self, since_s, until_s):
        means = []
        for agent in self.agents:
            sums = parse_sent(agent.log(), since_s, until_s)
            if not sums:
                return None
            means.append(sum(sums) / len(sums) / INTERVAL_S)
        return means


def parse_sent(log, since_s, until_s):
    """What was sent in each whole interval, of the counters that an agent printed."""
    sums = {}
    for text, total in SENT.findall(log):
        begin_s = calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
        if begin_s >= since_s and begin_s + INTERVAL_S <= until_s:
            sums[begin_s] = float(total)
    return list(sums.values())
