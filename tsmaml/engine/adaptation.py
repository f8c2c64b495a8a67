"""The inner loop: from shared parameters to a task's own, as pure functions.

Meta-parameters are the model's parameters and the learned inner rates. *Fast* parameters
are the subset that adaptation moves; the rest stays shared between the tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tsmaml.engine.algorithms import Algorithm
from tsmaml.engine.functional import FunctionalModel, Parameters
from tsmaml.engine.objective import Loss, weighted_mean


class Meta(NamedTuple):
    """What the outer loop learns."""

    parameters: Parameters
    rates: Parameters


class Problem(NamedTuple):
    """What stays the same for every task: model, loss, algorithm, which variables move."""

    net: FunctionalModel
    loss: Loss
    algorithm: Algorithm
    chosen: tuple[int, ...]
    layers: tuple[int, ...]

    @classmethod
    def of(cls, net: FunctionalModel, loss: Loss, algorithm: Algorithm) -> Problem:
        """Resolve what the algorithm adapts on this model."""
        chosen = net.select(algorithm.adapts)
        return cls(net, loss, algorithm, chosen, net.layers_of(chosen))


class Samples(NamedTuple):
    """Support or query of one task: inputs, targets, weights."""

    inputs: Any
    targets: Any
    weights: tf.Tensor


def initial_rates(problem: Problem) -> Parameters:
    """Learned rates before training, all equal to the algorithm's rate.

    Returns:
        ``()``, ``([],)``, ``([layers],)``, ``([layers, steps],)`` or one tensor like each adapted
        variable, for ``learned_rates`` None, scalar, layer, layer_step and parameter.
    """
    algorithm, dtype = problem.algorithm, problem.net.dtype
    layers = max(problem.layers) + 1
    shapes: dict[str | None, list[tuple[int, ...]]] = {
        None: [],
        "scalar": [()],
        "layer": [(layers,)],
        "layer_step": [(layers, algorithm.steps)],
        "parameter": [problem.net.shapes[i] for i in problem.chosen],
    }
    return tuple(
        tf.fill(shape, tf.constant(algorithm.rate, dtype))
        for shape in shapes[algorithm.learned_rates]
    )


def take(problem: Problem, parameters: Sequence[tf.Tensor]) -> Parameters:
    """The subset that adaptation moves."""
    return tuple(parameters[i] for i in problem.chosen)


def put(problem: Problem, parameters: Sequence[tf.Tensor], fast: Sequence[tf.Tensor]) -> Parameters:
    """All parameters, with the fast ones in their places."""
    merged = list(parameters)
    for index, value in zip(problem.chosen, fast, strict=True):
        merged[index] = value
    return tuple(merged)


def task_loss(
    problem: Problem,
    parameters: Sequence[tf.Tensor],
    samples: Samples,
    seed: tf.Tensor | None = None,
) -> tf.Tensor:
    """Weighted mean loss of one task's samples: a scalar."""
    outputs = problem.net(parameters, samples.inputs, training=True, seed=seed)
    return weighted_mean(problem.loss(samples.targets, outputs), samples.weights)


