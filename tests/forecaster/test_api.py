"""MetaForecaster as a notebook uses it."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from utilsforecast.evaluation import evaluate
from utilsforecast.losses import mae

from tsmaml import MetaForecaster
from tsmaml.errors import ArtifactError, DataError, TsmamlError, UsageError


def test_forecasts_have_the_field_s_columns_and_times(fitted, new_frame):
    result = fitted.predict(new_frame, level=[80, 95])
    assert list(result.columns) == [
        "unique_id",
        "ds",
        "TSMAML",
        "TSMAML-lo-80",
        "TSMAML-hi-80",
        "TSMAML-lo-95",
        "TSMAML-hi-95",
    ]
    assert list(result["unique_id"].unique()) == list(new_frame["unique_id"].unique())
    for name, rows in result.groupby("unique_id"):
        last = new_frame.loc[new_frame["unique_id"] == name, "ds"].max()
        expected = pd.date_range(last, periods=8, freq="D")[1:]
        assert list(rows["ds"]) == list(expected)
    assert np.isfinite(result.drop(columns=["unique_id", "ds"])).all(axis=None)
    assert (result["TSMAML-lo-95"] <= result["TSMAML-lo-80"]).all()
    assert (result["TSMAML-lo-80"] <= result["TSMAML"]).all()
    assert (result["TSMAML"] <= result["TSMAML-hi-80"]).all()
    assert (result["TSMAML-hi-80"] <= result["TSMAML-hi-95"]).all()
    scores = evaluate(result.assign(y=0.0).drop(columns=result.columns[3:]), [mae])
    assert list(scores.columns) == ["unique_id", "metric", "TSMAML"]


def test_plots_take_the_frames_as_they_are(fitted, new_frame):
    import matplotlib as mpl
    from utilsforecast.plotting import plot_series

    mpl.use("Agg")
    forecasts = fitted.predict(new_frame, level=[80])
    figure = plot_series(new_frame, forecasts, ids=["new-s00", "new-s01"], level=[80])
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {"y", "TSMAML", "TSMAML_level_80"} <= labels


def test_fan_charts(fitted, new_frame):
    known = new_frame[new_frame["unique_id"] != "point"]
    fans = fitted.fans(known, ids=["new-s03", "new-s01"], h=5, level=[50, 90])
    assert [fan.name for fan in fans] == ["new-s03", "new-s01"]
    forecasts = fitted.predict(known, h=5, level=[50, 90])
    zero_step = fitted.predict(known, h=5, zero_step=True)
    for fan in fans:
        mine = forecasts[forecasts["unique_id"] == fan.name]
        assert list(fan.forecasts) == ["TSMAML", "zero-step"]
        np.testing.assert_allclose(fan.forecasts["TSMAML"], mine["TSMAML"], rtol=1e-4)
        np.testing.assert_allclose(
            fan.forecasts["zero-step"],
            zero_step.loc[zero_step["unique_id"] == fan.name, "TSMAML"],
            rtol=1e-4,
        )
        assert list(fan.bounds["TSMAML"]) == [90.0, 50.0]
        np.testing.assert_allclose(fan.bounds["TSMAML"][50.0][0], mine["TSMAML-lo-50"], rtol=1e-4)
        assert len(fan.values) == 25
    before = known[known["ds"] < "2024-02-01"]
    figure = fitted.plot(known, fitted.predict(before), theme="dark")
    assert len(figure.axes) == 6
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["history", "TSMAML", "truth"]
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="The theme is 'blue'; wanted is one of light, dark"):
        fitted.plot(known, theme="blue")
    with pytest.warns(UserWarning, match="h is 8, beyond the 7 points"):
        (beyond,) = fitted.fans(known, h=8, ids=["new-s01"])
    assert list(beyond.forecasts) == ["TSMAML"]
    assert len(beyond.forecasts["TSMAML"]) == 8


def test_quantiles_are_levels_and_h_may_be_shorter(fitted, new_frame):
    by_level = fitted.predict(new_frame, level=80)
    by_quantile = fitted.predict(new_frame, quantiles=[0.1, 0.5, 0.9])
    pd.testing.assert_frame_equal(by_level, by_quantile)
    short = fitted.predict(new_frame, h=3, level=80)
    first = by_level.groupby("unique_id", sort=False).head(3).reset_index(drop=True)
    pd.testing.assert_frame_equal(short, first)


def test_the_forecast_knows_nothing_but_the_history_of_each_series(fitted, new_frame):
    # Appending the future must be the only way to move a forecast; other series have no part in it.
    alone = new_frame[new_frame["unique_id"] == "new-s01"]
    together = fitted.predict(new_frame).query("unique_id == 'new-s01'")
    np.testing.assert_allclose(
        fitted.predict(alone)["TSMAML"], together["TSMAML"], rtol=1e-4, atol=1e-4
    )


def test_predicting_changes_nothing(fitted, frame, new_frame):
    first = fitted.predict(new_frame)
    fitted.predict(frame)
    pd.testing.assert_frame_equal(fitted.predict(new_frame), first)


def test_units_of_the_user_come_back(fitted, new_frame):
    base = fitted.predict(new_frame)["TSMAML"]
    scaled = fitted.predict(new_frame.assign(y=lambda df: 1e6 + 1000 * df["y"]))["TSMAML"]
    # The scale floor of 1 % of the level is not reached in either, but for the single point.
    several = fitted.predict(new_frame)["unique_id"] != "point"
    assert np.isfinite(scaled).all()
    ratio = fitted.predict(new_frame.assign(y=lambda df: 1000 * df["y"]))["TSMAML"]
    np.testing.assert_allclose(ratio[several], 1000 * base[several], rtol=1e-3)


def test_the_zero_step_forecast_sees_the_last_window_and_nothing_before_it(fitted, new_frame):
    position = new_frame.groupby("unique_id").cumcount(ascending=False)
    older = new_frame.assign(y=new_frame["y"].where(position < 14, 5.0))
    first, second = (fitted.predict(df, zero_step=True) for df in (new_frame, older))
    pd.testing.assert_frame_equal(first, second)
    assert set(fitted.explain_["used"]) == {"zero-step"}
    assert not np.allclose(fitted.predict(new_frame)["TSMAML"], fitted.predict(older)["TSMAML"])


def test_explanation_says_what_adaptation_did(fitted, new_frame):
    fitted.predict(new_frame)
    explained = fitted.explain_.set_index("unique_id")
    assert set(explained["used"]) <= {"adapted", "zero-step"}
    worse = explained["adapted_error"] > explained["zero_step_error"]
    assert ((explained["used"] == "zero-step") == worse).all()
    assert explained.loc["point", "support_windows"] == 0
    assert np.isnan(explained.loc["point", "zero_step_error"])
    assert explained.loc["new-s00", "support_windows"] == 3


def test_report_compares_on_held_out_series(fitted, frame):
    report = fitted.report_
    assert list(report.mean["mase"]) == ["seasonal naive", "zero-step", "adapted"]
    trained, validated, reported = fitted.split_
    assert trained + validated + reported == frame["unique_id"].nunique()
    assert report.n_series == reported == validated == 4


def test_saved_and_loaded_forecasts_are_equal(fitted, new_frame, tmp_path):
    fitted.save(tmp_path / "m.tsmaml")
    loaded = MetaForecaster.load(tmp_path / "m.tsmaml")
    pd.testing.assert_frame_equal(
        loaded.predict(new_frame, level=[80]), fitted.predict(new_frame, level=[80])
    )
    loaded.save(tmp_path / "again.tsmaml")
    assert (tmp_path / "again.tsmaml").read_bytes() == (tmp_path / "m.tsmaml").read_bytes()
    with pytest.raises(UsageError, match="holds no series"):
        loaded.predict()


def test_a_loaded_forecaster_knows_how_it_was_made(fitted, tmp_path):
    fitted.save(tmp_path / "m.tsmaml", command="tsmaml fit series.csv")
    loaded = MetaForecaster.load(tmp_path / "m.tsmaml")
    curve = loaded.history_.curve
    np.testing.assert_array_equal(curve.query, fitted.history_.curve.query)
    assert len(curve.query) == loaded.history_.step == 40
    assert curve.validation == fitted.history_.curve.validation
    assert [step for step, *_ in curve.validation] == [0, 20, 40]
    assert loaded.report_.mean == fitted.report_.mean
    assert loaded.report_.n_series == fitted.report_.n_series
    assert loaded.report_.per_series.empty
    fit = loaded._fitted[1]
    assert (fit.command, fit.source) == ("tsmaml fit series.csv", "data frame")
    assert fit.versions["Keras"] == keras.__version__


def test_adapted_forecaster_keeps_its_parameters(fitted, new_frame, tmp_path):
    before = fitted.predict(new_frame, level=80)
    adapted = fitted.adapt(new_frame)
    assert "MetaForecaster, fitted" in fitted._repr_html_()
    assert "MetaForecaster, adapted to 7 series" in adapted._repr_html_()
    assert "new-s00, new-s01" in adapted._repr_html_()
    assert "4 held-out series" in adapted._repr_html_()
    pd.testing.assert_frame_equal(adapted.predict(level=80), before)
    adapted.save(tmp_path / "a.tsmaml")
    loaded = MetaForecaster.load(tmp_path / "a.tsmaml")
    assert loaded.adapted_ids_ == list(new_frame["unique_id"].unique())
    pd.testing.assert_frame_equal(loaded.predict(level=80), before)
    # Later points of a known series: the kept parameters, no new adaptation.
    later = loaded.predict(new_frame.groupby("unique_id", sort=False).tail(20))
    np.testing.assert_allclose(later["TSMAML"], before["TSMAML"], rtol=1e-4)
    # A mixture of known and new series comes back in its order.
    mixed = pd.concat([new_frame.query("unique_id == 'new-s03'"), _other(new_frame)])
    result = loaded.predict(mixed)
    assert list(result["unique_id"].unique()) == ["new-s03", "other"]
    np.testing.assert_allclose(
        result.query("unique_id == 'new-s03'")["TSMAML"],
        before.query("unique_id == 'new-s03'")["TSMAML"],
        rtol=1e-4,
    )


def _other(new_frame):
    return new_frame.query("unique_id == 'new-s00'").assign(unique_id="other")


def test_same_seed_same_forecasts_and_resuming_changes_nothing(fitted, frame, small, tmp_path):
    def interrupt(progress):
        if progress.step >= 20:
            raise KeyboardInterrupt

    checkpoint = tmp_path / "c"
    stopped = MetaForecaster(**small).fit(frame, callbacks=[interrupt], checkpoint=checkpoint)
    assert stopped.history_.stopped_by == "interrupt"
    assert np.isfinite(stopped.predict(frame)["TSMAML"]).all()
    resumed = MetaForecaster(**small).fit(frame, checkpoint=checkpoint, resume=True)
    assert resumed.history_.step == 40
    pd.testing.assert_frame_equal(resumed.predict(), fitted.predict(frame))
    with pytest.raises(ArtifactError, match="belongs to another run: seed differ"):
        MetaForecaster(**small, seed=1).fit(frame, checkpoint=checkpoint, resume=True)


def build_linear(input_size, h):
    return keras.Sequential([keras.Input((input_size,)), keras.layers.Dense(h)])


def squared(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def in_pairs(collection, windows):
    from tsmaml.tasks import TaskSet

    return TaskSet.from_labels([name[:-1] for name in collection.ids])


def test_own_functions_serve_as_parts(frame, new_frame, small, tmp_path):
    from tsmaml import engine

    own = {"model": build_linear, "loss": squared, "tasks": in_pairs}
    options = {**small, "model_options": {}, "steps": 5}
    forecaster = MetaForecaster(**{**options, **own}, algorithm=engine.anil(rate=0.05)).fit(frame)
    result = forecaster.predict(new_frame)
    assert np.isfinite(result["TSMAML"]).all()
    # A group learns from as many windows as all its members would.
    support = forecaster.explain_.set_index("unique_id")["support_windows"]
    assert support["new-s00"] == 6 * small["n_support"]
    forecaster.save(tmp_path / "own.tsmaml")
    with pytest.raises(ArtifactError, match="given in Python") as caught:
        MetaForecaster.load(tmp_path / "own.tsmaml")
    assert "model=build_linear" in str(caught.value)
    again = MetaForecaster.load(tmp_path / "own.tsmaml", **own, algorithm=engine.anil(rate=0.05))
    pd.testing.assert_frame_equal(again.predict(new_frame), result)


def test_quantile_loss_gives_conformalised_quantiles(frame, new_frame, small):
    forecaster = MetaForecaster(
        **{**small, "steps": 5}, loss="pinball", loss_options={"quantiles": [0.1, 0.5, 0.9]}
    ).fit(frame)
    result = forecaster.predict(new_frame, level=[50, 80])
    assert (result["TSMAML-lo-80"] <= result["TSMAML-lo-50"]).all()
    assert (result["TSMAML-hi-80"] >= result["TSMAML-hi-50"]).all()


def test_errors_say_what_to_do(fitted, frame, new_frame, small):
    with pytest.raises(UsageError, match="not fitted"):
        MetaForecaster().predict(frame)
    with pytest.raises(UsageError, match="h is 0; wanted is 1 or more"):
        fitted.predict(new_frame, h=0)
    with pytest.raises(UsageError, match="between 0 and 100"):
        fitted.predict(new_frame, level=[100])
    with pytest.raises(DataError, match="one series"):
        MetaForecaster(**small).fit(frame.query("unique_id == 's00'"))
    times = pd.date_range("2024-01-01", periods=len(new_frame), freq="h")
    hourly = new_frame.assign(ds=times, unique_id="x")
    with pytest.raises(DataError, match="frequency h; the model was trained on D"):
        fitted.predict(hourly)
    with pytest.raises(TsmamlError, match="Did you mean 'nbeats'"):
        MetaForecaster(model="nbeast").fit(frame)
    with pytest.raises(UsageError, match=r"has no option 'wdth'\. Did you mean 'width'"):
        MetaForecaster(**{**small, "model_options": {"wdth": 3}}).fit(frame)
    with pytest.raises(UsageError, match="steps is 0"):
        MetaForecaster(steps=0)
    with pytest.raises(UsageError, match="nothing to explain"):
        MetaForecaster().explain_  # noqa: B018


def test_without_held_out_series_there_are_no_intervals(frame, small):
    forecaster = MetaForecaster(**{**small, "holdout": 0.0, "steps": 2}).fit(frame)
    assert forecaster.report_ is None
    with pytest.raises(UsageError, match="no intervals"):
        forecaster.predict(level=80)
