"""Everything that is wrong with a source, at once, and what may be unexpected of its series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np

from tsmaml.errors import DataError, TsmamlError
from tsmaml.series.assemble import Rows
from tsmaml.series.collection import SeriesCollection, blocks_of, release
from tsmaml.series.columns import ids_of, values_of
from tsmaml.series.defaults import Choices, choose
from tsmaml.series.options import ReadOptions
from tsmaml.series.read import read_stored_source, table_of
from tsmaml.series.sources import LongTable
from tsmaml.series.times import times_of
from tsmaml.series.words import counted, listed

# A series with a greater share of masked steps is told of.
_MUCH = 0.5


@dataclass(frozen=True)
class Problem:
    """Something to know before fitting.

    Attributes:
        severity: ``"error"``: the series can't be used so; ``"warning"``: they can.
        message: what it is, with file, series and row.
        hint: the way out.
        source, series, row: of the first place; None where there is none.
    """

    severity: str
    message: str
    hint: str | None
    source: str | None = None
    series: str | None = None
    row: int | None = None

    @classmethod
    def of(cls, error: TsmamlError) -> Problem:
        """An error as a problem."""
        place = {name: getattr(error, name, None) for name in ("source", "series", "row")}
        return cls("error", error.message, error.hint, **place)


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        collection: what can be used, without what is at fault; None if nothing can.
        choices: what fit would choose; None if it can't.
        problems: the worst first.
        unused: names of the columns that are not used.
    """

    collection: SeriesCollection | None
    choices: Choices | None
    problems: list[Problem]
    unused: tuple[str, ...]


def examine(
    source: Any,
    *,
    h: int | None = None,
    input_size: int | None = None,
    season_length: int | None = None,
    **reading: Unpack[ReadOptions],
) -> Examination:
    """Read a source, go on after every problem as if what is at fault were not there.

    Args:
        source: as :func:`tsmaml.series.read_series` takes it.
        h, input_size, season_length: as :func:`tsmaml.series.defaults.choose` takes them.
        reading: options of reading.

    Raises:
        NotFoundError: if there is no such file.
        DataError: if it can't be opened, or lacks a column.
        UsageError: if an option is not understood.
    """
    stored = read_stored_source(source, reading)
    if stored is not None:
        chosen = choose(stored, h, input_size, season_length)
        return Examination(stored, chosen, warnings_of(stored, chosen), ())
    table, frequency = table_of(source, **reading)
    errors: list[DataError] = []
    table = _without_nulls(table, errors.append)
    ids = _tried(lambda: ids_of(table), errors) if len(table.id) else None
    collection = choices = None
    if ids is not None:
        times = _tried(lambda: times_of(table, ids, frequency), errors)
        values = _tried(lambda: values_of(table, ids), errors)
        if times is not None and values is not None:
            policy = reading.get("gaps", "mask"), reading.get("duplicates", "error")
            rows = Rows(table, ids, times, values, errors.append)
            collection = _tried(lambda: rows.collect(frequency, *policy), errors)
    if collection is not None:
        choices = _tried(lambda: choose(collection, h, input_size, season_length), errors)
    problems = [Problem.of(error) for error in errors]
    if collection is not None:
        problems += warnings_of(collection, choices)
    return Examination(collection, choices, problems, table.unused)


def _tried(make: Callable[[], Any], errors: list[DataError]) -> Any:
    try:
        return make()
    except DataError as error:
        errors.append(error)
        return None


def _without_nulls(table: LongTable, report: Callable[[DataError], object]) -> LongTable:
    """The rows that have an id and a time."""
    import pyarrow as pa

    missing = {"id": table.id.is_null().to_numpy(), "time": table.time.is_null().to_numpy()}
    for role, label in (("id", table.columns.id), ("time", table.columns.time)):
        if missing[role].any():
            report(
                DataError(
                    f"the {role} in column {label!r} is missing "
                    f"({counted(int(missing[role].sum()), 'row')}).",
                    hint="Drop these rows or fill them in.",
                    **table.place(int(np.argmax(missing[role]))),
                )
            )
    kept = np.flatnonzero(~(missing["id"] | missing["time"]))
    if len(kept) == len(table.id):
        return table
    rows = pa.array(kept)
    return replace(
        table,
        id=table.id.take(rows),
        time=table.time.take(rows),
        target=table.target.take(rows),
        place=lambda row: table.place(int(kept[row])),
    )


