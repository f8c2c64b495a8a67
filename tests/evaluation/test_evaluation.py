"""The result of an evaluation: scores by utilsforecast's definitions, intervals, comparisons."""

from __future__ import annotations

import json
from functools import partial

import matplotlib
import numpy as np
import pandas as pd
import pytest
from stand_in import StandIn
from utilsforecast import losses
from utilsforecast.evaluation import evaluate as reference

from tsmaml.errors import UnknownNameError
from tsmaml.evaluation import evaluate
from tsmaml.evaluation.resampling import bootstrap, means_by, paired_p_value

RNG = np.random.default_rng(5)
VALUES = {f"s{i}": np.exp(RNG.normal(size=20 + i)) for i in range(12)}
POINT = ["mae", "rmse", "smape", "mape"]


@pytest.fixture(scope="module")
def collection(collect):
    return collect(VALUES)


@pytest.fixture(scope="module")
def evaluation(collection):
    return evaluate(
        StandIn(h=3),
        collection,
        n_windows=2,
        step_size=4,
        level=[80, 95],
        baselines=["seasonal_naive", "mean"],
        n_bootstrap=200,
    )


def test_the_frame_goes_to_utilsforecast_as_it_is_and_scores_are_its_own(evaluation, collection):
    levels = [80, 95]
    functions = [getattr(losses, name) for name in [*POINT, "scaled_crps", "coverage"]]
    theirs = reference(evaluation.forecasts, functions, level=levels)
    bounded = theirs.columns[3:]
    assert list(bounded) == ["TSMAML", "zero-step", "seasonal_naive", "mean"]
    history = collection.to_frame()
    mase = reference(evaluation.forecasts, [partial(losses.mase, seasonality=2)], train_df=history)
    mean = pd.concat([theirs, mase]).groupby(["unique_id", "metric"])[list(bounded)].mean()
    ours = evaluation.scores.pivot(index=["unique_id", "metric"], columns="model", values="value")
    for metric, own, factor in (
        *((name, name, {"smape": 200, "mape": 100}.get(name, 1)) for name in ["mae", "mase"]),
        *(("smape", "smape", 200), ("mape", "mape", 100)),
        *(("coverage_level80", "coverage_80", 1), ("coverage_level95", "coverage_95", 1)),
    ):
        np.testing.assert_allclose(
            ours.xs(own, level="metric")[list(bounded)],
            factor * mean.xs(metric, level="metric"),
            err_msg=metric,
        )
    # RMSE and CRPS are of all rows of a series, not the mean of two cutoffs.
    rows = evaluation.forecasts.drop(columns="cutoff")
    pooled = reference(rows, [losses.rmse, losses.scaled_crps], level=levels)
    pooled = pooled.set_index(["unique_id", "metric"])
    for metric in ("rmse", "scaled_crps"):
        np.testing.assert_allclose(
            ours.xs(metric, level="metric")[list(bounded)],
            pooled.xs(metric, level="metric").loc[ours.xs(metric, level="metric").index, bounded],
        )


def test_plot_series_takes_the_frame_as_it_is(evaluation, collection):
    matplotlib.use("Agg")
    from utilsforecast.plotting import plot_series

    frame = evaluation.forecasts.query("cutoff == cutoff.min()").drop(columns=["cutoff", "y"])
    assert plot_series(collection.to_frame(), frame, level=[80], max_ids=2) is not None
    assert plot_series(collection.to_frame(), evaluation.forecasts, max_ids=2) is not None


def test_one_row_for_each_series_metric_and_model(evaluation):
    scores = evaluation.scores
    assert list(scores.columns) == ["unique_id", "metric", "model", "value"]
    assert not scores.duplicated(["unique_id", "metric", "model"]).any()
    metrics = set(scores["metric"])
    assert metrics == {*POINT, "mase", "scaled_crps", "coverage_80", "coverage_95"}


def test_the_summary_is_the_mean_over_series_within_its_interval(evaluation):
    summary = evaluation.summary()
    means = evaluation.scores.groupby(["metric", "model"])["value"].mean()
    for row in summary.to_dict("records"):
        assert row["value"] == pytest.approx(means[row["metric"], row["model"]])
        assert row["lo"] <= row["value"] <= row["hi"]
        assert row["n_series"] == 12


def test_steps_average_to_the_summary(evaluation):
    steps = evaluation.by_step()
    assert sorted(set(steps["step"])) == [1, 2, 3]
    for metric in ("mae", "mase", "smape"):
        by_step = steps[steps["metric"] == metric].groupby("model")["value"].mean()
        whole = evaluation.summary().query("metric == @metric").set_index("model")["value"]
        for model in whole.index:
            assert by_step[model] == pytest.approx(whole[model])


