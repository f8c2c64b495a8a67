"""Rolling cutoffs of a real forecaster."""

from __future__ import annotations

import pandas as pd
import pytest

from tsmaml import MetaForecaster
from tsmaml.evaluation import evaluate


def test_a_fitted_forecaster_is_judged_as_it_is_and_says_what_it_knows(fitted, frame):
    with pytest.warns(UserWarning, match="^24 of 24 series .* meta-trained on"):
        found = fitted.cross_validation(frame, n_windows=2, level=80)
    assert list(found.columns) == [
        *("unique_id", "ds", "cutoff", "y", "TSMAML", "TSMAML-lo-80", "TSMAML-hi-80"),
    ]
    assert len(found) == 24 * 2 * 7
    last = frame.groupby("unique_id").head(40)
    assert (found["cutoff"] > last["ds"].min()).all()
    history = frame[frame["ds"] <= found["cutoff"].min()]
    first = found[(found["unique_id"] == "s04") & (found["cutoff"] == found["cutoff"].min())]
    again = fitted.predict(history[history["unique_id"] == "s04"])
    pd.testing.assert_series_equal(
        first["TSMAML"].reset_index(drop=True), again["TSMAML"], rtol=1e-4
    )


def test_one_that_is_not_fitted_learns_nothing_from_after_the_cutoff(frame, small):
    few = frame[frame["unique_id"] < "s08"]
    changed = few.copy()
    ends = changed.groupby("unique_id")["y"].cumcount(ascending=False) < 7
    changed.loc[ends, "y"] = 1e6
    settings = {**small, "steps": 2, "validate_every": 2}
    forecaster = MetaForecaster(**settings)
    one, other = (forecaster.cross_validation(df) for df in (few, changed))
    pd.testing.assert_series_equal(one["TSMAML"], other["TSMAML"])
    assert (other["y"] == 1e6).all()
    assert not forecaster.is_fitted


def test_curves_of_new_series_begin_at_the_zero_step_forecast(fitted, new_frame):
    evaluation = evaluate(fitted, new_frame, level=80, n_bootstrap=50)
    assert not evaluation.series["seen"].any()
    steps = evaluation.curves.query("curve == 'inner_steps' and metric == 'mase'")
    at = steps.pivot(index="at", columns="model", values="value")
    assert at.loc[0, "TSMAML"] == pytest.approx(at.loc[0, "zero-step"])
    assert at.loc[5, "TSMAML"] != pytest.approx(at.loc[0, "TSMAML"])
    assert at["zero-step"].nunique() == 1
    bounds = evaluation.forecasts[["zero-step-lo-80", "zero-step", "zero-step-hi-80"]]
    assert (bounds.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
