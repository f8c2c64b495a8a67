"""Files of any number, place and format, as raw tables.

One Parquet or CSV file is read by itself; lists, patterns, folders, Arrow files and URIs by
``pyarrow.dataset``, with partitions in the names of folders as columns (Hive: ``region=north/``).
"""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tsmaml.errors import DataError, NotFoundError
from tsmaml.series.sources import RawTable
from tsmaml.series.words import counted, first_sentence

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as dataset

_COMPRESSED = (".gz", ".bz2", ".zst", ".lz4")
_FORMATS = {
    ".csv": "CSV",
    ".arrow": "Arrow",
    ".feather": "Arrow",
    ".ipc": "Arrow",
    ".parquet": "Parquet",
    ".pq": "Parquet",
}
_WILD = "*?["
# No Parquet of series packs more into a byte; smaller files need not be opened to know it.
_ROWS_A_BYTE = 4


@dataclass(frozen=True)
class Files:
    """Files of one format that are read as one table.

    Attributes:
        paths: as their file system takes them, in the order in which they are read.
        format: ``"Parquet"``, ``"CSV"`` or ``"Arrow"``.
        system: a ``pyarrow.fs.FileSystem``; None for the local one.
        base: the folder below which names of folders are partitions; None: nowhere.
        name: for messages.
    """

    paths: tuple[str, ...]
    format: str
    system: Any
    base: str | None
    name: str

    def dataset(self, id_column: str | None = None) -> dataset.Dataset:
        """All files as one data set; ids as they are written, whatever they look like."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        formats: dict[str, Callable[[], Any]] = {
            "Parquet": lambda: ds.ParquetFileFormat(
                dictionary_columns=[] if id_column is None else [id_column]
            ),
            "CSV": lambda: ds.CsvFileFormat(convert_options=csv_options(id_column)),
            "Arrow": ds.IpcFileFormat,
        }
        options: dict[str, Any] = {"filesystem": self.system, "format": formats[self.format]()}
        if self.base is not None:
            hive = ds.partitioning(flavor="hive")
            options.update(partitioning=hive, partition_base_dir=self.base)
        found = ds.dataset(list(self.paths), **options)
        if id_column in self.partitions:
            kinds = {name: found.schema.field(name).type for name in self.partitions}
            as_text = pa.schema({**kinds, id_column: pa.string()})
            options["partitioning"] = ds.partitioning(as_text, flavor="hive")
            found = ds.dataset(list(self.paths), **options)
        return found

    @property
    def partitions(self) -> list[str]:
        """Columns whose values stand in the names of folders."""
        if self.base is None:
            return []
        below = PurePosixPath(self.paths[0]).relative_to(PurePosixPath(self.base)).parts[:-1]
        return [part.partition("=")[0] for part in below if "=" in part]

    @cached_property
    def first_rows(self) -> list[int]:
        """The number of the first row of each file; counted only for messages."""
        rows, firsts = 0, []
        for fragment in self.dataset().get_fragments():
            firsts.append(rows)
            rows += fragment.count_rows()
        return firsts

    def rows_at_least(self, number: int) -> bool:
        """Whether there are so many rows, where the files tell without being read: Parquet's do."""
        if self.format != "Parquet":
            return False
        with reading(self):
            from pyarrow import fs

            infos = (self.system or fs.LocalFileSystem()).get_file_info(list(self.paths))
            if sum(info.size or 0 for info in infos) * _ROWS_A_BYTE < number:
                return False
            rows = 0
            for fragment in self.dataset().get_fragments():
                rows += fragment.count_rows()
                if rows >= number:
                    return True
        return False

    def place(self, row: int) -> dict[str, Any]:
        """The file that holds a row, and which of the file's rows it is."""
        if len(self.paths) == 1:
            return {"source": self.name, "row": row}
        number = sum(first <= row for first in self.first_rows) - 1
        return {"source": self.paths[number], "row": row - self.first_rows[number]}


def csv_options(id_column: str | None, columns: Sequence[str] | None = None) -> Any:
    """An id is text, whatever it looks like: 007 is not 7, and NA is Namibia."""
    import pyarrow as pa
    import pyarrow.csv as csv

    text = pa.dictionary(pa.int32(), pa.string())
    return csv.ConvertOptions(
        include_columns=columns,
        column_types=None if id_column is None else {id_column: text},
        null_values=[""],
        strings_can_be_null=True,
    )


