"""Dense layers with a linear way past them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsmaml.models.common import (
    added,
    check_sizes,
    dense_of_inputs,
    linear_ways,
    model_inputs,
    steps_and_outputs,
)

if TYPE_CHECKING:
    import keras


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    width: int = 128,
    n_layers: int = 2,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> keras.Model:
    """A multilayer perceptron; its output adds linear maps of the inputs to that of the features.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        width: units of a hidden layer.
        n_layers: hidden layers.
        n_context: inputs beside the series that the algorithm ``cavia`` adapts.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: ``head``, ``head_linear`` and one for each exogenous input.
    """
    import keras

    check_sizes(input_size=input_size, h=h, n_outputs=n_outputs, width=width, n_layers=n_layers)
    inputs = model_inputs(input_size, h, n_context, n_hist_exog, n_futr_exog, n_stat_exog)
    features = dense_of_inputs(inputs.observed, inputs, width, "hidden_1")
    for number in range(2, n_layers + 1):
        features = keras.layers.Dense(width, "relu", name=f"hidden_{number}")(features)
    head = keras.layers.Dense(h * n_outputs, name="head")(features)
    flat = added([head, *linear_ways(inputs, h * n_outputs, "glorot_uniform")], "output")
    return keras.Model(inputs.all, steps_and_outputs(flat, h, n_outputs), name="mlp")
