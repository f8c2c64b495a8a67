"""A recurrent network of gated units, GRU (Cho, van Merriënboer, Gulcehre et al. 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsmaml.models.recurrent import recurrent_model

if TYPE_CHECKING:
    import keras


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    units: int = 64,
    n_layers: int = 1,
    width: int = 64,
    linear: bool = True,
    unroll: bool | None = None,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> keras.Model:
    """A GRU that reads the past; its last state becomes the forecast of all steps at once.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        units: of a recurrent layer, and of the embedding of each step before it.
        n_layers: recurrent layers.
        width: units of the dense layer before the head.
        linear: whether linear maps of the past and of exogenous inputs are added to the forecast.
        unroll: whether the loop over time is written out, which takes longer to compile and runs
            faster; None: up to 48 past points.
        n_context: inputs beside the series that the algorithm ``cavia`` adapts.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series.

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: ``head``, ``head_linear`` and one for each exogenous input.
    """
    import keras

    return recurrent_model(
        keras.layers.GRU,
        "gru",
        input_size,
        h,
        n_outputs,
        units=units,
        n_layers=n_layers,
        width=width,
        linear=linear,
        unroll=unroll,
        n_context=n_context,
        n_hist_exog=n_hist_exog,
        n_futr_exog=n_futr_exog,
        n_stat_exog=n_stat_exog,
    )
