"""Files and data frames -> the three Arrow columns that a collection is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import DataError, NotFoundError, UsageError
from tsmaml.series.collection import Columns
from tsmaml.series.words import first_sentence, listed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Names that are recognised without being told, in order of preference.
_RECOGNISED = {
    "id": ("unique_id", "item_id"),
    "time": ("ds", "timestamp"),
    "target": ("y", "target"),
}
_COMPRESSED = (".gz", ".bz2", ".zst", ".lz4")
_FRAME = "data frame"


@dataclass(frozen=True)
class LongTable:
    """The rows of a source, no more than the three columns that are used.

    Attributes:
        id, time, target: Arrow columns, one row for each series and time.
        columns: their names.
        name: of the source, for messages.
        unused: names of the other columns.
    """

    id: pa.ChunkedArray
    time: pa.ChunkedArray
    target: pa.ChunkedArray
    columns: Columns
    name: str
    unused: tuple[str, ...]


def read_file(path: Path, given: Mapping[str, str | None]) -> LongTable:
    """Read a Parquet file, or CSV, also compressed, told by the ending of its name.

    Args:
        path: the file.
        given: names of the columns ``"id"``, ``"time"`` and ``"target"``; None recognises.

    Raises:
        NotFoundError: if there is no such file.
        DataError: if it can't be read, has no rows or lacks a column.
    """
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] in _COMPRESSED:
        endings.pop()
    is_csv = endings[-1:] == [".csv"]
    with _reading(path, "CSV" if is_csv else "Parquet"):
        if path.is_dir():
            raise DataError("is a folder; wanted is a Parquet or CSV file.", source=str(path))
        if path.stat().st_size == 0:
            raise DataError("the file is empty.", source=str(path), hint="Check what wrote it.")
        return (_read_csv if is_csv else _read_parquet)(path, given)


@contextmanager
def _reading(path: Path, kind: str) -> Iterator[None]:
    """Say in one sentence why a file can't be read."""
    import pyarrow as pa

    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no file {path}.") from None
    except PermissionError:
        raise DataError("may not be read: no permission.", source=str(path)) from None
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(
            f"can't be read as {kind}: {first_sentence(error)}.",
            source=str(path),
            hint="Parquet and CSV (also .csv.gz) are read, told apart by the name's ending.",
        ) from None


def _read_parquet(path: Path, given: Mapping[str, str | None]) -> LongTable:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
    columns = find_columns(schema.names, str(path), given)
    kind = schema.field(columns.id).type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    # Text is stored as a dictionary: kept as one, a row costs four bytes.
    as_dictionary = [columns.id] if is_text else None
    with parquet.ParquetFile(path, metadata=metadata, read_dictionary=as_dictionary) as file:
        table = file.read(columns=[columns.id, columns.time, columns.target])
    return _long_table(table.column, schema.names, columns, str(path))


