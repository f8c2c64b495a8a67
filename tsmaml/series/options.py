"""How a source is to be read: every option, its values, and what they mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypedDict

from tsmaml.errors import UsageError

GAPS = {
    "mask": "left out of inputs, losses and scores",
    "fill": "the last value before, carried on",
    "zero": "0, where no row means none",
    "error": "refused",
}
DUPLICATES = ("error", "mean", "sum", "min", "max", "first", "last")


class ReadOptions(TypedDict, total=False):
    """Options of :func:`tsmaml.series.read_series`; see there."""

    id_col: str | None
    time_col: str | None
    target_col: str | None
    freq: str | int | None
    wide: bool
    gaps: str
    duplicates: str
    storage: str | os.PathLike[str] | None
    hist_cols: Sequence[str]
    futr_cols: Sequence[str]
    static_cols: Sequence[str]
    static_df: Any
    futr_df: Any


def check_choice(name: str, given: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is none of those known.

    Raises:
        UsageError: naming them.
    """
    if given not in known:
        raise UsageError(f"{name} is {given!r}; wanted is one of {', '.join(known)}.")
