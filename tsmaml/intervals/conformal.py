"""Split-conformal intervals whose scores come from series that the model was not trained on.

Vovk, Gammerman, Shafer (2005); with quantile outputs, conformalised quantile regression (Romano,
Patterson, Candès 2019, eq. 6). A calibration window gives one score for each step of the horizon, in
units of its own scale, so that a new series with no history to calibrate on still gets an interval.
The coverage is guaranteed where windows are exchangeable; several windows of one series are so only
roughly, and then the coverage holds roughly.
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
    count = _count(sorted_scores)
    # Guarded against rounding: 0.8 * 5 must be 4, not 4.000000001.
    rank = np.ceil(np.round((count + 1) * level, 9)).astype(int)
    rank = np.clip(rank, 1, np.maximum(count, 1))
    return np.take_along_axis(sorted_scores, rank[np.newaxis] - 1, axis=0)[0]


def supported(sorted_scores: np.ndarray, level: float) -> bool:
    """Whether there are enough scores to guarantee the level at every step."""
    count = _count(sorted_scores).min(initial=len(sorted_scores))
    return bool(np.round((count + 1) * level, 9) <= count)


def _count(sorted_scores: np.ndarray) -> np.ndarray:
    """Scores that there are at each step; an infinite one counts: leaving it out would narrow."""
    return np.sum(~np.isnan(sorted_scores), axis=0)
