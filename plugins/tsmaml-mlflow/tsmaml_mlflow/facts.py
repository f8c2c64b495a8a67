"""What is logged of a fit, as plain values by the names that MLflow shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import TsmamlError
from tsmaml.forecaster.settings import Settings
from tsmaml.plugins.options import options_of

if TYPE_CHECKING:
    from tsmaml import MetaForecaster, SeriesCollection
    from tsmaml.engine import History, Progress
    from tsmaml.plugins import Part

# Chosen from the series where they are None; a parameter of a run can't change, so they come later.
CHOSEN = ("h", "input_size", "season_length", "freq")


def params_of(settings: Settings, collection: SeriesCollection) -> dict[str, str]:
    """Settings, options of the parts (``model.width``) with their defaults, and the size of the data."""
    parts = settings.parts
    found: dict[str, Any] = {
        field.name: getattr(settings, field.name) for field in fields(Settings)
    }
    for role, part in parts.items():
        found[role] = part.name
        options = {**_defaults(part), **found.pop(f"{role}_options")}
        found.update({f"{role}.{name}": value for name, value in options.items()})
    known = {
        name: value for name, value in found.items() if name not in CHOSEN or value is not None
    }
    known.update(series=len(collection), points=len(collection.values))
    return {name: _text(value) for name, value in known.items()}


def choices_of(forecaster: MetaForecaster) -> dict[str, str]:
    """Horizon, input size, season and frequency, where the series decided on them."""
    choices, settings = forecaster.choices_, forecaster.settings
    values = (choices.h, choices.input_size, choices.season_length, choices.frequency)
    return {
        name: _text(value)
        for name, value in zip(CHOSEN, values, strict=True)
        if getattr(settings, name) is None
    }


def tags_of(settings: Settings, collection: SeriesCollection) -> dict[str, str]:
    """Versions of all that has a say in the numbers, and where the series came from."""
    from tsmaml.forecaster.fitting import versions_here

    found = {f"version.{name}": version for name, version in versions_here().items()}
    plugins = {part.plugin: part.version for part in settings.parts.values() if part.plugin}
    found.update({f"version.{name}": str(version) for name, version in plugins.items()})
    return {**found, "source": str(collection.source)}


def losses_of(progress: Progress) -> Iterator[tuple[str, int, float]]:
    """Name, outer step and value of what a report tells."""
    if progress.validation_loss is not None:
        found = [
            ("validation_loss", progress.step, progress.validation_loss),
            ("validation_zero_step_loss", progress.step, progress.zero_step_loss),
        ]
    else:
        first = progress.step - len(progress.query_losses) + 1
        found = [
            ("query_loss", first + place, float(loss))
            for place, loss in enumerate(progress.query_losses)
        ]
        found.append(("support_loss", progress.step, progress.support_loss))
    return (one for one in found if _is_finite(one[2]))


def curve_of(history: History) -> Iterator[tuple[str, int, float]]:
    """The same of all steps, those before a resumption too; support losses are not kept."""
    found = [("query_loss", step, float(loss)) for step, loss in enumerate(history.curve.query, 1)]
    for step, zero_step, adapted in history.curve.validation:
        found.append(("validation_loss", int(step), adapted))
        found.append(("validation_zero_step_loss", int(step), zero_step))
    return (one for one in found if _is_finite(one[2]))


def scores_of(forecaster: MetaForecaster) -> dict[str, float]:
    """``mase/adapted`` and the like on held-out series, the best step, and how many series there were."""
    report, history = forecaster.report_, forecaster.history_
    means: Mapping[str, Mapping[str, float]] = {} if report is None else report.mean
    found = {
        f"{metric}/{name}": float(value)
        for metric, by_name in means.items()
        for name, value in by_name.items()
    }
    found["best_step"] = float(history.best_step)
    kinds = ("trained", "validated", "reported")
    found.update({f"series/{kind}": n for kind, n in zip(kinds, forecaster.split_, strict=True)})
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _defaults(part: Part) -> dict[str, Any]:
    """The options of a part that its factory has defaults for."""
    try:
        options = options_of(part) or ()
    except TsmamlError:
        return {}
    return {option.name: option.default for option in options if not option.required}


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _text(value: Any) -> str:
    if isinstance(value, tuple | np.ndarray):
        return str(list(value))
    return str(getattr(value, "__name__", value))
