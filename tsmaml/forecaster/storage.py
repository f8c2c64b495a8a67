"""A fitted forecaster as a ``.tsmaml`` file, and back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from tsmaml import artifacts
from tsmaml.errors import (
    ArtifactError,
    MissingDependencyError,
    TrainingError,
    UnknownNameError,
    UsageError,
)
from tsmaml.evaluation import Scores
from tsmaml.forecaster.adapted import AdaptedSeries
from tsmaml.forecaster.fitting import Fit
from tsmaml.forecaster.pipeline import Pipeline, build
from tsmaml.forecaster.settings import Settings
from tsmaml.plugins import Part, registry
from tsmaml.series.defaults import Choices
from tsmaml.tasks.encoding import Encoder

KIND = "forecaster"
ROLES = ("model", "loss", "tasks", "algorithm")


def save(path: str | Path, pipeline: Pipeline, fit: Fit, kept: AdaptedSeries | None) -> None:
    """Write everything that forecasting needs; no code, and of the training data only id hashes."""
    import tsmaml

    settings = {field.name: getattr(pipeline.settings, field.name) for field in fields(Settings)}
    settings.update({role: pipeline.parts[role].name for role in ROLES})
    manifest: dict[str, Any] = {
        "tsmaml": tsmaml.__version__,
        "settings": {name: _plain(value) for name, value in settings.items()},
        "choices": asdict(pipeline.choices),
        "exogenous": pipeline.encoder.manifest(),
        "parts": {role: _provenance(part) for role, part in _parts_of(pipeline).items()},
        "training": {
            "steps": fit.history.step,
            "best_step": fit.history.best_step,
            "stopped_by": fit.history.stopped_by,
            "series": [fit.n_train, fit.n_validation, fit.n_report],
            "fingerprints": fit.fingerprints,
            "source": fit.source,
            "versions": fit.versions,
            "command": fit.command,
            "report": None if fit.report is None else _facts_of(fit.report),
        },
        "adapted": None if kept is None else kept.manifest(),
    }
    arrays = pipeline.learner.arrays()
    arrays.update(fit.history.curve.arrays())
    if fit.report is not None:
        arrays["report"] = np.array([list(means.values()) for means in fit.report.mean.values()])
    arrays.update({f"calibration/{name}": part for name, part in fit.calibration.items()})
    arrays.update({} if kept is None else kept.arrays())
    artifacts.save(path, KIND, manifest, arrays)


def load(
    path: str | Path, given: Mapping[str, str | Callable[..., Any] | None]
) -> tuple[Pipeline, Fit, AdaptedSeries | None]:
    """Read a model back and put its parts together.

    Args:
        path: the file.
        given: parts that the user made in Python and hands over again, by role.

    Raises:
        NotFoundError, ArtifactError: if the file can't be used.
        MissingDependencyError: if a plugin that it needs is not installed; names it and its version.

    Warns:
        UserWarning: if a plugin is there in another version.
    """
    from tsmaml.engine import History
    from tsmaml.engine.curve import Curve

    manifest, arrays = artifacts.load(path, KIND)
    try:
        stored = dict(manifest["settings"])
        for role in ROLES:
            stored[role] = _part_again(path, role, manifest["parts"][role], given.get(role))
        settings = Settings(**stored)
        choices = Choices(**manifest["choices"])
        encoder = Encoder.restore(manifest["exogenous"])
        training = manifest["training"]
        n_train, n_validation, n_report = training["series"]
        ended = (training["steps"], training["best_step"], training["stopped_by"])
        history = History([], *ended, Curve.restored(arrays))
        fit = Fit(
            history,
            report=_scores_of(training.get("report"), arrays),
            n_train=n_train,
            n_validation=n_validation,
            n_report=n_report,
            fingerprints=list(training["fingerprints"]),
            source=training.get("source", ""),
            versions=training.get("versions", {}),
            command=training.get("command"),
        )
        adapted = manifest["adapted"]
    except UnknownNameError as error:
        raise _not_installed(path, error, manifest["parts"]) from None
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise ArtifactError(f"{path} is damaged: its manifest does not fit ({error}).") from None
    try:
        pipeline = build(settings, choices, encoder)
        pipeline.learner.load_arrays(arrays)
    except UnknownNameError as error:
        raise _not_installed(path, error, manifest["parts"]) from None
    except TrainingError as error:
        raise ArtifactError(
            f"{path} does not fit the parts that are installed: {error.message}",
            hint=f"It was fitted with {_versions(manifest['parts'])}.",
        ) from None
    _warn_of_other_versions(path, manifest["parts"], _parts_of(pipeline))
    fit.calibration = {
        name.removeprefix("calibration/"): np.array(part)
        for name, part in arrays.items()
        if name.startswith("calibration/")
    }
    kept = None if adapted is None else AdaptedSeries.restore(adapted, arrays)
    return pipeline, fit, kept


def _facts_of(report: Scores) -> dict[str, Any]:
    """What the array of means holds, and of how many series; no ids."""
    return {
        "metrics": list(report.mean),
        "forecasts": list(next(iter(report.mean.values()))),
        "counts": [report.n_series, report.n_constant, report.n_origins],
    }


def _scores_of(facts: Mapping[str, Any] | None, arrays: Mapping[str, np.ndarray]) -> Scores | None:
    """Scores as far as a file holds them: their means."""
    import pandas as pd

    if facts is None:
        return None
    mean = {
        metric: dict(zip(facts["forecasts"], row, strict=True))
        for metric, row in zip(facts["metrics"], arrays["report"].tolist(), strict=True)
    }
    frame = pd.DataFrame(columns=["unique_id", "metric", *facts["forecasts"]])
    return Scores(frame, mean, *facts["counts"])


def _plain(value: Any) -> Any:
    """A JSON value of the same meaning; an option that has none is an error at once."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    raise ArtifactError(
        f"An option has the value {value!r}, which a model file can't hold.",
        hint="Options that are numbers, texts or lists of them can be saved.",
    )


