"""An evaluation as a table: of text for a terminal, of HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsmaml.evaluation.evaluation import Evaluation

TITLES = {
    "mae": "MAE",
    "rmse": "RMSE",
    "smape": "sMAPE",
    "mase": "MASE",
    "mape": "MAPE %",
    "scaled_crps": "CRPS",
}


# Differences are shown by these alone, if they are among the metrics; `compare` has them all.
_COMPARED = ("mase", "smape", "scaled_crps")


def title_of(metric: str) -> str:
    """A metric as tables write it: ``mase`` is MASE, ``coverage_80`` is 80 % covers."""
    return TITLES.get(metric, metric.replace("coverage_", "covered by ") + " %")


def headline(evaluation: Evaluation) -> str:
    """What was evaluated, in one line."""
    s = evaluation.settings
    series = evaluation.scores["unique_id"].nunique()
    cutoffs = f"{s['n_windows']} cutoffs, " if s["n_windows"] > 1 else ""
    return f"{s['protocol']}: {series} series, {cutoffs}{s['h']} points ahead"


def table(
    evaluation: Evaluation, metrics: Sequence[str] | None = None
) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: a row for each model (and history), a column for each metric, or for some.

    Cells are means with their bootstrap intervals.
    """
    summary = evaluation.summary()
    metrics = [m for m in dict.fromkeys(summary["metric"]) if metrics is None or m in metrics]
    by = ["history"] if "history" in summary else []
    cells: dict[tuple, dict[str, str]] = {}
    for row in summary.to_dict("records"):
        key = (*(str(row[name]) for name in by), row["model"])
        cells.setdefault(key, {})[row["metric"]] = _cell(row["value"], row["lo"], row["hi"])
    heads = [*by, "", *(title_of(metric) for metric in metrics)]
    return heads, [[*key, *(cell.get(m, "") for m in metrics)] for key, cell in cells.items()]


def _cell(value: float, lower: float, upper: float, digits: int = 4) -> str:
    if value != value:
        return "-"
    return f"{value:.{digits}g} [{lower:.3g}, {upper:.3g}]"


def card(evaluation: Evaluation) -> str:
    """The table, and the warnings above it, as HTML."""
    heads, rows = table(evaluation)
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    notes = "".join(f"<p><em>Note: {escape(note)}</em></p>" for note in evaluation.warnings)
    return (
        f"<div><b>{escape(headline(evaluation))}</b>{notes}<table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table><p>Means over series, with 95 % bootstrap intervals.</p></div>"
    )


def comparison_rows(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: the model against each baseline, by MASE, sMAPE and CRPS if they were asked for."""
    frame = evaluation.compare()
    if not len(frame):
        return [], []
    frame = frame[frame["model"] == evaluation.settings["model"]]
    chosen = frame["metric"].isin(_COMPARED)
    frame = frame[chosen] if chosen.any() else frame
    by = ["history"] if "history" in frame else []
    heads = ["against", *by, "metric", "difference", "p", "better on"]
    rows = [
        [
            row["baseline"],
            *(str(row[name]) for name in by),
            title_of(row["metric"]),
            _cell(row["difference"], row["lo"], row["hi"], 3),
            f"{row['p_value']:.3f}",
            f"{row['better']:.0%} of {row['n_series']}",
        ]
        for row in frame.sort_values("baseline", kind="stable").to_dict("records")
    ]
    return heads, rows


def curve_rows(evaluation: Evaluation) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, heads and rows of each few-shot curve: a row for each point, a column for each model."""
    frame = evaluation.curves
    found = []
    for curve, title, head in (
        ("history", "MASE by points of history:", "points"),
        ("inner_steps", "MASE by inner steps:", "steps"),
    ):
        part = (
            frame[(frame["curve"] == curve) & (frame["metric"] == "mase")] if len(frame) else frame
        )
        if not len(part):
            continue
        models = list(dict.fromkeys(part["model"]))
        wide = part.pivot(index="at", columns="model", values="value")[models]
        rows = [
            [str(at), *(f"{value:.3f}" for value in row)]
            for at, row in zip(wide.index, wide.to_numpy(), strict=True)
        ]
        found.append((title, [head, *models], rows))
    return found
