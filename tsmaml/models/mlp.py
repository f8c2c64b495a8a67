"""Dense layers with a linear way past them."""

from __future__ import annotations

import keras

from tsmaml.models.common import (
    check_sizes,
    context_inputs,
    dense_of_both,
    past_and_mask,
    steps_and_outputs,
)


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    width: int = 128,
    n_layers: int = 2,
    n_context: int = 0,
) -> keras.Model:
    """A multilayer perceptron; its output adds a linear map of the past to that of the features.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        width: units of a hidden layer.
        n_layers: hidden layers.
        n_context: inputs beside the series that the algorithm ``cavia`` adapts.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: ``head`` and ``head_linear``.
    """
    check_sizes(input_size=input_size, h=h, n_outputs=n_outputs, width=width, n_layers=n_layers)
    past, mask, observed = past_and_mask(input_size)
    context = context_inputs(n_context)
    features = dense_of_both(observed, mask, width, "hidden_1", context=context)
    for number in range(2, n_layers + 1):
        features = keras.layers.Dense(width, "relu", name=f"hidden_{number}")(features)
    flat = keras.layers.Add(name="output")(
        [
            keras.layers.Dense(h * n_outputs, name="head")(features),
            keras.layers.Dense(h * n_outputs, use_bias=False, name="head_linear")(observed),
        ]
    )
    return keras.Model([past, mask, *context], steps_and_outputs(flat, h, n_outputs), name="mlp")
