"""What the model and the baselines forecast at one cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tsmaml.errors import TrainingError
from tsmaml.evaluation.baselines import Baseline, seasonal_naive
from tsmaml.evaluation.metrics import bound_names
from tsmaml.evaluation.protocols import Cut
from tsmaml.evaluation.request import ZERO_STEP, Forecaster
from tsmaml.evaluation.windows import rows_of, seasonal_errors
from tsmaml.series import SeriesCollection
from tsmaml.series.words import counted, first_sentence

if TYPE_CHECKING:
    import pandas as pd


class Forecast(NamedTuple):
    """What was forecast at one cut: columns ``[series, h]`` of each model, its bounds among them."""

    cut: Cut
    columns: dict[str, dict[str, np.ndarray]]


def rows_of_forecast(forecast: Forecast, models: Sequence[str], season_length: int) -> pd.DataFrame:
    """Result rows of one cut, with ``scale`` (and ``history`` in a cold start)."""
    cut = forecast.cut
    columns = {
        column: values for model in models for column, values in forecast.columns[model].items()
    }
    rows = rows_of(cut.window, columns)
    if cut.length is not None:
        rows.insert(3, "history", cut.length)
    h = cut.window.truth.shape[1]
    return rows.assign(scale=np.repeat(seasonal_errors(cut.window.past, season_length), h))


def model_columns(cut: Cut, h: int, levels: Sequence[float]) -> dict[str, dict[str, np.ndarray]]:
    """Forecasts of the model and zero-step ones, each under its name with its bounds."""
    frame = cut.model.predict(cut.past, h=h, level=list(levels) or None, with_zero_step=True)
    columns = {
        str(column): _finite(str(column), frame[column].to_numpy(float).reshape(-1, h), cut)
        for column in frame.columns[2:]
    }
    zero_step = {name: part for name, part in columns.items() if name.startswith(ZERO_STEP)}
    own = {name: part for name, part in columns.items() if name not in zero_step}
    return {next(iter(own)): own, ZERO_STEP: zero_step}


def point_forecasts(
    model: Forecaster, past: SeriesCollection, h: int, inner_steps: int | None = None
) -> dict[str, np.ndarray]:
    """Point forecasts of the model, each series adapted to by itself, and zero-step ones.

    They are ``[series, h]`` by name.
    """
    frame = model.predict(
        past, h=h, adapt_to="series", with_zero_step=True, inner_steps=inner_steps
    )
    return {str(name): frame[name].to_numpy(float).reshape(-1, h) for name in frame.columns[2:]}


def _finite(name: str, values: np.ndarray, cut: Cut) -> np.ndarray:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        # A mean that left it out would reward it.
        raise TrainingError(
            f"The forecast {name} of series {cut.past.ids[bad[0]]!r} is not finite "
            f"({bad.size} such series).",
            hint="Meta-train with a lower learning rate.",
        )
    return values


def baseline_columns(
    name: str,
    baseline: Baseline,
    cut: Cut,
    h: int,
    levels: Sequence[float],
    notes: list[str],
) -> dict[str, np.ndarray] | None:
    """A baseline's forecasts and bounds; None, and a note, if it fails.

    Series that it could not forecast get the seasonal naive, with a note.
    """
    shape = (len(cut.past), h)
    try:
        point, bounds = baseline(cut.past, h, levels)
        wanted = {level: bounds[level] for level in levels if bounds}
    except Exception as error:  # a baseline may fail in any way; the others are still of use
        why = f"{type(error).__name__}: {first_sentence(error)}"
        notes.append(f"The baseline {name} failed and is left out ({why}).")
        return None
    columns = {name: np.array(point, float)}
    for level, pair in wanted.items():
        names = bound_names(name, level)
        columns.update({one: np.array(part, float) for one, part in zip(names, pair, strict=True)})
    if any(part.shape != shape for part in columns.values()):
        shapes = [part.shape for part in columns.values()]
        notes.append(f"The baseline {name} is left out: its shapes are {shapes}, not {shape}.")
        return None
    bad = ~np.all([np.isfinite(part).all(axis=1) for part in columns.values()], axis=0)
    if bad.any():
        kept = cut.past.select(np.flatnonzero(bad))
        instead = seasonal_naive(kept, int(cut.model.choices_.season_length), h)
        for part in columns.values():
            part[bad] = instead
        notes.append(
            f"The baseline {name} could not forecast {counted(int(bad.sum()), 'series')} "
            f"(first {kept.ids[0]!r}): the seasonal naive stands there."
        )
    return columns
