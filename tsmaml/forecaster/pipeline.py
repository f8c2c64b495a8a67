"""The machine that a fitted forecaster runs: tasks of a collection -> adapted forecasts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tsmaml.engine import Adapted, Algorithm, MetaLearner, TaskBatch
from tsmaml.engine.learner import Both
from tsmaml.errors import DataError, UsageError
from tsmaml.forecaster.inputs import make_model, parameters_of
from tsmaml.forecaster.members import loss_of_members
from tsmaml.forecaster.settings import Settings
from tsmaml.losses import Loss, as_loss
from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.series import SeriesCollection
from tsmaml.series.defaults import Choices
from tsmaml.tasks import TaskSet, WindowSpec
from tsmaml.tasks.adaptation import AdaptationBatch, adaptation_batches
from tsmaml.tasks.encoding import NOTHING, NOTHING_TO_ENCODE, ROLES, Encoded, Encoder
from tsmaml.tasks.transforms import Transform, transform_of

# Windows that are forecast in one call, members of a group that one row forecasts, and support
# windows of a group.
ROWS = 256
_WIDEST_ROW = 16
_MOST_SUPPORT = 128
# Context inputs of the algorithm that adapts them, where the model's options do not say.
_N_CONTEXT = 8
# What is validated and kept is an average of some hundred outer steps: one of them alone is good by luck.
_EMA = 0.99


@dataclass(frozen=True)
class Pipeline:
    """Parts put together.

    Attributes:
        settings: what the user asked for.
        choices: horizon, input size and season.
        parts: the resolved parts, by role.
        spec: windows of meta-training.
        loss: with the number of outputs.
        learner: model and algorithm.
        encoder: of exogenous columns.
    """

    settings: Settings
    choices: Choices
    parts: Mapping[str, Part]
    spec: WindowSpec
    loss: Loss
    learner: MetaLearner
    encoder: Encoder = NOTHING_TO_ENCODE

    @property
    def transform(self) -> Transform:
        """Of the target."""
        return transform_of(self.settings.transform)

    def in_units(self, values: np.ndarray) -> np.ndarray:
        """Transformed forecasts in the user's units."""
        values = self.transform.inverse(values)
        return np.maximum(values, 0.0) if self.settings.non_negative else values

    def encoded(self, collection: SeriesCollection) -> Encoded:
        """The exogenous columns that the model takes, as numbers."""
        widths = self.encoder.widths
        if not any(widths.values()):
            return NOTHING
        found = self.encoder.encode(collection, self.choices.h)
        return Encoded(
            *(part if widths[role] else None for role, part in zip(ROLES, found, strict=True))
        )

    def tasks_of(self, collection: SeriesCollection) -> TaskSet:
        """Let the task builder group the series of a collection.

        Raises:
            DataError: if the loss is one of counts and the series are none.
            UsageError: if the builder does not build what it should.
        """
        if of_counts(self.loss):
            _check_counts(collection, self.loss.name)
        task_set = call_part(
            self.parts["tasks"], collection, self.spec, options=self.settings.tasks_options
        )
        if not isinstance(task_set, TaskSet):
            raise UsageError(
                f"The task builder {self.parts['tasks'].name!r} returned a "
                f"{type(task_set).__name__}; wanted is a tsmaml.tasks.TaskSet."
            )
        if task_set.members.size and not (
            task_set.members.min() >= 0 and task_set.members.max() < len(collection)
        ):
            raise UsageError(
                f"The task builder {self.parts['tasks'].name!r} names series that do not exist: "
                f"members go from 0 to {len(collection) - 1}."
            )
        return task_set

    def batches_of(
        self,
        collection: SeriesCollection,
        cut_back: int = 0,
        errors: np.ndarray | None = None,
    ) -> Any:
        """Rows and batches that adapt to a collection, see :mod:`tsmaml.tasks.adaptation`."""
        task_set = self.tasks_of(collection)
        largest = int(np.diff(task_set.offsets).max())
        width = min(_WIDEST_ROW, largest)
        # A group learns from the windows of all its members, not of the first few.
        n_support = min(self.spec.n_support * largest, max(self.spec.n_support, _MOST_SUPPORT))
        return adaptation_batches(
            self.transform.applied(collection),
            task_set,
            replace(self.spec, n_query=width, n_support=n_support),
            n_rows=max(1, ROWS // width),
            cut_back=cut_back,
            dtype=self.learner.net.dtype,
            encoded=self.encoded(collection),
            errors=errors,
        )

    @property
    def middle(self) -> int:
        """Which level is the point forecast."""
        return self.loss.quantiles.index(0.5) if self.loss.quantiles else 0

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of the forecasts; the point forecast alone counts as the median."""
        return self.loss.quantiles or (0.5,)


def build(settings: Settings, choices: Choices, encoder: Encoder = NOTHING_TO_ENCODE) -> Pipeline:
    """Put the parts together: model, loss, algorithm.

    Raises:
        UsageError, PluginError: if a part can't be made with its options.
        TrainingError: if the model does not fit the algorithm.
    """
    keras.utils.set_random_seed(settings.seed)
    parts = settings.parts
    loss = as_loss(call_part(parts["loss"], options=settings.loss_options))
    algorithm = call_part(parts["algorithm"], options=settings.algorithm_options)
    if not isinstance(algorithm, Algorithm):
        raise UsageError(
            f"The algorithm {parts['algorithm'].name!r} is a {type(algorithm).__name__}; wanted is "
            "a tsmaml.engine.Algorithm."
        )
    sizes = (choices.input_size, choices.h)
    outputs = (loss.n_outputs,) if loss.n_outputs > 1 else ()
    options = dict(settings.model_options)
    if algorithm.adapts == "context":
        if "n_context" not in parameters_of(parts["model"]):
            raise UsageError(
                f"The algorithm {parts['algorithm'].name!r} adapts context inputs, and the model "
                f"{parts['model'].name!r} has no option n_context.",
                hint="Choose a model that has it, such as nbeats.",
            )
        options.setdefault("n_context", _N_CONTEXT)
    n_members = settings.ensemble
    if n_members > 1 and (algorithm.solver == "ridge" or algorithm.adapts == "context"):
        raise UsageError(
            f"The algorithm {parts['algorithm'].name!r} adapts one net, not an ensemble.",
            hint="Leave --ensemble out, or choose one that moves weights by gradients: anil, maml.",
        )
    model = make_model(parts["model"], (*sizes, *outputs), options, encoder, n_members)
    spec = WindowSpec(
        choices.input_size,
        choices.h,
        choices.season_length,
        n_support=settings.n_support,
        n_query=settings.n_query,
        cold_share=settings.cold_share,
        mix_share=0.0 if of_counts(loss) else settings.mix_share,
        scaling=call_part(registry().get("scaling", settings.scaling), options={}),
    )
    of_members = loss_of_members(loss, n_members)
    learner = MetaLearner(
        model,
        algorithm,
        of_members,
        optimizer=_outer_optimizer(settings, algorithm),
        ema=_EMA,
        seed=settings.seed,
    )
    return Pipeline(settings, choices, parts, spec, of_members, learner, encoder)


def of_counts(loss: Loss) -> bool:
    """Whether a loss is one of counts: whole numbers from 0."""
    return loss.distribution is not None and loss.distribution.counts


def _check_counts(collection: SeriesCollection, loss: str) -> None:
    """Refuse values that are no counts: whole numbers from 0."""
    values = collection.values
    wrong = np.flatnonzero((values < 0) | (np.isfinite(values) & (values != np.rint(values))))
    if wrong.size:
        owner = np.searchsorted(collection.offsets, wrong[0], side="right") - 1
        raise DataError(
            f"the value {values[wrong[0]]:g} is no count; the loss {loss} wants whole numbers from 0.",
            source=collection.source,
            series=str(collection.ids[owner]),
            hint="Use --loss student_t or --loss normal.",
        )


def _outer_optimizer(settings: Settings, algorithm: Algorithm) -> keras.optimizers.Optimizer:
    """Adam with a cosine schedule; for Reptile plain SGD on the way that the weights went."""
    if algorithm.outer == "reptile":
        rate = keras.optimizers.schedules.CosineDecay(1.0, settings.steps, alpha=0.05)
        return keras.optimizers.SGD(rate)
    warm_up = min(100, settings.steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10 if warm_up else settings.learning_rate,
        max(1, settings.steps - warm_up),
        alpha=0.02,
        warmup_target=settings.learning_rate if warm_up else None,
        warmup_steps=warm_up,
    )
    return keras.optimizers.Adam(rate, global_clipnorm=1.0)


def forecasts_of(pipeline: Pipeline, batch: AdaptationBatch, adapted: Adapted | None) -> np.ndarray:
    """Forecasts of a batch's query windows in original units: ``[rows, width, h, quantiles]``."""
    outputs = pipeline.learner.predict(batch.tasks.query_inputs, adapted)
    return pipeline.loss.predict_quantiles(outputs, batch.location, batch.scale)


def both_outputs(pipeline: Pipeline, batch: AdaptationBatch, inner_steps: int | None) -> Both:
    """Outputs for a batch's query windows with and without adaptation to its support.

    Args:
        inner_steps: so many; 0 adapts to nothing; None: as many as in meta-training.
    """
    tasks, learner = batch.tasks, pipeline.learner
    if inner_steps == 0:
        outputs = learner.predict(tasks.query_inputs)
        return Both(outputs, outputs, np.zeros(len(tasks.query_weights), np.int32))
    support = (tasks.support_inputs, tasks.support_targets, tasks.support_weights)
    return learner.adapt_and_predict(*support, tasks.query_inputs, steps=inner_steps)


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


def forecast(
    pipeline: Pipeline, collection: SeriesCollection, inner_steps: int | None = None
) -> Forecasts:
    """Adapt to every task of a collection and forecast every series, ``h`` points ahead."""
    made = both_forecasts(pipeline, collection, inner_steps)
    zero_step_error, adapted_error = held_back_errors(pipeline, collection, inner_steps)
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
    made = both_forecasts(pipeline, collection, inner_steps)
    unknown, helps = np.full(len(collection), np.nan), np.ones(len(collection), bool)
    level = np.full(len(collection), "series", object)
    return Forecasts(*made[:3], unknown, unknown, helps, *made[3:], level)


def both_forecasts(
    pipeline: Pipeline, collection: SeriesCollection, inner_steps: int | None = None
) -> Made:
    """Forecasts with and without adaptation to the tasks of a collection."""
    n, h, q = len(collection), pipeline.choices.h, len(pipeline.quantiles)
    adapted, zero_step = np.empty((2, n, h, q))
    scale, steps, windows = np.ones(n), np.zeros(n, int), np.zeros(n, int)
    rows, batches = pipeline.batches_of(collection)
    for batch in batches:
        both = both_outputs(pipeline, batch, inner_steps)
        row, column, series = places(rows.members[batch.rows])
        for target, outputs in ((adapted, both.adapted), (zero_step, both.zero_step)):
            found = pipeline.loss.predict_quantiles(outputs, batch.location, batch.scale)
            target[series] = found[row, column]
        scale[series] = np.asarray(batch.scale)[row, column, 0]
        steps[series] = np.asarray(both.steps)[row]
        windows[series] = filled_windows(batch)[row]
    adapted, zero_step = (
        pipeline.transform.summed(part, collection) for part in (adapted, zero_step)
    )
    forecast_unseen(pipeline, collection, adapted, zero_step, scale)
    return Made(adapted, zero_step, scale, steps, windows)


def filled_windows(batch: AdaptationBatch) -> np.ndarray:
    """Support windows of each row that hold a point: ``[rows]``."""
    found: np.ndarray = np.any(np.asarray(batch.tasks.support_weights) > 0, axis=-1).sum(axis=1)
    return found


def forecast_unseen(
    pipeline: Pipeline,
    collection: SeriesCollection,
    adapted: np.ndarray,
    zero_step: np.ndarray,
    scale: np.ndarray,
) -> None:
    """Forecast, in place, the last value of series of whose gap the model sees no end.

    Warns of them: a model that sees nothing knows not even the level.
    """
    ends, seen = collection.lengths, pipeline.transform.applied(collection)
    unseen = seen.observed_between(ends - pipeline.choices.input_size, ends) == 0
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


def held_back_errors(
    pipeline: Pipeline,
    collection: SeriesCollection,
    inner_steps: int | None = None,
    cut_back: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Losses without and with adaptation on the last ``cut_back`` points, which it has not seen.

    None: on the last ``h``.

    The error is the model's own loss: a loss that wants something else than the median would find
    its adaptations judged wrongly by another. The error of a series is that of its whole task: what
    is judged is one adaptation.
    """
    rows, batches = pipeline.batches_of(
        collection, cut_back=pipeline.choices.h if cut_back is None else cut_back
    )
    n_tasks = int(rows.task.max()) + 1
    sums = np.zeros((3, n_tasks))
    for batch in batches:
        both = both_outputs(pipeline, batch, inner_steps)
        weights = np.asarray(batch.tasks.query_weights, np.float64)
        weights[rows.members[np.resize(batch.rows, len(weights))] < 0] = 0
        for place, outputs in enumerate((both.zero_step, both.adapted)):
            losses = np.asarray(pipeline.loss(batch.tasks.query_targets, outputs), np.float64)
            errors = (losses * weights).sum((1, 2))[: len(batch.rows)]
            np.add.at(sums[place], rows.task[batch.rows], errors)
        np.add.at(sums[2], rows.task[batch.rows], weights.sum((1, 2))[: len(batch.rows)])
    with np.errstate(invalid="ignore", divide="ignore"):
        zero_step, adapted = sums[:2] / sums[2]
    errors = np.full((2, len(collection)), np.nan)
    row, _, series = places(rows.members)
    errors[:, series] = np.stack([zero_step, adapted])[:, rows.task[row]]
    return errors[0], errors[1]


def places(members: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and series of every member that is there."""
    row, column = np.nonzero(members >= 0)
    return row, column, members[row, column]


def tensors(batches: Any) -> list[TaskBatch]:
    """The task batches alone, kept in memory: validation tasks stay fixed."""
    return [tf.nest.map_structure(tf.identity, batch.tasks) for batch in batches]
