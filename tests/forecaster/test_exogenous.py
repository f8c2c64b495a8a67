"""Exogenous columns from fit to saved forecasts, with a model that takes them all."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

from tsmaml import MetaForecaster
from tsmaml.errors import DataError, UsageError

H = 4


def build(input_size, h, *, n_hist_exog=0, n_futr_exog=0, n_stat_exog=0):
    """A linear model of whatever there is."""
    shapes = {
        "past": (input_size,),
        "hist_exog": (input_size, n_hist_exog),
        "futr_exog": (input_size + h, n_futr_exog),
        "stat_exog": (n_stat_exog,),
    }
    inputs = [keras.Input(shape, name=name) for name, shape in shapes.items() if all(shape)]
    flat = [keras.layers.Flatten()(one) if len(one.shape) > 2 else one for one in inputs]
    parts = [
        keras.layers.Dense(h, name=f"head_{one.name}")(x)
        for one, x in zip(inputs, flat, strict=True)
    ]
    out = keras.layers.Add()(parts) if len(parts) > 1 else parts[0]
    return keras.Model(inputs, out)


def of_the_past(input_size, h):
    """A linear model of the past alone."""
    past = keras.Input((input_size,), name="past")
    return keras.Model(past, keras.layers.Dense(h, name="head")(past))


def sales(n_series: int = 20, length: int = 60, seed: int = 0, prefix: str = "s") -> pd.DataFrame:
    """Series that do nothing but follow a promotion, which is known ahead."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(n_series):
        promotion = rng.integers(0, 2, length)
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": f"{prefix}{number:02d}",
                    "ds": pd.date_range("2024-01-01", periods=length),
                    "y": 50 + 10 * promotion + 0.1 * rng.normal(size=length),
                    "promotion": np.where(promotion, "yes", "no"),
                    "visitors": rng.normal(1000, 100, length),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def shops(frame: pd.DataFrame) -> pd.DataFrame:
    names = frame["unique_id"].unique()
    return pd.DataFrame(
        {
            "unique_id": names,
            "area": np.arange(len(names)) * 10.0,
            "town": ["a", "b"] * (len(names) // 2),
        }
    )


OPTIONS = {"h": H, "input_size": 8, "season_length": 1, "meta_batch": 16, "n_support": 3,
           "holdout": 0.3, "model": build}  # fmt: skip
READING = {"hist_cols": ["visitors"], "futr_cols": ["promotion"]}


@pytest.fixture(scope="module")
def everything():
    return sales()


@pytest.fixture(scope="module")
def of_sales(everything):
    forecaster = MetaForecaster(
        **OPTIONS, steps=400, validate_every=100, learning_rate=0.01, calendar=["weekday"]
    )
    return forecaster.fit(everything, static_df=shops(everything), **READING)


@pytest.fixture(scope="module")
def new():
    return sales(6, 40, seed=5, prefix="n")


@pytest.fixture(scope="module")
def known(new):
    """Series without their last points, and what is known of these."""
    last = new.groupby("unique_id").cumcount(ascending=False) < H
    return new[~last], new[last]


def test_forecasts_follow_what_is_known_ahead(of_sales, known, new):
    past, ahead = known
    made = of_sales.predict(
        past, futr_df=ahead[["unique_id", "ds", "promotion"]], static_df=shops(new)
    )
    error = made["TSMAML"].to_numpy() - ahead["y"].to_numpy()
    assert np.abs(error).mean() < 2.5
    swapped = ahead.assign(promotion=ahead["promotion"].map({"yes": "no", "no": "yes"}))
    other = of_sales.predict(past, futr_df=swapped, static_df=shops(new))
    change = np.sign(other["TSMAML"] - made["TSMAML"]).to_numpy()
    assert (change == np.where(ahead["promotion"] == "yes", -1, 1)).all()


def test_held_out_series_are_forecast_with_their_future(of_sales):
    means = of_sales.report_.mean["mase"]
    assert means["adapted"] < 0.5 * means["seasonal naive"]


def test_a_frame_to_fill_in(of_sales, known, new):
    past, ahead = known
    frame = of_sales.make_future(past, static_df=shops(new))
    assert list(frame) == ["unique_id", "ds", "promotion"]
    assert frame["promotion"].isna().all()
    assert frame["ds"].tolist() == ahead["ds"].tolist()
    filled = frame.assign(promotion=ahead["promotion"].to_numpy())
    made = of_sales.predict(past, futr_df=filled, static_df=shops(new))
    expected = of_sales.predict(past, futr_df=ahead, static_df=shops(new))
    pd.testing.assert_frame_equal(made, expected)


def test_saved_and_adapted_forecasters_keep_their_columns(of_sales, known, new, tmp_path):
    past, ahead = known
    options = {"futr_df": ahead, "static_df": shops(new)}
    expected = of_sales.predict(past, **options)
    of_sales.save(tmp_path / "m.tsmaml")
    again = MetaForecaster.load(tmp_path / "m.tsmaml", model=build)
    pd.testing.assert_frame_equal(again.predict(past, **options), expected)
    kept = again.adapt(past, static_df=shops(new))
    kept.save(tmp_path / "kept.tsmaml")
    kept = MetaForecaster.load(tmp_path / "kept.tsmaml", model=build)
    pd.testing.assert_frame_equal(kept.predict(futr_df=ahead), expected, rtol=1e-5)


def test_categories_that_were_not_there_in_training(of_sales, known, new):
    past, ahead = known
    strange = ahead.assign(promotion="perhaps")
    towns = shops(new).assign(town="c")
    made = of_sales.predict(past, futr_df=strange, static_df=towns)
    assert np.isfinite(made["TSMAML"]).all()


def test_what_is_missing_is_told(of_sales, known, new):
    past, ahead = known
    with pytest.raises(DataError) as caught:
        of_sales.predict(past, static_df=shops(new))
    assert caught.value.message == (
        "data frame, series 'n00': the future column 'promotion' has no value at 2024-02-06 "
        "(6 of 6 series)."
    )
    assert "make_future(df, h=4)" in caught.value.hint
    with pytest.raises(DataError, match=r"\(1 of 6 series\)"):
        of_sales.predict(past, futr_df=ahead[:-1], static_df=shops(new))
    with pytest.raises(
        UsageError, match="would have to know the historic columns ahead: 'visitors'"
    ):
        of_sales.predict(past, h=5, futr_df=ahead, static_df=shops(new))
    with pytest.raises(DataError, match="the static column 'area', 'town' is not there"):
        of_sales.predict(past, futr_df=ahead)
    with pytest.raises(DataError, match="there is no row of this series"):
        of_sales.predict(past, futr_df=ahead, static_df=shops(new)[:3])
    with pytest.raises(DataError, match="no exogenous column 'visitors'"):
        of_sales.predict(past.drop(columns="visitors"), futr_df=ahead, static_df=shops(new))
    with pytest.raises(DataError, match="'visitors' holds text; the model was trained on numbers"):
        of_sales.predict(past.assign(visitors="many"), futr_df=ahead, static_df=shops(new))


def test_a_model_says_what_it_can_not_use(everything):
    plain = {**OPTIONS, "model": of_the_past}
    with pytest.raises(UsageError) as caught:
        MetaForecaster(**plain).fit(everything, futr_cols=["promotion"])
    assert caught.value.message == "The model 'of_the_past' can't use future columns: 'promotion'."
    assert caught.value.hint == "Leave them out, or choose a model with an input futr_exog."
    with pytest.raises(UsageError, match="can't use historic columns: 'visitors'"):
        MetaForecaster(**plain).fit(everything, hist_cols=["visitors"])
    with pytest.raises(UsageError, match="can't use static columns: 'area', 'town'"):
        MetaForecaster(**plain).fit(everything, static_df=shops(everything))
    with pytest.raises(UsageError, match="can't use future columns: 'hour'"):
        MetaForecaster(**plain, calendar=["hour"]).fit(everything)
    with pytest.raises(UsageError, match="The calendar has no 'moon'"):
        MetaForecaster(**OPTIONS, calendar=["moon"]).fit(everything)


def test_static_columns_of_the_rows_are_found_again(everything, new, tmp_path):
    known = everything.merge(shops(everything)[["unique_id", "town"]])
    forecaster = MetaForecaster(**OPTIONS, steps=2).fit(known, static_cols=["town"])
    rows = new.merge(shops(new)[["unique_id", "town"]])
    rows.to_parquet(tmp_path / "new.parquet", index=False)
    made = forecaster.predict(rows)
    pd.testing.assert_frame_equal(forecaster.predict(tmp_path / "new.parquet"), made)
    towns = shops(new)[["unique_id", "town"]]
    pd.testing.assert_frame_equal(forecaster.predict(new, static_df=towns), made)
    with pytest.raises(DataError, match="the static column 'town' is not there"):
        forecaster.predict(new)