def support_gradient(
    problem: Problem,
    meta: Meta,
    fast: Parameters,
    support: Samples,
    seed: tf.Tensor | None,
) -> tuple[tf.Tensor, Parameters]:
    """Loss at the fast parameters and the gradient that the inner rule sees (pulled, clipped)."""
    algorithm = problem.algorithm
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(fast)
        loss = task_loss(problem, put(problem, meta.parameters, fast), support, seed)
    grads = tape.gradient(loss, fast, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    if algorithm.order == 1:
        grads = [tf.stop_gradient(grad) for grad in grads]
    if algorithm.pull:
        anchor = take(problem, meta.parameters)
        grads = [g + algorithm.pull * (f - a) for g, f, a in zip(grads, fast, anchor, strict=True)]
    if algorithm.clip_norm is not None:
        grads = _clip(grads, algorithm.clip_norm)
    return loss, tuple(grads)


def _clip(grads: Sequence[tf.Tensor], norm: float) -> list[tf.Tensor]:
    """Scale down to a global norm; differentiable at a zero gradient, unlike the plain root."""
    squared = tf.add_n([tf.reduce_sum(tf.square(grad)) for grad in grads])
    too_long = squared > norm**2
    length = tf.sqrt(tf.where(too_long, squared, tf.ones_like(squared)))
    factor = tf.where(too_long, norm / length, tf.ones_like(squared))
    return [grad * factor for grad in grads]


def _rate(problem: Problem, rates: Parameters, index: int, step: Any) -> tf.Tensor | float:
    """Rate of the ``index``-th adapted variable at inner step ``step`` (0, 1, ...)."""
    match problem.algorithm.learned_rates:
        case None:
            return problem.algorithm.rate
        case "scalar":
            return rates[0]
        case "layer":
            return rates[0][problem.layers[index]]
        case "layer_step":
            # Beyond the trained number of steps, the last step's rates go on.
            last = problem.algorithm.steps - 1
            return rates[0][problem.layers[index]][tf.minimum(step, last)]
        case _:
            return rates[index]


def inner_step(
    problem: Problem,
    meta: Meta,
    fast: Parameters,
    slots: Any,
    support: Samples,
    step: Any,
    seed: tf.Tensor | None = None,
) -> tuple[tf.Tensor, Parameters, Any]:
    """One step of adaptation: ``fast - rate * direction`` (Finn et al. 2017, eq. 1).

    Returns:
        the support loss before the step, the fast parameters and the slots after it.
    """
    loss, grads = support_gradient(problem, meta, fast, support, seed)
    directions, slots = problem.algorithm.rule.direction(grads, slots, step + 1)
    moved = tuple(
        part - _rate(problem, meta.rates, index, step) * direction
        for index, (part, direction) in enumerate(zip(fast, directions, strict=True))
    )
    return loss, moved, slots


def unrolled(
    problem: Problem, meta: Meta, support: Samples, seed: tf.Tensor | None = None
) -> tuple[tf.Tensor, list[Parameters]]:
    """The inner loop of meta-training for one task, unrolled so that it can be differentiated.

    Returns:
        the support loss before the first step, and the fast parameters after each step.
    """
    fast = take(problem, meta.parameters)
    if problem.algorithm.order == 1:
        fast = tuple(tf.identity(part) for part in fast)
    slots = problem.algorithm.rule.start(fast)
    states: list[Parameters] = []
    first_loss = tf.constant(0.0, problem.net.dtype)
    for step in range(problem.algorithm.steps):
        loss, fast, slots = inner_step(problem, meta, fast, slots, support, step, seed)
        first_loss = loss if step == 0 else first_loss
        states.append(fast)
    return first_loss, states


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
        steps: int32 scalar, how many inner steps; a tensor: one compilation serves all counts.
        map_tasks: ``map_tasks(function, elements)`` as in :mod:`tsmaml.engine.mapping`.
    """
    n_tasks = support.weights.shape[0]
    # Eager and deterministic: random layers are off while a forecast is being made.
    start = tuple(
        tf.tile(part[tf.newaxis], [n_tasks] + [1] * part.shape.rank)
        for part in take(problem, meta.parameters)
    )
    slots = problem.algorithm.rule.start(start)

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

    def body(step: tf.Tensor, fast: Parameters, slots: Any, best: Adapted) -> tuple[Any, ...]:
        loss, moved, slots = step_of_all(fast, slots, step)
        # The loss that a step reports is that of the state before it.
        best = keep_better(best, fast, loss, step)
        return step + 1, tuple(moved), slots, best

    zero_step_loss = loss_of_all(start)
    best = Adapted(start, zero_step_loss, zero_step_loss, tf.zeros([n_tasks], tf.int32))
    _, fast, _, best = tf.while_loop(
        lambda step, *_: step < steps, body, (tf.constant(0), start, slots, best)
    )
    return keep_better(best, fast, loss_of_all(fast), steps)
