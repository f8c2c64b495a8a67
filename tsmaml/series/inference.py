"""The frequency of times, where nobody gave it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.series.calendar import Frequency

# A step this long may be a month; a shorter one is a number of days or less.
_MONTH_LIKE = np.timedelta64(27, "D")


def infer(times: Sequence[np.ndarray]) -> Frequency | None:
    """The frequency at which the most of the given series are regular.

    Each series proposes one; a week from Monday to Friday proposes days, though its collection
    has business days. So each proposal is tried on all, and of equals the one proposed most is taken.

    Args:
        times: times of a few series, each sorted, int64 or datetime64[us], of 2 points or more.

    Returns:
        None if no series shows any.
    """
    proposed = Counter(filter(None, map(_infer_one, times)))

    def regular(frequency: Frequency) -> int:
        return sum(bool(np.all(frequency.shift(one[:-1], 1) == one[1:])) for one in times)

    if len(proposed) < 2:
        return next(iter(proposed), None)
    return max(proposed, key=lambda f: (regular(f), proposed[f]))


def _infer_one(times: np.ndarray) -> Frequency | None:
    if times.dtype.kind == "i":
        return Frequency(None, int(_usual_step(times)))
    return _named(times) or _fixed_step(times) or _month_like(times)


def _usual_step(times: np.ndarray) -> Any:
    """The most frequent difference of neighbours, the smallest of equals."""
    steps, counts = np.unique(np.diff(times), return_counts=True)
    return steps[counts.argmax()]


def _named(times: np.ndarray) -> Frequency | None:
    """What pandas tells from three regular times or more."""
    import pandas as pd

    if len(times) < 3:
        return None
    with warnings.catch_warnings():
        # pandas 3.1 announces that an offset will come instead of its name; either serves.
        warnings.simplefilter("ignore")
        alias = pd.infer_freq(pd.DatetimeIndex(times))
    try:
        return None if alias is None else Frequency.parse(alias)
    except UsageError:  # business hours
        return None


def _fixed_step(times: np.ndarray) -> Frequency | None:
    """The most frequent step of a series with gaps or of two points, if shorter than a month."""
    import pandas as pd

    step = _usual_step(times)
    if step >= _MONTH_LIKE:
        return None
    days, rest = divmod(step, np.timedelta64(1, "D"))
    if rest:
        return Frequency.parse(pd.Timedelta(step))
    if days == 7:
        return Frequency.parse(f"W-{pd.Timestamp(times[0]).strftime('%a').upper()}")
    return Frequency.parse(f"{days}D")


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
        return Frequency.parse(f"{n // 12}Y{anchor}-{month}")
    if n == 3:
        return Frequency.parse(f"Q{anchor}-{month}")
    return Frequency.parse(f"{n}M{anchor}")
