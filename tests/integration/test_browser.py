# SPDX-License-Identifier: Apache-2.0
"""The pages of real nodes in a real browser: Debian's Chromium, driven by playwright-core.

The scenarios themselves are in tests/browser/scenarios.mjs; here are the nodes, and their deaths.
"""

import json
import os
import pathlib
import select
import shutil
import subprocess
import time

import pytest

import harness

SOURCES = pathlib.Path(__file__).resolve().parent.parent / "browser"
MODULES = harness.BUILD / "browser"
START_TIMEOUT_S = 60
SCENARIO_TIMEOUT_S = 90
# A dead node is to be found dead soon, and not by a slow machine's hiccup.
QUICK = ["--probe-interval", "0.3", "--suspicion-min", "1"]


def modules():
    """playwright-core as package-lock.json pins it, in the build directory."""
    MODULES.mkdir(parents=True, exist_ok=True)
    lock = SOURCES / "package-lock.json"
    done = MODULES / "installed.json"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, MODULES)
        command = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=MODULES, check=True, timeout=300)
        shutil.copy(lock, done)
    return MODULES


def test_what_needs_no_browser():
    command = ["node", "--test", str(SOURCES / "parts.test.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Browser:
    """The driver's process; one Chromium for all scenarios."""

    def __init__(self):
        chromium = shutil.which("chromium")
        assert chromium, "chromium is missing: make packages"
        self.process = subprocess.Popen(
            ["node", str(SOURCES / "driver.mjs"), str(modules()), chromium],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "NODE_OPTIONS": ""},
        )
        self.pending = b""
        assert "ready" in self.hear(time.monotonic() + START_TIMEOUT_S)

    def say(self, value):
        self.process.stdin.write(json.dumps(value).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, until):
        """The next line; a driver that ended, or says nothing in time, has failed."""
        pipe = self.process.stdout.fileno()
        while b"\n" not in self.pending:
            left = max(0, until - time.monotonic())
            assert select.select([pipe], [], [], left)[0], "the browser is silent"
            part = os.read(pipe, 65536)
            assert part, "the browser has gone"
            self.pending += part
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def run(self, scenario, cluster):
        nodes = {node.name: node.url("") for node in cluster.running()}
        until = time.monotonic() + SCENARIO_TIMEOUT_S
        self.say({"scenario": scenario, "nodes": nodes})
        while True:
            heard = self.hear(until)
            if "ask" not in heard:
                break
            assert heard["ask"] == "kill", heard
            next(node for node in cluster.nodes if node.name == heard["node"]).kill()
            self.say({"done": True})
        assert heard.get("passed"), heard.get("failed")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def browser():
    made = Browser()
    yield made
    made.close()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A cluster for the scenarios in which no node dies."""
    made = harness.Cluster(tmp_path_factory.mktemp("calm"), QUICK)
    made.start(3)
    yield made
    made.close()


@pytest.mark.parametrize(
    "scenario",
    [
        "pages_on_two_nodes_see_each_other_come_and_go",
        "a_peer_that_stops_its_heartbeats_says_so",
        "a_browser_may_sign_for_itself",
        "filters_show_some_and_leave_out_the_others",
        "a_wrong_endpoint_is_named_and_can_be_corrected",
        "a_wrong_field_is_named_and_nothing_is_sent",
        "what_peers_say_is_text_and_nothing_else",
        "everything_can_be_done_from_the_keyboard",
        "both_pages_fit_a_phone",
        "who_wants_no_movement_gets_none",
    ],
)
def test_calm(browser, calm, scenario):
    browser.run(scenario, calm)


@pytest.mark.parametrize(
    "scenario",
    [
        "a_page_survives_the_death_of_its_node",
        "the_status_page_shows_the_cluster_live",
        "when_all_nodes_are_gone_the_page_says_so",
    ],
)
def test_with_deaths(browser, cluster, scenario):
    cluster.options = QUICK
    cluster.start(3)
    browser.run(scenario, cluster)
