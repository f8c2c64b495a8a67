"""Draw docs/fan.png: a new series after ten points. Takes a minute.

    python docs/make_fan.py

The series are made: waves of a period, a phase, a level and an amplitude of their own, with a little
noise. The model sees four points at a time, from which a period can't be told, so that a new
series has something to be adapted to. Shown is that of forty new series which gains more by it than
three quarters of the others do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tsmaml import MetaForecaster

KNOWN, H = 10, 10


def waves(n_series: int, length: int, seed: int) -> pd.DataFrame:
    """Daily series with periods of 6 to 14 days."""
    rng = np.random.default_rng(seed)
    level, amplitude = rng.uniform(20, 60, (n_series, 1)), rng.uniform(4, 15, (n_series, 1))
    period, phase = rng.uniform(6, 14, (n_series, 1)), rng.uniform(0, 2 * np.pi, (n_series, 1))
    angle = 2 * np.pi * np.arange(length) / period + phase
    values = level + amplitude * (np.sin(angle) + 0.05 * rng.normal(size=angle.shape))
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"wave {i:03}" for i in range(n_series)], length),
            "ds": np.tile(pd.date_range("2024-01-01", periods=length), n_series),
            "y": values.ravel(),
        }
    )


def main() -> None:
    """Meta-train, forecast, choose, draw."""
    forecaster = MetaForecaster(
        H,
        input_size=4,
        season_length=10,
        model="mlp",
        algorithm="metasgd",
        algorithm_options={"steps": 3, "rate": 0.05},
        cold_share=0.9,
        meta_batch=32,
        n_support=6,
        patience=None,
    ).fit(waves(300, 80, seed=0))
    new = waves(40, KNOWN + H, seed=1)
    young = new.groupby("unique_id").head(KNOWN)
    forecasts = forecaster.predict(young, level=80)
    forecasts["zero-step"] = forecaster.predict(young, zero_step=True)["TSMAML"]
    names = {"TSMAML": "adapted", "TSMAML-lo-80": "adapted-lo-80", "TSMAML-hi-80": "adapted-hi-80"}
    forecasts = forecasts.rename(columns=names)

    truth = forecasts.merge(new, on=["unique_id", "ds"])
    errors = truth[["adapted", "zero-step"]].sub(truth["y"], axis=0).abs()
    errors = errors.groupby(truth["unique_id"]).mean()
    print("mean absolute error of 40 new series:", errors.mean().round(2).to_dict())
    gains = (errors["zero-step"] - errors["adapted"]).sort_values()
    chosen = gains.index[3 * len(gains) // 4]
    figure = forecaster.plot(new, forecasts, ids=[chosen])
    figure.set_size_inches(7, 3)
    figure.axes[0].set_title("A new series after ten points (made data)", loc="left", fontsize=10)
    figure.savefig(Path(__file__).with_name("fan.png"), dpi=144)


if __name__ == "__main__":
    main()
