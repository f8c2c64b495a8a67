"""A temporal convolutional network (Bai, Kolter, Koltun 2018, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.models.common import check_at_most, check_flag, check_sizes, model_inputs
from tsmaml.models.sequences import embedded, forecast_of_state

if TYPE_CHECKING:
    import keras


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    channels: int = 32,
    kernel_size: int | None = None,
    n_blocks: int | None = None,
    width: int = 64,
    linear: bool = True,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> keras.Model:
    """Residual blocks of causal convolutions, the dilation doubled from one block to the next.

    A block is two convolutions with ReLUs, to which its input is added (figure 1 of the paper). The
    forecast is made from what the last step has seen. Weight normalisation and dropout are left out.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        channels: of the convolutions.
        kernel_size: points that a convolution sees; None: 3, or the input size if that is smaller.
        n_blocks: residual blocks; None: as many as the last step needs to see the whole input.
        width: units of the dense layer before the head.
        linear: whether linear maps of the past and of exogenous inputs are added to the forecast.
        n_context: inputs beside the series that the algorithm ``cavia`` adapts.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: ``head``, ``head_linear`` and one for each exogenous input.
    """
    import keras

    check_sizes(input_size=input_size, h=h, n_outputs=n_outputs, channels=channels, width=width)
    kernel_size = min(3, input_size) if kernel_size is None else kernel_size
    check_at_most("kernel_size", kernel_size, input_size, "input size")
    n_blocks = _blocks_to_see(input_size, kernel_size) if n_blocks is None else n_blocks
    check_sizes(n_blocks=n_blocks)
    check_flag("linear", linear)
    inputs = model_inputs(input_size, h, n_context, n_hist_exog, n_futr_exog, n_stat_exog)
    steps = embedded(inputs, channels)
    for number in range(1, n_blocks + 1):
        steps = _block(steps, channels, kernel_size, number == n_blocks, f"block_{number}")
    last = keras.layers.Flatten(name="last")(steps)
    output = forecast_of_state(last, inputs, h, n_outputs, width, linear)
    return keras.Model(inputs.all, output, name="tcn")


def _blocks_to_see(input_size: int, kernel_size: int) -> int:
    """How many blocks the last step needs to see all the input; one of kernels of a single point."""
    blocks = 1
    while kernel_size > 1 and 1 + 2 * (kernel_size - 1) * (2**blocks - 1) < input_size:
        blocks += 1
    return blocks


def _block(steps: Any, channels: int, kernel_size: int, is_last: bool, name: str) -> Any:
    """Two causal convolutions and the way past them, at every second step counted from the last.

    The next block, of twice the dilation, sees no others: so each block is given the steps that it
    sees, without gaps, and after the last block only the last step is left. A convolution is a dense
    layer of what it sees at a step; unlike ``Conv1D``, that can be mapped over tasks that have weights
    of their own.

    Args:
        steps: ``[batch, steps, channels]``, oldest first.

    Returns:
        ``[batch, every second of the steps, channels]``, after the last block ``[batch, 1, channels]``.
    """
    import keras

    size = steps.shape[1]
    everywhere = np.arange(size)
    kept = everywhere[-1:] if is_last else everywhere[::-2][::-1]
    x = steps
    for part, places in (("a", everywhere), ("b", kept)):
        seen = keras.ops.matmul(_before(places, kernel_size, size), x)
        seen = keras.ops.reshape(seen, (-1, len(places), kernel_size * channels))
        x = keras.layers.Dense(channels, "relu", name=f"{name}_{part}")(seen)
    steps = keras.ops.matmul(_before(kept, 1, size), steps)
    x = keras.layers.Add(name=f"{name}_sum")([steps, x])
    return keras.layers.ReLU(name=name)(x)


def _before(places: np.ndarray, count: int, size: int) -> np.ndarray:
    """Picks each place and those before it, oldest first: ``[places * count, size]`` of 0 and 1.

    Before the first step there is 0.
    """
    import keras

    seen = (places[:, np.newaxis] + np.arange(1 - count, 1)).reshape(-1, 1)
    return (seen == np.arange(size)).astype(keras.config.floatx())
