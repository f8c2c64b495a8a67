"""Tasks of a new collection: the whole history as support, the forecast's window as query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tsmaml.engine.batch import TaskBatch
from tsmaml.errors import UsageError
from tsmaml.series import SeriesCollection
from tsmaml.tasks.builders import TaskSet
from tsmaml.tasks.encoding import NOTHING, Encoded
from tsmaml.tasks.scaling import series_errors
from tsmaml.tasks.spec import WindowSpec
from tsmaml.tasks.windows import FlatSeries, flat_series, gather_windows, support_origins


class Rows(NamedTuple):
    """Tasks laid out in rows of equal size: a task with more members than a row holds takes several.

    Attributes:
        task: ``[rows]``, which task a row adapts to.
        members: ``[rows, width]``, series whose forecast the row makes; -1 where there is none.
    """

    task: np.ndarray
    members: np.ndarray


class AdaptationBatch(NamedTuple):
    """Some rows, ready to adapt to and forecast.

    Attributes:
        rows: numbers of the rows in the batch. Padding rows at the end are left out here: they repeat
            the support of others, and have no query.
        tasks: the task batch; all batches of a collection have one shape.
        location, scale: ``[tasks, width, 1]`` float64 of the query windows.
    """

    rows: np.ndarray
    tasks: TaskBatch
    location: tf.Tensor
    scale: tf.Tensor


def rows_of(task_set: TaskSet, width: int) -> Rows:
    """Lay tasks out in rows of up to ``width`` members."""
    sizes = np.diff(task_set.offsets)
    per_task = -(-sizes // width)
    task = np.repeat(np.arange(len(task_set)), per_task)
    number = np.arange(len(task)) - np.repeat(np.cumsum(per_task) - per_task, per_task)
    column = number[:, np.newaxis] * width + np.arange(width)
    there = column < sizes[task][:, np.newaxis]
    where = np.where(there, task_set.offsets[:-1][task][:, np.newaxis] + column, 0)
    return Rows(task, np.where(there, task_set.members[where], -1))


def adaptation_batches(
    collection: SeriesCollection,
    task_set: TaskSet,
    spec: WindowSpec,
    *,
    n_rows: int = 256,
    cut_back: int = 0,
    dtype: str = "float32",
    encoded: Encoded = NOTHING,
    errors: np.ndarray | None = None,
) -> tuple[Rows, Iterator[AdaptationBatch]]:
    """Batches of equal shape that together hold every series once as query.

    The history of a task ends ``cut_back`` points before the last point of its latest series: 0
    for a forecast, whose target is not known; ``h`` to judge adaptation on points that it has not
    seen. A short series that is a task by itself keeps at least half of its points; a member of a
    group that begins after the cut has no history, and no weight.

    Args:
        collection: the series.
        task_set: which series form each task; each series in one of them.
        spec: sizes; ``n_query`` is the width of a row.
        n_rows: rows of a batch at most; a small collection takes 1, 16 or 64, padded, so that
            collections of many sizes share few shapes, and compilations.
        cut_back: points held back at the end.
        dtype: of the results, the model's.
        encoded: exogenous columns that the model takes.
        errors: ``[series]``, seasonal errors that losses of query windows are told; None: those of the
            histories.

    Raises:
        UsageError: if a series is in no task, or in several.
    """
    _check_each_once(task_set, collection)
    rows = rows_of(task_set, spec.n_query)
    width = min(n_rows, _rounded_up(len(rows.task)))
    ends = collection.positions + collection.lengths
    latest = np.maximum.reduceat(ends[task_set.members], task_set.offsets[:-1])
    tasks = _TaskTensors(
        tf.constant(task_set.members, tf.int64),
        tf.constant(task_set.offsets[:-1], tf.int64),
        tf.constant(np.diff(task_set.offsets), tf.int64),
        tf.constant(latest - cut_back, tf.int64),
    )
    series = flat_series(collection.values, collection.offsets, collection.positions, encoded)
    if errors is None and not cut_back:  # there are no targets to judge
        errors = np.full(len(collection), np.nan)
    elif errors is None:
        seen = np.maximum(collection.lengths - cut_back, (collection.lengths + 1) // 2)
        errors = series_errors(collection.values, collection.offsets, spec.season_length, seen)
    known = tf.constant(errors, tf.float64)

    def batches() -> Iterator[AdaptationBatch]:
        for start in range(0, len(rows.task), width):
            numbers = np.arange(start, min(start + width, len(rows.task)))
            padded = np.resize(numbers, width)
            members = rows.members[padded]
            # A repeated task would count twice where the batch is scored.
            members[len(numbers) :] = -1
            batch = _build(
                series,
                known,
                tasks,
                tf.constant(rows.task[padded], tf.int64),
                tf.constant(members, tf.int64),
                astuple(spec),
                dtype,
                encoded.widths,
            )
            yield AdaptationBatch(numbers, *batch)

    return rows, batches()


def _rounded_up(count: int) -> int:
    """1, or the next of 16, 64, 256, ..."""
    size = 1 if count == 1 else 16
    while size < count:
        size *= 4
    return size


def _check_each_once(task_set: TaskSet, collection: SeriesCollection) -> None:
    counts = np.bincount(task_set.members, minlength=len(collection))
    for index in np.flatnonzero(counts != 1)[:1]:
        raise UsageError(
            f"The series {collection.ids[index]!r} is in {counts[index]} tasks; to be forecast, a "
            "series belongs to one."
        )


class _TaskTensors(NamedTuple):
    """Members of all tasks; first member, size and the calendar's moment of the cut of each."""

    members: tf.Tensor
    firsts: tf.Tensor
    counts: tf.Tensor
    moments: tf.Tensor


