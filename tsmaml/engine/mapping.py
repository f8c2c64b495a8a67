"""Ways to run one function over many tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from tsmaml.engine.functional import seed_states
from tsmaml.errors import UsageError

MapTasks = Callable[[Callable[[Any], Any], Any], Any]
WAYS = ("auto", "vectorized", "loop")

# Rolled recurrent layers hold TensorList variants, which vectorized_map can't batch.
_RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)
# A convolution takes one filter: vectorized_map can't give each task its own. In a loop, XLA
# compiles it well.
_CONVOLUTIONS = tuple(
    getattr(keras.layers, kind)
    for kind in (
        *(f"Conv{rank}D{transpose}" for rank in (1, 2, 3) for transpose in ("", "Transpose")),
        *(f"{kind}Conv{rank}D" for kind in ("Depthwise", "Separable") for rank in (1, 2)),
    )
)


def vectorized(function: Callable[[Any], Any], elements: Any) -> Any:
    """All tasks side by side in one set of batched operations."""
    plain = tf.autograph.experimental.do_not_convert(function)
    return tf.vectorized_map(plain, elements, fallback_to_while_loop=False)


def loop(function: Callable[[Any], Any], elements: Any) -> Any:
    """One task after the other, in a loop inside the graph."""
    one = tf.nest.map_structure(
        lambda tensor: tf.TensorSpec(tensor.shape[1:], tensor.dtype), elements
    )
    result = tf.function(function, autograph=False).get_concrete_function(one).structured_outputs
    signature = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), result)
    return tf.map_fn(function, elements, fn_output_signature=signature)


def has_rolled_recurrence(model: keras.Model) -> bool:
    """Whether a recurrent layer of the model runs as a loop over time."""
    for layer in model._flatten_layers():
        inner = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
        if isinstance(layer, _RECURRENT) and not getattr(inner, "unroll", False):
            return True
    return False


def has_recurrence(model: keras.Model) -> bool:
    """Whether the model has a recurrent layer at all."""
    return any(isinstance(layer, _RECURRENT) for layer in model._flatten_layers())


def has_convolution(model: keras.Model) -> bool:
    """Whether the model has a convolutional layer."""
    return any(isinstance(layer, _CONVOLUTIONS) for layer in model._flatten_layers())


def choose(model: keras.Model, way: str, jit: bool | str) -> tuple[MapTasks, bool]:
    """Pick the way of mapping and whether XLA compiles the step.

    Args:
        way: ``"auto"``, ``"vectorized"`` or ``"loop"``.
        jit: True, False or ``"auto"``: XLA, except for recurrent models, whose unrolled second
            derivative takes XLA minutes to compile.
    """
    if way not in WAYS:
        raise UsageError(f"vectorize is {way!r}; wanted is one of {', '.join(WAYS)}.")
    if way == "auto":
        # Random layers draw a stream of their own for each task, and TensorFlow can't batch
        # a generator over its seeds.
        looped = has_rolled_recurrence(model) or has_convolution(model) or bool(seed_states(model))
        way = "loop" if looped else "vectorized"
    return (
        vectorized if way == "vectorized" else loop,
        not has_recurrence(model) if jit == "auto" else bool(jit),
    )


def in_chunks(function: Callable[[Any], Any], elements: Any, n_chunks: int) -> Any:
    """Sum of ``function`` over equal chunks of the task axis, one chunk in memory at a time.

    Args:
        function: takes a chunk, returns a nest of tensors (sums over its tasks).
        elements: nest of tensors ``[tasks, ...]``; ``n_chunks`` divides ``tasks``.
    """
    if n_chunks == 1:
        return function(elements)
    chunked = tf.nest.map_structure(
        lambda tensor: tf.reshape(tensor, [n_chunks, -1, *tensor.shape[1:]]), elements
    )

    def part(index: Any) -> Any:
        return function(tf.nest.map_structure(partial(_row, index=index), chunked))

    def body(index: tf.Tensor, total: Any) -> tuple[tf.Tensor, Any]:
        return index + 1, tf.nest.map_structure(tf.add, total, part(index))

    _, total = tf.while_loop(lambda index, _: index < n_chunks, body, (tf.constant(1), part(0)))
    return total


def _row(tensor: tf.Tensor, index: Any) -> tf.Tensor:
    return tensor[index]


def chunks_for(n_tasks: int, bytes_per_task: int, budget: int = 512 * 2**20) -> int:
    """The smallest number of equal chunks whose tasks fit the budget (bytes)."""
    for n_chunks in range(1, n_tasks + 1):
        if n_tasks % n_chunks == 0 and n_tasks // n_chunks * bytes_per_task <= budget:
            return n_chunks
    return n_tasks
