"""A small collection and forecasters fitted on it, shared by the tests of a session."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


def weekly_frame(n_series: int = 24, length: int = 70, seed: int = 0) -> pd.DataFrame:
    """Daily series with a weekly pattern of their own, of differing lengths."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(n_series):
        n = length - number % 5
        pattern = np.tile(rng.normal(size=7), n // 7 + 1)[:n]
        y = 10 + number + 3 * pattern + 0.3 * rng.normal(size=n)
        ds = pd.date_range("2024-01-01", periods=n, freq="D")
        frames.append(pd.DataFrame({"unique_id": f"s{number:02d}", "ds": ds, "y": y}))
    return pd.concat(frames, ignore_index=True)


SMALL = {
    "h": 7,
    "input_size": 14,
    "model": "mlp",
    "model_options": {"width": 8, "n_layers": 1},
    "steps": 40,
    "meta_batch": 8,
    "n_support": 3,
    "validate_every": 20,
    "holdout": 0.3,
}


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return weekly_frame()


@pytest.fixture(scope="session")
def new_frame() -> pd.DataFrame:
    """Series that were not there before, one of a single point."""
    new = weekly_frame(6, 40, seed=9).assign(unique_id=lambda df: "new-" + df["unique_id"])
    return pd.concat([new, new.head(1).assign(unique_id="point")], ignore_index=True)


@pytest.fixture(scope="session")
def small() -> dict:
    return SMALL


@pytest.fixture(scope="session")
def fitted(frame):
    from tsmaml import MetaForecaster

    return MetaForecaster(**SMALL).fit(frame)
