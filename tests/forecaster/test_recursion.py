"""Forecasts beyond the trained horizon against calls that feed forecasts back by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml import MetaForecaster
from tsmaml.errors import DataError, UsageError
from tsmaml.forecaster.recursion import carried_over

TRAINED, H = 7, 17


def by_hand(forecaster, past, rounds, **options):
    """One call after the other, each on the series and all forecasts before it."""
    found = []
    for _ in range(rounds):
        made = forecaster.predict(past, **options)
        found.append(made)
        fed = made.rename(columns={"TSMAML": "y"})[["unique_id", "ds", "y"]]
        past = pd.concat([past, fed], ignore_index=True).sort_values(["unique_id", "ds"])
    return pd.concat(found, ignore_index=True)


def first_steps(frame, h):
    ordered = frame.sort_values(["unique_id", "ds"])
    return ordered.groupby("unique_id").head(h).reset_index(drop=True)


@pytest.mark.parametrize("zero_step", [False, True])
@pytest.mark.filterwarnings("ignore:.*(beyond the 7 points|are too few)")
def test_it_is_what_calls_that_feed_forecasts_back_give(fitted, new_frame, zero_step):
    kept = fitted.adapt(new_frame)
    far = kept.predict(new_frame, h=H, zero_step=zero_step)
    wanted = first_steps(by_hand(kept, new_frame, 3, zero_step=zero_step), H)
    pd.testing.assert_frame_equal(first_steps(far, H), wanted, rtol=1e-5)
    assert (far.groupby("unique_id").size() == H).all()
    # The forecaster that keeps nothing adapts to what was observed, once; one series it may know.
    new = fitted.predict(new_frame, h=H, zero_step=zero_step)
    pd.testing.assert_frame_equal(new, far, rtol=1e-3, atol=1e-3)
    of_one = fitted.adapt(new_frame[new_frame["unique_id"] == "new-s02"])
    mixed = of_one.predict(new_frame, h=H, zero_step=zero_step)
    pd.testing.assert_frame_equal(mixed, far, rtol=1e-3, atol=1e-3)
    assert (
        fitted.explain_["used"].isin(["zero-step"] if zero_step else ["adapted", "zero-step"]).all()
    )


@pytest.mark.filterwarnings("ignore:.*(beyond the 7 points|are too few)")
def test_intervals_widen_from_round_to_round(fitted, new_frame):
    kept = fitted.adapt(new_frame)
    far = kept.predict(new_frame, h=H, level=[50, 80])
    wanted = first_steps(by_hand(kept, new_frame, 3, level=[50, 80]), H)

    def distance(frame, bound):
        distances = (frame[f"TSMAML-{bound}"] - frame["TSMAML"]).abs().to_numpy()
        return distances.reshape(-1, H)

    for bound in ("lo-50", "hi-50", "lo-80", "hi-80"):
        found, alone = distance(first_steps(far, H), bound), distance(wanted, bound)
        np.testing.assert_allclose(found[:, :TRAINED], alone[:, :TRAINED], rtol=1e-4)
        second = np.hypot(alone[:, 7:14], alone[:, 6:7])
        np.testing.assert_allclose(found[:, 7:14], second, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(
            found[:, 14:], np.hypot(alone[:, 14:], second[:, -1:]), rtol=1e-4, atol=1e-6
        )
        assert (found[:, 7:] >= found[:, 6:7] - 1e-9).all()
    assert (far["TSMAML-lo-80"] <= far["TSMAML-lo-50"]).all()
    assert (far["TSMAML-hi-80"] >= far["TSMAML-hi-50"]).all()


def test_squares_of_distances_add_up():
    distances = np.array([[1.0, 3.0, 4.0, 0.0, 12.0]])
    np.testing.assert_allclose(carried_over(distances, 2), [[1, 3, 5, 3, np.hypot(12, 3)]])
    np.testing.assert_array_equal(carried_over(distances, 5), distances)


def test_it_says_so_and_only_then(fitted, new_frame, recwarn):
    fitted.predict(new_frame, h=TRAINED)
    assert not recwarn
    with pytest.warns(UserWarning, match="h is 8, beyond the 7 points that .* fed back") as caught:
        fitted.predict(new_frame, h=8)
    assert caught[0].filename == __file__
    with pytest.raises(UsageError, match="h is 0; wanted is 1 or more"):
        fitted.make_future(new_frame, h=0)


@pytest.fixture(scope="module")
def promoted():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=40)
    parts = [
        pd.DataFrame({"unique_id": f"s{i}", "ds": days, "y": rng.uniform(5, 50, 40)})
        for i in range(4)
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(promotion=rng.integers(0, 2, len(frame)).astype(float))


@pytest.mark.filterwarnings("ignore:.*beyond the 3 points")
def test_future_columns_have_to_be_known_as_far_and_values_are_fed_back_in_their_units(promoted):
    forecaster = MetaForecaster(
        h=3,
        input_size=6,
        season_length=1,
        model="linear",
        steps=2,
        holdout=0,
        transform="log1p",
        algorithm_options={"steps": 1},
    ).fit(promoted, futr_cols=["promotion"], progress=False)
    past = promoted[promoted["ds"] < "2024-02-01"]
    ahead = promoted.drop(columns="y")[promoted["ds"] >= "2024-02-01"]
    kept = forecaster.adapt(past)
    far = kept.predict(past, h=5, futr_df=ahead)
    # Each call reads again what is known of the columns.
    first = kept.predict(past, futr_df=ahead)
    fed = first.rename(columns={"TSMAML": "y"})
    fed = pd.concat([past, fed.merge(ahead)], ignore_index=True).sort_values(["unique_id", "ds"])
    second = kept.predict(fed, futr_df=ahead)
    wanted = first_steps(pd.concat([first, second]), 5)
    pd.testing.assert_frame_equal(first_steps(far, 5), wanted, rtol=1e-5)

    assert len(forecaster.make_future(past, h=5)) == 4 * 6
    with pytest.raises(DataError, match="'promotion' has no value at 2024-02-04") as caught:
        kept.predict(past, h=5, futr_df=ahead[ahead["ds"] < "2024-02-04"])
    assert "make_future(df, h=6)" in caught.value.hint
