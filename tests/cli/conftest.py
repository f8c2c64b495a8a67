"""Files and a model on which the commands are run."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tsmaml.cli import main

FLIGHTS = Path(__file__).parents[2] / "datasets" / "nyc_flights_daily.parquet"
SMALL = [
    *("--horizon", "7", "--input-size", "14", "--model", "mlp", "--model-opt", "width=8"),
    *("--steps", "20", "--meta-batch", "8", "--support", "3"),
]


@pytest.fixture
def run():
    """Call ``tsmaml`` in this process: ``run("fit", path, ...)``."""

    def call(*args: object, code: int = 0):
        result = CliRunner().invoke(main, [str(arg) for arg in args])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Options of ``tsmaml fit`` that make it quick."""
    return SMALL


@pytest.fixture(scope="session")
def flights(tmp_path_factory) -> Path:
    """A few routes of the bundled data, a file of their own."""
    import pandas as pd

    frame = pd.read_parquet(FLIGHTS)
    routes = frame["unique_id"].unique()[:30]
    path = tmp_path_factory.mktemp("data") / "flights.parquet"
    frame[frame["unique_id"].isin(routes)].to_parquet(path, index=False)
    return path


@pytest.fixture(scope="session")
def fitted(flights, tmp_path_factory):
    """A small model made by ``tsmaml fit``, and what the command printed."""
    model = tmp_path_factory.mktemp("model") / "flights.tsmaml"
    result = CliRunner().invoke(main, ["fit", str(flights), "-o", str(model), *SMALL])
    assert result.exit_code == 0, result.output
    return model, result
