"""The outer loop: compiled steps, validation, early stopping, interruption, resumption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from tsmaml.engine.adaptation import adapted_outputs
from tsmaml.engine.annealing import Moment, cosine
from tsmaml.engine.batch import TaskBatch, check_batch
from tsmaml.engine.curve import Curve
from tsmaml.engine.mapping import MapTasks
from tsmaml.engine.outer import outer_gradient
from tsmaml.engine.outer_rule import OuterState
from tsmaml.engine.problem import Meta, Problem, Samples, loss_of, task_loss
from tsmaml.errors import TrainingError

Sampler = Callable[[tf.Tensor], TaskBatch]

# Compiled steps between two returns to Python: XLA needs a size for the losses of each step.
LONGEST_CALL = 1000


@dataclass(frozen=True)
class Progress:
    """What a callback is told, after a few outer steps or after a validation.

    Attributes:
        step: outer steps done.
        steps: outer steps wanted.
        support_loss: mean support loss before adaptation, since the last report.
        query_loss: mean query loss after adaptation, since the last report.
        seconds: since the start of this ``fit``.
        validation_loss: adapted query loss of the validation tasks, where they were just scored.
        zero_step_loss: their query loss at the initialisation.
        compiling: True for the one report before the first step.
        query_losses: ``[steps since the last report]``, the query loss of each.
    """

    step: int
    steps: int
    support_loss: float
    query_loss: float
    seconds: float
    validation_loss: float | None = None
    zero_step_loss: float | None = None
    compiling: bool = False
    query_losses: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)


Callback = Callable[[Progress], None]


@dataclass
class History:
    """What happened in :meth:`MetaLearner.fit <tsmaml.engine.MetaLearner.fit>`.

    Attributes:
        reports: one :class:`Progress` each, oldest first.
        step: outer steps done in all.
        best_step: the step whose meta-parameters were kept.
        stopped_by: ``"steps"``, ``"patience"``, ``"interrupt"`` or ``"not finite"``.
        curve: losses by outer step, those before a resumption among them.
    """

    reports: list[Progress] = field(default_factory=list)
    step: int = 0
    best_step: int = 0
    stopped_by: str = "steps"
    curve: Curve = field(default_factory=Curve)


class OuterLoop:
    """Outer steps on a meta-batch sampler, compiled once.

    Args:
        problem: model, loss and algorithm.
        state: meta-parameters and optimiser, moved in place.
        map_tasks: way of mapping over tasks.
        jit: whether XLA compiles.
        seed: of the sampler and of random layers.
        n_chunks: into how many chunks a meta-batch is split; None: as memory asks for.
    """

    def __init__(
        self,
        problem: Problem,
        state: OuterState,
        map_tasks: MapTasks,
        jit: bool,
        seed: int,
        n_chunks: int | None = None,
    ) -> None:
        self.problem, self.state, self.seed = problem, state, seed
        self._map_tasks, self._jit, self._n_chunks = map_tasks, jit, n_chunks
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="outer_step")
        self.total = tf.Variable(0, dtype=tf.int64, trainable=False, name="outer_steps_wanted")
        self.traces = 0
        self.steps_a_call = 1  # fitted to the clock by train()
        self._runs: dict[Any, Any] = {}
        self._score = tf.function(self._score_batch, jit_compile=jit, autograph=False)

    def run(self, sampler: Sampler | Iterator[TaskBatch], n_steps: int) -> np.ndarray:
        """Do ``n_steps`` outer steps.

        Returns:
            ``[n_steps, 2]``, the support and the query loss of each step, means over its tasks.
        """
        if callable(sampler):
            if sampler not in self._runs:
                self._runs[sampler] = tf.function(
                    lambda count: self._many_steps(sampler, count),
                    jit_compile=self._jit,
                    autograph=False,
                )
            counts = [min(LONGEST_CALL, n_steps - i) for i in range(0, n_steps, LONGEST_CALL)]
            return np.concatenate(
                [self._runs[sampler](tf.constant(count)).numpy()[:count] for count in counts]
            )
        if "fed" not in self._runs:
            self._runs["fed"] = tf.function(self._fed_step, jit_compile=self._jit, autograph=False)
        losses = []
        for _ in range(n_steps):
            batch = next(sampler, None)
            if batch is None:
                raise TrainingError("The sampler ran out of task batches before the last step.")
            losses.append(self._runs["fed"](TaskBatch(*batch)).numpy())
        return np.stack(losses)

    def knows(self, sampler: Sampler) -> bool:
        """Whether steps on this sampler have been compiled."""
        return sampler in self._runs

    def check(self, batch: TaskBatch) -> None:
        """Refuse, before anything is compiled, a batch that can't be learned from.

        Raises:
            TrainingError: if shapes do not fit, or a task's loss is not finite at the start.
        """
        check_batch(batch)
        meta = self.state.meta()

        @tf.function(autograph=False)
        def loss_of(task: Samples) -> tf.Tensor:
            return task_loss(self.problem, meta.parameters, task)

        for part, samples in (("support", Samples(*batch[:3])), ("query", Samples(*batch[3:]))):
            # Task by task: errors in a mapped function lose their type.
            tasks = [
                tf.nest.map_structure(lambda tensor, task=task: tensor[task], samples)
                for task in range(len(samples.weights))
            ]
            # Traced once by intent: TensorFlow would warn of it from the fifth fit on.
            once = loss_of.get_concrete_function(tasks[0])
            if part == "support" and self.problem.solved_head is not None:
                self.problem.solved_head.check(meta.parameters, tasks[0].inputs)
            at_fault = np.flatnonzero([not math.isfinite(once(task)) for task in tasks])
            if at_fault.size:
                raise TrainingError(
                    f"The {part} loss of task {at_fault[0]} is not finite before the first step "
                    f"({at_fault.size} of {len(batch[2])} tasks).",
                    hint="Look for missing or infinite values in its inputs and targets, "
                    "or give them a weight of 0.",
                )

    def data_seed(self) -> tf.Tensor:
        """What the sampler draws the next meta-batch from: int64 ``[2]``."""
        return tf.stack([tf.constant(self.seed, tf.int64), self.step])

    def score(self, batches: Iterable[TaskBatch]) -> tuple[float, float]:
        """Query loss of the initialisation and of the adapted parameters, mean over all tasks."""
        sums = np.zeros(3)
        for batch in batches:
            sums += np.array([float(part) for part in self._score(self.state.kept(), batch)])
        return float(sums[0] / sums[2]), float(sums[1] / sums[2])

    def _many_steps(self, sampler: Sampler, count: tf.Tensor) -> tf.Tensor:
        """Steps in one in-graph loop, sampling included; the first ``count`` rows are losses."""
        self.traces += 1

        def body(index: Any, losses: Any) -> tuple[Any, Any]:
            of_step = self._one_step(sampler(self.data_seed()))
            return index + 1, tf.tensor_scatter_nd_update(losses, [[index]], [of_step])

        start = tf.zeros([LONGEST_CALL, 2], self.problem.net.dtype)
        return tf.while_loop(lambda index, _: index < count, body, (tf.constant(0), start))[1]

    def _fed_step(self, batch: TaskBatch) -> tf.Tensor:
        self.traces += 1
        return self._one_step(batch)

    def _one_step(self, batch: TaskBatch) -> tf.Tensor:
        check_batch(batch)
        # Another stream than the sampler's: the two must not draw the same numbers.
        seed = tf.stack([tf.constant(self.seed + 2**31, tf.int64), self.step])
        moment = Moment(self.step.value(), self.total.value())
        grads, losses = outer_gradient(
            self.problem, self.state.meta(), batch, seed, self._map_tasks, self._n_chunks, moment
        )
        falling = self.problem.algorithm.outer_rate == "cosine"
        self.state.apply(grads, cosine(moment.share(1.0, "float32")) if falling else None)
        self.step.assign_add(1)
        return tf.stack(losses)

    def _score_batch(self, meta: Meta, batch: TaskBatch) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Sums over tasks of the zero-step and the adapted query loss, and how many count."""
        self.traces += 1
        steps = tf.constant(self.problem.algorithm.steps)
        outputs = adapted_outputs(
            self.problem, meta, Samples(*batch[:3]), batch.query_inputs, steps, self._map_tasks
        )

        def losses(task: Any) -> Any:
            zero_step, adapted, query = task
            before, after = (
                loss_of(self.problem, part, Samples(*query)) for part in (zero_step, adapted)
            )
            return before, after, tf.cast(tf.reduce_any(query[2] > 0), before.dtype)

        before, after, counts = self._map_tasks(
            losses, (outputs.zero_step, outputs.adapted, tuple(batch[3:]))
        )
        return (
            tf.reduce_sum(before * counts),
            tf.reduce_sum(after * counts),
            tf.reduce_sum(counts),
        )


