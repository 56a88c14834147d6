# SPDX-License-Identifier: Apache-2.0
"""What the tests of the Python client need: the package itself, servers that misbehave, a line that
can be cut, and a look at the threads."""

import contextlib
import pathlib
import socket
import sys
import threading
import time

CLIENT = pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"
sys.path.insert(0, str(CLIENT))


class Server:
    """Listens on loopback and does `behave(connection, server)` with each connection, in a thread
    each; `connection` is a socket. All ends with close()."""

    def __init__(self, behave):
        self.closing = threading.Event()
        self.connections = 0
        self._behave = behave
        self._lock = threading.Lock()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                with self._lock:
                    self.connections += 1
                    self._sockets.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock):
        with contextlib.suppress(OSError), sock:
            self._behave(sock, self)

    def cut(self):
        """Ends all connections, and goes on listening."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_request(sock):
    """The head of a request, as text; its body is read and forgotten."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            raise ConnectionResetError
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.decode("latin-1").split("\r\n"):
        if line.lower().startswith("content-length:"):
            length = int(line.split(":")[1])
    while len(body) < length:
        body += sock.recv(65536)
    return head.decode("latin-1")


def silent(_sock, server):
    """Takes connections and never says a word."""
    server.closing.wait()


def answers(text, status="200 OK", head=""):
    """The same answer to every request."""
    body = text.encode() if isinstance(text, str) else text

    def behave(sock, _server):
        while True:
            read_request(sock)
            sock.sendall(
                f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body
            )

    return behave


def says(data):
    """These bytes, then the end."""

    def behave(sock, _server):
        read_request(sock)
        sock.sendall(data)

    return behave


def trickles(start):
    """The start at once, then a byte 20 times a second, for ever."""

    def behave(sock, server):
        read_request(sock)
        sock.sendall(start)
        while not server.closing.wait(0.05):
            sock.sendall(b"x")

    return behave


def floods(start):
    """The start, then as many bytes as are taken."""

    def behave(sock, server):
        read_request(sock)
        sock.sendall(start)
        while not server.closing.is_set():
            sock.sendall(b"x" * 1_000_000)

    return behave


def one_each(text):
    """Answers the first request of a connection; at the second it hangs up."""
    once = answers(text)

    def behave(sock, server):
        with contextlib.suppress(ConnectionResetError):
            once(OneRequest(sock), server)

    return behave


class OneRequest:
    """A socket whose second request is read and then lost."""

    def __init__(self, sock):
        self._socket = sock
        self._answered = False

    def recv(self, size):
        data = self._socket.recv(size)
        if self._answered:
            raise ConnectionResetError
        return data

    def sendall(self, data):
        self._socket.sendall(data)
        self._answered = True


def pauses(first_s, data):
    """Silence, then these bytes, then silence."""

    def behave(sock, server):
        read_request(sock)
        if not server.closing.wait(first_s):
            sock.sendall(data)
            server.closing.wait()

    return behave


@contextlib.contextmanager
def black_hole():
    """A port of this machine that takes no connection and refuses none either, as a machine that
    is gone: its queue is full. Gives the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", port))
            yield port


def scripted_stream(*scripts):
    """An event stream for each connection in turn: a script is the text to send, after which the
    connection stays open; or (text, True), after which it ends. `requests` collects the heads."""
    waiting = list(scripts)
    requests = []

    def behave(sock, server):
        requests.append(read_request(sock))
        script = waiting.pop(0) if waiting else ""
        text, ends = script if isinstance(script, tuple) else (script, False)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + text.encode())
        if not ends:
            server.closing.wait()

    behave.requests = requests
    return behave


def relay_to(address):
    """Passes everything to a node and back, until it is cut."""
    host, port = address.rsplit(":", 1)

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                if not data:
                    break
                sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def behave(sock, _server):
        with socket.create_connection((host, int(port))) as node:
            back = threading.Thread(target=pump, args=(node, sock), daemon=True)
            back.start()
            pump(sock, node)
            back.join()

    return behave


def unused_port():
    """A port at which nobody listens, at least not just now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def client_threads():
    """The threads of the client that are there."""
    return sorted(t.name for t in threading.enumerate() if t.name.startswith("aurora-"))


@contextlib.contextmanager
def takes(at_least, at_most):
    """What is done within takes so many seconds."""
    started = time.monotonic()
    yield
    took = time.monotonic() - started
    assert at_least <= took <= at_most, f"{took:.3f} s, not {at_least} to {at_most}"
