"""What every task builder has to do, registered or given in Python: one check for each promise.

Call :func:`check_task_builder` in a test of your plugin, with ids such as it wants::

    from tsmaml.testing import check_task_builder

    def test_my_task_builder():
        check_task_builder("my_builder", ids=["north-1", "north-2", "south-1", "south-2"])
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import numpy as np

from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.series import SeriesCollection
from tsmaml.series.exogenous import Column, Exogenous
from tsmaml.tasks import TaskSet, WindowSpec
from tsmaml.testing.common import as_stored, collection_of, run_checks, want

# Collections of two sizes, and how much more work the larger may be: four times, and some for sorting.
_FEW, _MANY, _MORE_WORK = 100, 400, 8
_IDS = tuple(f"{place}-{way}/{number}" for number in "12" for place in "abc" for way in "xy")
_REGIONS = ("north", "south")
_WINDOWS = WindowSpec(input_size=4, h=2)


@dataclass(frozen=True)
class Subject:
    """A task builder under test.

    Attributes:
        part: that builds tasks.
        options: of the builder.
        ids: of the series that it is given.
    """

    part: Part
    options: Mapping[str, Any] = field(default_factory=dict)
    ids: Sequence[str] = _IDS

    def build(
        self, collection: SeriesCollection, options: Mapping[str, Any] | None = None
    ) -> TaskSet:
        """The tasks of a collection."""
        options = self.options if options is None else options
        made = call_part(self.part, collection, _WINDOWS, options=options)
        want(
            isinstance(made, TaskSet),
            f"{self} should return a tsmaml.tasks.TaskSet, and returned a {type(made).__name__}.",
        )
        return made

    def collection(self, seed: int = 0) -> SeriesCollection:
        """Series of 1 to 30 points, some of them missing.

        Args:
            seed: decides the values that come after the first input; all else is always the same.
        """
        rng, later = np.random.default_rng(1), np.random.default_rng(seed)
        lengths = 1 + np.arange(len(self.ids)) * 7 % 30
        series = []
        for length in lengths:
            values = rng.gamma(2.0, 1 + rng.gamma(2.0), length)
            values[_WINDOWS.input_size :] *= later.gamma(
                2.0, 1.0, len(values[_WINDOWS.input_size :])
            )
            values[1:-1:5] = np.nan
            series.append(values)
        return _with_region(series, self.ids)

    def __str__(self) -> str:
        return f"The task builder {self.part.name!r}"


def check_task_builder(
    builder: str | Part | Callable[..., Any],
    *,
    options: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    checks: Iterable[str] | None = None,
) -> None:
    """Check that a task builder does all that tsmaml wants of it.

    Args:
        builder: a registered name, a registered part, or a function
            ``build(collection, windows, **options) -> TaskSet``.
        options: of the builder. The series have a static column ``region``, for one that wants its name.
        ids: two or more, of the series that it is given; None: ids such as ``a-x/1``.
        checks: some of the names of :data:`TASK_BUILDER_CHECKS`; None: all.

    Raises:
        AssertionError: at the first check that fails; the message says what is wanted.
        UsageError, DataError, PluginError: if the builder can't be called at all, or there is no such
            check.
    """
    part = builder if isinstance(builder, Part) else registry().resolve("task builder", builder)
    subject = Subject(part, dict(options or {}), tuple(ids or _IDS))
    run_checks("task builders", TASK_BUILDER_CHECKS, checks, subject)


def check_cover(subject: Subject) -> None:
    """Each series belongs to one task, and each task has a name of its own."""
    tasks = subject.build(subject.collection())
    counts = np.bincount(tasks.members, minlength=len(subject.ids))
    wrong = [str(name) for name, count in zip(subject.ids, counts, strict=False) if count != 1]
    want(
        not wrong and len(counts) == len(subject.ids),
        f"{subject} should put each series into one task; "
        f"{', '.join(wrong) or 'numbers beyond the series'} are in none or in several.",
    )
    want(
        len(set(tasks.names)) == len(tasks.names),
        f"{subject} should give each task a name of its own; they are {', '.join(tasks.names)}.",
    )


def check_future(subject: Subject) -> None:
    """No leakage: values after the first input of a series say nothing about its task."""
    one, other = (subject.build(subject.collection(seed)) for seed in (0, 1))
    want(
        _groups(one) == _groups(other),
        f"{subject} should form the same tasks whatever the values after the first "
        f"{_WINDOWS.input_size}, the first input: they are what is forecast later.",
    )


def check_new_series(subject: Subject) -> None:
    """It forms tasks of series that it has never met, of a single one too."""
    whole = subject.collection()
    subject.build(whole)
    for number in (0, len(whole) - 1):
        alone = subject.build(whole.select(np.array([number])))
        want(
            len(alone) == 1 and alone.members.tolist() == [0],
            f"{subject} should make one task of a collection of one series, {subject.ids[number]!r}.",
        )
    renamed = _with_region(
        [whole.series(name) for name in subject.ids], [f"{name}9" for name in subject.ids]
    )
    counts = np.bincount(subject.build(renamed).members, minlength=len(renamed))
    want(
        bool((counts == 1).all()),
        f"{subject} should form tasks of series with ids that it has not met before.",
    )


def check_determinism(subject: Subject) -> None:
    """Twice the same, and the same with its options as a model file holds them."""
    collection = subject.collection()
    first = subject.build(collection)
    stored = as_stored(subject, subject.options)
    for again in (subject.build(collection), subject.build(collection, stored)):
        want(
            _groups(first) == _groups(again) and first.names == again.names,
            f"{subject} should form the same tasks of the same series each time: what is random "
            "about it is decided by an option such as seed.",
        )


def check_speed(subject: Subject) -> None:
    """Speed class "in proportion": the work grows with the number of series, not with its square.

    Work is what Python does, step by step, so that no clock has a part in it.
    """
    subject.build(subject.collection())  # what is imported at the first call is no part of it
    few, many = (_work(subject, count) for count in (_FEW, _MANY))
    want(
        many <= _MORE_WORK * few,
        f"{subject} should take work in proportion to the number of series: {_MANY} of them take "
        f"{many / few:.1f} times the work of {_FEW}, as if each were held against all others. Work on "
        "whole arrays, or look names up in a dictionary.",
    )


def _with_region(series: Sequence[np.ndarray], ids: Sequence[str]) -> SeriesCollection:
    """Series with a static column, ``region``."""
    codes = np.arange(len(series)) % len(_REGIONS)
    region = Column(codes.astype(float), _REGIONS)
    return replace(collection_of(series, ids), exogenous=Exogenous(stat={"region": region}))


def _work(subject: Subject, count: int) -> int:
    """Steps of Python that it takes to form tasks of so many series, comparisons of ids among them."""
    names = [_Counted(f"{subject.ids[i % len(subject.ids)]}{i}") for i in range(count)]
    collection = _with_region([np.arange(1.0, 9.0)] * count, names)
    steps = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal steps
        steps += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        subject.build(collection)
    finally:
        sys.settrace(before)
    return steps


class _Counted(str):
    """An id whose comparisons are steps of Python, also where a list or a sort makes them."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def __lt__(self, other: str) -> bool:
        return str.__lt__(self, other)


def _groups(tasks: TaskSet) -> set[frozenset[int]]:
    ends = zip(tasks.offsets[:-1], tasks.offsets[1:], strict=True)
    return {frozenset(tasks.members[begin:end].tolist()) for begin, end in ends}


TASK_BUILDER_CHECKS: dict[str, Callable[[Subject], None]] = {
    "cover": check_cover,
    "future": check_future,
    "new_series": check_new_series,
    "determinism": check_determinism,
    "speed": check_speed,
}
