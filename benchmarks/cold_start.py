"""Forecasts of new series with short histories, by level of adaptation. Prints Markdown.

    python benchmarks/cold_start.py cross DATA TARGET SOURCE... [--steps 3000] [--json FILE]
    python benchmarks/cold_start.py same DATA TARGET [--folds 5] [--json FILE]

DATA is a folder of collections, each a folder with ``train.parquet`` and ``test.parquet``. ``cross``
meta-trains on the training files of the sources, and forecasts every series of the target from its last
L points: 1, 1.5, 2 and 3 seasons, and all. ``same`` meta-trains on four fifths of the target's own series
and forecasts the other fifth, five times. The test file of the target is scored once, and nothing is
chosen on it. MASE is scaled by the full history.

Columns: seasonal naive; the net trained from scratch on the target's histories alone; zero-step; plain
fine-tuning (the same steps as adaptation to the collection takes, all the way); adapted to each series, to
the collection, to both, and by default. Beside each adapted column stands its difference from zero-step in
percent, with a 95 % bootstrap interval over series.
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

import numpy as np
import pandas as pd

from tsmaml import MetaForecaster, SeriesCollection, read_series
from tsmaml.evaluation import seasonal_naive
from tsmaml.forecaster import pipeline as machine
from tsmaml.forecaster.tuned import at, plainly_tuned

LEVELS = ("series", "collection", "both", None)
SCRATCH_STEPS = 1500


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


def read_target(folder: Path, season: int) -> Target:
    """Histories, truth and scales of a collection."""
    past = read_series(counted(folder, "train"), freq=1)
    future = read_series(counted(folder, "test"), freq=1)
    truth = np.stack([future.series(name) for name in past.ids])
    scale = [np.nanmean(np.abs(s[season:] - s[:-season])) for s in map(past.series, past.ids)]
    return Target(past, truth, np.array(scale))


def errors(forecast: np.ndarray, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """MASE and sMAPE of each series: ``[series]``; MASE is NaN for a constant one."""
    distance = np.abs(forecast - target.truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        mase = np.where(target.scale > 0, distance.mean(1) / target.scale, np.nan)
        smape = 200 * distance / (np.abs(forecast) + np.abs(target.truth))
    return mase, np.nan_to_num(smape).mean(1)


def forecasts(
    forecaster: MetaForecaster, past: SeriesCollection
) -> Iterator[tuple[str, np.ndarray]]:
    """Every column's forecast: ``[series, h]``."""
    pipeline, _ = forecaster._fitted
    h, season = pipeline.choices.h, pipeline.choices.season_length

    def zero_step(of: machine.Pipeline) -> np.ndarray:
        return of.in_units(machine.both_forecasts(of, past).zero_step[..., of.middle])

    yield "seasonal naive", seasonal_naive(past, season, h)
    fresh = machine.build(pipeline.settings, pipeline.choices, pipeline.encoder)
    yield "from scratch", zero_step(at(fresh, plainly_tuned(fresh, past, SCRATCH_STEPS)))
    yield "zero-step", zero_step(pipeline)
    yield "fine-tuned", zero_step(at(pipeline, plainly_tuned(pipeline, past)))
    for level in LEVELS:
        made = forecaster.predict(past, adapt_to=level)["TSMAML"].to_numpy().reshape(-1, h)
        yield f"adapted to {level}" if level else "adapted", made


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
        input_size=3 * given.season,
        freq=1,
        steps=given.steps,
        seed=seed,
    )
    return forecaster.fit(frame)


def folds(given: argparse.Namespace, target: Target) -> Iterator[tuple[MetaForecaster, Target]]:
    """Forecasters, each with series that it has not seen."""
    h = target.truth.shape[1]
    if given.track == "cross":
        frames = [counted(given.data / name, "train") for name in given.sources]
        yield fitted(pd.concat(frames), h, given), target
        return
    frame = counted(given.data / given.target, "train")
    order = np.random.default_rng(0).permutation(len(target.past))
    for fold in range(given.folds):
        index = np.sort(order[fold :: given.folds])
        of_others = frame[~frame["unique_id"].isin(target.past.ids[index])]
        yield fitted(of_others, h, given, fold), target.select(index)


def main() -> None:
    """Meta-train, cut histories, forecast, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("track", choices=["cross", "same"])
    parser.add_argument("data", type=Path)
    parser.add_argument("target")
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--season", type=int, default=12)
    parser.add_argument("--steps", type=int, default=MetaForecaster().settings.steps)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    if (given.track == "cross") != bool(given.sources):
        sys.exit("cross needs sources to meta-train on; same needs none.")
    warnings.simplefilter("ignore")
    season, began = given.season, time.monotonic()
    target = read_target(given.data / given.target, season)
    lengths = [season, 3 * season // 2, 2 * season, 3 * season, None]
    found: dict[tuple[int | None, str], list[tuple[np.ndarray, np.ndarray]]] = {}
    for forecaster, part in folds(given, target):
        for length in lengths:
            past = part.past if length is None else part.past.tail_of_each(length)
            for name, made in forecasts(forecaster, past):
                found.setdefault((length, name), []).append(errors(made, part))
    rows = []
    for (length, name), parts in found.items():
        mase, smape = (np.concatenate(of) for of in zip(*parts, strict=True))
        zero_step = np.concatenate([of[0] for of in found[length, "zero-step"]])
        rows.append(
            {
                "length": length or "full",
                "forecast": name,
                "mase": float(np.nanmean(mase)),
                "smape": float(smape.mean()),
                "difference": [float(x) for x in interval(mase, zero_step)],
            }
        )
    print(
        f"{given.target}, {given.track} collection, {len(target.past)} series, "
        f"{(time.monotonic() - began) / 60:.0f} minutes\n"
    )
    print("| points | forecast | sMAPE | MASE | MASE against zero-step |\n|---|---|---|---|---|")
    for row in rows:
        change, low, high = row["difference"]
        against = (
            "" if row["forecast"] == "zero-step" else f"{change:+.1f} % ({low:+.1f} to {high:+.1f})"
        )
        print(
            f"| {row['length']} | {row['forecast']} | {row['smape']:.2f} | {row['mase']:.3f} | {against} |"
        )
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
