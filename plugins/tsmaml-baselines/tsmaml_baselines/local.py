"""Models of statsforecast, each fitted to each series by itself, in parallel processes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from statsforecast import models

from tsmaml.errors import UsageError
from tsmaml.evaluation import BaselineForecast
from tsmaml.series import SeriesCollection

# Series that one process is handed at a time; fewer are not worth starting one for.
_CHUNK = 32
# Seasons longer than this make ARIMA and ETS slow and give them nothing: they go without.
_LONGEST_SEASON = 24


def auto_ets(season_length: int, *, processes: int | None = None) -> Callable:
    """Exponential smoothing, its form chosen for each series (Hyndman and Khandakar 2008)."""
    return _local("AutoETS", season_length, processes, short_seasons=True)


def auto_arima(season_length: int, *, processes: int | None = None) -> Callable:
    """Seasonal ARIMA, its orders chosen for each series (Hyndman and Khandakar 2008)."""
    return _local("AutoARIMA", season_length, processes, short_seasons=True)


def auto_theta(season_length: int, *, processes: int | None = None) -> Callable:
    """The best of four Theta models for each series (Fiorucci et al. 2016)."""
    return _local("AutoTheta", season_length, processes)


def dynamic_optimized_theta(season_length: int, *, processes: int | None = None) -> Callable:
    """Dynamic optimised Theta (Fiorucci et al. 2016)."""
    return _local("DynamicOptimizedTheta", season_length, processes)


def mfles(season_length: int, *, processes: int | None = None) -> Callable:
    """MFLES (Blume 2024); its intervals want a cross-validation, and are left out."""
    return _local("MFLES", season_length, processes, has_intervals=False)


def _local(
    name: str,
    season_length: int,
    processes: int | None,
    *,
    short_seasons: bool = False,
    has_intervals: bool = True,
) -> Callable:
    if processes is not None and processes < 1:
        raise UsageError(f"processes is {processes}; wanted is 1 or more.")
    if short_seasons and season_length > _LONGEST_SEASON:
        season_length = 1

    def forecast(collection: SeriesCollection, h: int, levels: Sequence[float]) -> BaselineForecast:
        asked = list(levels) if has_intervals else []
        histories = [filled(collection.series(one)) for one in collection.ids]
        chunks = [
            (name, season_length, h, asked, histories[begin : begin + _CHUNK])
            for begin in range(0, len(histories), _CHUNK)
        ]
        # Processes of joblib run no script anew, as those of multiprocessing would.
        workers = min(effective_n_jobs(processes or -1), len(chunks))
        found = np.concatenate(Parallel(workers)(delayed(forecast_chunk)(one) for one in chunks))
        bounds = {
            level: (found[:, 1 + 2 * place], found[:, 2 + 2 * place])
            for place, level in enumerate(asked)
        }
        return BaselineForecast(found[:, 0], bounds)

    return forecast


def forecast_chunk(chunk: tuple) -> np.ndarray:
    """Forecasts and bounds of some series: ``[series, 1 + 2 * levels, h]``; NaN where it failed."""
    name, season_length, h, levels, histories = chunk
    found = np.full((len(histories), 1 + 2 * len(levels), h), np.nan)
    for row, values in enumerate(histories):
        seasonal = season_length if len(values) >= 2 * season_length + 1 else 1
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                model = getattr(models, name)(season_length=seasonal)
                made = model.forecast(y=values, h=h, level=levels or None)
        except Exception:  # one series that a model can't be fitted to; the row stays NaN
            continue
        found[row, 0] = made["mean"]
        for place, level in enumerate(levels):
            found[row, 1 + 2 * place] = made[f"lo-{level}"]
            found[row, 2 + 2 * place] = made[f"hi-{level}"]
    return found


def filled(values: np.ndarray) -> np.ndarray:
    """Values with gaps filled by the value before, or else the first one after; none without values."""
    seen = np.flatnonzero(np.isfinite(values))
    if not len(seen):
        return values[:0]
    place = np.searchsorted(seen, np.arange(len(values)), side="right") - 1
    return values[seen[np.maximum(place, 0)]]
