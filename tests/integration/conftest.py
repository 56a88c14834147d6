# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a cluster in a folder of its own, whose logs are shown when a test fails."""

import pytest

import harness


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
