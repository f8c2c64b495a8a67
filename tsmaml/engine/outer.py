"""The outer gradient: what one meta-batch says about the meta-parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from tsmaml.engine.annealing import Moment, multi_step_weights
from tsmaml.engine.batch import TaskBatch
from tsmaml.engine.implicit import implicit_gradient
from tsmaml.engine.inner_loop import adapted_states, adapted_views
from tsmaml.engine.mapping import MapTasks, chunks_for, gradient_of_sum, in_chunks
from tsmaml.engine.problem import Meta, Problem, Samples, loss_of, put, take, task_loss


class Losses(NamedTuple):
    """Means over the tasks of a meta-batch: scalars."""

    support: tf.Tensor
    query: tf.Tensor


def task_seeds(seed: tf.Tensor, n_tasks: int) -> tf.Tensor:
    """A stream of its own for each task's random layers: int32 ``[tasks, 2]``.

    The algorithm is named, because XLA and eager execution choose different ones by themselves.
    """
    return tf.random.stateless_uniform([n_tasks, 2], seed, 0, 2**31 - 1, tf.int32, alg="philox")


def _query_loss_of_task(
    problem: Problem,
    meta: Meta,
    support: Samples,
    query: Samples,
    seed: tf.Tensor | None,
    weights: tf.Tensor | None = None,
) -> tuple[tf.Tensor, Losses]:
    """The query loss after the inner loop, a function of meta (Finn et al. 2017, eq. 1).

    Args:
        weights: ``[steps]``, of the query loss after each inner step; None: of the last alone.
    """
    head = problem.head_for(support.weights.shape[0])
    after: list[Callable[[], tf.Tensor]]
    if head is not None:
        support_loss, views = adapted_views(problem, meta, head, support, query.inputs, seed)
        after = [partial(loss_of, problem, view.query, query) for view in views]
    else:
        support_loss, states = adapted_states(problem, meta, support, seed)
        adapted = [put(problem, meta.parameters, state) for state in states]
        after = [partial(task_loss, problem, parameters, query, seed) for parameters in adapted]
    if weights is None:
        objective = last = after[-1]()
    else:
        steps = [query_loss() for query_loss in after]
        objective, last = tf.reduce_sum(weights * tf.stack(steps)), steps[-1]
    return objective, Losses(support_loss, last)


def _reptile_of_task(
    problem: Problem,
    meta: Meta,
    support: Samples,
    query: Samples,
    seed: tf.Tensor | None,
) -> tuple[Meta, Losses]:
    """The way back from the adapted weights, ``theta - theta'`` (Nichol et al. 2018, section 3)."""
    everything = Samples(
        *(
            tf.nest.map_structure(lambda a, b: tf.concat([a, b], 0), of_support, of_query)
            for of_support, of_query in zip(support, query, strict=True)
        )
    )
    support_loss, states = adapted_states(problem, meta, everything, seed)
    start = take(problem, meta.parameters)
    back = tuple(old - new for old, new in zip(start, states[-1], strict=True))
    nothing = tuple(tf.zeros_like(part) for part in meta.parameters)
    query_loss = task_loss(problem, put(problem, meta.parameters, states[-1]), query, seed)
    return Meta(put(problem, nothing, back), ()), Losses(support_loss, query_loss)


def _implicit_of_task(
    problem: Problem,
    meta: Meta,
    support: Samples,
    query: Samples,
    seed: tf.Tensor | None,
) -> tuple[Meta, Losses]:
    """The implicit gradient where the inner loop ended (Rajeswaran et al. 2019, algorithm 1)."""
    support_loss, states = adapted_states(problem, meta, support, seed)
    grads, query_loss = implicit_gradient(problem, meta, states[-1], support, query, seed)
    return Meta(grads, ()), Losses(support_loss, query_loss)


_DIRECTION_OF_TASK = {"reptile": _reptile_of_task, "implicit": _implicit_of_task}


