"""What the architectures that read one step after the other share."""

from __future__ import annotations

from typing import Any

from tsmaml.models.common import Inputs, dense_of_all, forecast_of


def steps_of(inputs: Inputs) -> dict[str, Any]:
    """What is known of each step of the past, by name: ``[batch, input_size, n]`` each.

    Values and mask, the historic numbers, and those of the future columns up to now.
    """
    import keras

    size = inputs.past.shape[1]
    found = {
        "values": keras.layers.Reshape((size, 1), name="values_of_steps")(inputs.observed),
        "mask": keras.layers.Reshape((size, 1), name="mask_of_steps")(inputs.mask),
    }
    if "hist_exog" in inputs.beside:
        found["hist_exog"] = inputs.beside["hist_exog"]
    if "futr_exog" in inputs.beside:
        found["futr_exog"] = inputs.beside["futr_exog"][:, :size]
    return found


def embedded(inputs: Inputs, width: int) -> Any:
    """A linear layer of what is known of each step: ``[batch, input_size, width]``."""
    return dense_of_all(steps_of(inputs), width, "embedding")


def forecast_of_state(
    state: Any, inputs: Inputs, h: int, n_outputs: int, width: int, linear: bool
) -> Any:
    """The forecast from what was made of the past: ``[batch, n]`` -> ``[batch, h]`` and so on.

    A dense layer brings together the past, what is known ahead, what is static, and the context.
    """
    import keras

    beside = {name: part for name, part in inputs.flat.items() if name != "hist_exog"}
    hidden = dense_of_all({"state": state, **beside}, width, "hidden")
    hidden = keras.layers.Activation("relu", name="hidden_activation")(hidden)
    return forecast_of(hidden, inputs, h, n_outputs, linear)
