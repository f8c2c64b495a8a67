"""Forecasts of every series of a collection, with and without adaptation, and which are worth more."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tsmaml.engine.learner import Both
from tsmaml.forecaster.pipeline import Pipeline
from tsmaml.forecaster.prepared import Prepared
from tsmaml.series import SeriesCollection
from tsmaml.tasks.adaptation import AdaptationBatch, Rows


class Forecasts(NamedTuple):
    """Forecasts of every series of a collection, in units of the transform of the target.

    Attributes:
        adapted, zero_step: ``[series, h, quantiles]`` with and without adaptation.
        scale: ``[series]``, scale of the input window; ``[series, h]`` where forecasts of several
            windows follow one another.
        zero_step_error, adapted_error: ``[series]``, mean loss on the last points of the history,
            which adaptation had not seen; NaN where nothing could be held back.
        helps: ``[series]`` bool: adaptation did not lose there, so it is used.
        steps: ``[series]``, inner steps after which the adapted state was met.
        support_windows: ``[series]``, support windows of its task that held a point.
        level: ``[series]``, what the forecast that is used was adapted to: ``"series"`` (its task),
            ``"collection"``, ``"both"`` or ``"none"``.
    """

    adapted: np.ndarray
    zero_step: np.ndarray
    scale: np.ndarray
    zero_step_error: np.ndarray
    adapted_error: np.ndarray
    helps: np.ndarray
    steps: np.ndarray
    support_windows: np.ndarray
    level: np.ndarray

    @property
    def used(self) -> np.ndarray:
        """The adapted forecast where adaptation helps, else the zero-step forecast."""
        return np.where(self.helps[:, np.newaxis, np.newaxis], self.adapted, self.zero_step)


class Made(NamedTuple):
    """Both forecasts of every series, not yet judged; see :class:`Forecasts`."""

    adapted: np.ndarray
    zero_step: np.ndarray
    scale: np.ndarray
    steps: np.ndarray
    support_windows: np.ndarray


def forecast(pipeline: Pipeline, collection: SeriesCollection) -> Forecasts:
    """Adapt to every task of a collection and forecast every series, ``h`` points ahead."""
    return judged_forecasts(pipeline, pipeline.prepared(collection))


def judged_forecasts(
    pipeline: Pipeline, ready: Prepared, inner_steps: int | None = None
) -> Forecasts:
    """Adapt to every task, to all of it and without its last points, in the same batches.

    Args:
        inner_steps: so many; 0 adapts to nothing; None: as many as in meta-training.
    """
    making, judging = _Making(pipeline, ready), _Judging(ready)
    _adapt(pipeline, ready, (0, pipeline.choices.h), inner_steps, making, judging)
    made, (zero_step_error, adapted_error) = making.made(), judging.errors()
    helps = ~(adapted_error > zero_step_error)
    return Forecasts(
        *made[:3],
        zero_step_error,
        adapted_error,
        helps,
        *made[3:],
        np.where(helps, "series", "none").astype(object),
    )


def forecast_after(pipeline: Pipeline, collection: SeriesCollection, inner_steps: int) -> Forecasts:
    """Forecasts after so many inner steps, not judged on points held back."""
    made = both_forecasts(pipeline, pipeline.prepared(collection), inner_steps)
    unknown, helps = np.full(len(collection), np.nan), np.ones(len(collection), bool)
    level = np.full(len(collection), "series", object)
    return Forecasts(*made[:3], unknown, unknown, helps, *made[3:], level)


def both_forecasts(pipeline: Pipeline, ready: Prepared, inner_steps: int | None = None) -> Made:
    """Forecasts with and without adaptation; arguments as of :func:`judged_forecasts`."""
    making = _Making(pipeline, ready)
    _adapt(pipeline, ready, (0,), inner_steps, making)
    return making.made()


def held_back_errors(
    pipeline: Pipeline,
    ready: Prepared,
    inner_steps: int | None = None,
    cut_back: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Losses without and with adaptation on the last points, which it has not seen: ``[series]``.

    The error is the model's own loss: a loss that wants something else than the median would find
    its adaptations judged wrongly by another. The error of a series is that of its whole task: what
    is judged is one adaptation. NaN where nothing could be held back.

    Args:
        cut_back: so many points; None: ``h``.
    """
    judging = _Judging(ready)
    cut_back = pipeline.choices.h if cut_back is None else cut_back
    _adapt(pipeline, ready, (cut_back,), inner_steps, judging)
    return judging.errors()


class _Collecting(Protocol):
    """What takes its part of each batch."""

    def add(self, rows: Rows, batch: AdaptationBatch, both: Both) -> None:
        """Take what came of a batch of rows."""


