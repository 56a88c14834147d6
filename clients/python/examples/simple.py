#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Registers, and looks who else is there every second, until Ctrl-C.

Usage: simple.py [URL[,URL...]]
"""

import sys
import time

from aurora_p2p_client import AuroraP2PClient


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4780"
    client = AuroraP2PClient(url, archetypes=["pepino", "ethics"], port=9000)
    client.start_heartbeat(interval=1)
    print(f"registered {client.peer_id}", flush=True)
    try:
        while True:
            names = " ".join(peer.peer_id for peer in client.discover())
            print(f"peers: {names or 'none'}", flush=True)
            time.sleep(1)
    except KeyboardInterrupt:
        client.stop()
        print("stopped")


if __name__ == "__main__":
    main()
