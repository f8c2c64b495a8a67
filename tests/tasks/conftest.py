"""Collections from plain lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tsmaml.series import SeriesCollection
from tsmaml.series.calendar import Frequency

Values = Sequence[Sequence[float]]


@pytest.fixture(scope="session")
def collect() -> Callable[..., SeriesCollection]:
    """Make a collection with integer times from values and starts (0 unless given)."""

    def make(series: Values, starts: Sequence[int] | None = None) -> SeriesCollection:
        return SeriesCollection(
            np.array([f"s{number}" for number in range(len(series))], object),
            np.concatenate([np.asarray(values, float) for values in series]),
            np.cumsum([0, *map(len, series)]),
            np.array(starts or [0] * len(series), np.int64),
            Frequency(None),
        )

    return make
