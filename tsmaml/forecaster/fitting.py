"""Meta-training on a collection: split, train, calibrate, report."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tsmaml import artifacts
from tsmaml.engine import History, Progress
from tsmaml.errors import ArtifactError, UsageError
from tsmaml.evaluation import Scores, mean_of, score, seasonal_naive
from tsmaml.forecaster.calibration import calibrate, histories, points_after
from tsmaml.forecaster.forecasting import forecast
from tsmaml.forecaster.pipeline import Pipeline, tensors
from tsmaml.plugins import registry
from tsmaml.series import SeriesCollection
from tsmaml.tasks.sampling import TaskSampler
from tsmaml.tasks.scaling import series_errors

CHECKPOINT = "checkpoint"
_FEWEST_TO_HOLD_OUT = 5
_MOST_TO_HOLD_OUT = 1000
# Points that are trained on lie in memory, a quarter of a gigabyte at most. A run of 1,500 steps
# draws some 100,000 tasks: it doesn't miss the others.
MOST_POINTS = 32_000_000


@dataclass(frozen=True)
class Split:
    """Series by what they are for, as three collections; the held-out ones may be empty."""

    train: SeriesCollection
    validation: SeriesCollection
    report: SeriesCollection


@dataclass
class Fit:
    """What meta-training found out.

    Attributes:
        history: of the outer loop.
        calibration: conformal scores, see :func:`tsmaml.forecaster.calibration.calibrate`.
        report: scores on the report series; None where none could be held out.
        n_train, n_validation, n_report: series of each kind.
        fingerprints: hashes of the ids of all series that were seen.
        source: the file, or what else the series came from.
        versions: of Python and the packages that have a say in the numbers.
        command: the command that made the model, where one did.
    """

    history: History
    calibration: dict[str, np.ndarray] = field(default_factory=dict)
    report: Scores | None = None
    n_train: int = 0
    n_validation: int = 0
    n_report: int = 0
    fingerprints: list[str] = field(default_factory=list)
    source: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    command: str | None = None


def split(collection: SeriesCollection, share: float, h: int, seed: int) -> Split:
    """Hold out series: half of the share to validate on, half to report on.

    Of the others so many are trained on, drawn at random, as hold :data:`MOST_POINTS` points.

    Only series that are long enough to be scored are held out; a collection of fewer than five
    of them is trained on whole.
    """
    ends = collection.lengths
    scorable = np.flatnonzero(
        (collection.observed_between(ends - h, ends) > 0)
        & (collection.observed_between(np.zeros_like(ends), ends - h) > 1)
    )
    each = min(max(round(len(scorable) * share / 2), 1), _MOST_TO_HOLD_OUT)
    if not share or len(scorable) < _FEWEST_TO_HOLD_OUT:
        each = 0
    drawn = np.random.default_rng(seed).permutation(scorable)[: 2 * each]
    train = np.setdiff1d(np.arange(len(collection)), drawn)
    if collection.lengths[train].sum() > MOST_POINTS:
        order = np.random.default_rng([seed, 1]).permutation(train)
        fits = np.cumsum(collection.lengths[order]) <= MOST_POINTS
        train = np.sort(order[: max(1, np.count_nonzero(fits))])
    return Split(
        collection.select(train),
        collection.select(np.sort(drawn[:each])),
        collection.select(np.sort(drawn[each:])),
    )


def meta_train(
    pipeline: Pipeline,
    collection: SeriesCollection,
    parts: Split,
    *,
    callbacks: Sequence[Callable[[Progress], None]] = (),
    checkpoint: Path | None = None,
    checkpoint_steps: int | None = None,
    checkpoint_minutes: float = 1.0,
    resume: bool = False,
) -> Fit:
    """Meta-train, keep the best validated initialisation, calibrate intervals, and report.

    Args:
        pipeline: parts put together; its learner is trained in place.
        collection: the series.
        parts: what each of them is for, see :func:`split`.
        callbacks: told of every :class:`tsmaml.engine.Progress`.
        checkpoint: a file in which the state is kept now and then, and at the end.
        checkpoint_steps, checkpoint_minutes: how often.
        resume: go on from that file.
    """
    marks = _marks(pipeline, collection)

    def keep(path: Path) -> None:
        artifacts.save(path, CHECKPOINT, {"marks": marks}, pipeline.learner.checkpoint())
        registry().tell("checkpointed", path=path)

    if resume:
        pipeline.learner.restore(_load_checkpoint(checkpoint, marks))
    history = train(
        pipeline,
        parts,
        callbacks=callbacks,
        on_pause=None if checkpoint is None else lambda: keep(checkpoint),
        pause_seconds=60 * checkpoint_minutes,
        pause_steps=checkpoint_steps,
    )
    return Fit(
        history,
        calibrate(pipeline, [parts.validation, parts.report]),
        report(pipeline, parts.report) if len(parts.report) else None,
        len(parts.train),
        len(parts.validation),
        len(parts.report),
        collection.fingerprints(),
        collection.source,
        versions_here(),
    )


def train(pipeline: Pipeline, parts: Split, **running: Any) -> History:
    """Train the learner, in place, and leave it at the best validated initialisation.

    Args:
        pipeline, parts: as of :func:`meta_train`; the series to report on are not looked at.
        running: callbacks and pauses, as :meth:`tsmaml.engine.MetaLearner.fit` takes them.
    """
    settings, h = pipeline.settings, pipeline.choices.h
    sampler = TaskSampler(
        pipeline.transform.applied(parts.train),
        pipeline.tasks_of(parts.train),
        pipeline.spec,
        settings.meta_batch,
        pipeline.learner.net.dtype,
        pipeline.encoded(parts.train),
    )
    validation = [
        batch
        for held, errors in to_validate(pipeline, parts.validation)
        for batch in tensors(pipeline.prepared(held).batches((h,), errors)[1])
    ]
    return pipeline.learner.fit(
        sampler,
        settings.steps,
        validation=validation,
        validate_every=settings.validate_every,
        patience=settings.patience,
        **running,
    )


def to_validate(
    pipeline: Pipeline, collection: SeriesCollection
) -> Iterator[tuple[SeriesCollection, np.ndarray]]:
    """Held-out series that end with the points to forecast.

    Not cut to be cold starts: the state that was best for those was an early one, and bad for all.

    Returns:
        each with the seasonal errors of the whole series, in which they are judged.
    """
    h, size = pipeline.choices.h, pipeline.choices.input_size
    for full, _ in histories(collection, h, size):
        whole = pipeline.transform.applied(full)
        yield full, series_errors(whole.values, whole.offsets, pipeline.choices.season_length)


def versions_here() -> dict[str, str]:
    """Versions of what has a say in the numbers."""
    import keras
    import tensorflow as tf

    import tsmaml

    return {
        "tsmaml": tsmaml.__version__,
        "Python": platform.python_version(),
        "TensorFlow": tf.__version__,
        "Keras": keras.__version__,
        "NumPy": np.__version__,
    }


def report(pipeline: Pipeline, collection: SeriesCollection, shortest: int | None = None) -> Scores:
    """Score forecasts, from several origins, of series that nothing was learned from.

    Args:
        shortest: history that an origin but the last has to leave; None: a whole input window.
    """
    h, season_length = pipeline.choices.h, pipeline.choices.season_length
    found = []
    for full, past in histories(collection, h, shortest or pipeline.choices.input_size):
        made = forecast(pipeline, past)
        forecasts = {
            "seasonal naive": seasonal_naive(past, season_length, h),
            "zero-step": pipeline.in_units(made.zero_step[..., pipeline.middle]),
            "adapted": pipeline.in_units(made.used[..., pipeline.middle]),
        }
        found.append(score(points_after(full, past, h), forecasts, past, season_length))
    return mean_of(found)


def _marks(pipeline: Pipeline, collection: SeriesCollection) -> dict[str, Any]:
    """What has to be the same for a run to be the same run."""
    settings = pipeline.settings
    return {
        "parts": {role: part.name for role, part in pipeline.parts.items()},
        "seed": settings.seed,
        "steps": settings.steps,
        "sizes": [pipeline.choices.h, pipeline.choices.input_size, pipeline.choices.season_length],
        "ensemble": settings.ensemble,
        "meta_batch": settings.meta_batch,
        "learning_rate": settings.learning_rate,
        "windows": [settings.n_support, settings.n_query, settings.cold_share, settings.holdout],
        "scaling": [settings.scaling, settings.transform],
        "exogenous": repr(pipeline.encoder),
        "series": len(collection),
        "points": len(collection.values),
        "sum": sum(float(np.nansum(part.values)) for part in collection.parts()),
    }


def _load_checkpoint(path: Path | None, marks: dict[str, Any]) -> dict[str, np.ndarray]:
    if path is None:
        raise UsageError("There is nothing to resume from: no checkpoint was named.")
    manifest, arrays = artifacts.load(path, CHECKPOINT)
    differ = [name for name, value in marks.items() if manifest.get("marks", {}).get(name) != value]
    if differ:
        raise ArtifactError(
            f"{path} belongs to another run: {', '.join(differ)} differ.",
            hint="Resume with the options and the series that it began with, or start anew.",
        )
    return arrays
