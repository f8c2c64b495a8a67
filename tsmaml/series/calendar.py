"""Frequencies: the step between two points of a series, and what follows from it."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tsmaml.errors import UsageError

# Steps in a season, by the unit of a frequency.
_SEASONS = {"s": 60, "min": 60, "h": 24, "D": 7, "B": 5, "W": 52, "M": 12, "Q": 4, "Y": 1}
# The same where a step is several units: 15 minutes count in a day, not in an hour.
_SEASONS_OF_MANY = {**_SEASONS, "s": 86_400, "min": 1_440}
# Horizons of the M3 and M4 competitions (Makridakis et al. 2000, 2020).
_HORIZONS = {"h": 48, "D": 14, "B": 10, "W": 13, "M": 18, "Q": 8, "Y": 6}
_UNITS = {
    **{name: name for name in ("s", "min", "h", "D", "B", "W")},
    **dict.fromkeys(("ME", "MS", "BME", "BMS"), "M"),
    **dict.fromkeys(("QE", "QS", "BQE", "BQS"), "Q"),
    **dict.fromkeys(("YE", "YS", "BYE", "BYS"), "Y"),
}
_MONTHS_OF = {"MS": 1, "ME": 1, "QS": 3, "QE": 3, "YS": 12, "YE": 12}
# Aliases that pandas 3 dropped, which M-competition data and older tutorials use.
_RENAMED = {"H": "h", "T": "min", "S": "s", "M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "AS": "YS"}
# Quarters begun in January or October are one grid: it is named in one way only.
_QUARTER_ANCHORS = {"S": (3, 1, 2), "E": (12, 10, 11)}


@dataclass(frozen=True)
class Frequency:
    """One step of a series: a pandas offset alias (``"D"``, ``"MS"``, ``"15min"``) or an integer.

    Attributes:
        alias: a pandas alias, or None where times are integers.
        step: the integer step; 1 where there is an alias.
    """

    alias: str | None
    step: int = 1

    def __str__(self) -> str:
        return self.alias if self.alias is not None else f"integer step {self.step}"

    @classmethod
    def parse(cls, text: Any) -> Frequency:
        """From what a user gave: an alias, or a whole number for integer times.

        Raises:
            UsageError: if it is no step forward in time, or none that forecasts can take.
        """
        if str(text).lstrip("+").isdecimal():
            if int(text) < 1:
                raise UsageError(f"The frequency {text!r} is no step: it has to be 1 or more.")
            return cls(None, int(text))
        import pandas as pd

        try:
            with warnings.catch_warnings():
                # pandas 2 and 3 deprecate different spellings; each of them has one meaning.
                warnings.simplefilter("ignore")
                offset = pd.tseries.frequencies.to_offset(_present_name(text))
        except (ValueError, TypeError):
            offset = None
        if offset is None:
            raise UsageError(
                f"The frequency {text!r} is unknown.",
                hint="Give a pandas alias such as h, D, W-SUN, MS, QS, YS or 15min, or a whole "
                "number for integer times.",
            )
        if offset.n < 1:
            raise UsageError(f"The frequency {text!r} is no step forward in time.")
        if isinstance(offset, pd.offsets.BusinessHour):
            raise UsageError(
                f"The frequency {text!r} is not supported: business hours have no fixed step.",
                hint="Number the hours and give --freq 1, in Python freq=1.",
            )
        if _is_tick(offset) and offset.nanos % 1_000:
            raise UsageError(f"The frequency {text!r} is finer than a microsecond.")
        return cls(_canonical(offset))

    @property
    def is_integer(self) -> bool:
        """Whether times are integers rather than dates."""
        return self.alias is None

    @cached_property
    def _offset(self) -> Any:
        import pandas as pd

        return pd.tseries.frequencies.to_offset(self.alias)

    @cached_property
    def _unit_and_number(self) -> tuple[str | None, int]:
        """The unit of the alias and how many make a step; a step of 7 days is one of a week."""
        if self.alias is None:
            return None, self.step
        unit, n = _UNITS.get(self._offset.rule_code.partition("-")[0]), self._offset.n
        return ("W", n // 7) if unit == "D" and n % 7 == 0 else (unit, n)

    @property
    def unit(self) -> str | None:
        """``"h"``, ``"D"``, ``"M"``, ...; None for integers and for steps of no usual unit."""
        return self._unit_and_number[0]

    @property
    def season_length(self) -> int | None:
        """Points in the usual season: 24 for hourly, 12 for monthly; None where unknown."""
        unit, n = self._unit_and_number
        if unit is None:
            return None
        points = (_SEASONS if n == 1 else _SEASONS_OF_MANY)[unit]
        if n > points:
            return 1
        return points // n if points % n == 0 else None

    @property
    def horizon(self) -> int | None:
        """Horizon of the M competitions at this frequency; None where there is none."""
        unit, n = self._unit_and_number
        return _HORIZONS.get(unit) if unit is not None and n == 1 else None

    @property
    def counts_days(self) -> bool:
        """Whether steps are days or longer: in a time zone these follow the clock on the wall."""
        return self.alias is not None and (self.unit in ("D", "W") or not _is_tick(self._offset))

    @cached_property
    def span(self) -> Any:
        """The length of a step where all are equally long; None for business days and months."""
        if self.alias is None:
            return self.step
        unit, n = self._unit_and_number
        if unit in ("D", "W"):
            return np.timedelta64(n * (7 if unit == "W" else 1), "D").astype("timedelta64[us]")
        if _is_tick(self._offset):
            return np.timedelta64(self._offset.nanos // 1_000, "us")
        return None

    def shift(self, times: np.ndarray, steps: np.ndarray | int) -> np.ndarray:
        """Times moved on by whole steps.

        Args:
            times: int64 or datetime64[us], any shape.
            steps: whole numbers, 0 or more, of a shape that broadcasts with ``times``.

        Returns:
            The dtype of ``times``, the broadcast shape. Where steps differ in length (months,
            business days) a time between two steps first goes back to the earlier of them.
        """
        if self.span is not None:
            return times + self.span * np.asarray(steps)
        if not times.size or not np.size(steps):
            return np.empty(np.broadcast_shapes(times.shape, np.shape(steps)), "datetime64[us]")
        days = times.astype("datetime64[D]")
        place = _Places(self._offset.base, days)
        index = place.of(days) + self._offset.n * np.asarray(steps)
        return place.grid_to(int(index.max()))[index] + (times - days)

    def times_of_many(self, starts: np.ndarray, firsts: np.ndarray, n: int) -> np.ndarray:
        """Times of points ``firsts[i], ..., firsts[i] + n - 1`` of the series begun at ``starts[i]``.

        Args:
            starts: ``[series]`` int64 or datetime64[us].
            firsts: ``[series]`` int64.
            n: how many times of each.

        Returns:
            ``[series, n]``, of the dtype of ``starts``.
        """
        index = np.asarray(firsts, np.int64)[:, np.newaxis] + np.arange(n)
        return self.shift(starts[:, np.newaxis], index)

    def positions(self, starts: np.ndarray) -> np.ndarray:
        """Starts counted in steps from the earliest one: ``[series]`` int64.

        A start between two steps gets the position of the step before it: order in time is kept.
        """
        if not len(starts):
            return np.zeros(0, np.int64)
        if self.span is not None:
            return (starts - starts.min()) // self.span
        days = starts.astype("datetime64[D]")
        return _Places(self._offset.base, days).of(days) // self._offset.n

    def steps_between(self, starts: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whole steps from each start to each time, and whether they lead there exactly.

        Args:
            starts, times: int64 or datetime64[us], of one shape; no time before its start.

        Returns:
            int64 and bool, of that shape.
        """
        if self.span is not None:
            steps, rest = np.divmod(times - starts, self.span)
            return steps, rest == rest.dtype.type(0)
        if not len(times):
            return np.zeros(0, np.int64), np.zeros(0, bool)
        days = times.astype("datetime64[D]")
        first_days = starts.astype("datetime64[D]")
        place = _Places(self._offset.base, np.concatenate([days, first_days]))
        steps = (place.of(days) - place.of(first_days)) // self._offset.n
        return steps, self.shift(starts, steps) == times

    def on_grid(self, times: np.ndarray) -> np.ndarray:
        """Whether each time is one that the alias allows (a month start, a weekday): bool."""
        if self.span is not None or not len(times):
            return np.ones(len(times), bool)
        return self.shift(times, 0) == times


