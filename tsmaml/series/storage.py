"""Collections larger than memory: values in a memory-mapped file, rows read in batches, twice.

The first pass finds where each series begins and ends, the second puts every row at its place on the
grid. Nothing is sorted, and nothing but a batch and a few numbers a series is in memory.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import DataError, UsageError
from tsmaml.series import check
from tsmaml.series.assemble import last_notes, missing_note
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import Columns, SeriesCollection, blocks_of, release
from tsmaml.series.columns import ids_of, values_of
from tsmaml.series.files import Files, complete, reading
from tsmaml.series.grid import SPARSE_AFTER, SPARSE_TIMES, carried_on
from tsmaml.series.sources import LongTable, find_columns, no_rows
from tsmaml.series.times import times_of
from tsmaml.series.words import show

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 1 << 20
# The frequency is told from the first series and so many of their rows.
_SAMPLE_SERIES, _SAMPLE_ROWS = 50, 500_000


@dataclass(frozen=True)
class _Batch:
    """Some rows, by the numbers of the whole.

    Attributes:
        codes: ``[rows]``, numbers of the series.
        times: ``[rows]``.
        table: the Arrow columns, and where each row stood.
    """

    codes: np.ndarray
    times: np.ndarray
    table: LongTable

    def where(self, row: int, names: Sequence[str]) -> dict[str, Any]:
        return {**self.table.place(row), "series": names[self.codes[row]]}


class _Reader:
    """Batches of files, with series numbered in order of first appearance."""

    def __init__(self, files: Files, columns: Columns, frequency: Frequency | None) -> None:
        self.files, self.columns, self.frequency = files, columns, frequency
        self.numbers: dict[str, int] = {}
        self.clock: tuple[str | None, bool] | None = None

    def batches(self) -> Iterator[_Batch]:
        import pyarrow as pa

        columns = self.columns
        used = [columns.id, columns.time, columns.target]
        with reading(self.files):
            scanner = self.files.dataset(columns.id).scanner(
                columns=used, batch_size=_BATCH, batch_readahead=1, fragment_readahead=1
            )
            before = 0
            for batch in scanner.to_batches():
                if batch.num_rows:
                    yield self._numbered(pa.Table.from_batches([batch]), before)
                before += batch.num_rows

    def _numbered(self, table: pa.Table, before: int) -> _Batch:
        ids, times, targets = table.columns
        long = LongTable(
            ids, times, targets, self.columns, self.files.name, (),
            lambda row: self.files.place(before + row),
        )  # fmt: skip
        known = ids_of(long)
        moments = times_of(long, known, self.frequency)
        clock = moments.zone, moments.wall_clock
        if self.clock not in (None, clock):
            raise DataError(
                "parts of the times go by the clock on the wall, others do not.",
                source=self.files.name,
                hint="Drop the time zone, or give the step between times: --freq.",
            )
        self.clock = clock
        numbers = np.array(
            [self.numbers.setdefault(name, len(self.numbers)) for name in known.names], np.int64
        )
        return _Batch(numbers[known.codes], moments.values, long)


@dataclass
class _Extent:
    """First and last time and number of rows of each series."""

    first: np.ndarray
    last: np.ndarray
    rows: np.ndarray
    sample: list[tuple[np.ndarray, np.ndarray]]


def read_stored(
    files: Files,
    columns: Columns,
    unused: tuple[str, ...],
    frequency: Frequency | None,
    *,
    gaps: str = "mask",
    duplicates: str = "error",
    folder: str | os.PathLike[str] | None = None,
) -> SeriesCollection:
    """Read long files into a collection whose values lie in a file.

    Args:
        files: what to read.
        columns, unused: names of columns.
        frequency: as given; None: inferred.
        gaps, duplicates: as in :func:`tsmaml.series.read_series`; of repeated times the ``"last"``
            can be taken, not their mean.
        folder: where the file of values is made; None: where the system has such files. It has no
            name and is gone with the collection.

    Raises:
        DataError: naming file, series and row, if the series can't be used as they are.
        UsageError: if repeated times are to be aggregated, or there is no such folder.
    """
    if duplicates not in ("error", "last"):
        raise UsageError(
            f"duplicates={duplicates!r} needs the rows in memory.",
            hint="Aggregate them before, or take the last: --duplicates last.",
        )
    complete(files.dataset(), {columns.id, columns.time, columns.target} - set(files.partitions))
    reader = _Reader(files, columns, frequency)
    extent = _extent(reader)
    names = list(reader.numbers)
    if not names:
        raise no_rows(files.name)
    layout = _layout_of_sample(reader, extent, names)
    step = frequency or check.infer_frequency(layout)
    wrong_kind = check.same_kind(layout, step)
    if wrong_kind is not None:
        raise wrong_kind
    lengths = _lengths(reader, extent, names, step)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = _mapped(int(offsets[-1]), folder)
    n_rows = int(extent.rows.sum())
    if n_rows < len(values):
        for _, block in blocks_of(values, offsets):
            block[:] = np.nan
    n_missing = _scatter(reader, step, extent.first, offsets, values, names, duplicates)
    counts, n_masked = _settle(values, offsets, gaps, reader, names)
    done = {"zero": "are taken as 0", "fill": "are filled with the value before"}
    notes = []
    if n_masked:
        n_skipped = n_masked - n_missing
        notes.append(missing_note(n_missing, n_skipped, done.get(gaps, "are masked")))
    zone, wall_clock = reader.clock or (None, False)
    return SeriesCollection(
        np.array(names, dtype=object), values, offsets, extent.first, step, columns, zone,
        wall_clock, files.name, (*notes, *last_notes(offsets, unused)), counts,
    )  # fmt: skip


def _extent(reader: _Reader) -> _Extent:
    found: _Extent | None = None
    taken = 0
    for batch in reader.batches():
        codes, times = batch.codes, batch.times
        if found is None:
            found = _Extent(times[:0], times[:0], np.zeros(0, np.int64), [])
        more = len(reader.numbers) - len(found.rows)
        if more:
            # What no time is later than, and what none is earlier than.
            bounds = np.array([np.iinfo(np.int64).max, np.iinfo(np.int64).min + 1])
            latest, earliest = bounds.view(times.dtype) if times.dtype.kind == "M" else bounds
            found.first = np.append(found.first, np.full(more, latest))
            found.last = np.append(found.last, np.full(more, earliest))
            found.rows = np.append(found.rows, np.zeros(more, np.int64))
        # Neighbours mostly share their series: one number a run.
        runs = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
        series = codes[runs]
        np.minimum.at(found.first, series, np.minimum.reduceat(times, runs))
        np.maximum.at(found.last, series, np.maximum.reduceat(times, runs))
        np.add.at(found.rows, series, np.diff(np.append(runs, len(codes))))
        if taken < _SAMPLE_ROWS:
            chosen = np.flatnonzero(codes < _SAMPLE_SERIES)[: _SAMPLE_ROWS - taken]
            taken += len(chosen)
            found.sample.append((codes[chosen], times[chosen]))
    if found is None:
        raise no_rows(reader.files.name)
    return found


def _layout_of_sample(reader: _Reader, extent: _Extent, names: list[str]) -> check.Layout:
    """The first series, sorted: what a frequency is told from."""
    codes, times = (np.concatenate(part) for part in zip(*extent.sample, strict=True))
    series = [np.unique(times[codes == code]) for code in range(min(_SAMPLE_SERIES, len(names)))]
    offsets = np.cumsum([0, *map(len, series)])
    return check.Layout(
        np.array(names[: len(series)], object), offsets, np.concatenate(series), None,
        reader.files.name, reader.columns, reader.files.place,
    )  # fmt: skip


def _lengths(
    reader: _Reader, extent: _Extent, names: list[str], frequency: Frequency
) -> np.ndarray:
    """Steps from the first time of each series to its last, both included."""
    off = np.flatnonzero(~frequency.on_grid(extent.first))
    if off.size:
        raise DataError(
            f"starts at {show(extent.first[off[0]])}, which frequency {frequency} never "
            f"meets ({off.size} of {len(names)} series).",
            source=reader.files.name,
            series=names[off[0]],
            hint="All series need one frequency: give another with --freq, or fit these apart.",
        )
    lengths = frequency.steps_between(extent.first, extent.last)[0] + 1
    sparse = np.flatnonzero((lengths > SPARSE_AFTER) & (lengths > SPARSE_TIMES * extent.rows))
    if sparse.size:
        at = sparse[0]
        raise DataError(
            f"is nearly all gap: {extent.rows[at]} values from {show(extent.first[at])} to "
            f"{show(extent.last[at])} at frequency {frequency} "
            f"({sparse.size} of {len(names)} series).",
            source=reader.files.name,
            series=names[at],
            hint="If a time is mistyped, correct it; else give a longer step with --freq.",
        )
    return lengths


def _mapped(points: int, folder: str | os.PathLike[str] | None) -> np.ndarray:
    """An array in a file that has no name and is gone with the array."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            # Told now that the disk is too small, not by a crash half-way.
            os.posix_fallocate(file.fileno(), 0, points * 8)
            return np.memmap(file, np.float64, "r+", shape=(points,))
    except OSError as error:
        raise UsageError(
            f"A file of {points * 8 / 1e9:.1f} GB can't be made in "
            f"{folder or tempfile.gettempdir()}: {error.strerror}.",
            hint="Name a folder with room for it: --storage FOLDER, in Python storage='...'.",
        ) from None


