# SPDX-License-Identifier: Apache-2.0
"""Direct TCP connections between peers: a line of JSON that says who calls, then raw bytes."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import selectors
import socket
import threading
from typing import Any, Callable, Dict, List, Optional, Tuple

from .budget import Budget, connect
from .errors import AuroraLinkError
from .peer import PeerInfo

log = logging.getLogger("aurora.p2p")

Handler = Callable[[socket.socket, Dict[str, Any]], Any]

HANDSHAKE_MAX_BYTES = 4096  # an id and 16 archetypes are 1,200 at most
HANDSHAKE_TIMEOUT_S = 10.0
LINKS_MAX = 256  # each has a thread; more wait in the kernel's queue
BACKLOG = 64
STOP_TIMEOUT_S = 5.0


class PeerSocket(socket.socket):
    """A connected socket that says once when it is closed."""

    def __init__(self, sock: socket.socket, closed: Callable[[], None]) -> None:
        timeout = sock.gettimeout()
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.settimeout(timeout)
        self._told: Optional[Callable[[], None]] = closed

    def close(self) -> None:
        super().close()
        told, self._told = self._told, None
        if told is not None:
            told()


def now_text() -> str:
    """UTC in ISO 8601 without a zone, as everywhere in Aurora."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None).isoformat()


def open_link(
    peer: PeerInfo, hello: Dict[str, Any], timeout: float, closed: Callable[[], None]
) -> PeerSocket:
    """Connects and introduces itself, within `timeout` seconds, which stay the socket's timeout.
    Raises AuroraLinkError."""
    try:
        sock = connect(peer.address, peer.port, Budget(timeout))
        try:
            sock.sendall(json.dumps(hello).encode() + b"\n")
            sock.settimeout(timeout)
            return PeerSocket(sock, closed)
        except BaseException:
            sock.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        raise AuroraLinkError(
            f"{peer.peer_id} at {peer.address} port {peer.port}: {error}"
        ) from error


def read_hello(sock: socket.socket) -> Dict[str, Any]:
    """The caller's first line. Byte by byte: what follows belongs to the handler.
    Raises ValueError, OSError."""
    budget = Budget(HANDSHAKE_TIMEOUT_S)
    line = bytearray()
    while not line.endswith(b"\n"):
        if len(line) > HANDSHAKE_MAX_BYTES:
            raise ValueError(f"no handshake within {HANDSHAKE_MAX_BYTES} bytes")
        sock.settimeout(budget.left())
        byte = sock.recv(1)
        if not byte:
            raise ValueError("closed before its handshake")
        line += byte
    hello = json.loads(line)
    if not isinstance(hello, dict) or not isinstance(hello.get("peer_id"), str):
        raise ValueError("a handshake without a peer_id")
    if not isinstance(hello.setdefault("archetypes", []), list):
        raise ValueError("a handshake whose archetypes are no list")
    return hello


def caller_info(hello: Dict[str, Any], address: Tuple[Any, ...]) -> PeerInfo:
    """What is known of a peer that called us: its port for calls is not."""
    host = str(address[0])
    host = host[7:] if host.startswith("::ffff:") else host
    return PeerInfo(hello["peer_id"], host, 0, list(hello["archetypes"]), now_text())


def _bind(port: int) -> socket.socket:
    """On all addresses, of both families where the machine has both."""
    try:
        if socket.has_dualstack_ipv6():
            with contextlib.suppress(OSError):
                return socket.create_server(
                    ("", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
                )
        return socket.create_server(("", port), backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise AuroraLinkError(f"port {port}: cannot listen: {error}") from error


class Listener:
    """Accepts connections of peers, each with a thread of its own, until stop()."""

    def __init__(
        self, port: int, handler: Handler, disconnected: Callable[[PeerInfo], None]
    ) -> None:
        """Listens from here on; port 0 takes a free one. Raises AuroraLinkError."""
        self._handler = handler
        self._disconnected = disconnected
        self._lock = threading.Lock()
        self._links: Dict[threading.Thread, socket.socket] = {}
        self._room = threading.Semaphore(LINKS_MAX)
        self._is_stopping = False
        self._socket = _bind(port)
        self.port = int(self._socket.getsockname()[1])
        self._waker, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, daemon=True, name="aurora-listener")
        self._thread.start()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while not self._is_stopping:
                self._room.acquire()
                ready = [key.fileobj for key, _ in selector.select()]
                if self._socket not in ready or not self._welcome():
                    self._room.release()

    def _welcome(self) -> bool:
        try:
            sock, address = self._socket.accept()
        except OSError as error:
            log.warning("accept: %s", error)
            return False
        thread = threading.Thread(
            target=self._serve, args=(sock, address), daemon=True, name="aurora-link"
        )
        with self._lock:
            if self._is_stopping:
                sock.close()
                return False
            self._links[thread] = sock
        thread.start()
        return True

    def _serve(self, sock: socket.socket, address: Tuple[Any, ...]) -> None:
        info = None
        try:
            hello = read_hello(sock)
            info = caller_info(hello, address)
            sock.settimeout(None)
            self._handler(sock, hello)
        except (OSError, EOFError, ValueError, RecursionError) as error:
            log.info("connection from %s: %s", address[0], error)
        except Exception:
            log.exception("the handler of a connection raised")
        finally:
            sock.close()
            if info is not None:
                self._disconnected(info)
            with self._lock:
                del self._links[threading.current_thread()]
            self._room.release()

    def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:
        """Takes no more connections, ends those there are, and waits for their threads, all
        within `timeout` seconds. A handler that does not return by then is left, and logged."""
        with self._lock:
            self._is_stopping = True
            links = dict(self._links)
        with contextlib.suppress(OSError):
            self._waker.send(b"x")
        self._room.release()  # where all the room is taken, the accepting thread waits for some
        for sock in links.values():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        budget = Budget(timeout)
        left = join_all([self._thread, *links], budget)
        for sock in (self._socket, self._wake, self._waker):
            sock.close()
        if left:
            log.warning("%d handlers are still running after %g s", len(left), timeout)


def join_all(threads: List[threading.Thread], budget: Budget) -> List[threading.Thread]:
    """Waits for all but the calling one; those that are still running when the time is over."""
    mine = threading.current_thread()
    for thread in threads:
        if thread is not mine:
            with contextlib.suppress(socket.timeout):
                thread.join(budget.left())
    return [thread for thread in threads if thread is not mine and thread.is_alive()]
