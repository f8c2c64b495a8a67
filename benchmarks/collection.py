"""Fit on a collection's training file with defaults, forecast every series, score the test file once.

    python benchmarks/collection.py FOLDER [--horizon H] [--season M] [--lag M] [--input-size N] [--seed 0]
                                           [--size tiny|default|large] [--baselines auto_ets] [--out FILE]

FOLDER holds ``train.parquet`` and ``test.parquet`` in long format, the second continuing the first.
Prints a Markdown table: sMAPE and MASE of the seasonal naive, the zero-step and the adapted forecast, and
of other baselines by name, such as those of the plugin tsmaml-baselines. MASE is scaled at the lag that is
given (the M4 competition scaled weekly series at lag 1), else at the season. At lag 1 the OWA stands
beside: the mean of both in units of those of the naive forecast, which is the competition's Naive2 there.
Forecasts that come with intervals have the share of the truth in those of 80 and 95 %, and the weighted
quantile loss of their bounds and the forecast itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from cold_start import LEVELS, covered, quantile_loss, with_intervals

from tsmaml import MetaForecaster, read_series
from tsmaml.evaluation import score, seasonal_naive
from tsmaml.evaluation.baselines import build_seasonal_naive
from tsmaml.evaluation.request import made, resolved


def main() -> None:
    """Fit, forecast, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--horizon", type=int)
    parser.add_argument("--season", type=int)
    parser.add_argument("--lag", type=int)
    parser.add_argument("--input-size", type=int)
    parser.add_argument("--size", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--baselines", default="")
    given = parser.parse_args()
    parts = resolved([name for name in given.baselines.split(",") if name])
    files = [given.folder / name for name in ("train.parquet", "test.parquet")]
    if missing := [str(file) for file in files if not file.exists()]:
        sys.exit(f"There is no {' and no '.join(missing)}: name a folder that holds both.")
    train, test = map(read_series, files)
    truth = np.stack([test.series(name) for name in train.ids])
    h = given.horizon or truth.shape[1]

    started = time.monotonic()
    forecaster = MetaForecaster(
        h,
        season_length=given.season,
        input_size=given.input_size,
        size=given.size,
        seed=given.seed,
    ).fit(train)
    fit_seconds = time.monotonic() - started
    started = time.monotonic()
    adapted = forecaster.predict(level=LEVELS)
    forecast_seconds = time.monotonic() - started
    share = float((forecaster.explain_["used"] == "adapted").mean())
    season = forecaster.choices_.season_length
    lag = given.lag or season
    zero_step = forecaster.predict(zero_step=True, level=LEVELS)
    full = {
        "seasonal naive": build_seasonal_naive(season)(train, h, LEVELS),
        "zero-step": with_intervals(zero_step, h),
        "adapted": with_intervals(adapted, h),
        **{name: make(train, h, LEVELS) for name, make in made(parts, season).items()},
    }
    forecasts = {name: one.point for name, one in full.items()}
    if lag == 1:
        forecasts["naive"] = seasonal_naive(train, 1, h)
    scores = score(truth[:, :h], forecasts, train, lag)
    print(
        f"{given.folder.name}: {len(train)} series, h {h}, season {season}, MASE at lag {lag}, "
        f"size {given.size}, seed {given.seed}; ",
        end="",
    )
    print(f"fit {fit_seconds:.0f} s, forecast {forecast_seconds:.1f} s, {share:.0%} adapted\n")
    of = {name: [scores.mean[metric][name] for metric in ("smape", "mase")] for name in forecasts}
    columns = ["sMAPE", "MASE"]
    if lag == 1:
        naive = of.pop("naive")
        columns.append("OWA")
        of = {name: [*each, float(np.mean(np.array(each) / naive))] for name, each in of.items()}
    columns += [*(f"{level:g} % holds" for level in LEVELS), "quantile loss"]
    print(f"| forecast | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, each in of.items():
        cells = [f"{value:.3f}" for value in each]
        if full[name].bounds:
            cells += [f"{share:.1f} %" for share in covered(full[name], truth[:, :h])]
            cells.append(f"{quantile_loss(full[name], truth[:, :h]):.4f}")
        print(f"| {name} | {' | '.join(cells + [''] * (len(columns) - len(cells)))} |")
    if given.out:
        result = {
            "scores": scores.mean,
            "fit_seconds": fit_seconds,
            "forecast_seconds": forecast_seconds,
            "choices": vars(forecaster.choices_),
        }
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
