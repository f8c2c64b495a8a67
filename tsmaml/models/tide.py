"""TiDE, the time-series dense encoder (Das, Kong, Leach, Mathur, Sen, Yu 2023)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tsmaml.models.common import (
    Inputs,
    added,
    check_flag,
    check_sizes,
    dense_of_all,
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
    n_encoder_layers: int = 1,
    n_decoder_layers: int = 1,
    feature_width: int = 4,
    decoder_width: int = 8,
    temporal_width: int = 32,
    linear: bool = True,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> keras.Model:
    """Residual blocks of dense layers from the past and its columns to each step of the horizon.

    The columns of each step are projected to a few numbers; past, projections and static columns are
    encoded; the code is decoded to some numbers for each step of the horizon; a last block, the same
    for all steps, makes the forecast of these and of what is known of that step (section 4 of the
    paper, figure 1). A linear map of the past is added. Dropout is left out.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        width: units of encoder and decoder.
        n_encoder_layers, n_decoder_layers: residual blocks of each.
        feature_width: numbers that the columns of a step are projected to.
        decoder_width: numbers that are decoded for each step of the horizon.
        temporal_width: units of the last block.
        linear: whether linear maps of the past and of exogenous inputs are added to the forecast
            (the paper's is of the past alone).
        n_context: inputs beside the series that the algorithm ``cavia`` adapts.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: the linear layers of the last block, ``head_...``, and those
        of the linear maps.
    """
    import keras

    check_sizes(
        input_size=input_size,
        h=h,
        n_outputs=n_outputs,
        width=width,
        n_encoder_layers=n_encoder_layers,
        n_decoder_layers=n_decoder_layers,
        feature_width=feature_width,
        decoder_width=decoder_width,
        temporal_width=temporal_width,
    )
    check_flag("linear", linear)
    inputs = model_inputs(input_size, h, n_context, n_hist_exog, n_futr_exog, n_stat_exog)
    known, ahead = _projected(inputs, feature_width, width)
    code: Mapping[str, Any] = known
    for number in range(1, n_encoder_layers + 1):
        code = {"code": _residual_block(code, width, width, f"encoder_{number}")}
    for number in range(1, n_decoder_layers):
        code = {"code": _residual_block(code, width, width, f"decoder_{number}")}
    last = f"decoder_{n_decoder_layers}"
    decoded = _residual_block(code, width, h * decoder_width, last)
    of_steps = {"decoded": keras.layers.Reshape((h, decoder_width), name="decoded")(decoded)}
    features = dense_of_all({**of_steps, **ahead}, temporal_width, "temporal")
    features = keras.layers.Activation("relu", name="temporal_activation")(features)
    parts = [keras.layers.Dense(n_outputs, name="head")(features)]
    parts += [
        keras.layers.Dense(n_outputs, use_bias=False, name=f"head_past_{name}")(tensor)
        for name, tensor in {**of_steps, **ahead}.items()
    ]
    forecast = keras.layers.Flatten(name="forecast")(added(parts, "temporal_output"))
    ways = linear_ways(inputs, h * n_outputs) if linear else []
    flat = added([forecast, *ways], "output")
    return keras.Model(inputs.all, steps_and_outputs(flat, h, n_outputs), name="tide")


def _projected(
    inputs: Inputs, feature_width: int, width: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the encoder is given, ``[batch, n]`` each, and what the last block is, ``[batch, h, n]``.

    What is known of a future column is projected in the same way before and after the origin.
    """
    import keras

    size = inputs.past.shape[1]
    known = {"values": inputs.observed, "mask": inputs.mask}
    known |= {name: inputs.flat[name] for name in ("context", "stat_exog") if name in inputs.flat}
    ahead = {}
    flatten = keras.layers.Flatten
    if "hist_exog" in inputs.beside:
        project = _projection("hist", feature_width, width)
        columns = project(inputs.beside["hist_exog"], "past")
        known["hist"] = flatten(name="hist_projected")(columns)
    if "futr_exog" in inputs.beside:
        project = _projection("futr", feature_width, width)
        columns = inputs.beside["futr_exog"]
        # The columns are cut before they are projected: their own derivative is nobody's.
        before, ahead["futr"] = (
            project(columns[:, :size], "past"),
            project(columns[:, size:], "ahead"),
        )
        known["futr"] = flatten(name="futr_past")(before)
        known["futr_ahead"] = flatten(name="futr_ahead")(ahead["futr"])
    return known, ahead


def _projection(name: str, feature_width: int, width: int) -> Callable[[Any, str], Any]:
    """A residual block of the columns of a step, the same for every step: of columns and their part."""
    import keras

    hidden = keras.layers.Dense(width, "relu", name=f"project_{name}_hidden")
    output = keras.layers.Dense(feature_width, name=f"project_{name}_output")
    past = keras.layers.Dense(feature_width, use_bias=False, name=f"project_{name}_past")
    norm = keras.layers.LayerNormalization(name=f"project_{name}_norm")

    def apply(columns: Any, part: str) -> Any:
        both = [output(hidden(columns)), past(columns)]
        return norm(added(both, f"project_{name}_sum_{part}"))

    return apply


def _residual_block(parts: Mapping[str, Any], hidden: int, width: int, name: str) -> Any:
    """``norm(dense(relu(dense(x))) + dense(x))`` of one or more tensors (section 4)."""
    import keras

    x = dense_of_all(parts, hidden, f"{name}_hidden")
    x = keras.layers.Activation("relu", name=f"{name}_activation")(x)
    x = keras.layers.Dense(width, name=f"{name}_output")(x)
    past = dense_of_all(parts, width, f"{name}_past")
    x = keras.layers.Add(name=f"{name}_sum")([x, past])
    return keras.layers.LayerNormalization(name=f"{name}_norm")(x)
