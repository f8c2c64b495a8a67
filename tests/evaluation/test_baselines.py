"""The seasonal naive and the other baselines of the core."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml.evaluation import seasonal_naive
from tsmaml.evaluation.baselines import (
    build_mean,
    build_naive,
    build_seasonal_mean,
    build_seasonal_naive,
)
from tsmaml.series import SeriesCollection


def test_the_last_season_is_repeated(collect):
    collection = collect({"a": [9, 1, 2, 3], "b": [4, 5, 6]})
    np.testing.assert_array_equal(
        seasonal_naive(collection, 3, 7), [[1, 2, 3, 1, 2, 3, 1], [4, 5, 6, 4, 5, 6, 4]]
    )


def test_a_horizon_below_a_season_takes_its_beginning(collect):
    np.testing.assert_array_equal(seasonal_naive(collect({"a": [1, 2, 3, 4]}), 4, 2), [[1, 2]])


def test_season_one_repeats_the_last_value(collect):
    np.testing.assert_array_equal(seasonal_naive(collect({"a": [1, 2]}), 1, 3), [[2, 2, 2]])


@pytest.mark.parametrize("values", [[7], [3, 7], [5, 3, 7]])
def test_a_series_shorter_than_a_season_repeats_its_last_value(collect, values):
    collection = collect({"long": [1, 2, 3, 4], "short": values})
    np.testing.assert_array_equal(
        seasonal_naive(collection, 4, 5), [[1, 2, 3, 4, 1], [7, 7, 7, 7, 7]]
    )


def test_result_is_float64_and_the_callers_own(collect):
    collection = collect({"a": [1, 2, 3]})
    forecast = seasonal_naive(collection, 2, 2)
    assert forecast.dtype == np.float64
    forecast[:] = 0
    np.testing.assert_array_equal(collection.values, [1, 2, 3])


def test_no_series_no_forecasts(collect):
    assert seasonal_naive(collect({"a": [1, 2]}).select([]), 2, 3).shape == (0, 3)


def test_means_of_all_and_of_each_step_of_the_season(collect):
    collection = collect({"a": [1, 10, 3, 20, 5], "b": [4]})
    mean = build_mean(2)(collection, 3, [])
    assert mean.point.tolist() == [[7.8] * 3, [4] * 3]
    seasonal = build_seasonal_mean(2)(collection, 3, [])
    assert seasonal.point.tolist() == [[15, 3, 15], [4, 4, 4]]


def test_a_mean_leaves_out_masked_steps():
    rows = pd.DataFrame({"unique_id": "a", "ds": range(4), "y": [1.0, None, 3.0, 8.0]})
    collection = SeriesCollection.from_frame(rows)
    assert build_mean(1)(collection, 1, [80.0]).point.tolist() == [[4.0]]
    assert build_seasonal_mean(2)(collection, 2, []).point.tolist() == [[2.0, 8.0]]


def test_intervals_of_naive_forecasts_grow_and_cover_what_they_say(collect):
    rng = np.random.default_rng(1)
    walks = rng.normal(size=(400, 43)).cumsum(axis=1)
    collection = collect({f"s{i}": walk[:-3] for i, walk in enumerate(walks)})
    point, bounds = build_naive(7)(collection, 3, [80.0, 95.0])
    np.testing.assert_array_equal(point[:, 2], walks[:, -4])
    for level, (lower, upper) in bounds.items():
        inside = (lower <= walks[:, -3:]) & (walks[:, -3:] <= upper)
        assert inside.mean() == pytest.approx(level / 100, abs=0.03)
    assert (np.diff(bounds[80.0][1] - bounds[80.0][0]) > 0).all()
    seasonal = build_seasonal_naive(3)(collection, 3, [80.0]).bounds[80.0]
    np.testing.assert_allclose((seasonal[1] - seasonal[0])[:, 0], (seasonal[1] - seasonal[0])[:, 2])


def test_what_never_changes_has_intervals_of_no_width(collect):
    point, bounds = build_seasonal_naive(7)(collect({"one": [3], "flat": [2, 2]}), 2, [90.0])
    np.testing.assert_array_equal(bounds[90.0][0], point)
    np.testing.assert_array_equal(bounds[90.0][1], point)