def _read_csv(path: Path, given: Mapping[str, str | None]) -> LongTable:
    import pyarrow as pa
    import pyarrow.csv as csv

    with csv.open_csv(path) as reader:
        names = reader.schema.names
    columns = find_columns(names, str(path), given)
    table = csv.read_csv(
        path,
        convert_options=csv.ConvertOptions(
            include_columns=[columns.id, columns.time, columns.target],
            # An id is text, whatever it looks like: 007 is not 7, and NA is Namibia.
            column_types={columns.id: pa.dictionary(pa.int32(), pa.string())},
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return _long_table(table.column, names, columns, str(path))


def read_frame(frame: Any, given: Mapping[str, str | None]) -> LongTable:
    """Take a pandas frame, or any table that speaks Arrow's C stream (polars, pyarrow, DuckDB).

    Raises:
        DataError: if it is no table, has no rows, lacks a column or one can't be converted.
    """
    if type(frame).__module__.partition(".")[0] == "pandas" and hasattr(frame, "columns"):
        return _read_pandas(frame, given)
    if hasattr(frame, "__arrow_c_stream__"):
        import pyarrow as pa

        try:
            table = pa.table(frame)
        except pa.ArrowException as error:  # a single column speaks Arrow too, but is no table
            raise DataError(f"is no table: {first_sentence(error)}.", source=_FRAME) from None
        columns = find_columns(table.column_names, _FRAME, given)
        return _long_table(table.column, table.column_names, columns, _FRAME)
    raise DataError(
        f"series come as a path or a data frame, not as {type(frame).__name__}.",
        hint="Pass a long frame with the columns unique_id, ds, y.",
    )


def _read_pandas(frame: Any, given: Mapping[str, str | None]) -> LongTable:
    """Only the columns that are used are converted; named levels of the index are columns."""
    names = [str(label) for label in frame.columns]
    levels = [level for level in frame.index.names if level is not None and level not in names]
    columns = find_columns([*levels, *names], _FRAME, given)

    def values(label: str) -> pd.Series:
        if label in levels:
            return frame.index.get_level_values(label).to_series()
        return frame.iloc[:, names.index(label)]

    def column(label: str) -> pa.ChunkedArray:
        def where(row: int) -> dict[str, Any]:
            one = {} if label == columns.id else {"series": str(values(columns.id).iloc[row])}
            return {"source": _FRAME, "row": row, **one}

        if label == columns.time:
            _one_zone(values(label), label, where)
        return _from_pandas(values(label), label, where)

    return _long_table(column, names, columns, _FRAME)


def _one_zone(times: pd.Series, column: str, where: Callable[[int], dict[str, Any]]) -> None:
    """Objects may be of several time zones, of which Arrow would take the first for all."""
    import pandas as pd

    if times.dtype != object or pd.api.types.infer_dtype(times) != "datetime":
        return
    present = np.flatnonzero(times.notna())
    zones = times.iloc[present].map(lambda time: str(time.tzinfo)).to_numpy()
    other = present[zones != zones[0]]
    if other.size:
        row = int(other[0])
        raise mixed_zones(column, times.iloc[present[0]], times.iloc[row], **where(row))


def _from_pandas(
    values: pd.Series, column: str, where: Callable[[int], dict[str, Any]]
) -> pa.ChunkedArray:
    """One column as Arrow; objects of several types are an error that shows the first other."""
    import pyarrow as pa

    try:
        array = pa.Array.from_pandas(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        present = np.flatnonzero(values.notna())
        kinds = values.iloc[present].map(lambda value: type(value).__name__).to_numpy()
        odd = np.flatnonzero(kinds != kinds[0])
        raise DataError(
            f"the column {column!r} mixes {kinds[0]} and {kinds[odd[0]]}."
            if odd.size
            else f"the column {column!r} can't be read: {first_sentence(error)}.",
            **(where(int(present[odd[0]])) if odd.size else {"source": _FRAME}),
            hint=f"Give it one type: df[{column!r}] = df[{column!r}].astype(...).",
        ) from None
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def mixed_zones(column: str, one: Any, other: Any, **where: Any) -> DataError:
    """The error of times that are in several zones."""
    return DataError(
        f"the times in column {column!r} mix time zones: {str(one)!r} and {str(other)!r}.",
        hint="Convert all to one zone, or drop the zone from all.",
        **where,
    )


def _long_table(
    column: Callable[[str], pa.ChunkedArray], there: Sequence[str], columns: Columns, name: str
) -> LongTable:
    used = (columns.id, columns.time, columns.target)
    ids, times, targets = map(column, used)
    if not len(ids):
        raise DataError("there are no rows.", source=name, hint="Check what wrote it.")
    unused = tuple(label for label in there if label not in used)
    return LongTable(ids, times, targets, columns, name, unused)


def find_columns(there: Sequence[str], name: str, given: Mapping[str, str | None]) -> Columns:
    """Find the three columns; those that are there are named where one is missing."""
    found: dict[str, str] = {}
    for role, wanted in given.items():
        names = _RECOGNISED[role] if wanted is None else (wanted,)
        match = next((label for label in names if label in there), None)
        if match is None:
            raise DataError(
                f"there is no {role} column {' or '.join(map(repr, names))}; "
                f"the columns are {listed(there, repr) or 'none'}.",
                source=name,
                hint=f"Say which it is: --{role}-col NAME, in Python {role}_col='NAME'.",
            )
        if there.count(match) > 1:
            raise DataError(
                f"there are {there.count(match)} columns {match!r}.",
                source=name,
                hint="Give each column a name of its own.",
            )
        if match in found.values():
            raise UsageError(
                f"The column {match!r} is named for two of id, time and target.",
                hint="Name three columns: --id-col, --time-col, --target-col.",
            )
        found[role] = match
    return Columns(found["id"], found["time"], found["target"])
