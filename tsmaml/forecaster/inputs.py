"""Models and what they take: past, mask and exogenous inputs, found by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from tsmaml.errors import UsageError
from tsmaml.forecaster.members import side_by_side
from tsmaml.plugins import Part
from tsmaml.plugins.calls import call_part
from tsmaml.series.words import listed
from tsmaml.tasks.encoding import ROLES, WHAT, Encoder


def make_model(
    part: Part,
    sizes: tuple[int, ...],
    options: Mapping[str, Any],
    encoder: Encoder,
    n_members: int = 1,
) -> keras.Model:
    """Build a model, or several side by side, of all inputs, of whichever it takes.

    Args:
        part: the registered model.
        sizes: input size, horizon and, if above 1, the number of outputs.
        options: of the model.
        encoder: says how many exogenous numbers there are; a builder is told them if it has
            parameters ``n_hist_exog``, ``n_futr_exog`` and ``n_stat_exog``.
        n_members: nets of an ensemble; above 1 the outputs have them as their last axis.

    Raises:
        UsageError: if the model can't use a column that is given.
    """
    told = parameters_of(part)
    counts = {f"n_{role}_exog": width for role, width in encoder.widths.items()}
    counts = {name: width for name, width in counts.items() if name in told}

    def build() -> keras.Model:
        model = call_part(part, *sizes, options={**counts, **options})
        if not isinstance(model, keras.Model):
            raise UsageError(
                f"The model {part.name!r} is a {type(model).__name__}; wanted is a Keras model."
            )
        _check_columns_are_used(part, model, encoder)
        return _of_named_inputs(model, sizes[0], sizes[1], encoder)

    return build() if n_members == 1 else side_by_side(build, n_members)


def parameters_of(part: Part) -> set[str]:
    """What a part may be told; nothing of a callable without a signature."""
    try:
        return set(inspect.signature(part.load()).parameters)
    except ValueError:
        return set()


def _check_columns_are_used(part: Part, model: keras.Model, encoder: Encoder) -> None:
    taken = {tensor.name for tensor in model.inputs}
    for role in ROLES:
        if encoder.widths[role] and f"{role}_exog" not in taken:
            names = encoder.names(role) + (list(encoder.calendar) if role == "futr" else [])
            raise UsageError(
                f"The model {part.name!r} can't use {WHAT[role]} columns: "
                f"{listed([repr(name) for name in names])}.",
                hint=f"Leave them out, or choose a model with an input {role}_exog.",
            )


def _of_named_inputs(model: keras.Model, input_size: int, h: int, encoder: Encoder) -> keras.Model:
    """Give the model the dictionary of all inputs, whichever of them it takes.

    Raises:
        UsageError: if it wants an input that there is not.
    """
    widths = encoder.widths
    shapes = {
        "past": (input_size,),
        "mask": (input_size,),
        "hist_exog": (input_size, widths["hist"]),
        "futr_exog": (input_size + h, widths["futr"]),
        "stat_exog": (widths["stat"],),
    }
    offered = {name: keras.Input(shape, name=name) for name, shape in shapes.items() if all(shape)}
    for tensor in model.inputs:
        if tensor.name == "context":  # the engine fills it
            offered["context"] = keras.Input(tensor.shape[1:], name="context")
    names = [tensor.name for tensor in model.inputs]
    if len(names) == 1 and names[0] not in offered:
        names = ["past"]
    unknown = [name for name in names if name not in offered]
    if unknown:
        raise UsageError(
            f"The model {model.name!r} has inputs named {', '.join(map(repr, unknown))}; there are "
            f"{', '.join(map(repr, offered))}.",
            hint="Name them so: keras.Input((input_size,), name='past').",
        )
    wanted = [offered[name] for name in names]
    for tensor, given in zip(model.inputs, wanted, strict=True):
        if tuple(tensor.shape[1:]) != tuple(given.shape[1:]):
            raise UsageError(
                f"The model's input {tensor.name!r} has shape {tuple(tensor.shape[1:])}; wanted is "
                f"{tuple(given.shape[1:])}, {_MEANING[given.name]}."
            )
    outputs = model(wanted if len(wanted) > 1 else wanted[0])
    # An input that the model leaves unused still belongs to the dictionary.
    return _TakesAll(offered, outputs, name=f"{model.name}_of_inputs")


_MEANING = {
    "past": "the input size",
    "mask": "the input size",
    "hist_exog": "the input size and the historic numbers",
    "futr_exog": "the input size and horizon, and the future numbers",
    "stat_exog": "the static numbers",
}


class _TakesAll(keras.Model):
    """A functional model that may have inputs which lead nowhere."""
