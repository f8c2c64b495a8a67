"""Times of any fitting type -> whole numbers or dates, by the right clock."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series.calendar import Frequency
from tsmaml.series.columns import Ids, convertible, encoded, is_text, no_nulls
from tsmaml.series.sources import LongTable, mixed_zones
from tsmaml.series.words import counted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# A zone at the end of a time of day: Z, +01, +0100, +01:00.
_ZONE = r"(?:\dT|:).*(?:Z|[+-]\d\d(?::?\d\d)?)$"


@dataclass(frozen=True)
class Times:
    """The time of each row.

    Attributes:
        values: ``[rows]`` int64 or datetime64[us].
        zone: the zone that they came in, or None.
        wall_clock: with a zone: whether ``values`` are local times; else they are UTC.
    """

    values: np.ndarray
    zone: str | None = None
    wall_clock: bool = False


def times_of(table: LongTable, ids: Ids, frequency: Frequency | None) -> Times:
    """Times as whole numbers or dates.

    Args:
        table: the source.
        ids: of its rows.
        frequency: as given, or None: decides whether times in a zone step by the clock on the wall.

    Raises:
        DataError: if one is missing or can't be understood, or several zones are mixed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column, label = table.time, table.columns.time
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    no_nulls(column, f"the time in column {label!r}", ids.where)
    if is_text(column.type):
        column = _parsed(column, label, ids)
    kind = column.type
    with convertible("time", label, table.name):
        whole = pa.types.is_floating(kind) and pc.all(pc.equal(column, pc.floor(column))).as_py()
        if whole or pa.types.is_integer(kind):
            return Times(column.cast(pa.int64()).to_numpy())
        if pa.types.is_date(kind):
            column = column.cast(pa.timestamp("us"))
        if pa.types.is_timestamp(column.type):
            moments = column.cast(pa.timestamp("us", column.type.tz)).to_numpy()
            if column.type.tz is None:
                return Times(moments)
            return _in_zone(moments, column.type.tz, ids, frequency)
    raise DataError(
        f"the time column {label!r} holds {kind}; wanted are dates, timestamps or whole numbers.",
        source=table.name,
        hint=f"Convert it, for instance by df[{label!r}] = pd.to_datetime(df[{label!r}]).",
    )


def _in_zone(moments: np.ndarray, zone: str, ids: Ids, frequency: Frequency | None) -> Times:
    """Days and longer steps go by local times, shorter ones by UTC."""
    utc = Times(moments, zone)
    if frequency is not None and not frequency.counts_days:
        return utc
    import pandas as pd

    try:
        local = pd.DatetimeIndex(moments, tz="UTC").tz_convert(zone).tz_localize(None).to_numpy()
    except (KeyError, ValueError):
        raise DataError(
            f"there is no time zone {zone!r}.",
            source=ids.source,
            hint="Name zones as in Europe/Berlin or +01:00, or drop the zone.",
        ) from None
    days = local.astype("datetime64[D]")
    time_of_day = (local - days).astype(np.int64)
    earliest = np.full(len(ids.names), np.iinfo(np.int64).max)
    np.minimum.at(earliest, ids.codes, time_of_day)
    usual = earliest[ids.codes]
    wall = days + usual.astype("timedelta64[us]")
    other = np.flatnonzero(time_of_day != usual)

    def skipped_by_the_clock(rows: np.ndarray) -> bool:
        # A midnight that a clock change leaves out is written as the next moment there is.
        shown = pd.DatetimeIndex(wall[rows]).tz_localize(
            zone, nonexistent="shift_forward", ambiguous=np.ones(len(rows), bool)
        )
        return bool(np.all(shown.tz_convert("UTC").tz_localize(None).to_numpy() == moments[rows]))

    # A few rows tell hourly times from daily ones; only for the latter all others are looked at.
    if skipped_by_the_clock(other[:100]) and skipped_by_the_clock(other):
        return Times(wall, zone, wall_clock=True)
    return utc


def _parsed(column: pa.ChunkedArray, label: str, ids: Ids) -> pa.ChunkedArray:
    """Text to timestamps; each different text is looked at once."""
    import pandas as pd
    import pyarrow as pa

    dictionary = encoded(column)
    codes = dictionary.indices.to_numpy()
    text = pd.Series(dictionary.dictionary.to_numpy(zero_copy_only=False), dtype=object)

    def row_of(flags: np.ndarray) -> int:
        return int(np.argmax(flags[codes]))

    zoned = text.str.contains(_ZONE, regex=True).to_numpy()
    if zoned.any() and not zoned.all():
        row = row_of(zoned != zoned[codes[0]])
        raise mixed_zones(label, text[codes[0]], text[codes[row]], **ids.where(row))
    parsed, message = _parse_dates(text, utc=bool(zoned.all()))
    bad = parsed.isna().to_numpy()
    if bad.any():
        row = row_of(bad)
        raise DataError(
            f"the time {text[codes[row]]!r} in column {label!r} {message} "
            f"({counted(int(bad[codes].sum()), 'row')}).",
            **ids.where(row),
            hint="Write times as 2024-01-31 or 2024-01-31T12:00:00, in Python "
            f"pd.to_datetime(df[{label!r}], format='...').",
        )
    array = pa.Array.from_pandas(parsed)
    return pa.chunked_array([array.take(dictionary.indices)])


def _parse_dates(text: pd.Series, utc: bool) -> tuple[pd.Series, str]:
    """Dates of different texts, NaT where one has none, and what is wrong with these.

    ISO 8601, or another way of writing that all share. 01/02/2024 is read only if the others tell
    whether the day or the month stands first.
    """
    import pandas as pd

    def parse(**how: Any) -> pd.Series:
        with warnings.catch_warnings():
            # That the format is guessed from the first, and how: both guesses are compared.
            warnings.simplefilter("ignore")
            return pd.to_datetime(text, errors="coerce", utc=utc, **how)

    iso = parse(format="ISO8601")
    if iso.notna().any():
        return iso, "is not understood"
    month_first, day_first = parse(dayfirst=False), parse(dayfirst=True)
    if month_first.isna().any() or day_first.isna().any():
        best = min((month_first, day_first), key=lambda dates: int(dates.isna().sum()))
        return best, "is not understood"
    ambiguous = month_first != day_first
    return month_first.mask(ambiguous), "may be day/month or month/day"
