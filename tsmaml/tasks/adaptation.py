"""Tasks of a new collection: the whole history as support, the forecast's window as query.

Windows are cut out by NumPy, batch by batch, and scaled where they are adapted to, in the same compiled
call: for a few series each further call takes longer than its arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tsmaml.engine.batch import TaskBatch
from tsmaml.errors import UsageError
from tsmaml.series import SeriesCollection
from tsmaml.tasks.builders import TaskSet
from tsmaml.tasks.encoding import NOTHING, Encoded
from tsmaml.tasks.spec import WindowSpec
from tsmaml.tasks.windows import (
    FlatSeries,
    Places,
    cut_out,
    exogenous_of,
    scaled_windows,
    support_origins,
)


class Rows(NamedTuple):
    """Tasks laid out in rows of equal size: a task with more members than a row holds takes several.

    Attributes:
        task: ``[rows]``, which task a row adapts to.
        members: ``[rows, width]``, series whose forecast the row makes; -1 where there is none.
        cut_back: ``[rows]``, points held back at the end: 0 for a forecast, whose target is not known.
    """

    task: np.ndarray
    members: np.ndarray
    cut_back: np.ndarray


class CutOut(NamedTuple):
    """Windows of some rows as they are, support windows first.

    Attributes:
        values: ``[input_size + h, rows * windows]`` float64, NaN where there is nothing to be seen.
        beside: exogenous inputs ``[rows * windows, (steps,) n]`` float32.
        errors: ``[rows, windows]`` float64, seasonal errors that losses of query windows are told;
            NaN for support windows, and where there are none.
    """

    values: Any
    beside: dict[str, Any]
    errors: Any


class Units(NamedTuple):
    """``original = scaled * scale + location`` of query windows: ``[rows, width, 1]`` float64 each."""

    location: Any
    scale: Any


@dataclass(frozen=True)
class TaskMaker:
    """``maker(cut) -> (tasks, units)``: a pure function, by TensorFlow operations alone.

    Attributes:
        spec: sizes of windows.
        dtype: of the tasks, the model's.
    """

    spec: WindowSpec
    dtype: str = "float32"

    def __call__(self, cut: CutOut) -> tuple[TaskBatch, Units]:
        """Scale the windows of some rows."""
        made = scaled_windows(cut.values, cut.beside, cut.errors, self.spec, self.dtype)
        tensors, n_support = (made.inputs, made.targets, made.weights), self.spec.n_support
        support, query = (
            tf.nest.map_structure(lambda tensor, part=part: tensor[:, part], tensors)
            for part in (slice(None, n_support), slice(n_support, None))
        )
        units = Units(made.location[:, n_support:], made.scale[:, n_support:])
        return TaskBatch(*support, *query), units


# One function a process for each maker, so that no call traces a shape again.
@cache
def compiled(maker: TaskMaker) -> Any:
    """A maker as a graph, for who wants nothing but the tasks."""
    return tf.function(lambda cut: maker(cut), autograph=False, reduce_retracing=True)


@dataclass(frozen=True, eq=False)
class AdaptationBatch:
    """Some rows, ready to adapt to and forecast.

    Attributes:
        rows: numbers of the rows in the batch. Padding rows at the end are left out here: they repeat
            the support of others, and have no query.
        maker: makes tasks of what was cut out.
        cut: the windows; all batches of a collection have one shape.
    """

    rows: np.ndarray
    maker: TaskMaker
    cut: CutOut

    @cached_property
    def _made(self) -> tuple[TaskBatch, Units]:
        found: tuple[TaskBatch, Units] = compiled(self.maker)(self.cut)
        return found

    @property
    def tasks(self) -> TaskBatch:
        """The task batch."""
        return self._made[0]

    @property
    def units(self) -> Units:
        """Of the query windows."""
        return self._made[1]

    @property
    def filled(self) -> np.ndarray:
        """Support windows of each row that hold an input and a target: ``[rows]``."""
        spec, known = self.maker.spec, ~np.isnan(self.cut.values)
        there = known[: spec.input_size].any(axis=0) & known[spec.input_size :].any(axis=0)
        found: np.ndarray = there.reshape(self.cut.errors.shape)[:, : spec.n_support].sum(axis=1)
        return found


def rows_of(task_set: TaskSet, width: int, cut_backs: Sequence[int] = (0,)) -> Rows:
    """Lay tasks out in rows of up to ``width`` members, once for each number of points held back."""
    sizes = np.diff(task_set.offsets)
    per_task = -(-sizes // width)
    task = np.repeat(np.arange(len(task_set)), per_task)
    number = np.arange(len(task)) - np.repeat(np.cumsum(per_task) - per_task, per_task)
    column = number[:, np.newaxis] * width + np.arange(width)
    there = column < sizes[task][:, np.newaxis]
    where = np.where(there, task_set.offsets[:-1][task][:, np.newaxis] + column, 0)
    members, times = np.where(there, task_set.members[where], -1), len(cut_backs)
    return Rows(np.tile(task, times), np.tile(members, (times, 1)), np.repeat(cut_backs, len(task)))


def adaptation_batches(
    collection: SeriesCollection,
    task_set: TaskSet,
    spec: WindowSpec,
    *,
    n_rows: int = 256,
    cut_backs: Sequence[int] = (0,),
    dtype: str = "float32",
    encoded: Encoded = NOTHING,
    errors: np.ndarray | None = None,
) -> tuple[Rows, Iterator[AdaptationBatch]]:
    """Batches of equal shape that together hold every series as query, once for each cut.

    The history of a task ends ``cut_back`` points before the last point of its latest series: 0
    for a forecast, whose target is not known; ``h`` to judge adaptation on points that it has not
    seen. A short series that is a task by itself keeps at least half of its points; a member of a
    group that begins after the cut has no history, and no weight.

    Args:
        collection: the series.
        task_set: which series form each task; each series in one of them.
        spec: sizes; ``n_query`` is the width of a row.
        n_rows: rows of a batch at most; a small collection takes 2, 16 or 64, padded, so that
            collections of many sizes share few shapes, and compilations, whatever is held back. Two,
            for a single series: what forecasts and what judges it go together.
        cut_backs: points held back at the end; several make rows for each of them.
        dtype: of the results, the model's.
        encoded: exogenous columns that the model takes.
        errors: ``[series]``, seasonal errors that losses of query windows are told; None: there are
            no targets to judge, or the unit of losses is the windows' scale.

    Raises:
        UsageError: if a series is in no task, or in several.
    """
    _check_each_once(task_set, collection)
    rows = rows_of(task_set, spec.n_query, cut_backs)
    width = min(n_rows, _rounded_up(len(rows.task) // len(cut_backs)))
    ends = collection.positions + collection.lengths
    tasks = _Tasks(
        task_set.members,
        task_set.offsets[:-1],
        np.diff(task_set.offsets),
        np.maximum.reduceat(ends[task_set.members], task_set.offsets[:-1]),
    )
    series = FlatSeries(
        collection.values,
        collection.offsets,
        collection.positions,
        *(None if part is None else np.asarray(part, np.float32) for part in encoded),
    )
    known = np.full(len(collection), np.nan) if errors is None else errors
    maker = TaskMaker(spec, dtype)

    def batches() -> Iterator[AdaptationBatch]:
        for start in range(0, len(rows.task), width):
            numbers = np.arange(start, min(start + width, len(rows.task)))
            some = Rows(*(part[np.resize(numbers, width)] for part in rows))
            # A repeated task would count twice where the batch is scored.
            some.members[len(numbers) :] = -1
            yield AdaptationBatch(numbers, maker, _cut(series, known, tasks, some, spec))

    return rows, batches()


def _rounded_up(count: int) -> int:
    """2, or the next of 16, 64, 256, ..."""
    size = 2 if count == 1 else 16
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


class _Tasks(NamedTuple):
    """Members of all tasks; first member, size and the calendar's moment of the end of each."""

    members: np.ndarray
    firsts: np.ndarray
    counts: np.ndarray
    ends: np.ndarray


