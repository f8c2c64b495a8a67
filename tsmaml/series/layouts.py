"""Other layouts than the long one, brought to it: a row for each series, a column for each series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import Columns
from tsmaml.series.sources import LongTable, RawTable, find_column, no_rows
from tsmaml.series.words import listed

if TYPE_CHECKING:
    import pyarrow as pa

_FREQUENCY_COLUMN = "freq"


def holds_lists(column: pa.ChunkedArray) -> bool:
    """Whether each row holds a list."""
    import pyarrow as pa

    kind = column.type
    return (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def from_lists(table: LongTable, raw: RawTable, freq: str | int | None) -> LongTable:
    """One row for each series, its values in a list; its times in another, or its start alone.

    The first is how fev stores series (``id, timestamp, target``), the second how GluonTS does
    (``item_id, start, target``, and often ``freq``).

    Args:
        table: one row for each series.
        raw: where a column ``freq`` may be found.
        freq: the frequency, if given.

    Raises:
        DataError: if the lists of a row differ in length, or the frequency isn't known.
    """
    import pyarrow as pa

    label = table.columns.target
    targets, lengths = _flat(table.target, label, table)
    if pa.types.is_nested(targets.type):
        raise DataError(
            f"the target column {label!r} holds {table.target.type}: several values a time.",
            source=table.name,
            hint="Make a series of each of them.",
        )
    if not len(targets):
        raise no_rows(table.name)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    if holds_lists(table.time):
        times, n_times = _flat(table.time, table.columns.time, table)
        odd = np.flatnonzero(lengths != n_times)
        if odd.size:
            raise DataError(
                f"there are {lengths[odd[0]]} values and {n_times[odd[0]]} times.",
                **table.place(int(odd[0])),
                hint="Each value needs a time.",
            )
    else:
        times = _counted_from(table, raw, lengths, freq)
    ids = table.id.take(pa.array(rows)) if len(rows) else table.id[:0]
    extra = {}
    for name, column in table.extra.items():
        if not holds_lists(column):
            extra[name] = column.take(pa.array(rows))
            continue
        extra[name], n_values = _flat(column, name, table)
        odd = np.flatnonzero(lengths != n_values)
        if odd.size:
            raise DataError(
                f"there are {lengths[odd[0]]} values of {label!r} and {n_values[odd[0]]} of {name!r}.",
                **table.place(int(odd[0])),
                hint="Each time needs both.",
            )
    return replace(
        table,
        extra=extra,
        id=ids,
        time=times,
        target=targets,
        unused=tuple(name for name in table.unused if name != _FREQUENCY_COLUMN),
        place=lambda row: table.place(int(rows[row])),
    )


def _flat(
    column: pa.ChunkedArray, label: str, table: LongTable
) -> tuple[pa.ChunkedArray, np.ndarray]:
    """The elements of all lists, one after the other, and how many each holds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = column.is_null().to_numpy()
    if missing.any():
        raise DataError(
            f"the list in column {label!r} is missing.",
            **table.place(int(np.argmax(missing))),
            hint="Drop the row, or give it an empty list.",
        )
    lengths = pc.list_value_length(column).to_numpy().astype(np.int64)
    flat = pc.list_flatten(column)
    return flat if isinstance(flat, pa.ChunkedArray) else pa.chunked_array([flat]), lengths


def _counted_from(
    table: LongTable, raw: RawTable, lengths: np.ndarray, freq: str | int | None
) -> pa.ChunkedArray:
    """Times of series of which only the start is told."""
    import pyarrow as pa

    from tsmaml.series.columns import ids_of
    from tsmaml.series.times import times_of

    frequency = Frequency.parse(freq if freq is not None else _frequency_of(table, raw))
    starts = times_of(table, ids_of(table), frequency)
    if starts.zone is not None:
        raise DataError(
            f"the starts in column {table.columns.time!r} have a time zone, {starts.zone}.",
            source=table.name,
            hint="Drop the zone, or give the time of each value.",
        )
    moments, steps = starts.values, np.arange(lengths.sum())
    steps -= np.repeat(np.cumsum(lengths) - lengths, lengths)
    if frequency.is_integer == (moments.dtype.kind == "M"):
        raise DataError(
            f"the starts are {'dates' if frequency.is_integer else 'whole numbers'}, but the "
            f"frequency is {frequency}.",
            source=table.name,
            hint="Give --freq D, h, MS, ..." if frequency.is_integer else "Give --freq 1.",
        )
    # GluonTS dates a month by any of its days: the date that the grid gives it is counted from.
    first = frequency.shift(
        moments, np.where(_is_at_end(frequency) & (frequency.shift(moments, 0) < moments), 1, 0)
    )
    return pa.chunked_array([pa.array(frequency.shift(np.repeat(first, lengths), steps))])


def _is_at_end(frequency: Frequency) -> bool:
    """Whether months, quarters or years are dated by their last days."""
    return frequency.alias is not None and frequency.alias.partition("-")[0].endswith("E")


def _frequency_of(table: LongTable, raw: RawTable) -> Any:
    if _FREQUENCY_COLUMN not in raw.names:
        raise DataError(
            f"the column {table.columns.time!r} holds the start of each series alone.",
            source=table.name,
            hint="Give the step between values: --freq D (or h, W, MS, ...), in Python freq='D'.",
        )
    raw.prefetch([_FREQUENCY_COLUMN], None)
    found = raw.column(_FREQUENCY_COLUMN).unique().to_pylist()
    if len(found) != 1 or found[0] is None:
        raise DataError(
            f"the column {_FREQUENCY_COLUMN!r} holds {listed([repr(one) for one in found])}: "
            "a collection has one frequency.",
            source=table.name,
            hint="Fit series of different frequencies apart, or give --freq.",
        )
    return found[0]


def from_wide(raw: RawTable, given: Mapping[str, str | None]) -> LongTable:
    """A column of times, and one column for each series.

    Raises:
        DataError: if there is no time column, or no other.
    """
    import pyarrow as pa

    time = find_column(raw.names, raw.name, "time", given["time"])
    names = [name for name in raw.names if name != time]
    if not names:
        raise DataError(
            f"there is no column besides {time!r}.",
            source=raw.name,
            hint="A wide table has one column for each series.",
        )
    twice = (
        next((name for name in names if names.count(name) > 1), None)
        if (len(set(names)) < len(names))
        else None
    )
    if twice is not None:
        raise DataError(
            f"there are {names.count(twice)} columns {twice!r}.",
            source=raw.name,
            hint="Give each column a name of its own.",
        )
    raw.prefetch([time, *names], None)
    times = raw.column(time)
    if not len(times):
        raise no_rows(raw.name)
    parts = [_numbers(raw, name) for name in names]
    codes = np.repeat(np.arange(len(names), dtype=np.int32), len(times))
    ids = pa.DictionaryArray.from_arrays(codes, pa.array(names))
    return LongTable(
        pa.chunked_array([ids]),
        pa.chunked_array([chunk for _ in names for chunk in times.chunks], times.type),
        pa.chunked_array(parts),
        Columns(given["id"] or "unique_id", time, given["target"] or "y"),
        raw.name,
        (),
        lambda row: raw.place(row % len(times)),
    )


def _numbers(raw: RawTable, name: str) -> pa.Array:
    """One series as float64."""
    import pyarrow as pa

    column = raw.column(name)
    try:
        return pa.concat_arrays(column.cast(pa.float64(), safe=False).chunks)
    except pa.ArrowException:
        raise DataError(
            f"the column {name!r} holds {column.type}, not numbers.",
            source=raw.name,
            hint="Drop it: in a wide table each column but the time is a series.",
        ) from None
