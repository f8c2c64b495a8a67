"""N-HiTS (Challu, Olivares, Oreshkin, Garza, Mergenthaler-Canseco, Dubrawski 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.models.common import (
    Inputs,
    added,
    check_at_most,
    check_flag,
    check_sizes,
    dense_of_inputs,
    linear_ways,
    model_inputs,
    steps_and_outputs,
    times_constant,
)

if TYPE_CHECKING:
    import keras

# Of the first stack to the last: few points, seen and said coarsely, then more.
_POOLS = (4, 2, 1)
_STRIDES = (6, 3, 1)
# Below any value of a scaled series that matters: what a maximum never takes.
_BENEATH = -1e30


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    pools: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    n_blocks: int = 1,
    width: int = 128,
    n_layers: int = 2,
    linear: bool = True,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> keras.Model:
    """Stacks of doubly residual blocks, each of which sees and forecasts at a pace of its own.

    A block takes maxima of its input over pools of points (equation 1 of the paper), computes
    features by dense layers, and from them knots of a backcast and a forecast (equation 2), between
    which lie straight lines (equations 3 and 4). What a block explains of the past is taken off
    before the next one; the output is the sum of the forecasts (section 3.4).

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        pools: for each stack the points of which the block sees the maximum; None: 4, 2 and 1, as
            far as the input size goes.
        strides: for each stack the steps from one knot to the next; None: 6, 3 and 1, as far as the
            horizon goes.
        n_blocks: blocks in a stack.
        width: units of a layer.
        n_layers: dense layers of a block.
        linear: whether linear maps of the past and of exogenous inputs are added to the forecast.
        n_context: inputs beside the series that the algorithm ``cavia`` adapts; each block sees them.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series; each block sees
            them.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: the layers of the forecasts' knots, ``head_<block>``, and
        ``head_linear``.
    """
    import keras

    check_sizes(
        input_size=input_size,
        h=h,
        n_outputs=n_outputs,
        n_blocks=n_blocks,
        width=width,
        n_layers=n_layers,
    )
    pools = _sizes("pools", pools, _POOLS, input_size, "input size", strides)
    strides = _sizes("strides", strides, _STRIDES, h, "horizon", pools)
    if len(pools) != len(strides):
        raise UsageError(
            f"pools has {len(pools)} stacks and strides {len(strides)}; wanted are as many."
        )
    check_flag("linear", linear)
    inputs = model_inputs(input_size, h, n_context, n_hist_exog, n_futr_exog, n_stat_exog)
    forecasts = linear_ways(inputs, h * n_outputs) if linear else []
    residual, total = inputs.observed, len(pools) * n_blocks
    stacks = [pair for pair in zip(pools, strides, strict=True) for _ in range(n_blocks)]
    for number, (pool, stride) in enumerate(stacks, start=1):
        features = _features(residual, inputs, pool, width, n_layers, number)
        knots = _between_knots(h, stride)
        forecast = keras.layers.Dense(len(knots) * n_outputs, name=f"head_{number}")(features)
        forecasts.append(times_constant(forecast, np.kron(knots, np.eye(n_outputs))))
        if number < total:
            knots = _between_knots(input_size, stride)
            backcast = keras.layers.Dense(len(knots), name=f"backcast_{number}")(features)
            backcast = times_constant(backcast, knots)
            residual = keras.layers.Subtract(name=f"residual_{number}")([residual, backcast])
            residual = keras.layers.Multiply(name=f"observed_{number}")([residual, inputs.mask])
    flat = added(forecasts, "output")
    return keras.Model(inputs.all, steps_and_outputs(flat, h, n_outputs), name="nhits")


def _sizes(
    name: str,
    given: Sequence[int] | None,
    default: Sequence[int],
    largest: int,
    of: str,
    other: Sequence[int] | None,
) -> list[int]:
    """One size a stack; without any the defaults, if there are as many of the other option."""
    if given is None:
        count = len(default) if other is None else len(other)
        return [min(size, largest) for size in (*default, *[1] * count)[:count]]
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise UsageError(f"{name} is {given!r}; wanted is a list such as {list(default)}.")
    for size in given:
        check_at_most(name, size, largest, of)
    return list(given)


def _features(
    residual: Any, inputs: Inputs, pool: int, width: int, n_layers: int, number: int
) -> Any:
    """Dense layers of the residual's maxima and of all other inputs: ``[batch, width]``."""
    import keras

    pooled = _maxima(residual, inputs.mask, pool)
    features = dense_of_inputs(pooled, inputs, width, f"block_{number}_1")
    for layer in range(2, n_layers + 1):
        features = keras.layers.Dense(width, "relu", name=f"block_{number}_{layer}")(features)
    return features


def _maxima(values: Any, mask: Any, pool: int) -> Any:
    """The greatest observed value of every pool, 0 where none is: ``[batch, pools]``.

    Pools are counted from the latest point; the oldest one may be smaller.
    """
    import keras

    if pool == 1:
        return values
    size = values.shape[1]
    n_pools = -(-size // pool)
    # Left-padded to whole pools by a product: what is padded has no mask.
    place = np.eye(size, n_pools * pool, n_pools * pool - size)
    values, mask = (
        keras.ops.reshape(times_constant(x, place), (-1, n_pools, pool)) for x in (values, mask)
    )
    greatest = keras.ops.max(values * mask + _BENEATH * (1 - mask), axis=-1)
    seen = keras.ops.max(mask, axis=-1)
    return keras.ops.where(seen > 0, greatest, 0.0)


def _between_knots(steps: int, stride: int) -> np.ndarray:
    """What each knot has to say at every step, by linear interpolation: ``[knots, steps]``.

    There are ``ceil(steps / stride)`` knots; the first stands at the first step, the last at the last
    one.
    """
    n_knots = -(-steps // stride)
    if n_knots == 1:
        return np.ones((1, steps))
    at = np.linspace(0, n_knots - 1, steps)
    return np.maximum(0, 1 - np.abs(at - np.arange(n_knots)[:, np.newaxis]))
