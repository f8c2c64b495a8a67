"""What one name of a space can be: a range of numbers, or one of several values.

Written ``16:256``, ``16:256:16`` (steps of 16), ``1e-4:1e-2:log`` or ``1,3,5``; values are JSON where they
can be, else text. In Python also a tuple ``(16, 256, "log")`` or a list ``[1, 3, 5]``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tsmaml.errors import UsageError

if TYPE_CHECKING:
    import optuna

_HINT = "Write NAME=16:256, NAME=1e-4:1e-2:log, NAME=16:256:16 (in steps) or NAME=1,3,5."


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both of them included.

    Attributes:
        low, high: the ends.
        log: whether they are drawn evenly by their logarithms.
        step: multiples of it from ``low`` on; None: any.
        whole: whether they are whole numbers.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that stand for all, to be checked."""
        return self.low, self.high

    def of_kind(self, whole: bool) -> Range:
        """The same of whole numbers, or of numbers of any kind."""
        if whole:
            return replace(self, whole=True)
        step = None if self.step is None else float(self.step)
        return replace(self, low=float(self.low), high=float(self.high), step=step, whole=False)

    def holds(self, value: Any) -> bool:
        """Whether a value is in it."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            return False
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def suggest(self, trial: optuna.Trial, name: str) -> Any:
        """A value for a trial."""
        if self.whole:
            low, high = int(self.low), int(self.high)
            return trial.suggest_int(name, low, high, step=int(self.step or 1), log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def stored(self, value: Any) -> Any:
        """A value as Optuna keeps it."""
        return value

    def __str__(self) -> str:
        rest = ":log" if self.log else "" if self.step is None else f":{self.step:g}"
        return f"{self.low:g}:{self.high:g}{rest}"


@dataclass(frozen=True)
class Choices:
    """One of several values, two or more."""

    values: tuple[Any, ...]

    @property
    def ends(self) -> tuple[Any, ...]:
        """All values, to be checked."""
        return self.values

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return self.stored(value) in self._labels

    def suggest(self, trial: optuna.Trial, name: str) -> Any:
        """A value for a trial."""
        return self.values[self._labels.index(trial.suggest_categorical(name, self._labels))]

    def stored(self, value: Any) -> str:
        """A value as Optuna keeps it: as JSON, so that lists are as good as numbers."""
        return _as_json(value)

    @property
    def _labels(self) -> list[str]:
        return [self.stored(value) for value in self.values]

    def __str__(self) -> str:
        return ",".join(_as_typed(value) for value in self.values)


Dimension = Range | Choices


def parsed(texts: Sequence[str]) -> dict[str, Dimension]:
    """Dimensions by name, of texts ``NAME=...``.

    Raises:
        UsageError: for a text that is none, or a name that stands twice.
    """
    found: dict[str, Dimension] = {}
    for text in texts:
        name, separator, told = text.partition("=")
        if not separator or not name.strip() or not told.strip():
            raise UsageError(f"--search {text!r} is not of the form NAME=VALUES.", hint=_HINT)
        name = name.strip().replace("-", "_")
        if name in found:
            raise UsageError(f"--search names {name!r} twice.")
        found[name] = dimension(name, told.strip())
    return found


def dimension(name: str, told: Any) -> Dimension:
    """A dimension, told as a text, a tuple or a list.

    Raises:
        UsageError: if it can't be one; ``name`` stands in the message.
    """
    if isinstance(told, Range | Choices):
        return told
    if isinstance(told, str):
        if ":" in told and not told.startswith(("[", "{", '"')):
            return _range(name, [_value(one) for one in told.split(":")])
        return _choices(name, _listed(told))
    if isinstance(told, tuple):
        return _range(name, list(told))
    if isinstance(told, list):
        return _choices(name, told)
    raise UsageError(f"The values of {name!r} are {told!r}; wanted is a text, a tuple or a list.")


def _range(name: str, told: Sequence[Any]) -> Range:
    written = ":".join(str(one) for one in told)
    if not 2 <= len(told) <= 3:
        raise UsageError(f"{name}={written} is no range.", hint=_HINT)
    low, high, how = (*told, None)[:3]
    for end in (low, high):
        if not _is_number(end):
            raise UsageError(f"{name}={written}: {end!r} is no finite number.", hint=_HINT)
    if not low < high:
        raise UsageError(
            f"{name}={written}: the range is empty; wanted is a low end, then a high one."
        )
    whole = all(isinstance(end, int) for end in (low, high))
    if how in (None, "log"):
        if how and low <= 0:
            raise UsageError(f"{name}={written}: a range by logarithms begins above 0.")
        return Range(low, high, how == "log", None, whole)
    if not _is_number(how) or not 0 < how <= high - low:
        raise UsageError(
            f"{name}={written}: {how!r} is no step; wanted is log, or a number above 0 and up to "
            f"{high - low:g}.",
            hint=_HINT,
        )
    return Range(low, high, False, how, whole and isinstance(how, int))


def _choices(name: str, values: Sequence[Any]) -> Choices:
    found = Choices(tuple(values))
    if len({found.stored(value) for value in values}) < max(2, len(values)):
        raise UsageError(
            f"{name}={found}: wanted are two different values or more.",
            hint="A value that is given is no search: set it with the option of tsmaml fit.",
        )
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _listed(text: str) -> list[Any]:
    """Values between commas; a list stands in brackets."""
    try:
        return json.loads(f"[{text}]")
    except json.JSONDecodeError:
        return [_value(one.strip()) for one in text.split(",")]


def _as_json(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value, default=repr)


def _as_typed(value: Any) -> str:
    is_plain = isinstance(value, str) and _value(value) == value and not set(value) & set(',:"[')
    return value if is_plain else _as_json(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
