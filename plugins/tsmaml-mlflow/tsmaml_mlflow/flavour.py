"""A forecaster as a model of MLflow: a ``.tsmaml`` file and what MLflow wants to know of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

from tsmaml import MetaForecaster, artifacts
from tsmaml.errors import ArtifactError

if TYPE_CHECKING:
    import pandas as pd

FLAVOUR = "tsmaml"
FILE = "model.tsmaml"
_DEFAULT = {"id_col": "unique_id", "time_col": "ds", "target_col": "y"}
# What the numbers depend on, beside tsmaml and the plugins of the parts.
_PACKAGES = ("tsmaml", "tsmaml-mlflow", "mlflow-skinny", "tensorflow", "keras", "numpy", "pandas")


def save(
    forecaster: MetaForecaster,
    path: str | Path,
    reading: Mapping[str, Any],
    mlflow_model: Model | None = None,
) -> None:
    """See :func:`tsmaml_mlflow.save_model`."""
    import tsmaml

    names = _names(reading)
    model = Model() if mlflow_model is None else mlflow_model
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        forecaster.save(file)
        manifest = artifacts.check(file, "forecaster")
        model.signature = signature(manifest, names)
        model.add_flavor(FLAVOUR, tsmaml_version=tsmaml.__version__, data=f"data/{FILE}")
        mlflow.pyfunc.save_model(
            str(path),
            loader_module="tsmaml_mlflow",
            data_path=str(file),
            mlflow_model=model,
            model_config={**reading, **names},
            pip_requirements=requirements(manifest),
        )


def load(uri: str | Path, parts: Mapping[str, Any]) -> MetaForecaster:
    """See :func:`tsmaml_mlflow.load_model`."""
    folder = Path(mlflow.artifacts.download_artifacts(str(uri)))
    is_model = folder.joinpath("MLmodel").is_file()
    flavours = Model.load(str(folder)).flavors if is_model else {}
    if FLAVOUR not in flavours:
        raise ArtifactError(
            f"{uri} is no model of tsmaml"
            + (f"; its flavours are {', '.join(flavours)}." if flavours else "."),
            hint="Models of tsmaml are made by tsmaml_mlflow.log_model, or a fit that is tracked.",
        )
    return MetaForecaster.load(folder / flavours[FLAVOUR]["data"], **parts)


def signature(manifest: Mapping[str, Any], names: Mapping[str, str]) -> ModelSignature:
    """Columns of the pyfunc's frames, and its parameters.

    Columns are of any type: times may be dates, text or numbers, and MLflow would refuse whole
    numbers where a column was declared as double.
    """
    columns = [*names.values(), *(name for role in _roles(manifest).values() for name in role)]
    made = [ColSpec(AnyType(), names["id_col"]), ColSpec(AnyType(), names["time_col"])]
    parameters = [
        ParamSpec("h", "long", manifest["choices"]["h"]),
        ParamSpec("level", "double", [], (-1,)),
        ParamSpec("quantiles", "double", [], (-1,)),
        ParamSpec("adapt_to", "string", None),
        ParamSpec("inner_steps", "long", None),
        ParamSpec("with_zero_step", "boolean", False),
    ]
    return ModelSignature(
        Schema([ColSpec(AnyType(), name) for name in columns]),
        Schema([*made, ColSpec("double", "TSMAML")]),
        ParamSchema(parameters),
    )


def requirements(manifest: Mapping[str, Any]) -> list[str]:
    """What to install to use a model: the versions that are here, and the plugins of its parts."""
    plugins = {
        part["plugin"]: part["version"] for part in manifest["parts"].values() if part["plugin"]
    }
    here = {name: metadata.version(name) for name in _PACKAGES}
    return [f"{name}=={version}" for name, version in {**plugins, **here}.items()]


class Pyfunc:
    """Forecasts of a frame, as MLflow asks for them.

    Args:
        path: of the ``.tsmaml`` file.
        reading: options of reading, see :func:`tsmaml_mlflow.save_model`.
    """

    def __init__(self, path: str, reading: Mapping[str, Any]) -> None:
        self.forecaster = MetaForecaster.load(path)
        self._names = _names(reading)
        self._reading = {**reading, **self._names}
        self._roles = _roles(artifacts.check(path, "forecaster"))

    def predict(self, frame: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Adapt to every series of a long frame and forecast it.

        Args:
            frame: id, time and target; historic, future and static columns, if the model has any.
                Rows at the end of a series that have no target tell its future columns.
            params: ``h``, ``level``, ``quantiles``, ``adapt_to``, ``inner_steps`` and
                ``with_zero_step``, as :meth:`tsmaml.MetaForecaster.predict` takes them.

        Returns:
            frame ``unique_id, ds, TSMAML[, TSMAML-lo-80, TSMAML-hi-80, ...]``.
        """
        # MLflow has no lists that are absent, only empty ones.
        asked = {name: value for name, value in (params or {}).items() if value not in (None, [])}
        series, beside = self._apart(frame)
        return self.forecaster.predict(series, **asked, **beside, **self._reading)

    def _apart(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
        """The series, and the tables that tsmaml wants beside them."""
        name, time, target = self._names.values()
        beside = {}
        if stat := self._roles["stat"]:
            beside["static_df"] = frame[[name, *stat]].drop_duplicates()
            frame = frame.drop(columns=stat)
        if futr := self._roles["futr"]:
            last = frame[frame[target].notna()].groupby(name)[time].max()
            is_ahead = frame[time] > frame[name].map(last)
            if is_ahead.any():
                beside["futr_df"] = frame.loc[is_ahead, [name, time, *futr]]
                frame = frame[~is_ahead]
        return frame, beside


def _names(reading: Mapping[str, Any]) -> dict[str, str]:
    return {option: reading.get(option) or name for option, name in _DEFAULT.items()}


def _roles(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Names of the columns beside the series that a model was trained with, by role."""
    return {
        role: [code["name"] for code in manifest["exogenous"][role]]
        for role in ("hist", "futr", "stat")
    }
