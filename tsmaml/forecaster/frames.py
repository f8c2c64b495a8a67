"""Result frames: names and shapes that utilsforecast takes as they are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.forecaster.fitting import intervals_of
from tsmaml.forecaster.pipeline import Forecasts, Pipeline
from tsmaml.forecaster.recursion import carried_over
from tsmaml.intervals import supported, widths
from tsmaml.series import SeriesCollection

if TYPE_CHECKING:
    import pandas as pd

NAME = "TSMAML"
ZERO_STEP = "zero-step"


def bounds(
    pipeline: Pipeline,
    made: Forecasts,
    calibration: Mapping[str, np.ndarray],
    levels: Sequence[float],
) -> dict[float, tuple[np.ndarray, np.ndarray]]:
    """Lower and upper bounds ``[series, h]`` by level; wider levels hold the narrower ones.

    They are in units of the transform, like the forecasts: each transform keeps order. Beyond the
    trained horizon the calibration is that of each round, see :mod:`tsmaml.forecaster.recursion`.

    Raises:
        UsageError: if there are no held-out series to calibrate on.
    """
    if levels and not calibration:
        raise UsageError(
            "This model has no intervals: it was fitted without held-out series.",
            hint="Fit with five series or more, and a holdout above 0.",
        )
    point = made.used[..., pipeline.middle]
    lower = upper = point
    trained, h = pipeline.choices.h, point.shape[1]
    scale = made.scale.reshape(len(point), -1)
    found = {}
    outputs = intervals_of(pipeline)
    for level in levels:
        name = f"{level / 100:g}" if f"{level / 100:g}" in outputs else "point"
        low, high = outputs[name]
        if not supported(calibration[name], level / 100):
            warnings.warn(
                f"{len(calibration[name])} held-out windows are too few for a level of {level:g} %: "
                "the interval reaches as far as the worst of them, and may cover less.",
                stacklevel=4,
            )
        wider = scale * np.resize(widths(calibration[name], level / 100), h)
        lower = np.minimum(lower, made.used[..., low] - wider)
        upper = np.maximum(upper, made.used[..., high] + wider)
        found[level] = (lower, upper)
        if h > trained:
            found[level] = (
                point - carried_over(point - lower, trained),
                point + carried_over(upper - point, trained),
            )
    return found


def forecast_frame(
    pipeline: Pipeline,
    collection: SeriesCollection,
    made: Forecasts,
    calibration: Mapping[str, np.ndarray],
    h: int,
    levels: Sequence[float],
) -> pd.DataFrame:
    """``unique_id, ds, TSMAML, TSMAML-lo-80, TSMAML-hi-80, ...``, a row for each series and step."""
    import pandas as pd

    columns = {
        collection.columns.id: np.repeat(collection.ids, h),
        collection.columns.time: collection.in_zone(collection.future_times(h).ravel()),
        NAME: pipeline.in_units(made.used[:, :h, pipeline.middle]).ravel(),
    }
    for level, (lower, upper) in bounds(pipeline, made, calibration, levels).items():
        columns[f"{NAME}-lo-{level:g}"] = pipeline.in_units(lower[:, :h]).ravel()
        columns[f"{NAME}-hi-{level:g}"] = pipeline.in_units(upper[:, :h]).ravel()
    return pd.DataFrame(columns)


def compared_frame(
    pipeline: Pipeline,
    collection: SeriesCollection,
    made: Forecasts,
    calibration: Mapping[str, np.ndarray],
    h: int,
    levels: Sequence[float],
) -> pd.DataFrame:
    """The frame of :func:`forecast_frame`, with the zero-step forecast as one more column.

    Not so beyond the trained horizon, where it would go on from adapted forecasts.
    """
    frame = forecast_frame(pipeline, collection, made, calibration, h, levels)
    if h <= pipeline.choices.h:
        frame[ZERO_STEP] = pipeline.in_units(made.zero_step[:, :h, pipeline.middle]).ravel()
    return frame


def both_frame(
    pipeline: Pipeline,
    collection: SeriesCollection,
    made: Forecasts,
    calibration: Mapping[str, np.ndarray],
    h: int,
    levels: Sequence[float],
) -> pd.DataFrame:
    """The frame of :func:`forecast_frame`, and beside it that of the zero-step forecasts."""
    used = forecast_frame(pipeline, collection, made, calibration, h, levels)
    zero_step = made._replace(helps=np.zeros_like(made.helps))
    beside = forecast_frame(pipeline, collection, zero_step, calibration, h, levels)
    for column in beside.columns[2:]:
        used[column.replace(NAME, ZERO_STEP, 1)] = beside[column]
    return used


def explain_frame(collection: SeriesCollection, made: Forecasts) -> pd.DataFrame:
    """What adaptation did for each series."""
    import pandas as pd

    return pd.DataFrame(
        {
            collection.columns.id: collection.ids,
            "used": np.where(made.helps, "adapted", "zero-step"),
            "level": made.level,
            "zero_step_error": made.zero_step_error,
            "adapted_error": made.adapted_error,
            "inner_steps": made.steps,
            "support_windows": made.support_windows,
        }
    )
