"""Forecasts that any model has to beat."""

from __future__ import annotations

import numpy as np

from tsmaml.series import SeriesCollection

# A step that is masked in so many seasons running has no usual value.
_MOST_SEASONS_BACK = 10


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
