"""What a collection must satisfy: each check returns an error that says where and what to do.

Rows are counted from 0 in the source, before any sorting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import Columns
from tsmaml.series.inference import infer
from tsmaml.series.words import counted, show

# The frequency is told from so many of the longest series, so many points of each.
_PIECE = 2**20
_SAMPLE = 50
_POINTS = 500


@dataclass(frozen=True)
class Layout:
    """Rows sorted by series and time, and where each stood in the source.

    Attributes:
        ids: ``[series]``.
        offsets: ``[series + 1]``, into the sorted rows.
        times: ``[rows]``, sorted within each series.
        rows: ``[rows]``, the row of the source that stands here; None: all stand in their places.
        source: for messages.
        columns: for messages.
        place: of a row of the source: file and row.
        clock: for messages, said behind a time that isn't by the clock of the source.
    """

    ids: np.ndarray
    offsets: np.ndarray
    times: np.ndarray
    rows: np.ndarray | None
    source: str
    columns: Columns
    place: Callable[[int], dict[str, Any]]
    clock: str = ""

    def error(self, index: int, message: str, hint: str) -> DataError:
        """An error about one sorted row."""
        return DataError(
            message,
            series=self.ids[np.searchsorted(self.offsets, index, side="right") - 1],
            hint=hint,
            **self.place(index if self.rows is None else int(self.rows[index])),
        )

    def show(self, time: Any) -> str:
        """A time for a message."""
        return show(time) + self.clock

    def followers(self, flags: np.ndarray) -> np.ndarray:
        """The rows ``i + 1`` with ``flags[i]`` that belong to the same series as ``i``."""
        inside = flags.copy()
        inside[self.offsets[1:-1] - 1] = False
        return np.flatnonzero(inside) + 1


def duplicates(layout: Layout) -> np.ndarray:
    """The rows that repeat the time of the row before."""
    return layout.followers(layout.times[1:] == layout.times[:-1])


def no_duplicates(layout: Layout, twice: np.ndarray) -> DataError | None:
    """Each series has at most one value a time."""
    if not twice.size:
        return None
    at = int(twice[0])
    return layout.error(
        at,
        f"the time {layout.show(layout.times[at])} stands twice "
        f"({counted(twice.size, 'repeated row')} in all).",
        "Aggregate them: --duplicates mean (or sum, min, max, first, last), in Python "
        "duplicates='mean'.",
    )


def infer_frequency(layout: Layout) -> Frequency:
    """One frequency for the collection, from a sample of its longest series."""
    lengths = np.diff(layout.offsets)
    longest = np.argsort(-lengths, kind="stable")[:_SAMPLE]
    times = [
        layout.times[layout.offsets[i] : layout.offsets[i + 1]][:_POINTS]
        for i in longest
        if lengths[i] >= 2
    ]
    frequency = infer(times)
    if frequency is None and layout.times.dtype.kind == "i":
        return Frequency(None, 1)
    if frequency is None:
        raise DataError(
            "the frequency can't be inferred"
            + (
                ": no series has two points."
                if not times
                else f" from series {layout.ids[longest[0]]!r}, whose times begin "
                f"{', '.join(layout.show(time) for time in times[0][:3])}."
            ),
            source=layout.source,
            hint="Give it: --freq D (or h, W, MS, QS, YS, 15min, ...), in Python freq='D'. Months "
            "that are dated within the month first have to move to its start.",
        )
    return frequency


def same_kind(layout: Layout, frequency: Frequency) -> DataError | None:
    """The frequency is of the same kind as the times."""
    integers = layout.times.dtype.kind == "i"
    if integers == frequency.is_integer:
        return None
    return DataError(
        f"the times are {'whole numbers' if integers else 'dates'}, but the frequency is "
        f"{frequency}.",
        source=layout.source,
        hint="Give --freq 1 (a whole number)." if integers else "Give --freq D, h, MS, ...",
    )


def off_grid_starts(layout: Layout, frequency: Frequency) -> np.ndarray:
    """The series that start where the frequency never comes by."""
    return np.flatnonzero(~frequency.on_grid(layout.times[layout.offsets[:-1]]))


def on_grid_starts(layout: Layout, frequency: Frequency, off: np.ndarray) -> DataError | None:
    """Every series starts on the grid."""
    if not off.size:
        return None
    at = int(layout.offsets[off[0]])
    return layout.error(
        at,
        f"starts at {layout.show(layout.times[at])}, which frequency {frequency} never meets "
        f"({off.size} of {len(layout.ids)} series).",
        "All series need one frequency: give another with --freq, or fit these apart.",
    )


def irregular(layout: Layout, frequency: Frequency) -> np.ndarray:
    """The rows that don't stand one step after the row before."""
    times = layout.times
    if frequency.span is None:
        return layout.followers(frequency.shift(times[:-1], 1) != times[1:])
    wrong = np.empty(max(0, len(times) - 1), bool)
    # Piece by piece: the distances of all rows would take as much memory as their times.
    for begin in range(0, len(wrong), _PIECE):
        piece = times[begin : begin + _PIECE + 1]
        np.not_equal(np.diff(piece), frequency.span, out=wrong[begin : begin + _PIECE])
    return layout.followers(wrong)


