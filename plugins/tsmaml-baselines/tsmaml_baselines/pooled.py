"""One LightGBM a step of the horizon, learned from all series together.

Target and features are log ratios to the mean of the last season before the origin (plain
differences, scaled by it, where values are not all above 0), so that series of any size are alike.
Forecasts are direct: no forecast is fed back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import lightgbm
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tsmaml.errors import UsageError
from tsmaml.evaluation import BaselineForecast
from tsmaml.series import SeriesCollection
from tsmaml_baselines.local import filled

# Windows that are learned from, the latest of each series first.
_MOST_ROWS = 200_000
# Wider windows, of long seasons, add columns and little else.
_WIDEST = 96
# Of LightGBM, besides the number of trees and the learning rate.
SETTINGS = {
    "objective": "l1",
    "num_leaves": 31,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def build(season_length: int, *, n_estimators: int = 200, learning_rate: float = 0.05) -> Callable:
    """A pooled LightGBM that minimises the absolute error.

    Args:
        season_length: it looks back two seasons, at least 8 and at most 96 points.
        n_estimators: trees for each step.
        learning_rate: shrinkage of each.
    """
    check(n_estimators, learning_rate)
    width = width_of(season_length)
    season = min(season_length, width)
    settings = {**SETTINGS, "learning_rate": learning_rate}

    def forecast(collection: SeriesCollection, h: int, levels: Sequence[float]) -> BaselineForecast:
        histories = [filled(collection.series(one)) for one in collection.ids]
        positive = all((values > 0).all() for values in histories)
        each = max(1, _MOST_ROWS // len(histories))
        windows = [
            sliding_window_view(values, width + h)[-each:]
            for values in histories
            if len(values) >= width + h
        ]
        point = np.full((len(histories), h), np.nan)
        long_enough = [i for i, values in enumerate(histories) if len(values) >= width]
        if not windows or not long_enough:
            return BaselineForecast(point)
        rows = np.concatenate(windows)
        inputs, level = _ratios(rows[:, :width], season, positive)
        latest = np.stack([histories[i][-width:] for i in long_enough])
        asked, own_level = _ratios(latest, season, positive)
        for step in range(h):
            target = _ratio(rows[:, width + step], level, positive)
            data = lightgbm.Dataset(inputs, target)
            made = lightgbm.train(settings, data, n_estimators).predict(asked)
            point[long_enough, step] = _value(made, own_level, positive)
        return BaselineForecast(point)

    return forecast


def check(n_estimators: int, learning_rate: float) -> None:
    """Refuse what LightGBM can't learn with."""
    if n_estimators < 1 or not learning_rate > 0:
        raise UsageError(
            f"n_estimators is {n_estimators} and learning_rate {learning_rate}; wanted are 1 or more, "
            "and above 0."
        )


def width_of(season_length: int) -> int:
    """Points that are looked back: two seasons, at least 8 and at most 96."""
    return min(max(2 * season_length, 8), _WIDEST)


def _ratios(past: np.ndarray, season: int, positive: bool) -> tuple[np.ndarray, np.ndarray]:
    """Windows relative to the mean size of their last season, and that size: ``[rows]``."""
    level = np.abs(past[:, -season:]).mean(axis=1)
    level = np.where(level > 0, level, 1.0)
    return _ratio(past, level[:, np.newaxis], positive), level


def _ratio(values: np.ndarray, level: np.ndarray, positive: bool) -> np.ndarray:
    return np.log(values / level) if positive else values / level - 1


def _value(ratio: np.ndarray, level: np.ndarray, positive: bool) -> np.ndarray:
    return level * (np.exp(ratio) if positive else ratio + 1)
