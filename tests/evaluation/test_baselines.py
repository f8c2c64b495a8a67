"""The seasonal naive forecast."""

from __future__ import annotations

import numpy as np
import pytest

from tsmaml.evaluation import seasonal_naive


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
