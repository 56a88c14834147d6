# SPDX-License-Identifier: Apache-2.0
"""Callbacks by the name of an event. One that raises is logged, and harms nobody."""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, Dict, List

from .errors import AuroraArgumentError

log = logging.getLogger("aurora.p2p")

EVENTS = (
    "on_peer_discovered",
    "on_peer_connected",
    "on_peer_disconnected",
    "on_data_received",
    "on_peer_up",
    "on_peer_update",
    "on_peer_down",
)


class Callbacks:
    """Who wants to be called for which event, from whatever thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listed: Dict[str, List[Callable[..., Any]]] = {event: [] for event in EVENTS}

    def add(self, event: str, callback: Callable[..., Any]) -> None:
        """`peer_up` is as good as `on_peer_up`. Raises AuroraArgumentError (a ValueError)."""
        name = event if event.startswith("on_") else f"on_{event}"
        if name not in self._listed:
            raise AuroraArgumentError(f"event: unknown: {event!r}; there are {', '.join(EVENTS)}")
        if not callable(callback):
            raise AuroraArgumentError(f"callback: {callback!r} cannot be called")
        with self._lock:
            self._listed[name].append(callback)

    def fire(self, event: str, *arguments: Any) -> None:
        """Calls them in the order in which they were added."""
        with self._lock:
            wanted = list(self._listed[event])
        for callback in wanted:
            try:
                callback(*arguments)
            except Exception:
                log.exception("a callback for %s raised", event)
