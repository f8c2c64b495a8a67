"""What a report says of series, and of a forecaster on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsmaml.report import figures
from tsmaml.report.judging import Judged, judge, known_series
from tsmaml.report.sections import Section, Table, scores_table
from tsmaml.series import SeriesCollection
from tsmaml.series.facts import described, summary
from tsmaml.series.words import counted

if TYPE_CHECKING:
    from tsmaml.forecaster import MetaForecaster

# Series of which the table shows that they gained most, and least.
_SHOWN = 5


def about_series(forecaster: MetaForecaster, collection: SeriesCollection) -> list[Section]:
    """What the series are, and how the forecaster does on them."""
    _, fit = forecaster._fitted
    data = Section("data", "The series")
    facts = summary(collection)
    data.tables.append(Table(("", ""), list(described(facts).items()), numbers=False))
    data.sentences += [f"{facts['source']}.", *facts["notes"]]
    seen = known_series(fit, collection)
    if seen:
        data.sentences.append(
            f"The model's meta-training has seen {seen} of these {len(collection)} series: scores "
            "of those flatter it. Scores on held-out series do not."
        )
    judged = judge(forecaster, collection)
    if judged is None:
        data.sentences.append("All are too short to forecast points of them that are known.")
        return [data]
    return [data, _scored(judged), _few_shot(judged), _cases(judged), _adapted(judged)]


def _scored(judged: Judged) -> Section:
    section = Section("scores", "On these series")
    section.sentences.append(
        f"{counted(judged.scores.n_series, 'series')}, forecast from "
        f"{counted(judged.scores.n_origins, 'origin')} at their ends."
    )
    section.tables.append(scores_table(judged.scores))
    if judged.coverage:
        levels = list(judged.coverage)
        section.draw(
            "calibration",
            figures.coverage(levels, {"adapted": list(judged.coverage.values())}),
            "Share of the truth inside the intervals: "
            + ", ".join(f"{judged.coverage[level]:.0%} of {level:g} %" for level in levels)
            + ". Below the line intervals are too narrow, above it too wide.",
        )
    return section


def _few_shot(judged: Judged) -> Section:
    section = Section("few-shot", "How much history it needs")
    if not judged.few_shot:
        section.sentences.append("The series are too short to be cut.")
        return section
    section.draw(
        "few-shot-curve",
        figures.lines(judged.few_shot, "points of history", "MASE", logarithmic=True),
        f"MASE of the last points of {counted(judged.few_shot_series, 'series')} when no more of "
        "their history is given than so many points; each is adapted to by itself.",
    )
    return section


def _cases(judged: Judged) -> Section:
    section = Section("cases", "Best, median and worst series")
    for what, mase, one in judged.cases:
        section.draw(
            f"{what.lower()}-series",
            figures.fan(one),
            f"{what}: {one.name}, MASE {mase:.3f} from the last origin; the band is 80 %.",
        )
    return section


def _adapted(judged: Judged) -> Section:
    section = Section("gains", "What adapting did to them")
    explained = judged.explained
    is_used = explained["used"] == "adapted"
    errors = explained[["zero_step_error", "adapted_error"]].dropna()
    section.sentences.append(
        f"{int(is_used.sum())} of {len(explained)} series are forecast adapted, the others by their "
        "zero-step forecast, which was better on points held back from adaptation."
    )
    if len(errors):
        gains = 1 - errors["adapted_error"].sum() / errors["zero_step_error"].sum()
        section.sentences.append(
            f"On those points adapting {'lowers' if gains >= 0 else 'raises'} the model's loss by "
            f"{abs(gains):.1%} over all series."
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
