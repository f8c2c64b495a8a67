"""Speed classes: how the engine runs the tasks of a part, in words, and whether it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tsmaml.engine.mapping import choose, vectorized
from tsmaml.errors import UsageError
from tsmaml.testing.common import want

# Tasks in one set of batched operations or in a loop inside the graph; one kernel, or op after op.
SPEEDS = (
    "side by side, XLA",
    "side by side",
    "one after another, XLA",
    "one after another",
)
_CALLS_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def speed_of(model: keras.Model) -> str:
    """The speed class in which the engine runs a model, by its layers (or one layer, by itself)."""
    way, jit = choose(model, "auto", "auto")
    return _in_words(way is vectorized, jit)


def check_speed_of(subject: object, model: keras.Model, declared: str) -> None:
    """Refuse a model whose tasks run slower than is declared.

    Raises:
        AssertionError: naming the class that it is of, and the layers that decide on it.
        UsageError: if there is no such class.
    """
    if declared not in SPEEDS:
        raise UsageError(f"speed is {declared!r}; wanted is one of {', '.join(map(repr, SPEEDS))}.")
    found = speed_of(model)
    slower = [kind for kind in ("side by side", "XLA") if kind in declared and kind not in found]
    layers = [
        f"{layer.name} ({type(layer).__name__})"
        for layer in model.layers
        if any(kind not in speed_of(layer) for kind in slower)
    ]
    want(
        not slower,
        f"{subject} should be of the speed class {declared!r}, as is declared, and is of {found!r}: "
        f"because of {', '.join(layers)}. docs/engine.md tells for which layers that is so.",
    )


def compiled(
    subject: object, function: Callable[..., Any], *arguments: Any, side_by_side: bool, jit: bool
) -> Callable[..., Any]:
    """A function over tasks, traced and compiled as its speed class says, and called once.

    Raises:
        AssertionError: saying whether it can't be mapped or not be compiled, or that it leaves
            TensorFlow for Python.
    """
    speed = _in_words(side_by_side, jit)
    made = tf.function(function, autograph=False, jit_compile=jit)
    way = "mapped over tasks side by side" if side_by_side else "run in a loop over tasks"
    try:
        graph = made.get_concrete_function(*arguments).graph.as_graph_def()
    except Exception as error:
        raise _not_made_of(subject, way, speed, error) from error
    nodes = [*graph.node, *(node for one in graph.library.function for node in one.node_def)]
    want(
        not any(node.op in _CALLS_PYTHON for node in nodes),
        f"{subject} should be made of TensorFlow operations alone, of the speed class {speed!r}: it "
        "calls Python (tf.py_function or tf.numpy_function) at every step.",
    )
    try:
        made(*arguments)
    except Exception as error:
        raise _not_made_of(subject, "compiled by XLA" if jit else "run", speed, error) from error
    return made


def _in_words(side_by_side: bool, jit: bool) -> str:
    return SPEEDS[2 * (not side_by_side) + (not jit)]


def _not_made_of(subject: object, way: str, speed: str, error: Exception) -> AssertionError:
    first, *_ = [*filter(str.strip, str(error).splitlines()), ""]  # the rest is where in TensorFlow
    return AssertionError(
        f"{subject} should be made of TensorFlow operations that can be {way}: its speed class is "
        f"{speed!r}, and TensorFlow does not fall back to a slower one. {type(error).__name__}: {first}"
    )
