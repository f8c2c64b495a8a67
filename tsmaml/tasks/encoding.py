"""Exogenous columns -> the numbers that models see.

Numeric columns are standardised by what meta-training saw; a missing value is the mean, 0. Categories
are one column each, the most frequent ones that meta-training saw; any other is 0 in all of them. Of
the calendar each feature is a sine and a cosine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tsmaml.errors import DataError, UsageError
from tsmaml.series import SeriesCollection
from tsmaml.series.exogenous import Column, Exogenous
from tsmaml.series.words import listed, show

ROLES = ("hist", "futr", "stat")
WHAT = {"hist": "historic", "futr": "future", "stat": "static"}
_MOST_CATEGORIES = 32
# Parts of a date by their names in pandas, and after how many they begin anew.
CALENDAR = {
    "second": 60,
    "minute": 60,
    "hour": 24,
    "weekday": 7,
    "day": 31,
    "week": 53,
    "month": 12,
    "quarter": 4,
    "dayofyear": 366,
}


@dataclass(frozen=True)
class ColumnCode:
    """How one column becomes numbers.

    Attributes:
        name: of the column.
        mean, deviation: of a numeric column.
        categories: of a categorical one, one number each; None: it is numeric.
    """

    name: str
    mean: float = 0.0
    deviation: float = 1.0
    categories: tuple[str, ...] | None = None

    @property
    def width(self) -> int:
        """Numbers that it becomes."""
        return 1 if self.categories is None else len(self.categories)

    @classmethod
    def learned(cls, name: str, column: Column) -> ColumnCode:
        """From what meta-training sees of the column."""
        seen = column.values[~np.isnan(column.values)]
        if column.categories is not None:
            counts = np.bincount(seen.astype(np.int64), minlength=len(column.categories))
            often = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
            kept = sorted(int(i) for i in often if counts[i])
            return cls(name, categories=tuple(column.categories[i] for i in kept))
        if not seen.size:
            return cls(name)
        largest = float(np.max(np.abs(seen))) or 1.0
        deviation = float(np.std(seen / largest)) * largest
        return cls(name, float(np.mean(seen / largest)) * largest, deviation or largest)

    def encode(self, column: Column, source: str) -> np.ndarray:
        """Numbers of every element: ``[elements, width]`` float32.

        Raises:
            DataError: if a numeric column has become text, or the other way round.
        """
        if (column.categories is None) != (self.categories is None):
            was, now = ("numbers", "text") if self.categories is None else ("text", "numbers")
            raise DataError(
                f"the column {self.name!r} holds {now}; the model was trained on {was}.",
                source=source,
                hint="Convert it.",
            )
        if self.categories is None:
            scaled = (column.values - self.mean) / self.deviation
            return np.nan_to_num(scaled).astype(np.float32)[:, np.newaxis]
        codes = column.in_order_of(self.categories)
        return (codes[:, np.newaxis] == np.arange(self.width)).astype(np.float32)


class Encoded(NamedTuple):
    """What models see of the exogenous columns.

    Attributes:
        hist: ``[points, n]`` float32.
        futr: ``[points + series * h, n]``: each series' points and the ``h`` steps after them.
        stat: ``[series, n]``.

    None stands for what a model doesn't take.
    """

    hist: np.ndarray | None = None
    futr: np.ndarray | None = None
    stat: np.ndarray | None = None

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers a step (or a series) of each; 0 for None."""
        return tuple(0 if part is None else part.shape[1] for part in self)


NOTHING = Encoded()


