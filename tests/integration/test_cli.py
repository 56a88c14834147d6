# SPDX-License-Identifier: Apache-2.0
"""The aurora command line against real nodes."""

import json
import subprocess

from harness import AURORA, wait_until


def aurora(node, *words, status=0):
    result = subprocess.run(
        [str(AURORA), "--node", f"http://{node.http}", *words],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == status, (result.returncode, result.stdout, result.stderr)
    return result


def started(cluster):
    node = cluster.add("n0")
    wait_until(lambda: node.status()["converged"], 10, "converged")
    return node


def test_register_find_renew_and_end_a_lease(cluster):
    node = started(cluster)
    made = json.loads(
        aurora(
            node,
            "--json",
            "register",
            "printer-1",
            "--archetype",
            "printer",
            "--port",
            "9100",
            "--metadata",
            '{"paper": "A4"}',
            "--ttl",
            "60",
        ).stdout
    )
    token = made["lease_token"]
    listed = json.loads(aurora(node, "--json", "peers", "--archetype", "printer").stdout)
    assert [peer["peer_id"] for peer in listed["peers"]] == ["printer-1"]
    assert json.loads(aurora(node, "--json", "peers", "--archetype", "no").stdout)["count"] == 0
    assert json.loads(aurora(node, "--json", "peers", "--meta", "paper=A4").stdout)["count"] == 1
    assert "printer-1" in aurora(node, "peers").stdout
    aurora(node, "heartbeat", "printer-1", "--token", token)
    refused = aurora(node, "deregister", "printer-1", "--token", "wrong", status=3)
    assert "token" in refused.stderr
    aurora(node, "deregister", "printer-1", "--token", token)
    aurora(node, "heartbeat", "printer-1", "--token", token, status=4)
    assert "printer-1" in aurora(node, "why", "printer-1", "--json").stdout


def test_members_status_and_why_of_a_node(cluster):
    nodes = cluster.start(3)
    members = aurora(nodes[0], "members").stdout
    assert members.splitlines()[0].startswith("NAME") and members.count("alive") == 3
    status = json.loads(aurora(nodes[0], "status", "--json").stdout)
    assert status["converged"] is True and status["name"] == "n0"
    assert "converged" in aurora(nodes[0], "status").stdout
    nodes[2].kill()
    wait_until(lambda: nodes[0].members()["n2"] == "dead", 15, "n2 is dead")
    why = aurora(nodes[0], "why", "n2").stdout
    assert "accused" in why or "accuses" in why, why


def test_join_and_leave_over_the_control_socket(cluster):
    first = cluster.add("n0")
    second = cluster.add("n1", seeds=[])
    wait_until(lambda: second.status()["converged"], 10, "alone")
    aurora(second, "join", "--data", str(second.data), first.gossip)
    wait_until(lambda: first.sees_alive(["n0", "n1"]), 10, "joined")
    aurora(second, "leave", "--data", str(second.data))
    wait_until(lambda: first.members()["n1"] == "left", 5, "left")
    assert second.process.wait(5) == 0


def test_exit_statuses_say_what_was_wrong(cluster):
    node = started(cluster)
    aurora(node, "frobnicate", status=1)
    aurora(node, "register", status=1)
    aurora(node, "register", "x", "--port", "many", status=1)
    aurora(node, "members", "extra", status=1)
    aurora(node, "heartbeat", "nobody", "--token", "t", status=4)
    aurora(node, "why", "nobody", status=4)
    assert "peer_id" in aurora(node, "register", "x" * 200, status=3).stderr
    node.stop()
    gone = aurora(node, "members", status=2)
    assert "--node" in gone.stderr


def test_help_teaches_and_keys_are_fresh():
    text = subprocess.run(
        [str(AURORA), "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in [
        "members",
        "peers",
        "register",
        "heartbeat",
        "deregister",
        "status",
        "why",
        "key",
        "join",
        "leave",
    ]:
        assert command in text
        help_text = subprocess.run(
            [str(AURORA), "help", command], capture_output=True, text=True, check=True
        ).stdout
        assert f"usage: aurora {command}" in help_text
    keys = {
        subprocess.run(
            [str(AURORA), "key", "new"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(3)
    }
    assert len(keys) == 3 and all(len(key) == 64 for key in keys)
