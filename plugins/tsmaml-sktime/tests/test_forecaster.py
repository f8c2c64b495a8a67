"""The forecaster on sktime's states: new, pretrained, fitted."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold
from sktime.base import load
from sktime.forecasting.model_evaluation import evaluate
from sktime.split import InstanceSplitter, SingleWindowSplitter
from tsmaml_sktime import TsmamlForecaster

from tsmaml.errors import UsageError

SMALL = {"model": "linear", "steps": 20, "input_size": 14, "meta_batch": 8}
# Without held-out series there are no quantiles, but much less to compile.
SMALLEST = {**SMALL, "steps": 2, "meta_batch": 2, "algorithm": "reptile", "holdout": 0.0}
ALPHA = [0.05, 0.1, 0.123456789, 0.4, 0.5, 0.6, 0.9]


def panel_of(n_series, length, seed=0):
    """Days of series that have a weekly pattern of their own."""
    rng = np.random.default_rng(seed)
    days = pd.period_range("2024-01-01", periods=length, freq="D")
    index = pd.MultiIndex.from_product([[f"s{one}" for one in range(n_series)], days])
    pattern = rng.normal(size=(n_series, 7))[:, np.arange(length) % 7]
    y = 10 + 3 * pattern + 0.3 * rng.normal(size=(n_series, length))
    return pd.DataFrame({"y": y.ravel()}, index=index.set_names(["id", "day"]))


@pytest.fixture(scope="module")
def pretrained():
    return TsmamlForecaster(h=7, season_length=7, options=SMALL).pretrain(panel_of(20, 60))


@pytest.fixture(scope="module")
def new():
    return panel_of(1, 40, seed=5)["y"].droplevel(0).rename("sales")


@pytest.fixture(scope="module")
def fitted(pretrained, new):
    return pretrained.clone().fit(new)


def test_forecasts_are_those_of_tsmaml(pretrained, fitted, new, tmp_path):
    from tsmaml import MetaForecaster

    (tmp_path / "model.tsmaml").write_bytes(pretrained.model_)
    frame = pd.DataFrame({"unique_id": "one", "ds": np.arange(40), "y": new.to_numpy()})
    expected = MetaForecaster.load(tmp_path / "model.tsmaml").predict(frame, h=7, level=[80])
    made = fitted.predict(fh=[1, 3, 7])
    np.testing.assert_allclose(made, expected["TSMAML"].iloc[[0, 2, 6]])
    assert list(made.index) == list(
        pd.PeriodIndex(["2024-02-10", "2024-02-12", "2024-02-16"], freq="D")
    )
    bounds = fitted.predict_interval(fh=[7], coverage=0.8).to_numpy()[0]
    wanted = expected.iloc[6][["TSMAML-lo-80", "TSMAML-hi-80"]].to_numpy(float)
    np.testing.assert_allclose(bounds, wanted)


def test_pretraining_pays_on_a_series_of_which_half_a_week_is_known(pretrained):
    """Between patterns, the best forecast of an unknown day is the mean, not the day before."""
    y = panel_of(20, 11, seed=8)
    history = y[y.index.get_level_values(-1) < pd.Period("2024-01-05")]
    wanted = y.drop(history.index)["y"]
    learned = pretrained.clone().fit(history).predict(fh=range(1, 8))["y"]
    naive = TsmamlForecaster(season_length=7).fit(history).predict(fh=range(1, 8))["y"]
    assert (learned - wanted).abs().mean() < 0.9 * (naive - wanted).abs().mean()


@pytest.mark.parametrize("is_pretrained", [True, False])
def test_quantiles_do_not_cross_and_hold_the_forecast(fitted, new, is_pretrained):
    forecaster = fitted if is_pretrained else TsmamlForecaster(season_length=7).fit(new)
    made = forecaster.predict_quantiles(fh=range(1, 8), alpha=ALPHA)
    assert list(made.columns) == [("sales", level) for level in ALPHA]
    assert (np.diff(made.to_numpy(), axis=1) > 0).all()
    np.testing.assert_array_equal(made["sales", 0.5], forecaster.predict(fh=range(1, 8)))


def test_beyond_the_trained_horizon_forecasts_are_fed_back(fitted):
    with pytest.warns(UserWarning, match="h is 20, beyond the 7 points"):
        made = fitted.predict(fh=[1, 7, 20])
    np.testing.assert_allclose(made.iloc[:2], fitted.predict(fh=[1, 7]))
    assert made.index[-1] == pd.Period("2024-02-29")
    with pytest.raises(NotImplementedError, match="in-sample"):
        fitted.predict(fh=[-1, 1])


def test_what_comes_out_is_of_the_kind_that_went_in(pretrained, fitted, new):
    made = fitted.predict(fh=[1, 2])
    assert isinstance(made, pd.Series)
    assert made.name == "sales"
    both = pretrained.clone().fit(pd.DataFrame({"sales": new, "stock": 50 - new}))
    columns = both.predict(fh=[1, 2])
    np.testing.assert_allclose(columns["sales"], made)
    assert list(columns) == ["sales", "stock"]
    one = pretrained.clone().fit(new.to_frame())
    pd.testing.assert_frame_equal(one.predict(fh=[1, 2]), made.to_frame())


def test_each_series_of_a_hierarchy_is_forecast_from_its_own_end(pretrained):
    panel = pd.concat({"north": panel_of(2, 30, seed=1), "south": panel_of(2, 20, seed=2)})
    made = pretrained.clone().fit(panel).predict(fh=[1, 2])
    assert made.index.names == [None, "id", "day"]
    south = panel.loc[("south", "s1"), "y"]
    alone = pretrained.clone().fit(south).predict(fh=[1, 2])
    np.testing.assert_allclose(made.loc[("south", "s1"), "y"], alone)
    assert made.loc[("south", "s1")].index[0] == pd.Period("2024-01-21")


def test_missing_points_keep_their_places(pretrained, new):
    """The last three days are not known: the forecast begins after them all the same."""
    gone = new.where(np.arange(40) < 37)
    late = pretrained.clone().fit(gone).predict(fh=[1, 2, 3, 4])
    assert late.index[0] == pd.Period("2024-02-10")
    holes = new.where(np.arange(40) % 9 > 0)
    assert np.isfinite(pretrained.clone().fit(holes).predict(fh=[1, 2])).all()
    naive = TsmamlForecaster(season_length=7).fit(gone).predict(fh=[1, 7])
    np.testing.assert_array_equal(naive, [new.iloc[33], new.iloc[36]])


@pytest.mark.parametrize("update_params", [True, False])
def test_an_update_is_a_fit_to_all_points(pretrained, fitted, new, update_params):
    forecaster = pretrained.clone().fit(new.iloc[:30])
    forecaster.update(new.iloc[30:], update_params=update_params)
    pd.testing.assert_series_equal(forecaster.predict(fh=[1, 2]), fitted.predict(fh=[1, 2]))


def test_a_pretrained_forecaster_is_copied_pickled_and_saved(pretrained, fitted, new, tmp_path):
    expected = fitted.predict(fh=[1, 2])
    for again in (copy.deepcopy(pretrained), pickle.loads(pickle.dumps(pretrained))):
        pd.testing.assert_series_equal(again.fit(new).predict(fh=[1, 2]), expected)
    fitted.save(str(tmp_path / "forecaster"))
    pd.testing.assert_series_equal(load(str(tmp_path / "forecaster")).predict(fh=[1, 2]), expected)


def test_without_pretraining_it_is_the_seasonal_naive(new):
    forecaster = TsmamlForecaster(season_length=7).fit(new)
    made = forecaster.predict(fh=range(1, 10))
    np.testing.assert_array_equal(made, np.resize(new.to_numpy()[-7:], 9))
    width = forecaster.predict_interval(fh=range(1, 10)).diff(axis=1).to_numpy()[:, 1]
    np.testing.assert_allclose(width[7:], np.sqrt(2) * width[:2])


def test_a_second_pretraining_learns_from_both_panels():
    forecaster = TsmamlForecaster(season_length=7, options=SMALLEST)
    forecaster.pretrain(panel_of(6, 40), fh=range(1, 5))
    before = forecaster.model_
    forecaster.pretrain(panel_of(4, 40, seed=3), fh=range(1, 5))
    assert forecaster.panel_["unique_id"].nunique() == 10
    assert len(forecaster.panel_) == 400
    assert forecaster.model_ != before


def test_the_furthest_step_of_fh_is_trained_for(new):
    forecaster = TsmamlForecaster(season_length=7, options=SMALLEST)
    forecaster.fit(new).pretrain(panel_of(6, 40), fh=[2, 4])
    assert forecaster.state == "pretrained"
    with pytest.warns(UserWarning, match="beyond the 4 points"):
        forecaster.fit(new).predict(fh=[5])
    with pytest.raises(UsageError, match="no intervals"):
        forecaster.clone().fit(new).predict_interval(fh=[1])


def test_held_out_series_have_no_part_in_pretraining():
    panel = panel_of(6, 40)
    found = evaluate(
        TsmamlForecaster(season_length=7, options=SMALLEST),
        y=panel,
        cv=SingleWindowSplitter(fh=range(1, 5)),
        cv_global=InstanceSplitter(KFold(2)),
        error_score="raise",
        return_data=True,
        return_model=True,
    )
    assert len(found) == 2
    for made in found.itertuples():
        trained_on = made.fitted_forecaster.panel_
        held_out = set(made.y_train.index.get_level_values(0))
        assert len(held_out) == 3
        assert not held_out & set(trained_on["unique_id"].str.split("/").str[1])
        assert not set(made.y_train["y"]) & set(trained_on["y"])
        assert not set(made.y_test["y"]) & set(trained_on["y"])
        assert len(made.y_pred) == 3 * 4
