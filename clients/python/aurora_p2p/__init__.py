# SPDX-License-Identifier: Apache-2.0
"""A client of Aurora, the gossiping peer registry.

    from aurora_p2p import AuroraP2PClient

    with AuroraP2PClient("http://127.0.0.1:4780", archetypes=["printer"], port=9100) as client:
        client.start_heartbeat()
        for peer in client.discover("scanner"):
            print(peer.peer_id, peer.address, peer.port)
"""

from .aio import AsyncAuroraP2PClient, AsyncWatch
from .client import AuroraP2PClient
from .errors import (
    AuroraArgumentError,
    AuroraError,
    AuroraIdentityError,
    AuroraLinkError,
    AuroraProtocolError,
    AuroraRefused,
    AuroraStopped,
    AuroraTimeout,
    AuroraTLSError,
    AuroraUnavailable,
)
from .identity import Identity
from .peer import PeerInfo
from .version import __version__
from .watch import PeerEvent, Watch

__all__ = [
    "AsyncAuroraP2PClient",
    "AsyncWatch",
    "AuroraArgumentError",
    "AuroraError",
    "AuroraIdentityError",
    "AuroraLinkError",
    "AuroraP2PClient",
    "AuroraProtocolError",
    "AuroraRefused",
    "AuroraStopped",
    "AuroraTLSError",
    "AuroraTimeout",
    "AuroraUnavailable",
    "Identity",
    "PeerEvent",
    "PeerInfo",
    "Watch",
    "__version__",
]
