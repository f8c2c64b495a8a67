"""Few-shot curves: error against points of history, and against inner steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tsmaml.evaluation.baselines import seasonal_naive
from tsmaml.evaluation.metrics import scored
from tsmaml.evaluation.protocols import Cut, thinned
from tsmaml.evaluation.request import Request
from tsmaml.evaluation.resampling import means_by
from tsmaml.evaluation.windows import rows_of, seasonal_errors

if TYPE_CHECKING:
    import pandas as pd

    from tsmaml.series import SeriesCollection

# Series that curves are drawn from: enough for a narrow interval, few enough to be quick.
MOST_SERIES = 300
METRICS = ("mase", "smape")
SEASONAL_NAIVE = "seasonal_naive"
INNER_STEPS = (0, 1, 2, 3, 5, 10, 20)
Points = Callable[..., dict[str, np.ndarray]]


def history_lengths(season_length: int, longest: int) -> list[int]:
    """One point, powers of two up to three seasons (at least 16 points), and all there is."""
    until = min(max(3 * season_length, 16), longest)
    powers = [2**k for k in range(until.bit_length())]
    # One that lies close below the last would say the same again.
    return sorted({1, *(length for length in powers if 4 * length <= 3 * until), until, longest})


def few_shot_curves(
    cut: Cut, h: int, request: Request, points: Points, report: Callable[[str], None]
) -> pd.DataFrame:
    """Errors of the same forecasts, made from more and more.

    Each series is adapted to by itself, as one that comes alone. MASE is scaled by the whole history at
    every length, so that the points of a curve compare. A series shorter than a length counts with all
    that it has.

    Args:
        cut: model, histories and truth.
        h: points that are forecast.
        request: seeds and draws of the intervals.
        points: gives point forecasts by name, as :func:`tsmaml.evaluation.running.point_forecasts`.
        report: told what comes next.

    Returns:
        ``curve`` (``history`` or ``inner_steps``), ``at`` (points, or steps), ``metric, model, value, lo,
        hi, n_series``. The model is not held to its zero-step forecast in ``inner_steps``.
    """
    import pandas as pd

    window = thinned(cut.window, MOST_SERIES, request.seed)
    season_length = cut.model.choices_.season_length
    scale = seasonal_errors(window.past, season_length)
    found = []

    def add(curve: str, at: int, forecasts: dict[str, np.ndarray]) -> None:
        rows = rows_of(window, forecasts)
        rows["scale"] = np.repeat(scale, h)
        scores = scored(rows, ["unique_id"], list(forecasts), METRICS, ())
        found.append(scores.assign(curve=curve, at=at))

    def naive(past: SeriesCollection) -> dict[str, np.ndarray]:
        return {SEASONAL_NAIVE: seasonal_naive(past, season_length, h)}

    lengths = history_lengths(season_length, int(window.past.lengths.max()))
    for length in lengths:
        report(f"few-shot curve, {length} points of history")
        past = window.past.tail_of_each(length)
        add("history", length, {**points(cut.model, past, h), **naive(past)})
    for steps in INNER_STEPS:
        report(f"few-shot curve, {steps} inner steps")
        made = points(cut.model, window.past, h, inner_steps=steps)
        add("inner_steps", steps, {**made, **naive(window.past)})
    return means_by(
        pd.concat(found, ignore_index=True), ["curve", "at"], request.n_bootstrap, request.seed
    )
