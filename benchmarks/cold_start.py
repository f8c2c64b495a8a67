"""Forecasts of new series with short histories, by level of adaptation. Prints Markdown.

    python benchmarks/cold_start.py cross DATA TARGET SOURCE... [--steps 3000] [--json FILE]
    python benchmarks/cold_start.py same DATA TARGET [SOURCE...] [--folds 5] [--baselines auto_ets]

DATA is a folder of collections, each a folder with ``train.parquet`` and ``test.parquet``. ``cross``
meta-trains on the training files of the sources, and forecasts every series of the target from its last
L points: 1, 1.5, 2 and 3 seasons, and all. ``same`` meta-trains on four fifths of the target's own series
(and on the sources, if there are any) and forecasts the other fifth, five times. The test file of the
target is scored once, and nothing is chosen on it. MASE is scaled by the full history.

Rows: seasonal naive and further baselines of ``plugins/tsmaml-baselines``, which see the same points; the
net trained from scratch on the target's histories alone; zero-step; plain fine-tuning (the same steps as
adaptation to the collection takes, all the way); adapted to each series, to the collection, and to both,
which is the default for new collections. Beside each stands its difference from zero-step in percent, with
a 95 % bootstrap interval over series; what share of the points its 80 and 95 % intervals hold; and the
weighted quantile loss of the five quantiles that these and the median are.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsmaml import MetaForecaster, SeriesCollection, read_series
from tsmaml.evaluation.baselines import BaselineForecast, build_seasonal_naive
from tsmaml.evaluation.request import made, resolved
from tsmaml.forecaster.forecasting import both_forecasts
from tsmaml.forecaster.pipeline import Pipeline, build
from tsmaml.forecaster.tuned import at, plainly_tuned

ADAPTED_TO = ("series", "collection", "both")
LEVELS = (80.0, 95.0)
SCRATCH_STEPS = 600


@dataclass
class Target:
    """Series, and what follows them.

    Attributes:
        past: the histories.
        truth: ``[series, h]``.
        scale: ``[series]``, mean absolute seasonal difference of the whole history.
    """

    past: SeriesCollection
    truth: np.ndarray
    scale: np.ndarray

    def select(self, index: np.ndarray) -> Target:
        """Some of the series."""
        return Target(self.past.select(index), self.truth[index], self.scale[index])


def counted(folder: Path, part: str) -> pd.DataFrame:
    """A collection whose times are counts, so that calendars of all kinds go together."""
    frame = pd.read_parquet(folder / f"{part}.parquet", columns=["unique_id", "ds", "y"])
    frame = frame.sort_values(["unique_id", "ds"], kind="stable")
    frame["unique_id"] = folder.name + "/" + frame["unique_id"].astype(str)
    frame["ds"] = frame.groupby("unique_id").cumcount()
    return frame


def target_of(past_frame: pd.DataFrame, future_frame: pd.DataFrame, season: int) -> Target:
    """Histories, truth and scales of series whose times are counts."""
    past, future = (read_series(frame, freq=1) for frame in (past_frame, future_frame))
    truth = np.stack([future.series(name) for name in past.ids])
    scale = [np.nanmean(np.abs(s[season:] - s[:-season])) for s in map(past.series, past.ids)]
    return Target(past, truth, np.array(scale))


class Scored(NamedTuple):
    """A forecast of all series, ``[series, h]``, what came, and the scale of each series."""

    made: BaselineForecast
    truth: np.ndarray
    scale: np.ndarray


def errors(
    forecast: np.ndarray, truth: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """MASE and sMAPE of each series: ``[series]``; MASE is NaN for a constant one.

    Both are NaN where there is no forecast.
    """
    distance = np.abs(forecast - truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        mase = np.where(scale > 0, distance.mean(1) / scale, np.nan)
        smape = 200 * distance / (np.abs(forecast) + np.abs(truth))
    smape[distance == 0] = 0
    return mase, smape.mean(1)


def with_intervals(frame: pd.DataFrame, h: int) -> BaselineForecast:
    """A frame of forecasts as arrays."""
    column = {name: frame[name].to_numpy().reshape(-1, h) for name in frame.columns[2:]}
    bounds = {
        level: (column[f"TSMAML-lo-{level:g}"], column[f"TSMAML-hi-{level:g}"]) for level in LEVELS
    }
    return BaselineForecast(column["TSMAML"], bounds)


def forecasts(
    forecaster: MetaForecaster, past: SeriesCollection
) -> Iterator[tuple[str, BaselineForecast]]:
    """Every forecast that a net makes."""
    pipeline, _ = forecaster._fitted
    h, ready = pipeline.choices.h, pipeline.prepared(past)

    def zero_step(of: Pipeline) -> BaselineForecast:
        found = both_forecasts(of, ready, 0).zero_step[..., of.middle]
        return BaselineForecast(of.in_units(found))

    fresh = build(pipeline.settings, pipeline.choices, pipeline.encoder)
    yield "from scratch", zero_step(at(fresh, plainly_tuned(fresh, ready, SCRATCH_STEPS)))
    unadapted = forecaster.predict(past, adapt_to="none", level=LEVELS)
    yield "zero-step", with_intervals(unadapted, h)
    yield "fine-tuned", zero_step(at(pipeline, plainly_tuned(pipeline, ready)))
    for level in ADAPTED_TO:
        frame = forecaster.predict(past, adapt_to=level, level=LEVELS)
        yield f"adapted to {level}", with_intervals(frame, h)


def quantile_loss(made: BaselineForecast, truth: np.ndarray) -> float:
    """Weighted quantile loss: twice the sum of pinball losses over the sum of absolute values."""
    if not made.bounds:
        return float("nan")
    quantiles = [(0.5, made.point)]
    for level, (low, high) in made.bounds.items():
        quantiles += [(0.5 - level / 200, low), (0.5 + level / 200, high)]
    losses = [np.maximum(q * (truth - x), (q - 1) * (truth - x)).sum() for q, x in quantiles]
    return float(2 * np.mean(losses) / np.abs(truth).sum())


def covered(made: BaselineForecast, truth: np.ndarray) -> list[float]:
    """Share of the points in each interval, in percent; empty without intervals."""
    return [
        100 * float(((low <= truth) & (truth <= high)).mean()) for low, high in made.bounds.values()
    ]


def interval(errors_of: np.ndarray, zero_step: np.ndarray) -> tuple[float, float, float]:
    """Difference of means in percent of the zero-step mean, and its 95 % bootstrap interval."""
    known = np.isfinite(errors_of) & np.isfinite(zero_step)
    one, other = errors_of[known], zero_step[known]
    drawn = np.random.default_rng(0).integers(0, len(one), (1000, len(one)))
    ratios = 100 * (one[drawn].mean(1) / other[drawn].mean(1) - 1)
    return 100 * (one.mean() / other.mean() - 1), *np.quantile(ratios, [0.025, 0.975])


def fitted(frame: pd.DataFrame, h: int, given: argparse.Namespace, seed: int = 0) -> MetaForecaster:
    """Meta-train with defaults but the sizes."""
    forecaster = MetaForecaster(
        h,
        season_length=given.season,
        input_size=given.input_size or 3 * given.season,
        freq=1,
        steps=given.steps,
        ensemble=given.ensemble,
        seed=seed,
    )
    return forecaster.fit(frame)


def folds(given: argparse.Namespace, target: Target) -> Iterator[tuple[MetaForecaster, Target]]:
    """Forecasters, each with series that it has not seen."""
    h = target.truth.shape[1]
    frames = [counted(given.data / name, "train") for name in given.sources]
    if given.track == "cross":
        yield fitted(pd.concat(frames), h, given), target
        return
    frame = counted(given.data / given.target, "train")
    order = np.random.default_rng(0).permutation(len(target.past))
    for fold in range(given.folds):
        index = np.sort(order[fold :: given.folds])
        of_others = frame[~frame["unique_id"].isin(target.past.ids[index])]
        yield fitted(pd.concat([of_others, *frames]), h, given, fold), target.select(index)


def main() -> None:
    """Meta-train, cut histories, forecast, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("track", choices=["cross", "same"])
    parser.add_argument("data", type=Path)
    parser.add_argument("target")
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--season", type=int, default=12)
    parser.add_argument("--input-size", type=int, help="default: three seasons")
    parser.add_argument("--steps", type=int, default=MetaForecaster().settings.steps)
    parser.add_argument("--ensemble", type=int, default=1)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--baselines", default="")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    if given.track == "cross" and not given.sources:
        sys.exit("cross needs sources to meta-train on.")
    warnings.simplefilter("ignore")
    season, began = given.season, time.monotonic()
    folder = given.data / given.target
    target = target_of(counted(folder, "train"), counted(folder, "test"), season)
    lengths = lengths_of(season)
    local = made(resolved([name for name in given.baselines.split(",") if name]), season)
    found: dict[tuple[int | None, str], list[tuple[BaselineForecast, Target]]] = {}
    for length in lengths:
        past = shortened(target, length)
        for name, forecast in {"seasonal naive": build_seasonal_naive(season), **local}.items():
            one = forecast(past, target.truth.shape[1], LEVELS)
            found[length, name] = [(one, target)]
    for forecaster, part in folds(given, target):
        for length in lengths:
            for name, one in forecasts(forecaster, shortened(part, length)):
                found.setdefault((length, name), []).append((one, part))
    order = sorted(found, key=lambda key: lengths.index(key[0]))
    rows = [row_of(*key, joined(found[key]), joined(found[key[0], "zero-step"])) for key in order]
    minutes = (time.monotonic() - began) / 60
    print(
        f"{given.target}, {given.track} collection, {len(target.past)} series, "
        f"{minutes:.0f} minutes\n"
    )
    print(
        "| points | forecast | sMAPE | MASE | MASE against zero-step | 80 % holds | 95 % holds "
        "| quantile loss |\n|---|---|---|---|---|---|---|---|"
    )
    for row in rows:
        print(line_of(row))
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


