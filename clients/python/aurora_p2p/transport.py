# SPDX-License-Identifier: Apache-2.0
"""HTTP with one node: a request and its whole answer in a bounded time and a bounded size.

`requests` does the HTTP; connections that keep to a budget are put below it, and every failure
comes out as an AuroraError.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import socket
import threading
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

import requests
import requests.adapters
import urllib3
import urllib3.connection
import urllib3.exceptions

from .budget import BoundedSocket, Budget, bound, connect_in_budget
from .errors import (
    AuroraArgumentError,
    AuroraError,
    AuroraProtocolError,
    AuroraRefused,
    AuroraStopped,
    AuroraTimeout,
    AuroraTLSError,
    AuroraUnavailable,
)
from .version import __version__

Params = Sequence[Tuple[str, str]]

# 100,000 peers, the most that can be asked for, of 600 bytes each.
ANSWER_MAX_BYTES = 64 * 1024 * 1024
READ_BYTES = 65536
CONNECT_FALLBACK_S = 10.0
SESSIONS_KEPT = 8


class _PlainConnection(urllib3.connection.HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return connect_in_budget(str(self._dns_host), int(self.port), CONNECT_FALLBACK_S)

    def connect(self) -> None:
        super().connect()
        self.sock: Any = BoundedSocket(self.sock)


class _TLSConnection(urllib3.connection.HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return connect_in_budget(str(self._dns_host), int(self.port), CONNECT_FALLBACK_S)

    def connect(self) -> None:
        super().connect()
        self.sock: Any = BoundedSocket(self.sock)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}

    def proxy_manager_for(self, *arguments: Any, **more: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **more)
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}
        return manager


@dataclasses.dataclass
class Answer:
    """The JSON object of a 200, and its headers."""

    body: Dict[str, Any]
    headers: Mapping[str, str]


def _causes(error: Optional[BaseException]) -> Iterator[BaseException]:
    """The error, and all that it was made of: `requests` and urllib3 wrap by argument, by
    `reason` and by cause."""
    waiting: List[Any] = [error]
    seen: Set[int] = set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def explained(error: BaseException, url: str, budget: Budget) -> AuroraError:
    """What went wrong below, as an AuroraError."""
    causes = list(_causes(error))

    def has(*kinds: type) -> Optional[BaseException]:
        return next((cause for cause in reversed(causes) if isinstance(cause, kinds)), None)

    if budget.is_cancelled or has(AuroraStopped):
        return AuroraStopped(f"{url}: stopped")
    if budget.is_spent or has(socket.timeout, requests.Timeout):
        return AuroraTimeout(f"{url}: no whole answer in time")
    if has(requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        return AuroraTLSError(f"{url}: TLS: {causes[-1]}")
    if has(requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError):
        return AuroraArgumentError(f"discovery_url: {url}: {error}")
    garbage = has(http.client.HTTPException)
    if garbage is not None and not isinstance(garbage, http.client.RemoteDisconnected):
        return AuroraProtocolError(f"{url}: does not speak HTTP as it should: {garbage!r:.200}")
    system = [
        cause
        for cause in causes
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException)
    ]
    return AuroraUnavailable(f"{url}: {system[-1] if system else error}")


def _read(response: requests.Response, url: str, max_bytes: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise AuroraProtocolError(f"{url}: the answer is compressed, which nobody asked for")
    taken = bytearray()
    while True:
        part = response.raw.read(READ_BYTES, decode_content=False)
        if not part:
            break
        taken += part
        if len(taken) > max_bytes:
            raise AuroraProtocolError(f"{url}: an answer of more than {max_bytes} bytes")
    if response.headers.get("Content-Length", str(len(taken))) != str(len(taken)):
        raise AuroraProtocolError(f"{url}: the answer was cut short after {len(taken)} bytes")
    return bytes(taken)


def parsed(text: Union[bytes, str], url: str) -> Dict[str, Any]:
    """A JSON object. Raises AuroraProtocolError for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AuroraProtocolError(f"{url}: no JSON: {error}; {text[:60]!r}") from error
    if not isinstance(value, dict):
        raise AuroraProtocolError(f"{url}: JSON, but no object: {text[:60]!r}")
    return value


def refusal(status: int, text: bytes, url: str) -> AuroraError:
    """The error for an answer that is no 200. Whoever does not say {"error": ...} is no node of
    ours; a proxy's 502 to 504 are still worth another try elsewhere."""
    if status >= 400:
        with contextlib.suppress(AuroraProtocolError):
            reason = parsed(text, url).get("error")
            if isinstance(reason, str):
                return AuroraRefused(url, status, reason)
    return AuroraProtocolError(f"{url}: answers {status}, as no Aurora node does: {text[:60]!r}")


