"""One fit as one run of MLflow. What fails here is a warning: the fit goes on without it."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
from mlflow.entities import Metric, Param, RunTag

from tsmaml.errors import MissingDependencyError
from tsmaml_mlflow.facts import (
    choices_of,
    curve_of,
    losses_of,
    params_of,
    scores_of,
    tags_of,
)

if TYPE_CHECKING:
    from tsmaml import MetaForecaster, SeriesCollection
    from tsmaml.engine import Progress
    from tsmaml.series.options import ReadOptions

# Says that a run holds a fit already.
MARK = "tsmaml"
# What MLflow takes at once.
MOST_METRICS, MOST_PARAMS = 1000, 100
SECONDS_BETWEEN_BATCHES = 5.0
_STATUS = {"interrupt": "KILLED"}


def begin(forecaster: MetaForecaster, collection: SeriesCollection) -> Run | None:
    """The run of a fit that begins: the active one, or one of its own, also inside one that has a fit.

    None if MLflow gives none; a warning says why.
    """
    run = None
    with _warned("a run could not be opened, and nothing of this fit is logged"):
        active = mlflow.active_run()
        if active is None:
            run = Run(mlflow.start_run().info.run_id, is_own=True)
        elif MARK in mlflow.get_run(active.info.run_id).data.tags:
            run = Run(mlflow.start_run(nested=True).info.run_id, is_own=True)
        else:
            run = Run(active.info.run_id, is_own=False)
        columns = collection.columns
        run.reading = {
            "id_col": columns.id,
            "time_col": columns.time,
            "target_col": columns.target,
        }
    if run is not None:
        with _warned("the parameters could not be logged"):
            import tsmaml

            tags = {MARK: tsmaml.__version__, **tags_of(forecaster.settings, collection)}
            run.describe(params_of(forecaster.settings, collection), tags)
    return run


@dataclass
class Run:
    """A run of MLflow that holds a fit.

    Attributes:
        run_id: MLflow's.
        is_own: whether it was opened for the fit, and ends with it.
        reading: names of the columns that the series were read from.
    """

    run_id: str
    is_own: bool
    reading: ReadOptions = field(default_factory=dict)  # type: ignore[assignment]
    _client: mlflow.MlflowClient = field(default_factory=mlflow.MlflowClient)
    _waiting: list[Metric] = field(default_factory=list)
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _sent: float = field(default_factory=time.monotonic)
    _is_lost: bool = False

    def describe(self, params: Mapping[str, str], tags: Mapping[str, str] | None = None) -> None:
        """Log parameters and tags."""
        found = [Param(name, value) for name, value in params.items()]
        told = [RunTag(name, value) for name, value in (tags or {}).items()]
        self._client.log_batch(self.run_id, params=found[:MOST_PARAMS], tags=told)
        for first in range(MOST_PARAMS, len(found), MOST_PARAMS):
            self._client.log_batch(self.run_id, params=found[first : first + MOST_PARAMS])

    def tell(self, progress: Progress) -> None:
        """Take losses, and log them now and then; once that failed, not before the end."""
        self._add(losses_of(progress))
        due = time.monotonic() - self._sent > SECONDS_BETWEEN_BATCHES
        if due and not self._is_lost:
            self._is_lost = True
            with _warned("losses could not be logged; it is tried again at the end"):
                self._send()
                self._is_lost = False
            self._sent = time.monotonic()

    def finish(self, forecaster: MetaForecaster) -> None:
        """Log all that is known of a fitted forecaster, and the forecaster."""
        history = forecaster.history_
        is_there = False
        with _warned("losses and scores could not be logged, nor anything after them"):
            self._add_earlier(forecaster)
            self._add((name, history.step, v) for name, v in scores_of(forecaster).items())
            self._send()
            self.describe(choices_of(forecaster), {"stopped_by": history.stopped_by})
            is_there = True
        if is_there:
            with _warned("the report could not be logged"):
                self._log_report(forecaster)
            with _warned("the model could not be logged"):
                from tsmaml_mlflow import log_model

                log_model(forecaster, reading=self.reading, run_id=self.run_id, step=history.step)
        self._end(_STATUS.get(history.stopped_by, "FINISHED"))

    def fail(self, error: BaseException) -> None:
        """Log what there is of a fit that ended with an error."""
        with _warned("losses could not be logged"):
            self._send()
            self.describe({}, {"error": f"{type(error).__name__}: {error}"[:5000]})
        self._end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")

    def _add(self, found: Iterator[tuple[str, int, float]]) -> None:
        now = int(1000 * time.time())
        for name, step, value in found:
            self._seen.add((name, step))
            self._waiting.append(Metric(name, value, now, step))

    def _add_earlier(self, forecaster: MetaForecaster) -> None:
        """Losses from before the fit was resumed, but for those that the run has from then."""
        missing = [one for one in curve_of(forecaster.history_) if one[:2] not in self._seen]
        for name in {name for name, _, _ in missing}:
            stored = self._client.get_metric_history(self.run_id, name)
            self._seen.update((name, metric.step) for metric in stored)
        self._add(one for one in missing if one[:2] not in self._seen)

    def _send(self) -> None:
        while self._waiting:
            self._client.log_batch(self.run_id, metrics=self._waiting[:MOST_METRICS])
            del self._waiting[:MOST_METRICS]

    def _log_report(self, forecaster: MetaForecaster) -> None:
        from tsmaml.report import write_report

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.html"
            try:
                write_report(forecaster, path, title=f"Run {self.run_id}")
            except MissingDependencyError as error:
                warnings.warn(f"MLflow: the run has no report. {error}", stacklevel=2)
                return
            self._client.log_artifact(self.run_id, str(path))

    def _end(self, status: str) -> None:
        if not self.is_own:
            return
        # MLflow tells where the run can be seen on stdout, which is for data.
        with _warned("the run could not be ended"), contextlib.redirect_stdout(sys.stderr):
            mlflow.end_run(status)


@contextlib.contextmanager
def _warned(what: str) -> Iterator[None]:
    """Turn what MLflow raises into a warning."""
    try:
        yield
    except Exception as error:  # stores and servers fail in any way
        reason = f"{type(error).__name__}: {error}"
        warnings.warn(f"MLflow at {mlflow.get_tracking_uri()}: {what}. {reason}", stacklevel=3)
