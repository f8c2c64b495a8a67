"""Every baseline forecasts a season that it has seen, and says where it can't."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml.errors import UsageError
from tsmaml.plugins import registry
from tsmaml.series import SeriesCollection
from tsmaml.testing import check_baseline

POOLED = ["lightgbm", "mlforecast"]
LOCAL = ["auto_ets", "auto_arima", "auto_theta", "dynamic_optimized_theta", "mfles"]
H, SEASON = 4, 4


def collection_of(series):
    rows = [(name, time, y) for name, values in series.items() for time, y in enumerate(values)]
    return SeriesCollection.from_frame(pd.DataFrame(rows, columns=["unique_id", "ds", "y"]))


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(2)
    pattern = np.array([10.0, 20.0, 15.0, 30.0])
    return {f"s{i}": (1 + i) * (np.tile(pattern, 9) + 0.3 * rng.normal(size=36)) for i in range(4)}


def made_by(name, **options):
    part = registry().get("baseline", name)
    assert part.plugin == "tsmaml-baselines"
    return part.load()(SEASON, **options)


@pytest.mark.parametrize("name", [*LOCAL, *POOLED])
def test_a_season_is_forecast(name, series):
    past = collection_of({one: values[:-H] for one, values in series.items()})
    options = {"processes": 1} if name in LOCAL else {}
    point, bounds = made_by(name, **options)(past, H, [80.0])
    truth = np.stack([values[-H:] for values in series.values()])
    assert point.shape == truth.shape
    assert (np.abs(point - truth) < 0.25 * truth).all()
    assert set(bounds) == ({80.0} if name in LOCAL[:4] else set())
    for lower, upper in bounds.values():
        assert ((lower <= point) & (point <= upper)).all()


@pytest.mark.parametrize("name", POOLED)
def test_what_cannot_be_forecast_is_not_a_number(name, series):
    past = collection_of({"short": [1.0, 2.0], **series})
    point, _ = made_by(name, n_estimators=5)(past, H, [])
    assert np.isnan(point[0]).all()
    assert np.isfinite(point[1:]).all()
    nothing = made_by(name)(collection_of({"a": [1.0, 2.0], "b": [3.0]}), H, [])
    assert np.isnan(nothing.point).all()


def test_several_processes_forecast_the_same(series, monkeypatch):
    from tsmaml_baselines import local

    monkeypatch.setattr(local, "_CHUNK", 2)
    past = collection_of(series)
    one, two = (made_by("auto_theta", processes=n)(past, H, []).point for n in (1, 2))
    np.testing.assert_allclose(one, two)


def test_missing_steps_and_values_below_zero(series):
    shifted = {name: values - 20 for name, values in series.items()}
    shifted["s0"] = np.where(np.arange(36) == 9, np.nan, shifted["s0"])
    shifted["still"] = np.zeros(36)
    few = {"n_estimators": 5}
    for name, options in (("lightgbm", few), ("mlforecast", few), ("auto_ets", {"processes": 1})):
        assert np.isfinite(made_by(name, **options)(collection_of(shifted), H, []).point).all()


def test_options_out_of_range():
    with pytest.raises(UsageError, match="processes is 0"):
        made_by("auto_ets", processes=0)
    for name in POOLED:
        with pytest.raises(UsageError, match="n_estimators is 0"):
            made_by(name, n_estimators=0)


@pytest.mark.parametrize("name", ["dynamic_optimized_theta", *POOLED])
def test_it_does_all_that_evaluation_wants(name):
    check_baseline(name, options={"processes": 1} if name in LOCAL else {"n_estimators": 60})
