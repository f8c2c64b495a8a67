"""Adaptation to a new collection as a whole: one set of parameters for all of its series.

Tuned on the windows of all histories, then shrunk back towards the initialisation: half-way is often
better than either end, and the shorter the histories, the less of the way is good (docs/benchmarks.md).
How much is told by points that were held back from a first tuning; what is used comes from a second one
that sees everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tsmaml.engine.functional import Parameters
from tsmaml.engine.shrinkage import between
from tsmaml.errors import UsageError
from tsmaml.forecaster.forecasting import (
    Forecasts,
    both_forecasts,
    held_back_errors,
    judged_forecasts,
    places,
)
from tsmaml.forecaster.pipeline import Pipeline
from tsmaml.forecaster.prepared import Prepared
from tsmaml.series import SeriesCollection
from tsmaml.series.defaults import Choices
from tsmaml.tasks.drawing import WindowSampler

# What can be adapted to; None, or nothing said, lets the evidence decide.
LEVELS = ("series", "collection", "both", "none")
# A collection of fewer new series says little about them all.
_FEWEST = 20
# Of the way from the initialisation to the tuned parameters.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_RATE = 7e-4
_WINDOWS = 256
# Fewer points held back judge nothing.
_FEWEST_POINTS = 2
# Losses below this, in units of a window's scale, are as good as none.
_FLOOR = 1e-3


class Reach(NamedTuple):
    """How far a collection may be adapted to.

    Attributes:
        steps: of tuning.
        most: the largest share of the way.
        least: the gain on points held back that is asked for, in standard errors.
    """

    steps: int
    most: float
    least: float


# By what was tuned and judged, and what is forecast in the end: whole inputs both times, masked ones
# both times, or masked ones first and whole ones then, on which the initialisation is better already.
# Whole histories gain as a rule, and more by their last horizon than the points held back can show;
# of short ones, steps that the points held back do not reach can lose what those gain.
_WHOLE, _MASKED, _FILLED = Reach(300, 1.0, -2.0), Reach(100, 0.5, 2.0), Reach(100, 0.25, 2.0)


class Tuned(NamedTuple):
    """The outcome of an adaptation to a collection.

    Attributes:
        parameters: the model's, shrunk; those of the initialisation where the share is 0.
        past: the same, of the tuning that did not see the points held back.
        share: of the way that is gone.
        losses: ``[shares]``, mean loss of the series on the points held back, at each of
            :data:`SHARES`.
        cut_back: how many points were held back.
    """

    parameters: Parameters
    past: Parameters
    share: float
    losses: np.ndarray
    cut_back: int


def level_of(adapt_to: str | None, collection: SeriesCollection, seen: set[str]) -> str:
    """What to adapt to: as was said, else both levels for a collection that is large and new.

    Args:
        adapt_to: a name of :data:`LEVELS` or None.
        collection: the series.
        seen: fingerprints of the series that were meta-trained on.

    Raises:
        UsageError: for any other name.
    """
    if adapt_to is None:
        n_new = sum(name not in seen for name in collection.fingerprints())
        return "both" if n_new >= max(_FEWEST, len(collection) / 2) else "series"
    if adapt_to not in LEVELS:
        raise UsageError(f"adapt_to is {adapt_to!r}; wanted is one of {', '.join(LEVELS)}.")
    return adapt_to


def forecast_at(pipeline: Pipeline, collection: SeriesCollection, level: str) -> Forecasts:
    """Adapt to a level of :data:`LEVELS`, each only as far as it helps, and forecast."""
    ready, steps = pipeline.prepared(collection), inner_steps_of(level)
    made = judged_forecasts(pipeline, ready, steps)
    if level in ("collection", "both"):
        tuned = tune_to(pipeline, ready)
        if tuned.share:
            return _forecast_tuned(pipeline, ready, made, tuned, steps)
    return unadapted(made) if steps == 0 else made


def inner_steps_of(level: str) -> int | None:
    """None where series, or tasks, are adapted to one by one: as in meta-training; else 0."""
    return None if level in ("series", "both") else 0


def unadapted(made: Forecasts) -> Forecasts:
    """The zero-step forecasts, which nothing was adapted for."""
    return made._replace(
        adapted_error=np.full_like(made.adapted_error, np.nan),
        helps=np.zeros_like(made.helps),
        steps=np.zeros_like(made.steps),
        level=np.full_like(made.level, "none"),
    )


def _forecast_tuned(
    pipeline: Pipeline, ready: Prepared, made: Forecasts, tuned: Tuned, steps: int | None
) -> Forecasts:
    again = both_forecasts(at(pipeline, tuned.parameters), ready, steps)
    of_collection, of_both = held_back_errors(
        at(pipeline, tuned.past), ready, steps, tuned.cut_back
    )
    zero_step_error = made.zero_step_error
    if tuned.cut_back != pipeline.choices.h:
        zero_step_error, _ = held_back_errors(pipeline, ready, 0, tuned.cut_back)
    further = ~(of_both > of_collection) & (steps is None)
    return Forecasts(
        np.where(further[:, np.newaxis, np.newaxis], again.adapted, again.zero_step),
        made.zero_step,
        again.scale,
        zero_step_error,
        np.where(further, of_both, of_collection),
        np.ones_like(made.helps),
        np.where(further, again.steps, 0),
        made.support_windows,
        np.where(further, "both", "collection").astype(object),
    )


def tune_to(pipeline: Pipeline, ready: Prepared) -> Tuned:
    """Adapt to a collection, as far as it helps on points that were held back."""
    start = pipeline.learner.meta.parameters
    cut_back = held_back(ready.collection, pipeline.choices)
    if cut_back < _FEWEST_POINTS:
        return Tuned(start, start, 0.0, np.full(len(SHARES), np.nan), cut_back)
    of_past = plainly_tuned(pipeline, ready, cut_back=cut_back)
    path = [between(start, of_past, share) for share in SHARES]
    losses = held_back_losses(pipeline, ready, path, cut_back)
    place = best_share(losses, reach_of(ready.collection, pipeline.choices))
    share = SHARES[place]
    whole = between(start, plainly_tuned(pipeline, ready), share) if share else start
    judged = losses[:, ~np.isnan(losses).any(axis=0)]
    means = judged.mean(axis=1) if judged.size else np.full(len(SHARES), np.nan)
    return Tuned(whole, path[place], share, means, cut_back)


def held_back(collection: SeriesCollection, choices: Choices) -> int:
    """Points at the end of each history that judge a tuning: a horizon, or a third of short histories.

    A tuning that had much less to learn from than the one it stands for says little about it.
    """
    return min(choices.h, int(np.median(collection.lengths)) // 3)


def reach_of(collection: SeriesCollection, choices: Choices) -> Reach:
    """How far to go, by the length of the histories (docs/benchmarks.md has the evidence)."""
    median = np.median(collection.lengths)
    if median - held_back(collection, choices) >= choices.input_size:
        return _WHOLE
    return _MASKED if median < choices.input_size else _FILLED


def plainly_tuned(
    pipeline: Pipeline, ready: Prepared, steps: int | None = None, cut_back: int = 0
) -> Parameters:
    """Parameters after tuning to a collection, all the way.

    Args:
        steps: so many; None: what :func:`reach_of` says.
        cut_back: points at the end of each history that are not seen.
    """
    learner = pipeline.learner
    histories = ready.histories(cut_back)
    if not len(histories.index):  # no history of two points
        return learner.meta.parameters
    sampler = WindowSampler(pipeline.spec, _WINDOWS, learner.net.dtype)
    steps = reach_of(ready.collection, pipeline.choices).steps if steps is None else steps
    return learner.tune(sampler, histories, steps, rate=_RATE)


def best_share(losses: np.ndarray, reach: Reach) -> int:
    """The share above 0 with the lowest losses, if they are as much lower than at 0 as is asked for.

    Losses are compared as ratios, series by series: a few that are hard to forecast decide nothing.

    Args:
        losses: ``[shares, series]``, NaN where a series has nothing to be judged by.
        reach: the largest share, and the gain that is asked for.

    Returns:
        its place; 0 if none is good enough.
    """
    judged = losses[:, ~np.isnan(losses).any(axis=0)]
    if judged.shape[1] < 2:
        return 0
    judged = judged[np.array(SHARES) <= reach.most]
    gain = -np.log((judged[1:] + _FLOOR) / (judged[0] + _FLOOR))
    best = int(np.argmax(gain.mean(axis=1)))
    error = gain[best].std(ddof=1) / np.sqrt(gain.shape[1])
    return best + 1 if gain[best].mean() > reach.least * error else 0


def held_back_losses(
    pipeline: Pipeline, ready: Prepared, path: Sequence[Parameters], cut_back: int
) -> np.ndarray:
    """Loss of each series on its last ``cut_back`` points, for several sets of parameters.

    Returns:
        ``[parameters, series]``, NaN where nothing could be held back.
    """
    learners = [pipeline.learner.at(parameters) for parameters in path]
    sums = np.zeros((len(path) + 1, len(ready.collection)))
    rows, batches = ready.batches((cut_back,))
    for batch in batches:
        row, column, series = places(rows.members[batch.rows])
        for place, learner in enumerate(learners):
            made = learner.adapt_and_predict(batch.maker, batch.cut, steps=0)
            weights = np.asarray(made.weights, np.float64)
            losses = np.asarray(made.zero_step.losses, np.float64)
            sums[place, series] = (losses * weights).sum(-1)[row, column]
        sums[-1, series] = weights.sum(-1)[row, column]
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[:-1] / sums[-1]


def at(pipeline: Pipeline, parameters: Parameters) -> Pipeline:
    """The pipeline with another initialisation."""
    return replace(pipeline, learner=pipeline.learner.at(parameters))
