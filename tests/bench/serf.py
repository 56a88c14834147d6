# SPDX-License-Identifier: Apache-2.0
"""A cluster of Serf agents with the profile for local networks, asked through their RPC.

Of the answers nothing is decoded: what is waited for is looked up as text. Their streams of events
are not used, for an agent holds its events back for a second to tell several at once; what it knows
of the members is asked again and again instead.
"""

import calendar
import re
import shutil
import signal
import socket
import subprocess
import time

from harness import wait_until
from measure import Missing
from rivals import free_port

START_TIMEOUT_S = 120
SILENCE_S = 1
ANSWER_TIMEOUT_S = 10
ALIVE, FAILED = b"\xa6Status\xa5alive", b"\xa6Status\xa6failed"
NOBODY = b"\xa7Members\x90"
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
        self.gossip = None
        self.process = None
        self.seed = None
        self.asking = None

    def start(self, seed=None):
        """On free ports, each time: somebody else may have taken the last ones."""
        self.seed = seed
        self.gossip, rpc = (f"127.0.0.1:{free_port()}" for _ in range(2))
        command = ["serf", "agent", "-node", self.name, "-bind", self.gossip, "-rpc-addr", rpc]
        command += ["-profile", "lan", "-log-level", "err"]
        command += ["-retry-join", seed.gossip, "-retry-interval", "1s"] if seed else []
        host, port = rpc.split(":")
        self.rpc = (host, int(port))
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def is_up(self):
        """Whether it answers; one that has ended, for a port was taken, is started again."""
        if self.process.poll() is not None:
            self.start(self.seed)
        return self.sees_alive(1)

    def log(self):
        return (self.folder / f"{self.name}.log").read_text(errors="replace")

    def connect(self):
        connection = socket.create_connection(self.rpc, 5)
        connection.sendall(pack({"Command": "handshake", "Seq": 0}) + pack({"Version": 1}))
        return connection

    def tell(self, command, body=None):
        """Without waiting for the answer, on a connection of its own that the caller closes."""
        connection = self.connect()
        connection.sendall(pack({"Command": command, "Seq": 1}) + (pack(body) if body else b""))
        return connection

    def sees_alive(self, count):
        """Whether so many members are alive to it."""
        try:
            with self.tell("members") as connection:
                return has_all(connection, ALIVE, count)
        except OSError:
            return False

    def says(self, member, wanted, unwanted):
        """Whether what it knows of the members that match has `wanted` in it: one of the two it
        has."""
        if self.asking is None:
            self.asking = self.connect()
            self.asking.settimeout(ANSWER_TIMEOUT_S)
        self.asking.sendall(pack({"Command": "members-filtered", "Seq": 2}) + pack(member))
        answer = b""
        while True:
            chunk = self.asking.recv(1 << 16)
            if not chunk:
                raise RuntimeError(f"{self.name} has closed its connection")
            answer += chunk
            if wanted in answer or unwanted in answer:
                return wanted in answer

    def kill(self):
        if self.asking:
            self.asking.close()
            self.asking = None
        self.process.kill()
        self.process.wait()


def pause():
    time.sleep(0.01)


def has_all(connection, text, count):
    """Whether `text` comes so many times before nothing has come for a while."""
    connection.settimeout(SILENCE_S)
    answer = b""
    while answer.count(text) < count:
        chunk = connection.recv(1 << 20)
        if not chunk:
            return False
        answer += chunk
    return True


class SerfCluster:
    """`with SerfCluster(folder, 30) as cluster`: agents that all see each other."""

    def __init__(self, folder, count):
        if shutil.which("serf") is None:
            raise Missing("serf", "serf")
        self.agents = [Agent(f"serf-{i:03d}", folder) for i in range(count)]

    def __enter__(self):
        try:
            self.start(self.agents[:1], None)
            self.start(self.agents[1:], self.agents[0])
            self.wait_all_alive()
        except BaseException:
            self.__exit__()
            raise
        return self

    @staticmethod
    def start(agents, seed):
        for agent in agents:
            agent.start(seed)
        for agent in agents:
            wait_until(agent.is_up, START_TIMEOUT_S, f"{agent.name} answers")

    def __exit__(self, *_):
        for agent in self.agents:
            if agent.process:
                agent.kill()

    def wait_all_alive(self):
        count = len(self.agents)
        for agent in self.agents:
            wait_until(lambda: agent.sees_alive(count), START_TIMEOUT_S, "all agents alive")

    @staticmethod
    def wait_said(among, member, wanted, unwanted):
        """Until all these agents say `wanted`. The next one is asked when the one before has said
        it: the last of them decides, and asking costs little."""
        for agent in among:
            wait_until(
                lambda: agent.says(member, wanted, unwanted) or pause(), START_TIMEOUT_S, wanted
            )

    def wait_tag(self, value):
        tagged = {"Tags": {"v": value}, "Status": "", "Name": ""}
        self.wait_said(self.agents, tagged, value.encode(), NOBODY)

    def wait_failed(self, victim):
        others = [agent for agent in self.agents if agent is not victim]
        named = {"Tags": {}, "Status": "", "Name": victim.name}
        self.wait_said(others, named, FAILED, ALIVE)

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
