#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Says hello to every peer that comes, and tells when one goes, until Ctrl-C: no polling.

Usage: callbacks.py [URL[,URL...]]
"""

import socket
import sys
import threading
from typing import Any, Dict

from aurora_p2p import AuroraError, AuroraP2PClient, PeerInfo


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4780"
    client = AuroraP2PClient(url, archetypes=["pepino", "observer"], port=0)

    def on_peer_discovered(peer: PeerInfo) -> None:
        print(f"up {peer.peer_id} {' '.join(peer.archetypes)}", flush=True)
        if "pepino" in peer.archetypes and peer.port:
            try:
                with client.connect_to_peer(peer, timeout=2) as sock:
                    sock.sendall(b"hello")
            except AuroraError as error:
                print(f"no connection: {error}", flush=True)

    def on_peer_connected(peer: PeerInfo, sock: socket.socket) -> None:
        print(f"connected {peer.peer_id}", flush=True)

    def on_data_received(data: bytes, caller: Dict[str, Any]) -> None:
        print(f"received {data.decode()} from {caller['peer_id']}", flush=True)

    def on_peer_down(peer: PeerInfo, reason: str) -> None:
        print(f"down {peer.peer_id} {reason}", flush=True)

    client.on("on_peer_discovered", on_peer_discovered)
    client.on("on_peer_connected", on_peer_connected)
    client.on("on_data_received", on_data_received)
    client.on("on_peer_down", on_peer_down)
    client.start_listener()
    client.start_heartbeat(interval=1)
    client.start_watch()
    print(f"registered {client.peer_id}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        client.stop()
        print("stopped")


if __name__ == "__main__":
    main()
