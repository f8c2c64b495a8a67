"""The inner loop: from shared parameters to a task's own, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tsmaml.engine.functional import Parameters, dense_gradient
from tsmaml.engine.linear_head import LinearHead, View
from tsmaml.engine.problem import Meta, Problem, Samples, loss_of, put, take, task_loss
from tsmaml.engine.ridge import solve, solved_view
from tsmaml.engine.shrinkage import between, shares_of_way


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
    grads = dense_gradient(tape, loss, fast)
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


def adapted_states(
    problem: Problem, meta: Meta, support: Samples, seed: tf.Tensor | None = None
) -> tuple[tf.Tensor, list[Parameters]]:
    """The inner loop of meta-training for one task, unrolled so that it can be differentiated.

    Returns:
        the support loss before the first step, and the fast parameters after each step, as they are
        used (:func:`as_used`).
    """
    if problem.solved_head is not None:
        loss = task_loss(problem, meta.parameters, support, seed)
        return loss, [solve(problem.solved_head, meta.parameters, meta.rates, support, seed)]
    fast = take(problem, meta.parameters)
    if problem.algorithm.order == 1:
        fast = tuple(tf.identity(part) for part in fast)
    slots = problem.algorithm.rule.start(fast)
    states: list[Parameters] = []
    first_loss = tf.constant(0.0, problem.net.dtype)
    for step in range(problem.algorithm.steps):
        loss, fast, slots = inner_step(problem, meta, fast, slots, support, step, seed)
        first_loss = loss if step == 0 else first_loss
        states.append(as_used(problem, meta, fast, support.weights))
    return first_loss, states


def as_used(problem: Problem, meta: Meta, fast: Parameters, weights: tf.Tensor) -> Parameters:
    """Fast parameters of a task, as far of their way as shrinkage takes them.

    Args:
        weights: of the support.
    """
    if problem.algorithm.shrinkage is None:
        return fast
    shares = shares_of_way(meta.rates[-1], weights)
    of_each = [shares[layer] for layer in problem.layers]
    return between(take(problem, meta.parameters), fast, of_each)


class Seen(NamedTuple):
    """A task seen through its linear head.

    Attributes:
        way: where the inner loop is.
        used: where the task is taken; the same without shrinkage.
    """

    way: View
    used: View


def view_of(
    problem: Problem,
    meta: Meta,
    head: LinearHead,
    support: Samples,
    query: Any,
    seed: tf.Tensor | None = None,
) -> View:
    """A task before the first step, seen through the head.

    Args:
        query: inputs.
    """
    constant = problem.algorithm.order == 1
    return head.view(meta.parameters, support.inputs, query, seed, constant)


def view_step(
    problem: Problem, meta: Meta, head: LinearHead, seen: Seen, support: Samples, step: Any
) -> tuple[tf.Tensor, Seen]:
    """One step of adaptation of a linear head, taken on outputs instead of weights.

    The gradient with regard to ``W_k`` is ``F_k^T G``, where ``G`` is that with regard to outputs: the
    same as :func:`inner_step`, but for rounding, for a small part of the work.

    Returns:
        the support loss before the step, and the views after it.
    """
    view = seen.way
    if problem.algorithm.solver == "ridge":
        loss = loss_of(problem, view.support, support)
        solved = solved_view(head, view, meta.rates, support)
        return loss, Seen(solved, solved)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(view.support)
        loss = loss_of(problem, view.support, support)
    (gradient,) = dense_gradient(tape, loss, [view.support])
    if problem.algorithm.order == 1:
        gradient = tf.stop_gradient(gradient)
    places = [problem.chosen.index(of_layer["kernel"]) for of_layer in head.of_layer]
    rates = [_rate(problem, meta.rates, place, step) for place in places]
    moved = head.moved(view, [-rate for rate in rates], gradient)
    if problem.algorithm.shrinkage is None:
        return loss, Seen(moved, moved)
    # Outputs are sums of what each layer's way makes of them: so are those of parts of these ways.
    shares = shares_of_way(meta.rates[-1], support.weights)
    parts = [
        -rate * shares[problem.layers[place]] for rate, place in zip(rates, places, strict=True)
    ]
    return loss, Seen(moved, head.moved(seen.used, parts, gradient))


def adapted_views(
    problem: Problem,
    meta: Meta,
    head: LinearHead,
    support: Samples,
    query: Any,
    seed: tf.Tensor | None = None,
) -> tuple[tf.Tensor, list[View]]:
    """As :func:`adapted_states`, through the head: the support loss, and the view after each step."""
    start = view_of(problem, meta, head, support, query, seed)
    seen = Seen(start, start)
    views: list[View] = []
    first_loss = tf.constant(0.0, problem.net.dtype)
    for step in range(problem.algorithm.steps):
        loss, seen = view_step(problem, meta, head, seen, support, step)
        first_loss = loss if step == 0 else first_loss
        views.append(seen.used)
    return first_loss, views
