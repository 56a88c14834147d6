#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three peers in one program; the first greets the others again and again, until Ctrl-C.

Usage: network.py [URL[,URL...]]
"""

import sys
import time
from typing import Any, Dict, List

from aurora_p2p_client import AuroraP2PClient


def start_peer(url: str, number: int) -> AuroraP2PClient:
    client = AuroraP2PClient(url, archetypes=["pepino", f"node-{number}"], port=0)

    def show(data: bytes, caller: Dict[str, Any]) -> None:
        print(f"peer {number} hears: {data.decode()}", flush=True)

    client.on("on_data_received", show)
    client.start_listener()
    client.start_heartbeat(interval=1)
    return client


def greet(client: AuroraP2PClient, text: str) -> int:
    """Sends a text to all other peers that take connections. Returns how many got it."""
    reached = 0
    for peer in client.discover(archetype="pepino"):
        sock = client.connect_to_peer(peer, timeout=5) if peer.port else None
        if sock is not None:
            with sock:
                sock.sendall(text.encode())
                reached += sock.recv(4096) == text.encode()  # it echoes
    return reached


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4780"
    clients: List[AuroraP2PClient] = [start_peer(url, number) for number in range(3)]
    try:
        for turn in range(sys.maxsize):
            found = [len(client.discover(archetype="pepino")) for client in clients]
            reached = greet(clients[0], f"greeting {turn}")
            print(f"turn {turn}: found {found}, reached {reached}", flush=True)
            time.sleep(1)
    except KeyboardInterrupt:
        for client in clients:
            client.stop()
        print("stopped")


if __name__ == "__main__":
    main()
