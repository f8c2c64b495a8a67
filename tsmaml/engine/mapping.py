"""Ways to run one function over many tasks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from tsmaml.engine.functional import dense_gradient, seed_states
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


def gradient_of_sum(
    function: Callable[[Any, Any], tuple[tf.Tensor, Any]],
    shared: Any,
    elements: Any,
    map_tasks: MapTasks,
    at_once: bool = True,
) -> tuple[Any, Any]:
    """Gradient of a loss that is summed over tasks, with regard to what they share.

    Args:
        function: takes ``shared`` and an element, and nothing else that is a tensor; returns the
            loss of the task and other tensors.
        shared: nest of tensors.
        elements: nest of tensors ``[tasks, ...]``.
        at_once: where tasks are mapped side by side, take the gradient through the map: from one
            product over the samples of all tasks, not from a product a task and a sum.

    Returns:
        the gradient, like ``shared``, and the sums of the other tensors.
    """

    def total(mapped: tuple[tf.Tensor, Any]) -> tuple[tf.Tensor, Any]:
        return tf.nest.map_structure(lambda part: tf.reduce_sum(part, 0), mapped)

    def through_the_map(shared: Any, elements: Any) -> tuple[Any, Any]:
        loss, others = total(map_tasks(lambda element: function(shared, element), elements))
        # No tape: it sees the function that is mapped, not what became of it.
        grads = tf.gradients(loss, tf.nest.flatten(shared), unconnected_gradients="zero")
        return tf.nest.pack_sequence_as(
            shared, [tf.convert_to_tensor(grad) for grad in grads]
        ), others

    def inside_the_map(element: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(tf.nest.flatten(shared))
            loss, others = function(shared, element)
        return tf.nest.pack_sequence_as(
            shared, dense_gradient(tape, loss, tf.nest.flatten(shared))
        ), others

    if at_once and map_tasks is vectorized:
        return _in_a_graph_of_its_own(through_the_map, shared, elements)
    return total(map_tasks(inside_the_map, elements))


def _in_a_graph_of_its_own(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that was traced apart from the function that is being traced.

    In one that XLA is to compile, ``vectorized_map`` makes a function within the function; the
    backward pass of that takes shapes from its results, which XLA takes for constants that depend
    on the weights, and compiles anew at each call. Graphs are a matter of the thread.
    """
    given = tf.nest.flatten(arguments)
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in given]
    traced = tf.function(
        lambda *tensors: function(*tf.nest.pack_sequence_as(arguments, tensors)), autograph=False
    )
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(traced.get_concrete_function, *specs).result()(*given)


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
