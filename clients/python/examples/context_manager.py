#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything is stopped, and the registration ended, when the `with` block is left.

Usage: context_manager.py [URL[,URL...]]
"""

import sys
import time

from aurora_p2p import AuroraError, AuroraP2PClient


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4780"
    try:
        with AuroraP2PClient(
            url, archetypes=["pepino"], port=9020, deregister_on_stop=True
        ) as client:
            client.start_heartbeat(interval=1)
            print(f"registered {client.peer_id}", flush=True)
            while True:
                health = client.health_check()
                print(f"{health['status']}, {len(client.discover())} others", flush=True)
                time.sleep(1)
    except KeyboardInterrupt:
        print("stopped")
    except AuroraError as error:
        sys.exit(f"context_manager: {error}")


if __name__ == "__main__":
    main()
