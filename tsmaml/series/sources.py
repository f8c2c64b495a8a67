"""Any source of series -> the Arrow columns that a collection is made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from tsmaml.errors import DataError, PluginError, TsmamlError, UsageError
from tsmaml.plugins import Part, registry
from tsmaml.series.collection import Columns
from tsmaml.series.options import ReadOptions
from tsmaml.series.words import listed

if TYPE_CHECKING:
    import pyarrow as pa

# Names that are recognised without being told, in order of preference: those of Nixtla's libraries,
# of GluonTS and of fev.
_RECOGNISED = {
    "id": ("unique_id", "item_id", "id"),
    "time": ("ds", "timestamp", "start"),
    "target": ("y", "target"),
}


@dataclass(frozen=True)
class RawTable:
    """A source whose columns are not read yet.

    Attributes:
        names: of all columns.
        column: a column by name, as Arrow. A source that can reads those asked for by ``prefetch``
            in one go.
        prefetch: tells which columns will be asked for, and which of them holds ids.
        name: of the source, for messages.
        place: of a row: the arguments ``source`` and ``row`` of a :class:`DataError`.
    """

    names: Sequence[str]
    column: Callable[[str], pa.ChunkedArray]
    prefetch: Callable[[Sequence[str], str | None], None]
    name: str
    place: Callable[[int], dict[str, Any]]


@dataclass(frozen=True)
class LongTable:
    """The rows of a source, no more than the columns that are used.

    Attributes:
        id, time, target: Arrow columns, one row for each series and time.
        columns: their names.
        name: of the source, for messages.
        unused: names of the other columns.
        place: of a row: the arguments ``source`` and ``row`` of a :class:`DataError`.
        extra: exogenous columns by name.
    """

    id: pa.ChunkedArray
    time: pa.ChunkedArray
    target: pa.ChunkedArray
    columns: Columns
    name: str
    unused: tuple[str, ...]
    place: Callable[[int], dict[str, Any]]
    extra: Mapping[str, pa.ChunkedArray] = field(default_factory=dict)


def is_path(source: Any) -> bool:
    """Whether a source is a path, or a list of paths."""
    if isinstance(source, list | tuple):
        return bool(source) and all(isinstance(one, str | os.PathLike) for one in source)
    return isinstance(source, str | os.PathLike)


def read_source(
    source: Any,
    given: Mapping[str, str | None],
    *,
    wide: bool = False,
    freq: str | int | None = None,
    extra: Sequence[str] = (),
) -> LongTable:
    """Take files or a frame, in whichever layout.

    Args:
        source: a path, a list of paths, a folder, a pattern, a URI, or a data frame.
        given: names of the columns ``"id"``, ``"time"`` and ``"target"``; None recognises.
        wide: whether each column but the time is a series.
        freq: the frequency, if given; rows of lists that hold a start alone need it.
        extra: names of exogenous columns.

    Raises:
        NotFoundError: if there is no such file.
        DataError: if it can't be read, has no rows or lacks a column.
    """
    from tsmaml.series import layouts

    raw = raw_source(source)
    if wide:
        if extra:
            raise UsageError(
                f"A wide table has no exogenous columns, such as {extra[0]!r}.",
                hint="Write one row for each series and time.",
            )
        return layouts.from_wide(raw, given)
    columns = find_columns(raw.names, raw.name, given)
    used = (columns.id, columns.time, columns.target, *_there(extra, columns, raw))
    raw.prefetch(used, columns.id)
    ids, times, target, *others = map(raw.column, used)
    if not len(ids):
        raise no_rows(raw.name)
    unused = tuple(label for label in raw.names if label not in used)
    beside = dict(zip(used[3:], others, strict=True))
    table = LongTable(ids, times, target, columns, raw.name, unused, raw.place, beside)
    if layouts.holds_lists(target):
        return layouts.from_lists(table, raw, freq)
    return table


def raw_source(source: Any) -> RawTable:
    """A path, a list of paths, a folder, a pattern, a URI, or a data frame."""
    reader = reader_of(source)
    if reader is not None:
        return _read_by(reader, os.fspath(source))
    if is_path(source):
        from tsmaml.series.files import raw_files

        return raw_files(source)
    from tsmaml.series.frames import raw_frame

    return raw_frame(source)


def static_columns_of(source: Any, names: Sequence[str], reading: ReadOptions) -> tuple[str, ...]:
    """Static columns to be read with the rows: all, where they are there and nothing else is said."""
    said = reading.get("static_df") is not None or reading.get("wide")
    if said or not names or set(names) - set(raw_source(source).names):
        return tuple(reading.get("static_cols", ()))
    return tuple(names)


def reader_of(source: Any) -> Part | None:
    """The registered reader of one path or URI, by its ending or scheme; of others none."""
    if not isinstance(source, str | os.PathLike):
        return None
    text = os.fspath(source)
    scheme, separator, _ = text.partition("://")
    wanted = (scheme + separator if separator else PurePath(text).suffix).lower()
    is_there = any(part.name == wanted for part in registry().parts("reader"))
    return registry().get("reader", wanted) if is_there else None


def comes_whole(source: Any) -> bool:
    """Whether a source is read at once: a data frame, or what a plugin's reader makes of a path."""
    reader = reader_of(source)
    return not is_path(source) or (reader is not None and reader.plugin != "tsmaml")