def raw_files(source: Any) -> RawTable:
    """Take what a user may mean by a path.

    Raises:
        NotFoundError: if there is no such file.
        DataError: if it can't be read.
    """
    files = find_files(source)
    with reading(files):
        if len(files.paths) == 1 and files.base is None and files.system is None:
            path = Path(files.paths[0])
            size = path.stat().st_size
            if not path.is_file():
                raise DataError(
                    "is no regular file.", source=files.name, hint="Copy it to one first."
                )
            if size == 0:
                raise DataError(
                    "the file is empty.", source=files.name, hint="Check what wrote it."
                )
            if files.format == "CSV":
                return _one_csv(path, files)
            if files.format == "Parquet":
                return _one_parquet(path, files)
            return _one_arrow(path, files)
        return _many(files)


def find_files(source: Any) -> Files:
    """The files that a path, a list of them, a folder, a pattern or a URI stands for.

    Raises:
        NotFoundError: if there is none.
        DataError: if they are of several formats, or can't be listed.
    """
    if isinstance(source, list | tuple):
        found = [find_files(one) for one in source]
        paths = tuple(path for one in found for path in one.paths)
        name = (
            f"{source[0]} and {counted(len(source) - 1, 'other')}"
            if len(source) > 1
            else (found[0].name)
        )
        return Files(paths, _one_format(paths, name), found[0].system, found[0].base, name)
    text = os.fspath(source)
    if "://" in text:
        return _of_uri(text)
    path = Path(text)
    if any(sign in text for sign in _WILD) and not path.exists():
        matches = tuple(
            # Path.glob takes no absolute pattern.
            sorted(p for p in glob.glob(text, recursive=True) if Path(p).is_file())  # noqa: PTH207
        )
        if not matches:
            raise NotFoundError(f"No file matches {text}.")
        return Files(matches, _one_format(matches, text), None, None, text)
    with reading(Files((text,), format_of(text), None, None, text)):
        is_folder = path.is_dir()
    if is_folder:
        inside = sorted(str(one) for one in path.rglob("*") if one.is_file())
        return _of_folder(inside, text, text, None)
    return Files((text,), format_of(text), None, None, text)


def _of_uri(uri: str) -> Files:
    import pyarrow as pa
    from pyarrow import fs

    head, wild, _ = uri.partition("*")
    try:
        # A pattern is listed from the last folder that it names in full.
        system, path = fs.FileSystem.from_uri(head.rpartition("/")[0] if wild else uri)
        if wild:
            pattern = path.rstrip("/") + "/" + uri[len(head.rpartition("/")[0]) + 1 :]
            infos = system.get_file_info(fs.FileSelector(path, recursive=True))
            matches = tuple(
                sorted(one.path for one in infos if fnmatch.fnmatchcase(one.path, pattern))
            )
            if not matches:
                raise NotFoundError(f"No file matches {uri}.")
            return Files(matches, _one_format(matches, uri), system, None, uri)
        info = system.get_file_info(path)
        if info.type == fs.FileType.NotFound:
            raise NotFoundError(f"There is no file {uri}.")
        if info.type == fs.FileType.Directory:
            infos = system.get_file_info(fs.FileSelector(path, recursive=True))
            inside = sorted(one.path for one in infos if one.type == fs.FileType.File)
            return _of_folder(inside, path, uri, system)
        return Files((path,), format_of(path), system, None, uri)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"can't be reached: {first_sentence(error)}.",
            source=uri,
            hint="URIs are those of pyarrow.fs: s3://, gs://, hdfs://, file:///.",
        ) from None


def _of_folder(inside: Sequence[str], base: str, name: str, system: Any) -> Files:
    """The files of a folder that are series: known by their endings, and not hidden."""

    def counts(path: str) -> bool:
        below = PurePosixPath(path).relative_to(PurePosixPath(base)).parts
        hidden = any(part.startswith((".", "_")) for part in below)
        return not hidden and _ending(path) in _FORMATS

    paths = tuple(path for path in inside if counts(path))
    if not paths:
        raise DataError(
            "the folder holds no series.",
            source=name,
            hint=f"Files that are read end in {', '.join(_FORMATS)}.",
        )
    return Files(paths, _one_format(paths, name), system, base, name)


