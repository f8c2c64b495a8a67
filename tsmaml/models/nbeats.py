"""N-BEATS (Oreshkin, Carpov, Chapados, Bengio 2020): generic, or of trend and season."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.models.common import (
    Inputs,
    added,
    check_flag,
    check_sizes,
    linear_ways,
    model_inputs,
    steps_and_outputs,
    times_constant,
)

if TYPE_CHECKING:
    import keras

KINDS = ("generic", "trend", "season")


def build(
    input_size: int,
    h: int,
    n_outputs: int = 1,
    *,
    stacks: str | Sequence[str] = "generic",
    width: int = 256,
    n_blocks: int = 3,
    n_layers: int = 3,
    share_weights: bool = False,
    linear: bool | None = None,
    degree: int = 2,
    n_context: int = 0,
    n_hist_exog: int = 0,
    n_futr_exog: int = 0,
    n_stat_exog: int = 0,
) -> keras.Model:
    """Blocks of dense layers, doubly residual: each takes off what it explains of the past.

    With ``x_1`` the past, block ``l`` computes features ``r_l`` of ``x_l``, a backcast and a
    forecast linear in them; ``x_{l+1} = x_l - backcast_l``, the output is the sum of the forecasts
    (equations 1 and 2 of the paper). The forecast is linear in the heads.

    Args:
        input_size: past points.
        h: horizon.
        n_outputs: values a step (quantiles).
        stacks: what the blocks of each stack can say: ``generic`` anything, ``trend`` a polynomial,
            ``season`` sines and cosines (section 3.3). ``interpretable`` is ``["trend", "season"]``.
        width: units of a layer.
        n_blocks: blocks in a stack.
        n_layers: dense layers of a block.
        share_weights: whether all blocks of a stack are one block, applied again (section 3.2).
        linear: whether linear maps of the past and of exogenous inputs are added to the forecast.
            Blocks of ReLUs only come near what they do exactly: to repeat the last season, or the
            last value. None: only where a stack is generic.
        degree: of the polynomial.
        n_context: inputs beside the series that the algorithm ``cavia`` adapts; each block sees them.
        n_hist_exog, n_futr_exog, n_stat_exog: exogenous numbers a step, or a series; each block sees
            them (Olivares et al. 2023, N-BEATSx).

    Returns:
        a model of ``past`` and ``mask``, ``[batch, input_size]`` each, with output ``[batch, h]`` or
        ``[batch, h, n_outputs]``. Head: the forecast layers ``head_<block>`` and ``head_linear``.
    """
    import keras

    check_sizes(
        input_size=input_size,
        h=h,
        n_outputs=n_outputs,
        width=width,
        n_blocks=n_blocks,
        n_layers=n_layers,
        degree=degree,
    )
    check_flag("share_weights", share_weights)
    if linear is not None:
        check_flag("linear", linear)
    kinds = _kinds(stacks)
    inputs = model_inputs(input_size, h, n_context, n_hist_exog, n_futr_exog, n_stat_exog)
    forecasts = []
    if linear or (linear is None and "generic" in kinds):
        forecasts += linear_ways(inputs, h * n_outputs)
    residual, number, total = inputs.observed, 0, len(kinds) * n_blocks
    for stack, kind in enumerate(kinds, start=1):
        bases = _BASES[kind](input_size, h, degree)

        def new_block(name: str, bases: Any = bases) -> Block:
            return _block(name, bases, input_size, h, n_outputs, width, n_layers, inputs)

        shared = new_block("shared" if stack == 1 else f"shared_{stack}") if share_weights else None
        for _ in range(n_blocks):
            number += 1
            block = shared or new_block(str(number))
            backcast, forecast = block(residual)
            forecasts.append(forecast)
            if number < total:
                residual = keras.layers.Subtract(name=f"residual_{number}")([residual, backcast])
                residual = keras.layers.Multiply(name=f"observed_{number}")([residual, inputs.mask])
    flat = added(forecasts, "output")
    return keras.Model(inputs.all, steps_and_outputs(flat, h, n_outputs), name="nbeats")


def _kinds(stacks: str | Sequence[str]) -> list[str]:
    """The kind of each stack."""
    if stacks == "interpretable":
        return ["trend", "season"]
    kinds = [stacks] if isinstance(stacks, str) else list(stacks)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise UsageError(
            f"stacks is {stacks!r}; wanted is 'interpretable' or a list of "
            f"{', '.join(map(repr, KINDS))}."
        )
    return kinds


Block = Callable[[Any], tuple[Any, Any]]
Bases = tuple[np.ndarray, np.ndarray] | None


def _block(
    name: str,
    bases: Bases,
    input_size: int,
    h: int,
    n_outputs: int,
    width: int,
    n_layers: int,
    inputs: Inputs,
) -> Block:
    """The layers of one block, as a function of the residual: ``(backcast, forecast)``."""
    import keras

    sizes = (input_size, h) if bases is None else tuple(len(basis) for basis in bases)
    first = keras.layers.Dense(width, name=f"block_{name}_1_values")
    of_others = {
        ending: keras.layers.Dense(width, use_bias=False, name=f"block_{name}_1_{ending}")
        for ending in ("mask", *inputs.flat)
    }
    add = keras.layers.Add(name=f"block_{name}_1_sum")
    relu = keras.layers.ReLU(name=f"block_{name}_1")
    rest = [
        keras.layers.Dense(width, "relu", name=f"block_{name}_{i}") for i in range(2, n_layers + 1)
    ]
    backcast = keras.layers.Dense(sizes[0], name=f"backcast_{name}")
    forecast = keras.layers.Dense(sizes[1] * n_outputs, name=f"head_{name}")

    def apply(residual: Any) -> tuple[Any, Any]:
        others = {"mask": inputs.mask, **inputs.flat}
        parts = [first(residual), *(of_others[ending](part) for ending, part in others.items())]
        features = relu(add(parts))
        for layer in rest:
            features = layer(features)
        back, ahead = backcast(features), forecast(features)
        if bases is None:
            return back, ahead
        # Coefficients of the basis, the same for each output of a step.
        return times_constant(back, bases[0]), times_constant(
            ahead, np.kron(bases[1], np.eye(n_outputs))
        )

    return apply


def _trend(input_size: int, h: int, degree: int) -> Bases:
    """Powers of time, from 0 to the degree (equation 2 of section 3.3): ``[powers, steps]`` each."""
    powers = np.arange(degree + 1)[:, np.newaxis]
    back, ahead = ((np.arange(n) / n) ** powers for n in (input_size, h))
    return back, ahead


def _season(input_size: int, h: int, _degree: int) -> Bases:
    """Sines and cosines whose periods divide the window (equation 3): ``[waves, steps]`` each."""
    back, ahead = (_waves(n) for n in (input_size, h))
    return back, ahead


def _waves(n: int) -> np.ndarray:
    """The mean, and waves down to a period of two steps."""
    angles = 2 * np.pi * np.arange(1, n // 2 + 1)[:, np.newaxis] * np.arange(n) / n
    return np.concatenate([np.ones((1, n)), np.cos(angles), np.sin(angles)])


_BASES: dict[str, Callable[[int, int, int], Bases]] = {
    "generic": lambda input_size, h, degree: None,
    "trend": _trend,
    "season": _season,
}
