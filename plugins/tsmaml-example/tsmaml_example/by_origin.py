"""Tasks that are groups of series: those that start at one place adapt together."""

from __future__ import annotations

from tsmaml import SeriesCollection
from tsmaml.errors import DataError, UsageError
from tsmaml.tasks import TaskSet, WindowSpec


def build(collection: SeriesCollection, windows: WindowSpec, *, separator: str = "-") -> TaskSet:
    """One task for each origin: the text of the id before the first separator.

    ``JFK-LAX`` and ``JFK-SFO`` form the task ``JFK``; ``EWR-ATL`` belongs to another.

    Args:
        collection: the series; their ids are read, never their values.
        windows: sizes of the windows; no part in it.
        separator: what ends the origin.

    Raises:
        UsageError: if the separator is empty.
        DataError: naming the first series whose id has no origin.
    """
    del windows
    if not separator:
        raise UsageError("separator is empty; wanted is the text that ends the origin in an id.")
    parts = [name.partition(separator) for name in collection.ids]
    for name, (origin, found, _) in zip(collection.ids, parts, strict=True):
        if not (origin and found):
            raise DataError(
                f"the id names no origin: it has no text before {separator!r}.",
                source=collection.source,
                series=name,
                hint="Give by_origin the separator of your ids, or use the tasks per_series.",
            )
    return TaskSet.from_labels([origin for origin, _, _ in parts])
