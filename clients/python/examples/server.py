#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer that others connect to: answers each message, until Ctrl-C. client.py is its counterpart.

Usage: server.py [URL[,URL...] [PORT]]        (port 0: any free one)
"""

import socket
import sys
import time
from typing import Any, Dict

from aurora_p2p_client import AuroraP2PClient


def answer(sock: socket.socket, caller: Dict[str, Any]) -> None:
    """For one connection, in a thread of its own."""
    print(f"call from {caller['peer_id']}", flush=True)
    while True:
        data = sock.recv(4096)
        if not data:
            break
        print(f"received {data.decode()}", flush=True)
        sock.sendall(b"heard: " + data)
    print(f"end of the call from {caller['peer_id']}", flush=True)


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4780"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 9001
    client = AuroraP2PClient(url, archetypes=["pepino", "tensor-provider"], port=port)
    client.start_listener(handler=answer)
    client.start_heartbeat(interval=1)
    print(f"listening as {client.peer_id} on port {client.port}", flush=True)
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        client.stop()
        print("stopped")


if __name__ == "__main__":
    main()
