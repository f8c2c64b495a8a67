"""Files and data frames -> SeriesCollection."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tsmaml.series import check
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import SeriesCollection
from tsmaml.series.columns import ids_of, values_of
from tsmaml.series.sources import read_file, read_frame
from tsmaml.series.times import times_of
from tsmaml.series.words import listed


def read_series(
    source: Any,
    *,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
    freq: str | int | None = None,
) -> SeriesCollection:
    """Read a collection of series in long format: one row for each series and time.

    Args:
        source: path of a Parquet or CSV (also ``.csv.gz``) file, a pandas (or other
            Arrow-capable) data frame, or a :class:`SeriesCollection`, which is returned as it is.
        id_col, time_col, target_col: column names; None recognises ``unique_id, ds, y`` and
            ``item_id, timestamp, target``.
        freq: a pandas alias, or a whole number for integer times; None infers it.

    Returns:
        The series in order of first appearance, each sorted by time. ``notes`` tells what was
        done to the rows and which columns are not used.

    Raises:
        NotFoundError: if there is no such file.
        DataError: naming file, series and row, if the series can't be used as they are.
        UsageError: if ``freq`` is not understood.
    """
    if isinstance(source, SeriesCollection):
        return source
    given = {"id": id_col, "time": time_col, "target": target_col}
    frequency = Frequency.parse(freq) if freq is not None else None
    if isinstance(source, str | os.PathLike):
        table = read_file(Path(source), given)
    else:
        table = read_frame(source, given)
    ids = ids_of(table)
    times = times_of(table, ids, frequency)
    values = values_of(table, ids)
    moments, offsets, order = times.values, *_order(ids.codes, times.values)
    if order is not None:
        moments, values = moments[order], values[order]
    layout = check.Layout(
        ids.names, offsets, moments, order, table.name, table.columns,
        clock=" UTC" if times.zone and not times.wall_clock else "",
    )  # fmt: skip
    check.no_duplicates(layout)
    frequency = frequency or check.infer_frequency(layout)
    check.fits_times(layout, frequency)
    check.no_gaps(layout, frequency)
    check.finite(layout, values)
    return SeriesCollection(
        ids.names, values, offsets, moments[offsets[:-1]], frequency, table.columns,
        times.zone, times.wall_clock, table.name, _notes(order is not None, offsets, table.unused),
    )  # fmt: skip


def _order(codes: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Where each series begins when rows are sorted, and the order that sorts them if they aren't.

    Returns:
        ``[series + 1]`` offsets into the sorted rows; ``[rows]``, or None if rows are sorted.
    """
    offsets = np.concatenate([[0], np.cumsum(np.bincount(codes))]).astype(np.int64)
    grouped = not np.any(codes[1:] < codes[:-1])
    if grouped:
        back = np.flatnonzero(times[1:] < times[:-1]) + 1
        if np.isin(back, offsets).all():
            return offsets, None
    return offsets, np.lexsort((times, codes))


def _notes(was_sorted: bool, offsets: np.ndarray, unused: tuple[str, ...]) -> tuple[str, ...]:
    notes = []
    if was_sorted:
        notes.append("The rows were not sorted by series and time; they have been sorted.")
    points = int(np.count_nonzero(np.diff(offsets) == 1))
    if points == 1:
        notes.append("1 series has a single point: it can be forecast, not learned from.")
    elif points:
        notes.append(
            f"{points} series have a single point: they can be forecast, not learned from."
        )
    if unused:
        one = len(unused) == 1
        notes.append(
            f"The column{'' if one else 's'} {listed(unused)} {'is' if one else 'are'} not used."
        )
    return tuple(notes)