def _ending(path: str) -> str:
    endings = [ending.lower() for ending in PurePosixPath(path).suffixes]
    if endings and endings[-1] in _COMPRESSED:
        endings.pop()
    return endings[-1] if endings else ""


def format_of(path: str) -> str:
    """Told by the ending of the name; Parquet where it has none that is known."""
    return _FORMATS.get(_ending(path), "Parquet")


def _one_format(paths: Sequence[str], name: str) -> str:
    formats = sorted({format_of(path) for path in paths})
    if len(formats) > 1:
        raise DataError(
            f"there are files of several formats: {' and '.join(formats)}.",
            source=name,
            hint="Name those of one format, for instance by a pattern: 'series/*.parquet'.",
        )
    return formats[0]


@contextmanager
def reading(files: Files) -> Iterator[None]:
    """Say in one sentence why files can't be read."""
    import pyarrow as pa

    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no file {files.name}.") from None
    except PermissionError:
        raise DataError(
            "may not be read: no permission.", source=files.name, hint="Ask who owns it."
        ) from None
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(
            f"can't be read as {files.format}: {first_sentence(error)}.",
            source=files.name,
            hint="Parquet, Arrow (.arrow, .feather) and CSV (also .csv.gz) are read, told apart by "
            "the name's ending.",
        ) from None


class _Fetched:
    """Columns of files, read together where it is known which will be asked for."""

    def __init__(self, files: Files, read: Callable[[Sequence[str], str | None], pa.Table]) -> None:
        self._files, self._read = files, read
        self._columns: dict[str, pa.ChunkedArray] = {}

    def prefetch(self, names: Sequence[str], id_column: str | None) -> None:
        with reading(self._files):
            table = self._read(list(names), id_column)
        self._columns = dict(zip(table.column_names, table.columns, strict=True))

    def column(self, name: str) -> pa.ChunkedArray:
        return self._columns.pop(name)


def _raw(
    files: Files, names: Sequence[str], read: Callable[[Sequence[str], str | None], pa.Table]
) -> RawTable:
    fetched = _Fetched(files, read)
    return RawTable(names, fetched.column, fetched.prefetch, files.name, files.place)


def _one_parquet(path: Path, files: Files) -> RawTable:
    """Read without NumPy rows: text is stored as a dictionary; kept as one, a row costs 4 bytes."""
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        schema, metadata = file.schema_arrow, file.metadata

    def read(names: Sequence[str], id_column: str | None) -> pa.Table:
        from tsmaml.series.columns import is_text

        of_text = id_column is not None and is_text(schema.field(id_column).type)
        with parquet.ParquetFile(
            path, metadata=metadata, read_dictionary=[id_column] if of_text else None
        ) as file:
            return file.read(columns=names)

    return _raw(files, schema.names, read)


def _one_csv(path: Path, files: Files) -> RawTable:
    import pyarrow.csv as csv

    with csv.open_csv(path) as reader:
        names = reader.schema.names

    def read(wanted: Sequence[str], id_column: str | None) -> pa.Table:
        return csv.read_csv(path, convert_options=csv_options(id_column, wanted))

    return _raw(files, names, read)


def _one_arrow(path: Path, files: Files) -> RawTable:
    """A file of Arrow's two formats, the one for files (also Feather) and the one for streams."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        try:
            table = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            table = pa.ipc.open_stream(source).read_all()
    return _raw(files, table.column_names, lambda names, _: table.select(names))


def _many(files: Files) -> RawTable:
    found = files.dataset()

    def read(names: Sequence[str], id_column: str | None) -> pa.Table:
        complete(found, set(names) - set(files.partitions))
        return files.dataset(id_column).to_table(columns=names)

    return _raw(files, found.schema.names, read)


def complete(found: dataset.Dataset, names: Set[str]) -> None:
    """Every file has every column: where one is missing, Arrow would read nothing but nulls.

    Raises:
        DataError: naming the first file without.
    """
    for fragment in found.get_fragments():
        missing = sorted(names - set(fragment.physical_schema.names))
        if missing:
            raise DataError(
                f"there is no column {missing[0]!r}, which other files have.",
                source=fragment.path,
                hint="Write all files with the same columns.",
            )