def _cut(
    series: FlatSeries, errors: np.ndarray, tasks: _Tasks, rows: Rows, spec: WindowSpec
) -> CutOut:
    """Cut out the support and query windows of rows.

    Args:
        series, errors, tasks: the collection, its seasonal errors, and its tasks.
        rows: those of a batch.
        spec: sizes.
    """
    first, count, end, cut_back = (
        part[:, np.newaxis] for part in (*(part[rows.task] for part in tasks[1:]), rows.cut_back)
    )

    def history_end(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        length = series.offsets[index + 1] - series.offsets[index]
        cut = end - cut_back - series.positions[index]
        # In a group nobody's history may reach past the moment: it is the others' future.
        least = np.where(count == 1, (length + 1) // 2, 0)
        return np.clip(cut, least, length), length

    slot = np.arange(spec.n_support)
    learned = tasks.members[first + slot % count]
    seen, _ = history_end(learned)
    origins, valid = support_origins(np.zeros_like(seen), seen, slot // count, spec, np)
    asked = np.maximum(rows.members, 0)
    cut, length = history_end(asked)
    index = np.concatenate([learned, asked], axis=1)
    places = Places(
        index,
        np.concatenate([origins, cut], axis=1),
        np.zeros_like(index),
        np.concatenate([seen, length], axis=1),
        np.concatenate([valid, (rows.members >= 0) & (cut > 0)], axis=1),
    )
    known = np.where(cut_back > 0, errors[asked], np.nan)
    flat = Places(*(np.ravel(part) for part in places))
    return CutOut(
        cut_out(series, flat, spec, np),
        exogenous_of(series, flat, spec, np),
        np.concatenate([np.full(learned.shape, np.nan), known], axis=1),
    )