@dataclass
class Best:
    """The meta-parameters with the lowest validation loss so far."""

    meta: tuple[np.ndarray, ...]
    loss: float = math.inf
    step: int = 0
    stale: int = 0


def train(
    outer: OuterLoop,
    sampler: Sampler | Iterator[TaskBatch],
    steps: int,
    *,
    validation: list[TaskBatch],
    validate_every: int,
    patience: int | None,
    callbacks: list[Callback],
    best: Best,
    curve: Curve,
    on_pause: Callable[[], None] | None = None,
    pause_seconds: float = 60.0,
    pause_steps: int | None = None,
    report_seconds: float = 0.5,
) -> History:
    """Run the outer loop until ``steps`` in all, patience or an interrupt ends it.

    The meta-parameters are left at the best validated step, or at the last where there are no
    validation tasks. How many steps one compiled call takes is fitted to ``report_seconds``;
    it has no influence on the result.

    Args:
        best, curve: of the run so far, moved in place.
        on_pause: called every ``pause_seconds``, at each multiple of ``pause_steps``, and at the
            end, with everything still in place for a checkpoint.
    """
    history = History(step=int(outer.step), best_step=best.step, curve=curve)
    outer.total.assign(steps)
    started = paused = time.monotonic()

    def report(progress: Progress) -> None:
        history.reports.append(progress)
        for callback in callbacks:
            callback(progress)

    def validate(support: float, query: float) -> None:
        zero_step, adapted = outer.score(validation)
        if adapted < best.loss:
            best.meta, best.loss = _snapshot(outer.state), adapted
            best.step, best.stale = history.step, 0
        else:
            best.stale += 1
        curve.validation.append((history.step, zero_step, adapted))
        elapsed = time.monotonic() - started
        report(Progress(history.step, steps, support, query, elapsed, adapted, zero_step))

    report(Progress(history.step, steps, math.nan, math.nan, 0.0, compiling=True))
    try:
        if validation and history.step == 0:
            validate(math.nan, math.nan)
        while history.step < steps:
            before = time.monotonic()
            due = validate_every - history.step % validate_every if validation else steps
            pause = pause_steps - history.step % pause_steps if pause_steps else steps
            n_steps = min(outer.steps_a_call, due, pause, steps - history.step)
            losses = outer.run(sampler, n_steps)
            support, query = (float(mean) for mean in losses.mean(axis=0))
            if not math.isfinite(query):
                _stop_not_finite(outer, history, best, support, query)
                break
            history.step += n_steps
            curve.add(history.step, losses[:, 1])
            took = max(time.monotonic() - before, 1e-6)
            if (
                n_steps == outer.steps_a_call
            ):  # the first also compiles: it grows from 1 at any rate
                outer.steps_a_call = int(min(max(1, n_steps * report_seconds / took), 4 * n_steps))
            elapsed = time.monotonic() - started
            report(
                Progress(history.step, steps, support, query, elapsed, query_losses=losses[:, 1])
            )
            if validation and (history.step % validate_every == 0 or history.step == steps):
                validate(support, query)
                if patience is not None and best.stale > patience:
                    history.stopped_by = "patience"
                    break
            is_due = pause_steps and history.step % pause_steps == 0
            if on_pause is not None and (is_due or time.monotonic() - paused > pause_seconds):
                on_pause()
                paused = time.monotonic()
    except KeyboardInterrupt:
        history.stopped_by = "interrupt"
        history.step = int(outer.step)
    if on_pause is not None and history.stopped_by != "not finite":
        on_pause()
    if validation and best.meta:
        outer.state.assign(_meta_of(outer.state, best.meta))
        history.best_step = best.step
    else:
        outer.state.assign(outer.state.kept())
        history.best_step = history.step
    return history


