"""Data frames, of pandas and of anything that speaks Arrow, as raw tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series.sources import RawTable, mixed_zones
from tsmaml.series.words import first_sentence

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_FRAME = "data frame"


def raw_frame(frame: Any) -> RawTable:
    """Take a pandas frame, or any table that speaks Arrow's C stream (polars, pyarrow, DuckDB).

    Raises:
        DataError: if it is no table.
    """
    if type(frame).__module__.partition(".")[0] == "pandas" and hasattr(frame, "columns"):
        return _raw_pandas(frame)
    if hasattr(frame, "__arrow_c_stream__"):
        import pyarrow as pa

        try:
            table = pa.table(frame)
        except pa.ArrowException as error:  # a single column speaks Arrow too, but is no table
            raise DataError(f"is no table: {first_sentence(error)}.", source=_FRAME) from None
        return RawTable(table.column_names, table.column, _nothing_to_fetch, _FRAME, _place)
    raise DataError(
        f"series come as a path or a data frame, not as {type(frame).__name__}.",
        hint="Pass a long frame with the columns unique_id, ds, y.",
    )


def _place(row: int) -> dict[str, Any]:
    return {"source": _FRAME, "row": row}


def _nothing_to_fetch(names: Sequence[str], id_column: str | None) -> None:
    """A frame is in memory already."""


def _raw_pandas(frame: Any) -> RawTable:
    """Only the columns that are used are converted; named levels of the index are columns."""
    names = [str(label) for label in frame.columns]
    levels = [
        str(level) for level in frame.index.names if level is not None and str(level) not in names
    ]
    ids: list[str] = []

    def values(label: str) -> pd.Series:
        if label in levels:
            return frame.index.get_level_values(label).to_series()
        return frame.iloc[:, names.index(label)]

    def column(label: str) -> pa.ChunkedArray:
        def where(row: int) -> dict[str, Any]:
            one = {} if label in ids or not ids else {"series": str(values(ids[0]).iloc[row])}
            return {**_place(row), **one}

        one_zone(values(label), label, where)
        return _from_pandas(values(label), label, where)

    def remember(names: Sequence[str], id_column: str | None) -> None:
        ids[:] = [] if id_column is None else [id_column]

    return RawTable([*levels, *names], column, remember, _FRAME, _place)


def one_zone(times: pd.Series, column: str, where: Callable[[int], dict[str, Any]]) -> None:
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
    import pandas as pd
    import pyarrow as pa

    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
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
