"""Quiet TensorFlow that compiles in no time, and a few short series."""

from __future__ import annotations

import os
import shutil
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tsmaml.cli import main


def pytest_configure(config) -> None:
    """Trials that differ in numbers alone are compiled once."""
    folder = tempfile.mkdtemp(prefix="tsmaml-tune-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    flags = f"--tf_xla_persistent_cache_directory={folder}"
    os.environ["TF_XLA_FLAGS"] = " ".join([os.environ.get("TF_XLA_FLAGS", ""), flags]).strip()


@pytest.fixture(scope="session")
def frame():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=40)
    return pd.concat(
        pd.DataFrame({"unique_id": f"s{i:02}", "ds": days, "y": rng.normal(i, 1, 40).cumsum()})
        for i in range(20)
    )


@pytest.fixture
def run():
    """Call ``tsmaml`` in this process: ``run("tune", path, ...)``."""

    def call(*args: object, code: int = 0):
        result = CliRunner().invoke(main, [str(arg) for arg in args])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return call