def test_groups_by_static_column_by_mapping_and_no_other(collection):
    static = pd.DataFrame({"unique_id": list(VALUES), "region": ["north", "south"] * 6})
    frame = collection.to_frame()
    evaluation = evaluate(
        StandIn(h=3), frame, static_df=static, curves=False, metrics=["mae"], n_bootstrap=50
    )
    groups = evaluation.by_group("region")
    assert set(groups["region"]) == {"north", "south"}
    assert set(groups["n_series"]) == {6}
    mapped = evaluation.by_group(dict(zip(static["unique_id"], static["region"], strict=True)))
    assert mapped["value"].tolist() == groups["value"].tolist()
    assert evaluation.by_group({"s0": "only"})["n_series"].tolist() == [1, 1, 1]
    with pytest.raises(UnknownNameError, match="Did you mean 'region'"):
        evaluation.by_group("regon")


def test_comparisons_are_paired_differences(evaluation):
    rows = evaluation.compare()
    wide = evaluation.scores.query("metric == 'mae'").pivot(
        index="unique_id", columns="model", values="value"
    )
    (row,) = rows.query(
        "metric == 'mae' and model == 'TSMAML' and baseline == 'seasonal_naive'"
    ).to_dict("records")
    both = wide["TSMAML"] - wide["seasonal_naive"]
    assert row["difference"] == pytest.approx(both.mean())
    assert row["lo"] < row["difference"] < row["hi"]
    assert row["better"] == (both < 0).mean()
    pairs = set(zip(rows["model"], rows["baseline"], strict=True))
    assert ("TSMAML", "zero-step") in pairs
    assert len(pairs) == 5
    assert not rows["metric"].str.startswith("coverage").any()


def test_curves_go_from_one_point_to_all_and_over_inner_steps(evaluation):
    curves = evaluation.curves
    history = curves.query("curve == 'history' and metric == 'mase'")
    longest = max(len(values) for values in VALUES.values()) - 3
    assert sorted(set(history["at"])) == [1, 2, 4, 8, 16, longest]
    assert set(history["model"]) == {"TSMAML", "zero-step", "seasonal_naive"}
    steps = curves.query("curve == 'inner_steps' and metric == 'mase' and model == 'TSMAML'")
    assert steps["at"].tolist() == [0, 1, 2, 3, 5, 10, 20]
    assert steps["value"].iloc[-1] > steps["value"].iloc[0]  # each step adds 1 in the stand-in
    assert (curves["lo"] <= curves["value"]).all()


def test_json_and_html_hold_what_was_found(evaluation, tmp_path):
    found = json.loads(evaluation.to_json(tmp_path / "e.json"))
    assert json.loads((tmp_path / "e.json").read_text()) == found
    assert found["settings"]["models"] == ["TSMAML", "zero-step", "seasonal_naive", "mean"]
    assert len(found["summary"]) == len(evaluation.summary())
    assert {"compare", "curves", "warnings"} <= set(found)
    page = evaluation._repr_html_()
    for text in ("time: 12 series, 2 cutoffs, 3 points ahead", "seasonal_naive", "MASE", "80 %"):
        assert text in page
    assert repr(evaluation).startswith("Evaluation(protocol=time, 12 series, h=3")


def test_bootstrap_intervals_are_those_of_the_normal_law_for_many_series():
    values = np.random.default_rng(0).normal(3, 2, (400, 2))
    values[:, 1] = np.nan
    lower, upper = bootstrap(values, 2000, 1)
    wanted = values[:, 0].mean() + np.array([-1, 1]) * 1.96 * values[:, 0].std() / 20
    np.testing.assert_allclose([lower[0], upper[0]], wanted, atol=0.02)
    assert np.isnan([lower[1], upper[1]]).all()
    again = bootstrap(values, 2000, 1)
    np.testing.assert_array_equal(again, (lower, upper))


def test_the_paired_test_is_exact_where_all_signs_can_be_counted():
    # Of the 2^6 ways to turn the signs of equal differences two are as extreme.
    assert paired_p_value(np.full(6, 0.5), 20_000, 0) == pytest.approx(2 / 64, abs=0.005)
    assert paired_p_value(np.zeros(5), 99, 0) == 1
    assert np.isnan(paired_p_value(np.empty(0), 99, 0))


def test_means_leave_out_what_is_missing():
    scores = pd.DataFrame(
        {"unique_id": ["a", "b"], "metric": "mase", "model": "m", "value": [2.0, np.nan]}
    )
    (row,) = means_by(scores, [], 20, 0).to_dict("records")
    assert (row["value"], row["lo"], row["hi"], row["n_series"]) == (2, 2, 2, 1)


def test_a_mean_of_nothing_has_no_interval():
    lower, upper = bootstrap(np.full((3, 1), np.nan), 10, 0)
    assert np.isnan([lower, upper]).all()
