"""Scores of forecasts: MASE and sMAPE, series by series, by utilsforecast's definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

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
    """

    per_series: pd.DataFrame
    mean: dict[str, dict[str, float]]
    n_series: int
    n_constant: int


def score(
    truth: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    history: SeriesCollection,
    season_length: int,
) -> Scores:
    """Score forecasts of the points that follow a history.

    Args:
        truth: ``[series, h]``.
        forecasts: ``{name: [series, h]}``.
        history: the series up to the forecasts; MASE is scaled by its in-sample seasonal error.
        season_length: the lag of that error.
    """
    import pandas as pd
    from utilsforecast.evaluation import evaluate
    from utilsforecast.losses import mase, smape

    n, h = truth.shape
    names = list(forecasts)
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(history.ids, h),
            "ds": np.tile(np.arange(h), n),
            "y": truth.ravel(),
            **{name: np.asarray(values).ravel() for name, values in forecasts.items()},
        }
    )
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
    is_mase = per_series["metric"] == "mase"
    # A history that repeats itself exactly has nothing to scale by.
    values = per_series[names].replace([np.inf, -np.inf], np.nan)
    values.loc[is_mase] = values.loc[is_mase].where(_scalable(history, season_length, per_series))
    values.loc[~is_mase] *= 200  # utilsforecast's sMAPE goes from 0 to 1; the competitions' to 200
    per_series = per_series.assign(**values)
    mean = {
        metric: {name: float(rows[name].mean()) for name in names}
        for metric, rows in per_series.groupby("metric")
    }
    return Scores(per_series, mean, n, int(per_series.loc[is_mase, names[0]].isna().sum()))


def _scalable(history: SeriesCollection, season_length: int, per_series: pd.DataFrame) -> pd.Series:
    """Whether a row's series ever differs from what it was a season before."""
    import pandas as pd

    values = history.values
    same_series = np.repeat(np.arange(len(history)), history.lengths)
    lagged = same_series[season_length:] == same_series[:-season_length]
    differs = (values[season_length:] != values[:-season_length]) & lagged
    changed = np.bincount(same_series[season_length:][differs], minlength=len(history)) > 0
    return per_series["unique_id"].map(pd.Series(changed, index=history.ids))
