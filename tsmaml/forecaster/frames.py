"""Result frames: names and shapes that utilsforecast takes as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tsmaml.forecaster.calibration import bounds
from tsmaml.forecaster.forecasting import Forecasts
from tsmaml.forecaster.pipeline import Pipeline
from tsmaml.series import SeriesCollection

if TYPE_CHECKING:
    import pandas as pd

NAME = "TSMAML"
ZERO_STEP = "zero-step"


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
    for level, (lower, upper) in bounds(pipeline, collection, made, calibration, levels).items():
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


def explanation(collection: SeriesCollection, made: Forecasts) -> dict[str, np.ndarray]:
    """What adaptation did for each series: columns of a frame."""
    return {
        collection.columns.id: collection.ids,
        "used": np.where(made.helps, "adapted", "zero-step"),
        "level": made.level,
        "zero_step_error": made.zero_step_error,
        "adapted_error": made.adapted_error,
        "inner_steps": made.steps,
        "support_windows": made.support_windows,
    }
