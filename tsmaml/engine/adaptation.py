"""Adaptation in use: many tasks side by side, each kept at its best finite state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tsmaml.engine.functional import Parameters
from tsmaml.engine.inner_loop import Seen, as_used, inner_step, view_of, view_step
from tsmaml.engine.linear_head import LinearHead, View
from tsmaml.engine.problem import Meta, Problem, Samples, loss_of, outputs_for, put, take, task_loss
from tsmaml.engine.ridge import solve


class Adapted(NamedTuple):
    """Parameters of tasks after adaptation.

    Attributes:
        fast: the adapted variables, each ``[tasks, ...]``.
        support_loss: ``[tasks]``, that of ``fast``: the lowest that was met, or what shrinkage makes
            of it.
        zero_step_loss: ``[tasks]``, the support loss of the initialisation.
        steps: ``[tasks]`` int32, the inner step at which ``fast`` was met (0: the initialisation).
    """

    fast: Parameters
    support_loss: tf.Tensor
    zero_step_loss: tf.Tensor
    steps: tf.Tensor


class Outputs(NamedTuple):
    """Outputs of tasks for their queries, ``[tasks, samples, ...]``.

    Attributes:
        adapted, zero_step: with and without adaptation.
        steps: as :class:`Adapted` has them.
    """

    adapted: Any
    zero_step: Any
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
        if problem.solved_head is not None:
            return loss_of_all(fast), solved_for_all(problem.solved_head), slots
        loss, moved, slots = map_tasks(
            lambda task: inner_step(problem, meta, task[0], task[1], Samples(*task[2]), step),
            (fast, slots, tuple(support)),
        )
        return loss, tuple(moved), slots

    def loss_of_all(fast: Parameters) -> tf.Tensor:
        return map_tasks(
            lambda task: task_loss(
                problem, put(problem, meta.parameters, task[0]), Samples(*task[1])
            ),
            (fast, tuple(support)),
        )

    def solved_for_all(head: LinearHead) -> Parameters:
        found: Parameters = map_tasks(
            lambda task: solve(head, meta.parameters, meta.rates, Samples(*task)),
            tuple(support),
        )
        return found

    slots = problem.algorithm.rule.start(start)
    fast, loss, first_loss, step = _best_state(
        start, slots, step_of_all, loss_of_all, _limit(problem, steps)
    )
    if problem.algorithm.shrinkage is not None:
        fast = tuple(
            map_tasks(
                lambda task: as_used(problem, meta, task[0], task[1]), (fast, support.weights)
            )
        )
        loss = loss_of_all(fast)
    return Adapted(fast, loss, first_loss, step)


def adapted_outputs(
    problem: Problem,
    meta: Meta,
    support: Samples,
    query: Any,
    steps: tf.Tensor,
    map_tasks: Any,
) -> Outputs:
    """Outputs for the query of tasks that adapt side by side, and those at zero steps.

    Args:
        query: inputs with a leading task axis.
        support, steps, map_tasks: as of :func:`adapt_tasks`.
    """
    head = problem.head_for(support.weights.shape[1])
    if head is not None:
        return _seen_through(head, problem, meta, support, query, steps, map_tasks)
    adapted = adapt_tasks(problem, meta, support, steps, map_tasks)
    return Outputs(
        outputs_of(problem, meta, adapted.fast, query, map_tasks),
        outputs_of(problem, meta, None, query, map_tasks),
        adapted.steps,
    )


def outputs_of(
    problem: Problem, meta: Meta, fast: Parameters | None, query: Any, map_tasks: Any
) -> Any:
    """Outputs for inputs ``[tasks, samples, ...]``, of adapted tasks, or at zero steps (None)."""
    if fast is None:
        return map_tasks(lambda inputs: outputs_for(problem, meta.parameters, inputs), query)
    return map_tasks(
        lambda task: outputs_for(problem, put(problem, meta.parameters, task[0]), task[1]),
        (fast, query),
    )


def _seen_through(
    head: LinearHead,
    problem: Problem,
    meta: Meta,
    support: Samples,
    query: Any,
    steps: tf.Tensor,
    map_tasks: Any,
) -> Outputs:
    """:func:`adapted_outputs` where only outputs move, see :class:`View`."""
    start: View = map_tasks(
        lambda task: view_of(problem, meta, head, Samples(*task[0]), task[1]),
        (tuple(support), query),
    )

    products = (start.of_support, start.of_query)
    # Support and query of the way, then of what is used where that is something else.
    n_views = 1 if problem.algorithm.shrinkage is None else 2

    def step_of_all(outputs: Any, slots: Any, step: tf.Tensor) -> tuple[Any, Any, Any]:
        def of_task(task: Any) -> tuple[tf.Tensor, Any]:
            outputs, products, support = task
            before = Seen(View(*outputs[:2], *products), View(*outputs[-2:], *products))
            loss, after = view_step(problem, meta, head, before, Samples(*support), step)
            return loss, tuple((view.support, view.query) for view in after[:n_views])

        loss, moved = map_tasks(of_task, (outputs, products, tuple(support)))
        return loss, tuple(part for view in moved for part in view), slots

    def loss_of_all(outputs: Any) -> tf.Tensor:
        return map_tasks(
            lambda task: loss_of(problem, task[0], Samples(*task[1])), (outputs[0], tuple(support))
        )

    best, _, _, found = _best_state(
        (start.support, start.query) * n_views,
        (),
        step_of_all,
        loss_of_all,
        _limit(problem, steps),
    )
    return Outputs(best[-1], start.query, found)


def _limit(problem: Problem, steps: tf.Tensor) -> tf.Tensor:
    """A closed form is solved in one step."""
    return tf.minimum(steps, 1) if problem.algorithm.solver == "ridge" else steps


def _best_state(
    start: tuple[tf.Tensor, ...],
    slots: Any,
    step_of_all: Callable[..., tuple[Any, Any, Any]],
    loss_of_all: Callable[..., tf.Tensor],
    steps: tf.Tensor,
) -> tuple[tuple[tf.Tensor, ...], tf.Tensor, tf.Tensor, tf.Tensor]:
    """The best finite state of each task on its way, its loss, that of the start, and its step.

    Args:
        start: the first state, tensors ``[tasks, ...]``.
        slots: of the inner rule.
        step_of_all: ``(state, slots, step) -> (loss before it, state, slots)``.
        loss_of_all: ``state -> [tasks]``.
        steps: how many.
    """
    n_tasks = start[0].shape[0]

    def keep_better(best: Any, state: Any, loss: tf.Tensor, step: tf.Tensor) -> Any:
        finite = tf.reduce_all(
            [
                tf.reduce_all(tf.reshape(tf.math.is_finite(part), [n_tasks, -1]), 1)
                for part in state
            ],
            axis=0,
        )
        best_state, best_loss, best_step = best
        better = finite & tf.math.is_finite(loss) & (loss < best_loss)

        def choose(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
            return tf.where(tf.reshape(better, [n_tasks] + [1] * (new.shape.rank - 1)), new, old)

        kept = tuple(choose(new, old) for new, old in zip(state, best_state, strict=True))
        return kept, choose(loss, best_loss), choose(tf.fill([n_tasks], step), best_step)

    def body(step: tf.Tensor, state: Any, slots: Any, best: Any) -> tuple[Any, ...]:
        loss, moved, slots = step_of_all(state, slots, step)
        # The loss that a step reports is that of the state before it.
        return step + 1, moved, slots, keep_better(best, state, loss, step)

    first_loss = loss_of_all(start)
    best = (start, first_loss, tf.zeros([n_tasks], tf.int32))
    _, last, _, best = tf.while_loop(
        lambda step, *_: step < steps, body, (tf.constant(0), start, slots, best)
    )
    state, loss, step = keep_better(best, last, loss_of_all(last), steps)
    return state, loss, first_loss, step
