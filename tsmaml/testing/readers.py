"""What every reader of a source has to do: one check for each promise.

Call :func:`check_reader` in a test of your plugin, with a source and the frame that it holds::

    from tsmaml.testing import check_reader

    def test_my_reader(tmp_path):
        frame.to_excel(tmp_path / "sales.xlsx", index=False)
        check_reader(".xlsx", tmp_path / "sales.xlsx", frame)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tsmaml.errors import DataError, NotFoundError
from tsmaml.plugins import Part, registry
from tsmaml.series import SeriesCollection, read_series
from tsmaml.series.sources import reader_of
from tsmaml.testing.common import run_checks, want


@dataclass(frozen=True)
class Subject:
    """A reader under test.

    Attributes:
        part: that reads.
        source: path or URI.
        holds: the frame that is in it.
    """

    part: Part
    source: str
    holds: Any

    def read(self, source: str | None = None) -> SeriesCollection:
        """The series of a source: as a file is read where it is registered, else by the function."""
        source = self.source if source is None else source
        if self.part.plugin is None:
            return read_series(self.part.load()(source))
        return read_series(source)

    def __str__(self) -> str:
        return f"The reader {self.part.name!r}"


def check_reader(
    reader: str | Part | Callable[[str], Any],
    source: str | os.PathLike[str],
    holds: Any,
    *,
    checks: Iterable[str] | None = None,
) -> None:
    """Check that a reader does all that tsmaml wants of it.

    Args:
        reader: a registered name such as ``".xlsx"`` or ``"sqlite://"``, a registered part, or a function
            ``read(source) -> frame``.
        source: path or URI of a source that it reads.
        holds: the frame that is in it, or what else :func:`tsmaml.series.read_series` takes.
        checks: some of the names of :data:`READER_CHECKS`; None: all.

    Raises:
        AssertionError: at the first check that fails; the message says what is wanted.
        DataError, PluginError: if the source can't be read at all.
    """
    part = reader if isinstance(reader, Part) else registry().resolve("reader", reader)
    run_checks("readers", READER_CHECKS, checks, Subject(part, os.fspath(source), holds))


def check_found(subject: Subject) -> None:
    """A registered reader is the one that a source of its ending or scheme goes to."""
    if subject.part.plugin is None:
        return
    found = reader_of(subject.source)
    want(
        found is not None and found.name == subject.part.name,
        f"{subject} should be asked for {subject.source}, and "
        f"{'no reader' if found is None else repr(found.name)} is: its name is the file's ending with "
        "the dot, or the scheme with '://', in lower case.",
    )


def check_series(subject: Subject) -> None:
    """It gives the series that the source holds: ids, times, values and gaps."""
    found, wanted = subject.read(), read_series(subject.holds)
    for name, what in (
        ("ids", "the ids"),
        ("offsets", "the lengths of the series"),
        ("starts", "the first times"),
    ):
        one, other = getattr(found, name), getattr(wanted, name)
        want(
            bool(np.array_equal(one, other)),
            f"{subject} should give {what} that the source holds, {other[:3].tolist()} ...; it gives "
            f"{one[:3].tolist()} ...",
        )
    want(
        found.frequency == wanted.frequency,
        f"{subject} should give the times that the source holds, at {wanted.frequency}; they are at "
        f"{found.frequency}.",
    )
    want(
        bool(np.array_equal(found.values, wanted.values, equal_nan=True)),
        f"{subject} should give the values that the source holds, to the last digit, and missing ones "
        "as missing.",
    )


def check_repeatable(subject: Subject) -> None:
    """The source can be read again, and is left as it was."""
    path = Path(subject.source)
    before = path.read_bytes() if path.is_file() else None
    first, again = subject.read(), subject.read()
    want(
        bool(np.array_equal(first.values, again.values, equal_nan=True))
        and bool(np.array_equal(first.ids, again.ids)),
        f"{subject} should give the same twice.",
    )
    want(
        before is None or path.read_bytes() == before,
        f"{subject} should leave {subject.source} as it is; reading has changed it.",
    )


def check_absent(subject: Subject) -> None:
    """A source that is not there is an error, not an empty table, and not a fault of the plugin."""
    path = Path(subject.source)
    if "://" in subject.source or not path.exists():
        return
    absent = str(path.with_name(f"absent-{path.name}"))
    try:
        subject.part.load()(absent)
    except Exception as error:
        want(
            isinstance(error, OSError | DataError | NotFoundError),
            f"{subject} should raise OSError or tsmaml.errors.DataError where a file is not there, and "
            f"raises {type(error).__name__}: {error}",
        )
        return
    want(False, f"{subject} should raise OSError where a file is not there, and says nothing.")


READER_CHECKS: dict[str, Callable[[Subject], None]] = {
    "found": check_found,
    "series": check_series,
    "repeatable": check_repeatable,
    "absent": check_absent,
}
