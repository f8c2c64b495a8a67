"""Linear maps of the past, DLinear and NLinear (Zeng, Chen, Zhang, Xu 2023, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.models.common import (
    Inputs,
    added,
    check_at_most,
    check_choice,
    check_sizes,
    model_inputs,
    steps_and_outputs,
    times_constant,
)

if TYPE_CHECKING:
    import keras

KINDS = ("dlinear", "nlinear", "linear")
# Of the paper's moving average, in points.
_KERNEL_SIZE = 25


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    kind: str = "dlinear",
    kernel_size: int | None = None,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> keras.Model:
    """One linear layer from the past to the horizon, after a decomposition.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        kind: ``dlinear``: a layer of the trend (a moving average of the observed points) and one of
            what is left; ``nlinear``: a layer of the distances from the last observed point, which
            the forecast adds again; ``linear``: one of the values.
        kernel_size: points of the moving average; None: 25, or the input size if that is smaller.
        n_context: inputs beside the series that the algorithm ``cavia`` adapts.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Every layer is of the head.
    """
    import keras

    check_sizes(input_size=input_size, h=h, n_outputs=n_outputs)
    check_choice("kind", kind, KINDS)
    kernel_size = min(_KERNEL_SIZE, input_size) if kernel_size is None else kernel_size
    check_at_most("kernel_size", kernel_size, input_size, "input size")
    inputs = model_inputs(input_size, h, n_context, n_hist_exog, n_futr_exog, n_stat_exog)
    last = _last_observed(inputs)
    if kind == "dlinear":
        trend = _moving_average(inputs, kernel_size)
        rest = keras.layers.Subtract(name="rest")([inputs.observed, trend])
        rest = keras.layers.Multiply(name="rest_observed")([rest, inputs.mask])
        values = {"trend": trend, "rest": rest}
    elif kind == "nlinear":
        distance = keras.layers.Subtract(name="distance")([inputs.past, last])
        values = {"distance": keras.layers.Multiply(name="seen")([distance, inputs.mask])}
    else:
        values = {"values": inputs.observed}
    layers = [keras.layers.Dense(h * n_outputs, name=f"head_{of}")(x) for of, x in values.items()]
    # What is missing says something too, and so do columns; at first nothing. (Context, which is zero
    # itself, would never move.)
    layers += [
        keras.layers.Dense(
            h * n_outputs,
            use_bias=False,
            kernel_initializer="glorot_uniform" if of == "context" else "zeros",
            name=f"head_{of}",
        )(x)
        for of, x in {"mask": inputs.mask, **inputs.flat}.items()
    ]
    if kind == "nlinear":
        # Keras takes what is added as [batch, 1] for a bias where the batch is as large as the width.
        layers.append(times_constant(last, np.ones((1, h * n_outputs))))
    flat = added(layers, "output")
    return keras.Model(inputs.all, steps_and_outputs(flat, h, n_outputs), name="linear")


def _moving_average(inputs: Inputs, kernel_size: int) -> Any:
    """Mean of the observed points around each step; 0 where there are none."""
    import keras

    size = inputs.past.shape[1]
    ahead = np.arange(size)[:, np.newaxis] - np.arange(size)
    near = (ahead >= -((kernel_size - 1) // 2)) & (ahead <= kernel_size // 2)
    total, count = (times_constant(x, near) for x in (inputs.observed, inputs.mask))
    return total / keras.ops.maximum(count, 1)


def _last_observed(inputs: Inputs) -> Any:
    """The last observed point, 0 if there is none: ``[batch, 1]``."""
    import keras

    size = inputs.past.shape[1]
    since = times_constant(inputs.mask, np.tril(np.ones((size, size))))
    is_last = inputs.mask * keras.ops.cast(keras.ops.equal(since, 1), inputs.mask.dtype)
    return keras.ops.sum(inputs.past * is_last, axis=-1, keepdims=True)
