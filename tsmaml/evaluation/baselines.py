"""Forecasts that any model has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from tsmaml.series import SeriesCollection

# A step that is masked in so many seasons running has no usual value.
_MOST_SEASONS_BACK = 10
_NO_BOUNDS: Mapping[float, tuple[np.ndarray, np.ndarray]] = MappingProxyType({})


class BaselineForecast(NamedTuple):
    """What a baseline gives.

    Attributes:
        point: ``[series, h]``, in units of the series.
        bounds: lower and upper bounds ``[series, h]`` by level in percent; empty without intervals.
    """

    point: np.ndarray
    bounds: Mapping[float, tuple[np.ndarray, np.ndarray]] = _NO_BOUNDS


Baseline = Callable[[SeriesCollection, int, Sequence[float]], BaselineForecast]


def seasonal_naive(collection: SeriesCollection, season_length: int, h: int) -> np.ndarray:
    """Repeat the last season of each series; a series shorter than that repeats its last value.

    A masked step of the last season is taken from the same step of an earlier one, or else is the
    last value.

    Args:
        collection: the histories.
        season_length: points in a season; 1 repeats the last value.
        h: points to forecast.

    Returns:
        ``[series, h]`` float64.
    """
    lengths = collection.lengths[:, np.newaxis]
    season = np.where(lengths >= season_length, season_length, 1)
    back = season - np.arange(h) % season
    ends = collection.offsets[1:, np.newaxis]
    forecast = collection.values[ends - back]
    for _ in range(_MOST_SEASONS_BACK if collection.has_gaps else 0):
        back = back + season
        missing = np.isnan(forecast) & (back <= lengths)
        if not missing.any():
            break
        forecast = np.where(missing, collection.values[ends - np.minimum(back, lengths)], forecast)
    return np.where(np.isnan(forecast), collection.last_values[:, np.newaxis], forecast)


def build_seasonal_naive(season_length: int) -> Baseline:
    """The seasonal naive; its error grows with the root of the seasons ahead.

    Intervals of this and the other baselines are normal, with the deviation of the one-step errors in
    the sample (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.5).
    """

    def forecast(collection: SeriesCollection, h: int, levels: Sequence[float]) -> BaselineForecast:
        deviation = _deviation(collection, season_length)
        growth = np.sqrt(1 + np.arange(h) // season_length)
        return _normal(seasonal_naive(collection, season_length, h), deviation, growth, levels)

    return forecast


def build_naive(season_length: int) -> Baseline:
    """The last value; its error grows with the root of the steps ahead. There is no season in it."""
    return build_seasonal_naive(1)


def build_mean(season_length: int) -> Baseline:
    """Mean of the whole history. There is no season in it."""
    return build_seasonal_mean(1)


def build_seasonal_mean(season_length: int) -> Baseline:
    """Mean of all values at the same step of the season; of the whole history where there is none."""

    def forecast(collection: SeriesCollection, h: int, levels: Sequence[float]) -> BaselineForecast:
        point = np.zeros((len(collection), h))
        deviation, count = np.zeros((2, len(collection)))
        for number in range(len(collection)):
            values = _values(collection, number)
            seen = values[np.isfinite(values)]
            if not len(seen):
                continue
            means = _means_by_step(values, season_length)
            ahead = (len(values) + np.arange(h)) % season_length
            point[number] = means[ahead]
            errors = values - means[np.arange(len(values)) % season_length]
            deviation[number] = np.sqrt(np.nanmean(errors**2))
            count[number] = max(1.0, len(seen) / season_length)
        growth = np.sqrt(1 + 1 / np.maximum(count, 1))[:, np.newaxis]
        return _normal(point, deviation, growth, levels)

    return forecast


def _means_by_step(values: np.ndarray, season_length: int) -> np.ndarray:
    """Mean at each step of the season, ``[season_length]``; of all where a step has no value."""
    step = np.arange(len(values)) % season_length
    seen = np.isfinite(values)
    sums = np.bincount(step[seen], values[seen], season_length)
    counts = np.bincount(step[seen], minlength=season_length)
    return np.where(counts > 0, sums / np.maximum(counts, 1), values[seen].mean())


def _values(collection: SeriesCollection, number: int) -> np.ndarray:
    return collection.values[collection.offsets[number] : collection.offsets[number + 1]]


def _deviation(collection: SeriesCollection, lag: int) -> np.ndarray:
    """Root of the mean squared change over a lag, ``[series]``; over one step where it is too long.

    A series that never changed, or has one point, has 0: nothing says how it varies.
    """
    found = np.zeros(len(collection))
    for number in range(len(collection)):
        values = _values(collection, number)
        for apart in (lag, 1):
            changes = values[apart:] - values[:-apart]
            changes = changes[np.isfinite(changes)]
            if len(changes):
                found[number] = np.sqrt(np.mean(changes**2))
                break
    return found


def _normal(
    point: np.ndarray, deviation: np.ndarray, growth: np.ndarray, levels: Sequence[float]
) -> BaselineForecast:
    """Symmetric bounds ``point -+ quantile * deviation * growth``."""
    width = deviation[:, np.newaxis] * growth
    quantiles = {level: NormalDist().inv_cdf(0.5 + level / 200) for level in levels}
    return BaselineForecast(
        point, {level: (point - z * width, point + z * width) for level, z in quantiles.items()}
    )
