"""Columns beside the target: static, historic (known up to now) and future (known ahead)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tsmaml.series.collection import SeriesCollection


@dataclass(frozen=True, eq=False)
class Column:
    """One column as numbers.

    Attributes:
        values: float64, NaN where missing; of a categorical column the places in ``categories``.
        categories: their names; None: the column is numeric.
    """

    values: np.ndarray
    categories: tuple[str, ...] | None = None

    def at(self, rows: np.ndarray) -> Column:
        """Some of its elements."""
        return Column(self.values[rows], self.categories)

    def in_order_of(self, categories: tuple[str, ...]) -> np.ndarray:
        """Places in another list of categories; NaN where that lacks one."""
        assert self.categories is not None
        place = {name: number for number, name in enumerate(categories)}
        table = np.array([place.get(name, np.nan) for name in self.categories] + [np.nan], float)
        codes = np.where(np.isnan(self.values), len(self.categories), self.values)
        return table[codes.astype(np.int64)]

    def shown(self) -> np.ndarray:
        """The column as it was given: numbers, or text and None."""
        if self.categories is None:
            return self.values
        names = np.array([*self.categories, None], object)
        codes = np.where(np.isnan(self.values), len(self.categories), self.values)
        return names[codes.astype(np.int64)]


@dataclass(frozen=True, eq=False)
class Exogenous:
    """The exogenous columns of a collection.

    Attributes:
        hist: historic columns by name, each ``[points]``, aligned with the target.
        futr: future columns by name, each of every series' points and of the steps after its end that
            are known.
        futr_offsets: ``[series + 1]`` int64, where each series begins in ``futr``.
        stat: static columns by name, each ``[series]``.
    """

    hist: Mapping[str, Column] = field(default_factory=dict)
    futr: Mapping[str, Column] = field(default_factory=dict)
    futr_offsets: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    stat: Mapping[str, Column] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, list[str]]:
        """Names by role: ``hist``, ``futr``, ``stat``."""
        return {role: list(getattr(self, role)) for role in ("hist", "futr", "stat")}

    def ranges(self, indices: np.ndarray, begins: np.ndarray, where: np.ndarray) -> Exogenous:
        """What belongs to some points of some series; all that is known of their future stays.

        Args:
            indices: ``[chosen]``, numbers of the series.
            begins: ``[chosen]``, position of the first point that is kept.
            where: ``[points kept]``, places in the flat arrays of the collection.
        """
        hist = {name: column.at(where) for name, column in self.hist.items()}
        stat = {name: column.at(indices) for name, column in self.stat.items()}
        if not self.futr:
            return Exogenous(hist, {}, self.futr_offsets, stat)
        first = self.futr_offsets[indices] + begins
        lengths = self.futr_offsets[indices + 1] - first
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.arange(ends[-1]) + np.repeat(first - ends[:-1], lengths)
        futr = {name: column.at(rows) for name, column in self.futr.items()}
        return Exogenous(hist, futr, ends, stat)

    def manifest(self) -> dict[str, Any]:
        """Names and categories, as JSON values; :meth:`arrays` holds the numbers."""
        return {
            role: [[name, column.categories] for name, column in getattr(self, role).items()]
            for role in ("hist", "futr", "stat")
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """All numbers, by name."""
        found = {"futr_offsets": self.futr_offsets}
        for role in ("hist", "futr", "stat"):
            columns = getattr(self, role).values()
            found.update({f"{role}/{i}": column.values for i, column in enumerate(columns)})
        return found

    @classmethod
    def restore(cls, manifest: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Exogenous:
        """Take back what :meth:`manifest` and :meth:`arrays` gave."""
        roles = {
            role: {
                name: Column(
                    arrays[f"{role}/{i}"], None if categories is None else tuple(categories)
                )
                for i, (name, categories) in enumerate(manifest[role])
            }
            for role in ("hist", "futr", "stat")
        }
        return cls(roles["hist"], roles["futr"], arrays["futr_offsets"], roles["stat"])


def known_ahead(
    collection: SeriesCollection, names: Sequence[str], h: int
) -> dict[str, np.ndarray]:
    """What is known of future columns for ``h`` steps after each series: ``[series * h]`` each."""
    found = {}
    for name in names:
        columns = collection.exogenous
        if columns is None or name not in columns.futr:
            found[name] = np.full(len(collection) * h, np.nan)
            continue
        step = collection.lengths[:, np.newaxis] + np.arange(h)
        there = step < np.diff(columns.futr_offsets)[:, np.newaxis]
        rows = np.where(there, columns.futr_offsets[:-1, np.newaxis] + step, 0)
        column = columns.futr[name]
        values = np.where(there, column.values[rows], np.nan).ravel()
        found[name] = Column(values, column.categories).shown()
    return found


def column_of(array: Any, name: str, source: str) -> Column:
    """An Arrow column as numbers: text, booleans and categories become places in a list.

    Raises:
        DataError: if it holds neither numbers nor text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from tsmaml.errors import DataError
    from tsmaml.series.columns import encoded, is_text

    kind = array.type
    value_kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if is_text(value_kind) or pa.types.is_boolean(value_kind):
        if pa.types.is_boolean(value_kind):
            array = pc.if_else(array, "true", "false")
        dictionary = encoded(array)
        names = dictionary.dictionary.cast(pa.string()).to_pylist()
        order = sorted(range(len(names)), key=lambda i: names[i] or "")
        rank = np.empty(len(names) + 1)
        rank[order] = np.arange(len(names))
        rank[-1] = np.nan
        codes = dictionary.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        return Column(rank[codes], tuple(names[i] for i in order))
    if pa.types.is_dictionary(kind):
        array = array.cast(value_kind)
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    if any(test(value_kind) for test in numeric):
        values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return Column(np.where(np.isfinite(values), values, np.nan))
    raise DataError(
        f"the column {name!r} holds {kind}; wanted are numbers or text.",
        source=source,
        hint="Convert it, or leave it out.",
    )
