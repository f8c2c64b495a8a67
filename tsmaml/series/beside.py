"""Sources of exogenous columns beside the series: static columns, and what is known of the future."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series.collection import Columns, SeriesCollection
from tsmaml.series.columns import Ids, ids_of
from tsmaml.series.exogenous import Column, Exogenous, column_of
from tsmaml.series.sources import LongTable, find_column, raw_source
from tsmaml.series.times import times_of
from tsmaml.series.words import counted, show


def with_static(collection: SeriesCollection, source: Any) -> SeriesCollection:
    """Add the columns of a table with one row for each series.

    Args:
        collection: the series.
        source: a path or a frame: ids under the name that they have in the series, or one of the
            usual names; every other column is static. Rows of other series are ignored.

    Raises:
        DataError: if a series has no row, or several.
    """
    raw = raw_source(source)
    id_col = collection.columns.id if collection.columns.id in raw.names else None
    label = find_column(raw.names, raw.name, "id", id_col)
    names = [name for name in raw.names if name != label]
    raw.prefetch([label, *names], label)
    table = LongTable(raw.column(label), None, None, Columns(id=label), raw.name, (), raw.place)
    ids = ids_of(table)
    rows = np.bincount(ids.codes, minlength=len(ids.names))
    row_of = dict(zip(ids.names[ids.codes], range(len(ids.codes)), strict=True))
    for index in np.flatnonzero(rows > 1):
        if ids.names[index] in set(collection.ids):
            raise DataError(
                f"{rows[index]} rows are of one series.",
                source=raw.name,
                series=str(ids.names[index]),
                hint="A static table has one row for each series.",
            )
    missing = [name for name in collection.ids if name not in row_of]
    if missing:
        raise DataError(
            f"there is no row of this series ({counted(len(missing), 'such series')} in all).",
            source=raw.name,
            series=str(missing[0]),
            hint="A static table has one row for each series.",
        )
    chosen = np.array([row_of[name] for name in collection.ids], np.int64)
    stat = {name: column_of(raw.column(name), name, raw.name).at(chosen) for name in names}
    exogenous = collection.exogenous or Exogenous()
    return replace(collection, exogenous=replace(exogenous, stat={**exogenous.stat, **stat}))


def with_future(collection: SeriesCollection, source: Any) -> SeriesCollection:
    """Add what is known of the future columns after the end of each series.

    Args:
        collection: series with future columns.
        source: a path or a frame: ids, times and the future columns. What lies within a series, and
            other series, is ignored: the series itself tells.

    Raises:
        DataError: if a column or a value can't be used, or a time is not on the grid.
    """
    exogenous = collection.exogenous
    if exogenous is None or not exogenous.futr:
        raise DataError(
            "there are no future columns among the series.",
            source=collection.source,
            hint="Name them: --futr-col NAME, in Python futr_cols=['NAME'].",
        )
    raw = raw_source(source)
    columns = collection.columns
    labels = [
        find_column(raw.names, raw.name, role, label if label in raw.names else None)
        for role, label in (("id", columns.id), ("time", columns.time))
    ]
    names = list(exogenous.futr)
    absent = [name for name in names if name not in raw.names]
    if absent:
        raise DataError(
            f"there is no column {absent[0]!r}, which is a future column of the series.",
            source=raw.name,
            hint="make_future(df) gives a frame of the right form to fill in.",
        )
    raw.prefetch([*labels, *names], labels[0])
    table = LongTable(
        raw.column(labels[0]), raw.column(labels[1]), None,
        Columns(labels[0], labels[1]), raw.name, (), raw.place,
    )  # fmt: skip
    ids = ids_of(table)
    rows, series, ahead = _steps_ahead(collection, table, ids)
    found = {name: column_of(raw.column(name), name, raw.name).at(rows) for name in names}
    return replace(collection, exogenous=_lengthened(collection, exogenous, found, series, ahead))


def _steps_ahead(
    collection: SeriesCollection, table: LongTable, ids: Ids
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that lie after the end of their series, which series, and how many steps (0: the first)."""
    times = times_of(table, ids, collection.frequency)
    if times.values.dtype.kind != collection.starts.dtype.kind:
        raise DataError(
            "the times are of another kind than those of the series.",
            source=table.name,
            hint="Write them in the same way.",
        )
    number = {name: index for index, name in enumerate(collection.ids)}
    of_name = np.array([number.get(name, -1) for name in ids.names], np.int64)
    series = of_name[ids.codes]
    known = np.flatnonzero(series >= 0)
    series, moments = series[known], times.values[known]
    ends = collection.frequency.shift(collection.starts, collection.lengths - 1)[series]
    after = moments > ends
    known, series = known[after], series[after]
    steps, exact = collection.frequency.steps_between(ends[after], moments[after])
    if not exact.all():
        row = int(np.argmin(exact))
        raise DataError(
            f"the time {show(moments[after][row])} is no whole number of steps of frequency "
            f"{collection.frequency} after the end of the series.",
            hint="make_future(df) gives a frame of the right times to fill in.",
            **ids.where(int(known[row])),
        )
    return known, series, steps - 1


def _lengthened(
    collection: SeriesCollection,
    old: Exogenous,
    found: Mapping[str, Column],
    series: np.ndarray,
    ahead: np.ndarray,
) -> Exogenous:
    """Future columns that go as far as is known now."""
    lengths = np.diff(old.futr_offsets)
    np.maximum.at(lengths, series, collection.lengths[series] + ahead + 1)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    before = np.diff(old.futr_offsets)
    there = np.arange(before.sum()) + np.repeat(offsets[:-1] - old.futr_offsets[:-1], before)
    places = offsets[series] + collection.lengths[series] + ahead
    columns = {}
    for name, column in old.futr.items():
        values = np.full(offsets[-1], np.nan)
        values[there] = column.values
        new, categories = found[name], column.categories
        if categories is not None and new.categories is not None:
            categories = tuple(sorted({*categories, *new.categories}))
            values[there] = column.in_order_of(categories)
            values[places] = new.in_order_of(categories)
        elif (categories is None) != (new.categories is None):
            raise DataError(
                f"the future column {name!r} is numeric in one place and text in another.",
                source=collection.source,
                hint="Write it in the same way in both.",
            )
        else:
            values[places] = new.values
        columns[name] = Column(values, categories)
    return replace(old, futr=columns, futr_offsets=offsets)
