"""Properties of the seasonal naive forecast and of the scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tsmaml.evaluation import score, seasonal_naive
from tsmaml.series import SeriesCollection

# Whole numbers: shifting and doubling them is exact.
whole = st.integers(-500, 500).map(float)

# A call of score takes some 50 ms whatever it scores: few examples, of many series each.
few = settings(max_examples=12)


def collect(series: list[list[float]]) -> SeriesCollection:
    rows = [(f"s{i:02}", t, y) for i, values in enumerate(series) for t, y in enumerate(values)]
    return SeriesCollection.from_frame(pd.DataFrame(rows, columns=["unique_id", "ds", "y"]))


@st.composite
def scored(draw):
    """Histories of at least two points, truth and forecast ``[series, h]``, a season length."""
    histories = draw(st.lists(st.lists(whole, min_size=2, max_size=9), min_size=3, max_size=8))
    shape = (len(histories), draw(st.integers(1, 4)))
    truth, forecast = (draw(arrays(float, shape, elements=whole)) for _ in range(2))
    return histories, truth, forecast, draw(st.integers(1, 5))


def table(histories, truth, forecast, season_length) -> np.ndarray:
    """Rows of per-series scores: MASE of every series, then sMAPE of every series."""
    found = score(truth, {"model": forecast}, collect(histories), season_length)
    return found.per_series["model"].to_numpy(float)


@given(
    st.lists(st.lists(whole, min_size=2, max_size=15), min_size=1, max_size=5),
    st.integers(1, 8),
    st.integers(1, 12),
)
def test_seasonal_naive_equals_a_plain_loop(histories, season_length, h):
    expected = []
    for values in histories:
        season = values[-season_length:] if len(values) >= season_length else values[-1:]
        expected.append([season[step % len(season)] for step in range(h)])
    np.testing.assert_array_equal(seasonal_naive(collect(histories), season_length, h), expected)


@few
@given(scored())
def test_scores_lie_in_their_ranges_and_mase_is_missing_only_without_seasonal_change(made):
    histories, _, _, season_length = made
    n, found = len(histories), table(*made)
    still = [
        all(a == b for a, b in zip(values, values[season_length:], strict=False))
        for values in histories
    ]
    np.testing.assert_array_equal(np.isnan(found[:n]), still)
    assert (found[:n][np.isfinite(found[:n])] >= 0).all()
    assert ((found[n:] >= 0) & (found[n:] <= 200)).all()


@few
@given(scored())
def test_a_perfect_forecast_scores_zero(made):
    histories, truth, _, season_length = made
    found = table(histories, truth, truth, season_length)
    assert (found[np.isfinite(found)] == 0).all()
    assert np.isfinite(found[len(histories) :]).all()


@few
@given(scored(), whole, st.sampled_from([0.5, 2.0, 64.0]))
def test_mase_ignores_level_and_unit_and_smape_ignores_unit(made, shift, scale):
    histories, truth, forecast, season_length = made
    n, found = len(histories), table(*made)
    moved = [[value * scale + shift for value in values] for values in histories]
    other = table(moved, truth * scale + shift, forecast * scale + shift, season_length)
    assert other[:n] == pytest.approx(found[:n], nan_ok=True)
    scaled = table(moved, truth * scale, forecast * scale, season_length)
    assert scaled[n:] == pytest.approx(found[n:])
