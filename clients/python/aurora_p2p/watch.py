# SPDX-License-Identifier: Apache-2.0
"""Watching the network: peers come, change and go, as one unbroken story over many connections.

A stream that breaks is taken up again: on the same node where it ended, with Last-Event-ID; on
another with a fresh snapshot, of which only what is different comes out. So the reader of a Watch
sees each change once, and no reconnection at all.
"""

from __future__ import annotations

import collections
import dataclasses
import logging
import threading
from typing import Any, Callable, Deque, Dict, Iterator, List, Mapping, Optional

from .budget import Budget
from .endpoints import Backoff, Endpoints
from .errors import AuroraError, AuroraProtocolError, AuroraRefused, AuroraStopped
from .peer import PeerInfo
from .sse import EventReader, ServerEvent
from .transport import Params, Stream, Transport, parsed

log = logging.getLogger("aurora.p2p")

SILENCE_S = 40.0  # a node says something at least every 15 s: two of these may get lost
DELAY_BASE_S = 0.25
DELAY_CAP_S = 30.0
RETRY_MAX_S = 30.0
PICTURE_MAX = 1_000_000  # the largest network that there is a design for

# What differs between two nodes' words about one and the same record.
PASSING = frozenset({"last_seen", "expires_in", "statement"})


@dataclasses.dataclass(frozen=True)
class PeerEvent:
    """Something that happened.

    `kind`: "up", "update", "down"; or "synced", when the picture is whole: after the first
    snapshot, and each time that a fresh one was compared with what was known.
    An "update" may be one of its status alone ("orphaned" when its home has gone, and "live"
    again), which only `record` shows.
    `peer`: as it is now, for "down" as it was; None for "synced".
    `reason`: for "down", the node's (docs/HTTP.md lists them: "left", "expired", "home-dead", ...),
    or "gone-meanwhile" when a fresh snapshot lacks the peer and nobody can say why.
    `record`: everything that the node said of the peer, as `GET /v1/peers/{id}`.
    """

    kind: str
    peer: Optional[PeerInfo] = None
    reason: Optional[str] = None
    record: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def peer_id(self) -> str:
        """The peer's id; "" for "synced"."""
        return self.peer.peer_id if self.peer is not None else ""


class Picture:
    """The records that are known, and what each event makes of them."""

    def __init__(self) -> None:
        self._records: Dict[str, Dict[str, Any]] = {}
        self._pages: Dict[str, Dict[str, Any]] = {}

    def peers(self) -> List[PeerInfo]:
        """All of them, in the order of their ids."""
        records = dict(self._records)
        return [PeerInfo.from_dict(records[peer_id]) for peer_id in sorted(records)]

    def start_over(self) -> None:
        """A new connection: half a snapshot of the old one is worth nothing."""
        self._pages = {}

    def page(self, records: List[Any], is_last: bool) -> List[PeerEvent]:
        """A page of a snapshot; the differences, once it is whole."""
        for record in records:
            PeerInfo.from_dict(record if isinstance(record, dict) else {})  # all, before any counts
            self._pages[_id_of(record)] = record
        if len(self._pages) > PICTURE_MAX:
            raise AuroraProtocolError(f"watch: a snapshot of more than {PICTURE_MAX} peers")
        if not is_last:
            return []
        fresh, self._pages = self._pages, {}
        events = [
            event
            for peer_id in list(self._records)
            if peer_id not in fresh
            for event in self.down(peer_id, "gone-meanwhile")
        ]
        for record in fresh.values():
            events += self.put(record)
        return events + [PeerEvent("synced")]

    def put(self, record: Any) -> List[PeerEvent]:
        """A record: up, update, or nothing new."""
        peer_id = _id_of(record)
        known = self._records.get(peer_id)
        peer = PeerInfo.from_dict(record)
        if known is None and len(self._records) >= PICTURE_MAX:
            raise AuroraProtocolError(f"watch: more than {PICTURE_MAX} peers")
        self._records[peer_id] = record
        if known is not None and _lasting(known) == _lasting(record):
            return []
        return [PeerEvent("up" if known is None else "update", peer, None, record)]

    def home_has(self, home: Any, epoch: Any, status: Any) -> List[PeerEvent]:
        """All records of one life of a home have a new status."""
        return [
            event
            for record in list(self._records.values())
            if record.get("home") == home and record.get("epoch") == epoch
            for event in self.put({**record, "status": status})
        ]

    def down(self, peer_id: str, reason: str) -> List[PeerEvent]:
        """The end of a record, if it was known."""
        record = self._records.pop(peer_id, None)
        if record is None:
            return []
        return [PeerEvent("down", PeerInfo.from_dict(record), reason, record)]


def _id_of(record: Any) -> str:
    if not isinstance(record, dict) or not isinstance(record.get("peer_id"), str):
        raise AuroraProtocolError(f"watch: no record of a peer: {record!r:.80}")
    return str(record["peer_id"])