def _read_by(reader: Part, source: str) -> RawTable:
    """What a reader makes of a source; messages name the source."""
    try:
        table = reader.load()(source)
    except (TsmamlError, OSError):
        raise
    except Exception as error:  # a reader may fail in any way
        raise PluginError(
            f"The reader {reader.name!r} of plugin {reader.plugin} failed on {source}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if isinstance(table, RawTable):
        return table
    from tsmaml.series.frames import raw_frame

    return replace(raw_frame(table), name=source, place=lambda row: {"source": source, "row": row})


def _there(extra: Sequence[str], columns: Columns, raw: RawTable) -> list[str]:
    """The exogenous columns, if they are there and are no others."""
    names = list(dict.fromkeys(extra))
    for name in names:
        if name in (columns.id, columns.time, columns.target):
            raise UsageError(f"The column {name!r} can't be exogenous: it is id, time or target.")
        find_column(raw.names, raw.name, "exogenous", name)
    return names


def no_rows(name: str) -> DataError:
    """The error of a source with a header alone."""
    return DataError("there are no rows.", source=name, hint="Check what wrote it.")


def mixed_zones(column: str, one: Any, other: Any, **where: Any) -> DataError:
    """The error of times that are in several zones."""
    return DataError(
        f"the times in column {column!r} mix time zones: {str(one)!r} and {str(other)!r}.",
        hint="Convert all to one zone, or drop the zone from all.",
        **where,
    )


def find_columns(there: Sequence[str], name: str, given: Mapping[str, str | None]) -> Columns:
    """Find the three columns; those that are there are named where one is missing."""
    found: dict[str, str] = {}
    for role, wanted in given.items():
        match = find_column(there, name, role, wanted)
        if match in found.values():
            raise UsageError(
                f"The column {match!r} is named for two of id, time and target.",
                hint="Name three columns: --id-col, --time-col, --target-col.",
            )
        found[role] = match
    return Columns(found["id"], found["time"], found["target"])


def find_column(there: Sequence[str], name: str, role: str, wanted: str | None) -> str:
    """The column of a role: the one that is wanted, else the first of the usual names."""
    names = _RECOGNISED[role] if wanted is None else (wanted,)
    match = next((label for label in names if label in there), None)
    if match is None:
        raise DataError(
            f"there is no {role} column {' or '.join(map(repr, names))}; "
            f"the columns are {listed(there, repr) or 'none'}.",
            source=name,
            hint="Name those that are there."
            if role == "exogenous"
            else f"Say which it is: --{role}-col NAME, in Python {role}_col='NAME'."
            + (" A table with a column for each series is read by --wide." if not wanted else ""),
        )
    if there.count(match) > 1:
        raise DataError(
            f"there are {there.count(match)} columns {match!r}.",
            source=name,
            hint="Give each column a name of its own.",
        )
    return match
