# SPDX-License-Identifier: Apache-2.0
"""For programs written for the original client, which run with only the URL changed.

There, only register() raised. What else failed was logged, and answered with nothing found; and
programs were written that count on it. New ones import from `aurora_p2p`, where errors are errors.
"""

from __future__ import annotations

import logging
import socket
from typing import Any, Dict, List, Optional

import aurora_p2p
from aurora_p2p import AuroraError, PeerInfo

__all__ = ["AuroraP2PClient", "PeerInfo"]

log = logging.getLogger("aurora.p2p")


class AuroraP2PClient(aurora_p2p.AuroraP2PClient):
    """aurora_p2p.AuroraP2PClient, lenient."""

    def discover(self, *arguments: Any, **more: Any) -> List[PeerInfo]:
        """Nobody, where an error would be raised."""
        try:
            return super().discover(*arguments, **more)
        except AuroraError as error:
            log.error("discover: %s", error)
            return []

    def heartbeat(self) -> bool:
        """Whether it worked."""
        try:
            return super().heartbeat()
        except AuroraError as error:
            log.warning("heartbeat: %s", error)
            return False

    def health_check(self) -> Dict[str, Any]:
        """With an error, `{"status": "unhealthy", "error": ...}`."""
        try:
            return super().health_check()
        except AuroraError as error:
            log.error("health_check: %s", error)
            return {"status": "unhealthy", "error": str(error)}

    def connect_to_peer(  # type: ignore[override]
        self, peer: PeerInfo, timeout: float = 10
    ) -> Optional[socket.socket]:
        """None, where an error would be raised."""
        try:
            return super().connect_to_peer(peer, timeout)
        except AuroraError as error:
            log.error("connect_to_peer: %s", error)
            return None

    def start_listener(self, *arguments: Any, **more: Any) -> None:
        """Does nothing, where an error would be raised."""
        try:
            super().start_listener(*arguments, **more)
        except AuroraError as error:
            log.error("start_listener: %s", error)
