"""Files and data frames -> SeriesCollection."""

from __future__ import annotations

from typing import Any

from tsmaml.series.assemble import assemble
from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import SeriesCollection
from tsmaml.series.options import DUPLICATES, GAPS, check_choice
from tsmaml.series.sources import read_source


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
    check_choice("gaps", gaps, tuple(GAPS))
    check_choice("duplicates", duplicates, DUPLICATES)
    frequency = Frequency.parse(freq) if freq is not None else None
    given = {"id": id_col, "time": time_col, "target": target_col}
    table = read_source(source, given, wide=wide, freq=freq)
    return assemble(table, frequency, gaps=gaps, duplicates=duplicates)
