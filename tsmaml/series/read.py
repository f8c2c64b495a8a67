"""Files and data frames -> SeriesCollection."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import DataError, NotFoundError
from tsmaml.series import check
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import Columns, SeriesCollection

if TYPE_CHECKING:
    import pyarrow as pa

# Names that are recognised without being told, in order of preference.
_RECOGNISED = {
    "id": ("unique_id", "item_id"),
    "time": ("ds", "timestamp"),
    "target": ("y", "target"),
}
_OPTIONS = {"id": "--id-col", "time": "--time-col", "target": "--target-col"}


def read_series(
    source: Any,
    *,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
    freq: str | int | None = None,
) -> SeriesCollection:
    """Read a collection of series in long format: one row for each series and time.

    Args:
        source: path of a Parquet or CSV (also ``.csv.gz``) file, a pandas (or other
            Arrow-capable) data frame, or a :class:`SeriesCollection`, which is returned as it is.
        id_col, time_col, target_col: column names; None recognises ``unique_id, ds, y`` and
            ``item_id, timestamp, target``.
        freq: a pandas alias, or a whole number for integer times; None infers it.

    Raises:
        NotFoundError: if there is no such file.
        DataError: naming file, series and row, if the series can't be used as they are.
        UsageError: if ``freq`` is not understood.
    """
    if isinstance(source, SeriesCollection):
        return source
    if isinstance(source, str | Path):
        table, name = _read_file(Path(source)), str(source)
    else:
        table, name = _from_frame(source), "data frame"
    columns = _columns(table, name, {"id": id_col, "time": time_col, "target": target_col})
    if table.num_rows == 0:
        raise DataError("there are no rows.", source=name, hint="Check what wrote it.")
    ids, codes = _ids(table, columns.id, name)
    times, zone, wall_clock = _times(table, columns.time, name, ids, codes)
    values = _values(table, columns.target, name, ids, codes)
    return _assemble(ids, codes, times, values, columns, name, freq, zone, wall_clock)


def _assemble(
    ids: np.ndarray,
    codes: np.ndarray,
    times: np.ndarray,
    values: np.ndarray,
    columns: Columns,
    name: str,
    freq: str | int | None,
    zone: str | None,
    wall_clock: bool,
) -> SeriesCollection:
    """Sort, check and pack what the columns hold, one element a row of the source."""
    notes = []
    rows = np.arange(len(codes))
    order = None
    same = codes[1:] == codes[:-1]
    if not np.all((codes[1:] > codes[:-1]) | (same & (times[1:] >= times[:-1]))):
        order = np.lexsort((times, codes))
        codes, times, values, rows = codes[order], times[order], values[order], order
        notes.append("The rows were not sorted by series and time; they have been sorted.")
    begins = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    offsets = np.concatenate([begins, [len(codes)]]).astype(np.int64)
    layout = check.Layout(ids, offsets, times, rows, name, columns)
    check.no_duplicates(layout)
    frequency = Frequency.parse(freq) if freq is not None else check.infer_frequency(layout)
    check.fits_times(layout, frequency)
    check.no_gaps(layout, frequency)
    check.finite(layout, values)
    points = int(np.count_nonzero(np.diff(offsets) == 1))
    if points:
        notes.append(
            f"{points} series have a single point: they can be forecast, not learned from."
        )
    return SeriesCollection(
        ids, values, offsets, times[offsets[:-1]], frequency, columns, zone, wall_clock, name,
        tuple(notes),
    )  # fmt: skip


def _read_file(path: Path) -> pa.Table:
    import pyarrow as pa

    if not path.exists():
        raise NotFoundError(f"There is no file {path}.")
    if path.is_dir():
        raise DataError("is a folder; wanted is a Parquet or CSV file.", source=str(path))
    is_csv = ".csv" in [suffix.lower() for suffix in path.suffixes]
    try:
        if is_csv:
            return _read_csv(path)
        import pyarrow.parquet as parquet

        return parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        if isinstance(error, PermissionError):
            raise DataError("may not be read: no permission.", source=str(path)) from None
        reason = str(error).splitlines()[0].rstrip(".")
        kind = "CSV" if is_csv else "Parquet"
        raise DataError(
            f"can't be read as {kind}: {reason}.",
            source=str(path),
            hint="Parquet and CSV (also .csv.gz) are read, told apart by the name's ending.",
        ) from None


def _read_csv(path: Path) -> pa.Table:
    import pyarrow.csv as csv

    if path.stat().st_size == 0:
        raise DataError("the file is empty.", source=str(path))
    return csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))


def _from_frame(frame: Any) -> pa.Table:
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        return frame
    if hasattr(frame, "to_arrow"):
        return frame.to_arrow()
    if type(frame).__module__.partition(".")[0] == "pandas":
        # The index of the long format carries nothing; ids kept as index are put back.
        if any(name is not None for name in frame.index.names):
            frame = frame.reset_index()
        try:
            return pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowException, TypeError) as error:
            raise DataError(
                f"a column can't be read: {str(error).splitlines()[0]}.", source="data frame"
            ) from None
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    raise DataError(
        f"series come as a path or a data frame, not as {type(frame).__name__}.",
        hint="Pass a long frame with the columns unique_id, ds, y.",
    )


def _columns(table: pa.Table, name: str, given: dict[str, str | None]) -> Columns:
    """Find the three columns; those that are there are named where one is missing."""
    there = table.column_names
    found = {}
    for role, wanted in given.items():
        names: Iterable[str] = _RECOGNISED[role] if wanted is None else (wanted,)
        match = next((name for name in names if name in there), None)
        if match is None:
            raise DataError(
                f"there is no {role} column {' or '.join(map(repr, names))}; "
                f"the columns are {', '.join(map(repr, there[:20])) or 'none'}"
                f"{' and more' if len(there) > 20 else ''}.",
                source=name,
                hint=f"Say which it is: {_OPTIONS[role]} NAME, in Python {role}_col='NAME'.",
            )
        if there.count(match) > 1:
            raise DataError(f"there are {there.count(match)} columns {match!r}.", source=name)
        found[role] = match
    return Columns(found["id"], found["time"], found["target"])


def _ids(table: pa.Table, column: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids as text in order of their text, and the number of each row's id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = table.column(column)
    _no_nulls(ids, "id", column, name)
    if pa.types.is_nested(ids.type):
        raise DataError(f"the id column {column!r} holds {ids.type}; wanted is text.", source=name)
    encoded = ids.combine_chunks() if pa.types.is_dictionary(ids.type) else ids.dictionary_encode()
    encoded = encoded.unify_dictionaries() if isinstance(encoded, pa.ChunkedArray) else encoded
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    names = pc.cast(encoded.dictionary, pa.string()).to_numpy(zero_copy_only=False).astype(object)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    # A dictionary may hold names that no row uses, and one name twice.
    ids, codes = _renumber(names, codes)
    return ids, codes


def _renumber(names: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the used names in order of first appearance."""
    used, first = np.unique(codes, return_index=True)
    used = used[np.argsort(first)]
    unique: dict[str, int] = {}
    numbers = np.zeros(len(names), np.int64)
    for code in used:  # one turn a series, not a row
        numbers[code] = unique.setdefault(names[code], len(unique))
    return np.array(list(unique), dtype=object), numbers[codes]


