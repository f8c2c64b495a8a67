"""Scores of forecasts: MASE and sMAPE, series by series, by utilsforecast's definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.series import SeriesCollection

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scores:
    """Scores of several forecasts of the same series.

    Attributes:
        per_series: frame ``unique_id, metric, <forecast>...``; MASE is missing for a series whose
            history never changes from season to season.
        mean: ``{metric: {forecast: mean over the series}}``.
        n_series: series scored.
        n_constant: of these, how many have no MASE.
        n_origins: origins that each was forecast from, at most.
    """

    per_series: pd.DataFrame
    mean: dict[str, dict[str, float]]
    n_series: int
    n_constant: int
    n_origins: int = 1


def score(
    truth: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    history: SeriesCollection,
    season_length: int,
) -> Scores:
    """Score forecasts of the points that follow a history.

    Args:
        truth: ``[series, h]``, NaN where masked: such a step has no part in a score.
        forecasts: ``{name: [series, h]}``.
        history: the series up to the forecasts; MASE is scaled by its in-sample seasonal error.
        season_length: the lag of that error.

    Raises:
        UsageError: if a forecast is not finite (a mean that left it out would reward it), has
            another shape than the truth, or a name that the frame needs for itself.
    """
    import pandas as pd
    from utilsforecast.evaluation import evaluate
    from utilsforecast.losses import mase, smape

    n, h = truth.shape
    names = list(forecasts)
    _check(truth, forecasts, history)
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(history.ids, h),
            "ds": np.tile(np.arange(h), n),
            "y": truth.ravel(),
            **{name: np.asarray(values).ravel() for name, values in forecasts.items()},
        }
    ).dropna(subset="y", ignore_index=True)
    past = pd.DataFrame(
        {
            "unique_id": np.repeat(history.ids, history.lengths),
            "ds": np.concatenate([np.arange(-length, 0) for length in history.lengths]),
            "y": history.values,
        }
    )
    per_series = evaluate(
        frame, [partial(mase, seasonality=season_length), smape], models=names, train_df=past
    )
    scored = per_series["unique_id"].nunique()
    is_mase = per_series["metric"] == "mase"
    # A history that repeats itself exactly has nothing to scale by.
    scalable = pd.Series(_scalable(history, season_length), index=history.ids)
    values = per_series[names].copy()
    values.loc[is_mase] = values.loc[is_mase].where(per_series["unique_id"].map(scalable))
    values.loc[~is_mase] *= 200  # utilsforecast's sMAPE goes from 0 to 1; the competitions' to 200
    per_series = per_series.assign(**values)
    mean = {
        metric: {name: float(rows[name].mean()) for name in names}
        for metric, rows in per_series.groupby("metric")
    }
    return Scores(per_series, mean, scored, int((~scalable).sum()))


def mean_of(scores: Sequence[Scores]) -> Scores:
    """Scores over several origins: ``per_series`` and means are means over the origins."""
    import pandas as pd

    frames = [one.per_series.set_index(["unique_id", "metric"]) for one in scores]
    both = pd.concat(frames).groupby(level=[0, 1], sort=False).mean()
    names = list(both.columns)
    mean = {
        str(metric): {name: float(rows[name].mean()) for name in names}
        for metric, rows in both.groupby(level="metric")
    }
    without = int(both.xs("mase", level="metric")[names[0]].isna().sum())
    return Scores(both.reset_index(), mean, scores[0].n_series, without, len(scores))


def _check(
    truth: np.ndarray, forecasts: Mapping[str, np.ndarray], history: SeriesCollection
) -> None:
    if truth.shape[0] != len(history) or not truth.size:
        raise UsageError(f"The truth has shape {truth.shape} for {len(history)} series.")
    for name, values in forecasts.items():
        if name in ("unique_id", "ds", "y", "metric", "cutoff"):
            raise UsageError(f"A forecast can't be named {name!r}.")
        if np.shape(values) != truth.shape:
            raise UsageError(
                f"The forecast {name!r} has shape {np.shape(values)}, the truth {truth.shape}."
            )
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if bad.size:
            raise UsageError(
                f"The forecast {name!r} of series {history.ids[bad[0]]!r} is not finite "
                f"({bad.size} such series)."
            )


def _scalable(history: SeriesCollection, season_length: int) -> np.ndarray:
    """Whether each series ever differs from what it was a season before: ``[series]`` bool."""
    values = history.values
    same_series = np.repeat(np.arange(len(history)), history.lengths)
    lagged = same_series[season_length:] == same_series[:-season_length]
    # A masked step differs from nothing.
    differs = (np.abs(values[season_length:] - values[:-season_length]) > 0) & lagged
    return np.bincount(same_series[season_length:][differs], minlength=len(history)) > 0
