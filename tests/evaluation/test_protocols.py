"""Who is shown what: nothing after a cutoff, no series of one's own fold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stand_in import StandIn

from tsmaml.errors import DataError, PluginError, UnknownNameError, UsageError
from tsmaml.evaluation import evaluate
from tsmaml.evaluation.curves import history_lengths
from tsmaml.evaluation.protocols import lengths_of
from tsmaml.series import SeriesCollection

RNG = np.random.default_rng(4)
VALUES = {f"s{i}": RNG.normal(size=12 + i % 3) + 5 for i in range(8)}
PROTOCOLS = [
    ("time", {"n_windows": 3, "refit": True}),
    ("series", {"folds": 3, "n_windows": 2}),
    ("cold-start", {"folds": 2, "lengths": [1, 3]}),
]


@pytest.fixture
def judged(collect):
    return collect(VALUES)


def run(collection, protocol="time", forecaster=None, **options):
    forecaster = forecaster or StandIn(fitted=False)
    evaluation = evaluate(forecaster, collection, protocol, **{"curves": False, **options})
    return evaluation, forecaster


def test_cutoffs_lie_a_step_apart_and_the_truth_follows_them(judged):
    evaluation, _ = run(judged, n_windows=3, step_size=1, baselines=["naive"])
    frame = evaluation.forecasts
    assert list(frame.columns) == ["unique_id", "ds", "cutoff", "y", "TSMAML", "zero-step", "naive"]
    one = frame[frame["unique_id"] == "s0"]
    assert one["cutoff"].tolist() == [7, 7, 8, 8, 9, 9]
    assert one["ds"].tolist() == [8, 9, 9, 10, 10, 11]
    assert one["y"].tolist() == VALUES["s0"][[8, 9, 9, 10, 10, 11]].tolist()
    assert one["naive"].tolist() == VALUES["s0"][[7, 7, 8, 8, 9, 9]].tolist()


def test_a_fitted_forecaster_is_taken_as_it_is_and_another_is_trained_before_the_first_cutoff(
    judged,
):
    _, fitted = run(judged, forecaster=StandIn(), n_windows=2)
    assert fitted.told("fit") == []
    _, new = run(judged, n_windows=2)
    (trained,) = new.told("fit")
    assert trained.lengths.tolist() == (judged.lengths - 4).tolist()
    assert not new.is_fitted


@pytest.mark.parametrize(("refit", "drops"), [(True, [6, 4, 2]), (2, [6, 2])])
def test_refit_trains_before_each_cutoff_or_every_so_many(judged, refit, drops):
    _, forecaster = run(judged, n_windows=3, refit=refit)
    trained = [one.lengths.tolist() for one in forecaster.told("fit")]
    assert trained == [(judged.lengths - drop).tolist() for drop in drops]


@pytest.mark.parametrize(("protocol", "options"), PROTOCOLS)
def test_the_future_moves_nothing_that_precedes_it(collect, protocol, options):
    h = 2
    before, _ = run(collect(VALUES), protocol, **options)
    last = {name: np.append(values[:-h], [1e6, -1e6]) for name, values in VALUES.items()}
    after, forecaster = run(collect(last), protocol, **options)
    models = ["TSMAML", "zero-step", "seasonal_naive"]
    pd.testing.assert_frame_equal(before.forecasts[models], after.forecasts[models])
    for kind in ("fit", "predict"):
        assert all(np.abs(df.values).max() < 1e3 for df in forecaster.told(kind))


@pytest.mark.parametrize("protocol", ["series", "cold-start"])
def test_each_series_is_forecast_once_by_a_forecaster_that_was_not_trained_on_it(judged, protocol):
    options = {"lengths": [2]} if protocol == "cold-start" else {}
    evaluation, forecaster = run(judged, protocol, folds=3, **options)
    trained, asked = forecaster.told("fit"), forecaster.told("predict")
    assert len(trained) == len(asked) == 3
    for one, other in zip(trained, asked, strict=True):
        assert set(one.ids).isdisjoint(other.ids)
        assert len(one) + len(other) == len(judged)
    assert sorted(evaluation.forecasts["unique_id"].unique()) == sorted(VALUES)
    assert len(evaluation.forecasts) == 2 * len(VALUES)
    assert evaluation.warnings == ()


def test_a_cold_start_shows_the_last_points_before_the_cutoff_and_scales_by_all(judged):
    evaluation, forecaster = run(judged, "cold-start", StandIn(), lengths=[3, 1])
    assert [set(one.lengths) for one in forecaster.told("predict")] == [{1}, {3}]
    np.testing.assert_array_equal(forecaster.told("predict")[1].series("s0"), VALUES["s0"][7:10])
    assert sorted(set(evaluation.forecasts["history"])) == [1, 3]
    past = VALUES["s0"][:10]
    scale = evaluation.scales.set_index("unique_id")["scale"]["s0"]
    assert scale == pytest.approx(np.abs(past[2:] - past[:-2]).mean())
    assert evaluation.at(3).forecasts.columns[3] == "y"
    with pytest.raises(UsageError, match="no history of 2 points"):
        evaluation.at(2)
    assert lengths_of(12) == (1, 6, 12, 24, 36)


def test_a_series_that_the_model_knows_is_a_leak_unless_it_is_trained_anew(judged):
    known = judged.fingerprints()[2:5]
    with pytest.warns(UserWarning, match=r"^3 of 8 series \(first 's2'\)"):
        evaluation, _ = run(judged, forecaster=StandIn(known=known))
    assert evaluation.series.set_index("unique_id")["seen"].sum() == 3
    assert len(evaluation.by_group("seen")["seen"].unique()) == 2
    anew, _ = run(judged, forecaster=StandIn(known=known), refit=True)
    assert anew.warnings == ()


def test_a_series_too_short_for_a_window_has_no_part_in_it(collect):
    evaluation, _ = run(collect({"short": [1, 2, 3], **VALUES}), n_windows=2, forecaster=StandIn())
    counts = evaluation.forecasts.groupby("unique_id").size()
    assert (counts["short"], counts["s0"]) == (2, 4)
    with pytest.raises(DataError, match="no series has more than 2 points"):
        run(collect({"a": [1, 2], "b": [1]}), forecaster=StandIn())


def test_ctrl_c_in_meta_training_stops_the_evaluation(judged):
    forecaster = StandIn(fitted=False)
    stopped = StandIn()
    stopped.history_.stopped_by = "interrupt"
    forecaster.unfitted = lambda h: stopped
    with pytest.raises(KeyboardInterrupt):
        run(judged, forecaster=forecaster)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "space"}, "no protocol 'space'"),
        ({"h": 3}, "forecasts 1 to 2 points"),
        ({"n_windows": 0}, "n_windows is 0"),
        ({"step_size": 1.5}, "step_size is 1.5"),
        ({"lengths": [3]}, "lengths cut the histories"),
        ({"protocol": "cold-start", "lengths": [0]}, r"lengths are \[0\]"),
        ({"protocol": "series", "refit": True}, "refit is of the protocol time"),
        ({"protocol": "series", "folds": 1}, "folds is 1"),
        ({"metrics": "mae"}, "lists of names"),
        ({"metrics": ["coverage"]}, "coverage is one of intervals"),
        ({"level": 120}, "between 0 and 100"),
        ({"baselines": ["naive", "naive"]}, "have the same name"),
    ],
)
def test_what_cannot_be_asked_for(judged, options, message):
    with pytest.raises(UsageError, match=message):
        run(judged, **{"forecaster": StandIn(), **options})


def test_unknown_names_and_too_few_series_are_told(judged):
    with pytest.raises(UnknownNameError, match="Did you mean 'seasonal_naive'"):
        run(judged, baselines=["seasonl_naive"])
    with pytest.raises(UnknownNameError, match="Did you mean 'mase'"):
        run(judged, metrics=["mse", "masee"][1:])
    with pytest.raises(DataError, match=r"8 series make no 5 folds"):
        run(judged, "series")


def test_a_failing_baseline_is_reported_and_the_others_stay(judged):
    def broken(season_length):
        def forecast(collection, h, levels):
            raise ZeroDivisionError("no season")

        return forecast

    def flat(season_length):
        return lambda collection, h, levels: (np.zeros(3), {})

    with pytest.warns(UserWarning, match="is left out"):
        evaluation, _ = run(judged, forecaster=StandIn(), baselines=[broken, flat, "mean"])
    assert evaluation.settings["baselines"] == ["mean"]
    assert "broken failed and is left out (ZeroDivisionError: no season)" in evaluation.warnings[0]
    assert "its shapes are [(3,)], not (8, 2)" in evaluation.warnings[1]


def test_series_that_a_baseline_cannot_forecast_get_the_seasonal_naive(judged):
    def partly(season_length):
        def forecast(collection, h, levels):
            point = np.ones((len(collection), h))
            point[1, 0] = np.nan
            return point, {80.0: (point - 1, point + 1)}

        return forecast

    with pytest.warns(UserWarning, match=r"could not forecast 1 series \(first 's1'\)"):
        evaluation, _ = run(
            judged, forecaster=StandIn(), baselines=[partly, "seasonal_naive"], level=80
        )
    frame = evaluation.forecasts.set_index("unique_id")
    name = evaluation.settings["baselines"][0]
    assert frame.loc["s1", name].tolist() == frame.loc["s1", "seasonal_naive"].tolist()
    assert frame.loc["s0", name].tolist() == [1, 1]


def test_a_baseline_that_cannot_be_loaded_is_told_before_any_work(judged, monkeypatch):
    from tsmaml.evaluation import request
    from tsmaml.plugins.manager import Part

    part = Part("baseline", "gone", "", "own", "1", "nowhere_at_all:build")
    monkeypatch.setattr(request, "registry", lambda: type("R", (), {"resolve": lambda *_: part})())
    forecaster = StandIn(fitted=False)
    with pytest.raises(PluginError, match="nowhere_at_all"):
        run(judged, forecaster=forecaster, baselines=["gone"])
    assert forecaster.log == []


def test_masked_steps_have_no_part_in_scores():
    rows = pd.DataFrame({"unique_id": "a", "ds": range(9), "y": [1, 2, 3, 4, 5, 6, 7, None, 4.0]})
    rows = pd.concat([rows, rows.assign(unique_id="b")])
    collection = SeriesCollection.from_frame(rows)
    evaluation, _ = run(collection, forecaster=StandIn(), metrics=["mae"], baselines=["naive"])
    assert set(evaluation.summary().set_index("model")["value"]) >= {3.0}


def test_curves_go_from_one_point_to_all_with_no_two_lengths_alike():
    assert history_lengths(12, 126) == [1, 2, 4, 8, 16, 36, 126]
    assert history_lengths(1, 300) == [1, 2, 4, 8, 16, 300]
    assert history_lengths(7, 20) == [1, 2, 4, 8, 20]
    assert history_lengths(7, 1) == [1]
