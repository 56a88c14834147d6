# SPDX-License-Identifier: Apache-2.0
"""What people would run instead, from Debian's packages: started for a benchmark, and stopped."""

import base64
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import requests

from harness import TimedOut
from measure import SERVER_CORE, Missing, pinned

START_TIMEOUT_S = 15


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that listens on a port of its own, until it is closed."""

    program, package = "", ""
    quiet = True

    def __init__(self, folder, cores=SERVER_CORE):
        if shutil.which(self.program) is None:
            raise Missing(self.program, self.package)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=self.program + ".", dir=folder))
        for _ in range(5):  # somebody else may take the port meanwhile
            self.port = free_port()
            self.log = open(self.folder / "log", "ab")
            self.process = subprocess.Popen(
                pinned(cores, self.command()), stdout=self.log, stderr=self.log
            )
            if self.comes_up():
                return
            self.close()
        raise RuntimeError(f"{self.program} does not start: {(self.folder / 'log').read_text()}")

    def comes_up(self):
        until = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError, requests.RequestException):
                if self.answers():
                    return True
            time.sleep(0.05)
        return False

    def command(self):
        raise NotImplementedError

    def answers(self):
        """Whether it serves; until then it may raise OSError."""
        raise NotImplementedError

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def optional(stack, rival, *arguments):
    """The rival, closed with the stack; None where it is not installed, which is said."""
    try:
        server = rival(*arguments)
    except Missing as missing:
        note_missing(missing)
        return None
    stack.callback(server.close)
    return server


def beside(measure, *arguments):
    """What `measure` finds of a rival; None where it is not installed or does not come up: our
    own rows are shown all the same."""
    try:
        return measure(*arguments)
    except (Missing, TimedOut) as why:
        note_missing(why)
        return None


missing_notes = []


def note_missing(missing):
    if str(missing) not in missing_notes:
        missing_notes.append(str(missing))
        print(f"bench: {missing}; its rows are left out", file=sys.stderr, flush=True)


NGINX = """
daemon off; worker_processes {workers}; pid {folder}/nginx.pid; error_log stderr crit; {master}
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
    keepalive_requests 1000000000; open_file_cache max=100 inactive=1h;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port} {reuse}; root {root}; default_type application/json; }}
}}
"""


class Nginx(Server):
    """Serves the files of a folder in memory, their descriptors cached."""

    program, package = "nginx", "nginx-light"

    def __init__(self, folder, root, workers=1, cores=SERVER_CORE):
        self.root, self.workers = root, workers
        super().__init__(folder, cores)

    def command(self):
        path = self.folder / "nginx.conf"
        path.write_text(
            NGINX.format(
                folder=self.folder,
                port=self.port,
                root=self.root,
                workers=self.workers,
                master="master_process off;" if self.workers == 1 else "",
                reuse="reuseport" if self.workers > 1 else "",
            )
        )
        return ["nginx", "-p", str(self.folder), "-c", str(path)]

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def answers(self):
        return requests.get(self.url("/"), timeout=1).status_code in (200, 403, 404)


def varint(number):
    text = b""
    while number > 0x7F:
        text += bytes([number & 0x7F | 0x80])
        number >>= 7
    return text + bytes([number])


def protobuf(fields):
    """A message of {number: bytes or integer}: all that etcd's requests here need."""
    message = b""
    for number, value in fields.items():
        if isinstance(value, int):
            message += varint(number << 3) + varint(value)
        else:
            message += varint(number << 3 | 2) + varint(len(value)) + value
    return message


class Etcd(Server):
    """One node, its log on the disk as it always is. Filled through its JSON gateway, measured
    through gRPC."""

    program, package = "etcd", "etcd-server"

    def command(self):
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{free_port()}"
        return [
            "etcd",
            *("--data-dir", str(self.folder / "data"), "--log-level", "error"),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}"),
        ]

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def answers(self):
        return requests.get(self.url("/health"), timeout=1).json().get("health") == "true"

    def ask(self, path, **fields):
        answer = requests.post(self.url(path), json=fields, timeout=5)
        answer.raise_for_status()
        return answer.json()

    def put(self, key, value):
        encoded = {"key": base64.b64encode(key).decode(), "value": base64.b64encode(value).decode()}
        self.ask("/v3/kv/put", **encoded)

    def grant(self, ttl_s):
        return int(self.ask("/v3/lease/grant", TTL=ttl_s)["ID"])

    @staticmethod
    def range_of(prefix):
        """The RangeRequest for all keys with this prefix."""
        return protobuf({1: prefix, 2: prefix[:-1] + bytes([prefix[-1] + 1])})


def resp(*words):
    """A command in Redis' protocol."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


class Redis(Server):
    """`log`: appendonly, synced always; else nothing is ever written."""

    program, package = "redis-server", "redis-server"

    def __init__(self, folder, log=False):
        self.is_logged = log
        super().__init__(folder)

    def command(self):
        options = ["--appendonly", "yes", "--appendfsync", "always"] if self.is_logged else []
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return ["redis-server", *where, "--save", "", *options]

    def answers(self):
        return self.ask("PING") == b"+PONG\r\n"

    def ask(self, *words):
        """One command, and its answer of at most one line."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(resp(*words))
            answer = b""
            while not answer.endswith(b"\r\n"):
                chunk = connection.recv(4096)
                if not chunk:
                    raise OSError("closed")
                answer += chunk
        if answer.startswith(b"-"):
            raise RuntimeError(answer.decode())
        return answer


def memory_folder(stack):
    """An empty folder in a memory file system, removed with the stack. Everybody may read it:
    where the benchmarks run as root, nginx's workers do not."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = stack.enter_context(tempfile.TemporaryDirectory(prefix="aurora-bench.", dir=where))
    os.chmod(path, 0o755)
    return pathlib.Path(path)
