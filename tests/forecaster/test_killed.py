"""A run that is killed, at any moment, and resumed ends as one that ran through."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "data" / "killed_runs.py"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
def test_killed_runs_go_on_to_the_same_bits(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    killed = ["between checkpoints", "in a checkpoint", "after a validation"]
    assert [found["signals"][name] for name in killed] == [signal.SIGKILL] * 3
    assert found["same"]
