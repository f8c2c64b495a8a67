"""Forecasts of a collection: of series that were adapted to before, of new ones, or of both."""

from __future__ import annotations

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.forecaster.adapted import AdaptedSeries, adapt, forecast_adapted
from tsmaml.forecaster.fitting import Fit
from tsmaml.forecaster.forecasting import Forecasts, forecast_after
from tsmaml.forecaster.pipeline import Pipeline
from tsmaml.forecaster.recursion import forecast_rounds, rounds_for
from tsmaml.forecaster.tuned import forecast_at, level_of
from tsmaml.series import SeriesCollection


def forecast_ahead(
    pipeline: Pipeline,
    fit: Fit,
    kept: AdaptedSeries | None,
    collection: SeriesCollection,
    h: int,
    adapt_to: str | None,
) -> Forecasts:
    """Forecasts of ``h`` points or more: of whole trained horizons.

    Args:
        pipeline, fit: of a fitted forecaster.
        kept: what it adapted to before; those of the series that are in it are not adapted to anew.
        collection: the series.
        h: points to forecast.
        adapt_to: a level of :data:`tsmaml.forecaster.tuned.LEVELS`, or None.
    """
    n_rounds = rounds_for(pipeline, h)
    pipeline.encoder.check_future(collection, n_rounds * pipeline.choices.h)
    level = level_of(adapt_to, collection, set(fit.fingerprints))

    def of_known(part: SeriesCollection, adapted: AdaptedSeries) -> Forecasts:
        adapted = adapted.unadapted if level == "none" else adapted
        if n_rounds > 1:
            return forecast_rounds(pipeline, adapted, part, n_rounds)
        return forecast_adapted(pipeline, adapted, part)

    def of_new(part: SeriesCollection) -> Forecasts:
        if n_rounds > 1:
            return of_known(part, adapt(pipeline, part, level))
        return forecast_at(pipeline, part, level)

    if kept is None:
        return of_new(collection)
    known = np.isin(collection.ids.astype(str), kept.context.ids.astype(str))
    if known.all():
        return of_known(collection, kept)
    if not known.any():
        return of_new(collection)
    places = np.concatenate([np.flatnonzero(known), np.flatnonzero(~known)])
    parts = zip(
        of_known(collection.select(np.flatnonzero(known)), kept),
        of_new(collection.select(np.flatnonzero(~known))),
        strict=True,
    )
    order = np.argsort(places)
    return Forecasts(*(np.concatenate(both)[order] for both in parts))


def forecast_unjudged(
    pipeline: Pipeline, collection: SeriesCollection, h: int, inner_steps: int
) -> Forecasts:
    """Forecasts after so many inner steps, whatever these are worth on points held back.

    Raises:
        UsageError: for steps below 0, or a horizon beyond the trained one.
    """
    if inner_steps < 0 or h > pipeline.choices.h:
        raise UsageError(
            f"inner_steps is {inner_steps} and h {h}; wanted are 0 or more, and at most the trained "
            f"horizon of {pipeline.choices.h}."
        )
    pipeline.encoder.check_future(collection, pipeline.choices.h)
    return forecast_after(pipeline, collection, inner_steps)
