# SPDX-License-Identifier: Apache-2.0
"""PeerInfo: what the network knows of a peer."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Mapping, Optional

from .errors import AuroraProtocolError


@dataclasses.dataclass
class PeerInfo:
    """A peer, with exactly the six keys that `/discover` answers.

    `last_seen` is UTC in ISO 8601 without a zone: the last time at which the network knew the
    peer to be there. `address` is an IPv4 or IPv6 address or a host name; `port` is 0 for a peer
    that takes no connections.
    """

    peer_id: str
    address: str
    port: int
    archetypes: List[str]
    last_seen: str
    metadata: Optional[Dict[str, Any]] = None

    def __post_init__(self) -> None:
        if self.metadata is None:
            self.metadata = {}

    def to_dict(self) -> Dict[str, Any]:
        """A dictionary of the six keys, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PeerInfo:
        """From a dictionary that has the keys; others are ignored, of which there are many in a
        full record. Raises AuroraProtocolError, naming the key, for a wrong type."""
        return cls(
            peer_id=_text(data, "peer_id"),
            address=_text(data, "address"),
            port=_port(data),
            archetypes=_archetypes(data),
            last_seen=_text(data, "last_seen"),
            metadata=_metadata(data),
        )


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise AuroraProtocolError(f"{key}: a peer has {value!r:.80} instead of a text")
    return value


def _port(data: Mapping[str, Any]) -> int:
    value = data.get("port")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 5:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65535:
        raise AuroraProtocolError(f"port: a peer has {value!r:.80} instead of 0 to 65535")
    return value


def _archetypes(data: Mapping[str, Any]) -> List[str]:
    value = data.get("archetypes") or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise AuroraProtocolError(f"archetypes: a peer has {value!r:.80} instead of a list")
    return list(value)


def _metadata(data: Mapping[str, Any]) -> Dict[str, Any]:
    value = data.get("metadata") or {}
    if not isinstance(value, dict):
        raise AuroraProtocolError(f"metadata: a peer has {value!r:.80} instead of an object")
    return dict(value)