def _scatter(
    reader: _Reader,
    frequency: Frequency,
    starts: np.ndarray,
    offsets: np.ndarray,
    values: np.ndarray,
    names: list[str],
    duplicates: str,
) -> int:
    """Put every row at its place; how many rows hold no value."""
    filled = np.zeros(len(values), bool)
    n_rows = n_missing = 0
    for batch in reader.batches():
        steps, exact = frequency.steps_between(starts[batch.codes], batch.times)
        if not exact.all():
            row = int(np.argmin(exact))
            raise DataError(
                f"the time {show(batch.times[row])} is no whole number of steps of frequency "
                f"{frequency} after {show(starts[batch.codes[row]])}.",
                hint="All series need one frequency: give another with --freq, or fit these apart.",
                **batch.where(row, names),
            )
        found = values_of(batch.table, ids_of(batch.table))
        infinite = np.isinf(found)
        if infinite.any():
            row = int(np.argmax(infinite))
            raise DataError(
                f"the value in column {reader.columns.target!r} at "
                f"{show(batch.times[row])} is infinite.",
                hint="Replace such values, or drop the series.",
                **batch.where(row, names),
            )
        places = offsets[batch.codes] + steps
        again = filled[places]
        again[1:] |= places[1:] == places[:-1]
        if duplicates == "error" and again.any():
            row = int(np.argmax(again))
            raise DataError(
                f"the time {show(batch.times[row])} stands twice.",
                hint="Aggregate before, or take the last: --duplicates last.",
                **batch.where(row, names),
            )
        filled[places] = True
        n_rows += len(places)
        n_missing += int(np.count_nonzero(np.isnan(found)))
        _write(values, places, found)
    n_repeated = n_rows - int(np.count_nonzero(filled))
    if n_repeated and duplicates == "error":
        raise DataError(
            f"some times stand twice ({n_repeated} repeated rows).",
            source=reader.files.name,
            hint="Aggregate before, or take the last: --duplicates last.",
        )
    return n_missing


