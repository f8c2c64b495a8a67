"""Rows -> values on the regular grid of a collection: repeated times, missing steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# A series on so many times more steps than it has rows, and on more than so many, is no series of
# that frequency: it would be nearly all gap, and one mistyped year would fill the memory.
SPARSE_TIMES = 50
SPARSE_AFTER = 1000


class Grid(NamedTuple):
    """Values at every step from the first time of each series to its last.

    Attributes:
        values: ``[points]`` float64, NaN where there is none.
        offsets: ``[series + 1]``.
    """

    values: np.ndarray
    offsets: np.ndarray


def onto_grid(values: np.ndarray, offsets: np.ndarray, steps: np.ndarray) -> Grid:
    """Put rows at their steps.

    Args:
        values: ``[rows]``, series after series.
        offsets: ``[series + 1]``, into the rows; no series is empty.
        steps: ``[rows]``, of each row from the start of its series; rising within a series.
    """
    lengths = steps[offsets[1:] - 1] + 1
    begins = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    found = np.full(begins[-1], np.nan)
    found[np.repeat(begins[:-1], np.diff(offsets)) + steps] = values
    return Grid(found, begins)


def too_sparse(offsets: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Which series are nearly all gap: ``[series]`` bool."""
    rows = np.diff(offsets)
    lengths = steps[offsets[1:] - 1] + 1
    return (lengths > SPARSE_AFTER) & (lengths > SPARSE_TIMES * rows)


def aggregated(values: np.ndarray, firsts: np.ndarray, how: str) -> np.ndarray:
    """One value for each run of rows of one time; a missing one among others has no part in it.

    Args:
        values: ``[rows]``, NaN where missing.
        firsts: ``[times]``, first row of each run.
        how: ``"mean"``, ``"sum"``, ``"min"``, ``"max"``, ``"first"`` or ``"last"``.
    """
    there = ~np.isnan(values)
    if how in ("first", "last"):
        rows = np.arange(len(values))
        if how == "first":
            at = np.minimum.reduceat(np.where(there, rows, len(values)), firsts)
            return values[np.where(at < len(values), at, firsts)]
        return values[
            np.maximum.reduceat(
                np.where(there, rows, firsts.repeat(_sizes(firsts, len(values)))), firsts
            )
        ]
    if how in ("min", "max"):
        return (np.fmin if how == "min" else np.fmax).reduceat(values, firsts)
    count = np.add.reduceat(there, firsts, dtype=np.int64)
    total = np.add.reduceat(np.where(there, values, 0), firsts)
    return np.where(count > 0, total / np.maximum(count, 1) if how == "mean" else total, np.nan)


def _sizes(firsts: np.ndarray, n: int) -> np.ndarray:
    return np.diff(np.append(firsts, n))


def carried_on(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Missing values as the last one before them in their series; none before: still missing."""
    begin = np.repeat(offsets[:-1], np.diff(offsets))
    at = np.where(np.isnan(values), begin, np.arange(len(values)))
    return values[np.maximum.accumulate(at)]