def some_step(layout: Layout, frequency: Frequency, wrong: np.ndarray) -> DataError | None:
    """Some two rows are one step apart: else the frequency is another.

    Args:
        layout: the rows.
        frequency: as given; one that was inferred is met.
        wrong: what :func:`irregular` found.
    """
    longest = int(np.argmax(np.diff(layout.offsets)))
    begin, end = layout.offsets[longest : longest + 2]
    if end - begin < 3 or len(wrong) < len(layout.times) - len(layout.ids):
        return None
    shown = ", ".join(layout.show(time) for time in layout.times[begin : min(end, begin + 3)])
    return DataError(
        f"no two rows are one step of frequency {frequency} apart: series "
        f"{layout.ids[longest]!r} begins {shown}.",
        source=layout.source,
        hint="Give the frequency of the rows with --freq, or leave it to be inferred.",
    )


def between_steps(layout: Layout, frequency: Frequency, off: np.ndarray) -> DataError | None:
    """No row lies between two steps of its series.

    Args:
        layout: the rows.
        frequency: the step.
        off: the rows that do.
    """
    if not off.size:
        return None
    at = int(off[0])
    before, found = layout.times[at - 1], layout.times[at]
    due = frequency.shift(layout.times[at - 1 : at], 1)[0]
    what = "less than one step of" if found < due else "which is no whole number of steps of"
    return layout.error(
        at,
        f"after {layout.show(before)} comes {layout.show(found)}, {what} "
        f"frequency {frequency} ({_inside(layout, off)}).",
        "All series need one frequency: give another with --freq, or fit these apart.",
    )


def no_gaps(layout: Layout, frequency: Frequency, wrong: np.ndarray) -> DataError | None:
    """Every series has a row at each step from its first time to its last."""
    if not wrong.size:
        return None
    at = int(wrong[0])
    before, found = layout.times[at - 1], layout.times[at]
    due = frequency.shift(layout.times[at - 1 : at], 1)[0]
    return layout.error(
        at,
        f"there is a gap: after {layout.show(before)} comes {layout.show(found)}, at frequency "
        f"{frequency} {layout.show(due)} was due ({_inside(layout, wrong)}).",
        "Let gaps be masked (--gaps mask, in Python gaps='mask') or filled (fill or zero), or "
        "give another frequency with --freq.",
    )


def dense(layout: Layout, frequency: Frequency, sparse: np.ndarray) -> DataError | None:
    """No series is nearly all gap.

    Args:
        layout: the rows.
        frequency: the step.
        sparse: ``[series]`` bool.
    """
    if not sparse.any():
        return None
    index = int(np.argmax(sparse))
    times = layout.times[layout.offsets[index] : layout.offsets[index + 1]]
    widest = int(np.argmax(np.diff(times)))
    return layout.error(
        int(layout.offsets[index]) + widest + 1,
        f"is nearly all gap: {counted(len(times), 'value')} from {layout.show(times[0])} to "
        f"{layout.show(times[-1])} at frequency {frequency}, none between "
        f"{layout.show(times[widest])} and {layout.show(times[widest + 1])} "
        f"({np.count_nonzero(sparse)} of {len(layout.ids)} series).",
        "If that time is mistyped, correct it; else give a longer step with --freq, or write the "
        "rows that mean 0.",
    )


def _inside(layout: Layout, rows: np.ndarray) -> str:
    at_fault = len(np.unique(np.searchsorted(layout.offsets, rows, side="right")))
    return f"{at_fault} of {len(layout.ids)} series"


def not_infinite(layout: Layout, values: np.ndarray, bad: np.ndarray) -> DataError | None:
    """No value is infinite."""
    return _no_number(layout, values, bad, "infinite") if bad.size else None


def not_missing(layout: Layout, values: np.ndarray, bad: np.ndarray) -> DataError | None:
    """No value is missing."""
    return _no_number(layout, values, bad, "missing or not a number") if bad.size else None


def _no_number(layout: Layout, values: np.ndarray, bad: np.ndarray, what: str) -> DataError:
    at, label = int(bad[0]), layout.columns.target
    masking = "" if np.isinf(values[at]) else ", or let them be masked: --gaps mask"
    return layout.error(
        at,
        f"the value in column {label!r} at {layout.show(layout.times[at])} is "
        f"{what} ({counted(bad.size, 'such value')} in all).",
        f"Fill such values (df[{label!r}].ffill() within each series, or 0 where "
        f"none means none){masking}, or drop the series.",
    )


def some_value(layout: Layout, empty: np.ndarray) -> DataError | None:
    """Every series has a value.

    Args:
        layout: the rows.
        empty: numbers of the series that have none.
    """
    if not empty.size:
        return None
    return layout.error(
        int(layout.offsets[empty[0]]),
        f"no value at all ({len(empty)} of {len(layout.ids)} series).",
        "Drop these series, or give --gaps zero if nothing means 0.",
    )
