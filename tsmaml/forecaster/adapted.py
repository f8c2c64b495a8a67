"""Series that a forecaster has adapted to, kept: their parameters and their last points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from tsmaml.engine import Adapted
from tsmaml.forecaster.pipeline import (
    Forecasts,
    Pipeline,
    adapt_to,
    forecast_unseen,
    forecasts_of,
    held_back_errors,
)
from tsmaml.series import Columns, Frequency, SeriesCollection
from tsmaml.series.exogenous import Exogenous
from tsmaml.tasks import TaskSet
from tsmaml.tasks.adaptation import adaptation_batches


@dataclass(frozen=True, eq=False)
class AdaptedSeries:
    """The outcome of an adaptation.

    Attributes:
        context: the last points of each series, as many as the model looks at.
        row: ``[series]``, where a series' parameters stand.
        fast: adapted variables, each ``[rows, ...]``.
        steps, support_windows, zero_step_error, adapted_error: ``[series]``, as in
            :class:`tsmaml.forecaster.pipeline.Forecasts`.
    """

    context: SeriesCollection
    row: np.ndarray
    fast: tuple[np.ndarray, ...]
    steps: np.ndarray
    support_windows: np.ndarray
    zero_step_error: np.ndarray
    adapted_error: np.ndarray

    @property
    def helps(self) -> np.ndarray:
        """Whether adaptation did not lose on the points that were held back: ``[series]``."""
        return ~(self.adapted_error > self.zero_step_error)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything but the ids and the calendar, to be stored."""
        stored = {f"adapted/fast/{i}": part for i, part in enumerate(self.fast)}
        for name in ("row", "steps", "support_windows", "zero_step_error", "adapted_error"):
            stored[f"adapted/{name}"] = getattr(self, name)
        starts = self.context.starts
        stored["adapted/values"] = self.context.values
        stored["adapted/offsets"] = self.context.offsets
        if self.context.exogenous is not None:
            columns = self.context.exogenous.arrays()
            stored.update({f"adapted/exogenous/{name}": part for name, part in columns.items()})
        stored["adapted/starts"] = starts.view(np.int64) if starts.dtype.kind == "M" else starts
        return stored

    def manifest(self) -> dict[str, Any]:
        """Ids and calendar, as JSON values."""
        context = self.context
        return {
            "ids": list(context.ids),
            "frequency": [context.frequency.alias, context.frequency.step],
            "columns": [context.columns.id, context.columns.time, context.columns.target],
            "time_zone": context.time_zone,
            "wall_clock": context.wall_clock,
            "source": context.source,
            "exogenous": None if context.exogenous is None else context.exogenous.manifest(),
        }

    @classmethod
    def restore(
        cls, manifest: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> AdaptedSeries:
        """Take back what :meth:`manifest` and :meth:`arrays` gave."""
        part = {
            name.removeprefix("adapted/"): value
            for name, value in arrays.items()
            if name.startswith("adapted/")
        }
        frequency = Frequency(*manifest["frequency"])
        starts = part["starts"]
        context = SeriesCollection(
            np.array(manifest["ids"], dtype=object),
            part["values"],
            part["offsets"],
            starts if frequency.is_integer else starts.view("datetime64[us]"),
            frequency,
            Columns(*manifest["columns"]),
            manifest["time_zone"],
            manifest["wall_clock"],
            manifest["source"],
            exogenous=_exogenous_of(manifest["exogenous"], part),
        )
        fast: list[np.ndarray] = []
        while f"fast/{len(fast)}" in part:
            fast.append(part[f"fast/{len(fast)}"])
        return cls(
            context,
            part["row"],
            tuple(fast),
            part["steps"],
            part["support_windows"],
            part["zero_step_error"],
            part["adapted_error"],
        )


def _exogenous_of(
    manifest: Mapping[str, Any] | None, arrays: Mapping[str, np.ndarray]
) -> Exogenous | None:
    if manifest is None:
        return None
    prefix = "exogenous/"
    columns = {
        name.removeprefix(prefix): part for name, part in arrays.items() if name.startswith(prefix)
    }
    return Exogenous.restore(manifest, columns)


def adapt(pipeline: Pipeline, collection: SeriesCollection) -> AdaptedSeries:
    """Adapt to every task of a collection and keep what came out."""
    n = len(collection)
    rows, batches = pipeline.batches_of(collection)
    row_of, steps, windows = np.zeros((3, n), np.int64)
    fast: list[list[np.ndarray]] = []
    for batch in batches:
        state = adapt_to(pipeline, batch)
        count = len(batch.rows)
        fast.append([np.asarray(part)[:count] for part in state.fast])
        row, column = np.nonzero(rows.members[batch.rows] >= 0)
        series = rows.members[batch.rows][row, column]
        row_of[series] = batch.rows[row]
        steps[series] = np.asarray(state.steps)[row]
        filled = np.any(np.asarray(batch.tasks.support_weights) > 0, axis=-1).sum(axis=1)
        windows[series] = filled[row]
    zero_step_error, adapted_error = held_back_errors(pipeline, collection)
    return AdaptedSeries(
        # One point more than the model sees, for the first change.
        collection.tail_of_each(max(pipeline.choices.input_size, collection.longest_silence) + 1),
        row_of,
        tuple(np.concatenate(parts) for parts in zip(*fast, strict=True)),
        steps,
        windows,
        zero_step_error,
        adapted_error,
    )


def forecast_adapted(
    pipeline: Pipeline, kept: AdaptedSeries, collection: SeriesCollection
) -> Forecasts:
    """Forecast series that were adapted to before, from their latest points in ``collection``.

    Args:
        kept: what :func:`adapt` gave.
        collection: series whose ids are all in ``kept``.
    """
    where = np.array([kept.context.index_of(name) for name in collection.ids], np.int64)
    n, h, q = len(collection), pipeline.choices.h, len(pipeline.quantiles)
    adapted, zero_step = np.empty((2, n, h, q))
    scale = np.empty(n)
    each = TaskSet(np.arange(n), np.arange(n + 1), tuple(collection.ids))
    spec = replace(pipeline.spec, n_query=1)
    seen = pipeline.transform.applied(collection)
    _, batches = adaptation_batches(
        seen,
        each,
        spec,
        dtype=pipeline.learner.net.dtype,
        encoded=pipeline.encoded(collection),
    )
    for batch in batches:
        series = batch.rows
        padded = np.resize(kept.row[where[series]], batch.tasks.query_weights.shape[0])
        state = Adapted(tuple(tf.constant(part[padded]) for part in kept.fast), *[None] * 3)
        for target, of in ((adapted, state), (zero_step, None)):
            target[series] = forecasts_of(pipeline, batch, of)[: len(series), 0]
        scale[series] = np.asarray(batch.scale)[: len(series), 0, 0]
    adapted, zero_step = (
        pipeline.transform.summed(part, collection) for part in (adapted, zero_step)
    )
    forecast_unseen(pipeline, collection, adapted, zero_step, scale)
    return Forecasts(
        adapted,
        zero_step,
        scale,
        kept.zero_step_error[where],
        kept.adapted_error[where],
        kept.helps[where],
        kept.steps[where],
        kept.support_windows[where],
    )
