"""Rows -> SeriesCollection: sort, check, put on the grid, and say what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NoReturn

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series import check
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import SeriesCollection
from tsmaml.series.columns import Ids, ids_of, values_of
from tsmaml.series.exogenous import Column, Exogenous, column_of
from tsmaml.series.grid import aggregated, carried_on, onto_grid, too_sparse
from tsmaml.series.sources import LongTable
from tsmaml.series.times import Times, times_of
from tsmaml.series.words import counted, listed

Report = Callable[[DataError], object]


def refuse(error: DataError) -> NoReturn:
    """The first problem is the last."""
    raise error


def assemble(
    table: LongTable,
    frequency: Frequency | None,
    *,
    gaps: str = "mask",
    duplicates: str = "error",
    roles: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> SeriesCollection:
    """Make a collection of rows.

    Args:
        table: the rows.
        frequency: as given; None: inferred.
        gaps, duplicates: see :func:`tsmaml.series.read_series`.
        roles: names of the ``hist``, ``futr`` and ``stat`` columns.

    Raises:
        DataError: naming file, series and row, if the series can't be used as they are.
    """
    ids = ids_of(table)
    rows = Rows(table, ids, times_of(table, ids, frequency), values_of(table, ids))
    return rows.collect(frequency, gaps, duplicates, roles)


class Rows:
    """Rows on their way to a collection; each step leaves sorted rows that the next can use.

    Args:
        table: where they came from.
        ids, times, values: of each row.
        report: told of every problem; where it doesn't raise, what is at fault is left out.
    """

    def __init__(
        self,
        table: LongTable,
        ids: Ids,
        times: Times,
        values: np.ndarray,
        report: Report = refuse,
    ) -> None:
        self.table, self.times, self.values, self.report = table, times, values, report
        moments, offsets, order = times.values, *_order(ids.codes, times.values)
        if order is not None:
            moments, self.values = moments[order], values[order]
        self.extra = {
            name: column_of(column, name, table.name) for name, column in table.extra.items()
        }
        if order is not None:
            self.extra = {name: column.at(order) for name, column in self.extra.items()}
        self.notes: list[str] = []
        if order is not None:
            self.notes.append("The rows were not sorted by series and time; they have been sorted.")
        self.layout = check.Layout(
            ids.names, offsets, moments, order, table.name, table.columns, table.place,
            clock=" UTC" if times.zone and not times.wall_clock else "",
        )  # fmt: skip

    def collect(
        self,
        frequency: Frequency | None,
        gaps: str,
        duplicates: str,
        roles: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> SeriesCollection:
        """Check the rows and put them on the grid; see :func:`assemble`."""
        self._merge_duplicates(duplicates)
        found = frequency or check.infer_frequency(self.layout)
        # Without a frequency of the right kind nothing more can be said.
        wrong_kind = check.same_kind(self.layout, found)
        if wrong_kind is not None:
            raise wrong_kind
        self._refuse_infinite()
        self._refuse_off_grid(found)
        layout = self.layout
        values, offsets = self._on_grid(found, gaps)
        self._refuse_empty(values, offsets)
        return SeriesCollection(
            layout.ids, values, offsets, layout.times[layout.offsets[:-1]], found,
            self.table.columns, self.times.zone, self.times.wall_clock, self.table.name,
            (*self.notes, *last_notes(offsets, self.table.unused)),
            exogenous=self._exogenous(roles, offsets),
        )  # fmt: skip

    def _exogenous(
        self, roles: Mapping[str, Sequence[str]], offsets: np.ndarray
    ) -> Exogenous | None:
        """The exogenous columns by role."""
        if not self.extra:
            return None
        hist, futr, stat = (
            {name: self.extra[name] for name in roles.get(role, ())}
            for role in ("hist", "futr", "stat")
        )
        return Exogenous(
            hist,
            futr,
            offsets,
            {name: self._static(name, column, offsets) for name, column in stat.items()},
        )

    def _static(self, name: str, column: Column, offsets: np.ndarray) -> Column:
        """What a column says of each series: ``[series]``, NaN where no row says anything."""
        first, last = (ufunc.reduceat(column.values, offsets[:-1]) for ufunc in (np.fmin, np.fmax))
        if (first < last).any():
            at_fault = int(np.argmax(first < last))
            one, other = (
                Column(part, column.categories).shown().tolist()[at_fault] for part in (first, last)
            )
            raise DataError(
                f"the static column {name!r} says {one!r} and {other!r} of it.",
                source=self.table.name,
                series=str(self.layout.ids[at_fault]),
                hint="A static column says the same in all rows of a series; others are named by "
                "--hist-col or --futr-col.",
            )
        return Column(first, column.categories)

    def _keep(self, rows: np.ndarray) -> None:
        """Go on with some of the rows; series that have none left are gone."""
        layout = self.layout
        counts = np.add.reduceat(rows, layout.offsets[:-1], dtype=np.int64)
        numbers = np.arange(len(rows)) if layout.rows is None else layout.rows
        self.values = self.values[rows]
        self.extra = {name: column.at(rows) for name, column in self.extra.items()}
        self.layout = replace(
            layout,
            ids=layout.ids[counts > 0],
            offsets=np.concatenate([[0], np.cumsum(counts[counts > 0])]).astype(np.int64),
            times=layout.times[rows],
            rows=numbers[rows],
        )

    def _tell(self, error: DataError | None) -> bool:
        if error is not None:
            self.report(error)
        return error is not None

    def _merge_duplicates(self, how: str) -> None:
        twice = check.duplicates(self.layout)
        if not twice.size:
            return
        first = np.ones(len(self.values), bool)
        first[twice] = False
        if how == "error":
            self._tell(check.no_duplicates(self.layout, twice))
            how = "last"
        else:
            self.notes.append(
                f"{counted(twice.size, 'row')} of times that stand twice: {how} taken."
            )
        merged = aggregated(self.values, np.flatnonzero(first), how)
        self._keep(first)
        self.values = merged

    def _refuse_infinite(self) -> None:
        bad = np.flatnonzero(np.isinf(self.values))
        if self._tell(check.not_infinite(self.layout, self.values, bad)):
            self.values[bad] = np.nan

    def _refuse_off_grid(self, frequency: Frequency) -> None:
        layout = self.layout
        off = check.off_grid_starts(layout, frequency)
        if self._tell(check.on_grid_starts(layout, frequency, off)):
            self._keep(~np.isin(np.arange(len(layout.ids)), off).repeat(np.diff(layout.offsets)))
            self._some_left()

    def _some_left(self) -> None:
        if not len(self.layout.ids):
            raise DataError(
                "no series is left that can be used.",
                source=self.table.name,
                hint="Begin with the problem that is named first.",
            )

    def _on_grid(self, frequency: Frequency, gaps: str) -> tuple[np.ndarray, np.ndarray]:
        """Values at every step and where each series begins, by the policy for gaps."""
        n_missing = int(np.count_nonzero(np.isnan(self.values)))
        if gaps == "error" and n_missing:
            bad = np.flatnonzero(np.isnan(self.values))
            self._tell(check.not_missing(self.layout, self.values, bad))
        wrong = check.irregular(self.layout, frequency)
        values, offsets, n_rows = self.values, self.layout.offsets, len(self.values)
        if wrong.size:
            values, offsets, n_rows = self._spread(frequency, wrong, gaps)
        n_skipped = len(values) - n_rows
        if gaps in ("mask", "error") or not n_missing + n_skipped:
            done = "are masked"
        elif gaps == "zero":
            values, done = np.where(np.isnan(values), 0.0, values), "are taken as 0"
        else:
            values, done = carried_on(values, offsets), "are filled with the value before"
        if n_missing + n_skipped and gaps != "error":
            self.notes.append(missing_note(n_missing, n_skipped, done))
        return values, offsets

    def _spread(
        self, frequency: Frequency, wrong: np.ndarray, gaps: str
    ) -> tuple[np.ndarray, np.ndarray, int]:
        layout = self.layout

        def steps_of_rows() -> tuple[np.ndarray, np.ndarray]:
            here = self.layout
            starts = np.repeat(here.times[here.offsets[:-1]], np.diff(here.offsets))
            return frequency.steps_between(starts, here.times)

        steps, exact = steps_of_rows()
        no_step = check.some_step(layout, frequency, wrong)
        if no_step is not None and exact.all() and gaps != "error":
            raise no_step
        off = np.flatnonzero(~exact)
        if self._tell(check.between_steps(layout, frequency, off)):
            self._keep(exact)
            steps, _ = steps_of_rows()
        elif gaps == "error":
            self._tell(check.no_gaps(layout, frequency, wrong))
        sparse = too_sparse(self.layout.offsets, steps)
        if self._tell(check.dense(self.layout, frequency, sparse)):
            keep = ~sparse.repeat(np.diff(self.layout.offsets))
            self._keep(keep)
            self._some_left()
            steps = steps[keep]
        offsets = self.layout.offsets
        self.extra = {
            name: Column(onto_grid(column.values, offsets, steps).values, column.categories)
            for name, column in self.extra.items()
        }
        return (*onto_grid(self.values, offsets, steps), len(self.values))

    def _refuse_empty(self, values: np.ndarray, offsets: np.ndarray) -> None:
        missing = np.isnan(values)
        if not missing.any():
            return
        there = np.add.reduceat(~missing, offsets[:-1], dtype=np.int64)
        self._tell(check.some_value(self.layout, np.flatnonzero(there == 0)))


def _order(codes: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Where each series begins when rows are sorted, and the order that sorts them if they aren't.

    Returns:
        ``[series + 1]`` offsets into the sorted rows; ``[rows]``, or None if rows are sorted.
    """
    if not np.any(codes[1:] < codes[:-1]):
        offsets = np.searchsorted(codes, np.arange(int(codes[-1]) + 2, dtype=codes.dtype))
        back = np.flatnonzero(times[1:] < times[:-1]) + 1
        if np.isin(back, offsets).all():
            return offsets, None
    offsets = np.concatenate([[0], np.cumsum(np.bincount(codes))]).astype(np.int64)
    return offsets, np.lexsort((times, codes))


def missing_note(n_missing: int, n_skipped: int, done: str) -> str:
    """What became of missing values and of steps without a row."""
    parts = [
        counted(number, noun)
        for number, noun in ((n_missing, "missing value"), (n_skipped, "step"))
        if number
    ]
    if n_skipped:
        parts[-1] += " without a row"
    done = done if n_missing + n_skipped > 1 else done.replace("are", "is", 1)
    return f"{' and '.join(parts)} {done}."


def last_notes(offsets: np.ndarray, unused: tuple[str, ...]) -> list[str]:
    """Notes that every way of reading ends with."""
    notes = []
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
    return notes