def warnings_of(collection: SeriesCollection, choices: Choices | None) -> list[Problem]:
    """What fit takes, but may not be what was meant."""
    found = [
        _look_alikes(collection),
        *_short(collection, choices),
        _silent(collection, choices),
        _holed(collection),
        _constant(collection),
    ]
    return [problem for problem in found if problem is not None]


def _warning(
    collection: SeriesCollection, flags: np.ndarray, message: str, hint: str
) -> Problem | None:
    """A warning about the series that are flagged; ``{n}`` and ``{of}`` stand for how many."""
    count = int(np.count_nonzero(flags))
    if not count:
        return None
    first = str(collection.ids[np.argmax(flags)])
    text = message.format(n=counted(count, "series"), have="has" if count == 1 else "have")
    return Problem(
        "warning",
        f"{collection.source}, series {first!r}: {text} (of {len(collection)}).",
        hint,
        collection.source,
        first,
    )


def _look_alikes(collection: SeriesCollection) -> Problem | None:
    plain = [name.strip().casefold() for name in collection.ids]
    counts = Counter(plain)
    if len(counts) == len(plain):
        return None
    alike = np.array([counts[name] > 1 for name in plain])
    one = plain[int(np.argmax(alike))]
    group = [repr(name) for name, text in zip(collection.ids, plain, strict=True) if text == one]
    return _warning(
        collection,
        alike,
        "{n} " + f"differ in case or blanks alone ({listed(group)})",
        "If they are one series, write its id in one way.",
    )


def _short(collection: SeriesCollection, choices: Choices | None) -> list[Problem | None]:
    count = collection.n_observed
    found = [
        _warning(
            collection,
            count == 1,
            "{n} {have} a single value",
            "They can be forecast, not learned from; drop them if they are mistakes.",
        )
    ]
    if choices is not None:
        found.append(
            _warning(
                collection,
                (count > 1) & (count < choices.h + 2),
                "{n} {have} fewer values than a horizon and two",
                "They are forecast by what others taught; a shorter --horizon lets them teach too.",
            )
        )
    return found


def _silent(collection: SeriesCollection, choices: Choices | None) -> Problem | None:
    if choices is None or not collection.has_gaps:
        return None
    ends = collection.lengths
    silent = collection.observed_between(ends - choices.input_size, ends) == 0
    return _warning(
        collection,
        silent,
        "{n} {have} no value in the last " + f"{choices.input_size} points, all that a model sees",
        "Their forecast is their last value; drop them, or look further back: --input-size.",
    )


def _holed(collection: SeriesCollection) -> Problem | None:
    missing = 1 - collection.n_observed / np.maximum(collection.lengths, 1)
    return _warning(
        collection,
        missing > _MUCH,
        "{n} {have} no value at more than half of the steps",
        "If no row means none, give --gaps zero; else a longer step with --freq may fit better.",
    )


def _constant(collection: SeriesCollection) -> Problem | None:
    return _warning(
        collection,
        is_constant(collection) & (collection.n_observed > 1),
        "{n} {have} one value throughout",
        "They are forecast as that value and have no MASE; drop them if they are of no use.",
    )


def is_constant(collection: SeriesCollection) -> np.ndarray:
    """Whether all values of a series are equal: ``[series]`` bool."""
    found = np.zeros(len(collection), bool)
    for series, values in blocks_of(collection.values, collection.offsets):
        begins = collection.offsets[series] - collection.offsets[series.start]
        found[series] = np.fmin.reduceat(values, begins) == np.fmax.reduceat(values, begins)
        release(collection.values)
    return found