class _Places:
    """Days as numbers on the grid of an offset whose steps differ in length.

    Args:
        offset: a pandas offset of one step.
        days: datetime64[D], not empty: the grid begins at or just before the earliest.
    """

    def __init__(self, offset: Any, days: np.ndarray) -> None:
        import pandas as pd

        self._offset = offset
        self._first, last = days.min(), days.max()
        self._begin = offset.rollback(pd.Timestamp(self._first))
        grid = self._dates(end=last)
        # A table by day: one look-up a point, however long the grid is.
        every_day = np.arange(self._first, last + 1)
        self._table = np.searchsorted(grid.astype("datetime64[D]"), every_day, side="right") - 1

    def _dates(self, *, end: np.datetime64 | None = None, periods: int = 0) -> np.ndarray:
        """The grid, up to a day or else of so many steps: datetime64[us]."""
        import pandas as pd

        rule = self._offset.rule_code.partition("-")[0]
        if rule not in _MONTHS_OF:
            # Microseconds: in nanoseconds, pandas 2 ends in the year 2262.
            until: Any = {"periods": periods} if end is None else {"end": pd.Timestamp(end)}
            dates = pd.date_range(self._begin, freq=self._offset, unit="us", **until)
            return dates.to_numpy()
        # pandas takes 4 us for each date, which is most of the time of forecasting one series.
        month, step = self._begin.to_datetime64().astype("datetime64[M]"), _MONTHS_OF[rule]
        if end is not None:
            periods = int((end.astype("datetime64[M]") - month).astype(int)) // step + 1
        months = month + step * np.arange(periods)
        is_end = rule.endswith("E")
        days = (months + is_end).astype("datetime64[D]") - is_end
        if end is not None:
            days = days[days <= end]
        return days.astype("datetime64[us]")

    def of(self, days: np.ndarray) -> np.ndarray:
        """The step at or before each day: int64, of the shape of ``days``."""
        return self._table[(days - self._first).astype(np.int64)]

    def grid_to(self, last: int) -> np.ndarray:
        """Times of steps ``0 .. last``: datetime64[us]."""
        return self._dates(periods=last + 1)


def _is_tick(offset: Any) -> bool:
    import pandas as pd

    return isinstance(offset, pd.offsets.Tick)


def _present_name(text: Any) -> Any:
    """An alias that pandas 3 dropped under its present name; anything else as it is."""
    found = (
        re.fullmatch(r"(\d*)(H|T|S|M|Q|Y|A|AS)(-[A-Z]{3})?", text)
        if isinstance(text, str)
        else None
    )
    if found is None:
        return text
    return f"{found[1]}{_RENAMED[found[2]]}{found[3] or ''}"


def _canonical(offset: Any) -> str:
    """One name for equal grids: quarters begun in October are quarters begun in January."""
    rule = offset.rule_code.partition("-")[0]
    if _UNITS.get(rule) == "Q":
        anchors = _QUARTER_ANCHORS[rule[-1]]
        offset = type(offset)(offset.n, startingMonth=anchors[offset.startingMonth % 3])
    return str(offset.freqstr)
