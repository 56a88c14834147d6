# SPDX-License-Identifier: Apache-2.0
"""Time that a call may take in all, down to the single byte; and sockets that keep to it.

A timeout of `requests` starts anew with every byte that arrives: a server that sends one byte a
second holds its caller for ever. Here every wait on a socket gets what is left of the whole. The
calling thread's budget is found through the thread: the layers in between know nothing of it.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
import weakref
from typing import Any, Iterator, Optional

from .errors import AuroraStopped

_of_thread = threading.local()


class Budget:
    """What is left of a call's time. Another thread may cancel() it."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._socket: Optional[socket.socket] = None
        self._lock = threading.Lock()
        self.is_cancelled = False
        scope: Optional[Scope] = getattr(_of_thread, "scope", None)
        if scope is not None:
            scope.adopt(self)

    def restart(self, seconds: float) -> None:
        """From now on, this much: for streams, whose every line has a time of its own."""
        self._ends = time.monotonic() + seconds

    @property
    def is_spent(self) -> bool:
        return time.monotonic() >= self._ends

    def left(self) -> float:
        """Seconds, above 0. Raises TimeoutError when there are none, AuroraStopped when
        cancelled."""
        if self.is_cancelled:
            raise AuroraStopped("stopped")
        left = self._ends - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        return left

    def arm(self, sock: socket.socket) -> None:
        """Before each wait on a socket: it gets what is left, and cancel() finds it."""
        sock.settimeout(self.left())
        with self._lock:
            self._socket = sock
        if self.is_cancelled:
            raise AuroraStopped("stopped")

    def disarm(self) -> None:
        """The socket is about to be somebody else's."""
        with self._lock:
            self._socket = None

    def cancel(self) -> None:
        """Ends the wait that is going on, and all that would follow. From any thread.

        The lookup of a host name cannot be ended; the resolver's own limits hold there.
        """
        with self._lock:
            self.is_cancelled = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    # Of the plain class: that of TLS would also forget its state, in mid-read.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Scope:
    """What a thread does within can be ended by another: all budgets made there, now and later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._budgets: weakref.WeakSet[Budget] = weakref.WeakSet()
        self._is_cancelled = False

    def adopt(self, budget: Budget) -> None:
        """By each new budget of the thread."""
        with self._lock:
            self._budgets.add(budget)
            is_late = self._is_cancelled
        if is_late:
            budget.cancel()

    def cancel(self) -> None:
        """AuroraStopped for whatever waits on a budget within."""
        with self._lock:
            self._is_cancelled = True
            budgets = list(self._budgets)
        for budget in budgets:
            budget.cancel()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is within."""
        before = getattr(_of_thread, "scope", None)
        _of_thread.scope = self
        try:
            yield
        finally:
            _of_thread.scope = before


@contextlib.contextmanager
def bound(budget: Budget) -> Iterator[Budget]:
    """All that this thread does within is on this budget."""
    before = getattr(_of_thread, "budget", None)
    _of_thread.budget = budget
    try:
        yield budget
    finally:
        _of_thread.budget = before
        budget.disarm()


def _arm(sock: socket.socket) -> None:
    budget: Optional[Budget] = getattr(_of_thread, "budget", None)
    if budget is not None:
        budget.arm(sock)


def connect(host: str, port: int, budget: Budget) -> socket.socket:
    """A TCP connection to the first of the host's addresses that takes it.

    Each address gets its share of what is left, or the first silent one would use it all up.
    Raises OSError; TimeoutError when the time is over.
    """
    found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    error: Optional[OSError] = None
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            budget.arm(sock)
            sock.settimeout(budget.left() / (len(found) - tried))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(budget.left())
            return sock
        except OSError as failure:
            error = failure
            sock.close()
        except BaseException:
            sock.close()
            raise
        finally:
            budget.disarm()
    raise error or OSError(f"{host}: has no address")


def connect_in_budget(host: str, port: int, timeout_s: float) -> socket.socket:
    """connect() on the thread's budget, or on one of its own where there is none."""
    budget: Optional[Budget] = getattr(_of_thread, "budget", None)
    return connect(host, port, budget or Budget(timeout_s))


class _BoundedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._raw = sock.makefile("rb", buffering=0)  # keeps the socket open as long as needed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Optional[int]:
        _arm(self._socket)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class BoundedSocket:
    """A socket, plain or TLS, as `http.client` uses one, whose every wait is on the thread's
    budget."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: Any) -> None:
        """All of it, or an error when the budget is spent."""
        _arm(self._socket)
        self._socket.sendall(data)

    def makefile(self, *_mode: Any, **_more: Any) -> io.BufferedReader:
        """The reading side."""
        return io.BufferedReader(_BoundedReader(self._socket))
