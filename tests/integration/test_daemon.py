# SPDX-License-Identifier: Apache-2.0
"""The daemon itself: options, signals, files, keys. One or two nodes are enough."""

import json
import os
import pathlib
import signal
import stat
import subprocess
import time

import pytest
import requests
from harness import NODE, wait_until


def run(*options):
    """A node that is expected to end by itself; (status, output)."""
    ended = subprocess.run(
        [str(NODE), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=10,
        check=False,
        text=True,
    )
    return ended.returncode, ended.stdout


@pytest.mark.parametrize(
    "options, words",
    [
        (["--seeds", "a"], ["--seeds", "did you mean seed?"]),
        (["--ttl", "5"], ["--ttl", "10 to 86400"]),
        (["--bind", "0.0.0.0"], ["--bind", "--advertise"]),
        (["--config", "/nonexistent"], ["--config", "/nonexistent"]),
        (["--log-level", "loud"], ["--log-level", "debug, info, warning or error"]),
    ],
)
def test_wrong_options_are_named_with_what_would_be_right(options, words):
    status, output = run(*options)
    assert status == 2
    for word in words:
        assert word in output


def test_help_and_version_are_answered():
    status, output = run("--help")
    assert status == 0
    assert "--seed" in output and "aurora-node --name" in output
    status, output = run("--version")
    assert status == 0
    assert output.startswith("aurora-node ")


def test_a_port_in_use_and_a_directory_in_use_are_named(cluster, tmp_path):
    node = cluster.add("n0")
    status, output = run("--bind", node.gossip, "--http", "127.0.0.1:0")
    assert status == 1
    assert f"--bind {node.gossip}" in output
    status, output = run("--bind", "127.0.0.1:0", "--http", node.http)
    assert status == 1
    assert f"--http {node.http}" in output
    status, output = run("--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", str(node.data))
    assert status == 1
    assert "in use by another node" in output and str(node.process.pid) in output


def test_json_log_lines_and_ports_file_say_the_chosen_ports(cluster):
    node = cluster.add("n0", ["--log-format", "json"])
    wait_until(lambda: '"event":"ready"' in node.log(), 5, "ready is logged")
    lines = [json.loads(line) for line in node.log().splitlines()]
    ready = next(line for line in lines if line["event"] == "ready")
    assert ready["gossip"] == node.gossip and ready["http"] == node.http
    assert not node.http.endswith(":0")
    assert stat.S_IMODE((node.data / "identity").stat().st_mode) == 0o600
    assert stat.S_IMODE((node.data / "control.sock").stat().st_mode) == 0o600


def test_sigterm_leaves_within_two_seconds_and_tidies_up(cluster):
    nodes = cluster.start(2)
    started = time.monotonic()
    assert nodes[1].stop() == 0
    assert time.monotonic() - started < 2
    assert not (nodes[1].data / "ports.json").exists()
    assert not (nodes[1].data / "control.sock").exists()
    wait_until(lambda: nodes[0].members().get("n1") == "left", 2, "n1 is known to have left")


def test_a_second_signal_stops_at_once(cluster):
    node = cluster.start(2)[0]
    node.process.send_signal(signal.SIGINT)
    wait_until(lambda: "leaving: " in node.log(), 2, "the first one leaves")
    started = time.monotonic()
    node.process.send_signal(signal.SIGINT)
    assert node.process.wait(2) == 0
    assert time.monotonic() - started < 0.5
    assert "stopping at once" in node.log()


def test_sighup_reads_seeds_and_log_level_again(cluster, tmp_path):
    first = cluster.add("n0")
    config = tmp_path / "node.conf"
    config.write_text("log-level = info\n")
    second = cluster.add("n1", ["--config", str(config)], seeds=[])
    assert second.members() == {"n1": "alive"}
    config.write_text(f"log-level = debug\nseed = {first.gossip}\n")
    second.process.send_signal(signal.SIGHUP)
    wait_until(lambda: second.sees_alive(["n0", "n1"]), 15, "the new seed is asked")
    assert first.register("p").status_code == 200
    wait_until(lambda: "peer.up" in second.log(), 5, "debug lines")
    config.write_text("ttl = never\n")
    second.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reload.failed" in second.log(), 5, "the mistake is named")
    assert f"{config}:1: ttl" in second.log()
    assert second.sees_alive(["n0", "n1"])


def test_keys_are_rotated_without_a_stop(cluster, tmp_path):
    old, new = "11" * 32, "22" * 32
    keys = tmp_path / "keys"
    keys.write_text(old + "\n")
    nodes = [cluster.add(name, ["--key-file", str(keys)]) for name in ("n0", "n1")]
    wait_until(lambda: all(n.sees_alive(["n0", "n1"]) for n in nodes), 10, "two with the old key")
    for number, content in enumerate([[old, new], [new, old], [new]], 1):
        keys.write_text("\n".join(content) + "\n")
        for node in nodes:
            node.process.send_signal(signal.SIGHUP)
            wait_until(lambda n=node: n.log().count("reloaded: ") == number, 5, "read again")
    late = cluster.add("n2", ["--key-file", str(keys)], seeds=[nodes[0]])
    wait_until(lambda: late.sees_alive(["n0", "n1", "n2"]), 10, "a node with the new key only")
    assert nodes[0].sees_alive(["n0", "n1", "n2"])
    assert sum(node.metric("aurora_deaths_declared_total") for node in nodes) == 0


def test_two_nodes_with_one_name_both_say_so_and_run_on(cluster, tmp_path):
    first = cluster.add("same")
    (tmp_path / "other").mkdir()
    cluster.folder = tmp_path / "other"
    second = cluster.add("same", seeds=[first])
    for node in (first, second):
        wait_until(lambda n=node: "conflict.name" in n.log(), 10, "the conflict is logged")
        assert node.is_running()


def test_a_copied_identity_ends_with_a_status_of_its_own(cluster, tmp_path):
    first = cluster.add("n0")
    other = cluster.add("n1")
    wait_until(lambda: first.sees_alive(["n0", "n1"]), 10, "two")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "identity").write_bytes((other.data / "identity").read_bytes())
    status, output = run(
        *["--name", "copy", "--data", str(copy), "--seed", first.gossip],
        *["--bind", "127.0.0.1:0", "--http", "127.0.0.1:0"],
    )
    assert status == 3
    assert "conflict.key_in_use" in output and other.gossip in output
    assert other.is_running()


