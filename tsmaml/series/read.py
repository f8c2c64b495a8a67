"""Files and data frames -> SeriesCollection."""

from __future__ import annotations

from typing import Any, Unpack

from tsmaml.series.assemble import assemble
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import SeriesCollection
from tsmaml.series.options import DUPLICATES, GAPS, ReadOptions, check_choice
from tsmaml.series.sources import LongTable, read_source


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

    Returns:
        The series in order of first appearance, each sorted by time, on a regular grid: a masked
        step is NaN. ``notes`` tells what was done to the rows and which columns are not used.

    Raises:
        NotFoundError: if there is no such file.
        DataError: naming file, series and row, if the series can't be used as they are.
        UsageError: if an option is not understood.
    """
    if isinstance(source, SeriesCollection):
        return source
    table, frequency = table_of(
        source,
        id_col=id_col,
        time_col=time_col,
        target_col=target_col,
        freq=freq,
        wide=wide,
        gaps=gaps,
        duplicates=duplicates,
    )
    return assemble(table, frequency, gaps=gaps, duplicates=duplicates)


def table_of(source: Any, **options: Unpack[ReadOptions]) -> tuple[LongTable, Frequency | None]:
    """The rows of a source and the frequency that was given; options as :func:`read_series`."""
    check_choice("gaps", options.get("gaps", "mask"), tuple(GAPS))
    check_choice("duplicates", options.get("duplicates", "error"), DUPLICATES)
    freq = options.get("freq")
    frequency = Frequency.parse(freq) if freq is not None else None
    given = {
        "id": options.get("id_col"),
        "time": options.get("time_col"),
        "target": options.get("target_col"),
    }
    table = read_source(source, given, wide=options.get("wide", False), freq=freq)
    return table, frequency
