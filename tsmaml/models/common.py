"""What the architectures share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import keras

from tsmaml.errors import UsageError


def past_and_mask(input_size: int) -> tuple[Any, Any, Any]:
    """The two inputs, and the past with unobserved steps at 0, whatever they held.

    Returns:
        ``(past, mask, observed)``, Keras tensors ``[batch, input_size]``.
    """
    past = keras.Input((input_size,), name="past")
    mask = keras.Input((input_size,), name="mask")
    return past, mask, keras.layers.Multiply(name="observed")([past, mask])


def context_inputs(n_context: int) -> list[Any]:
    """The input that CAVIA adapts, ``[batch, n_context]``; none for 0."""
    if not isinstance(n_context, Integral) or isinstance(n_context, bool) or n_context < 0:
        raise UsageError(f"n_context is {n_context!r}; wanted is a whole number of 0 or more.")
    return [keras.Input((n_context,), name="context")] if n_context else []


def dense_of_both(
    values: Any,
    mask: Any,
    width: int,
    name: str,
    activation: str = "relu",
    context: Sequence[Any] = (),
) -> Any:
    """A dense layer of values, mask and context: layers of each whose outputs are added.

    The same as one layer of their concatenation, whose second derivative XLA can't map over tasks.
    """
    of_values = keras.layers.Dense(width, name=f"{name}_values")(values)
    of_mask = keras.layers.Dense(width, use_bias=False, name=f"{name}_mask")(mask)
    of_context = [
        keras.layers.Dense(width, use_bias=False, name=f"{name}_context")(part) for part in context
    ]
    both = keras.layers.Add(name=f"{name}_sum")([of_values, of_mask, *of_context])
    return keras.layers.Activation(activation, name=f"{name}_activation")(both)


def steps_and_outputs(flat: Any, h: int, n_outputs: int) -> Any:
    """``[batch, h * n_outputs]`` to ``[batch, h, n_outputs]``; ``[batch, h]`` for one output."""
    if n_outputs == 1:
        return flat
    return keras.layers.Reshape((h, n_outputs), name="steps_and_outputs")(flat)


def check_sizes(**sizes: object) -> None:
    """Refuse options below 1."""
    for name, size in sizes.items():
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise UsageError(f"{name} is {size!r}; wanted is a whole number of 1 or more.")
