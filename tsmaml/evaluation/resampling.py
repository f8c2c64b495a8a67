"""How sure a mean over series is: bootstrap intervals and a paired test, by drawing series anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# Draws that lie in memory at once.
_AT_ONCE = 100


def _draws(n: int, seed: int) -> Iterator[tuple[np.random.Generator, int]]:
    rng = np.random.default_rng(seed)
    for begin in range(0, n, _AT_ONCE):
        yield rng, min(_AT_ONCE, n - begin)


def bootstrap(values: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile intervals of the means of columns, rows drawn with replacement.

    Args:
        values: ``[series, columns]``; NaN has no part in the mean of its column. A row is drawn as a
            whole, so that columns stay paired.
        n: draws.
        seed: of the draws.

    Returns:
        lower and upper ends, ``[columns]`` (Efron and Tibshirani 1993, 13.3).
    """
    seen = np.isfinite(values)
    filled = np.where(seen, values, 0.0)
    means = []
    for rng, size in _draws(n, seed):
        counts = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size)
        with np.errstate(invalid="ignore"):
            means.append((counts @ filled) / (counts @ seen))
    drawn = np.concatenate(means)
    lower, upper = np.full((2, values.shape[1]), np.nan)
    known = np.isfinite(drawn).any(axis=0)
    if known.any():
        lower[known], upper[known] = np.nanquantile(drawn[:, known], [0.025, 0.975], axis=0)
    return lower, upper


def paired_p_value(differences: np.ndarray, n: int, seed: int) -> float:
    """Two-sided p value of a mean difference, by turning signs of whole series at random.

    Args:
        differences: ``[series]``, score of one model less that of the other; finite.
        n: draws. The smallest p value is ``1 / (n + 1)``.
        seed: of the draws.
    """
    if not len(differences):
        return float("nan")
    reached = abs(differences.sum()) * (1 - 1e-12)
    extreme = 0
    for rng, size in _draws(n, seed):
        signs = rng.integers(0, 2, (size, len(differences)), np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ differences) >= reached).sum())
    return (1 + extreme) / (1 + n)


def means_by(scores: pd.DataFrame, by: Sequence[str], n: int, seed: int) -> pd.DataFrame:
    """Means over series, with bootstrap intervals.

    Args:
        scores: ``unique_id, *by, metric, model, value``.

    Returns:
        ``*by, metric, model, value, lo, hi, n_series``, groups and models in order of appearance.
    """
    import pandas as pd

    found = []
    keys = [*by, "metric"]
    for key, rows in scores.groupby(keys, sort=False, dropna=False):
        wide = rows.pivot(index="unique_id", columns="model", values="value")
        wide = wide[list(dict.fromkeys(rows["model"]))]
        values = wide.to_numpy(float)
        lower, upper = bootstrap(values, n, seed)
        found.append(
            pd.DataFrame(
                {
                    **dict(zip(keys, key, strict=True)),
                    "model": list(wide.columns),
                    "value": wide.mean().to_numpy(),
                    "lo": lower,
                    "hi": upper,
                    "n_series": wide.notna().sum().to_numpy(),
                }
            )
        )
    columns = [*keys, "model", "value", "lo", "hi", "n_series"]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)
