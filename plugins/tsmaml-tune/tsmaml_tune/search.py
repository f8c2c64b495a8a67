"""The search: trials until there are enough, each scored by MASE on the meta-validation series."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml import MetaForecaster
from tsmaml.errors import MissingDependencyError, TrainingError, TsmamlError, UsageError
from tsmaml.series import read_series
from tsmaml_tune.outcome import Result, result_of, row_of
from tsmaml_tune.space import Space, checked
from tsmaml_tune.study import OUTCOME, finished, marks_of, opened, unwarned

if TYPE_CHECKING:
    import optuna

    from tsmaml import SeriesCollection
    from tsmaml.engine import Progress

Watch = Callable[[int, int], contextlib.AbstractContextManager[Callable[["Progress"], None]]]


def tune(
    df: Any,
    space: Mapping[str, Any] | None = None,
    *,
    trials: int = 20,
    minutes: float | None = None,
    study: str | Path | None = None,
    fit_steps: int | None = None,
    reading: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    on_begin: Callable[[Search], None] | None = None,
    on_trial: Callable[[dict[str, Any]], None] | None = None,
    **arguments: Any,
) -> Result:
    """Search for settings whose forecasts of the meta-validation series have the lowest MASE.

    The series are split as :meth:`tsmaml.MetaForecaster.fit` splits them, the same way in each trial: a
    trial meta-trains on the one part and is scored on the second; the third, which ``fit`` reports on,
    is not looked at. Trial 0 are the settings as given. A trial that fails is recorded with its reason.

    Args:
        df: the series: data frame, path, or :class:`tsmaml.SeriesCollection`.
        space: what to search, by name: ``{"model.width": (16, 256, "log"), "algorithm.steps": [1, 3]}``,
            or as texts, ``"16:256:log"``; None: the usual space, see the README.
        trials: how many there shall be in all, with those that the study holds.
        minutes: no trial begins after so many.
        study: SQLite file that keeps the trials; a search that finds its own there goes on. None: they
            are kept in memory.
        fit_steps: outer steps of a trial; None: those of the settings.
        reading: how ``df`` is read, see :func:`tsmaml.series.read_series`.
        watch: of a trial's number and steps, a context with a callback of meta-training.
        on_begin: told of the search before its first trial.
        on_trial: told of each trial that has an outcome, as a row of ``Result.trials``.
        arguments: of ``MetaForecaster``: the settings that are not searched.

    Raises:
        UsageError: if the space can't be searched, or the study was begun with another.
        ArtifactError: if the file is no study.
        DataError: if the series can't be used.
        TrainingError: if no trial has a score.
        KeyboardInterrupt: if interrupted before the first score.
    """
    _check_numbers(trials, minutes, fit_steps)
    search = Search.of(df, space, study, fit_steps, reading or {}, arguments)
    if on_begin is not None:
        on_begin(search)
    interrupted = False
    end = math.inf if minutes is None else time.monotonic() + 60 * minutes
    try:
        while (done := len(finished(search.study))) < trials:
            if done and time.monotonic() >= end:
                break
            row = search.one_more(watch or _unwatched)
            if on_trial is not None:
                on_trial(row)
    except KeyboardInterrupt:
        interrupted = True
    return result_of(search.study, search.space, given=arguments, interrupted=interrupted)


@dataclass(frozen=True)
class Search:
    """A search under way.

    Attributes:
        collection: the series.
        space: with what is the same in all trials.
        study: Optuna's.
        input_size: of the settings as given.
    """

    collection: SeriesCollection
    space: Space
    study: optuna.Study
    input_size: int

    @classmethod
    def of(
        cls,
        df: Any,
        space: Mapping[str, Any] | None,
        study: str | Path | None,
        fit_steps: int | None,
        reading: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> Search:
        """Check everything that can be checked before the first trial."""
        from tsmaml.series.defaults import choose

        try:
            import optuna  # noqa: F401  (its absence is told before the series are read)
        except ImportError:
            raise MissingDependencyError(
                "Optuna is not installed.", hint="python -m pip install 'tsmaml[tune]'"
            ) from None
        if fit_steps is not None and "steps" in (space or {}):
            raise UsageError("fit_steps sets what the space searches: steps.")
        settings = MetaForecaster(**given).settings
        settings.check_parts()  # a wrong name is told before the series are read
        collection = read_series(df, **{"freq": settings.freq, **reading})
        choices = choose(collection, settings.h, settings.input_size, settings.season_length)
        base = given if fit_steps is None else {**given, "steps": fit_steps}
        found = checked(space, base)
        steps = MetaForecaster(**base).settings.steps
        kept = opened(study, marks_of(found, collection, reading), steps)
        return cls(collection, found, kept, choices.input_size)

    def one_more(self, watch: Watch) -> dict[str, Any]:
        """Do a trial, and record what came of it."""
        import optuna

        states = optuna.trial.TrialState
        done = len(finished(self.study))
        with unwarned():
            trial, values = self._asked(done)
        started = time.monotonic()
        told: dict[str, Any] = {"values": json.dumps(values, default=repr)}
        try:
            score, n_series = self._scored(trial, values, told, watch, done)
            state = states.COMPLETE if math.isfinite(score) else states.FAIL
            told |= {"n_series": n_series}
            if state == states.FAIL:
                told["reason"] = "No validation series has a MASE: their seasons never change."
        except optuna.TrialPruned:
            state = states.PRUNED
            told["reason"] = "no better than the median at that step"
        except KeyboardInterrupt:
            self.study.tell(trial, state=states.FAIL)
            raise
        except Exception as error:  # parts fail in their own ways, and the next trial may not
            state = states.FAIL
            told["reason"] = _reason(error)
        told[OUTCOME] = time.monotonic() - started
        for name, value in told.items():
            trial.set_user_attr(name, value)
        self.study.tell(trial, score if state == states.COMPLETE else None, state=state)
        return row_of(finished(self.study)[-1], done)

    def _asked(self, done: int) -> tuple[optuna.Trial, dict[str, Any]]:
        """The next trial and its values.

        The sampler is seeded by the trials that are done: a study that was interrupted goes on as if it
        had not been.
        """
        import optuna

        settings = MetaForecaster(**self.space.base).settings
        seed = int(np.random.SeedSequence([settings.seed, done]).generate_state(1)[0])
        self.study.sampler = optuna.samplers.TPESampler(seed=seed)
        if done:
            trial = self.study.ask()
            return trial, self.space.suggest(trial)
        values = self.space.usual(self.input_size)
        dimensions = self.space.dimensions
        inside = {name for name, value in values.items() if dimensions[name].holds(value)}
        waiting = self.study.get_trials(states=[optuna.trial.TrialState.WAITING])
        if not waiting:
            self.study.enqueue_trial({n: dimensions[n].stored(values[n]) for n in inside})
        trial = self.study.ask()
        for name in inside:
            dimensions[name].suggest(trial, name)
        return trial, values

    def _scored(
        self,
        trial: optuna.Trial,
        values: Mapping[str, Any],
        told: dict[str, Any],
        watch: Watch,
        number: int,
    ) -> tuple[float, int]:
        """MASE of the adapted forecasts of the validation series, and how many these are."""
        import keras
        import optuna

        from tsmaml.forecaster import validate

        forecaster = MetaForecaster(**self.space.arguments(values))

        def follow(progress: Progress) -> None:
            told["step"] = progress.step
            loss = progress.validation_loss
            if loss is not None and progress.step and self.space.comparable:
                trial.report(loss, progress.step)
                if progress.step < progress.steps and trial.should_prune():
                    raise optuna.TrialPruned

        try:
            with watch(number, forecaster.settings.steps) as show:
                found = validate(
                    forecaster,
                    self.collection,
                    shortest=self.input_size,
                    callbacks=[show, follow],
                )
        finally:
            keras.backend.clear_session()  # and what the trial compiled
        if found.history.stopped_by == "not finite":
            raise TrainingError(f"The loss was not finite after outer step {found.history.step}.")
        return found.scores.mean["mase"]["adapted"], found.scores.n_series


@contextlib.contextmanager
def _unwatched(number: int, steps: int) -> Any:
    yield lambda progress: None


def _check_numbers(trials: int, minutes: float | None, fit_steps: int | None) -> None:
    for name, value in (("trials", trials), ("fit_steps", fit_steps)):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise UsageError(f"{name} is {value!r}; wanted is a whole number of 1 or more.")
    if minutes is not None and not minutes > 0:
        raise UsageError(f"The timeout is {minutes!r} minutes; wanted is a number above 0.")


def _reason(error: Exception) -> str:
    if isinstance(error, TsmamlError):
        return error.message
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"
