from __future__ import annotations

import numpy as np
import pytest

from tsmaml.series import Frequency, SeriesCollection
from tsmaml.series.seasons import estimate_season_length


def collection_of(*series: np.ndarray) -> SeriesCollection:
    offsets = np.concatenate([[0], np.cumsum([len(values) for values in series])])
    ids = np.array([str(i) for i in range(len(series))], dtype=object)
    starts = np.zeros(len(series), np.int64)
    return SeriesCollection(ids, np.concatenate(series), offsets, starts, Frequency(None, 1))


def seasonal(period: int, n: int, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    shape = generator.normal(size=period)
    return np.tile(shape, n // period + 1)[:n] + noise * generator.normal(size=n)


@pytest.mark.parametrize("period", [2, 4, 7, 12, 24, 52])
def test_the_period_is_found_under_noise_and_trend(period):
    n = 8 * period + 20
    trend = np.linspace(0, 20, n)
    series = [seasonal(period, n, seed=seed) + trend for seed in range(5)]
    assert estimate_season_length(collection_of(*series)) == period


def test_of_a_day_in_a_week_the_day_is_taken():
    hours = np.arange(24 * 7 * 6)
    values = np.sin(2 * np.pi * hours / 24) + 0.2 * np.sin(2 * np.pi * hours / 168)
    assert estimate_season_length(collection_of(values)) == 24


@pytest.mark.parametrize("level", [1e-12, 1.0, 1e9])
def test_scale_and_level_change_nothing(level):
    series = [level * (100 + seasonal(7, 100, seed=seed)) for seed in range(3)]
    assert estimate_season_length(collection_of(*series)) == 7


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(100),
        np.full(100, 3.3),
        0.1 * np.arange(100),
        1e9 + 0.7 * np.arange(300),
        np.random.default_rng(0).normal(size=500),
        np.random.default_rng(0).normal(size=500).cumsum(),
    ],
    ids=["zero", "constant", "trend", "high trend", "noise", "random walk"],
)
def test_without_a_period_it_is_one(values):
    assert estimate_season_length(collection_of(values)) == 1


def test_values_at_the_end_of_the_range_do_not_overflow():
    values = np.tile([1e308, -1e308, 0.0, 0.0], 20)
    assert estimate_season_length(collection_of(values)) == 4


def test_short_series_have_no_season():
    assert estimate_season_length(collection_of(seasonal(3, 11, 0))) == 1
    assert estimate_season_length(collection_of(np.ones(1))) == 1


def test_short_series_are_left_out_among_long_ones():
    series = [np.array([1e9, -1e9])] * 10 + [seasonal(7, 100)]
    assert estimate_season_length(collection_of(*series)) == 7
