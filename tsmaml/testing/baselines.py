"""What every baseline has to do, registered or given in Python: one check for each promise.

Call :func:`check_baseline` in a test of your plugin::

    from tsmaml.testing import check_baseline

    def test_my_baseline():
        check_baseline("my_baseline", options={"share": 0.5})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tsmaml.evaluation import BaselineForecast
from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.series import SeriesCollection
from tsmaml.testing.common import as_stored, collection_of, run_checks, want

_H = 5
_LEVELS = (50.0, 80.0, 95.0)
# Far apart, so that a forecast in another series' place or in other units is seen.
_SIZES = (1.0, 100.0, 1e4)


@dataclass(frozen=True)
class Subject:
    """A baseline under test.

    Attributes:
        part: that makes it.
        season_length: points in a season of the series that it is given.
        options: of the baseline.
    """

    part: Part
    season_length: int
    options: Mapping[str, Any] = field(default_factory=dict)

    def forecast(
        self, collection: SeriesCollection, levels: Sequence[float] = (), h: int = _H
    ) -> BaselineForecast:
        """Forecasts of the baseline, their shapes checked."""
        options = as_stored(self, self.options)
        made = call_part(self.part, self.season_length, options=options)(collection, h, levels)
        want(
            isinstance(made, BaselineForecast),
            f"{self} should return a tsmaml.evaluation.BaselineForecast, and returned a "
            f"{type(made).__name__}.",
        )
        shape = (len(collection), h)
        parts = {"point": made.point}
        for level, bounds in made.bounds.items():
            want(
                len(bounds) == 2,
                f"{self} should give a pair of lower and upper bounds for the level {level}.",
            )
            parts.update({f"lower {level}": bounds[0], f"upper {level}": bounds[1]})
        for name, values in parts.items():
            want(
                np.shape(values) == shape,
                f"{self} should forecast arrays [series, h], here {list(shape)}; that of {name!r} is "
                f"{list(np.shape(values))}.",
            )
        return made

    def series(self) -> list[np.ndarray]:
        """Seasonal series of ten seasons, each of a size of its own."""
        rng, steps = np.random.default_rng(0), np.arange(10 * self.season_length)
        season = 2 + np.sin(2 * np.pi * steps / max(2, self.season_length))
        return [size * (season + 0.1 * rng.normal(size=len(steps))) for size in _SIZES]

    def __str__(self) -> str:
        return f"The baseline {self.part.name!r}"


def check_baseline(
    baseline: str | Part | Callable[..., Any],
    *,
    season_length: int = 4,
    options: Mapping[str, Any] | None = None,
    checks: Iterable[str] | None = None,
) -> None:
    """Check that a baseline does all that evaluation wants of it.

    Args:
        baseline: a registered name, a registered part, or a function
            ``build(season_length, **options) -> forecast(collection, h, levels)``.
        season_length: points in a season of the series that it is given.
        options: of the baseline.
        checks: some of the names of :data:`BASELINE_CHECKS`; None: all.

    Raises:
        AssertionError: at the first check that fails; the message says what is wanted.
        UsageError, PluginError: if the baseline can't be made at all, or there is no such check.
    """
    part = baseline if isinstance(baseline, Part) else registry().resolve("baseline", baseline)
    subject = Subject(part, season_length, dict(options or {}))
    run_checks("baselines", BASELINE_CHECKS, checks, subject)


def check_shapes(subject: Subject) -> None:
    """Points ``[series, h]``, finite, for any horizon; without levels it need not give bounds."""
    for h in (1, _H, 3 * subject.season_length):
        made = subject.forecast(collection_of(subject.series()), h=h)
        want(
            bool(np.isfinite(made.point).all()),
            f"{subject} should forecast finite values for ten seasons of history, {h} points ahead.",
        )


def check_units(subject: Subject) -> None:
    """Rows in the order of the series, in their units."""
    series = subject.series()
    for order in ((0, 1, 2), (2, 0, 1)):
        made = subject.forecast(collection_of([series[place] for place in order]))
        for row, place in zip(made.point, order, strict=True):
            values = series[place]
            far = 3 * (values.max() - values.min())
            want(
                bool((row > values.min() - far).all() and (row < values.max() + far).all()),
                f"{subject} should forecast each series in its row and in its units: one of values "
                f"from {values.min():.4g} to {values.max():.4g} is forecast {row[0]:.4g}.",
            )


def check_bounds(subject: Subject) -> None:
    """Bounds for each level that was asked for, or none; the wider hold the narrower."""
    made = subject.forecast(collection_of(subject.series()), _LEVELS)
    if not made.bounds:
        return
    missing = [level for level in _LEVELS if level not in made.bounds]
    want(
        not missing,
        f"{subject} should give bounds for every level that it is asked for, or for none; those for "
        f"{missing} are missing.",
    )
    lower, upper = (np.array([made.bounds[level][side] for level in _LEVELS]) for side in (0, 1))
    want(
        bool((np.diff(lower, axis=0) <= 0).all() and (np.diff(upper, axis=0) >= 0).all())
        and bool((lower <= upper).all()),
        f"{subject} should give lower bounds below upper ones, and wider bounds at higher levels.",
    )


def check_history(subject: Subject) -> None:
    """It forecasts the histories that it is given, whatever it has seen before: nothing leaks."""
    series = subject.series()
    first = subject.forecast(collection_of(series))
    grown = subject.forecast(collection_of([2 * values for values in series]))
    want(
        bool((np.abs(grown.point - first.point).max(axis=1) > 0.1 * np.array(_SIZES)).all()),
        f"{subject} should forecast the values that it is given: it forecasts the same for series "
        "of the same ids that are twice as large.",
    )


def check_determinism(subject: Subject) -> None:
    """Twice the same."""
    collection = collection_of(subject.series())
    first, again = (subject.forecast(collection, _LEVELS) for _ in range(2))
    want(
        bool(np.array_equal(first.point, again.point, equal_nan=True)),
        f"{subject} should forecast the same twice: what is random is decided by an option.",
    )


def check_gaps(subject: Subject) -> None:
    """Missing steps, a single point and no value at all: a row that is not finite is the answer."""
    series = subject.series()
    gaps = series[0].copy()
    gaps[1 :: subject.season_length + 1] = np.nan
    hard = {
        "missing steps": gaps,
        "a single point": series[1][:1],
        "less than a season": series[1][: max(1, subject.season_length - 1)],
        "no value at all": np.full(3, np.nan),
        "constant values": np.full(3 * subject.season_length, 7.0),
        "zeros": np.zeros(3 * subject.season_length),
    }
    try:
        together = subject.forecast(collection_of([*hard.values(), series[2]]), _LEVELS)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(
            f"{subject} should take series with {', '.join(hard)}, and leave rows that are not finite "
            f"where it can't forecast; it raised {type(error).__name__}: {error}"
        ) from error
    want(
        bool(np.isfinite(together.point[-1]).all()),
        f"{subject} should forecast a plain series whatever series stand beside it.",
    )


BASELINE_CHECKS: dict[str, Callable[[Subject], None]] = {
    "shapes": check_shapes,
    "units": check_units,
    "bounds": check_bounds,
    "history": check_history,
    "determinism": check_determinism,
    "gaps": check_gaps,
}