def _lasting(record: Mapping[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in record.items() if key not in PASSING}


class Watch:
    """An iterator over PeerEvent that goes on until close(), also as a context manager.

    It begins with an "up" for each peer that is there, then "synced". Iterating blocks until
    something happens. Node failures are no errors: it moves on to other endpoints, and tries
    again for as long as it takes. What does raise AuroraError: a filter that nodes refuse.
    """

    def __init__(
        self,
        transport: Transport,
        endpoints: Endpoints,
        params: Params,
        timeout: float,
        silence_timeout: float,
        closed: Optional[Callable[[Watch], None]] = None,
    ) -> None:
        self._transport = transport
        self._endpoints = endpoints
        self._params = params
        self._timeout = timeout
        self._silence_s = silence_timeout
        self._told_closed = closed
        self._budget = Budget(timeout)
        self._backoff = Backoff(DELAY_BASE_S, DELAY_CAP_S)
        self._end = threading.Event()
        self._reading = threading.Lock()
        self._ready: Deque[PeerEvent] = collections.deque()
        self._picture = Picture()
        self._stream: Optional[Stream] = None
        self._reader = EventReader()
        self._last_id: Optional[str] = None
        self.url: Optional[str] = None
        self.node: Optional[str] = None
        self.connects = 0
        self.resumes = 0

    # --- For its reader ---

    def peers(self) -> List[PeerInfo]:
        """The picture as of the last event that was read from the network."""
        return self._picture.peers()

    def connect(self) -> Watch:
        """Connects now, once through all endpoints; so a wrong endpoint is an error here, not
        a silence later. Raises AuroraError."""
        if self._stream is None:
            self._endpoints.ask(self._open)
        return self

    def __iter__(self) -> Iterator[PeerEvent]:
        return self

    def __next__(self) -> PeerEvent:
        with self._reading:
            while not self._ready and not self._end.is_set():
                try:
                    self._advance()
                except AuroraStopped:
                    break
                except AuroraError as error:
                    if isinstance(error, AuroraRefused) and not error.may_succeed_elsewhere:
                        self._finish()
                        self._drop_stream()
                        raise
                    self._wait(error)
            if not self._end.is_set():
                return self._ready.popleft()
            self._drop_stream()
            raise StopIteration

    def close(self) -> None:
        """Ends it, from any thread: the iteration stops, and the connection is closed."""
        self._finish()
        if self._reading.acquire(blocking=False):  # or whoever is reading will do it
            self._drop_stream()
            self._reading.release()

    def _finish(self) -> None:
        if not self._end.is_set():
            self._end.set()
            self._budget.cancel()
            if self._told_closed is not None:
                self._told_closed(self)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    # --- Below ---

    def _open(self, url: str) -> None:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        self._stream = self._transport.stream(
            f"{url}/v1/watch", self._timeout, self._params, headers, self._budget
        )
        self.url = url
        self.connects += 1
        self._reader = EventReader()
        self._picture.start_over()

    def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _wait(self, error: AuroraError) -> None:
        delay = self._backoff.next_delay()
        log.info("watch: %s; again in %.2f s", error, delay)
        self._end.wait(delay)

    def _advance(self) -> None:
        """One step: connect, or read what there is."""
        if self._stream is None:
            self.connect()
            return
        try:
            for event in self._read():
                self._apply(event)
        except AuroraError as error:
            self._drop_stream()
            if self.url is not None and not isinstance(error, AuroraStopped):
                self._endpoints.failed(self.url)
            raise

    def _read(self) -> List[ServerEvent]:
        """What came; nothing, and no stream any more, when the node has closed it. A whole line
        must come in each period of silence, so that trickling bytes do not keep it alive."""
        assert self._stream is not None
        lines = -1
        while True:
            is_fresh = lines != self._reader.line_count
            lines = self._reader.line_count
            data = self._stream.read(self._silence_s, is_fresh)
            if not data:
                self._drop_stream()
                self._wait_for_return()
                return []
            events = self._reader.feed(data)
            if events:
                return events

    def _wait_for_return(self) -> None:
        """An orderly end: the same node is asked first, since it can resume. Where it asked for
        a delay, that bounds ours: its other watchers come back, too."""
        if self._reader.retry_s is not None:
            self._backoff.base = min(max(self._reader.retry_s / 8, 0.05), RETRY_MAX_S)
        self._end.wait(self._backoff.next_delay())

    def _apply(self, event: ServerEvent) -> None:
        if event.data:
            self._ready.extend(self._events_of(event))
        if event.id is not None:
            self._last_id = event.id
        self._backoff.worked()

    def _events_of(self, event: ServerEvent) -> List[PeerEvent]:
        data = parsed(event.data, self.url or "")
        if event.name in ("snapshot", "resumed"):
            self.node = str(data.get("node"))
        if event.name == "snapshot":
            records = data.get("peers")
            if not isinstance(records, list):
                raise AuroraProtocolError("watch: a snapshot without peers")
            return self._picture.page(records, data.get("more") is False)
        if event.name in ("up", "update"):
            return self._picture.put(data.get("peer"))
        if event.name == "down":
            return self._picture.down(_id_of(data), str(data.get("reason")))
        if event.name == "home":
            return self._picture.home_has(data.get("home"), data.get("epoch"), data.get("status"))
        if event.name == "resumed":
            self.resumes += 1
        elif event.name == "dropped":
            log.warning("watch: %s dropped us: %s", self.url, data.get("reason"))
        return []  # others are of a later version
