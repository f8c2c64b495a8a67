"""Files and data frames -> SeriesCollection."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from typing import Any, Unpack

from tsmaml.errors import UsageError
from tsmaml.series.assemble import assemble
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import SeriesCollection
from tsmaml.series.options import DUPLICATES, GAPS, ReadOptions, check_choice
from tsmaml.series.sources import LongTable, comes_whole, read_source

# Files of more rows than this are read in batches: their columns alone would fill some gigabytes.
_MANY_ROWS = 60_000_000


def read_series(
    source: Any,
    *,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
    freq: str | int | None = None,
    wide: bool = False,
    gaps: str = "mask",
    duplicates: str = "error",
    storage: str | os.PathLike[str] | None = None,
    hist_cols: Sequence[str] = (),
    futr_cols: Sequence[str] = (),
    static_cols: Sequence[str] = (),
    static_df: Any = None,
    futr_df: Any = None,
) -> SeriesCollection:
    """Read a collection of series.

    One row for each series and time (the long format), or one row for each series with its values
    in a list, or, if ``wide``, one column for each series.

    Args:
        source: path of a Parquet, Arrow (``.arrow``, ``.feather``) or CSV (also ``.csv.gz``) file, a
            list of paths, a pattern (``"series/*.parquet"``), a folder (names of folders such as
            ``region=north`` are columns), a URI of ``pyarrow.fs`` (``s3://...``), a pandas (or
            other Arrow-capable) data frame, or a :class:`SeriesCollection`, which is returned as
            it is.
        id_col, time_col, target_col: column names; None recognises ``unique_id, ds, y``,
            ``item_id, timestamp, target`` and, for lists, ``id`` and ``start``.
        freq: a pandas alias, or a whole number for integer times; None infers it.
        wide: whether each column but the time is a series.
        gaps: what a missing value or step becomes: ``"mask"`` leaves it out of inputs, losses and
            scores, ``"fill"`` carries the value before on, ``"zero"`` takes it as 0, ``"error"``
            refuses it.
        duplicates: what several rows of one time become: ``"error"``, or their ``"mean"``,
            ``"sum"``, ``"min"``, ``"max"``, ``"first"`` or ``"last"``.
        storage: a folder: values are kept in a file there, not in memory, and the rows need not fit
            into memory at once. Files of many rows are read so without being asked. The file has no
            name and is gone with the collection.
        hist_cols: columns that are known up to now, numbers or text.
        futr_cols: columns that are known ahead as well.
        static_cols: columns that say the same in all rows of a series.
        static_df: a frame or path with one row for each series: its columns but the id.
        futr_df: a frame or path with id, time and the future columns after the end of each series.

    Returns:
        The series in order of first appearance, each sorted by time, on a regular grid: a masked
        step is NaN. ``notes`` tells what was done to the rows and which columns are not used.

    Raises:
        NotFoundError: if there is no such file.
        DataError: naming file, series and row, if the series can't be used as they are.
        UsageError: if an option is not understood.
    """
    if isinstance(source, SeriesCollection):
        return with_beside(source, static_df, futr_df)
    options = ReadOptions(
        id_col=id_col,
        time_col=time_col,
        target_col=target_col,
        freq=freq,
        wide=wide,
        gaps=gaps,
        duplicates=duplicates,
        storage=storage,
        hist_cols=hist_cols,
        futr_cols=futr_cols,
        static_cols=static_cols,
        static_df=static_df,
        futr_df=futr_df,
    )
    stored = read_stored_source(source, options)
    if stored is not None:
        return with_beside(stored, static_df, futr_df)
    table, frequency = table_of(source, **options)
    roles = {"hist": hist_cols, "futr": futr_cols, "stat": static_cols}
    collection = assemble(table, frequency, gaps=gaps, duplicates=duplicates, roles=roles)
    return with_beside(collection, static_df, futr_df)


def with_beside(collection: SeriesCollection, static_df: Any, futr_df: Any) -> SeriesCollection:
    """Add static columns and what is known of the future, where they are given."""
    if static_df is None and futr_df is None:
        return collection
    from tsmaml.series.beside import with_future, with_static

    if static_df is not None:
        collection = with_static(collection, static_df)
    return collection if futr_df is None else with_future(collection, futr_df)


def table_of(source: Any, **options: Unpack[ReadOptions]) -> tuple[LongTable, Frequency | None]:
    """The rows of a source and the frequency that was given; options as :func:`read_series`."""
    frequency, given = _checked(options)
    freq = options.get("freq")
    extra = tuple(chain.from_iterable(_beside(options)))
    table = read_source(source, given, wide=options.get("wide", False), freq=freq, extra=extra)
    return table, frequency


def _beside(options: ReadOptions) -> list[Sequence[str]]:
    """Names of columns of the rows beside id, time and target, by role."""
    return [
        options.get("hist_cols", ()),
        options.get("futr_cols", ()),
        options.get("static_cols", ()),
    ]


def _checked(options: ReadOptions) -> tuple[Frequency | None, dict[str, str | None]]:
    """The frequency and the names of columns that are given, if all options are understood."""
    check_choice("gaps", options.get("gaps", "mask"), tuple(GAPS))
    check_choice("duplicates", options.get("duplicates", "error"), DUPLICATES)
    freq = options.get("freq")
    frequency = Frequency.parse(freq) if freq is not None else None
    return frequency, {
        "id": options.get("id_col"),
        "time": options.get("time_col"),
        "target": options.get("target_col"),
    }


def read_stored_source(source: Any, options: ReadOptions) -> SeriesCollection | None:
    """A collection whose values lie in a file; None where it is to be read into memory."""
    frequency, given = _checked(options)
    storage = options.get("storage")
    beside = any(_beside(options))
    if options.get("wide") or beside or comes_whole(source):
        if storage is not None:
            raise UsageError(
                "Only long files without exogenous columns can be read into a storage.",
                hint="Write the series to Parquet, one row for each series and time.",
            )
        return None
    from tsmaml.series.files import find_files

    files = find_files(source)
    if storage is None and not files.rows_at_least(_MANY_ROWS):
        return None
    import pyarrow as pa

    from tsmaml.series.storage import columns_of, read_stored

    columns, unused, kind = columns_of(files, given)
    if pa.types.is_nested(kind):
        return None
    return read_stored(
        files,
        columns,
        unused,
        frequency,
        gaps=options.get("gaps", "mask"),
        duplicates=options.get("duplicates", "error"),
        folder=storage,
    )
