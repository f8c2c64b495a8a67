"""A transformer of patches, PatchTST (Nie, Nguyen, Sinthong, Kalagnanam 2023, section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.models.common import Inputs, added, check_at_most, check_flag, check_sizes, model_inputs
from tsmaml.models.sequences import forecast_of_state, steps_of

if TYPE_CHECKING:
    import keras

_PATCH_LENGTH = 6


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    patch_length: int | None = None,
    stride: int | None = None,
    model_width: int = 32,
    n_heads: int = 4,
    n_layers: int = 2,
    feed_forward: int = 64,
    width: int = 64,
    linear: bool = True,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> keras.Model:
    """Self-attention between patches of the past.

    The past is cut into patches that overlap, each a token with a learned position; layers of
    attention and of dense layers follow (layers are normalised before each, Xiong et al. 2020, where
    the paper normalises batches after it); the forecast is made of all tokens. Patches without an
    observed point are not attended to. Dropout is left out.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        patch_length: points of a patch; None: 6, or the input size if that is smaller.
        stride: points from one patch to the next, at most the length of a patch; None: half of it.
        model_width: numbers of a token, a multiple of ``n_heads``.
        n_heads: attention heads.
        n_layers: layers of attention.
        feed_forward: units of the dense layer after each.
        width: units of the dense layer before the head.
        linear: whether linear maps of the past and of exogenous inputs are added to the forecast.
        n_context: inputs beside the series that the algorithm ``cavia`` adapts.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: ``head``, ``head_linear`` and one for each exogenous input.
    """
    import keras

    check_sizes(
        input_size=input_size,
        h=h,
        n_outputs=n_outputs,
        n_heads=n_heads,
        n_layers=n_layers,
        feed_forward=feed_forward,
        width=width,
    )
    patch_length = min(_PATCH_LENGTH, input_size) if patch_length is None else patch_length
    check_at_most("patch_length", patch_length, input_size, "input size")
    stride = max(1, patch_length // 2) if stride is None else stride
    check_at_most("stride", stride, patch_length, "length of a patch")
    check_sizes(model_width=model_width)
    if model_width % n_heads:
        raise UsageError(
            f"model_width is {model_width}; wanted is a multiple of n_heads, which is {n_heads}."
        )
    check_flag("linear", linear)
    inputs = model_inputs(input_size, h, n_context, n_hist_exog, n_futr_exog, n_stat_exog)
    places = _patches(input_size, patch_length, stride)
    tokens = _tokens(inputs, places, model_width)
    seen = keras.ops.max(keras.ops.take(inputs.mask, places, axis=1), axis=-1)
    # One row of keys for all queries: [batch, 1, patches].
    seen = keras.ops.expand_dims(keras.ops.cast(seen, "bool"), 1)
    for number in range(1, n_layers + 1):
        tokens = _layer(tokens, seen, n_heads, feed_forward, number)
    tokens = keras.layers.LayerNormalization(name="norm")(tokens)
    state = keras.layers.Flatten(name="tokens")(tokens)
    output = forecast_of_state(state, inputs, h, n_outputs, width, linear)
    return keras.Model(inputs.all, output, name="transformer")


def _patches(input_size: int, patch_length: int, stride: int) -> np.ndarray:
    """Which points each patch holds: ``[patches, patch_length]``.

    The last patch ends with the last point; the first one begins with the first, and may overlap more
    with the next.
    """
    ends = np.arange(input_size, patch_length - stride, -stride)[::-1]
    starts = np.maximum(0, ends - patch_length)
    return np.unique(starts)[:, np.newaxis] + np.arange(patch_length)


def _tokens(inputs: Inputs, places: np.ndarray, model_width: int) -> Any:
    """Embedded patches: ``[batch, patches, model_width]``.

    A bias for each patch and number is the learned position.
    """
    import keras

    n_patches, patch_length = places.shape
    embedded: list[Any] = []
    for name, steps in steps_of(inputs).items():
        n = steps.shape[-1]
        patches = keras.ops.take(steps, places.ravel(), axis=1)
        patches = keras.ops.reshape(patches, (-1, n_patches, patch_length * n))
        embedded.append(
            keras.layers.EinsumDense(
                "bpi,id->bpd",
                (n_patches, model_width),
                bias_axes=None if embedded else "pd",
                bias_initializer=keras.initializers.RandomNormal(stddev=0.02),
                name=f"embedding_{name}",
            )(patches)
        )
    return added(embedded, "embedding")


def _layer(tokens: Any, seen: Any, n_heads: int, feed_forward: int, number: int) -> Any:
    """Attention and dense layers, each with a way past it: ``[batch, patches, model_width]``."""
    import keras

    model_width = tokens.shape[-1]
    x = keras.layers.LayerNormalization(name=f"attention_{number}_norm")(tokens)
    x = keras.layers.MultiHeadAttention(
        n_heads, model_width // n_heads, name=f"attention_{number}"
    )(x, x, attention_mask=seen)
    tokens = keras.layers.Add(name=f"attention_{number}_sum")([tokens, x])
    x = keras.layers.LayerNormalization(name=f"dense_{number}_norm")(tokens)
    x = keras.layers.Dense(feed_forward, "gelu", name=f"dense_{number}_hidden")(x)
    x = keras.layers.Dense(model_width, name=f"dense_{number}_output")(x)
    return keras.layers.Add(name=f"dense_{number}_sum")([tokens, x])
