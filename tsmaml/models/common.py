"""What the architectures share: inputs by name, dense layers of several inputs, the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from tsmaml.errors import UsageError


class Inputs(NamedTuple):
    """The inputs of a model, Keras tensors.

    Attributes:
        past, mask: ``[batch, input_size]``.
        observed: the past with unobserved steps at 0, whatever they held.
        beside: the other inputs that there are, by name: ``context``, ``hist_exog``, ``futr_exog``,
            ``stat_exog``.
        flat: the same, each ``[batch, n]``.
    """

    past: Any
    mask: Any
    observed: Any
    beside: dict[str, Any]
    flat: dict[str, Any]

    @property
    def all(self) -> list[Any]:
        """What the model is made of."""
        return [self.past, self.mask, *self.beside.values()]


def model_inputs(
    input_size: int,
    h: int,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> Inputs:
    """Past and mask, and of the other inputs those of which there is at least one number.

    Args:
        input_size: past points.
        h: horizon.
        n_context: numbers that the algorithm ``cavia`` adapts.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series.
    """
    import keras

    counts = {
        "context": n_context,
        "hist_exog": n_hist_exog,
        "futr_exog": n_futr_exog,
        "stat_exog": n_stat_exog,
    }
    for name, count in counts.items():
        if not _is_whole(count) or count < 0:
            raise UsageError(f"n_{name} is {count!r}; wanted is a whole number of 0 or more.")
    past = keras.Input((input_size,), name="past")
    mask = keras.Input((input_size,), name="mask")
    observed = keras.layers.Multiply(name="observed")([past, mask])
    steps = {"hist_exog": (input_size,), "futr_exog": (input_size + h,)}
    beside = {
        name: keras.Input((*steps.get(name, ()), count), name=name)
        for name, count in counts.items()
        if count
    }
    flat = {
        name: keras.layers.Flatten(name=f"{name}_flat")(tensor) if name in steps else tensor
        for name, tensor in beside.items()
    }
    return Inputs(past, mask, observed, beside, flat)


def added(parts: Sequence[Any], name: str) -> Any:
    """The sum of tensors of one shape, or the only one."""
    import keras

    if len(parts) == 1:
        return parts[0]
    shape = parts[0].shape[1:]
    if len(shape) == 1 or shape[-1] > 1:
        return keras.layers.Add(name=name)(parts)
    # Keras takes [1, n, 1] for a bias, of which TensorFlow can't map the second derivative.
    flat = [keras.layers.Reshape(shape[:-1], name=f"{name}_{i}")(p) for i, p in enumerate(parts)]
    return keras.layers.Reshape(shape, name=f"{name}_shaped")(keras.layers.Add(name=name)(flat))


def dense_of_all(parts: Mapping[str, Any], width: int, name: str) -> Any:
    """A linear dense layer of several tensors: layers of each, whose outputs are added.

    The same as one layer of their concatenation, whose second derivative XLA can't map over tasks.

    Args:
        parts: tensors by the name that ends that of their layer; the first one's has the bias.
        width: units.
        name: of the layer.
    """
    import keras

    outputs = [
        keras.layers.Dense(width, use_bias=number == 0, name=f"{name}_{ending}")(tensor)
        for number, (ending, tensor) in enumerate(parts.items())
    ]
    return added(outputs, f"{name}_sum")


def dense_of_inputs(values: Any, inputs: Inputs, width: int, name: str) -> Any:
    """A dense layer, with ReLU, of values, mask and all other inputs."""
    import keras

    parts = {"values": values, "mask": inputs.mask, **inputs.flat}
    return keras.layers.Activation("relu", name=f"{name}_activation")(
        dense_of_all(parts, width, name)
    )


def linear_ways(inputs: Inputs, width: int, initializer: str = "zeros") -> list[Any]:
    """Linear maps of the past and of every exogenous input, all of the head.

    They give at once what layers of features only come near: to repeat the last season, or the last
    value; and adaptation learns through them what a column does to each series.
    """
    import keras

    parts = {"linear": inputs.observed}
    parts |= {name: tensor for name, tensor in inputs.flat.items() if name.endswith("_exog")}
    return [
        keras.layers.Dense(
            width, use_bias=False, kernel_initializer=initializer, name=f"head_{name}"
        )(tensor)
        for name, tensor in parts.items()
    ]


def forecast_of(features: Any, inputs: Inputs, h: int, n_outputs: int, linear: bool = True) -> Any:
    """The head: a linear map of features ``[batch, n]``, and those of :func:`linear_ways`.

    Returns:
        ``[batch, h]``, or ``[batch, h, n_outputs]``.
    """
    import keras

    width = h * n_outputs
    parts = [keras.layers.Dense(width, name="head")(features)]
    parts += linear_ways(inputs, width) if linear else []
    return steps_and_outputs(added(parts, "output"), h, n_outputs)


def steps_and_outputs(flat: Any, h: int, n_outputs: int) -> Any:
    """``[batch, h * n_outputs]`` to ``[batch, h, n_outputs]``; ``[batch, h]`` for one output."""
    import keras

    if n_outputs == 1:
        return flat
    return keras.layers.Reshape((h, n_outputs), name="steps_and_outputs")(flat)


def times_constant(tensor: Any, matrix: np.ndarray) -> Any:
    """The product of ``[..., n]`` and a constant ``[n, m]``.

    Shifts, pools and interpolations are written so: a product of matrices can always be mapped over
    tasks and differentiated twice.
    """
    import keras

    return keras.ops.matmul(tensor, matrix.astype(keras.config.floatx()))


def check_sizes(**sizes: object) -> None:
    """Refuse options below 1."""
    for name, size in sizes.items():
        if not _is_whole(size) or size < 1:  # type: ignore[operator]
            raise UsageError(f"{name} is {size!r}; wanted is a whole number of 1 or more.")


def check_at_most(name: str, size: object, largest: int, of: str) -> None:
    """Refuse a size that is no whole number from 1 to the largest that makes sense."""
    if not _is_whole(size) or not 1 <= size <= largest:  # type: ignore[operator]
        raise UsageError(
            f"{name} is {size!r}; wanted is a whole number from 1 to {largest}, the {of}."
        )


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}; wanted is true or false.")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse what is not one of some words."""
    if value not in choices:
        raise UsageError(f"{name} is {value!r}; wanted is one of {', '.join(choices)}.")


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