def _no_nulls(column: pa.ChunkedArray, role: str, name: str, source: str) -> None:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise DataError(
            f"the {role} in column {name!r} is missing ({column.null_count} rows).",
            source=source,
            row=row,
            hint="Drop these rows or fill them in.",
        )


def _times(
    table: pa.Table, column: str, source: str, ids: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, str | None, bool]:
    """Times as int64 or datetime64[us], their zone, and whether they are wall-clock times."""
    import pyarrow as pa
    import pyarrow.compute as pc

    times = table.column(column)
    _no_nulls(times, "time", column, source)
    kind = times.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        times, kind = _parse_times(times, column, source, ids, codes)
    if pa.types.is_integer(kind):
        return times.cast(pa.int64()).to_numpy(), None, False
    if pa.types.is_floating(kind) and pc.all(pc.equal(times, pc.floor(times))).as_py():
        return times.cast(pa.int64()).to_numpy(), None, False
    if pa.types.is_date(kind):
        return times.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]"), None, False
    if not pa.types.is_timestamp(kind):
        raise DataError(
            f"the time column {column!r} holds {kind}; wanted are dates, timestamps or whole numbers.",
            source=source,
        )
    if kind.tz is None:
        return times.cast(pa.timestamp("us"), safe=False).to_numpy(), None, False
    local = pc.local_timestamp(times).cast(pa.timestamp("us"), safe=False).to_numpy()
    time_of_day = local - local.astype("datetime64[D]")
    if (time_of_day == time_of_day[0]).all():
        return local, kind.tz, True
    utc = times.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.timestamp("us"), safe=False)
    return utc.to_numpy(), kind.tz, False


def _parse_times(
    times: pa.ChunkedArray, column: str, source: str, ids: np.ndarray, codes: np.ndarray
) -> tuple[pa.ChunkedArray, pa.DataType]:
    """Text to timestamps; a text that is no time, or several time zones, is an error."""
    import pandas as pd
    import pyarrow as pa

    text = times.to_pandas()
    zoned = text.str.contains(r"(?:[+-]\d\d:?\d\d|Z)$", regex=True)
    if zoned.any() and not zoned.all():
        row = int(np.flatnonzero(zoned != zoned.iloc[0])[0])
        raise DataError(
            f"the times in column {column!r} mix time zones: {text.iloc[0]!r} and "
            f"{text.iloc[row]!r}.",
            source=source,
            series=ids[codes[row]],
            row=row,
            hint="Convert all to one zone, or drop the zone from all.",
        )
    parsed = pd.to_datetime(text, errors="coerce", utc=bool(zoned.all()), format="ISO8601")
    if parsed.isna().all():
        parsed = pd.to_datetime(text, errors="coerce", utc=bool(zoned.all()))
    bad = np.flatnonzero(parsed.isna())
    if bad.size:
        row = int(bad[0])
        raise DataError(
            f"the time {text.iloc[row]!r} in column {column!r} is not understood "
            f"({bad.size} rows).",
            source=source,
            series=ids[codes[row]],
            row=row,
            hint="Write times as 2024-01-31 or 2024-01-31T12:00:00.",
        )
    array = pa.chunked_array([pa.Array.from_pandas(parsed)])
    return array, array.type


def _values(
    table: pa.Table, column: str, source: str, ids: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    """The target as float64, nulls as NaN."""
    import pyarrow as pa

    target = table.column(column)
    kind = target.type
    numeric = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )
    if not numeric:
        row = 0
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            import pandas as pd

            bad = pd.to_numeric(target.to_pandas(), errors="coerce").isna() & ~(
                target.is_null().to_numpy()
            )
            row = int(np.flatnonzero(bad)[0]) if bad.any() else 0
        raise DataError(
            f"the target column {column!r} holds {kind}, not numbers: {target[row].as_py()!r}.",
            source=source,
            series=ids[codes[row]],
            row=row,
            hint="Name the numeric column with --target-col, or convert this one.",
        )
    if pa.types.is_decimal(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        if pa.types.is_boolean(kind):
            target = target.cast(pa.uint8())
        return target.cast(pa.float64()).to_numpy().astype(np.float64)
    return target.to_numpy().astype(np.float64)
