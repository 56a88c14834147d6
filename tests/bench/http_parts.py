# SPDX-License-Identifier: Apache-2.0
"""/discover beside nginx with the same bytes: one core for the server, one for the load."""

import os
import pathlib
import statistics
import subprocess
import sys
import time

import requests

from cluster_parts import progress, row
from harness import Cluster, wait_until

ROUNDS = 5
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
    keepalive_requests 1000000000; open_file_cache max=100 inactive=1h;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {root}; default_type application/json; }}
}}
"""


def pinned(core, command):
    return ["taskset", "-c", str(core), *command]


def load(url, seconds):
    """Requests per second, 64 keep-alive connections, from the second core."""
    output = subprocess.run(
        pinned(1, ["wrk", "-t1", "-c64", f"-d{seconds:g}s", url]),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(output)
    return float(output.split("Requests/sec:")[1].split()[0])


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_nginx(folder, root):
    """Serves files from a memory file system, their descriptors cached."""
    for _ in range(5):
        port = free_port()
        path = folder / "nginx.conf"
        path.write_text(NGINX.format(folder=folder, port=port, root=root))
        process = subprocess.Popen(
            pinned(0, ["nginx", "-p", str(folder), "-c", str(path)]), stderr=subprocess.DEVNULL
        )
        time.sleep(0.3)
        if process.poll() is None:
            return process, port
    raise RuntimeError("nginx does not start")


def reads(folder, seconds):
    seconds = seconds or 3
    if os.cpu_count() < 2:
        sys.exit("bench http: needs two cores, one for the server and one for the load")
    root = pathlib.Path("/dev/shm") / f"aurora-bench-{os.getpid()}"
    root.mkdir()
    cluster = Cluster(folder)
    nginx = None
    rows = []
    try:
        node = cluster.add("n0", prefix=["taskset", "-c", "0"])
        wait_until(lambda: node.status()["converged"], 10, "converged")
        for count in (10, 100, 1000):
            for i in range(count):
                assert (
                    node.register(
                        f"{count}-{i:026d}", [f"of-{count}", "bench"], metadata={"note": "x" * 60}
                    ).status_code
                    == 200
                )
            (root / f"{count}.json").write_bytes(
                node.get(f"/discover?archetype=of-{count}").content
            )
        nginx, port = start_nginx(folder, root)
        wait_until(
            lambda: requests.get(f"http://127.0.0.1:{port}/10.json", timeout=1).ok, 5, "nginx"
        )
        for count in (10, 100, 1000):
            ours, theirs = [], []
            for _ in range(ROUNDS):  # in turns, so that the machine's moods hit both
                ours.append(load(node.url(f"/discover?archetype=of-{count}"), seconds))
                theirs.append(load(f"http://127.0.0.1:{port}/{count}.json", seconds))
            progress(
                f"{count} peers: {statistics.median(ours):.0f}/s, "
                f"nginx {statistics.median(theirs):.0f}/s"
            )
            rows.append(
                row(
                    f"/discover of {count} peers, one core, requests/s",
                    statistics.median(ours),
                    statistics.median(theirs),
                    "nginx, same bytes",
                )
            )
        return rows
    finally:
        cluster.close()
        if nginx is not None:
            nginx.terminate()
            nginx.wait()
        for path in root.iterdir():
            path.unlink()
        root.rmdir()
