"""What a report says of a forecaster by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tsmaml.forecaster.facts import AdaptedLayer, facts_of
from tsmaml.report import figures
from tsmaml.report.sections import Section, Table, scores_table
from tsmaml.series.words import counted

if TYPE_CHECKING:
    from tsmaml.evaluation import Scores
    from tsmaml.forecaster import MetaForecaster


def about_model(forecaster: MetaForecaster) -> list[Section]:
    """What the forecaster alone knows: how it did, how it was trained, what it adapts."""
    pipeline, fit = forecaster._fitted
    facts = facts_of(pipeline, fit)
    return [
        _held_out(fit.report, facts),
        _training(fit, facts),
        _adaptation(facts),
        _intervals(fit.calibration),
        _model(facts),
    ]


def how_to_repeat(
    forecaster: MetaForecaster, command: str | None, plugins: Mapping[str, str]
) -> Section:
    """The commands and the versions, those of the plugins of baselines among them."""
    facts = facts_of(*forecaster._fitted)
    section = Section("repeat", "To repeat it")
    section.code = "\n".join(filter(None, (facts["command"], command)))
    versions = {**facts["versions"], **_plugins(facts), **plugins}
    section.tables.append(Table(("package", "version"), list(versions.items()), numbers=False))
    return section


def headline(report: Scores | None) -> str:
    """The outcome on held-out series in one sentence."""
    if report is None:
        return "It was fitted without held-out series: how good it is, is not known."
    means = report.mean["mase"]
    return (
        f"On {counted(report.n_series, 'held-out series')} its MASE is "
        f"{means['adapted']:.3f}: {_compared(means, 'seasonal naive')}, and "
        f"{_compared(means, 'zero-step')}."
    )


def _compared(means: dict[str, float], other: str) -> str:
    gain = 1 - means["adapted"] / means[other]
    word = "better" if gain >= 0 else "worse"
    return f"{abs(gain):.1%} {word} than {other} ({means[other]:.3f})"


def _held_out(report: Scores | None, facts: dict[str, Any]) -> Section:
    section = Section("held-out", "On held-out series")
    if report is None:
        section.sentences.append("No series were held out: there is nothing to judge the model by.")
        return section
    h = facts["choices"].h
    section.sentences.append(
        f"Nothing was learned or chosen on these series: {counted(h, 'point')} were forecast from "
        f"{counted(report.n_origins, 'origin')} of each."
    )
    section.tables.append(scores_table(report))
    if report.n_constant:
        section.sentences.append(
            f"{counted(report.n_constant, 'series')} whose season never changes have no MASE."
        )
    return section


def _training(fit: Any, facts: dict[str, Any]) -> Section:
    series, words = facts["series"], _ENDS.get(facts["stopped_by"], facts["stopped_by"])
    section = Section("training", "Meta-training")
    section.sentences.append(
        f"{facts['steps']} outer steps on {counted(series['trained'], 'series')}; {words}. "
        f"Kept is step {facts['best_step']}"
        + (
            f", the best on {counted(series['validated'], 'other series')}."
            if series["validated"]
            else "."
        )
    )
    if len(fit.history.curve.query):
        section.draw(
            "training-curve",
            figures.training(fit.history),
            "Loss after adaptation of the tasks trained on; and of series held out to choose the "
            "step that is kept, before and after adaptation.",
        )
    return section


_ENDS = {
    "steps": "all steps were done",
    "patience": "stopped when held-out series no longer gained",
    "interrupt": "stopped by the user",
    "not finite": "stopped when the loss was no longer finite",
}


def _adaptation(facts: dict[str, Any]) -> Section:
    layers: list[AdaptedLayer] = facts["layers"]
    moved = sum(layer.weights for layer in layers)
    section = Section("adaptation", "What adapts")
    section.sentences.append(
        f"{facts['parts']['algorithm']['name']} moves {moved:,} of the model's "
        f"{facts['weights']:,} weights for a new series."
    )
    section.tables.append(
        Table(
            ("layer", "weights", "inner rate"),
            [
                (
                    layer.name,
                    f"{layer.weights:,}",
                    "closed form" if layer.rate is None else f"{layer.rate:.4g}",
                )
                for layer in layers
            ],
            caption="Inner rates are those that meta-training ended with.",
        )
    )
    return section


def _intervals(calibration: Any) -> Section:
    section = Section("intervals", "Intervals")
    if not calibration:
        section.sentences.append("There are none: no series were held out to calibrate them on.")
        return section
    count = len(calibration["point"])
    section.sentences.append(
        f"Calibrated on {counted(count, 'window')} of series that were not trained on. A new "
        "series' intervals are these widths times the scale of its own last values."
    )
    section.draw(
        "interval-widths",
        figures.interval_widths(calibration),
        "Half width of the intervals around the point forecast; levels that the windows are too "
        "few for are left out.",
    )
    return section


def _model(facts: dict[str, Any]) -> Section:
    choices = facts["choices"]
    rows = [
        ("forecast horizon", f"{counted(choices.h, 'point')} ({choices.reasons['h']})"),
        ("looks back", f"{counted(choices.input_size, 'point')} ({choices.reasons['input_size']})"),
        ("season", f"{choices.season_length} ({choices.reasons['season_length']})"),
        ("frequency", choices.frequency),
    ]
    for role, part in facts["parts"].items():
        origin = "given in Python" if part["plugin"] is None else part["help"]
        rows.append((_ROLES[role], f"{part['name']}: {origin}"))
    rows += [
        (name.replace("_", " "), str(value))
        for name, value in facts["options"].items()
        if name not in _SAID
    ]
    section = Section("model", "The model")
    section.tables.append(Table(("", ""), rows, numbers=False))
    return section


# Options that other rows show.
_SAID = ("h", "input_size", "season_length", "model", "loss", "tasks", "algorithm")
_ROLES = {"model": "model", "loss": "loss", "tasks": "task builder", "algorithm": "algorithm"}


def _plugins(facts: dict[str, Any]) -> dict[str, str]:
    return {
        part["plugin"]: str(part["version"])
        for part in facts["parts"].values()
        if part["plugin"] not in (None, "tsmaml")
    }
