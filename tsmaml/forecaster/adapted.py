"""Series that a forecaster has adapted to, kept: their parameters and their last points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from tsmaml.engine import Adapted
from tsmaml.forecaster.forecasting import Forecasts, forecast_unseen, held_back_errors, places
from tsmaml.forecaster.pipeline import Pipeline
from tsmaml.forecaster.tuned import at, inner_steps_of, tune_to
from tsmaml.series import Columns, Frequency, SeriesCollection
from tsmaml.series.exogenous import Exogenous
from tsmaml.tasks import TaskSet
from tsmaml.tasks.adaptation import AdaptationBatch


@dataclass(frozen=True, eq=False)
class AdaptedSeries:
    """The outcome of an adaptation.

    Attributes:
        context: the last points of each series, as many as the model looks at.
        row: ``[series]``, where a series' parameters stand.
        fast: adapted variables, each ``[rows, ...]``; none where no series was adapted to by itself.
        base: the model's parameters, tuned to the collection; empty: the initialisation.
        level: ``[series]``, as in :class:`tsmaml.forecaster.forecasting.Forecasts`.
        steps, support_windows, zero_step_error, adapted_error: ``[series]``, as in
            :class:`tsmaml.forecaster.forecasting.Forecasts`.
    """

    context: SeriesCollection
    row: np.ndarray
    fast: tuple[np.ndarray, ...]
    base: tuple[np.ndarray, ...]
    level: np.ndarray
    steps: np.ndarray
    support_windows: np.ndarray
    zero_step_error: np.ndarray
    adapted_error: np.ndarray

    @property
    def helps(self) -> np.ndarray:
        """Whether what it was adapted to is used: ``[series]``."""
        return self.level != "none"

    @property
    def unadapted(self) -> AdaptedSeries:
        """The same series, forecast as if nothing had been adapted to."""
        return replace(
            self,
            fast=(),
            base=(),
            level=np.full_like(self.level, "none"),
            steps=np.zeros_like(self.steps),
            adapted_error=np.full_like(self.adapted_error, np.nan),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything but the ids and the calendar, to be stored."""
        stored = {f"adapted/fast/{i}": part for i, part in enumerate(self.fast)}
        stored.update({f"adapted/base/{i}": part for i, part in enumerate(self.base)})
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
            "level": list(self.level),
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
        return cls(
            context,
            part["row"],
            _numbered(part, "fast"),
            _numbered(part, "base"),
            np.array(manifest["level"], object),
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


def _numbered(arrays: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, ...]:
    """``name/0``, ``name/1``, ... as far as there are any."""
    found: list[np.ndarray] = []
    while f"{name}/{len(found)}" in arrays:
        found.append(arrays[f"{name}/{len(found)}"])
    return tuple(found)


def adapt(pipeline: Pipeline, collection: SeriesCollection, level: str) -> AdaptedSeries:
    """Adapt to a level of :data:`tsmaml.forecaster.tuned.LEVELS` and keep what came out."""
    n, ready, inner_steps = len(collection), pipeline.prepared(collection), inner_steps_of(level)
    zero_step_error, adapted_error = held_back_errors(pipeline, ready, inner_steps)
    used = np.where(adapted_error > zero_step_error, "none", "series").astype(object)
    if inner_steps == 0:
        used[:], adapted_error = "none", np.full(n, np.nan)
    base: tuple[np.ndarray, ...] = ()
    if level in ("collection", "both"):
        tuned = tune_to(pipeline, ready)
        if tuned.share:
            if tuned.cut_back != pipeline.choices.h:
                zero_step_error, _ = held_back_errors(pipeline, ready, 0, tuned.cut_back)
            of_collection, of_both = held_back_errors(
                at(pipeline, tuned.past), ready, inner_steps, tuned.cut_back
            )
            pipeline = at(pipeline, tuned.parameters)
            base = tuple(np.asarray(part) for part in tuned.parameters)
            further = ~(of_both > of_collection) & (level == "both")
            used = np.where(further, "both", "collection").astype(object)
            adapted_error = np.where(further, of_both, of_collection)
    rows, batches = ready.batches()
    row_of, steps, windows = np.zeros((3, n), np.int64)
    fast: list[list[np.ndarray]] = []
    for batch in batches:
        row, _, series = places(rows.members[batch.rows])
        row_of[series] = batch.rows[row]
        windows[series] = batch.filled[row]
        if inner_steps != 0:
            state = pipeline.learner.adapt(*batch.tasks[:3])
            fast.append([np.asarray(part)[: len(batch.rows)] for part in state.fast])
            steps[series] = np.asarray(state.steps)[row]
    return AdaptedSeries(
        # One point more than the model sees, for the first change.
        collection.tail_of_each(max(pipeline.choices.input_size, collection.longest_silence) + 1),
        row_of,
        tuple(np.concatenate(parts) for parts in zip(*fast, strict=True)),
        base,
        used,
        np.where(used == "collection", 0, steps),
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
    level = kept.level[where]
    of_base = at(pipeline, kept.base) if kept.base else pipeline
    each = TaskSet(np.arange(n), np.arange(n + 1), tuple(collection.ids))
    ready = pipeline.prepared(collection, each)
    _, batches = ready.batches()
    for batch in batches:
        series = batch.rows
        made = zero_step[series] = _forecasts_of(pipeline, batch)
        if kept.fast:
            padded = np.resize(kept.row[where[series]], len(batch.cut.errors))
            fast = tuple(tf.constant(part[padded]) for part in kept.fast)
            made = _forecasts_of(of_base, batch, Adapted(fast, *[None] * 3))
        if kept.base:
            only = (level[series] == "collection")[:, np.newaxis, np.newaxis]
            made = np.where(only, _forecasts_of(of_base, batch), made)
        adapted[series] = made
        scale[series] = np.asarray(batch.units.scale)[: len(series), 0, 0]
    adapted, zero_step = (
        pipeline.transform.summed(part, collection) for part in (adapted, zero_step)
    )
    forecast_unseen(pipeline, ready, adapted, zero_step, scale)
    return Forecasts(
        adapted,
        zero_step,
        scale,
        kept.zero_step_error[where],
        kept.adapted_error[where],
        kept.helps[where],
        kept.steps[where],
        kept.support_windows[where],
        level,
    )


def _forecasts_of(
    pipeline: Pipeline, batch: AdaptationBatch, adapted: Adapted | None = None
) -> np.ndarray:
    """Forecasts of a batch's series in the units of the transform: ``[series, h, quantiles]``."""
    outputs = pipeline.learner.predict(batch.tasks.query_inputs, adapted)
    return pipeline.loss.predict_quantiles(outputs, *batch.units)[: len(batch.rows), 0]
