"""Forecasts beyond the trained horizon: the model's own become its input.

A round forecasts the trained horizon; its median forecasts, in the user's units, are appended to the
series, and the next round goes on from there. Parameters are adapted once, to what was observed.
"""

from __future__ import annotations

import warnings

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.forecaster.adapted import AdaptedSeries, forecast_adapted
from tsmaml.forecaster.forecasting import Forecasts
from tsmaml.forecaster.pipeline import Pipeline
from tsmaml.series import SeriesCollection
from tsmaml.series.words import listed


def rounds_for(pipeline: Pipeline, h: int) -> int:
    """How many rounds it takes to forecast ``h`` points; warns if it is more than one.

    Raises:
        UsageError: if the model wants historic columns, of which nobody knows the future.
    """
    trained = pipeline.choices.h
    if h <= trained:
        return 1
    historic = pipeline.encoder.names("hist")
    if historic:
        raise UsageError(
            f"h is {h}; this model forecasts 1 to {trained} points. Beyond them it would have to know "
            f"the historic columns ahead: {listed([repr(name) for name in historic])}.",
            hint=f"Fit one with a longer horizon, MetaForecaster(h={h}), or without these columns.",
        )
    warnings.warn(
        f"h is {h}, beyond the {trained} points that this model was trained to forecast: its own "
        "forecasts are fed back as input for the rest, where errors add up.",
        stacklevel=4,
    )
    return -(-h // trained)


def forecast_rounds(
    pipeline: Pipeline,
    kept: AdaptedSeries,
    collection: SeriesCollection,
    n_rounds: int,
) -> Forecasts:
    """Forecast ``n_rounds`` trained horizons.

    Args:
        kept: what was adapted to the series.
        collection: series whose ids are all in ``kept``.

    Returns:
        forecasts ``[series, n_rounds * h, quantiles]``, their scale ``[series, n_rounds * h]``.
    """
    h, rounds = pipeline.choices.h, []
    # What the model sees of the past, and one point more for the first change.
    collection = collection.tail_of_each(
        max(pipeline.choices.input_size, collection.longest_silence) + 1
    )
    for _ in range(n_rounds):
        made = forecast_adapted(pipeline, kept, collection)
        rounds.append(made)
        collection = collection.continued(pipeline.in_units(made.used[..., pipeline.middle]))
    return rounds[0]._replace(
        adapted=np.concatenate([made.adapted for made in rounds], axis=1),
        zero_step=np.concatenate([made.zero_step for made in rounds], axis=1),
        scale=np.repeat(np.stack([made.scale for made in rounds], axis=1), h, axis=1),
    )


def carried_over(distances: np.ndarray, h: int) -> np.ndarray:
    """Distances of bounds from the forecast, each round's widened by the last one's of that before.

    As squares add up where errors are independent: a bound is never nearer than at the last step of
    the trained horizon.

    Args:
        distances: ``[series, rounds * h]``, at least 0, each round's as if its input were observed.
        h: steps of a round.
    """
    widened = distances.copy()
    for begin in range(h, distances.shape[1], h):
        before = widened[:, begin - 1 : begin]
        widened[:, begin : begin + h] = np.hypot(distances[:, begin : begin + h], before)
    return widened
