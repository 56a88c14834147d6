#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds the peers that offer something, connects to each, sends it a message, shows the answer.

Usage: client.py [URL[,URL...]]
"""

import json
import sys

from aurora_p2p_client import AuroraP2PClient


def main() -> int:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4780"
    client = AuroraP2PClient(url, archetypes=["pepino", "tensor-consumer"], port=0)
    client.start_heartbeat()
    answers = 0
    for peer in client.discover(archetype="tensor-provider"):
        sock = client.connect_to_peer(peer, timeout=5)
        if sock is None:
            continue
        with sock:
            sock.sendall(json.dumps({"type": "tensor", "values": [0, 1, 1]}).encode())
            print(f"{peer.peer_id} answers {sock.recv(4096).decode()}", flush=True)
            answers += 1
    client.stop()
    print(f"{answers} answers")
    return 0 if answers else 1


if __name__ == "__main__":
    sys.exit(main())
