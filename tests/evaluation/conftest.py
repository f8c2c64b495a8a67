"""Collections from plain lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import pytest

from tsmaml.series import SeriesCollection


@pytest.fixture(scope="session")
def collect() -> Callable[[Mapping[str, Sequence[float]]], SeriesCollection]:
    """Make a collection with integer times from ``{id: values}``."""

    def make(series: Mapping[str, Sequence[float]]) -> SeriesCollection:
        rows = [(name, time, y) for name, values in series.items() for time, y in enumerate(values)]
        return SeriesCollection.from_frame(pd.DataFrame(rows, columns=["unique_id", "ds", "y"]))

    return make
