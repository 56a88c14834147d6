# SPDX-License-Identifier: Apache-2.0
"""AuroraP2PClient: one peer's life in the network."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
import urllib.parse
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    TypeVar,
    Union,
)

from . import arguments
from .arguments import IdentityLike, Texts
from .budget import Budget, Scope
from .endpoints import Backoff, Endpoints, urls_of
from .errors import AuroraError, AuroraProtocolError, AuroraRefused, AuroraStopped
from .events import Callbacks
from .identity import check_peer, json_text, signed
from .links import (
    STOP_TIMEOUT_S,
    Handler,
    Listener,
    PeerSocket,
    join_all,
    now_text,
    open_link,
)
from .peer import PeerInfo
from .transport import Answer, Transport
from .watch import SILENCE_S, Watch

log = logging.getLogger("aurora.p2p")

Me = TypeVar("Me", bound="AuroraP2PClient")

TIMEOUT_S = 5.0
DEFAULT_TTL_S = 300
RETRY_BASE_S = 0.5
RETRY_CAP_S = 30.0
READ_BYTES = 4096


class AuroraP2PClient:
    """Registers a peer with an Aurora network, finds others, and talks to them.

    All methods may be called from any thread. Whatever goes wrong outside raises AuroraError.
    Times are in seconds. See docs/HTTP.md for what nodes answer.
    """

    def __init__(
        self,
        discovery_url: Texts = None,
        peer_id: Optional[str] = None,
        port: int = 9000,
        archetypes: Optional[Sequence[str]] = None,
        auto_register: bool = True,
        heartbeat_interval: float = 30,
        *,
        endpoints: Texts = None,
        timeout: float = TIMEOUT_S,
        identity: IdentityLike = None,
        metadata: Optional[Mapping[str, Any]] = None,
        ttl: Optional[int] = None,
        address: Optional[str] = None,
        verify: Union[bool, str] = True,
        deregister_on_stop: bool = False,
    ) -> None:
        """
        discovery_url: a node's URL, or several (a list, or a text with commas between them).
        peer_id: this peer's name; a random UUID when absent, the key's with an identity.
        port: where this peer takes connections, 0 to 65535; 0: nowhere, or where start_listener()
            finds a free one.
        archetypes: what this peer is; at most 16.
        auto_register: register at once; the constructor then raises when that fails.
        heartbeat_interval: seconds between heartbeats, once start_heartbeat() was called; never
            more than a third of the ttl.
        endpoints: more URLs.
        timeout: seconds that one node has for its whole answer. A call asks each node at most
            once, so it takes at most timeout * nodes (and what the lookup of names takes).
        identity: None; "file" for the key in the default file (identity.default_path()); the
            path of a key file; or an Identity. The peer's id is then the key, and the peer signs
            for itself. Needs PyNaCl.
        metadata: a JSON object of at most 512 bytes.
        ttl: seconds that the registration lasts without a heartbeat, 10 to 86,400.
        address: where others reach this peer; found out when absent.
        verify: of `requests`: whether, or by which certificates, TLS is verified.
        deregister_on_stop: whether stop() ends the registration, too.
        """
        urls = urls_of(discovery_url, endpoints)
        self.discovery_url = urls[0]
        self.port = arguments.port_of(port)
        self.archetypes = arguments.archetypes_of(archetypes)
        self.heartbeat_interval = arguments.seconds("heartbeat_interval", heartbeat_interval)
        self.timeout = arguments.seconds("timeout", timeout)
        self.metadata: Dict[str, Any] = arguments.metadata_of(metadata)
        self.ttl = arguments.ttl_of(ttl)
        self.is_registered = False
        self._identity = arguments.identity_of(identity)
        self.peer_id = arguments.peer_id_of(peer_id, self._identity)
        self._address = address
        self._deregister_on_stop = deregister_on_stop
        self._endpoints = Endpoints(urls)
        self._transport = Transport(verify)
        self._callbacks = Callbacks()
        self._lock = threading.RLock()
        self._heart: Optional[_Heart] = None
        self._listener: Optional[Listener] = None
        self._watches: Set[Watch] = set()
        self._watchers: List[threading.Thread] = []
        self._peer_version = 0
        if auto_register:
            self.register()

    # --- The registry ---

    @property
    def local_ip(self) -> str:
        """The address that is registered: as given, or the one towards the network."""
        if self._address is None:
            self._address = arguments.address_towards(self._endpoints.in_order())
        return self._address

    def register(
        self,
        archetypes: Optional[Sequence[str]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> Dict[str, Any]:
        """Registers this peer, or changes its registration; what is given is kept for the next
        time. Returns the node's answer (`message`, `peer_id`, `ttl_expires`). Raises AuroraError:
        AuroraRefused names the field that a node does not like."""
        if archetypes:
            self.archetypes = arguments.archetypes_of(archetypes)
        if metadata is not None:
            self.metadata = arguments.metadata_of(metadata)
        try:
            answer = self._ask("POST", "/register", self._registration())
        except AuroraRefused as error:
            if self._identity is None or error.status != 409:
                raise
            self._catch_up()
            answer = self._ask("POST", "/register", self._registration())
        self.is_registered = True
        log.info("registered %s until %s", self.peer_id, answer.get("ttl_expires"))
        return answer

    def _registration(self) -> Dict[str, Any]:
        registration: Dict[str, Any] = {
            "peer_id": self.peer_id,
            "address": self.local_ip,
            "port": self.port,
            "archetypes": self.archetypes,
            "metadata": self.metadata,
        }
        ttl = self.ttl or DEFAULT_TTL_S
        if self._identity is not None:
            registration["ttl_seconds"] = ttl  # what a node would fill in cannot be signed
            return signed(self._identity, registration, self._next_version())
        metadata = json_text("metadata", self.metadata)
        check_peer(self.peer_id, self.local_ip, self.port, self.archetypes, metadata, ttl)
        if self.ttl is not None:
            registration["ttl_seconds"] = self.ttl
        return registration

    def _next_version(self) -> int:
        """Rises with each registration, over restarts, too, as the wall clock does."""
        with self._lock:
            self._peer_version = max(self._peer_version + 1, time.time_ns() // 1_000_000)
            return self._peer_version

    def _catch_up(self) -> None:
        """Our clock was set back: the network knows a higher version than it would give."""
        known = self._ask("GET", f"/v1/peers/{_quoted(self.peer_id)}").get("peer_version")
        with self._lock:
            if isinstance(known, int):
                self._peer_version = max(self._peer_version, known)

    def deregister(self) -> None:
        """Ends the registration everywhere. Raises AuroraError; AuroraRefused with 404 where
        there is none."""
        self._ask("DELETE", f"/v1/peers/{_quoted(self.peer_id)}")
        self.is_registered = False

    def discover(
        self,
        archetype: Texts = None,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        limit: Optional[int] = None,
        include_self: bool = False,
    ) -> List[PeerInfo]:
        """The peers that are there, in the order of their ids, without this one.

        archetype: only those of this one, or of all in a list.
        metadata: only those with these values.
        limit: at most so many, up to 100,000; 10,000 when absent, and a warning is logged where
            there are more.
        Calls `on_peer_discovered` for each. Raises AuroraError.
        """
        params = arguments.filters(archetype, metadata, None if include_self else self.peer_id)
        if limit is not None:
            params.append(("limit", str(limit)))
        listed = self._ask("GET", "/discover", params=params, check=_check_peers)
        found = [PeerInfo.from_dict(peer) for peer in listed["peers"]]
        for peer in found:
            self._callbacks.fire("on_peer_discovered", peer)
        return found

    def heartbeat(self) -> bool:
        """Renews the registration; registers again if the network has forgotten it meanwhile.
        True, or raises AuroraError."""
        self._renew()
        return True

    def _renew(self) -> None:
        try:
            self._ask("POST", "/heartbeat", {"peer_id": self.peer_id})
        except AuroraRefused as error:
            if error.status != 404 or not self.is_registered:
                raise
            log.warning("%s is not known any more, registering it again", self.peer_id)
            self.register()

    def health_check(self) -> Dict[str, Any]:
        """What the first node that can be reached says of itself, `{"status": "healthy"}`.
        Raises AuroraError."""
        return self._ask("GET", "/health")

    def _ask(
        self,
        method: str,
        path: str,
        body: Optional[Mapping[str, Any]] = None,
        params: Sequence[Tuple[str, str]] = (),
        check: Optional[Callable[[Answer], None]] = None,
    ) -> Dict[str, Any]:
        """The answer of the first node that has a good one."""
        data = None if body is None else json_text("registration", body).encode("utf-8")

        def ask_one(url: str) -> Dict[str, Any]:
            answer = self._transport.call(method, url + path, self.timeout, params, data)
            if check is not None:
                check(answer)
            return answer.body

        return self._endpoints.ask(ask_one)

    # --- Heartbeats ---

    def start_heartbeat(self, interval: Optional[float] = None) -> None:
        """Heartbeats from now on, in a thread of their own, every `interval` seconds. A failure
        is retried soon, after random delays that grow up to 30 s or the interval."""
        if interval is not None:
            self.heartbeat_interval = arguments.seconds("interval", interval)
        with self._lock:
            if self._heart is None:
                every = min(self.heartbeat_interval, (self.ttl or DEFAULT_TTL_S) / 3)
                self._heart = _Heart(self._renew, every)

    def stop_heartbeat(self) -> None:
        """No more heartbeats, and no thread for them."""
        with self._lock:
            heart, self._heart = self._heart, None
        if heart is not None:
            heart.stop()

    # --- Direct connections ---

    def connect_to_peer(self, peer: PeerInfo, timeout: float = 10) -> socket.socket:
        """A TCP connection to the peer, which was told who calls. Calls `on_peer_connected(peer,
        socket)`, and `on_peer_disconnected(peer)` when the socket is closed here. Raises
        AuroraLinkError within `timeout` seconds."""
        hello = {"peer_id": self.peer_id, "archetypes": self.archetypes, "timestamp": now_text()}
        sock: PeerSocket = open_link(
            peer, hello, timeout, lambda: self._callbacks.fire("on_peer_disconnected", peer)
        )
        self._callbacks.fire("on_peer_connected", peer, sock)
        return sock

    def start_listener(self, handler: Optional[Handler] = None) -> None:
        """Takes connections of other peers on `port`, all addresses. With port 0 a free one is
        found, and registered.

        handler(socket, info), in a thread for each connection; `info` has the caller's `peer_id`,
        `archetypes` and `timestamp`. Without one, `on_data_received(bytes, info)` is called for
        whatever arrives, and the bytes are sent back. Raises AuroraLinkError.
        """
        with self._lock:
            if self._listener is not None:
                log.warning("already listening on port %d", self._listener.port)
                return
            self._listener = Listener(self.port, handler or self._echo, self._call_ended)
            is_new = self.port != self._listener.port
            self.port = self._listener.port
        if is_new and self.is_registered:
            self.register()

    def _echo(self, sock: socket.socket, hello: Dict[str, Any]) -> None:
        while True:
            data = sock.recv(READ_BYTES)
            if not data:
                return
            self._callbacks.fire("on_data_received", data, hello)
            sock.sendall(data)

    def _call_ended(self, peer: PeerInfo) -> None:
        self._callbacks.fire("on_peer_disconnected", peer)

    # --- Events ---

    def on(self, event: str, callback: Callable[..., Any]) -> None:
        """Has `callback` called, in whatever thread it happens, with

        - `on_peer_discovered(peer)`: by discover() for each, and by start_watch() for a new one
        - `on_peer_connected(peer, socket)`, `on_peer_disconnected(peer)`
        - `on_data_received(bytes, info)`
        - `on_peer_up(peer)`, `on_peer_update(peer)`, `on_peer_down(peer, reason)`: start_watch()

        The names work without `on_`, too. Raises AuroraArgumentError for others.
        """
        self._callbacks.add(event, callback)

    def watch(
        self,
        archetype: Texts = None,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        include_self: bool = False,
        silence_timeout: float = SILENCE_S,
    ) -> Watch:
        """Peers as they come, change and go: an iterator of PeerEvent (see Watch). Filters as
        in discover(). A node that has been silent for `silence_timeout` seconds is left for the
        next. Raises AuroraError if no node can be watched now."""
        watch = self._new_watch(archetype, metadata, include_self, silence_timeout)
        try:
            return watch.connect()
        except BaseException:
            watch.close()
            raise

    def _new_watch(
        self,
        archetype: Texts,
        metadata: Optional[Mapping[str, Any]],
        include_self: bool,
        silence_timeout: float,
    ) -> Watch:
        params = arguments.filters(archetype, metadata, None if include_self else self.peer_id)
        silence_s = arguments.seconds("silence_timeout", silence_timeout)
        watch = Watch(
            self._transport, self._endpoints, params, self.timeout, silence_s, self._forget_watch
        )
        with self._lock:
            self._watches.add(watch)
        return watch

    def _forget_watch(self, watch: Watch) -> None:
        with self._lock:
            self._watches.discard(watch)

    def start_watch(
        self,
        archetype: Texts = None,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        include_self: bool = False,
        silence_timeout: float = SILENCE_S,
    ) -> Watch:
        """watch(), with a thread that turns its events into callbacks: `on_peer_up` (and
        `on_peer_discovered`), `on_peer_update`, `on_peer_down`. Ends with stop() or close() of
        what it returns, which must not be iterated. Where no node can be reached it goes on
        trying."""
        watch = self._new_watch(archetype, metadata, include_self, silence_timeout)
        thread = threading.Thread(
            target=self._dispatch, args=(watch,), daemon=True, name="aurora-watch"
        )
        with self._lock:
            self._watchers = [one for one in self._watchers if one.is_alive()] + [thread]
            thread.start()
        return watch

    def _dispatch(self, watch: Watch) -> None:
        try:
            for event in watch:
                if event.kind == "up":
                    self._callbacks.fire("on_peer_discovered", event.peer)
                    self._callbacks.fire("on_peer_up", event.peer)
                elif event.kind == "update":
                    self._callbacks.fire("on_peer_update", event.peer)
                elif event.kind == "down":
                    self._callbacks.fire("on_peer_down", event.peer, event.reason)
        except AuroraError as error:
            log.error("watch: %s", error)

    # --- The end ---

    def stop(self) -> None:
        """Ends everything that goes on: heartbeats, listener, connections that came in, watches,
        calls in other threads (with AuroraStopped). No thread is left. The registration lasts
        for the rest of its ttl, unless `deregister_on_stop`. Can be called twice; afterwards the
        client can be used anew."""
        with self._lock:
            heart, self._heart = self._heart, None
            listener, self._listener = self._listener, None
            watches, self._watches = self._watches, set()
            watchers, self._watchers = self._watchers, []
        for watch in watches:
            watch.close()
        if heart is not None:
            heart.stop()
        if listener is not None:
            listener.stop()
        join_all(watchers, Budget(STOP_TIMEOUT_S))
        self._transport.abort()
        if self._deregister_on_stop and self.is_registered:
            with contextlib.suppress(AuroraError):
                self.deregister()
            self._transport.abort()

    def __enter__(self: Me) -> Me:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()


class _Heart:
    """Beats in a thread until stop()."""

    def __init__(self, beat: Callable[[], None], every_s: float) -> None:
        self._beat = beat
        self._scope = Scope()
        self._every_s = every_s
        self._backoff = Backoff(RETRY_BASE_S, min(RETRY_CAP_S, every_s))
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="aurora-heartbeat")
        self._thread.start()

    def _run(self) -> None:
        delay = 0.0
        with self._scope.entered():
            while not self._end.wait(delay):
                delay = self._beat_once()

    def _beat_once(self) -> float:
        """The seconds until the next."""
        try:
            self._beat()
        except AuroraStopped:
            return self._every_s
        except AuroraError as error:
            delay = self._backoff.next_delay()
            log.warning("heartbeat: %s; again in %.1f s", error, delay)
            return delay
        self._backoff.worked()
        return self._every_s

    def stop(self) -> None:
        self._end.set()
        self._scope.cancel()
        join_all([self._thread], Budget(STOP_TIMEOUT_S))


def _quoted(peer_id: str) -> str:
    return urllib.parse.quote(peer_id, safe="")


def _check_peers(answer: Answer) -> None:
    """Raises AuroraProtocolError unless it is an answer of /discover."""
    peers = answer.body.get("peers")
    if not isinstance(peers, list):
        raise AuroraProtocolError(f"discover: an answer without peers: {answer.body!r:.80}")
    for peer in peers:
        if not isinstance(peer, dict):
            raise AuroraProtocolError(f"discover: {peer!r:.80} among the peers")
        PeerInfo.from_dict(peer)
    if answer.headers.get("X-Aurora-Truncated") == "true":
        log.warning("discover: these %d peers are not all; give a limit or a filter", len(peers))
