"""The outer gradient: what one meta-batch says about the meta-parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from tsmaml.engine.adaptation import Meta, Problem, Samples, put, take, task_loss, unrolled
from tsmaml.engine.batch import TaskBatch
from tsmaml.engine.mapping import MapTasks, chunks_for, in_chunks


class Losses(NamedTuple):
    """Means over the tasks of a meta-batch: scalars."""

    support: tf.Tensor
    query: tf.Tensor


def task_seeds(seed: tf.Tensor, n_tasks: int) -> tf.Tensor:
    """A stream of its own for each task's random layers: int32 ``[tasks, 2]``.

    The algorithm is named, because XLA and eager execution choose different ones by themselves.
    """
    return tf.random.stateless_uniform([n_tasks, 2], seed, 0, 2**31 - 1, tf.int32, alg="philox")


def _gradient_of_task(
    problem: Problem, meta: Meta, support: Samples, query: Samples, seed: tf.Tensor | None
) -> tuple[Meta, Losses]:
    """Gradient of the query loss through the inner loop (Finn et al. 2017, eq. 1)."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(meta)
        support_loss, states = unrolled(problem, meta, support, seed)
        query_loss = task_loss(problem, put(problem, meta.parameters, states[-1]), query, seed)
    grads = tape.gradient(query_loss, meta, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return grads, Losses(support_loss, query_loss)


def _reptile_of_task(
    problem: Problem, meta: Meta, support: Samples, query: Samples, seed: tf.Tensor | None
) -> tuple[Meta, Losses]:
    """The way back from the adapted weights, ``theta - theta'`` (Nichol et al. 2018, section 3)."""
    everything = Samples(
        *(
            tf.nest.map_structure(lambda a, b: tf.concat([a, b], 0), of_support, of_query)
            for of_support, of_query in zip(support, query, strict=True)
        )
    )
    support_loss, states = unrolled(problem, meta, everything, seed)
    start = take(problem, meta.parameters)
    back = tuple(old - new for old, new in zip(start, states[-1], strict=True))
    nothing = tuple(tf.zeros_like(part) for part in meta.parameters)
    query_loss = task_loss(problem, put(problem, meta.parameters, states[-1]), query, seed)
    return Meta(put(problem, nothing, back), ()), Losses(support_loss, query_loss)


def outer_gradient(
    problem: Problem,
    meta: Meta,
    batch: TaskBatch,
    seed: tf.Tensor,
    map_tasks: MapTasks,
    n_chunks: int | None = None,
) -> tuple[Meta, Losses]:
    """Mean (or sum) over the tasks of a meta-batch; a task with no query weight does not count.

    Losses are means over the tasks in any case.

    The gradient is taken *inside* the mapped function: taken through ``vectorized_map``
    under XLA it would be compiled anew at each call.

    Args:
        batch: task batch, see :class:`tsmaml.engine.TaskBatch`.
        seed: int tensor ``[2]`` for random layers.
        map_tasks: a way of mapping.
        n_chunks: into how many chunks the tasks are split; None: as memory asks for.
    """
    of_task = _reptile_of_task if problem.algorithm.outer == "reptile" else _gradient_of_task
    n_tasks = batch.query_weights.shape[0]
    seeds = task_seeds(seed, n_tasks) if problem.net.is_random else tf.zeros([n_tasks, 0], tf.int32)

    def one(task: tuple[TaskBatch, tf.Tensor]) -> Any:
        tensors, task_seed = task
        grads, losses = of_task(
            problem,
            meta,
            Samples(*tensors[:3]),
            Samples(*tensors[3:]),
            task_seed if problem.net.is_random else None,
        )
        counts = tf.cast(tf.reduce_any(tensors[5] > 0), problem.net.dtype)
        # A task that does not count may hold anything: select, since 0 * NaN is NaN.
        kept = tf.nest.map_structure(
            lambda part: tf.where(counts > 0, part, tf.zeros_like(part)), (grads, losses)
        )
        return kept, counts

    def chunk(elements: Any) -> Any:
        return tf.nest.map_structure(lambda part: tf.reduce_sum(part, 0), map_tasks(one, elements))

    if n_chunks is None:
        size = sum(tf.TensorShape(problem.net.shapes[i]).num_elements() for i in problem.chosen)
        copies = 2 + 2 * problem.algorithm.steps
        n_chunks = chunks_for(n_tasks, size * copies * tf.as_dtype(problem.net.dtype).size)
    sums, count = in_chunks(chunk, (batch, seeds), n_chunks)
    grads, losses = tf.nest.map_structure(lambda part: tf.math.divide_no_nan(part, count), sums)
    return (sums[0] if problem.algorithm.reduction == "sum" else grads), losses
