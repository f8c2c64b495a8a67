"""Mean absolute differences at a lag of many series at once: what errors are told in."""

from __future__ import annotations

import numpy as np


def mean_differences(values: np.ndarray, offsets: np.ndarray, lag: int) -> np.ndarray:
    """Mean absolute difference at a lag of each series, of the pairs that are there: ``[series]``.

    At the season's lag it is the denominator of MASE (Hyndman and Koehler 2006).

    Args:
        values: of all series one after another, NaN where masked.
        offsets: where each begins, and where the last ends.
        lag: steps between the two values of a pair, at least 1.

    Returns:
        NaN for a series without a pair.
    """
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    changes = np.abs(values[lag:] - values[:-lag])
    there = (owner[lag:] == owner[:-lag]) & np.isfinite(changes)
    return means(changes[there], owner[lag:][there], len(offsets) - 1)


def means(values: np.ndarray, owner: np.ndarray, n_series: int) -> np.ndarray:
    """Mean of the values of each series; NaN where it has none: ``[series]``."""
    sums = np.bincount(owner, values, n_series)
    counts = np.bincount(owner, minlength=n_series)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
