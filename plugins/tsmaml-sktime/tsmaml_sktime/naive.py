"""The seasonal naive: what is forecast before anything was learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def forecasts(
    values: np.ndarray, season_length: int, h: int, alpha: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """The last season again, and around it quantiles of what it was wrong by so far.

    Errors add up from season to season as those of a random walk do. Missing points are the ones
    before them.

    Args:
        values: ``[points, series]``.
        season_length: points in a season; a series that is shorter is one season.
        h: points to forecast.
        alpha: levels of the quantiles.

    Returns:
        ``[h, series]`` and ``[h, series, alpha]``. No quantile crosses the forecast, which is that
        of 0.5.
    """
    known = pd.DataFrame(values).ffill().bfill().to_numpy()
    season = min(season_length, len(known))
    point = known[-season:][np.arange(h) % season]
    errors = known[season:] - known[:-season]
    if not len(errors):
        return point, np.repeat(point[..., np.newaxis], len(alpha), axis=2)
    levels = np.asarray(alpha, float)
    spread = np.quantile(errors, levels, axis=0).T  # [series, alpha]
    spread = np.where(levels < 0.5, np.minimum(spread, 0), np.maximum(spread, 0)) * (levels != 0.5)
    seasons = np.sqrt(1 + np.arange(h) // season)
    return point, point[..., np.newaxis] + seasons[:, np.newaxis, np.newaxis] * spread
