"""The machine that a fitted forecaster runs: model, loss, algorithm and task builder, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsmaml.engine import Algorithm, MetaLearner, TaskBatch
from tsmaml.errors import DataError, UsageError
from tsmaml.forecaster.inputs import make_model, parameters_of
from tsmaml.forecaster.members import loss_of_members
from tsmaml.forecaster.prepared import Prepared
from tsmaml.forecaster.settings import Settings
from tsmaml.losses import Loss, as_loss
from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.series import SeriesCollection
from tsmaml.series.defaults import Choices
from tsmaml.tasks import TaskSet, WindowSpec
from tsmaml.tasks.encoding import NOTHING, NOTHING_TO_ENCODE, ROLES, Encoded, Encoder
from tsmaml.tasks.transforms import Transform, transform_of

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

    def prepared(self, collection: SeriesCollection, task_set: TaskSet | None = None) -> Prepared:
        """A collection ready to be adapted to.

        Args:
            collection: the series.
            task_set: which of them form each task; None: what the task builder says.

        Raises:
            DataError: if the target can't be transformed, or the loss takes no such values.
            UsageError: if the task builder does not build what it should.
        """
        return Prepared(
            collection,
            self.transform.applied(collection),
            self.tasks_of(collection) if task_set is None else task_set,
            self.spec,
            self.learner.net.dtype,
            self.encoded(collection),
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
    others = [as_loss(call_part(part, options={})) for part in settings.other_losses]
    of_members = loss_of_members([loss, *others], n_members)
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


def tensors(batches: Any) -> list[TaskBatch]:
    """The task batches alone, kept in memory: validation tasks stay fixed."""
    return [tf.nest.map_structure(tf.identity, batch.tasks) for batch in batches]
