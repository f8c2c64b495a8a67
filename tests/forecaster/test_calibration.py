"""Intervals of series by how much of them there is to see."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def calibration():
    """Ten sorted scores a step, wider the fewer points there were: [10, 2]."""
    ranks = np.arange(1.0, 11.0)[:, np.newaxis] * [1.0, 2.0]
    return {"point": ranks, "point/4": 3 * ranks, "point/2": 5 * ranks}


def test_lengths_are_halves_of_the_input_down_to_two_points():
    from tsmaml.forecaster.calibration import short_lengths

    assert short_lengths(36) == [18, 9, 4, 2]
    assert short_lengths(3) == []


def test_widths_are_those_of_the_length_and_in_between_interpolated(calibration):
    from tsmaml.forecaster.calibration import half_widths

    n_seen = np.array([9, 4, 2, 1, 6])
    found = half_widths(calibration, "point", 0.5, n_seen, 9)
    whole = np.array([6.0, 12.0])  # rank ceil(11 * 0.5)
    assert np.allclose(found[:4], np.array([1, 3, 5, 5])[:, np.newaxis] * whole)
    share = np.log(6 / 4) / np.log(9 / 4)
    assert np.allclose(found[4], (3 - 2 * share) * whole)


def test_a_model_without_scores_of_short_histories_takes_the_whole_ones(calibration):
    from tsmaml.forecaster.calibration import half_widths

    found = half_widths({"point": calibration["point"]}, "point", 0.5, np.array([1, 9]), 9)
    assert np.allclose(found, [6.0, 12.0])


def test_a_short_series_gets_the_interval_of_held_out_series_cut_as_short(fitted, new_frame):
    pipeline, fit = fitted._fitted
    assert {name for name in fit.calibration if "/" in name} == {"point/7", "point/3"}
    short = new_frame.groupby("unique_id").tail(3)
    collection = fitted._read(short, {})
    from tsmaml.forecaster.forecasting import both_forecasts

    scale = both_forecasts(pipeline, pipeline.prepared(collection)).scale
    made = fitted.predict(short, level=50, zero_step=True)
    width = (made["TSMAML-hi-50"] - made["TSMAML"]).to_numpy().reshape(-1, 7)
    from tsmaml.intervals import widths

    seen = collection.lengths == 3
    assert seen.sum() == 6
    expected = scale[seen, np.newaxis] * widths(fit.calibration["point/3"], 0.5)
    assert np.allclose(width[seen], expected, rtol=1e-5)


def test_scores_of_short_histories_see_no_more_than_their_last_points(fitted, frame):
    from tsmaml.forecaster.calibration import calibrate

    pipeline, _ = fitted._fitted
    changed = frame.copy()
    changed.loc[changed.groupby("unique_id").cumcount(ascending=False) >= 7 + 3, "y"] += 1000
    before, after = (
        # Room for one origin: an input of 14 points, and 7 to forecast.
        calibrate(pipeline, [fitted._read(one, {}).tail_of_each(7 + 14)])
        for one in (frame, changed)
    )
    assert np.array_equal(before["point/3"], after["point/3"])
    assert not np.array_equal(before["point/7"], after["point/7"])


def test_origins_are_spread_over_the_history_where_there_is_room(fitted, frame):
    from tsmaml.forecaster.calibration import histories, spread

    collection = fitted._read(frame, {})  # 66 to 70 points
    assert spread(collection, 7, 14) == [0, 8, 16, 24, 31, 39, 47]
    assert spread(collection.tail_of_each(24), 7, 14) == [0, 7, 14]
    ends = [held.past.lengths.min() for held in histories(collection, 7, 14, [0, 20])]
    assert ends == [59, 39]
