"""How messages and notes write times, numbers and lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_SHOWN = 20


def show(time: Any) -> str:
    """A time with no more digits than it needs."""
    text = str(time)
    if isinstance(time, np.datetime64):
        date, _, clock = text.partition("T")
        clock = clock.removesuffix(".000000")
        return date if clock == "00:00:00" else f"{date} {clock}"
    return text


def counted(number: int, noun: str) -> str:
    """``1 row``, ``2 rows``; ``series`` is its own plural."""
    return f"{number} {noun}{'' if number == 1 or noun.endswith('s') else 's'}"


def listed(names: Sequence[str], show: Callable[[str], str] = str) -> str:
    """The first names, and that there are more."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(show, names[:_SHOWN])) + more


def first_sentence(error: Exception) -> str:
    """The first sentence of an error of another library, without its full stop."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].partition(". ")[0].rstrip(".")
