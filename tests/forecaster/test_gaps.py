"""Masked steps: no part in losses, scaling, scores or calibration; forecasts stay finite."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml import MetaForecaster


@pytest.fixture(scope="module")
def holed(frame) -> pd.DataFrame:
    """A tenth of the values missing, a tenth of the rows gone, one series silent at its end."""
    rng = np.random.default_rng(1)
    y = frame["y"].where(rng.random(len(frame)) > 0.1)
    kept = rng.random(len(frame)) > 0.1
    last = frame.groupby("unique_id").cumcount(ascending=False) == 0
    silent = (frame["unique_id"] == "s01") & (
        frame.groupby("unique_id").cumcount(ascending=False) < 20
    )
    return frame.assign(y=y.mask(silent))[kept | last].reset_index(drop=True)


@pytest.fixture(scope="module")
def of_holed(holed, small):
    return MetaForecaster(**small).fit(holed)


def test_a_collection_with_gaps_is_learned_from_and_scored(of_holed, fitted):
    for name in ("seasonal naive", "zero-step", "adapted"):
        found, whole = (each.report_.mean["mase"][name] for each in (of_holed, fitted))
        assert 0.5 * whole < found < 2 * whole


def test_forecasts_of_series_with_gaps_are_finite(of_holed, holed):
    with pytest.warns(
        UserWarning, match=r"1 series \(first 's01'\) have nothing to go by in their last 14"
    ):
        made = of_holed.predict(holed, level=[80])
    assert np.isfinite(made.drop(columns=["unique_id", "ds"])).all(axis=None)
    of_silent = made[made["unique_id"] == "s01"]
    last = holed.query("unique_id == 's01'").dropna()["y"].iloc[-1]
    assert (of_silent["TSMAML"] == last).all()
    ends = holed.groupby("unique_id")["ds"].max()
    begins = made.groupby("unique_id")["ds"].min()
    assert ((begins - ends) == pd.Timedelta(days=1)).all()


def test_adapted_series_remember_the_last_value_however_long_ago(of_holed, holed):
    silent = holed.query("unique_id in ('s01', 's02')")
    with pytest.warns(UserWarning, match="nothing to go by in their last 14"):
        expected = of_holed.predict(silent)
    kept = of_holed.adapt(silent)
    with pytest.warns(UserWarning, match="nothing to go by in their last 14"):
        pd.testing.assert_frame_equal(kept.predict(), expected)


def test_a_missing_row_and_a_missing_value_are_the_same(fitted, new_frame):
    rows = new_frame[new_frame["unique_id"] == "new-s00"]
    without = rows.drop(rows.index[[5, 20]])
    unknown = rows.assign(y=rows["y"].where(~rows.index.isin(rows.index[[5, 20]])))
    pd.testing.assert_frame_equal(fitted.predict(without), fitted.predict(unknown))
