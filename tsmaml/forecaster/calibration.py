"""Conformal scores of held-out series, by how much of an input window was there to see.

A series of few points is forecast worse, for its scale: its interval comes from held-out series that
were cut as short. Between two lengths that scores were taken at, widths are interpolated.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.forecaster.forecasting import Forecasts, forecast
from tsmaml.forecaster.pipeline import Pipeline
from tsmaml.forecaster.recursion import carried_over
from tsmaml.intervals import scores, supported, widths
from tsmaml.series import SeriesCollection

# Held-out series are forecast from so many origins, one horizon apart: the last weeks of a
# collection may be like no others (a holiday), and say little about the next.
_ORIGINS = 3
# Intervals are to hold all year: they are calibrated from more origins, over the whole history.
_MOST_ORIGINS = 8
# Series that are forecast from one origin at most, and those cut short: enough for a 99 % interval.
_MOST_SERIES = 500
_MOST_SHORT = 200
# Two points are the fewest that say how much a series varies.
_SHORTEST = 2


class Held(NamedTuple):
    """A collection that ends with the points to forecast, and the same without them."""

    full: SeriesCollection
    past: SeriesCollection


def histories(
    collection: SeriesCollection,
    h: int,
    input_size: int,
    cut_backs: Sequence[int] | None = None,
) -> Iterator[Held]:
    """Histories that end one, two, ... horizons before the end of each series.

    All series have the first; a further one those that still hold a whole input window.

    Args:
        collection: the series.
        h: points to forecast.
        input_size: points of an input window.
        cut_backs: points after each forecast, from 0 on; None: three times, a horizon apart.
    """
    for cut_back in [number * h for number in range(_ORIGINS)] if cut_backs is None else cut_backs:
        full = collection.head_of_each(cut_back)
        shortest = h + (input_size if cut_back else 1)
        ends = full.lengths
        # There has to be something to look at and something to be judged by.
        kept = (
            (ends >= shortest)
            & (full.observed_between(ends - h - input_size, ends - h) > 0)
            & (full.observed_between(ends - h, ends) > 0)
        )
        full = full.select(np.flatnonzero(kept))
        if len(full):
            yield Held(full, full.head_of_each(h))


def short_lengths(input_size: int) -> list[int]:
    """Lengths below the input size that scores are taken at: halves of it, down to two points."""
    found = []
    while (input_size := input_size // 2) >= _SHORTEST:
        found.append(input_size)
    return found


def calibrate(pipeline: Pipeline, collections: Sequence[SeriesCollection]) -> dict[str, np.ndarray]:
    """Conformal scores of held-out series, forecast from several origins near their end.

    Returns:
        ``{"point": [scores, h]}``, and one more for each central interval that the model's
        quantiles give, by its level: ``"0.8"``; of histories cut to their last nine points
        ``"point/9"`` and so on. Empty where there are no held-out series.
    """
    found: dict[str, list[np.ndarray]] = {}
    h, input_size = pipeline.choices.h, pipeline.choices.input_size
    for collection in collections:
        some = collection.select(np.arange(min(len(collection), _MOST_SERIES)))
        cut_backs = spread(some, h, input_size)
        for number, (full, past) in enumerate(histories(some, h, input_size, cut_backs)):
            truth = pipeline.transform.forward(points_after(full, past, h))
            lengths = short_lengths(input_size) if number < _ORIGINS else []
            for length in (None, *lengths):
                seen, true = _cut(past, truth, length)
                if not len(seen):
                    continue
                made = forecast(pipeline, seen)
                scale = made.scale[:, np.newaxis]
                for name, (low, high) in intervals_of(pipeline).items():
                    lower, upper = made.used[..., low], made.used[..., high]
                    part = np.stack([true, lower, upper]) / scale
                    found.setdefault(_key(name, length), []).append(part)
    return {name: scores(*np.concatenate(parts, axis=1)) for name, parts in found.items()}


def spread(collection: SeriesCollection, h: int, input_size: int) -> list[int]:
    """Points after each forecast that intervals are calibrated on, from 0 on, a horizon apart or more."""
    room = int(np.median(collection.lengths)) - h - input_size if len(collection) else 0
    n_origins = min(_MOST_ORIGINS, 1 + max(room, 0) // h)
    if n_origins < _ORIGINS:
        return [number * h for number in range(_ORIGINS)]
    return [round(number * room / (n_origins - 1)) for number in range(n_origins)]


def _cut(
    past: SeriesCollection, truth: np.ndarray, length: int | None
) -> tuple[SeriesCollection, np.ndarray]:
    """The histories of at least so many observed points, cut to as many steps; None: all, whole."""
    if length is None:
        return past, truth
    cut = past.tail_of_each(length)
    kept = np.flatnonzero(cut.n_observed == length)[:_MOST_SHORT]
    return cut.select(kept), truth[kept]


def _key(name: str, length: int | None) -> str:
    return name if length is None else f"{name}/{length}"


def intervals_of(pipeline: Pipeline) -> dict[str, tuple[int, int]]:
    """Pairs of outputs that bound a central interval: ``{"point": (m, m), "0.8": (0, 2)}``."""
    levels = pipeline.quantiles
    pairs = {"point": (pipeline.middle, pipeline.middle)}
    for low, quantile in enumerate(levels):
        opposite = [i for i, other in enumerate(levels) if abs(other - (1 - quantile)) < 1e-9]
        if quantile < 0.5 and opposite:
            pairs[f"{1 - 2 * quantile:g}"] = (low, opposite[0])
    return pairs


def points_after(collection: SeriesCollection, history: SeriesCollection, h: int) -> np.ndarray:
    """The ``h`` points of each series that follow its history: ``[series, h]``."""
    index = np.array([collection.index_of(name) for name in history.ids], np.int64)
    first = collection.offsets[index] + history.lengths
    return collection.values[first[:, np.newaxis] + np.arange(h)]


def half_widths(
    calibration: Mapping[str, np.ndarray], name: str, level: float, n_seen: np.ndarray, size: int
) -> np.ndarray:
    """By how much to widen the intervals of series, in units of their scales: ``[series, h]``.

    Args:
        calibration: from :func:`calibrate`.
        name: of the outputs that are widened.
        level: between 0 and 1.
        n_seen: ``[series]``, observed points in the input window.
        size: of an input window.
    """
    by_length = {
        length: calibration[_key(name, length)]
        for length in reversed(short_lengths(size))
        if _key(name, length) in calibration
    }
    by_length[size] = calibration[name]
    known = np.stack([widths(found, level) for found in by_length.values()])
    at, lengths = np.log(np.maximum(n_seen, 1)), np.log(list(by_length))
    return np.stack([np.interp(at, lengths, of_step) for of_step in known.T], axis=1)


def seen_by_round(
    collection: SeriesCollection, input_size: int, h: int, n_rounds: int
) -> list[np.ndarray]:
    """Points that each round of a forecast sees, those fed back among them: ``[series]`` each."""
    ends = collection.lengths
    found = []
    for number in range(n_rounds):
        fed_back = min(number * h, input_size)
        begins = np.maximum(ends - (input_size - fed_back), 0)
        found.append(collection.observed_between(begins, ends) + fed_back)
    return found


def bounds(
    pipeline: Pipeline,
    collection: SeriesCollection,
    made: Forecasts,
    calibration: Mapping[str, np.ndarray],
    levels: Sequence[float],
) -> dict[float, tuple[np.ndarray, np.ndarray]]:
    """Lower and upper bounds ``[series, h]`` by level; wider levels hold the narrower ones.

    They are in units of the transform, like the forecasts: each transform keeps order. Beyond the
    trained horizon the calibration is that of each round, see :mod:`tsmaml.forecaster.recursion`.

    Raises:
        UsageError: if there are no held-out series to calibrate on.
    """
    if levels and not calibration:
        raise UsageError(
            "This model has no intervals: it was fitted without held-out series.",
            hint="Fit with five series or more, and a holdout above 0.",
        )
    point = made.used[..., pipeline.middle]
    lower = upper = point
    trained, h = pipeline.choices.h, point.shape[1]
    n_seen = seen_by_round(collection, pipeline.choices.input_size, trained, -(-h // trained))
    scale = made.scale.reshape(len(point), -1)
    found = {}
    outputs = intervals_of(pipeline)
    for level in levels:
        name = f"{level / 100:g}" if f"{level / 100:g}" in outputs else "point"
        low, high = outputs[name]
        if not supported(calibration[name], level / 100):
            warnings.warn(
                f"{len(calibration[name])} held-out windows are too few for a level of {level:g} %: "
                "the interval reaches as far as the worst of them, and may cover less.",
                stacklevel=4,
            )
        each = [
            half_widths(calibration, name, level / 100, seen, pipeline.choices.input_size)
            for seen in n_seen
        ]
        wider = scale * np.concatenate(each, axis=1)[:, :h]
        lower = np.minimum(lower, made.used[..., low] - wider)
        upper = np.maximum(upper, made.used[..., high] + wider)
        found[level] = (lower, upper)
        if h > trained:
            found[level] = (
                point - carried_over(point - lower, trained),
                point + carried_over(upper - point, trained),
            )
    return found
