"""The season length of a collection, told from the values where the frequency does not say."""

from __future__ import annotations

import numpy as np

from tsmaml.series.collection import SeriesCollection

_SAMPLE = 200
_LONGEST = 400
_NEWEST = 4000
# Differences smaller than this part of the values are rounding.
_ROUNDING = 1e-13
_STRONG = 0.3
_NEAR_BEST = 0.85


def estimate_season_length(collection: SeriesCollection) -> int:
    """The smallest strong period of the autocorrelation, averaged over (a sample of) the series.

    Each series is differenced once, which takes the trend away, and its autocorrelation computed by
    the Wiener-Khinchin theorem. A period counts where the mean has a local peak that is nearly as
    high as the highest; 1 where none is strong.

    Returns:
        A number of points, at most a third of the median length.
    """
    lengths = collection.n_observed
    long = np.flatnonzero(lengths >= 12)
    if not long.size:
        return 1
    sample = long[np.linspace(0, long.size - 1, min(_SAMPLE, long.size)).astype(int)]
    n_lags = int(min(_LONGEST, np.median(lengths[sample]) // 3))
    if n_lags < 3:
        return 1
    total, count = np.zeros(n_lags + 2), np.zeros(n_lags + 2)
    for index in sample:
        values = collection.values[collection.offsets[index] : collection.offsets[index + 1]]
        correlation = _autocorrelation(_differences(values[-_NEWEST:]), n_lags + 2)
        total[: len(correlation)] += correlation
        count[: len(correlation)] += 1
    mean = total / np.maximum(count, 1)
    lags = np.arange(2, n_lags + 1)
    peaks = lags[(mean[lags] > mean[lags - 1]) & (mean[lags] >= mean[lags + 1])]
    strong = peaks[mean[peaks] >= _STRONG]
    if not strong.size:
        return 1
    return int(strong[mean[strong] >= _NEAR_BEST * mean[strong].max()][0])


def seasonal_strength(collection: SeriesCollection, season_length: int) -> float | None:
    """How much of the changes of a series its season explains: the median over (a sample of) them.

    The share of the variance of the differences that the means of the phases explain, adjusted for
    their number (1 - (1 - R^2) (n - 1) / (n - m)); not below 0.

    Returns:
        0 to 1; None without a season, or where no series has two of them.
    """
    long = np.flatnonzero(collection.n_observed > 2 * season_length)
    if season_length < 2 or not long.size:
        return None
    found = []
    for index in long[np.linspace(0, long.size - 1, min(_SAMPLE, long.size)).astype(int)]:
        values = collection.values[collection.offsets[index] : collection.offsets[index + 1]]
        changes = _differences(values[-_NEWEST:])
        there = ~np.isnan(changes)
        phases, changes = (np.arange(len(changes)) % season_length)[there], changes[there]
        n, spread = len(changes), np.sum((changes - changes.mean()) ** 2) if len(changes) else 0.0
        if n <= season_length or spread <= n * _ROUNDING**2:
            continue
        counts = np.bincount(phases, minlength=season_length)
        means = np.bincount(phases, changes, season_length) / np.maximum(counts, 1)
        rest = np.sum((changes - means[phases]) ** 2) / spread
        found.append(max(0.0, 1 - rest * (n - 1) / (n - season_length)))
    return float(np.median(found)) if found else None


def _differences(values: np.ndarray) -> np.ndarray:
    """Differences of neighbours, of values scaled so that they can't overflow; NaN at a gap."""
    scale = np.nanmax(np.abs(values), initial=0)
    return np.diff(values / scale) if scale else np.zeros(len(values) - 1)


def _autocorrelation(values: np.ndarray, n_lags: int) -> np.ndarray:
    """Unbiased autocorrelation at lags ``0 .. n_lags - 1`` (as many as fit in half the series).

    Missing values have no part in it: sums of products are divided by the number of pairs.
    """
    n = len(values)
    n_lags = min(n_lags, n // 2)
    there = ~np.isnan(values)
    if not n_lags or not there.any():
        return np.zeros(n_lags)
    centred = np.where(there, values - values[there].mean(), 0.0)
    size = 1 << (2 * n - 1).bit_length()

    def lagged_sums(x: np.ndarray) -> np.ndarray:
        return np.fft.irfft(np.abs(np.fft.rfft(x, size)) ** 2, size)[:n_lags]

    covariance = lagged_sums(centred)
    if covariance[0] <= n * _ROUNDING**2:
        return np.zeros(n_lags)
    pairs = np.round(lagged_sums(there.astype(float))) if not there.all() else n - np.arange(n_lags)
    return covariance / covariance[0] * pairs[0] / np.maximum(pairs, 1)
