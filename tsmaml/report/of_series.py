"""What a report says of series, and of a forecaster on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tsmaml.evaluation import pages
from tsmaml.report import figures
from tsmaml.report.judging import ADAPTED, LEVELS, Judged, judge, known_series
from tsmaml.report.sections import Section, Table
from tsmaml.series import SeriesCollection
from tsmaml.series.facts import described, summary
from tsmaml.series.words import counted

if TYPE_CHECKING:
    import numpy as np

    from tsmaml.evaluation import Evaluation
    from tsmaml.evaluation.request import Baselines, Stage
    from tsmaml.forecaster import MetaForecaster

# Series of which the table shows that they gained most, and least.
_SHOWN = 5


def about_series(
    forecaster: MetaForecaster,
    collection: SeriesCollection,
    baselines: Baselines,
    on_stage: Callable[[Stage], None] | None,
) -> list[Section]:
    """What the series are, and how the forecaster does on them."""
    data = Section("data", "The series")
    facts = summary(collection)
    data.tables.append(Table(("", ""), list(described(facts).items()), numbers=False))
    data.sentences += [f"{facts['source']}.", *facts["notes"]]
    seen = known_series(forecaster, collection)
    if seen:
        data.sentences.append(
            f"The model's meta-training has seen {seen} of these {len(collection)} series: scores "
            "of those flatter it. Scores on held-out series do not."
        )
    judged = judge(forecaster, collection, baselines, on_stage)
    if judged is None:
        data.sentences.append("All are too short to forecast points of them that are known.")
        return [data]
    evaluation = judged.evaluation
    return [data, _scored(evaluation), _few_shot(evaluation), _cases(judged), _adapted(judged)]


def _scored(evaluation: Evaluation) -> Section:
    section = Section("scores", "On these series")
    cutoffs = evaluation.forecasts.groupby("unique_id")["cutoff"].nunique().max()
    section.sentences += [
        f"{counted(len(evaluation.series), 'series')}, forecast from {counted(int(cutoffs), 'cutoff')} "
        "at their ends.",
        *evaluation.warnings,
    ]
    heads, rows = pages.table(evaluation, metrics=("mase", "smape", "scaled_crps"))
    section.tables.append(
        Table(
            heads,
            [(_shown(name, evaluation), *cells) for name, *cells in rows],
            caption="Means over the series, with 95 % intervals; lower is better.",
        )
    )
    heads, rows = pages.comparison_rows(evaluation)
    if rows:
        section.tables.append(
            Table(
                heads,
                [(_shown(name, evaluation), *cells) for name, *cells in rows],
                caption="The adapted forecast less each other one: below 0 it is better. p is of a "
                "paired test, series by series.",
            )
        )
    inside = _coverage(evaluation)
    if inside:
        section.draw(
            "calibration",
            figures.coverage(LEVELS, inside),
            "Share of the truth inside the intervals, adapted: "
            + ", ".join(
                f"{share:.0%} of {level:g} %"
                for level, share in zip(LEVELS, inside[ADAPTED], strict=True)
            )
            + ". Below the line intervals are too narrow, above it too wide.",
        )
    return section


def _shown(name: str, evaluation: Evaluation) -> str:
    """A forecast as the page calls it."""
    return {evaluation.settings["model"]: ADAPTED}.get(name, name.replace("_", " "))


def _coverage(evaluation: Evaluation) -> dict[str, list[float]]:
    """Share of the truth inside each level, by forecast that has intervals."""
    means = evaluation.summary()
    means = means[means["metric"].str.startswith("coverage")]
    return {
        _shown(str(name), evaluation): list(rows["value"])
        for name, rows in means.groupby("model", sort=False)
    }


def _few_shot(evaluation: Evaluation) -> Section:
    section = Section("few-shot", "How much history it needs")
    count = counted(int(evaluation.curves["n_series"].max()), "series")
    section.draw(
        "few-shot-curve",
        figures.lines(_curve(evaluation, "history"), "points of history", "MASE", logarithmic=True),
        f"MASE of the last points of {count} when no more of their history is given than so many "
        "points; each is adapted to by itself.",
    )
    section.draw(
        "inner-steps-curve",
        figures.lines(_curve(evaluation, "inner_steps"), "inner steps", "MASE", logarithmic=False),
        "MASE after so many inner steps on each whole history, whether or not they help it.",
    )
    return section


def _curve(evaluation: Evaluation, curve: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    frame = evaluation.curves
    frame = frame[(frame["curve"] == curve) & (frame["metric"] == "mase")]
    return {
        _shown(str(name), evaluation): (rows["at"].to_numpy(), rows["value"].to_numpy())
        for name, rows in frame.groupby("model", sort=False)
    }


def _cases(judged: Judged) -> Section:
    section = Section("cases", "Best, median and worst series")
    for what, mase, one in judged.cases:
        section.draw(
            f"{what.lower()}-series",
            figures.fan(one),
            f"{what}: {one.name}, MASE {mase:.3f} over its cutoffs; the band is 80 %.",
        )
    return section


def _adapted(judged: Judged) -> Section:
    section = Section("gains", "What adapting did to them")
    explained = judged.explained
    is_used = explained["used"] == "adapted"
    errors = explained[["zero_step_error", "adapted_error"]].dropna()
    others = ", the others by their zero-step forecast, which was better on points held back"
    section.sentences.append(
        f"{int(is_used.sum())} of {len(explained)} series are forecast adapted"
        f"{'' if is_used.all() else others}."
    )
    if len(errors):
        gains = 1 - errors["adapted_error"].sum() / errors["zero_step_error"].sum()
        section.sentences.append(
            f"On points held back from it adapting {'lowers' if gains >= 0 else 'raises'} the "
            f"model's loss by {abs(gains):.1%} over all series."
        )
        section.draw(
            "gains-by-series",
            figures.gains(*errors.to_numpy().T),
            "Loss on points held back from adaptation, a mark for each series; below the line "
            "adapting helps.",
        )
    most = explained.assign(gain=explained["zero_step_error"] - explained["adapted_error"])
    most = most.dropna(subset="gain").sort_values("gain", ascending=False, kind="stable")
    rows = [
        (
            str(row[0]),
            str(row.used),
            f"{row.zero_step_error:.3f}",
            f"{row.adapted_error:.3f}",
            str(row.inner_steps),
            str(row.support_windows),
        )
        for row in (
            *most.head(_SHOWN).itertuples(index=False),
            *most.tail(_SHOWN).itertuples(index=False),
        )
    ]
    if rows:
        section.tables.append(
            Table(
                ("series", "used", "zero-step loss", "adapted loss", "steps", "windows"),
                list(dict.fromkeys(rows)),
                caption="Series that gain most from adapting, and least.",
            )
        )
    return section
