"""N-BEATS, generic architecture (Oreshkin, Carpov, Chapados, Bengio 2020, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from tsmaml.models.common import check_sizes, context_inputs, past_and_mask, steps_and_outputs


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    width: int = 128,
    n_blocks: int = 3,
    n_layers: int = 3,
    share_weights: bool = False,
    linear: bool = True,
    n_context: int = 0,
) -> keras.Model:
    """Blocks of dense layers, doubly residual: each takes off what it explains of the past.

    With ``x_1`` the past, block ``l`` computes features ``r_l`` of ``x_l``, a backcast and a
    forecast linear in them; ``x_{l+1} = x_l - backcast_l``, the output is the sum of the forecasts
    (equations 1 and 2 of the paper). The forecast is linear in the heads.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        width: units of a layer.
        n_blocks: blocks in the stack.
        n_layers: dense layers of a block.
        linear: whether a linear map of the past is added to the forecast. Blocks of ReLUs only come
            near what it does exactly: to repeat the last season, or the last value.
        share_weights: whether all blocks are one block, applied again (section 3.2 of the paper).
        n_context: inputs beside the series that the algorithm ``cavia`` adapts; each block sees them.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: the forecast layers ``head_<block>`` and ``head_linear``.
    """
    check_sizes(
        input_size=input_size,
        h=h,
        n_outputs=n_outputs,
        width=width,
        n_blocks=n_blocks,
        n_layers=n_layers,
    )
    past, mask, residual = past_and_mask(input_size)
    context = context_inputs(n_context)

    def new_block(name: str) -> Any:
        return _block(name, input_size, h * n_outputs, width, n_layers, context)

    shared = new_block("shared") if share_weights else None
    forecasts = []
    if linear:
        straight = keras.layers.Dense(
            h * n_outputs, use_bias=False, kernel_initializer="zeros", name="head_linear"
        )
        forecasts.append(straight(residual))
    for number in range(1, n_blocks + 1):
        block = shared or new_block(str(number))
        backcast, forecast = block(residual, mask)
        forecasts.append(forecast)
        if number < n_blocks:
            residual = keras.layers.Subtract(name=f"residual_{number}")([residual, backcast])
            residual = keras.layers.Multiply(name=f"observed_{number}")([residual, mask])
    flat = keras.layers.Add(name="output")(forecasts) if len(forecasts) > 1 else forecasts[0]
    return keras.Model([past, mask, *context], steps_and_outputs(flat, h, n_outputs), name="nbeats")


def _block(
    name: str, input_size: int, n_forecast: int, width: int, n_layers: int, context: Sequence[Any]
) -> Any:
    """The layers of one block, as a function of residual and mask."""
    first = keras.layers.Dense(width, name=f"block_{name}_1_values")
    of_mask = keras.layers.Dense(width, use_bias=False, name=f"block_{name}_1_mask")
    of_context = keras.layers.Dense(width, use_bias=False, name=f"block_{name}_1_context")
    add = keras.layers.Add(name=f"block_{name}_1_sum")
    relu = keras.layers.ReLU(name=f"block_{name}_1")
    rest = [
        keras.layers.Dense(width, "relu", name=f"block_{name}_{i}") for i in range(2, n_layers + 1)
    ]
    backcast = keras.layers.Dense(input_size, name=f"backcast_{name}")
    forecast = keras.layers.Dense(n_forecast, name=f"head_{name}")

    def apply(residual: Any, mask: Any) -> tuple[Any, Any]:
        features = relu(
            add([first(residual), of_mask(mask), *(of_context(part) for part in context)])
        )
        for layer in rest:
            features = layer(features)
        return backcast(features), forecast(features)

    return apply