def _adapt(
    pipeline: Pipeline,
    ready: Prepared,
    cut_backs: Sequence[int],
    inner_steps: int | None,
    *parts: _Collecting,
) -> None:
    rows, batches = ready.batches(cut_backs)
    for batch in batches:
        both = pipeline.learner.adapt_and_predict(batch.maker, batch.cut, steps=inner_steps)
        for part in parts:
            part.add(rows, batch, both)


class _Making:
    """Forecasts of all series, from rows that hold nothing back."""

    def __init__(self, pipeline: Pipeline, ready: Prepared) -> None:
        n, h, q = len(ready.collection), pipeline.choices.h, len(pipeline.quantiles)
        self._pipeline, self._ready = pipeline, ready
        self._adapted, self._zero_step = np.empty((2, n, h, q))
        self._scale, self._steps, self._windows = np.ones(n), np.zeros(n, int), np.zeros(n, int)

    def add(self, rows: Rows, batch: AdaptationBatch, both: Both) -> None:
        """Take what came of a batch of rows."""
        here = np.flatnonzero(rows.cut_back[batch.rows] == 0)
        row, column, series = places(rows.members[batch.rows[here]])
        location, scale = (np.asarray(part)[here] for part in both.more)
        for target, part in ((self._adapted, both.adapted), (self._zero_step, both.zero_step)):
            outputs = np.asarray(part.outputs)[here]
            found = self._pipeline.loss.predict_quantiles(outputs, location, scale)
            target[series] = found[row, column]
        self._scale[series] = scale[row, column, 0]
        self._steps[series] = np.asarray(both.steps)[here][row]
        self._windows[series] = batch.filled[here][row]

    def made(self) -> Made:
        """The forecasts, once every series was there."""
        pipeline, collection = self._pipeline, self._ready.collection
        adapted, zero_step = (
            pipeline.transform.summed(part, collection) for part in (self._adapted, self._zero_step)
        )
        forecast_unseen(pipeline, self._ready, adapted, zero_step, self._scale)
        return Made(adapted, zero_step, self._scale, self._steps, self._windows)


class _Judging:
    """Losses of all tasks, from rows that hold points back."""

    def __init__(self, ready: Prepared) -> None:
        self._task_set = ready.task_set
        self._sums = np.zeros((3, len(ready.task_set)))

    def add(self, rows: Rows, batch: AdaptationBatch, both: Both) -> None:
        """Take what came of a batch of rows."""
        here = np.flatnonzero(rows.cut_back[batch.rows] > 0)
        task, weights = rows.task[batch.rows[here]], np.asarray(both.weights, np.float64)[here]
        for sums, part in zip(self._sums, (both.zero_step, both.adapted), strict=False):
            losses = np.asarray(part.losses, np.float64)[here]
            np.add.at(sums, task, (losses * weights).sum((1, 2)))
        np.add.at(self._sums[2], task, weights.sum((1, 2)))

    def errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean losses of the task of each series, without and with adaptation: ``[series]``."""
        with np.errstate(invalid="ignore", divide="ignore"):
            of_tasks = self._sums[:2] / self._sums[2]
        members, sizes = self._task_set.members, np.diff(self._task_set.offsets)
        errors = np.empty((2, len(members)))
        errors[:, members] = np.repeat(of_tasks, sizes, axis=1)
        return errors[0], errors[1]


def forecast_unseen(
    pipeline: Pipeline,
    ready: Prepared,
    adapted: np.ndarray,
    zero_step: np.ndarray,
    scale: np.ndarray,
) -> None:
    """Forecast, in place, the last value of series of whose gap the model sees no end.

    Warns of them: a model that sees nothing knows not even the level.
    """
    collection, ends = ready.collection, ready.collection.lengths
    unseen = ready.seen.observed_between(ends - pipeline.choices.input_size, ends) == 0
    if not unseen.any():
        return
    last = pipeline.transform.forward(collection.last_values[unseen])
    adapted[unseen] = zero_step[unseen] = last[:, np.newaxis, np.newaxis]
    scale[unseen] = np.where(last != 0, np.abs(last), 1.0)
    warnings.warn(
        f"{np.count_nonzero(unseen)} series (first {collection.ids[np.argmax(unseen)]!r}) have nothing "
        f"to go by in their last {pipeline.choices.input_size} points, which are all that the model "
        "sees: forecast is their last value.",
        stacklevel=2,
    )


def places(members: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and series of every member that is there."""
    row, column = np.nonzero(members >= 0)
    return row, column, members[row, column]
