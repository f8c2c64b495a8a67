"""The exceptions that users see, one tree.

::

    TsmamlError                 exit code 1
    ├── UsageError              2   a wrong argument or option
    │   └── UnknownNameError        no registered part has that name
    ├── MissingDependencyError  3   an extra or a plugin is not installed
    │   └── PluginError             a plugin is broken or clashes with another
    ├── NotFoundError           4   a file that is not there
    ├── DataError               5   the series are at fault: names file, series and row
    ├── ArtifactError           5   a model file is truncated, foreign or too new
    └── TrainingError           1   meta-training or adaptation cannot go on
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TsmamlError(Exception):
    """Base of every error that tsmaml raises on purpose.

    Args:
        message: what is wrong, in one sentence.
        hint: the way out, as a command or a line of code where there is one.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  Hint: {self.hint}"


class UsageError(TsmamlError):
    """An argument or option has a value that can't be used."""

    exit_code = 2


class UnknownNameError(UsageError):
    """No registered part has the name asked for; the message names the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        nearest = difflib.get_close_matches(name, known, n=1)
        guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
        super().__init__(
            f"There is no {kind} named {name!r}.{guess}",
            hint=f"Known names: {', '.join(known) or 'none'}; `tsmaml plugins` lists who provides them.",
        )


class MissingDependencyError(TsmamlError):
    """Something that has to be installed is not."""

    exit_code = 3


class PluginError(MissingDependencyError):
    """A plugin can't be loaded, or two plugins claim one name."""


class NotFoundError(TsmamlError):
    """A file that was named is not there."""

    exit_code = 4


class DataError(TsmamlError):
    """Series that can't be used as they are.

    Args:
        message: what is wrong, in one sentence.
        source: the file (or ``"data frame"``) that the series came from.
        series: id of the first series at fault.
        row: row of the first value at fault, counted from 0 in the source.
        hint: the way out.
    """

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        source: str | None = None,
        series: str | None = None,
        row: int | None = None,
        hint: str | None = None,
    ) -> None:
        where = [str(source)] if source is not None else []
        where += [f"series {series!r}"] if series is not None else []
        where += [f"row {row}"] if row is not None else []
        super().__init__(f"{', '.join(where)}: {message}" if where else message, hint=hint)
        self.source, self.series, self.row = source, series, row


class ArtifactError(TsmamlError):
    """A model file that can't be read or written."""

    exit_code = 5


class TrainingError(TsmamlError):
    """Meta-training or adaptation can't start or can't go on."""
