"""What a collection must satisfy, each check with a message that says where and what to do.

Rows are counted from 0 in the source, before any sorting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series.calendar import Frequency, infer
from tsmaml.series.collection import Columns

_SAMPLE = 50


@dataclass(frozen=True)
class Layout:
    """Rows sorted by series and time, and where each stood in the source.

    Attributes:
        ids: ``[series]``.
        offsets: ``[series + 1]``, into the sorted rows.
        times: ``[rows]``, sorted within each series.
        rows: ``[rows]``, the row of the source that stands here.
        source: for messages.
        columns: for messages.
    """

    ids: np.ndarray
    offsets: np.ndarray
    times: np.ndarray
    rows: np.ndarray
    source: str
    columns: Columns

    def series_at(self, index: int) -> int:
        """Number of the series that owns a sorted row."""
        return int(np.searchsorted(self.offsets, index, side="right") - 1)

    def error(self, index: int, message: str, hint: str) -> DataError:
        """An error about one sorted row."""
        return DataError(
            message,
            source=self.source,
            series=self.ids[self.series_at(index)],
            row=int(self.rows[index]),
            hint=hint,
        )

    def within(self) -> np.ndarray:
        """Whether sorted rows ``i`` and ``i + 1`` belong to one series: ``[rows - 1]``."""
        inside = np.ones(len(self.times) - 1, bool)
        inside[self.offsets[1:-1] - 1] = False
        return inside


def show(time: Any) -> str:
    """A time as messages write it: no more digits than it has."""
    text = str(time)
    if isinstance(time, np.datetime64):
        date, _, clock = text.partition("T")
        clock = clock.removesuffix(".000000")
        return date if clock == "00:00:00" else f"{date} {clock}"
    return text


def no_duplicates(layout: Layout) -> None:
    """Each series has at most one value a time."""
    twice = np.flatnonzero((layout.times[1:] == layout.times[:-1]) & layout.within())
    if twice.size:
        at = int(twice[0]) + 1
        raise layout.error(
            at,
            f"the time {show(layout.times[at])} stands twice ({twice.size} repeated rows in all).",
            "Keep one row a time: df.drop_duplicates(['"
            f"{layout.columns.id}', '{layout.columns.time}']), or aggregate them.",
        )


def infer_frequency(layout: Layout) -> Frequency:
    """One frequency for the collection, from a sample of its longest series."""
    lengths = np.diff(layout.offsets)
    longest = np.argsort(-lengths, kind="stable")[:_SAMPLE]
    times = [
        layout.times[layout.offsets[i] : layout.offsets[i + 1]][:500]
        for i in longest
        if lengths[i] >= 2
    ]
    frequency = infer(times) if times else None
    if frequency is None and layout.times.dtype.kind in "iu":
        return Frequency(None, 1)
    if frequency is None:
        raise DataError(
            "the frequency can't be inferred"
            + (
                ": no series has two points."
                if not times
                else f" from series {layout.ids[longest[0]]!r}, whose times begin "
                f"{', '.join(show(t) for t in times[0][:3])}."
            ),
            source=layout.source,
            hint="Give it: --freq D (or h, W, MS, QS, YS, 15min, ...), in Python freq='D'.",
        )
    return frequency


def fits_times(layout: Layout, frequency: Frequency) -> None:
    """The frequency is of the same kind as the times, and every series starts on it."""
    integers = layout.times.dtype.kind in "iu"
    if integers != frequency.is_integer:
        raise DataError(
            f"the times are {'whole numbers' if integers else 'dates'}, but the frequency is "
            f"{frequency}.",
            source=layout.source,
            hint="Give --freq 1 (a whole number)." if integers else "Give --freq D, h, MS, ...",
        )
    off = np.flatnonzero(~frequency.on_grid(layout.times[layout.offsets[:-1]]))
    if off.size:
        at = int(layout.offsets[off[0]])
        raise layout.error(
            at,
            f"starts at {show(layout.times[at])}, which frequency {frequency} never meets "
            f"({off.size} of {len(layout.ids)} series).",
            "All series need one frequency: give another with --freq, or fit these apart.",
        )


def no_gaps(layout: Layout, frequency: Frequency) -> None:
    """Every series has a value at each step from its first time to its last."""
    starts = layout.times[layout.offsets[:-1]]
    lengths = np.diff(layout.offsets)
    expected = _expected_times(starts, lengths, frequency)
    wrong = np.flatnonzero(expected != layout.times)
    if not wrong.size:
        return
    at = int(wrong[0])
    before, found = layout.times[at - 1], layout.times[at]
    in_error = len(np.unique(np.searchsorted(layout.offsets, wrong, side="right")))
    inside = f"{in_error} of {len(layout.ids)} series"
    if found < expected[at]:
        raise layout.error(
            at,
            f"after {show(before)} comes {show(found)}, less than one step of frequency "
            f"{frequency} ({inside}).",
            "All series need one frequency: give another with --freq, or fit these apart.",
        )
    raise layout.error(
        at,
        f"there is a gap: after {show(before)} comes {show(found)}, at frequency {frequency} "
        f"{show(expected[at])} was due ({inside}).",
        "Fill the gaps, for instance with utilsforecast.preprocessing.fill_gaps(df, freq=...), "
        "or give another frequency with --freq.",
    )


def _expected_times(starts: np.ndarray, lengths: np.ndarray, frequency: Frequency) -> np.ndarray:
    """The times that series of these lengths should have, one after the other.

    Series that share a start share one calendar, so that the work grows with the rows.
    """
    steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    unique, which = np.unique(starts, return_inverse=True)
    if frequency.has_equal_steps:
        one = frequency.times_of_many(starts, np.zeros(len(starts), np.int64), 2)
        return np.repeat(one[:, 0], lengths) + steps * np.repeat(one[:, 1] - one[:, 0], lengths)
    positions = frequency.positions(unique)
    longest = int(np.max(lengths + positions[which]))
    grid = frequency.times_of_many(unique[:1], np.zeros(1, np.int64), longest)[0]
    # Positions count from the earliest start, which is the first of the sorted unique ones.
    return grid[np.repeat(positions[which], lengths) + steps]


def finite(layout: Layout, values: np.ndarray) -> None:
    """Every value is a finite number."""
    bad = np.flatnonzero(~np.isfinite(values))
    if not bad.size:
        return
    at = int(bad[0])
    what = "missing or not a number" if np.isnan(values[at]) else "infinite"
    raise layout.error(
        at,
        f"the value in column {layout.columns.target!r} at {show(layout.times[at])} is {what} "
        f"({bad.size} such values in all).",
        "Fill such values (df['y'].ffill() within each series, or 0 where none means none), "
        "or drop the series.",
    )
