"""What a fitted forecaster is, as plain values: for reports and for notebooks."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from tsmaml.forecaster.fitting import Fit
from tsmaml.forecaster.pipeline import Pipeline
from tsmaml.forecaster.settings import Settings

# The stack, block or layer of a variable's path; Keras numbers unnamed layers process by process.
_COUNTED = re.compile(r"_\d+$")


@dataclass(frozen=True)
class AdaptedLayer:
    """A layer that adaptation moves.

    Attributes:
        name: of the layer.
        weights: how many numbers.
        rate: of the inner loop, the mean over its steps or weights; None where there is none.
    """

    name: str
    weights: int
    rate: float | None


def adapted_layers(pipeline: Pipeline) -> list[AdaptedLayer]:
    """The layers that adaptation moves, in the order of the model, and the learned rates."""
    problem = pipeline.learner.problem
    rates = [np.asarray(part) for part in pipeline.learner.meta.rates]
    algorithm = problem.algorithm
    found: dict[int, list[int]] = {}
    for place, layer in enumerate(problem.layers):
        found.setdefault(layer, []).append(place)
    layers = []
    for layer, places in found.items():
        if algorithm.solver == "ridge":
            rate = None
        elif algorithm.learned_rates is None:
            rate = float(algorithm.rate)
        elif algorithm.learned_rates == "parameter":
            rate = float(np.mean(np.concatenate([rates[place].ravel() for place in places])))
        else:
            rate = float(np.mean(rates[0] if rates[0].ndim == 0 else rates[0][layer]))
        numbers = [problem.chosen[place] for place in places]
        name = problem.net.names[numbers[0]].rpartition("/")[0] or problem.net.names[numbers[0]]
        weights = sum(int(np.prod(problem.net.shapes[number])) for number in numbers)
        layers.append(AdaptedLayer(_COUNTED.sub("", name), weights, rate))
    return _told_apart(layers)


def _told_apart(layers: list[AdaptedLayer]) -> list[AdaptedLayer]:
    """Layers of one name counted from 1: Keras counts on through a process."""
    names = [layer.name for layer in layers]
    seen: dict[str, int] = {}
    found = []
    for layer in layers:
        seen[layer.name] = seen.get(layer.name, 0) + 1
        number = f" {seen[layer.name]}" if names.count(layer.name) > 1 else ""
        found.append(replace(layer, name=layer.name + number))
    return found


def facts_of(pipeline: Pipeline, fit: Fit) -> dict[str, Any]:
    """Parts, choices, training and provenance of a forecaster, by name.

    Returns:
        ``parts`` (name, plugin, version and help by role), ``choices``, ``options`` (settings that
        differ from the defaults), ``weights`` (of the model), ``layers`` (see :class:`AdaptedLayer`),
        ``series`` (trained, validated, reported), ``steps``, ``best_step``, ``stopped_by``,
        ``source``, ``versions``, ``command``.
    """
    problem, history = pipeline.learner.problem, fit.history
    return {
        "parts": {
            role: {
                "name": part.name,
                "plugin": part.plugin,
                "version": part.version,
                "help": part.help,
            }
            for role, part in pipeline.parts.items()
        },
        "choices": pipeline.choices,
        "options": _options(pipeline.settings),
        "weights": sum(int(np.prod(shape)) for shape in problem.net.shapes),
        "layers": adapted_layers(pipeline),
        "series": {
            "trained": fit.n_train,
            "validated": fit.n_validation,
            "reported": fit.n_report,
        },
        "steps": history.step,
        "best_step": history.best_step,
        "stopped_by": history.stopped_by,
        "source": fit.source,
        "versions": fit.versions,
        "command": fit.command or call_text(pipeline.settings, fit.source),
    }


def call_text(settings: Settings, source: str) -> str:
    """The call in Python that fits a forecaster of these settings."""
    given = ", ".join(f"{name}={_text(value)}" for name, value in _options(settings).items())
    data = "df" if source in ("", "data frame") else repr(source)
    return f"MetaForecaster({given}).fit({data})"


def _options(settings: Settings) -> dict[str, Any]:
    """Settings that differ from the defaults (of the algorithm's options: from those it has)."""
    default = Settings(algorithm=settings.algorithm)
    found = {field.name: _listed(getattr(settings, field.name)) for field in fields(Settings)}
    return {
        name: value
        for name, value in found.items()
        if value != _listed(getattr(default if name == "algorithm_options" else Settings(), name))
    }


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    return value.__name__ if hasattr(value, "__name__") else repr(value)
