"""Forecasts that any model has to beat."""

from __future__ import annotations

import numpy as np

from tsmaml.series import SeriesCollection


def seasonal_naive(collection: SeriesCollection, season_length: int, h: int) -> np.ndarray:
    """Repeat the last season of each series; a series shorter than that repeats its last value.

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
    return collection.values[collection.offsets[1:, np.newaxis] - back]