def _stop_not_finite(
    outer: OuterLoop, history: History, best: Best, support: float, query: float
) -> None:
    """A loss turned NaN or infinite: go back to the best state, or say that there is none."""
    if not best.meta or best.step == 0:
        raise TrainingError(
            f"The loss is not finite after outer step {int(outer.step)} "
            f"(support {support}, query {query}).",
            hint="Lower the inner rate or the outer learning rate, or clip with clip_norm=... "
            "(algorithm) and global_clipnorm=... (optimiser).",
        )
    history.stopped_by = "not finite"


def _snapshot(state: OuterState) -> tuple[np.ndarray, ...]:
    return tuple(np.array(part) for part in tf.nest.flatten(state.kept()))


def _meta_of(state: OuterState, arrays: tuple[np.ndarray, ...]) -> Meta:
    return tf.nest.pack_sequence_as(state.meta(), [tf.constant(array) for array in arrays])


def checkpoint_arrays(outer: OuterLoop, best: Best, curve: Curve) -> dict[str, np.ndarray]:
    """Everything that a resumed run needs to end with the same bits."""
    arrays = {**outer.state.arrays(), **curve.arrays()}
    arrays["step"] = np.array(int(outer.step))
    arrays["best.loss"] = np.array(best.loss)
    arrays["best.counts"] = np.array([best.step, best.stale])
    arrays.update({f"best.{i}": part for i, part in enumerate(best.meta)})
    return arrays


def restore_arrays(outer: OuterLoop, arrays: Mapping[str, np.ndarray]) -> Best:
    """Take back what :func:`checkpoint_arrays` gave."""
    outer.state.restore(arrays)
    outer.step.assign(int(arrays["step"]))
    parts: list[np.ndarray] = []
    while f"best.{len(parts)}" in arrays:
        parts.append(arrays[f"best.{len(parts)}"])
    step, stale = (int(part) for part in arrays["best.counts"])
    return Best(tuple(parts), float(arrays["best.loss"]), step, stale)
