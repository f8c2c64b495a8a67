"""What ``gru`` and ``lstm`` share: a recurrence that reads the past step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tsmaml.models.common import check_flag, check_sizes, model_inputs
from tsmaml.models.sequences import embedded, forecast_of_state

if TYPE_CHECKING:
    import keras

# A loop over so many steps is written out: each step takes about a second to compile, after which
# meta-training is four times as fast (docs/models.md).
_LONGEST_UNROLLED = 48


def recurrent_model(
    layer: Callable[..., Any],
    name: str,
    input_size: int,
    h: int,
    n_outputs: int,
    *,
    units: int,
    n_layers: int,
    width: int,
    linear: bool,
    unroll: bool | None,
    **counts: int,
) -> keras.Model:
    """Recurrent layers whose last state becomes the forecast of all steps at once.

    Args:
        layer: ``keras.layers.GRU`` or ``keras.layers.LSTM``.
        name: of the model, and of its layers.
        input_size, h, n_outputs, units, n_layers, width, linear, unroll: see there.
        counts: ``n_context``, ``n_hist_exog``, ``n_futr_exog``, ``n_stat_exog``.
    """
    import keras

    check_sizes(
        input_size=input_size,
        h=h,
        n_outputs=n_outputs,
        units=units,
        n_layers=n_layers,
        width=width,
    )
    check_flag("linear", linear)
    unroll = input_size <= _LONGEST_UNROLLED if unroll is None else unroll
    check_flag("unroll", unroll)
    inputs = model_inputs(input_size, h, **counts)
    steps = embedded(inputs, units)
    for number in range(1, n_layers + 1):
        steps = layer(
            units, return_sequences=number < n_layers, unroll=unroll, name=f"{name}_{number}"
        )(steps)
    output = forecast_of_state(steps, inputs, h, n_outputs, width, linear)
    return keras.Model(inputs.all, output, name=name)
