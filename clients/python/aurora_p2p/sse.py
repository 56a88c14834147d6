# SPDX-License-Identifier: Apache-2.0
"""Server-Sent Events from bytes, with bounds (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

import dataclasses
from typing import List, Optional

from .errors import AuroraProtocolError

# A page of a snapshot is the longest line there is, far below this.
LINE_MAX_BYTES = 4 * 1024 * 1024
EVENT_MAX_BYTES = LINE_MAX_BYTES


@dataclasses.dataclass
class ServerEvent:
    """One event; `id` is None where the event has none of its own. Without data it is none, but
    its id counts."""

    name: str
    data: str
    id: Optional[str] = None


class EventReader:
    """Bytes in, events out. `retry_s` is what the server asked for, in seconds."""

    def __init__(self) -> None:
        self.retry_s: Optional[float] = None
        self.line_count = 0
        self._rest = b""
        self._reset()

    def _reset(self) -> None:
        self._name = "message"
        self._data: List[str] = []
        self._size = 0
        self._id: Optional[str] = None

    def feed(self, data: bytes) -> List[ServerEvent]:
        """The events that these bytes complete. Raises AuroraProtocolError."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LINE_MAX_BYTES:
            raise AuroraProtocolError(f"watch: a line of more than {LINE_MAX_BYTES} bytes")
        found = [self._line(line) for line in lines]
        return [event for event in found if event is not None]

    def _line(self, line: bytes) -> Optional[ServerEvent]:
        self.line_count += 1
        try:
            text = line.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            raise AuroraProtocolError(f"watch: not UTF-8: {error}") from error
        if text == "":
            return self._dispatch()
        field, _, value = text.partition(":")
        self._field(field, value[1:] if value.startswith(" ") else value)
        return None

    def _field(self, field: str, value: str) -> None:
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
            self._size += len(value)
            if self._size > EVENT_MAX_BYTES:
                raise AuroraProtocolError(f"watch: an event of more than {EVENT_MAX_BYTES} bytes")
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            self.retry_s = int(value[:9]) / 1000

    def _dispatch(self) -> Optional[ServerEvent]:
        event = ServerEvent(self._name, "\n".join(self._data), self._id)
        self._reset()
        return event if event.data or event.id is not None else None
