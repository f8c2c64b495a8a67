"""The run of an evaluation: meta-train, forecast, set baselines beside, score."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.evaluation.curves import few_shot_curves
from tsmaml.evaluation.evaluation import Evaluation
from tsmaml.evaluation.forecasts import (
    Forecast,
    baseline_columns,
    model_columns,
    point_forecasts,
    rows_of_forecast,
)
from tsmaml.evaluation.metrics import scored
from tsmaml.evaluation.protocols import Cut, cuts_of, trainer
from tsmaml.evaluation.request import (
    ZERO_STEP,
    Baselines,
    Forecaster,
    Request,
    Stage,
    horizon_of,
    made,
    resolved,
)
from tsmaml.plugins import Part
from tsmaml.series import SeriesCollection, read_series
from tsmaml.series.words import counted

if TYPE_CHECKING:
    import pandas as pd


def evaluate(
    forecaster: Forecaster,
    df: Any,
    protocol: str = "time",
    *,
    h: int | None = None,
    n_windows: int = 1,
    step_size: int | None = None,
    refit: bool | int = False,
    folds: int = 5,
    lengths: Sequence[int] | None = None,
    baselines: Baselines = ("seasonal_naive",),
    level: Sequence[float] | float | None = None,
    metrics: Sequence[str] | None = None,
    curves: bool = True,
    n_bootstrap: int = 1000,
    seed: int = 0,
    callbacks: Sequence[Callable[..., None]] = (),
    on_stage: Callable[[Stage], None] | None = None,
    **reading: Any,
) -> Evaluation:
    """Forecast what is known already, and compare with baselines.

    Args:
        forecaster: a :class:`tsmaml.MetaForecaster`. A fitted one is judged as it is by ``time`` (unless
            ``refit``) and ``cold-start``; one that is not fitted is meta-trained on what precedes the
            cutoffs. ``series`` always meta-trains anew, with its settings.
        df: data frame, path, or :class:`tsmaml.SeriesCollection`.
        protocol: ``time``: the last ``n_windows`` windows of each series; ``series``: series are
            forecast by forecasters that were meta-trained on other ones; ``cold-start``: the same (or by
            the fitted forecaster), with histories cut to their last ``lengths`` points.
        h: points to forecast; None: the forecaster's horizon.
        n_windows: cutoffs of each series, the last one ``h`` points before its end.
        step_size: points between two cutoffs; None: ``h``.
        refit: meta-train anew for each cutoff, or for every so many.
        folds: parts of the series for ``series`` and ``cold-start``, each forecast in its turn.
        lengths: points of history of a cold start; None: one point to three seasons.
        baselines: registered names, functions ``build(season_length)``, or ``{name: options}``.
        level: central intervals in percent: ``[80, 95]``.
        metrics: ``mae``, ``rmse``, ``smape`` (0 to 200), ``mase``, ``mape`` (percent), and with levels
            ``scaled_crps`` and ``coverage``; None: all.
        curves: whether few-shot curves are drawn.
        n_bootstrap: draws of the intervals and of the paired test.
        seed: of folds and draws.
        callbacks: told of every :class:`tsmaml.engine.Progress` of meta-training.
        on_stage: told of every :class:`Stage`.
        reading: how ``df`` is read, see :func:`tsmaml.series.read_series`.

    Returns:
        an :class:`Evaluation`. Its ``warnings``, which are issued too, name a leak, what a baseline
        failed at, and what forecasts warned of.

    Raises:
        UsageError, DataError: if that can't be done.
        KeyboardInterrupt: if meta-training was stopped by Ctrl-C.
    """
    if isinstance(metrics, str) or isinstance(baselines, str):
        raise UsageError("metrics and baselines are lists of names, not one text.")
    request = Request.checked(
        protocol,
        level,
        metrics,
        lengths,
        h=h,
        n_windows=n_windows,
        step_size=step_size,
        refit=refit,
        folds=folds,
        curves=curves,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    parts = resolved(baselines)
    collection = read_series(df, **{"freq": forecaster.settings.freq, **reading})
    run = Run(forecaster, collection, request, parts, callbacks, on_stage)
    notes: list[str] = []
    with _noted(notes):
        evaluation = _evaluated(run, notes)
    for note in evaluation.warnings:
        warnings.warn(note, stacklevel=2)
    return evaluation


def cross_validation(
    forecaster: Forecaster, collection: SeriesCollection, *, level: Any = None, **options: Any
) -> pd.DataFrame:
    """Forecasts of rolling cutoffs alone, under the collection's names of columns.

    Args:
        forecaster, level, options: as in :func:`evaluate`, ``time``.
        collection: the series.
    """
    evaluation = evaluate(
        forecaster, collection, level=level, baselines=(), curves=False, metrics=(), **options
    )
    columns = collection.columns
    names = {"unique_id": columns.id, "ds": columns.time, "y": columns.target}
    frame = evaluation.forecasts
    beside = [name for name in frame.columns if name.startswith(ZERO_STEP)]
    return frame.drop(columns=beside).rename(columns=names)


class Run(NamedTuple):
    """What an evaluation works with."""

    forecaster: Forecaster
    collection: SeriesCollection
    request: Request
    parts: list[tuple[Part, Mapping[str, Any]]]
    callbacks: Sequence[Callable[..., None]]
    on_stage: Callable[[Stage], None] | None


def _evaluated(run: Run, notes: list[str]) -> Evaluation:
    import pandas as pd

    request, collection = run.request, run.collection
    h = horizon_of(run.forecaster, collection, request.h)
    report = _Stages(run.on_stage)
    found: list[Forecast] = []
    curves = pd.DataFrame()
    for cut in cuts_of(
        run.forecaster, collection, h, request, trainer(run.forecaster, h, run.callbacks, report)
    ):
        if not found:
            season_length = int(cut.model.choices_.season_length)
            baselines = made(run.parts, season_length)
            notes += _leaks(run, cut)
        at = "" if cut.length is None else f" from {counted(cut.length, 'point')}"
        report(f"forecasting {counted(len(cut.past), 'series')}{at}")
        columns = model_columns(cut, h, request.levels)
        for name in list(baselines):
            report(f"baseline {name}{at}")
            beside = baseline_columns(name, baselines[name], cut, h, request.levels, notes)
            if beside is None:
                del baselines[name]
            else:
                columns[name] = beside
        found.append(Forecast(cut, columns))
        if cut.is_last and request.curves:
            curves = few_shot_curves(cut, h, request, point_forecasts, report)
    report("scoring")
    name = next(iter(found[0].columns))
    models = [name, ZERO_STEP, *baselines]
    rows = pd.concat(
        [rows_of_forecast(one, models, season_length) for one in found], ignore_index=True
    )
    by = ["unique_id", *(["history"] if "history" in rows else [])]
    return Evaluation(
        forecasts=rows.drop(columns="scale"),
        scores=scored(rows, by, models, request.metrics, request.levels),
        curves=curves,
        scales=rows[["unique_id", "cutoff", "scale"]].drop_duplicates(ignore_index=True),
        series=_series_frame(run),
        settings={
            **request.as_dict(),
            "h": h,
            "step_size": request.step_size or h,
            "season_length": season_length,
            "model": name,
            "models": models,
            "baselines": list(baselines),
            "n_series": len(collection),
            "source": collection.source,
        },
        warnings=tuple(notes),
    )


def _leaks(run: Run, cut: Cut) -> list[str]:
    """A warning if the model was meta-trained on series that it is judged by."""
    if cut.model is not run.forecaster:
        return []  # meta-trained here, on what it may see
    seen = _seen(run)
    if not seen.any():
        return []
    return [
        f"{int(seen.sum())} of {len(seen)} series (first {run.collection.ids[np.argmax(seen)]!r}) are "
        "among those that the model was meta-trained on, perhaps on the very points that it is judged by: "
        "scores of these are too good. Evaluate on other series, or meta-train anew before each cutoff "
        "(refit)."
    ]


def _seen(run: Run) -> np.ndarray:
    """Whether the model as it was given knows each series: ``[series]`` bool, by hash of the id."""
    known = set(run.forecaster.fingerprints_) if run.forecaster.is_fitted else set()
    return np.array([one in known for one in run.collection.fingerprints()], bool)


def _series_frame(run: Run) -> pd.DataFrame:
    """``unique_id, points, seen`` and the static columns."""
    import pandas as pd

    collection = run.collection
    static = {} if collection.exogenous is None else collection.exogenous.stat
    return pd.DataFrame(
        {
            "unique_id": collection.ids,
            "points": collection.lengths,
            "seen": _seen(run),
            **{name: column.shown() for name, column in static.items()},
        }
    )


class _Stages:
    """Counts what is done and tells of it."""

    def __init__(self, on_stage: Callable[[Stage], None] | None) -> None:
        self._on_stage, self._done = on_stage, 0

    def __call__(self, name: str) -> None:
        if self._on_stage is not None:
            self._on_stage(Stage(name, self._done))
        self._done += 1


@contextmanager
def _noted(notes: list[str]) -> Iterator[None]:
    """Collect warnings, each text once, in place of issuing them window after window."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    texts = [str(one.message) for one in caught if one.category is UserWarning]
    notes += [text for text in dict.fromkeys(texts) if text not in notes]
