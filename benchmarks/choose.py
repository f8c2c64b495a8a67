"""Judge options of ``fit`` on held-out series of a training file; reads no test file. Prints Markdown.

    python benchmarks/choose.py FOLDER --horizon 18 --season 12 [--options '{"mix_share": 0}'] [--seed 0]
        [--also FOLDER...]

FOLDER holds ``train.parquet``. A fifth of its series are held out, and the last horizon of all: what is
left of the others is meta-trained on, together with the training files of the folders after ``--also``,
and the held-out ones are forecast from their last 1, 1.5, 2 and 3 seasons and from all that is left. Each
length has its sMAPE and MASE, zero-step and adapted. Defaults of tsmaml were chosen by such tables.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from cold_start import counted, errors, lengths_of, shortened, target_of

from tsmaml import MetaForecaster


def main() -> None:
    """Hold out, meta-train, forecast, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--horizon", type=int, required=True)
    parser.add_argument("--season", type=int, required=True)
    parser.add_argument("--options", type=json.loads, default={}, metavar="JSON")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--also", type=Path, nargs="+", default=[], metavar="FOLDER")
    given = parser.parse_args()
    frame = counted(given.folder, "train")
    ahead = frame.groupby("unique_id").cumcount(ascending=False) < given.horizon
    ids = np.array(sorted(frame["unique_id"].unique()))
    held = frame["unique_id"].isin(np.random.default_rng(7).permutation(ids)[::5])
    target = target_of(frame[held & ~ahead], frame[held & ahead], given.season)
    options = {"season_length": given.season, "freq": 1, "seed": given.seed, **given.options}
    started = time.monotonic()
    forecaster = MetaForecaster(given.horizon, **options).fit(
        pd.concat([frame[~held & ~ahead], *(counted(folder, "train") for folder in given.also)])
    )
    names = {"zero-step": "zero-step", "TSMAML": "adapted"}
    header = ["options", "fit"]
    cells = [json.dumps(given.options), f"{time.monotonic() - started:.0f} s"]
    for length in lengths_of(given.season):
        past = shortened(target, length)
        made = forecaster.predict(past, with_zero_step=True)
        for column in names:
            forecast = made[column].to_numpy().reshape(-1, given.horizon)
            mase, smape = errors(forecast, target.truth, target.scale)
            header.append(f"{length or 'all'} points, {names[column]}")
            cells.append(f"{smape.mean():.2f} / {np.nanmean(mase):.3f}")
    print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}\n| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