def lengths_of(season: int) -> list[int | None]:
    """Points that histories are cut to: 1, 1.5, 2 and 3 seasons; None: none are cut."""
    return list(dict.fromkeys([season, 3 * season // 2, 2 * season, 3 * season, None]))


def shortened(target: Target, length: int | None) -> SeriesCollection:
    """The histories, cut to their last points; None: whole."""
    return target.past if length is None else target.past.tail_of_each(length)


def joined(parts: list[tuple[BaselineForecast, Target]]) -> Scored:
    """Forecasts of several folds as one, in the order of the ids."""
    ids = np.concatenate([target.past.ids for _, target in parts])
    order = np.argsort(ids.astype(str), kind="stable")

    def whole(arrays: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(arrays)[order]

    bounds = {
        level: (
            whole([one.bounds[level][0] for one, _ in parts]),
            whole([one.bounds[level][1] for one, _ in parts]),
        )
        for level in parts[0][0].bounds
    }
    return Scored(
        BaselineForecast(whole([one.point for one, _ in parts]), bounds),
        whole([target.truth for _, target in parts]),
        whole([target.scale for _, target in parts]),
    )


def row_of(length: int | None, name: str, of: Scored, zero_step: Scored) -> dict[str, Any]:
    """Scores of one forecast at one length."""
    mase, smape = errors(of.made.point, of.truth, of.scale)
    beside, _ = errors(zero_step.made.point, of.truth, of.scale)
    return {
        "length": length or "full",
        "forecast": name,
        "mase": float(np.nanmean(mase)),
        "smape": float(smape.mean()),
        "difference": [float(x) for x in interval(mase, beside)],
        "coverage": covered(of.made, of.truth),
        "quantile_loss": quantile_loss(of.made, of.truth),
    }


def line_of(row: dict[str, Any]) -> str:
    """A row of the table; empty where there are series without a forecast."""
    if np.isnan(row["smape"]):
        return f"| {row['length']} | {row['forecast']} | | | | | | |"
    change, low, high = row["difference"]
    against = f"{change:+.1f} % ({low:+.1f} to {high:+.1f})" if change or low or high else ""
    held = [f"{share:.1f} %" for share in row["coverage"]] or ["", ""]
    loss = "" if np.isnan(row["quantile_loss"]) else f"{row['quantile_loss']:.4f}"
    cells = [
        row["length"],
        row["forecast"],
        f"{row['smape']:.2f}",
        f"{row['mase']:.3f}",
        against,
        *held,
        loss,
    ]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
