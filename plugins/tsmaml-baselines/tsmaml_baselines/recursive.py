"""One LightGBM, pooled over all series, that feeds its forecasts back, by mlforecast's usual recipe."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import lightgbm
import numpy as np
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.target_transforms import (
    Differences,
    GlobalSklearnTransformer,
    LocalStandardScaler,
)
from sklearn.preprocessing import FunctionTransformer

from tsmaml.evaluation import BaselineForecast
from tsmaml.series import SeriesCollection
from tsmaml_baselines.local import filled
from tsmaml_baselines.pooled import SETTINGS, check, width_of

# A series needs two changes: one to learn from and one to forecast from.
_FEWEST = 3


def build(season_length: int, *, n_estimators: int = 200, learning_rate: float = 0.05) -> Callable:
    """A pooled LightGBM on lagged changes of logarithms (of scaled values, if some are below 0).

    Args:
        season_length: it looks back two seasons, at least 8 and at most 96 points.
        n_estimators: trees.
        learning_rate: shrinkage of each.
    """
    check(n_estimators, learning_rate)

    def forecast(collection: SeriesCollection, h: int, levels: Sequence[float]) -> BaselineForecast:
        histories = [filled(collection.series(one)) for one in collection.ids]
        used = [i for i, values in enumerate(histories) if len(values) >= _FEWEST]
        point = np.full((len(histories), h), np.nan)
        if not used:
            return BaselineForecast(point)
        lengths = [len(histories[i]) for i in used]
        values = np.concatenate([histories[i] for i in used])
        frame = pd.DataFrame(
            {
                "unique_id": np.repeat(used, lengths),
                "ds": np.concatenate([np.arange(length) for length in lengths]),
                "y": values,
            }
        )
        to_scale = (
            LocalStandardScaler()
            if values.min() < 0
            else GlobalSklearnTransformer(FunctionTransformer(np.log1p, np.expm1))
        )
        learner = MLForecast(
            lightgbm.LGBMRegressor(
                n_estimators=n_estimators, learning_rate=learning_rate, **SETTINGS
            ),
            freq=1,
            lags=range(1, width_of(season_length) + 1),
            lag_transforms={1: [RollingMean(season_length, min_samples=1)]},
            target_transforms=[to_scale, Differences([1])],
        )
        with warnings.catch_warnings():
            # The changes of a short series are learned from too: trees take what is missing.
            warnings.filterwarnings("ignore", "Found null values", UserWarning)
            learner.fit(frame, static_features=[], dropna=False)
            made = learner.predict(h)["LGBMRegressor"]
        point[used] = made.to_numpy().reshape(-1, h)
        return BaselineForecast(point)

    return forecast
