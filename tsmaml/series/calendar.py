"""Frequencies: the step between two points of a series, and what follows from it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tsmaml.errors import UsageError

# Points in a season, by the unit of a pandas alias (of one step; "15min" is divided by 15).
_SEASONS = {"s": 60, "min": 60, "h": 24, "D": 7, "B": 5, "W": 52, "M": 12, "Q": 4, "Y": 1}
_PER_DAY = {"s": 86_400, "min": 1_440, "h": 24}
# Horizons of the M3 and M4 competitions (Makridakis et al. 2000, 2020).
_HORIZONS = {"h": 48, "D": 14, "B": 10, "W": 13, "M": 18, "Q": 8, "Y": 6}
_UNITS = {
    **dict.fromkeys(("M", "ME", "MS", "BM", "BME", "BMS"), "M"),
    **dict.fromkeys(("Q", "QE", "QS", "BQ", "BQE", "BQS"), "Q"),
    **dict.fromkeys(("Y", "YE", "YS", "A", "AS", "BYE", "BYS"), "Y"),
    **dict.fromkeys(("h", "H", "bh"), "h"),
    **dict.fromkeys(("min", "T"), "min"),
    **dict.fromkeys(("s", "S"), "s"),
    **{name: name for name in ("D", "B", "W")},
}


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
    def parse(cls, text: str | int) -> Frequency:
        """From what a user gave: an alias, or a whole number for integer times."""
        if str(text).lstrip("+").isdigit():
            if int(text) < 1:
                raise UsageError(f"The frequency {text!r} is no step: it has to be 1 or more.")
            return cls(None, int(text))
        import pandas as pd

        try:
            offset = pd.tseries.frequencies.to_offset(str(text))
        except ValueError:
            raise UsageError(
                f"The frequency {text!r} is unknown.",
                hint="Give a pandas alias such as h, D, W-SUN, MS, QS, YS or 15min, or a whole "
                "number for integer times.",
            ) from None
        if offset.n < 1:
            raise UsageError(f"The frequency {text!r} goes back in time.")
        return cls(offset.freqstr)

    @property
    def is_integer(self) -> bool:
        """Whether times are integers rather than dates."""
        return self.alias is None

    @cached_property
    def _offset(self) -> Any:
        import pandas as pd

        return pd.tseries.frequencies.to_offset(self.alias)

    @property
    def unit(self) -> str | None:
        """The unit of the alias, ``"h"``, ``"D"``, ``"M"``, ...; None for integers."""
        if self.alias is None:
            return None
        return _UNITS.get(self._offset.rule_code.split("-")[0])

    @property
    def season_length(self) -> int | None:
        """Points in the usual season: 24 for hourly, 12 for monthly; None where unknown."""
        if self.unit is None:
            return None
        n = self._offset.n
        if self.unit in _PER_DAY and n > 1:
            return max(1, _PER_DAY[self.unit] // n)
        return max(1, _SEASONS[self.unit] // n)

    @property
    def horizon(self) -> int | None:
        """Horizon of the M competitions at this frequency; None where there is none."""
        if self.unit is None or self._offset.n > 1:
            return None
        return _HORIZONS.get(self.unit)

    @cached_property
    def _span(self) -> np.timedelta64 | None:
        """The length of a step where all are equally long; None for B, M, Q and Y."""
        days = {"D": 1, "W": 7}
        if self.unit in days:
            return np.timedelta64(self._offset.n * days[self.unit], "D").astype("timedelta64[us]")
        if self.unit in ("B", "M", "Q", "Y"):
            return None
        return np.timedelta64(int(self._offset.nanos) // 1_000, "us")

    @property
    def has_equal_steps(self) -> bool:
        """Whether all steps are equally long: not so for business days, months and longer."""
        return self.alias is None or self._span is not None

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
        if self.alias is None:
            return starts[:, np.newaxis] + self.step * index
        if self._span is not None:
            return starts[:, np.newaxis] + self._span * index
        if not index.size:
            return np.empty(index.shape, "datetime64[us]")
        index = index + self.positions(starts)[:, np.newaxis]
        return self._grid(starts.min(), int(index.max()) + 1)[index]

    def positions(self, starts: np.ndarray) -> np.ndarray:
        """Starts counted in steps from the earliest one: ``[series]`` int64.

        A start between two steps gets the position of the step before it: order in time is kept.
        """
        if not len(starts):
            return np.zeros(0, np.int64)
        passed = starts - starts.min()
        if self.alias is None:
            return passed // self.step
        if self._span is not None:
            return passed // self._span
        shortest = np.timedelta64({"B": 1, "M": 28, "Q": 90, "Y": 365}[str(self.unit)], "D")
        grid = self._grid(starts.min(), 2 + int(passed.max() / (self._offset.n * shortest)))
        return np.searchsorted(grid, starts, side="right") - 1

    def _grid(self, start: np.datetime64, n: int) -> np.ndarray:
        """``n`` times from ``start``, where steps differ in length: ``[n]`` datetime64[us]."""
        import pandas as pd

        index = pd.date_range(pd.Timestamp(start), periods=n, freq=self._offset)
        return index.to_numpy().astype("datetime64[us]")

    def on_grid(self, starts: np.ndarray) -> np.ndarray:
        """Whether each start is a time that the alias allows (a month start, a weekday): bool."""
        if self.alias is None or self._span is not None or not len(starts):
            return np.ones(len(starts), bool)
        import pandas as pd

        unique, where = np.unique(starts, return_inverse=True)
        return np.array([self._offset.is_on_offset(pd.Timestamp(t)) for t in unique])[where]


def infer(times: Sequence[np.ndarray]) -> Frequency | None:
    """The frequency at which every given series is regular, or the smallest that any shows.

    Args:
        times: times of a few series, each sorted, int64 or datetime64[us], of 2 points or more.
    """
    candidates: dict[Frequency, int] = {}
    for series in times:
        found = _infer_one(series)
        if found is not None:
            candidates[found] = candidates.get(found, 0) + 1
    return max(candidates, key=lambda f: candidates[f]) if candidates else None


def _infer_one(times: np.ndarray) -> Frequency | None:
    if times.dtype.kind in "iu":
        steps = np.diff(times)
        return Frequency(None, int(np.bincount(steps - steps.min()).argmax() + steps.min()))
    import pandas as pd

    if len(times) >= 3:
        with warnings.catch_warnings():
            # pandas 3.1 announces that an offset will come instead of its name; either serves.
            warnings.simplefilter("ignore")
            alias = pd.infer_freq(pd.DatetimeIndex(times))
        if alias is not None:
            return Frequency(pd.tseries.frequencies.to_offset(alias).freqstr)
    # A series with gaps or of two points: the most frequent step, where it is a fixed span.
    steps, counts = np.unique(np.diff(times), return_counts=True)
    step = pd.Timedelta(steps[counts.argmax()])
    if step < pd.Timedelta(days=27):
        return Frequency(pd.tseries.frequencies.to_offset(step).freqstr)
    return _month_like(times)


def _month_like(times: np.ndarray) -> Frequency | None:
    """Month, quarter or year starts or ends, told from a few times with gaps."""
    import pandas as pd

    index = pd.DatetimeIndex(times)
    months = np.diff(index.year * 12 + index.month)
    n = int(np.bincount(months).argmax())
    anchor = "S" if (index.day == 1).all() else "E" if index.is_month_end.all() else None
    if anchor is None or n == 0:
        return None
    month = index[0].strftime("%b").upper()
    if n % 12 == 0:
        return Frequency.parse(f"{n // 12 if n > 12 else ''}Y{anchor}-{month}")
    if n == 3:
        return Frequency.parse(f"Q{anchor}-{month}")
    return Frequency.parse(f"{n if n > 1 else ''}M{anchor}")
