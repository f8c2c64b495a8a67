"""Split-conformal intervals whose scores come from series that the model was not trained on.

Vovk, Gammerman, Shafer (2005); with quantile outputs, conformalised quantile regression (Romano,
Patterson, Candès 2019, eq. 6). Each calibration series gives one score for each step of the horizon,
in units of its window's scale, so that a new series with no history to calibrate on still gets an
interval.
"""

from __future__ import annotations

import numpy as np


def scores(truth: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """How far the truth lies outside ``[lower, upper]`` (negative: inside), sorted for each step.

    With ``lower`` and ``upper`` both the point forecast this is the absolute error.

    Args:
        truth, lower, upper: ``[series, h]``, scaled; NaN in ``truth`` where there is none.

    Returns:
        ``[series, h]``, each column in rising order, NaN last.
    """
    return np.sort(np.maximum(lower - truth, truth - upper), axis=0)


def widths(sorted_scores: np.ndarray, level: float) -> np.ndarray:
    """By how much to widen on both sides so that a share ``level`` of new series is covered.

    The score of rank ``ceil((n + 1) level)`` of n, which guarantees the coverage on exchangeable
    series; the highest score where n is too small for that (see :func:`supported`).

    Args:
        sorted_scores: ``[series, h]`` from :func:`scores`.
        level: between 0 and 1.

    Returns:
        ``[h]``.
    """
    count = np.isfinite(sorted_scores).sum(axis=0)
    # Guarded against rounding: 0.8 * 5 must be 4, not 4.000000001.
    rank = np.ceil(np.round((count + 1) * level, 9)).astype(int)
    rank = np.clip(rank, 1, np.maximum(count, 1))
    return np.take_along_axis(sorted_scores, rank[np.newaxis] - 1, axis=0)[0]


def supported(sorted_scores: np.ndarray, level: float) -> bool:
    """Whether there are enough scores to guarantee the level at every step."""
    count = np.isfinite(sorted_scores).sum(axis=0).min(initial=len(sorted_scores))
    return bool(np.round((count + 1) * level, 9) <= count)
