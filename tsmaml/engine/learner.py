"""MetaLearner: meta-train a Keras model on task batches, then adapt it to new tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cache, partial
from itertools import chain
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tsmaml.engine.adaptation import Adapted, adapt_tasks, adapted_outputs, outputs_of
from tsmaml.engine.algorithms import Algorithm, maml
from tsmaml.engine.batch import TaskBatch, check_batch
from tsmaml.engine.curve import Curve
from tsmaml.engine.functional import FunctionalModel, Parameters
from tsmaml.engine.mapping import choose
from tsmaml.engine.objective import as_loss
from tsmaml.engine.outer_rule import OuterState
from tsmaml.engine.problem import Meta, Problem, Samples, initial_rates
from tsmaml.engine.training import (
    Best,
    Callback,
    History,
    OuterLoop,
    Sampler,
    checkpoint_arrays,
    restore_arrays,
    train,
)
from tsmaml.engine.tuning import BatchSampler, tune
from tsmaml.errors import TrainingError


class Judged(NamedTuple):
    """Outputs for the query of a task batch, and what they are worth.

    Attributes:
        outputs: for ``[tasks, samples, ...]`` inputs.
        losses: one value a sample or an element, neither weighed nor averaged.
    """

    outputs: Any
    losses: tf.Tensor


class Both(NamedTuple):
    """What came of a task batch.

    Attributes:
        adapted, zero_step: with and without adaptation.
        steps: ``[tasks]`` int32, as :class:`Adapted` has them.
        weights: of the query.
        more: what the maker of the batch gave beside it.
    """

    adapted: Judged
    zero_step: Judged
    steps: tf.Tensor
    weights: tf.Tensor
    more: Any


# ``make(data) -> (batch, more)``
Maker = Callable[[Any], tuple[TaskBatch, Any]]


class _Now(NamedTuple):
    """The meta-parameters at a state of the outer loop, and the same as one tensor."""

    state: tuple[int, int]
    meta: Meta
    packed: tf.Tensor | None


def _packed(meta: Meta) -> tf.Tensor:
    """One tensor of all: each argument of a compiled function takes some microseconds."""
    return tf.concat([tf.reshape(part, [-1]) for part in tf.nest.flatten(meta)], 0)


def _unpacked(packed: tf.Tensor, like: Meta) -> Meta:
    parts = tf.nest.flatten(like)
    cut = tf.split(packed, [part.shape.num_elements() for part in parts])
    shaped = [tf.reshape(one, part.shape) for one, part in zip(cut, parts, strict=True)]
    found: Meta = tf.nest.pack_sequence_as(like, shaped)
    return found


class MetaLearner:
    """A Keras model, an algorithm and a loss, ready to be meta-trained and adapted.

    Args:
        model: a built Keras 3 model; its present weights are where meta-training starts. They are
            not changed until :meth:`write_to_model`.
        algorithm: for instance ``engine.maml(rate=0.01, steps=1)``.
        loss: a name that Keras knows, a Keras loss, or ``loss(targets, outputs)`` that returns one
            value a sample or an element.
        optimizer: the outer optimiser, a fresh Keras one; Adam(1e-3) where None (SGD(1.0), which
            makes the step ``theta' - theta``, times 0.1, for Reptile).
        ema: keep a moving average of the meta-parameters, of which each step keeps this share (for
            instance 0.999); it is what is validated and kept. None: no average.
        seed: decides what the sampler and random layers draw.
        vectorize: ``"auto"``, ``"vectorized"`` or ``"loop"``: how tasks run side by side.
        jit: whether XLA compiles the step: True, False or ``"auto"``.
        n_chunks: split each meta-batch into so many parts to bound memory; None: as needed.
    """

    def __init__(
        self,
        model: keras.Model,
        algorithm: Algorithm | None = None,
        loss: Any = "mse",
        *,
        optimizer: keras.optimizers.Optimizer | None = None,
        ema: float | None = None,
        seed: int = 0,
        vectorize: str = "auto",
        jit: bool | str = "auto",
        n_chunks: int | None = None,
    ) -> None:
        self.net = FunctionalModel(model)
        self.algorithm = algorithm if algorithm is not None else maml()
        self.problem = Problem.of(self.net, as_loss(loss), self.algorithm)
        self._map_tasks, self._jit = choose(model, vectorize, jit)
        meta = Meta(self.net.initial(), initial_rates(self.problem))
        if optimizer is None:
            reptile = self.algorithm.outer == "reptile"
            optimizer = keras.optimizers.SGD(0.1) if reptile else keras.optimizers.Adam(1e-3)
        self._outer = OuterLoop(
            self.problem,
            OuterState(meta, optimizer, ema),
            self._map_tasks,
            self._jit,
            seed,
            n_chunks,
        )
        self._best, self._curve = Best(()), Curve()
        self._adapt = tf.function(self._adapt_batch, jit_compile=self._jit, autograph=False)
        self._predict = tf.function(self._predict_batch, jit_compile=self._jit, autograph=False)
        self._run = cache(self._compiled)
        self._tuners: dict[BatchSampler, Any] = {}
        self._start: Parameters | None = None
        self._now = _Now((-1, -1), meta, None)
        self.adapt_traces = 0

    @property
    def meta(self) -> Meta:
        """The meta-parameters: the initialisation and the learned inner rates."""
        return self._current.meta

    @property
    def _current(self) -> _Now:
        state = (int(self._outer.step), self._outer.state.n_assigned)
        if self._now.state != state:  # cut from one flat variable: 4 ms for a middling net
            meta = self._outer.state.meta()
            if self._start is not None:
                meta = Meta(self._start, meta.rates)
            self._now = _Now(state, meta, _packed(meta))
        return self._now

    def at(self, parameters: Sequence[Any]) -> MetaLearner:
        """This learner with another initialisation, to adapt and predict from; nothing is compiled anew.

        Args:
            parameters: as many and of the shapes as ``meta.parameters``.
        """
        made = copy(self)
        made._start = tuple(tf.convert_to_tensor(part) for part in parameters)
        made._now = self._now._replace(state=(-1, -1))
        return made

    def tune(
        self, sampler: BatchSampler, data: Any, steps: int = 300, *, rate: float = 3e-4
    ) -> Parameters:
        """Adapt to one large task, all of whose samples share the parameters: :mod:`.tuning`.

        Args:
            sampler: ``sampler(seed, data) -> (inputs, targets, weights)`` of a batch of samples, by
                TensorFlow operations alone; the seed is an int64 tensor ``[2]``. Samplers that are
                equal share what is compiled.
            data: nest of tensors that the sampler draws from.
            steps: Adam's steps.
            rate: Adam's rate at the first of them.

        Returns:
            the tuned parameters, for :meth:`at`; the learner stays as it is.
        """
        if sampler not in self._tuners:
            # Not by XLA, which would compile for longer than a few hundred steps take.
            self._tuners[sampler] = tf.function(
                partial(tune, self.problem, sampler, self._outer.seed),
                autograph=False,
                reduce_retracing=True,
            )
        run, dtype = self._tuners[sampler], self.net.dtype
        return run(self.meta.parameters, data, tf.constant(steps), tf.constant(rate, dtype))

    @property
    def train_traces(self) -> int:
        """How many times a training or scoring step was compiled: one for each shape."""
        return self._outer.traces

    def fit(
        self,
        sampler: Sampler | Iterable[TaskBatch],
        steps: int,
        *,
        validation: TaskBatch | Sequence[TaskBatch] = (),
        validate_every: int = 200,
        patience: int | None = None,
        callbacks: Sequence[Callback] = (),
        on_pause: Callable[[], None] | None = None,
        pause_seconds: float = 60.0,
        pause_steps: int | None = None,
    ) -> History:
        """Meta-train until ``steps`` outer steps have been done in all.

        Args:
            sampler: either a function of a seed (int64 tensor ``[2]``) that returns a
                :class:`TaskBatch` by TensorFlow operations alone: it is compiled into the loop,
                and a resumed run draws what an uninterrupted one would; or an iterable of task
                batches.
            steps: outer steps in all; calling again with a larger number goes on.
            validation: fixed task batches, scored every ``validate_every`` steps; the best
                initialisation is the one that is kept.
            patience: stop after so many validations in a row without a better one; None: never.
            callbacks: functions that are told of a :class:`Progress`.
            on_pause: called to write a checkpoint: every ``pause_seconds``, at each multiple of
                ``pause_steps`` outer steps, and at the end.

        Raises:
            TrainingError: if a batch does not fit, or the loss is not finite from the start.
        """
        if validate_every < 1:
            raise TrainingError(f"validate_every is {validate_every}; wanted is 1 or more.")
        batches = [validation] if isinstance(validation, TaskBatch) else list(validation)
        for batch in batches:
            check_batch(batch)
        feed: Sampler | Iterator[TaskBatch]
        first: TaskBatch | None = None
        if callable(sampler):
            feed = sampler
            if not self._outer.knows(sampler):  # what was compiled has been checked
                first = sampler(self._outer.data_seed())
        else:
            feed = iter(sampler)
            first = next(feed, None)
            feed = feed if first is None else chain([first], feed)
        if first is not None:
            self._outer.check(TaskBatch(*first))
        return train(
            self._outer,
            feed,
            steps,
            validation=batches,
            validate_every=validate_every,
            patience=patience,
            callbacks=list(callbacks),
            best=self._best,
            curve=self._curve,
            on_pause=on_pause,
            pause_seconds=pause_seconds,
            pause_steps=pause_steps,
        )

    def adapt(
        self,
        inputs: Any,
        targets: Any,
        weights: Any = None,
        *,
        steps: int | None = None,
    ) -> Adapted:
        """Adapt to tasks side by side; the meta-parameters stay as they are.

        Args:
            inputs, targets: support samples, nests of ``[tasks, samples, ...]``.
            weights: ``[tasks, samples]`` or finer; None: all count.
            steps: inner steps; None: as many as in meta-training.

        Returns:
            the adapted parameters, at each task's best finite state judged on its support.
        """
        inputs, targets = (
            tf.nest.map_structure(tf.convert_to_tensor, x) for x in (inputs, targets)
        )
        if weights is None:
            weights = tf.ones(tf.nest.flatten(targets)[0].shape[:2], self.net.dtype)
        steps = self.algorithm.steps if steps is None else steps
        support = Samples(inputs, targets, tf.convert_to_tensor(weights))
        return self._adapt(self.meta, support, tf.constant(steps, tf.int32))

    def predict(self, inputs: Any, adapted: Adapted | None = None) -> Any:
        """Outputs for ``[tasks, samples, ...]`` inputs, adapted, or zero-step where None."""
        inputs = tf.nest.map_structure(tf.convert_to_tensor, inputs)
        return self._predict(self.meta, None if adapted is None else adapted.fast, inputs)

    def adapt_and_predict(self, make: Maker, data: Any, *, steps: int | None = None) -> Both:
        """Adapt to the support of a batch and predict its query in one compiled call.

        Small tasks gain from it: what is done beside the arithmetic takes longest for them.

        Args:
            make: ``make(data) -> (batch, more)``, a :class:`TaskBatch` and a nest of tensors to be
                handed back, by TensorFlow operations alone. Makers that are equal share what is
                compiled.
            data: nest of tensors or arrays; each shape is compiled once.
            steps: inner steps, as in :meth:`adapt`; 0: the zero-step outputs, as both.
        """
        steps = self.algorithm.steps if steps is None else steps
        count = (tf.constant(steps, tf.int32),) if steps else ()
        # As tensors: a compiled function takes a millisecond over arrays.
        data = tf.nest.map_structure(tf.convert_to_tensor, data)
        made: Both = self._run(make, steps > 0)(self._current.packed, data, *count)
        return made

    def score(self, batches: TaskBatch | Sequence[TaskBatch]) -> tuple[float, float]:
        """Mean query loss over tasks: ``(zero-step, adapted)``."""
        return self._outer.score([batches] if isinstance(batches, TaskBatch) else batches)

    def write_to_model(self) -> None:
        """Copy the meta-learned initialisation into the Keras model's own variables."""
        self.net.assign(self.meta.parameters)

    def arrays(self) -> dict[str, np.ndarray]:
        """The meta-parameters, to be stored: ``{"parameters/0": ..., "rates/0": ...}``.

        Numbered in the order of the model's variables: Keras counts up the names of unnamed
        layers, so that the same model has other names in another process.
        """
        return {
            f"{kind}/{index}": np.array(value)
            for kind, values in self.meta._asdict().items()
            for index, value in enumerate(values)
        }

    def load_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what :meth:`arrays` gave.

        Raises:
            TrainingError: naming the first array that is missing or has another shape.
        """
        wanted = self.arrays()
        for name, value in wanted.items():
            if name not in arrays or arrays[name].shape != value.shape:
                given = f"shape {list(arrays[name].shape)}" if name in arrays else "missing"
                raise TrainingError(
                    f"{name} should have shape {list(value.shape)}, but is {given}."
                )
        values = [tf.constant(arrays[name]) for name in wanted]
        self._outer.state.assign(tf.nest.pack_sequence_as(self.meta, values))

    def checkpoint(self) -> dict[str, np.ndarray]:
        """Everything that a resumed run needs to end with the same bits as one that ran through."""
        return checkpoint_arrays(self._outer, self._best, self._curve)

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from a checkpoint: the next :meth:`fit` goes on at its step."""
        self._best = restore_arrays(self._outer, arrays)
        self._curve = Curve.restored(arrays)

    def _compiled(self, make: Maker, adapts: bool) -> Any:
        function = self._both_of_batch if adapts else self._zero_step_of_batch
        return tf.function(partial(function, make), jit_compile=self._jit, autograph=False)

    def _both_of_batch(self, make: Maker, packed: tf.Tensor, data: Any, steps: tf.Tensor) -> Both:
        meta, (batch, more) = _unpacked(packed, self._now.meta), make(data)
        self.adapt_traces += 1
        outputs = adapted_outputs(
            self.problem, meta, Samples(*batch[:3]), batch.query_inputs, steps, self._map_tasks
        )
        return Both(
            self._judged(outputs.adapted, batch),
            self._judged(outputs.zero_step, batch),
            outputs.steps,
            batch.query_weights,
            more,
        )

    def _zero_step_of_batch(self, make: Maker, packed: tf.Tensor, data: Any) -> Both:
        meta, (batch, more) = _unpacked(packed, self._now.meta), make(data)
        self.adapt_traces += 1
        outputs = outputs_of(self.problem, meta, None, batch.query_inputs, self._map_tasks)
        judged = self._judged(outputs, batch)
        n_tasks = batch.query_weights.shape[0]
        return Both(judged, judged, tf.zeros([n_tasks], tf.int32), batch.query_weights, more)

    def _judged(self, outputs: Any, batch: TaskBatch) -> Judged:
        return Judged(outputs, self.problem.loss(batch.query_targets, outputs))

    def _adapt_batch(self, meta: Meta, support: Samples, steps: tf.Tensor) -> Adapted:
        self.adapt_traces += 1
        return adapt_tasks(self.problem, meta, support, steps, self._map_tasks)

    def _predict_batch(self, meta: Meta, fast: Any, inputs: Any) -> Any:
        self.adapt_traces += 1
        return outputs_of(self.problem, meta, fast, inputs, self._map_tasks)