@dataclass(frozen=True)
class Encoder:
    """How the exogenous columns of a collection become numbers.

    Attributes:
        hist, futr, stat: codes of the columns.
        calendar: names of :data:`CALENDAR`; these go with the future columns.
    """

    hist: tuple[ColumnCode, ...] = ()
    futr: tuple[ColumnCode, ...] = ()
    stat: tuple[ColumnCode, ...] = ()
    calendar: tuple[str, ...] = field(default=())

    @classmethod
    def learned(cls, collection: SeriesCollection, calendar: Sequence[str] = ()) -> Encoder:
        """From the series that are trained on.

        Raises:
            UsageError: if a feature of the calendar is unknown, or times are no dates.
        """
        unknown = [name for name in calendar if name not in CALENDAR]
        if unknown:
            raise UsageError(
                f"The calendar has no {unknown[0]!r}; wanted are {', '.join(CALENDAR)}."
            )
        if calendar and collection.frequency.is_integer:
            raise UsageError(
                "Features of the calendar need dates; the times are whole numbers.",
                hint="Leave them out, or give times as dates.",
            )
        columns = collection.exogenous or Exogenous()
        hist, futr, stat = (
            tuple(
                ColumnCode.learned(name, column) for name, column in getattr(columns, role).items()
            )
            for role in ROLES
        )
        return cls(hist, futr, stat, tuple(calendar))

    @property
    def widths(self) -> dict[str, int]:
        """Numbers a step (or a series) by role."""
        found = {role: sum(code.width for code in getattr(self, role)) for role in ROLES}
        found["futr"] += 2 * len(self.calendar)
        return found

    def names(self, role: str) -> list[str]:
        """The columns of a role."""
        return [code.name for code in getattr(self, role)]

    def encode(self, collection: SeriesCollection, h: int) -> Encoded:
        """Numbers of a collection.

        Raises:
            DataError: if a column is missing.
        """
        columns = collection.exogenous or Exogenous()
        for role in ROLES:
            missing = [name for name in self.names(role) if name not in getattr(columns, role)]
            if missing:
                raise DataError(
                    f"the {WHAT[role]} column {listed([repr(name) for name in missing])} is not "
                    "there; the model was trained with it.",
                    source=collection.source,
                    hint=_MISSING[role],
                )

        def of(role: str, count: int) -> np.ndarray:
            parts = [
                code.encode(getattr(columns, role)[code.name], collection.source)
                for code in getattr(self, role)
            ]
            return np.concatenate(parts, 1) if parts else np.zeros((count, 0), np.float32)

        futr = self._ahead(collection, columns, of("futr", 0), h)
        return Encoded(of("hist", len(collection.values)), futr, of("stat", len(collection)))

    def _ahead(
        self, collection: SeriesCollection, columns: Exogenous, known: np.ndarray, h: int
    ) -> np.ndarray:
        """Future columns and calendar of each series' points and the ``h`` steps after them."""
        lengths = collection.lengths + h
        series = np.repeat(np.arange(len(collection)), lengths)
        step = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        parts = []
        if self.futr:
            there = step < np.diff(columns.futr_offsets)[series]
            rows = np.where(there, columns.futr_offsets[:-1][series] + step, 0)
            parts.append(np.where(there[:, np.newaxis], known[rows], np.float32(0)))
        if self.calendar:
            times = collection.frequency.shift(collection.starts[series], step)
            parts.append(calendar_features(collection.in_zone(times), self.calendar))
        return np.concatenate(parts, 1) if parts else np.zeros((len(step), 0), np.float32)

    def check_future(self, collection: SeriesCollection, h: int) -> None:
        """Every future column is known for ``h`` steps after the end of every series.

        Raises:
            DataError: naming the first series, time and column that are not.
        """
        columns = collection.exogenous or Exogenous()
        for name in self.names("futr"):
            if name not in columns.futr:
                continue  # told by encode
            lengths = np.diff(columns.futr_offsets)
            step = collection.lengths[:, np.newaxis] + np.arange(h)
            there = step < lengths[:, np.newaxis]
            rows = np.where(there, columns.futr_offsets[:-1, np.newaxis] + step, 0)
            missing = ~there | np.isnan(columns.futr[name].values[rows])
            if missing.any():
                at, ahead = (int(x[0]) for x in np.nonzero(missing))
                time = collection.future_times(h)[at, ahead]
                raise DataError(
                    f"the future column {name!r} has no value at {show(time)} "
                    f"({int(missing.any(axis=1).sum())} of {len(collection)} series).",
                    source=collection.source,
                    series=str(collection.ids[at]),
                    hint=f"Fill in the frame that make_future(df, h={h}) gives and hand it over: "
                    "predict(df, futr_df=frame), --future FILE.",
                )

    def manifest(self) -> dict[str, Any]:
        """The encoder as JSON values."""
        return asdict(self)

    @classmethod
    def restore(cls, manifest: Mapping[str, Any]) -> Encoder:
        """Take back what :meth:`manifest` gave."""

        def code(stored: Mapping[str, Any]) -> ColumnCode:
            categories = stored["categories"]
            names = None if categories is None else tuple(categories)
            return ColumnCode(**{**stored, "categories": names})

        hist, futr, stat = (tuple(map(code, manifest[role])) for role in ROLES)
        return cls(hist, futr, stat, tuple(manifest["calendar"]))


NOTHING_TO_ENCODE = Encoder()

_MISSING = {
    "hist": "Name it: --hist-col NAME, in Python hist_cols=['NAME'].",
    "futr": "Name it: --futr-col NAME, in Python futr_cols=['NAME'].",
    "stat": "Hand the static columns over: --static FILE, in Python static_df=frame.",
}


def calendar_features(times: Any, names: Sequence[str]) -> np.ndarray:
    """Sine and cosine of parts of dates: ``[times, 2 * names]`` float32."""
    import pandas as pd

    index = pd.DatetimeIndex(times)
    found = []
    for name in names:
        attribute = {"weekday": "day_of_week", "dayofyear": "day_of_year"}.get(name, name)
        part = index.isocalendar().week if name == "week" else getattr(index, attribute)
        angle = 2 * np.pi * np.asarray(part, float) / CALENDAR[name]
        found += [np.sin(angle), np.cos(angle)]
    return np.stack(found, axis=1).astype(np.float32)
