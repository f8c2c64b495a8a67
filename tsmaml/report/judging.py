"""How a forecaster does on given series, from cutoffs at which the truth is known."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from tsmaml.errors import DataError
from tsmaml.evaluation import Evaluation, evaluate
from tsmaml.evaluation.metrics import bound_names
from tsmaml.evaluation.request import ZERO_STEP, Baselines, Stage
from tsmaml.evaluation.windows import rolling_windows
from tsmaml.plots import Fan, evenly, fans_of
from tsmaml.series import SeriesCollection

if TYPE_CHECKING:
    import pandas as pd

    from tsmaml.forecaster import MetaForecaster

LEVELS = (50.0, 80.0, 90.0)
ADAPTED = "adapted"
_MOST_SERIES = 500
_MOST_CUTOFFS = 3
# Of the fan charts.
_LEVEL = 80.0


class Judged(NamedTuple):
    """Forecasts of series held against what came.

    Attributes:
        evaluation: scores, comparisons with baselines, few-shot curves; with intervals and their
            coverage where the model has some.
        cases: the best, the median and the worst series by MASE of the adapted forecast: what it
            is, its MASE, its forecasts from the last cutoff.
        explained: what adaptation did at the last cutoff, as ``MetaForecaster.explain_``.
    """

    evaluation: Evaluation
    cases: list[tuple[str, float, Fan]]
    explained: pd.DataFrame


def judge(
    forecaster: MetaForecaster,
    collection: SeriesCollection,
    baselines: Baselines,
    on_stage: Callable[[Stage], None] | None,
) -> Judged | None:
    """Forecast up to 500 series from their last three horizons; None where all are too short."""
    _, fit = forecaster._fitted
    sample, h = evenly(collection, _MOST_SERIES), forecaster.choices_.h
    try:
        (last,) = rolling_windows(sample, h, 1, h)
    except DataError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the evaluation has them too
        evaluation = evaluate(
            forecaster,
            sample,
            n_windows=_MOST_CUTOFFS,
            baselines=baselines,
            level=LEVELS if fit.calibration else None,
            metrics=("mase", "smape", *(("scaled_crps", "coverage") if fit.calibration else ())),
            on_stage=on_stage,
        )
        forecaster.predict(last.past)
    return Judged(evaluation, _cases(evaluation, sample), forecaster.explain_)


def known_series(forecaster: MetaForecaster, collection: SeriesCollection) -> int:
    """How many series meta-training has seen, by the hashes of their ids."""
    seen = set(forecaster.fingerprints_)
    return sum(one in seen for one in collection.fingerprints())


def _cases(evaluation: Evaluation, collection: SeriesCollection) -> list[tuple[str, float, Fan]]:
    scores, model = evaluation.scores, evaluation.settings["model"]
    own = scores[(scores["metric"] == "mase") & (scores["model"] == model)]
    ordered = own.dropna(subset="value").sort_values("value", kind="stable")
    if not len(ordered):
        return []
    places: Mapping[str, int] = {"Best": 0, "Median": len(ordered) // 2, "Worst": len(ordered) - 1}
    cases = []
    for what, place in places.items():
        row = ordered.iloc[place]
        alone = collection.select([collection.index_of(row["unique_id"])])
        frame = _last_forecasts(evaluation, row["unique_id"], alone)
        cases.append((what, float(row["value"]), fans_of(alone, frame)[0]))
    return cases


def _last_forecasts(evaluation: Evaluation, name: str, alone: SeriesCollection) -> pd.DataFrame:
    """Adapted forecasts of a series with bounds, and zero-step ones, from its last cutoff."""
    frame, model = evaluation.forecasts, evaluation.settings["model"]
    mine = frame[frame["unique_id"] == name]
    mine = mine[mine["cutoff"] == mine["cutoff"].max()]
    renamed = {
        "unique_id": alone.columns.id,
        "ds": alone.columns.time,
        model: ADAPTED,
        **dict(zip(bound_names(model, _LEVEL), bound_names(ADAPTED, _LEVEL), strict=True)),
        ZERO_STEP: ZERO_STEP,
    }
    return mine[[column for column in renamed if column in mine]].rename(columns=renamed)
