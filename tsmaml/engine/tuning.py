"""Adaptation to one large task, such as a whole collection: many Adam steps on drawn batches.

All samples of the task share one set of parameters, so that a step costs as much as one of ordinary
training, and hundreds are affordable. How far to go is left to the caller, who shrinks the outcome
back towards the initialisation (:func:`tsmaml.engine.shrinkage.between`), which is L2-SP's pull
(Li, Grandvalet, Davoine 2018) or WiSE-FT's average of weights (Wortsman et al. 2022), done after the fact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tsmaml.engine.annealing import cosine
from tsmaml.engine.functional import Parameters, dense_gradient
from tsmaml.engine.inner_rules import Adam
from tsmaml.engine.problem import Problem, Samples, task_loss

BatchSampler = Callable[[tf.Tensor, Any], tuple[Any, Any, tf.Tensor]]


def tune(
    problem: Problem,
    sampler: BatchSampler,
    seed: int,
    start: Parameters,
    data: Any,
    n_steps: tf.Tensor,
    rate: tf.Tensor,
) -> Parameters:
    """Adam on all parameters (Kingma and Ba 2015), its rate falling to 0 as a cosine.

    Args:
        problem: model and loss.
        sampler: ``(inputs, targets, weights)`` of a batch from a seed, int64 ``[2]``, and ``data``.
        seed: of the sampler.
        start: the model's parameters.
        data: nest of tensors.
        n_steps: int32 scalar.
        rate: at the first step.

    Returns:
        the parameters after the last step whose gradient was finite.
    """
    rule = Adam()

    def body(step: tf.Tensor, fast: Parameters, slots: Any) -> tuple[Any, ...]:
        now = tf.cast(step, tf.int64)
        samples = Samples(*sampler(tf.stack([tf.constant(seed, tf.int64), now]), data))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fast)
            loss = task_loss(problem, fast, samples)
        grads = dense_gradient(tape, loss, fast)
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(grad)) for grad in grads])
        grads = [tf.where(finite, grad, tf.zeros_like(grad)) for grad in grads]
        directions, slots = rule.direction(grads, slots, step + 1)
        falling = rate * cosine(tf.cast(step, loss.dtype) / tf.cast(n_steps, loss.dtype))
        falling = tf.where(finite, falling, tf.zeros_like(falling))
        moved = tuple(
            part - falling * direction for part, direction in zip(fast, directions, strict=True)
        )
        return step + 1, moved, slots

    start = tuple(tf.identity(part) for part in start)
    return tf.while_loop(
        lambda step, *_: step < n_steps, body, (tf.constant(0), start, rule.start(start))
    )[1]
