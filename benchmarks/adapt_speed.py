"""Time to adapt to series and to forecast them, beside AutoETS and AutoTheta. Prints Markdown.

    python benchmarks/adapt_speed.py [--series 10000] [--local 200] [--algorithms anil ridge]

Made monthly series of 60 to 144 points, horizon 12. Every model of tsmaml is meta-trained for a few
steps, which is enough to measure its speed, and called once before the clock starts; the time goes
from data frame to data frame. AutoETS and AutoTheta (statsforecast, one process) forecast the first
``--local`` of the same series; their time for all is that times the number of series.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

H, SEASON = 12, 12


def made_series(n_series: int) -> pd.DataFrame:
    """Monthly series with a level, a trend, a season and noise of their own."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(60, 145, n_series)
    number, step = (
        np.repeat(np.arange(n_series), lengths),
        np.concatenate([np.arange(length) for length in lengths]),
    )
    level, trend = rng.uniform(50, 500, n_series), rng.normal(0, 0.5, n_series)
    pattern = rng.normal(0, 0.1, (n_series, SEASON))
    y = level[number] * (1 + pattern[number, step % SEASON]) + trend[number] * step
    months = pd.date_range("2010-01-01", periods=lengths.max(), freq="MS")
    return pd.DataFrame(
        {
            "unique_id": np.char.add("s", number.astype(str)),
            "ds": months[step],
            "y": y + rng.normal(0, 0.05, len(y)) * level[number],
        }
    )


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The median of several runs, after one that does not count."""
    work()
    runs = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        runs.append(time.perf_counter() - begin)
    return statistics.median(runs)


def main() -> None:
    """A row for each way to forecast."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--local", type=int, default=200)
    parser.add_argument("--algorithms", nargs="+", default=["anil", "ridge"])
    given = parser.parse_args()
    from tsmaml import MetaForecaster

    df = made_series(given.series)
    one = df[df["unique_id"] == "s0"]
    print("| forecast | one series | all | peak memory |")
    print("|---|---|---|---|")
    for algorithm in given.algorithms:
        forecaster = MetaForecaster(h=H, algorithm=algorithm, steps=20, holdout=0.01)
        forecaster.fit(df.head(50_000), progress=False)
        for adapt_to in ("none", "series", "both"):
            of_one = seconds(lambda f=forecaster: f.predict(one, adapt_to="series"), 10)
            of_all = seconds(lambda f=forecaster, a=adapt_to: f.predict(df, adapt_to=a), 1)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            alone = f"{1000 * of_one:.0f} ms" if adapt_to == "series" else ""
            print(
                f"| `{algorithm}`, adapted to {adapt_to} | {alone} | {of_all:.1f} s "
                f"| {peak:,.0f} MB |",
                flush=True,
            )
    compare(df, given.local, given.series)


def compare(df: pd.DataFrame, n_local: int, n_series: int) -> None:
    """The same of local models, where statsforecast is installed."""
    try:
        from statsforecast import StatsForecast
        from statsforecast.models import AutoETS, AutoTheta
    except ImportError:
        print("\nstatsforecast is not installed: no local models beside.")
        return
    some = df[df["unique_id"].isin([f"s{number}" for number in range(n_local)])]
    one = df[df["unique_id"] == "s0"]
    for model in (AutoETS(season_length=SEASON), AutoTheta(season_length=SEASON)):
        local = StatsForecast(models=[model], freq="MS")
        of_one = seconds(lambda local=local: local.forecast(df=one, h=H), 3)
        of_some = seconds(lambda local=local: local.forecast(df=some, h=H), 1)
        print(
            f"| {type(model).__name__} | {1000 * of_one:.0f} ms | {of_some / n_local * n_series:.0f} s | |",
            flush=True,
        )


if __name__ == "__main__":
    main()
