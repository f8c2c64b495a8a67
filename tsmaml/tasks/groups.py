"""Task builders that form groups: series that are adapted to together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tsmaml.errors import DataError, UsageError
from tsmaml.tasks.builders import TaskSet

if TYPE_CHECKING:
    from tsmaml.series import SeriesCollection
    from tsmaml.tasks.spec import WindowSpec


def by_prefix(collection: SeriesCollection, windows: WindowSpec, separator: str = "/") -> TaskSet:
    """Series whose ids share the text before a separator: ``north/shop1``, ``north/shop2``.

    Args:
        collection: the series.
        windows: sizes of the windows; no part in it.
        separator: the text that ends the group's name.

    Raises:
        DataError: naming the first id without it.
    """
    del windows
    if not separator:
        raise UsageError("separator is empty; wanted is the text that ends a group's name.")
    names = [str(name) for name in collection.ids]
    without = [name for name in names if separator not in name]
    if without:
        raise DataError(
            f"the id holds no {separator!r} ({len(without)} such ids in all).",
            source=collection.source,
            series=without[0],
            hint="Name what ends the group in an id: --tasks-opt separator=-",
        )
    return TaskSet.from_labels([name.split(separator, 1)[0] for name in names])


def at_random(
    collection: SeriesCollection, windows: WindowSpec, size: int = 20, seed: int = 0
) -> TaskSet:
    """Groups of equal size, drawn at random: what adapts to any collection must adapt to these.

    Args:
        collection: the series.
        windows: sizes of the windows; no part in it.
        size: series of a group; some may have one less.
        seed: decides who goes with whom.
    """
    del windows
    order = np.random.default_rng(seed).permutation(len(collection))
    return _in_order(order, _counted("size", size))


def by_length(collection: SeriesCollection, windows: WindowSpec, size: int = 20) -> TaskSet:
    """Series of nearly equal length, so that a group is either short or long.

    Args:
        collection: the series.
        windows: sizes of the windows; no part in it.
        size: series of a group.
    """
    del windows
    order = np.argsort(collection.n_observed, kind="stable")
    return _in_order(order, _counted("size", size))


def by_level(collection: SeriesCollection, windows: WindowSpec, size: int = 20) -> TaskSet:
    """Series of nearly equal level: the mean size of their first values, as many as an input has.

    The first ones, since these come before all that is forecast.

    Args:
        collection: the series.
        windows: sizes of the windows.
        size: series of a group.
    """
    first = np.abs(_first_values(collection, windows))
    counts = np.isfinite(first).sum(axis=1)
    levels = np.nansum(first, axis=1) / np.maximum(counts, 1)
    return _in_order(np.argsort(levels, kind="stable"), _counted("size", size))


def by_similarity(collection: SeriesCollection, windows: WindowSpec, size: int = 20) -> TaskSet:
    """Series whose first values move alike: in trend, season and memory.

    A series is told by how its first values, as many as an input has, correlate with time and with
    themselves up to a season before. All series are divided along the first principal component of
    these, each part again along its own, and so on (Boley 1998, principal direction partitioning).

    Args:
        collection: the series.
        windows: sizes of the windows.
        size: series of a group.
    """
    features = _shapes(_first_values(collection, windows), windows.season_length)
    count = -(-len(collection) // _counted("size", size))
    return _in_order(np.concatenate(_divided(np.arange(len(collection)), features, count)), size)


def by_static(collection: SeriesCollection, windows: WindowSpec, column: str = "") -> TaskSet:
    """Series of one value of a static column: a region, a kind of shop.

    Args:
        collection: the series.
        windows: sizes of the windows; no part in it.
        column: its name.

    Raises:
        DataError: if there is no such column.
    """
    del windows
    static = {} if collection.exogenous is None else collection.exogenous.stat
    if column not in static:
        names = ", ".join(map(repr, static)) or "none at all"
        raise DataError(
            f"there is no static column {column!r}; there are {names}.",
            source=collection.source,
            hint="Hand it over (--static FILE) and name it: --tasks-opt column=NAME",
        )
    return TaskSet.from_labels([str(value) for value in static[column].shown()])


def _first_values(collection: SeriesCollection, windows: WindowSpec) -> np.ndarray:
    """As many as an input has, NaN where a series has none: ``[series, input_size]``."""
    step = np.arange(windows.input_size)
    there = step < collection.lengths[:, np.newaxis]
    where = np.where(there, collection.offsets[:-1, np.newaxis] + step, 0)
    return np.where(there, collection.values[where], np.nan)


def _shapes(values: np.ndarray, season_length: int) -> np.ndarray:
    """Correlations of each series with time and with itself, standardised: ``[series, features]``.

    Args:
        values: ``[series, steps]``, NaN where not observed, which counts as the mean.
        season_length: the longest lag, or half of the steps.
    """
    known = np.isfinite(values)
    counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
    unit = np.nanmax(np.abs(np.where(known, values, 0)), axis=1, keepdims=True)
    relative = np.where(known, values, 0) / np.where(unit > 0, unit, 1)
    deviations = np.where(known, relative - relative.sum(axis=1, keepdims=True) / counts, 0)
    norms = np.sqrt(np.square(deviations).sum(axis=1, keepdims=True))
    shape = deviations / np.where(norms > 0, norms, 1)
    time = np.linspace(-1, 1, values.shape[1])
    found = [shape @ (time / np.sqrt(np.square(time).sum()))]
    for lag in range(1, max(1, min(season_length, values.shape[1] // 2)) + 1):
        found.append((shape[:, lag:] * shape[:, :-lag]).sum(axis=1))
    features = np.stack(found, axis=1)
    spread = features.std(axis=0)
    return (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _divided(members: np.ndarray, features: np.ndarray, count: int) -> list[np.ndarray]:
    """Members in so many parts of equal size, divided in two again and again."""
    if count < 2:
        return [members]
    own = features[members] - features[members].mean(axis=0)
    direction = np.linalg.eigh(own.T @ own)[1][:, -1]
    direction *= np.sign(direction[np.argmax(np.abs(direction))])
    order = members[np.argsort(own @ direction, kind="stable")]
    at = len(members) * (count // 2) // count
    return [
        *_divided(order[:at], features, count // 2),
        *_divided(order[at:], features, count - count // 2),
    ]


def _in_order(order: np.ndarray, size: int) -> TaskSet:
    """Groups of neighbours in an order, all of ``size`` or one less."""
    count = -(-len(order) // size)
    label = np.empty(len(order), np.int64)
    label[order] = np.arange(len(order)) * count // len(order)
    width = len(str(count))
    return TaskSet.from_labels([f"group {number + 1:0{width}d}" for number in label])


def _counted(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{name} is {value!r}; wanted is a whole number of 1 or more.")
    return value