# One function a process, so that no call traces a shape again. TensorFlow recognises the sizes by
# value in a tuple, but a WindowSpec only by identity.
@tf.function(autograph=False, reduce_retracing=True)
def _build(
    series: FlatSeries,
    errors: tf.Tensor,
    tasks: _TaskTensors,
    task: tf.Tensor,
    queried: tf.Tensor,
    sizes: tuple[Any, ...],
    dtype: str,
    widths: tuple[int, ...],
) -> tuple[TaskBatch, tf.Tensor, tf.Tensor]:
    """Support and query windows of rows.

    Args:
        series, errors, tasks: the collection, its seasonal errors, and its tasks.
        task: ``[rows]`` int64, which task a row adapts to.
        queried: ``[rows, width]`` int64, series that it forecasts; -1: none.
        sizes: the fields of a :class:`WindowSpec`.
        dtype: of the results.
        widths: of the exogenous inputs; part of the signature, so that each has its own trace.
    """
    del widths
    spec = WindowSpec(*sizes)
    first, count, moment = (
        tf.gather(x, task)[:, tf.newaxis] for x in (tasks.firsts, tasks.counts, tasks.moments)
    )

    def history_end(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        begin, end = (tf.gather(series.offsets, index + one) for one in (0, 1))
        length = end - begin
        cut = moment - tf.gather(series.positions, index)
        # In a group nobody's history may reach past the moment: it is the others' future.
        least = tf.where(count == 1, (length + 1) // 2, tf.zeros_like(length))
        return tf.clip_by_value(cut, least, length), length

    slot = tf.range(spec.n_support, dtype=tf.int64)[tf.newaxis]
    index = tf.gather(tasks.members, first + slot % count)
    cut, _ = history_end(index)
    begin = tf.zeros_like(cut)
    origins, valid = support_origins(begin, cut, slot // count, spec)
    support = gather_windows(series, index, origins, begin, cut, valid, spec, dtype)

    there = queried >= 0
    index = tf.maximum(queried, 0)
    cut, length = history_end(index)
    begin = tf.zeros_like(cut)
    there &= cut > 0
    known = tf.gather(errors, index)
    query = gather_windows(series, index, cut, begin, length, there, spec, dtype, known)
    return TaskBatch(*support[:3], *query[:3]), query.location, query.scale
