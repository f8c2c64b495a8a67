"""Arrow columns of any fitting type -> ids and values in NumPy.

Rows are counted from 0 in the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import DataError
from tsmaml.series.sources import LongTable
from tsmaml.series.words import counted, first_sentence

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Ids:
    """Which series each row belongs to.

    Attributes:
        names: ``[series]`` str objects, in order of first appearance.
        codes: ``[rows]``, into ``names``.
        source: for messages.
        place: of a row, without its series.
    """

    names: np.ndarray
    codes: np.ndarray
    source: str
    place: Callable[[int], dict[str, Any]]

    def where(self, row: int) -> dict[str, Any]:
        """Place of a row, as :class:`DataError` takes it."""
        return {**self.place(row), "series": self.names[self.codes[row]]}


def ids_of(table: LongTable) -> Ids:
    """Ids as text: whole numbers, categories and bytes become it.

    Raises:
        DataError: if an id is missing or has no text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column, label = table.id, table.columns.id
    no_nulls(column, f"the id in column {label!r}", table.place)
    if pa.types.is_nested(column.type):
        raise DataError(
            f"the id column {label!r} holds {column.type}; wanted is text.",
            source=table.name,
            hint="Name another with --id-col, or convert it to text.",
        )
    with convertible("id", label, table.name):
        dictionary = encoded(column)
        names = pc.cast(dictionary.dictionary, pa.string()).to_numpy(zero_copy_only=False)
    names, codes = _renumber(names.astype(object), dictionary.indices.to_numpy())
    return Ids(names, codes, table.name, table.place)


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Each different element once, and for each row which of them it is."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks()


def _renumber(names: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the used names in order of first appearance.

    A dictionary may hold names that no row uses, and one name twice.
    """
    # Neighbours mostly share their series: look at the first row of each run.
    runs = codes[np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))]
    first = np.full(len(names), len(runs))
    first[runs[::-1]] = np.arange(len(runs))[::-1]  # of equal codes the last assigned stays
    used = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(runs))]
    if np.array_equal(used, np.arange(len(names))) and len(set(names)) == len(names):
        return names, codes
    numbers = np.zeros(len(names), codes.dtype)
    unique: dict[str, int] = {}
    for code in used:  # one turn a series, not a row
        numbers[code] = unique.setdefault(names[code], len(unique))
    return np.array(list(unique), dtype=object), numbers[codes]


def values_of(table: LongTable, ids: Ids) -> np.ndarray:
    """The target as ``[rows]`` float64, nulls as NaN.

    Raises:
        DataError: if it holds anything but numbers.
    """
    import pyarrow as pa

    column, label = table.target, table.columns.target
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    with convertible("target", label, table.name):
        if pa.types.is_boolean(kind):
            column = column.cast(pa.uint8())
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return column.to_numpy().astype(np.float64)  # a copy: Arrow may share a frame's memory
        if pa.types.is_decimal(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
            return column.cast(pa.float64()).to_numpy().astype(np.float64)
    row = _first_not_a_number(column) if is_text(kind) else 0
    raise DataError(
        f"the target column {label!r} holds {kind}, not numbers: {column[row].as_py()!r}.",
        **ids.where(row),
        hint="Name the numeric column with --target-col, or convert this one.",
    )


def _first_not_a_number(text: pa.ChunkedArray) -> int:
    import pandas as pd

    bad = pd.to_numeric(text.to_pandas(), errors="coerce").isna().to_numpy()
    return int(np.argmax(bad & ~text.is_null().to_numpy()))


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's three kinds of text."""
    import pyarrow as pa

    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def no_nulls(column: pa.ChunkedArray, what: str, where: Callable[[int], dict[str, Any]]) -> None:
    """Every row has an element; ``where`` gives the place of a row, for the error."""
    missing = column.is_null().to_numpy()
    if missing.any():
        raise DataError(
            f"{what} is missing ({counted(int(missing.sum()), 'row')}).",
            **where(int(np.argmax(missing))),
            hint="Drop these rows or fill them in.",
        )


@contextmanager
def convertible(role: str, label: str, source: str) -> Iterator[None]:
    """Say which column Arrow can't convert: bytes that are no text, times out of range."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise DataError(
            f"the {role} column {label!r} can't be used: {first_sentence(error)}.",
            source=source,
            hint="Convert it to text." if role == "id" else "Convert it to another type.",
        ) from None
