"""What a collection must satisfy, each check with a message that says where and what to do.

Rows are counted from 0 in the source, before any sorting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import Columns
from tsmaml.series.inference import infer
from tsmaml.series.words import counted, show

# The frequency is told from so many of the longest series, so many points of each.
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
        clock: for messages, said behind a time that isn't by the clock of the source.
    """

    ids: np.ndarray
    offsets: np.ndarray
    times: np.ndarray
    rows: np.ndarray | None
    source: str
    columns: Columns
    clock: str = ""

    def error(self, index: int, message: str, hint: str) -> DataError:
        """An error about one sorted row."""
        return DataError(
            message,
            source=self.source,
            series=self.ids[np.searchsorted(self.offsets, index, side="right") - 1],
            row=index if self.rows is None else int(self.rows[index]),
            hint=hint,
        )

    def show(self, time: Any) -> str:
        """A time for a message."""
        return show(time) + self.clock

    def followers(self, flags: np.ndarray) -> np.ndarray:
        """The rows ``i + 1`` with ``flags[i]`` that belong to the same series as ``i``."""
        inside = flags.copy()
        inside[self.offsets[1:-1] - 1] = False
        return np.flatnonzero(inside) + 1


def no_duplicates(layout: Layout) -> None:
    """Each series has at most one value a time."""
    twice = layout.followers(layout.times[1:] == layout.times[:-1])
    if twice.size:
        at = int(twice[0])
        raise layout.error(
            at,
            f"the time {layout.show(layout.times[at])} stands twice "
            f"({counted(twice.size, 'repeated row')} in all).",
            "Keep one row a time: df.drop_duplicates(['"
            f"{layout.columns.id}', '{layout.columns.time}']), or aggregate them.",
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


def fits_times(layout: Layout, frequency: Frequency) -> None:
    """The frequency is of the same kind as the times, and every series starts on it."""
    integers = layout.times.dtype.kind == "i"
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
            f"starts at {layout.show(layout.times[at])}, which frequency {frequency} never meets "
            f"({off.size} of {len(layout.ids)} series).",
            "All series need one frequency: give another with --freq, or fit these apart.",
        )


def no_gaps(layout: Layout, frequency: Frequency) -> None:
    """Every series has a value at each step from its first time to its last."""
    times = layout.times
    wrong = layout.followers(frequency.shift(times[:-1], 1) != times[1:])
    if not wrong.size:
        return
    at = int(wrong[0])
    before, found = times[at - 1], times[at]
    due = frequency.shift(times[at - 1 : at], 1)[0]
    at_fault = len(np.unique(np.searchsorted(layout.offsets, wrong, side="right")))
    inside = f"{at_fault} of {len(layout.ids)} series"
    if found < due:
        raise layout.error(
            at,
            f"after {layout.show(before)} comes {layout.show(found)}, less than one step of "
            f"frequency {frequency} ({inside}).",
            "All series need one frequency: give another with --freq, or fit these apart.",
        )
    raise layout.error(
        at,
        f"there is a gap: after {layout.show(before)} comes {layout.show(found)}, at frequency "
        f"{frequency} {layout.show(due)} was due ({inside}).",
        "Fill the gaps, for instance with utilsforecast.preprocessing.fill_gaps(df, freq=...), "
        "or give another frequency with --freq.",
    )


def finite(layout: Layout, values: np.ndarray) -> None:
    """Every value is a finite number."""
    bad = np.flatnonzero(~np.isfinite(values))
    if not bad.size:
        return
    at = int(bad[0])
    what = "missing or not a number" if np.isnan(values[at]) else "infinite"
    raise layout.error(
        at,
        f"the value in column {layout.columns.target!r} at {layout.show(layout.times[at])} is "
        f"{what} ({counted(bad.size, 'such value')} in all).",
        f"Fill such values (df[{layout.columns.target!r}].ffill() within each series, or 0 where "
        "none means none), or drop the series.",
    )
