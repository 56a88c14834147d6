# SPDX-License-Identifier: Apache-2.0
"""The Python client's types hold under mypy, as strict as its pyproject.toml says."""

import subprocess
import sys

from harness import BUILD
from python_stage import CLIENT


def test_the_types_hold():
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(BUILD / "mypy")],
        cwd=CLIENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
