"""Histories that end before a series does, and the points that follow them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series import SeriesCollection
from tsmaml.series.differences import mean_differences
from tsmaml.series.words import counted

if TYPE_CHECKING:
    import pandas as pd


class Window(NamedTuple):
    """One cutoff of every series.

    Attributes:
        past: the series up to the cutoff; nothing after it is in there.
        truth: ``[series, h]``, what follows; NaN where masked.
        drop: points of each series that come after the cutoff.
    """

    past: SeriesCollection
    truth: np.ndarray
    drop: int


def rolling_windows(
    collection: SeriesCollection, h: int, n_windows: int, step_size: int
) -> list[Window]:
    """Windows whose cutoffs lie ``h``, ``h + step_size``, ... points before the end of each series.

    A series is in those windows in which it has a value before the cutoff and one to be judged by.

    Returns:
        the windows in order of time; those that no series reaches back to are left out.

    Raises:
        DataError: if no series is long enough for any.
    """
    found = []
    for number in reversed(range(n_windows)):
        full = collection.head_of_each(number * step_size)
        ends = full.lengths
        kept = (full.observed_between(ends * 0, ends - h) > 0) & (
            full.observed_between(ends - h, ends) > 0
        )
        full = full.select(np.flatnonzero(kept))
        if len(full):
            truth = full.values[full.offsets[1:, np.newaxis] - h + np.arange(h)]
            found.append(Window(full.head_of_each(h), truth, number * step_size + h))
    if not found:
        raise DataError(
            f"no series has more than {counted(h, 'point')}, which are to be forecast.",
            source=collection.source,
            hint="Ask for a shorter horizon.",
        )
    return found


def rows_of(window: Window, columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """``unique_id, ds, cutoff, y`` and a column for each forecast ``[series, h]``."""
    import pandas as pd

    past, (_, h) = window.past, window.truth.shape
    cutoffs = past.frequency.shift(past.starts, past.lengths - 1)
    return pd.DataFrame(
        {
            "unique_id": np.repeat(past.ids, h),
            "ds": past.in_zone(past.future_times(h).ravel()),
            "cutoff": past.in_zone(np.repeat(cutoffs, h)),
            "y": window.truth.ravel(),
            **{name: np.asarray(values).ravel() for name, values in columns.items()},
        }
    )


def seasonal_errors(past: SeriesCollection, season_length: int) -> np.ndarray:
    """Mean absolute seasonal difference of each history, ``[series]``: the denominator of MASE.

    NaN for a history that has none, or that never differs from what it was a season before.
    """
    found = mean_differences(past.values, past.offsets, season_length)
    return np.where(found > 0, found, np.nan)