def _write(values: np.ndarray, places: np.ndarray, found: np.ndarray) -> None:
    if places[-1] - places[0] == len(places) - 1 and np.all(np.diff(places) == 1):
        values[places[0] : places[-1] + 1] = found
    else:
        values[places] = found
    release(values)


def _settle(
    values: np.ndarray, offsets: np.ndarray, gaps: str, reader: _Reader, names: list[str]
) -> tuple[np.ndarray, int]:
    """Treat what is missing by the policy; values of each series and how many were missing."""
    counts, n_missing = np.zeros(len(names), np.int64), 0
    for series, block in blocks_of(values, offsets):
        begins = offsets[series] - offsets[series.start]
        missing = np.isnan(block)
        n_missing += int(np.count_nonzero(missing))
        there = np.add.reduceat(~missing, begins, dtype=np.int64)
        lengths = np.diff(offsets[series.start : series.stop + 1])
        if missing.any() and gaps == "error":
            index = series.start + int(np.argmax(there < lengths))
            raise DataError(
                f"there are {lengths[index - series.start] - there[index - series.start]} missing "
                "values or steps.",
                source=reader.files.name,
                series=names[index],
                hint="Let them be masked (--gaps mask) or filled (fill or zero).",
            )
        if missing.any() and gaps == "zero":
            block[missing] = 0.0
            there = lengths
        elif missing.any() and gaps == "fill":
            block[:] = carried_on(np.asarray(block), np.append(begins, len(block)))
            there = np.add.reduceat(~np.isnan(block), begins, dtype=np.int64)
        if not there.all():
            raise DataError(
                "no value at all.",
                source=reader.files.name,
                series=names[series.start + int(np.argmin(there))],
                hint="Drop these series, or give --gaps zero if nothing means 0.",
            )
        counts[series] = there
        release(values)
    return counts, n_missing


def columns_of(files: Files, given: dict[str, str | None]) -> tuple[Columns, tuple[str, ...], Any]:
    """Names of the columns that are used, of the others, and the type of the target."""
    with reading(files):
        schema = files.dataset().schema
    columns = find_columns(schema.names, files.name, given)
    used = (columns.id, columns.time, columns.target)
    unused = tuple(name for name in schema.names if name not in used)
    return columns, unused, schema.field(columns.target).type
