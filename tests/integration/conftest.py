# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a cluster in a folder of its own, whose logs are shown when a test fails, and servers
that misbehave; which files may run side by side."""

import pytest

import harness
import python_stage


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    if outcome.get_result().failed:
        item.has_failed = True


@pytest.fixture
def cluster(tmp_path, request):
    made = harness.Cluster(tmp_path)
    yield made
    made.close()
    if getattr(request.node, "has_failed", False):
        for node in made.nodes:
            print(f"--- log of {node.name}\n{node.log()[-6000:]}")


@pytest.fixture
def server():
    """Starts servers that misbehave as they are told to."""
    servers = []

    def start(behave):
        servers.append(python_stage.Server(behave))
        return servers[-1]

    yield start
    for one in servers:
        one.close()


# Chromium drops what it is loading when an interface of the machine comes or goes.
TOUCHES_INTERFACES = ("test_network", "test_browser")


@pytest.hookimpl(tryfirst=True)  # before xdist looks for these marks
def pytest_collection_modifyitems(items):
    """Files run side by side (tests/run), but for those that would disturb one another."""
    for item in items:
        group = "interfaces" if item.path.stem in TOUCHES_INTERFACES else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
