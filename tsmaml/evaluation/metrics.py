"""Metrics of result frames, by utilsforecast's definitions, for any grouping of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tsmaml.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    import pandas as pd

POINT = ("mae", "rmse", "smape", "mase", "mape")
INTERVAL = ("scaled_crps", "coverage")
# utilsforecast gives shares: sMAPE as the competitions have it goes to 200, MAPE is in percent.
_UNITS = {"smape": 200.0, "mape": 100.0}


def metrics_of(metrics: Sequence[str] | None, levels: Sequence[float]) -> tuple[str, ...]:
    """The metrics asked for, or all that can be had.

    Raises:
        UnknownNameError: if there is none of a name.
        UsageError: if a metric of intervals is asked for without levels.
    """
    if metrics is None:
        return (*POINT, *(INTERVAL if levels else ()))
    for name in metrics:
        if name not in POINT + INTERVAL:
            raise UnknownNameError("metric", name, POINT + INTERVAL)
        if name in INTERVAL and not levels:
            raise UsageError(
                f"The metric {name} is one of intervals, and there are none.",
                hint="Ask for them: --level 80,95.",
            )
    return tuple(metrics)


def bound_names(model: str, level: float) -> tuple[str, str]:
    """Columns that hold a model's interval."""
    return f"{model}-lo-{level:g}", f"{model}-hi-{level:g}"


def scored(
    rows: pd.DataFrame,
    by: Sequence[str],
    models: Sequence[str],
    metrics: Sequence[str],
    levels: Sequence[float],
) -> pd.DataFrame:
    """Score the rows of each group.

    Args:
        rows: ``y``, the models and their bounds, ``scale`` (see
            :func:`tsmaml.evaluation.windows.seasonal_errors`), and the columns ``by``.
        by: columns that form the groups.
        models: columns of point forecasts.
        metrics: of :data:`POINT` and :data:`INTERVAL`; the latter for models that have bounds.
        levels: of the intervals, in percent.

    Returns:
        ``*by, metric, model, value``; ``coverage`` is one metric a level, ``coverage_80``. Steps whose
        truth is masked have no part in it.
    """
    import pandas as pd
    from utilsforecast import losses
    from utilsforecast.evaluation import evaluate

    rows = rows.dropna(subset=["y"]).reset_index(drop=True)
    grouped = rows.groupby(list(by), sort=False, dropna=False)
    keys = grouped.head(1)[list(by)].reset_index(drop=True)
    rows = rows.assign(group=grouped.ngroup())
    found = []

    def add(
        frame: pd.DataFrame, functions: list[str], names: list[str], level: list | None
    ) -> None:
        made = evaluate(
            frame[["group", "y", *_columns(names, level or [])]],
            [getattr(losses, function) for function in functions],
            models=names,
            level=level,
            id_col="group",
        )
        found.append(made.melt(["group", "metric"], var_name="model", value_name="value"))

    names = list(models)
    plain = [name for name in POINT if name in metrics and name != "mase"]
    if plain:
        add(rows, plain, names, None)
    if "mase" in metrics:
        scaled = rows[["y", *names]].div(rows["scale"], axis=0).assign(group=rows["group"])
        # A group keeps its place though all its values are missing.
        add(scaled, ["mae"], names, None)
        found[-1]["metric"] = "mase"
    widths: list = [int(level) if level == int(level) else level for level in levels]
    bounded = [name for name in names if {*_columns([name], widths)} <= {*rows.columns}]
    chosen = [name for name in INTERVAL if name in metrics]
    if chosen and bounded:
        add(rows, chosen, bounded, widths)
    if not found:
        return pd.DataFrame(columns=[*by, "metric", "model", "value"])
    scores = pd.concat(found, ignore_index=True)
    scores["metric"] = scores["metric"].str.replace("coverage_level", "coverage_")
    scores["value"] *= scores["metric"].map(_UNITS).fillna(1.0)
    place = scores.pop("group").to_numpy()
    return pd.concat([keys.iloc[place].reset_index(drop=True), scores], axis=1)


def _columns(models: Sequence[str], levels: Sequence[float]) -> list[str]:
    """Columns of point forecasts and of their bounds."""
    bounds = [name for model in models for level in levels for name in bound_names(model, level)]
    return [*models, *bounds]
