"""Fits of tsmaml in MLflow, and models of tsmaml as models of MLflow.

With the package installed a fit is logged where it is asked for: inside ``mlflow.start_run()``, or where
one of the environment variables :data:`ASKING` is set. Nothing here imports MLflow before it is used, so
that commands stay quick.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmaml import hookimpl

if TYPE_CHECKING:
    from mlflow.models import Model
    from mlflow.models.model import ModelInfo

    from tsmaml import MetaForecaster, SeriesCollection
    from tsmaml.engine import Progress
    from tsmaml.series.options import ReadOptions

# Where one of these is set, a fit outside of any run is logged to a run of its own.
ASKING = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_RUN_ID",
)
# The run of the fit that is under way; MLflow's active run is a matter of the thread too.
_here = threading.local()


def is_asked_for() -> bool:
    """Whether a fit that begins now is to be logged."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is not None:
        return True
    return any(os.environ.get(name) for name in ASKING)


@hookimpl
def fit_started(forecaster: MetaForecaster, collection: SeriesCollection) -> None:
    """Open a run, or take the one that is active, and log what the fit was asked for."""
    _here.run = None
    if is_asked_for():
        from tsmaml_mlflow.tracking import begin

        _here.run = begin(forecaster, collection)


@hookimpl
def step_done(progress: Progress) -> None:
    """Log the losses of some outer steps."""
    if (run := getattr(_here, "run", None)) is not None:
        run.tell(progress)


@hookimpl
def validated(progress: Progress) -> None:
    """Log the losses of the validation tasks."""
    if (run := getattr(_here, "run", None)) is not None:
        run.tell(progress)


@hookimpl
def fit_finished(forecaster: MetaForecaster) -> None:
    """Log scores, the report and the model, and end a run that was opened for the fit."""
    if (run := getattr(_here, "run", None)) is not None:
        _here.run = None
        run.finish(forecaster)


@hookimpl
def fit_failed(error: BaseException) -> None:
    """End a run that was opened for the fit, as failed."""
    if (run := getattr(_here, "run", None)) is not None:
        _here.run = None
        run.fail(error)


def save_model(
    forecaster: MetaForecaster,
    path: str | Path,
    *,
    reading: ReadOptions | None = None,
    mlflow_model: Model | None = None,
) -> None:
    """Write a fitted forecaster to a folder as a model of MLflow, with the flavours tsmaml and pyfunc.

    Args:
        forecaster: what to write; parts that are functions have to be handed over again in
            :func:`load_model`, and can't be loaded as a pyfunc.
        path: of the folder, which is made.
        reading: how the pyfunc reads its frames, where that is not by default: ``id_col``,
            ``time_col``, ``target_col``, ``gaps``, ``duplicates``.
        mlflow_model: what describes the model; MLflow gives it when it logs one.

    Raises:
        UsageError: if the forecaster is not fitted.
        ArtifactError: if it holds what a model file can't.
    """
    from tsmaml_mlflow.flavour import save

    save(forecaster, path, dict(reading or {}), mlflow_model)


def log_model(
    forecaster: MetaForecaster,
    name: str = "model",
    *,
    reading: ReadOptions | None = None,
    run_id: str | None = None,
    step: int = 0,
    registered_model_name: str | None = None,
) -> ModelInfo:
    """Log a fitted forecaster as a model of MLflow.

    Args:
        forecaster, reading: see :func:`save_model`.
        name: of the model.
        run_id: the run to log it to; None: the active one, or none.
        step: metrics of the run at this step become the model's.
        registered_model_name: also make a version of this registered model.

    Returns:
        what MLflow knows of it; its ``model_uri`` is what :func:`load_model` takes.
    """
    from mlflow.models import Model

    return Model.log(
        None,
        sys.modules[__name__],
        name=name,
        run_id=run_id,
        step=step,
        registered_model_name=registered_model_name,
        forecaster=forecaster,
        reading=reading,
    )


def load_model(uri: str | Path, **parts: Any) -> MetaForecaster:
    """Load the forecaster of a model of MLflow; nothing in the model is run.

    Args:
        uri: ``models:/NAME/VERSION``, ``models:/ID``, ``runs:/ID/model``, or the path of a folder.
        parts: ``model``, ``loss``, ``tasks`` or ``algorithm``: functions that were given in Python,
            see :meth:`tsmaml.MetaForecaster.load`.

    Raises:
        ArtifactError: if it is no model of tsmaml.
    """
    from tsmaml_mlflow.flavour import load

    return load(uri, parts)


def _load_pyfunc(path: str, model_config: dict[str, Any] | None = None) -> Any:
    """What ``mlflow.pyfunc.load_model`` calls."""
    from tsmaml_mlflow.flavour import Pyfunc

    return Pyfunc(path, model_config or {})
