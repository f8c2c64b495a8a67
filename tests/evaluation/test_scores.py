"""MASE and sMAPE against hand-worked cases and plain loops."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tsmaml.evaluation import score, seasonal_naive


def of(scores, metric, forecast):
    """The scores of one forecast, by series."""
    rows = scores.per_series[scores.per_series["metric"] == metric]
    return rows.set_index("unique_id")[forecast].to_dict()


def test_hand_worked_mase_and_smape(collect):
    # Lag-2 differences: a 2, 2 (mean 2); b 1, 5, 3 (mean 3).
    history = collect({"a": [1, 2, 3, 4], "b": [0, 0, 1, 5, 4]})
    truth = np.array([[10.0, 10.0], [1.0, 3.0]])
    forecast = np.array([[6.0, 10.0], [4.0, 9.0]])
    scores = score(truth, {"model": forecast}, history, season_length=2)
    assert of(scores, "mase", "model") == pytest.approx({"a": 2 / 2, "b": 4.5 / 3})
    assert of(scores, "smape", "model") == pytest.approx(
        {"a": 200 * (4 / 16 + 0) / 2, "b": 200 * (3 / 5 + 6 / 12) / 2}
    )
    assert scores.mean["mase"]["model"] == pytest.approx(1.25)
    assert scores.mean["smape"]["model"] == pytest.approx(200 * (0.125 + 0.55) / 2)
    assert (scores.n_series, scores.n_constant) == (2, 0)


def test_several_forecasts_are_scored_side_by_side(collect):
    history = collect({"a": [0, 1]})
    truth = np.array([[2.0, 4.0]])
    scores = score(truth, {"perfect": truth, "zero": 0 * truth}, history, season_length=1)
    assert scores.mean["mase"] == {"perfect": 0, "zero": 3}
    assert scores.mean["smape"] == {"perfect": 0, "zero": 200}


def test_constant_histories_have_no_mase_and_are_counted(collect):
    history = collect({"flat": [0.1, 0.1, 0.1], "up": [1, 2, 3]})
    truth = np.array([[0.1, 0.1], [5.0, 5.0]])
    scores = score(truth, {"model": truth + 1}, history, season_length=1)
    assert np.isnan(of(scores, "mase", "model")["flat"])
    assert scores.mean["mase"]["model"] == 1
    assert np.isfinite(of(scores, "smape", "model")["flat"])
    assert (scores.n_series, scores.n_constant) == (2, 1)


def test_a_constant_history_that_is_forecast_perfectly_has_no_mase_either(collect):
    history = collect({"flat": [3, 3, 3], "up": [1, 2, 3]})
    truth = np.array([[3.0], [4.0]])
    scores = score(truth, {"model": np.array([[3.0], [6.0]])}, history, season_length=1)
    assert scores.mean["mase"]["model"] == 2
    assert scores.n_constant == 1


def test_a_history_that_repeats_its_season_exactly_has_no_mase(collect):
    history = collect({"weekly": [1, 2, 1, 2, 1, 2], "up": [1, 2, 3, 4]})
    truth = np.ones((2, 1))
    scores = score(truth, {"model": 0 * truth}, history, season_length=2)
    assert np.isnan(of(scores, "mase", "model")["weekly"])
    assert scores.n_constant == 1


def test_no_difference_is_taken_across_two_series(collect):
    # Both are flat, and only the step from one to the other is not.
    history = collect({"a": [1, 1, 1], "b": [9, 9, 9]})
    scores = score(np.ones((2, 1)), {"model": np.zeros((2, 1))}, history, season_length=1)
    assert scores.n_constant == 2
    assert np.isnan(scores.mean["mase"]["model"])


@pytest.mark.parametrize("season_length", [3, 4, 100])
def test_a_history_no_longer_than_a_season_has_no_mase(collect, season_length):
    history = collect({"short": [1, 2, 3]})
    scores = score(np.ones((1, 1)), {"model": np.zeros((1, 1))}, history, season_length)
    assert np.isnan(scores.mean["mase"]["model"])
    assert scores.n_constant == 1


def test_smape_of_zero_and_zero_is_zero(collect):
    truth = np.array([[0.0, 2.0]])
    scores = score(truth, {"model": np.array([[0.0, 0.0]])}, collect({"a": [0, 1]}), 1)
    assert scores.mean["smape"]["model"] == 100


def test_a_point_that_was_not_observed_does_not_count(collect):
    history = collect({"a": [0, 1]})
    truth = np.array([[3.0, np.nan, 5.0]])
    scores = score(truth, {"model": np.array([[1.0, 1000.0, 1.0]])}, history, 1)
    assert scores.mean["mase"]["model"] == 3


def test_rows_belong_to_their_series_in_whatever_order(collect):
    history = collect({"b": [0, 1], "a": [0, 10], "c": [0, 100]}).select([2, 0, 1])
    truth = np.zeros((3, 2))
    forecast = truth + np.array([[300.0], [200.0], [100.0]])
    scores = score(truth, {"model": forecast}, history, season_length=1)
    assert of(scores, "mase", "model") == {"a": 10, "b": 200, "c": 3}


def test_scores_equal_a_plain_loop(collect):
    rng = np.random.default_rng(5)
    lengths = rng.integers(8, 40, size=30)
    histories = {f"s{i:02}": np.exp(rng.normal(size=n)) for i, n in enumerate(lengths)}
    collection, h, season = collect(histories), 6, 7
    truth = np.exp(rng.normal(size=(30, h)))
    forecast = seasonal_naive(collection, season, h)
    scores = score(truth, {"naive": forecast}, collection, season)
    mase, smape = of(scores, "mase", "naive"), of(scores, "smape", "naive")
    for row, (name, values) in enumerate(histories.items()):
        errors = [abs(forecast[row, t] - truth[row, t]) for t in range(h)]
        sizes = [abs(forecast[row, t]) + abs(truth[row, t]) for t in range(h)]
        steps = [abs(values[t] - values[t - season]) for t in range(season, len(values))]
        assert mase[name] == pytest.approx(np.mean(errors) / np.mean(steps))
        assert smape[name] == pytest.approx(200 * np.mean(np.divide(errors, sizes)))
    assert scores.mean["mase"]["naive"] == pytest.approx(np.mean(list(mase.values())))
    assert scores.mean["smape"]["naive"] == pytest.approx(np.mean(list(smape.values())))


def test_importing_the_room_loads_neither_tensorflow_nor_pandas():
    code = (
        "import sys, tsmaml.evaluation;"
        "heavy = {'tensorflow', 'keras', 'pandas', 'utilsforecast'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