def test_a_torn_snapshot_is_set_aside_and_the_node_starts(cluster):
    node = cluster.add("n0")
    assert node.register("first").status_code == 200
    node.wait_saved("first")
    node.kill()
    snapshot = node.data / "snapshot"
    snapshot.write_bytes(snapshot.read_bytes() + b"\x01torn")
    node.start()
    wait_until(lambda: "store.snapshot_damaged" in node.log(), 5, "the damage is named")
    assert (node.data / "snapshot.damaged").exists()
    wait_until(lambda: "first" in node.peers(), 10, "what stood before the damage is used")
    assert node.heartbeat("first").status_code == 200


def test_without_data_a_node_runs_and_says_that_nothing_is_kept(tmp_path):
    log = tmp_path / "log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [str(NODE), "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-format", "json"],
            stderr=output,
            cwd=tmp_path,
        )
    try:
        wait_until(lambda: '"event":"ready"' in log.read_text(), 10, "it is up")
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert "data.none" in [line["event"] for line in lines]
        http = next(line for line in lines if line["event"] == "ready")["http"]
        assert requests.get(f"http://{http}/health", timeout=5).json() == {"status": "healthy"}
    finally:
        process.terminate()
        assert process.wait(5) == 0
    assert [path.name for path in pathlib.Path(tmp_path).iterdir()] == ["log"]


def test_a_log_that_nobody_reads_stops_nothing(tmp_path):
    """Standard error is a full pipe: the node answers on."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 65536)
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    data = tmp_path / "data"
    process = subprocess.Popen(
        [str(NODE), "--name", "n", "--data", str(data), "--log-level", "debug"]
        + ["--bind", "127.0.0.1:0", "--http", "127.0.0.1:0"],
        stderr=writer,
    )
    try:
        ports = data / "ports.json"
        wait_until(lambda: ports.exists() and json.loads(ports.read_text()), 10, "it is up")
        url = "http://" + json.loads(ports.read_text())["http"]
        wait_until(lambda: requests.get(url + "/v1/status", timeout=5).ok, 10, "it answers")
        for i in range(50):
            body = {"peer_id": f"p{i}", "address": "10.0.0.1", "port": 1}
            assert requests.post(url + "/register", json=body, timeout=5).status_code == 200
    finally:
        process.terminate()
        assert process.wait(10) == 0
        os.close(reader)
        os.close(writer)
