"""Adaptation in use: many tasks side by side, each kept at its best finite state."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from tsmaml.engine.functional import Parameters
from tsmaml.engine.inner_loop import inner_step
from tsmaml.engine.problem import Meta, Problem, Samples, put, take, task_loss
from tsmaml.engine.ridge import LinearHead


class Adapted(NamedTuple):
    """Parameters of tasks after adaptation.

    Attributes:
        fast: the adapted variables, each ``[tasks, ...]``.
        support_loss: ``[tasks]``, the lowest support loss that was met, that of ``fast``.
        zero_step_loss: ``[tasks]``, the support loss of the initialisation.
        steps: ``[tasks]`` int32, the inner step at which ``fast`` was met (0: the initialisation).
    """

    fast: Parameters
    support_loss: tf.Tensor
    zero_step_loss: tf.Tensor
    steps: tf.Tensor


def adapt_tasks(
    problem: Problem, meta: Meta, support: Samples, steps: tf.Tensor, map_tasks: Any
) -> Adapted:
    """Adapt tasks side by side; each keeps its best finite state, judged on its support.

    More steps than a model was meta-trained with can diverge, so that the last state is not always
    the best; and it is never a state whose loss is not finite.

    Args:
        support: samples with a leading task axis.
        steps: int32 scalar, how many inner steps (a closed form is solved in one); a tensor: one
            compilation serves all counts.
        map_tasks: ``map_tasks(function, elements)`` as in :mod:`tsmaml.engine.mapping`.
    """
    n_tasks = support.weights.shape[0]
    start = tuple(
        tf.tile(part[tf.newaxis], [n_tasks] + [1] * part.shape.rank)
        for part in take(problem, meta.parameters)
    )

    def step_of_all(fast: Parameters, slots: Any, step: tf.Tensor) -> tuple[Any, Any, Any]:
        return map_tasks(
            lambda task: inner_step(problem, meta, task[0], task[1], Samples(*task[2]), step),
            (fast, slots, tuple(support)),
        )

    def loss_of_all(fast: Parameters) -> tf.Tensor:
        return map_tasks(
            lambda task: task_loss(
                problem, put(problem, meta.parameters, task[0]), Samples(*task[1])
            ),
            (fast, tuple(support)),
        )

    def keep_better(best: Adapted, fast: Parameters, loss: tf.Tensor, step: tf.Tensor) -> Adapted:
        finite = tf.reduce_all(
            [tf.reduce_all(tf.reshape(tf.math.is_finite(part), [n_tasks, -1]), 1) for part in fast],
            axis=0,
        )
        better = finite & tf.math.is_finite(loss) & (loss < best.support_loss)

        def choose(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
            return tf.where(tf.reshape(better, [n_tasks] + [1] * (new.shape.rank - 1)), new, old)

        return Adapted(
            tuple(choose(new, old) for new, old in zip(fast, best.fast, strict=True)),
            choose(loss, best.support_loss),
            best.zero_step_loss,
            choose(tf.fill([n_tasks], step), best.steps),
        )

    def solved(head: LinearHead, best: Adapted) -> Adapted:
        fast = map_tasks(
            lambda task: head.solve(meta.parameters, meta.rates, Samples(*task)), tuple(support)
        )
        steps_done = tf.minimum(steps, 1)
        loss = tf.where(steps_done > 0, loss_of_all(fast), best.zero_step_loss)
        return keep_better(best, fast, loss, steps_done)

    def body(step: tf.Tensor, fast: Parameters, slots: Any, best: Adapted) -> tuple[Any, ...]:
        loss, moved, slots = step_of_all(fast, slots, step)
        # The loss that a step reports is that of the state before it.
        best = keep_better(best, fast, loss, step)
        return step + 1, tuple(moved), slots, best

    zero_step_loss = loss_of_all(start)
    best = Adapted(start, zero_step_loss, zero_step_loss, tf.zeros([n_tasks], tf.int32))
    if problem.head is not None:
        return solved(problem.head, best)
    slots = problem.algorithm.rule.start(start)
    _, fast, _, best = tf.while_loop(
        lambda step, *_: step < steps, body, (tf.constant(0), start, slots, best)
    )
    return keep_better(best, fast, loss_of_all(fast), steps)