def outer_gradient(
    problem: Problem,
    meta: Meta,
    batch: TaskBatch,
    seed: tf.Tensor,
    map_tasks: MapTasks,
    n_chunks: int | None = None,
    moment: Moment | None = None,
) -> tuple[Meta, Losses]:
    """Mean (or sum) over the tasks of a meta-batch; a task with no query weight does not count.

    Losses are means over the tasks in any case.

    Args:
        batch: task batch, see :class:`tsmaml.engine.TaskBatch`.
        seed: int tensor ``[2]`` for random layers.
        map_tasks: a way of mapping.
        n_chunks: into how many chunks the tasks are split; None: as memory asks for.
        moment: how far meta-training has come, for what is annealed; None: it is at its end.
    """
    algorithm = problem.algorithm
    weights = None
    if algorithm.objective == "multi_step" and moment is not None:
        done = moment.share(algorithm.anneal_share, problem.net.dtype)
        weights = multi_step_weights(algorithm.steps, done)

    def of_order(order: int) -> tuple[Any, tf.Tensor]:
        same = problem._replace(algorithm=replace(algorithm, order=order))
        return _sums(same, meta, batch, seed, map_tasks, n_chunks, weights)

    if algorithm.first_order_share and moment is not None:
        early = moment.share(algorithm.first_order_share, problem.net.dtype) < 1
        sums, count = tf.cond(early, lambda: of_order(1), lambda: of_order(algorithm.order))
    else:
        sums, count = of_order(algorithm.order)
    grads, losses = tf.nest.map_structure(lambda part: tf.math.divide_no_nan(part, count), sums)
    return (sums[0] if algorithm.reduction == "sum" else grads), losses


def _sums(
    problem: Problem,
    meta: Meta,
    batch: TaskBatch,
    seed: tf.Tensor,
    map_tasks: MapTasks,
    n_chunks: int | None,
    weights: tf.Tensor | None,
) -> tuple[tuple[Meta, Losses], tf.Tensor]:
    """Sums over the tasks that count of gradients and losses, and how many they are."""
    n_tasks = batch.query_weights.shape[0]
    seeds = task_seeds(seed, n_tasks) if problem.net.is_random else tf.zeros([n_tasks, 0], tf.int32)
    counts = tf.reduce_any(tf.reshape(batch.query_weights, [n_tasks, -1]) > 0, 1)
    algorithm = problem.algorithm

    def parts(task: Any) -> tuple[Samples, Samples, tf.Tensor | None]:
        tensors, task_seed, _ = task
        task_seed = task_seed if problem.net.is_random else None
        return Samples(*tensors[:3]), Samples(*tensors[3:]), task_seed

    def loss(shared: Any, task: Any) -> tuple[tf.Tensor, Any]:
        meta, weights = shared
        objective, losses = _query_loss_of_task(problem, meta, *parts(task), *weights)
        count = tf.cast(task[2], objective.dtype)
        return count * objective, (Losses(*(count * part for part in losses)), count)

    def by_direction(of_task: Callable[..., Any], elements: Any) -> Any:
        def one(task: Any) -> Any:
            count = tf.cast(task[2], problem.net.dtype)
            found = of_task(problem, meta, *parts(task))
            return tf.nest.map_structure(lambda part: count * part, found), count

        mapped = map_tasks(one, elements)
        return tf.nest.map_structure(lambda part: tf.reduce_sum(part, 0), mapped)

    def chunk(elements: Any) -> Any:
        if algorithm.outer in _DIRECTION_OF_TASK:
            return by_direction(_DIRECTION_OF_TASK[algorithm.outer], elements)
        shared = (meta, () if weights is None else (weights,))
        # It pays for weights that no task adapts, and costs a little where there are none.
        at_once = len(problem.chosen) < len(problem.net.names)
        (grads, _), (losses, count) = gradient_of_sum(loss, shared, elements, map_tasks, at_once)
        return (grads, losses), count

    if n_chunks is None:
        size = sum(tf.TensorShape(problem.net.shapes[i]).num_elements() for i in problem.chosen)
        copies = 2 + 2 * algorithm.steps
        n_chunks = chunks_for(n_tasks, size * copies * tf.as_dtype(problem.net.dtype).size)
    return in_chunks(chunk, (_with_stand_ins(batch, counts), seeds, counts), n_chunks)


def _with_stand_ins(batch: TaskBatch, counts: tf.Tensor) -> TaskBatch:
    """The batch, with a task that counts in the place of each that does not.

    A task that does not count may hold anything, and nothing takes a NaN out of a sum of gradients.
    """
    stand_in = tf.argmax(tf.cast(counts, tf.int32))

    def chosen(tensor: Any) -> tf.Tensor:
        tensor = tf.convert_to_tensor(tensor)
        mine = tf.reshape(counts, [-1] + [1] * (tensor.shape.rank - 1))
        return tf.where(mine, tensor, tf.gather(tensor, stand_in))

    return tf.nest.map_structure(chosen, batch)