def _provenance(part: Part) -> dict[str, str | None]:
    return {"name": part.name, "plugin": part.plugin, "version": part.version}


def _part_again(
    path: str | Path,
    role: str,
    stored: Mapping[str, str | None],
    given: str | Callable[..., Any] | None,
) -> str | Callable[..., Any]:
    if given is not None:
        return given
    if stored["plugin"] is None:
        raise ArtifactError(
            f"{path} was fitted with the {role} {stored['name']!r}, a function given in Python, "
            "which a model file can't hold.",
            hint=f"Hand it over again: MetaForecaster.load(path, {role}={stored['name']}).",
        )
    return str(stored["name"])


def _parts_of(pipeline: Pipeline) -> dict[str, Part]:
    """The parts by role, the scaling of windows among them."""
    return {**pipeline.parts, "scaling": registry().get("scaling", pipeline.settings.scaling)}


def _not_installed(
    path: str | Path, error: UnknownNameError, parts: Mapping[str, Mapping[str, str | None]]
) -> MissingDependencyError:
    """What to install, or why what is installed can't be used."""
    broken = {one.plugin: one.reason for one in registry().broken()}
    there = {part.plugin for part in registry().parts()}
    hints = {
        f"{part['plugin']} is installed, but can't be used: {broken[str(part['plugin'])]}"
        if part["plugin"] in broken
        else f"Install it: python -m pip install {part['plugin']}=={part['version']}"
        for part in parts.values()
        if part["plugin"] is not None and part["plugin"] not in there
    }
    stored = (
        f"It was fitted with {_versions(parts)}; the versions that are installed have no such part."
    )
    return MissingDependencyError(
        f"{path} was fitted with a part that is not installed here. {error.message}",
        hint="; ".join(sorted(hints)) or stored,
    )


def _warn_of_other_versions(
    path: str | Path, parts: Mapping[str, Mapping[str, str | None]], here: Mapping[str, Part]
) -> None:
    """Say which plugins are not those that the file was fitted with; a file names tsmaml's own."""
    others = {
        f"{stored['plugin']} {stored['version']} ({here[role].version} is installed)"
        for role, stored in parts.items()
        if stored["plugin"] not in (None, "tsmaml")
        and stored["plugin"] == here[role].plugin
        and stored["version"] != here[role].version
    }
    if others:
        warnings.warn(
            f"{path} was fitted with {', '.join(sorted(others))}; its forecasts may differ.",
            stacklevel=4,
        )


def _versions(parts: Mapping[str, Mapping[str, str | None]]) -> str:
    return ", ".join(
        sorted({f"{part['plugin']} {part['version']}" for part in parts.values() if part["plugin"]})
    )
