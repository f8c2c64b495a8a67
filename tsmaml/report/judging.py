"""How a forecaster does on given series, from origins at which the truth is known."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tsmaml.evaluation import Scores, mean_of, score, seasonal_naive
from tsmaml.forecaster.fitting import Fit, Held, histories, points_after
from tsmaml.forecaster.frames import bounds, compared_frame
from tsmaml.plots import Fan, evenly, fans_of
from tsmaml.series import SeriesCollection

if TYPE_CHECKING:
    import pandas as pd

    from tsmaml.forecaster import MetaForecaster
    from tsmaml.forecaster.pipeline import Forecasts, Pipeline

LEVELS = (50.0, 80.0, 90.0)
_MOST_SERIES = 500
_FEWEST_LENGTHS, _MOST_LENGTHS = 2, 7


@dataclass
class Judged:
    """Forecasts of series held against what came.

    Attributes:
        scores: of the seasonal naive, the zero-step and the adapted forecast.
        coverage: share of the truth inside each level; empty where the model has no intervals.
        few_shot: MASE by name of the forecast: ``(points of history, means)``; empty where no series
            is long enough.
        few_shot_series: series that these are means of.
        cases: the best, the median and the worst series by MASE of the adapted forecast: what it
            is, its MASE, its forecasts from the last origin.
        explained: what adaptation did at the last origin, as ``MetaForecaster.explain_``.
    """

    scores: Scores
    coverage: dict[float, float]
    few_shot: dict[str, tuple[np.ndarray, np.ndarray]]
    few_shot_series: int
    cases: list[tuple[str, float, Fan]]
    explained: pd.DataFrame = field(repr=False)


def judge(forecaster: MetaForecaster, collection: SeriesCollection) -> Judged | None:
    """Forecast up to 500 series from the last three horizons; None where all are too short."""
    from tsmaml.forecaster.frames import explain_frame

    pipeline, fit = forecaster._fitted
    h, season_length = pipeline.choices.h, pipeline.choices.season_length
    held = list(histories(evenly(collection, _MOST_SERIES), h, pipeline.choices.input_size))
    if not held:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one forecast; here are many
        made = [forecaster._forecast(past) for _, past in held]
        scored = [
            score(points_after(full, past, h), _named(pipeline, past, one), past, season_length)
            for (full, past), one in zip(held, made, strict=True)
        ]
        scores = mean_of(scored)
        last = held[0]
        few_shot, count = _few_shot(forecaster, last)
        return Judged(
            scores,
            _coverage(pipeline, fit, held, made) if fit.calibration else {},
            few_shot,
            count,
            _cases(pipeline, fit, last, made[0], scored[0]),
            explain_frame(last.past, made[0]),
        )


def known_series(fit: Fit, collection: SeriesCollection) -> int:
    """How many series meta-training has seen, by the hashes of their ids."""
    seen = set(fit.fingerprints)
    return sum(one in seen for one in collection.fingerprints())


def _named(pipeline: Pipeline, past: SeriesCollection, made: Forecasts) -> dict[str, np.ndarray]:
    """Point forecasts by name: ``[series, h]``."""
    choices = pipeline.choices
    return {
        "seasonal naive": seasonal_naive(past, choices.season_length, choices.h),
        "zero-step": pipeline.in_units(made.zero_step[..., pipeline.middle]),
        "adapted": pipeline.in_units(made.used[..., pipeline.middle]),
    }


def _coverage(
    pipeline: Pipeline, fit: Fit, held: list[Held], made: list[Forecasts]
) -> dict[float, float]:
    inside: dict[float, list[np.ndarray]] = {level: [] for level in LEVELS}
    for (full, past), one in zip(held, made, strict=True):
        truth = pipeline.transform.forward(points_after(full, past, pipeline.choices.h))
        known = np.isfinite(truth)
        for level, (lower, upper) in bounds(pipeline, one, fit.calibration, LEVELS).items():
            inside[level].append(((truth >= lower) & (truth <= upper))[known])
    return {level: float(np.concatenate(parts).mean()) for level, parts in inside.items()}


def _few_shot(
    forecaster: MetaForecaster, last: Held
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], int]:
    """MASE with histories cut to their last points; its scale is that of the whole history."""
    pipeline, _ = forecaster._fitted
    h, season_length = pipeline.choices.h, pipeline.choices.season_length
    longest = int(np.median(last.past.lengths))
    lengths = _lengths(season_length if season_length > 1 else h, longest)
    long_enough = np.flatnonzero(last.past.lengths >= lengths[-1])
    if len(lengths) < _FEWEST_LENGTHS:
        return {}, 0
    past, full = (part.select(long_enough) for part in (last.past, last.full))
    truth = points_after(full, past, h)
    means: dict[str, list[float]] = {}
    for length in lengths:
        cut = past.tail_of_each(length)
        named = _named(pipeline, cut, forecaster._forecast(cut, adapt_to="series"))
        for name, value in score(truth, named, past, season_length).mean["mase"].items():
            means.setdefault(name, []).append(value)
    return {name: (np.array(lengths), np.array(values)) for name, values in means.items()}, len(
        past
    )


def _lengths(first: int, longest: int) -> list[int]:
    """One point, a season, two, four, ... and all."""
    found = [1, *(first * 2**power for power in range(_MOST_LENGTHS - 2))]
    return sorted({length for length in found if length < longest} | {longest})


def _cases(
    pipeline: Pipeline, fit: Fit, last: Held, made: Forecasts, scored: Scores
) -> list[tuple[str, float, Fan]]:
    of_mase = scored.per_series.query("metric == 'mase'").dropna(subset="adapted")
    ordered = of_mase.sort_values("adapted", kind="stable")
    if not len(ordered):
        return []
    places: Mapping[str, int] = {"Best": 0, "Median": len(ordered) // 2, "Worst": len(ordered) - 1}
    levels = [80.0] if fit.calibration else []
    frame = compared_frame(
        pipeline, last.past, made, fit.calibration, pipeline.choices.h, levels
    ).rename(columns=lambda name: name.replace("TSMAML", "adapted"))
    cases = []
    for what, place in places.items():
        row = ordered.iloc[place]
        alone = last.full.select([last.full.index_of(row["unique_id"])])
        cases.append((what, float(row["adapted"]), fans_of(alone, frame)[0]))
    return cases
