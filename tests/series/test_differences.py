"""Mean absolute differences of many series at once."""

from __future__ import annotations

import numpy as np
import pytest

from tsmaml.series.differences import mean_differences


@pytest.mark.parametrize("lag", [1, 2, 40])
def test_differences_are_those_of_each_series_by_itself(lag):
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 9, 30)
    values = rng.normal(size=lengths.sum())
    values[rng.random(len(values)) < 0.2] = np.nan
    offsets = np.append(0, np.cumsum(lengths))
    found = mean_differences(values, offsets, lag)
    for begin, end, mean in zip(offsets[:-1], offsets[1:], found, strict=True):
        pairs = np.abs(values[begin + lag : end] - values[begin : max(begin, end - lag)])
        pairs = pairs[np.isfinite(pairs)]
        assert mean == pytest.approx(pairs.mean()) if len(pairs) else np.isnan(mean)
    assert np.isfinite(found).any() == (lag < 8)
