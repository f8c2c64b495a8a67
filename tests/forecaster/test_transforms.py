"""Scaling and transforms of the target, from fit to saved forecasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml import MetaForecaster
from tsmaml.errors import DataError, UnknownNameError

QUICK = {"steps": 6, "validate_every": 6}
COMBINATIONS = [("robust", "asinh"), ("seasonal", "difference")]


@pytest.mark.parametrize(("scaling", "transform"), COMBINATIONS)
def test_forecasts_come_back_in_the_user_s_units(
    frame, new_frame, small, scaling, transform, tmp_path
):
    options = {**small, **QUICK, "scaling": scaling, "transform": transform}
    forecaster = MetaForecaster(**options).fit(frame)
    made = forecaster.predict(new_frame, level=[80])
    level = new_frame.groupby("unique_id")["y"].mean()
    means = made.groupby("unique_id")["TSMAML"].mean()
    assert (np.abs(means - level) < 0.6 * np.abs(level) + 6).all()
    assert (made["TSMAML-lo-80"] <= made["TSMAML"]).all()
    assert (made["TSMAML"] <= made["TSMAML-hi-80"]).all()
    forecaster.save(tmp_path / "m.tsmaml")
    again = MetaForecaster.load(tmp_path / "m.tsmaml")
    assert (again.settings.scaling, again.settings.transform) == (scaling, transform)
    pd.testing.assert_frame_equal(again.predict(new_frame, level=[80]), made)
    kept = forecaster.adapt(new_frame)
    pd.testing.assert_frame_equal(kept.predict(), made[["unique_id", "ds", "TSMAML"]])


def test_forecasts_can_be_kept_from_falling_below_0(frame, small):
    low = frame.assign(y=frame["y"] - frame.groupby("unique_id")["y"].transform("mean"))
    forecaster = MetaForecaster(**{**small, **QUICK}, non_negative=True).fit(low)
    made = forecaster.predict(level=95)
    columns = ["TSMAML", "TSMAML-lo-95", "TSMAML-hi-95"]
    assert (made[columns] == 0).any(axis=None)
    assert (made[columns] >= 0).all(axis=None)
    assert (made["TSMAML-hi-95"] > 0).any()


def test_what_a_transform_can_not_take_is_told(frame, small):
    broken = frame.assign(y=frame["y"].where(frame.index != 7, -3.0))
    with pytest.raises(DataError) as caught:
        MetaForecaster(**small, transform="log1p").fit(broken)
    assert caught.value.message == (
        "data frame, series 's00': the value -3 can't be transformed by log1p, which takes values "
        "above -1 (1 such values in all)."
    )
    assert caught.value.hint == "Give --transform asinh, which takes any value."


def test_names_that_nobody_knows():
    with pytest.raises(UnknownNameError, match=r"no scaling named 'robus'\. Did you mean 'robust'"):
        MetaForecaster(scaling="robus")
    with pytest.raises(UnknownNameError, match="no transform named 'log'"):
        MetaForecaster(transform="log")