class Stream:
    """An answer without an end. Read by one thread; another may close() it."""

    def __init__(self, session: requests.Session, response: requests.Response, budget: Budget):
        self.headers: Mapping[str, str] = response.headers
        self._session = session
        self._response = response
        self._budget = budget
        self._url = response.url

    def read(self, seconds: float, fresh: bool) -> bytes:
        """What there is, as soon as there is any; b"" at the end. `fresh` starts a new period of
        so many seconds; without it the one goes on that began at the last fresh read."""
        if fresh:
            self._budget.restart(seconds)
        try:
            with bound(self._budget):
                return self._read_some()
        except AuroraError:
            raise
        except Exception as error:
            raise explained(error, self._url, self._budget) from error

    def _read_some(self) -> bytes:
        below: Any = getattr(self._response.raw, "_fp", None)
        if hasattr(below, "read1"):
            return bytes(below.read1(READ_BYTES))
        # A byte at a time: slow, and never waiting for more than has come.
        return bytes(self._response.raw.read(1, decode_content=False))

    def cancel(self) -> None:
        """Ends a read() in another thread with AuroraStopped."""
        self._budget.cancel()

    def close(self) -> None:
        """By the reading thread, when it is done."""
        self._response.close()
        self._session.close()


class Transport:
    """Requests to nodes, from any number of threads at once."""

    def __init__(self, verify: Union[bool, str] = True, max_bytes: int = ANSWER_MAX_BYTES) -> None:
        self._verify = verify
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._idle: List[requests.Session] = []
        self._busy: Set[Budget] = set()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.mount("http://", _Adapter(pool_maxsize=1, max_retries=0))
        session.mount("https://", _Adapter(pool_maxsize=1, max_retries=0))
        session.headers["Accept-Encoding"] = "identity"
        session.headers["User-Agent"] = f"aurora-p2p-python/{__version__}"
        session.verify = self._verify
        return session

    def _take_session(self) -> Tuple[requests.Session, bool]:
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        return self._new_session(), False

    def _give_back(self, session: requests.Session) -> None:
        with self._lock:
            if len(self._idle) < SESSIONS_KEPT:
                self._idle.append(session)
                return
        session.close()

    @contextlib.contextmanager
    def _counted(self, budget: Budget) -> Iterator[None]:
        """While within, abort() reaches it."""
        with self._lock:
            self._busy.add(budget)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(budget)

    def abort(self) -> None:
        """Ends all calls that are going on in other threads, with AuroraStopped, and closes what
        is kept open between calls. Later calls work."""
        with self._lock:
            busy, idle = list(self._busy), self._idle
            self._idle = []
        for budget in busy:
            budget.cancel()
        for session in idle:
            session.close()

    def call(
        self,
        method: str,
        url: str,
        timeout: float,
        params: Params = (),
        body: Optional[bytes] = None,
    ) -> Answer:
        """One request; its 200, whole, within `timeout` seconds. Raises AuroraError."""
        budget = Budget(timeout)
        with self._counted(budget):
            session, is_warm = self._take_session()
            try:
                found = self._exchange(session, method, url, params, body, budget)
            except AuroraUnavailable as error:
                if not is_warm or type(error) is not AuroraUnavailable:
                    raise
                # The node closed an idle connection just as we used it. All requests may be
                # repeated: they say what shall be, not what shall change.
                session = self._new_session()
                found = self._exchange(session, method, url, params, body, budget)
            self._give_back(session)
        status, headers, text = found
        if status != 200:
            raise refusal(status, text, url)
        return Answer(parsed(text, url), headers)

    def _exchange(
        self,
        session: requests.Session,
        method: str,
        url: str,
        params: Params,
        body: Optional[bytes],
        budget: Budget,
    ) -> Tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. The session is closed where it fails: who knows what would
        still come on its connection."""
        try:
            with bound(budget):
                headers = {"Content-Type": "application/json"} if body is not None else {}
                response = self._begin(session, method, url, params, body, headers, budget)
                with contextlib.closing(response):
                    text = _read(response, url, self._max_bytes)
            return response.status_code, response.headers, text
        except Exception as error:
            session.close()
            if isinstance(error, AuroraError):
                raise
            raise explained(error, url, budget) from error

    def _begin(
        self,
        session: requests.Session,
        method: str,
        url: str,
        params: Params,
        body: Optional[bytes],
        headers: Mapping[str, str],
        budget: Budget,
    ) -> requests.Response:
        left = budget.left()
        return session.request(
            method,
            url,
            params=list(params),
            data=body,
            headers=dict(headers),
            timeout=(left, left),
            stream=True,
            allow_redirects=False,
        )

    def stream(
        self, url: str, timeout: float, params: Params, headers: Mapping[str, str], budget: Budget
    ) -> Stream:
        """Opens an endless answer of text/event-stream; its head must be there within `timeout`.
        Raises AuroraError."""
        session = self._new_session()
        try:
            budget.restart(timeout)
            with bound(budget):
                response = self._begin(session, "GET", url, params, None, headers, budget)
                if response.status_code != 200:
                    raise refusal(response.status_code, _read(response, url, READ_BYTES), url)
            kind = response.headers.get("Content-Type", "")
            if not kind.startswith("text/event-stream"):
                raise AuroraProtocolError(f"{url}: answers {kind[:60]!r}, not text/event-stream")
            return Stream(session, response, budget)
        except AuroraError:
            session.close()
            raise
        except Exception as error:
            session.close()
            raise explained(error, url, budget) from error
