"""The example plugin, installed: its three parts by name, saved, and used in a new process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def tsmaml():
    """Call ``tsmaml`` in a new process, with or without plugins."""
    assert metadata.version("tsmaml-example"), "install plugins/tsmaml-example first, as nox does"

    def call(*args: object, plugins: bool = True, code: int = 0):
        env = {**os.environ} if plugins else {**os.environ, "TSMAML_PLUGINS": ""}
        result = subprocess.run(
            [sys.executable, "-m", "tsmaml", *map(str, args)],
            capture_output=True,
            text=True,
            env=env,
        )
        assert result.returncode == code, result.stderr
        return result

    return call


def test_parts_of_a_plugin_fit_save_load_and_forecast(tsmaml, flights, small, tmp_path):
    parts = json.loads(tsmaml("plugins", "--json").stdout)["parts"]
    provided = {part["name"] for part in parts if part["plugin"] == "tsmaml-example"}
    assert provided == {"gated", "asymmetric", "by_origin"}

    model, out = tmp_path / "m.tsmaml", tmp_path / "f.parquet"
    options = small[:4] + small[8:]  # without --model mlp and its option
    own = ["--model", "gated", "--loss", "asymmetric", "--tasks", "by_origin"]
    tsmaml("fit", flights, "-o", model, *options, *own, "--model-opt", "width=8")
    tsmaml("forecast", flights, "-m", model, "--level", "80", "-o", out)
    forecast = pd.read_parquet(out)
    assert len(forecast) == 30 * 7
    assert forecast["TSMAML"].notna().all()

    refused = tsmaml("forecast", flights, "-m", model, plugins=False, code=3)
    assert "pip install tsmaml-example==" in refused.stderr
    assert "Traceback" not in refused.stderr
