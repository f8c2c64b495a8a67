"""Masked steps have no part in scores, nor in the seasonal naive."""

from __future__ import annotations

import numpy as np
import pytest

from tsmaml.evaluation import score, seasonal_naive
from tsmaml.series import SeriesCollection
from tsmaml.series.calendar import Frequency

NAN = np.nan


def collection(*series: list[float]) -> SeriesCollection:
    return SeriesCollection(
        np.array([f"s{number}" for number in range(len(series))], object),
        np.concatenate([np.array(values, float) for values in series]),
        np.cumsum([0, *map(len, series)]),
        np.zeros(len(series), np.int64),
        Frequency(None),
    )


def test_scores_are_means_over_what_is_observed():
    history = collection([1, 2, NAN, 4, 6], [5, 5, NAN, 5, 5], [1, 2, 3, 4, 5])
    truth = np.array([[7, NAN], [5, 6], [NAN, NAN]])
    found = score(truth, {"m": np.array([[8.0, 100], [5, 7], [1, 1]])}, history, 1)
    # Steps of the first history: 1 and 2; the second never changes, the third is not scored.
    assert found.mean["mase"]["m"] == pytest.approx(1 / 1.5)
    assert found.mean["smape"]["m"] == pytest.approx(np.mean([200 / 15, 200 / 13 / 2]))
    assert found.n_series == 2


def test_the_seasonal_naive_looks_further_back_where_a_step_is_masked():
    series = collection(
        [1, 2, 3, 4, NAN, 6],  # 3 stands a season before the masked step
        [1, NAN, 3, NAN, 5, NAN],  # no step of that season has a value: the last one
        [NAN, NAN, 7, NAN, NAN, NAN],
        [NAN, 8],
    )
    found = seasonal_naive(series, 2, 3)
    assert found.tolist() == [[3, 6, 3], [5, 5, 5], [7, 7, 7], [8, 8, 8]]
