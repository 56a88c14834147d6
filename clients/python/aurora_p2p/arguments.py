# SPDX-License-Identifier: Apache-2.0
"""What callers may give: checked before anything is sent, with errors that name the argument."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import urllib.parse
import uuid
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .errors import AuroraArgumentError
from .identity import TTL_MAX_S, TTL_MIN_S, Identity, default_path, json_text
from .version import __version__

Texts = Union[str, Sequence[str], None]
IdentityLike = Union[None, str, "os.PathLike[str]", Identity]

SOMEWHERE = "192.0.2.1"  # an address for documentation: only the way there is asked for


def seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise AuroraArgumentError(f"{name}: must be a number of seconds above 0, not {value!r}")
    return value


def port_of(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise AuroraArgumentError(f"port: must be a whole number from 0 to 65535, not {value!r}")
    return value


def ttl_of(value: Any) -> Optional[int]:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not (
        TTL_MIN_S <= value <= TTL_MAX_S
    ):
        raise AuroraArgumentError(f"ttl: must be a whole number from {TTL_MIN_S} to {TTL_MAX_S}")
    return value


def archetypes_of(value: Optional[Sequence[str]]) -> List[str]:
    listed = list(value or [])
    if isinstance(value, str) or not all(isinstance(one, str) for one in listed):
        raise AuroraArgumentError(f"archetypes: must be a list of texts, not {value!r}")
    return listed


def metadata_of(value: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    if value is None:
        return {"version": __version__, "client": "aurora-p2p-python"}
    if not isinstance(value, Mapping):
        raise AuroraArgumentError(f"metadata: must be a dictionary, not {value!r:.80}")
    json_text("metadata", dict(value))
    return dict(value)


def identity_of(given: IdentityLike) -> Optional[Identity]:
    if given is None or isinstance(given, Identity):
        return given
    return Identity.from_file(default_path() if given == "file" else given)


def peer_id_of(given: Optional[str], identity: Optional[Identity]) -> str:
    if identity is None:
        return given or str(uuid.uuid4())
    if given is not None and given != identity.peer_id:
        raise AuroraArgumentError(f"peer_id: with an identity it is the key's, {identity.peer_id}")
    return identity.peer_id


def filters(
    archetype: Texts, metadata: Optional[Mapping[str, Any]], exclude: Optional[str]
) -> List[Tuple[str, str]]:
    """As query parameters. A text is compared as it is, anything else by its JSON."""
    wanted = [archetype] if isinstance(archetype, str) else list(archetype or [])
    params = [("archetype", one) for one in wanted if one]
    for key, value in (metadata or {}).items():
        text = value if isinstance(value, str) else json_text("metadata", value)
        params.append((f"meta.{key}", text))
    if exclude is not None:
        params.append(("exclude", exclude))
    return params


def address_towards(urls: Sequence[str]) -> str:
    """The address that this machine has on the way to the nodes, where they are elsewhere; if
    they are all on this machine, on the way out. Nothing is sent: a UDP socket only looks up the
    route."""
    hosts = [urllib.parse.urlsplit(url).hostname or "" for url in urls]
    for host in [*hosts, SOMEWHERE]:
        with contextlib.suppress(OSError, ValueError):
            way = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
            with socket.socket(way[0], way[1], way[2]) as sock:
                sock.connect(way[4])
                found = str(sock.getsockname()[0]).split("%")[0]
            if not ipaddress.ip_address(found).is_loopback:
                return found
    return "127.0.0.1"
