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
    step = np.arange(windows.input_size)
    there = step < collection.lengths[:, np.newaxis]
    where = np.where(there, collection.offsets[:-1, np.newaxis] + step, 0)
    first = np.abs(np.where(there, collection.values[where], np.nan))
    counts = np.isfinite(first).sum(axis=1)
    levels = np.nansum(first, axis=1) / np.maximum(counts, 1)
    return _in_order(np.argsort(levels, kind="stable"), _counted("size", size))


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
