"""SeriesCollection: many series in one flat array."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import NotFoundError, UsageError
from tsmaml.series.calendar import Frequency

if TYPE_CHECKING:
    import pandas as pd

    from tsmaml.series.exogenous import Exogenous


@dataclass(frozen=True)
class Columns:
    """Names of the columns that hold ids, times and values."""

    id: str = "unique_id"
    time: str = "ds"
    target: str = "y"


def release(values: np.ndarray) -> None:
    """Let the system take back the memory of pages of a mapped array; they stay in the file."""
    mapped = getattr(values, "_mmap", None)
    if mapped is not None:
        mapped.madvise(mmap.MADV_DONTNEED)


def blocks_of(
    values: np.ndarray, offsets: np.ndarray, points: int = 1 << 22
) -> Iterator[tuple[slice, np.ndarray]]:
    """Whole series of about so many points at a time: their numbers and their values."""
    begin = 0
    while begin < len(offsets) - 1:
        end = int(np.searchsorted(offsets, offsets[begin] + points, side="right")) - 1
        end = max(end, begin + 1)
        yield slice(begin, end), values[offsets[begin] : offsets[end]]
        begin = end


@dataclass(frozen=True, eq=False)
class SeriesCollection:
    """Many series of one frequency, immutable.

    Attributes:
        ids: ``[series]`` str objects.
        values: ``[points]`` float64, series after series, each in order of time; NaN where a step is
            masked.
        offsets: ``[series + 1]`` int64: series ``i`` is ``values[offsets[i] : offsets[i + 1]]``.
        starts: ``[series]`` datetime64[us] or int64, the time of each first value.
        frequency: the step between two points.
        columns: names to give back in results.
        time_zone: the zone that times came in, or None.
        wall_clock: with a zone: whether ``starts`` are local times (daily and longer steps, whose
            length in hours changes with the clock) or UTC (shorter steps).
        source: file name or ``"data frame"``, for messages.
        notes: what was done for the user while reading, in words.
        counts: ``[series]``, values of each series, where they are known; else they are counted.
        exogenous: columns beside the target; None where there are none.
    """

    ids: np.ndarray
    values: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    frequency: Frequency
    columns: Columns = Columns()
    time_zone: str | None = None
    wall_clock: bool = False
    source: str = "data frame"
    notes: tuple[str, ...] = ()
    counts: np.ndarray | None = None
    exogenous: Exogenous | None = None

    def __post_init__(self) -> None:
        for array in (self.ids, self.values, self.offsets, self.starts):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return (
            f"SeriesCollection({len(self)} series, {len(self.values)} points, "
            f"{self.frequency}, from {self.source})"
        )

    @classmethod
    def from_frame(cls, df: Any, **options: Any) -> SeriesCollection:
        """Read a long data frame; options as in :func:`tsmaml.series.read_series`."""
        from tsmaml.series.read import read_series

        return read_series(df, **options)

    def parts(self) -> Iterator[SeriesCollection]:
        """The series a few million points at a time, in memory one part after the other."""
        for series, _ in blocks_of(self.values, self.offsets):
            whole = series == slice(0, len(self))
            yield self if whole else self.select(np.arange(series.start, series.stop))
            release(self.values)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Points of each series: ``[series]`` int64."""
        return np.diff(self.offsets)

    @cached_property
    def is_observed(self) -> np.ndarray:
        """Whether each point has a value: ``[points]`` bool."""
        return ~np.isnan(self.values)

    @cached_property
    def has_gaps(self) -> bool:
        """Whether any step is masked."""
        if self.counts is not None:
            return bool(self.counts.sum() < len(self.values))
        return not self.is_observed.all()

    @cached_property
    def n_observed(self) -> np.ndarray:
        """Points of each series that have a value: ``[series]`` int64."""
        if self.counts is not None:
            return self.counts
        if not len(self) or not self.has_gaps:
            return self.lengths
        return np.add.reduceat(self.is_observed, self.offsets[:-1], dtype=np.int64)

    def observed_between(self, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """How many values stand at positions ``begins[i] <= p < ends[i]`` of each series.

        Args:
            begins, ends: ``[series]``; what lies outside of a series holds none.

        Returns:
            ``[series]`` int64.
        """
        begins, ends = (np.clip(x, 0, self.lengths) for x in (begins, ends))
        if not self.has_gaps:
            return np.maximum(ends - begins, 0)
        before = np.concatenate([[0], np.cumsum(self.is_observed)])
        first = self.offsets[:-1]
        return np.maximum(before[first + ends] - before[first + begins], 0)

    @cached_property
    def _last_observed(self) -> np.ndarray:
        """Where the last value of each series stands: ``[series]``; its begin if there is none."""
        if not len(self) or not self.has_gaps:
            return self.offsets[1:] - 1
        at = np.where(self.is_observed, np.arange(len(self.values)), -1)
        return np.maximum(np.maximum.reduceat(at, self.offsets[:-1]), self.offsets[:-1])

    @property
    def last_values(self) -> np.ndarray:
        """The last value of each series that has one, else 0: ``[series]``."""
        return np.nan_to_num(self.values[self._last_observed])

    @property
    def longest_silence(self) -> int:
        """The most steps that any series ends with and that are masked."""
        return int((self.offsets[1:] - 1 - self._last_observed).max(initial=0))

    @cached_property
    def positions(self) -> np.ndarray:
        """Starts counted in steps from the earliest start: ``[series]`` int64."""
        return self.frequency.positions(self.starts)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.ids)}

    def index_of(self, name: str) -> int:
        """Where a series stands.

        Raises:
            NotFoundError: if there is none of that id.
        """
        if name not in self._index:
            raise NotFoundError(f"{self.source} has no series {name!r}.")
        return self._index[name]

    def series(self, name: str) -> np.ndarray:
        """Values of one series, by id."""
        index = self.index_of(name)
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def select(self, indices: Sequence[int] | np.ndarray) -> SeriesCollection:
        """Some of the series, in the order given, by number (from the end if negative) or mask."""
        chosen = np.asarray(indices)
        kept = np.arange(len(self))[chosen if chosen.size else chosen.astype(np.int64)]
        return self._with_ranges(kept, self.offsets[kept], self.offsets[kept + 1])

    def head_of_each(self, drop: int) -> SeriesCollection:
        """Every series without its last ``drop`` points; those with no more are left out."""
        if drop < 0:
            raise UsageError(f"drop is {drop}; wanted is 0 or more.")
        kept = np.flatnonzero(self.lengths > drop)
        return self._with_ranges(kept, self.offsets[kept], self.offsets[kept + 1] - drop)

    def tail_of_each(self, points: int) -> SeriesCollection:
        """The last ``points`` points of every series (all of a shorter one)."""
        if points < 1:
            raise UsageError(f"points is {points}; wanted is 1 or more.")
        begins = np.maximum(self.offsets[:-1], self.offsets[1:] - points)
        return self._with_ranges(np.arange(len(self)), begins, self.offsets[1:])

    def continued(self, points: np.ndarray) -> SeriesCollection:
        """Every series with points after its end; historic columns, unknown there, are left out.

        Args:
            points: ``[series, steps]``.
        """
        steps = points.shape[1]
        offsets = self.offsets + steps * np.arange(len(self) + 1)
        where = offsets[1:, np.newaxis] + np.arange(-steps, 0)
        is_old = np.ones(offsets[-1], bool)
        is_old[where] = False
        values = np.empty(offsets[-1])
        values[is_old], values[where] = self.values, points
        exogenous = None if self.exogenous is None else replace(self.exogenous, hist={})
        return replace(self, values=values, offsets=offsets, counts=None, exogenous=exogenous)

    def _with_ranges(
        self, indices: np.ndarray, begins: np.ndarray, ends: np.ndarray
    ) -> SeriesCollection:
        """The points ``begins[i] : ends[i]`` of the flat array as series ``indices[i]``."""
        lengths = ends - begins
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        where = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], lengths)
        starts = self.frequency.shift(self.starts[indices], begins - self.offsets[indices])
        return replace(
            self,
            ids=self.ids[indices],
            values=np.asarray(self.values[where]),
            offsets=offsets,
            starts=starts,
            counts=None,
            exogenous=None
            if self.exogenous is None
            else self.exogenous.ranges(indices, begins - self.offsets[indices], where),
        )

    def times(self) -> np.ndarray:
        """Time of every point: ``[points]``."""
        steps = np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.lengths)
        return self.frequency.shift(np.repeat(self.starts, self.lengths), steps)

    def future_times(self, h: int) -> np.ndarray:
        """The ``h`` times after the end of each series: ``[series, h]``."""
        return self.frequency.times_of_many(self.starts, self.lengths, h)

    def in_zone(self, times: np.ndarray) -> Any:
        """Times as a result shows them: in the zone that they came in."""
        if self.time_zone is None:
            return times
        import pandas as pd

        if self.wall_clock:
            return pd.DatetimeIndex(times).tz_localize(
                self.time_zone, nonexistent="shift_forward", ambiguous=np.ones(len(times), bool)
            )
        return pd.DatetimeIndex(times, tz="UTC").tz_convert(self.time_zone)

    def to_frame(self) -> pd.DataFrame:
        """The long format, under the names of :attr:`columns`."""
        import pandas as pd

        return pd.DataFrame(
            {
                self.columns.id: np.repeat(self.ids, self.lengths),
                self.columns.time: self.in_zone(self.times()),
                self.columns.target: self.values,
            }
        )

    def fingerprints(self) -> list[str]:
        """A short hash of each id, equal in every process: tells known series from new ones."""
        return [hashlib.blake2b(name.encode(), digest_size=8).hexdigest() for name in self.ids]
