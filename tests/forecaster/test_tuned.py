"""Adaptation to a new collection as a whole, and how far."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tsmaml import MetaForecaster
from tsmaml.engine import MetaLearner
from tsmaml.errors import UsageError
from tsmaml.forecaster.tuned import SHARES, Reach, best_share, plainly_tuned, tune_to
from tsmaml.series import read_series


@pytest.fixture(scope="module")
def others() -> pd.DataFrame:
    """A collection unlike the one that was trained on: noisy ramps, each 7 points a step up."""
    rng = np.random.default_rng(5)
    days = pd.date_range("2024-01-01", periods=60)
    frames = [
        pd.DataFrame(
            {
                "unique_id": f"ramp{number:02d}",
                "ds": days,
                "y": 50 + number + 2 * np.arange(60) + rng.normal(size=60),
            }
        )
        for number in range(24)
    ]
    return pd.concat(frames, ignore_index=True)


def held_out(frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Without the last week, and that week."""
    ahead = frame.groupby("unique_id").cumcount(ascending=False) < 7
    return frame[~ahead], frame.loc[ahead, "y"].to_numpy()


def test_adapting_to_a_new_collection_beats_the_zero_step_forecast(fitted, others):
    past, truth = held_out(others)
    errors = {}
    for level in ("none", "collection", "both", None):
        made = fitted.predict(past, adapt_to=level)
        errors[level] = np.abs(made["TSMAML"].to_numpy() - truth).mean()
        if level == "none":
            assert set(fitted.explain_["level"]) == {"none"}
        else:
            wanted = {"collection"} if level == "collection" else {"collection", "both"}
            assert set(fitted.explain_["level"]) <= wanted
    assert errors["collection"] < 0.8 * errors["none"]
    assert errors[None] == errors["both"]


def test_where_nothing_is_adapted_to_no_time_is_spent_on_it(fitted, new_frame, monkeypatch):
    expected = fitted.predict(new_frame, adapt_to="series", with_zero_step=True)["zero-step"]

    of_engine = MetaLearner.adapt_and_predict

    def refuse(learner, make, data, *, steps=None):
        assert steps == 0, "adapted"
        return of_engine(learner, make, data, steps=steps)

    monkeypatch.setattr(MetaLearner, "adapt_and_predict", refuse)
    monkeypatch.setattr(MetaLearner, "adapt", refuse)
    made = fitted.predict(new_frame, adapt_to="none")
    np.testing.assert_allclose(made["TSMAML"], expected, rtol=1e-5)
    explained = fitted.explain_
    assert explained["adapted_error"].isna().all()
    assert np.isfinite(explained["zero_step_error"][explained["unique_id"] != "point"]).all()
    assert (explained["inner_steps"] == 0).all()
    kept = fitted.adapt(new_frame, adapt_to="none")
    np.testing.assert_allclose(kept.predict()["TSMAML"], expected, rtol=1e-5)
    with pytest.warns(UserWarning, match="beyond"):
        ahead = fitted.predict(new_frame, h=8, adapt_to="none")
    np.testing.assert_allclose(ahead["TSMAML"].iloc[:7], expected.iloc[:7], rtol=1e-5)
    pd.testing.assert_frame_equal(fitted.explain_, explained)
    with pytest.raises(AssertionError, match="adapted"):
        fitted.predict(new_frame, adapt_to="series")


def test_series_that_were_trained_on_and_small_collections_are_no_new_collection(
    fitted, frame, new_frame
):
    for df in (frame, new_frame):
        fitted.predict(df)
        assert set(fitted.explain_["level"]) <= {"series", "none"}
    with pytest.raises(UsageError, match="adapt_to is 'shops'; wanted is one of series, "):
        fitted.predict(new_frame, adapt_to="shops")


def test_what_is_held_back_decides_and_is_not_seen(fitted, others):
    pipeline, collection = fitted._fitted[0], read_series(others)
    tuned = tune_to(pipeline, pipeline.prepared(collection))
    assert tuned.share in SHARES[1:]
    assert tuned.losses.argmin() > 0
    last_week = np.arange(60) >= 53
    values = np.where(np.tile(last_week, 24), 9.0, collection.values)
    changed = tune_to(pipeline, pipeline.prepared(replace(collection, values=values)))
    assert not np.array_equal(changed.losses, tuned.losses)
    before = tune_to(pipeline, pipeline.prepared(collection.head_of_each(7)))
    start = [np.array(part) for part in pipeline.learner.meta.parameters]
    for share, path in ((tuned.share, tuned.past), (changed.share, changed.past)):
        if share:  # how far is another matter; the direction has not seen the last week
            ways = [(np.array(p) - s) / share for p, s in zip(path, start, strict=True)]
            wanted = [
                (np.array(p) - s) / tuned.share for p, s in zip(tuned.past, start, strict=True)
            ]
            for one, other in zip(ways, wanted, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-5)
    assert before.share in SHARES


def test_of_short_histories_a_third_is_held_back_and_a_part_of_the_way_gone(fitted, others):
    pipeline, collection = fitted._fitted[0], read_series(others)
    for length, wanted, most in ((60, 7, 1), (18, 6, 0.25), (12, 4, 0.5), (7, 2, 0.5)):
        tuned = tune_to(pipeline, pipeline.prepared(collection.tail_of_each(length)))
        assert tuned.cut_back == wanted
        assert tuned.share <= most
    # The last of 12 points that the judged direction has seen is the eighth.
    short = collection.tail_of_each(12)
    values = np.where(np.tile(np.arange(12) >= 8, 24), 9.0, short.values)
    one, other = (
        plainly_tuned(pipeline, pipeline.prepared(series), cut_back=4)
        for series in (short, replace(short, values=values))
    )
    for before, after in zip(one, other, strict=True):
        np.testing.assert_array_equal(before, after)


def test_from_histories_of_five_points_no_collection_is_learned(fitted, others):
    fitted.predict(others.groupby("unique_id").tail(5), adapt_to="collection")
    assert set(fitted.explain_["level"]) == {"none"}


def test_what_was_adapted_is_kept_saved_and_loaded(fitted, others, tmp_path):
    past, _ = held_out(others)
    made = fitted.predict(past)
    kept = fitted.adapt(past)
    pd.testing.assert_frame_equal(kept.predict(), made)
    kept.save(tmp_path / "kept.tsmaml")
    again = MetaForecaster.load(tmp_path / "kept.tsmaml")
    pd.testing.assert_frame_equal(again.predict(), made)
    assert set(again.explain_["level"]) <= {"collection", "both"}


def test_the_share_with_the_lowest_losses_if_it_gains_enough():
    far, near, lenient = Reach(1, 1.0, 2.0), Reach(1, 0.25, 2.0), Reach(1, 1.0, -2.0)
    level = np.random.default_rng(0).uniform(1, 100, 200)
    losses = level * np.array([1.0, 0.8, 0.7, 0.75, 0.9])[:, np.newaxis]
    assert SHARES[best_share(losses, far)] == 0.5
    assert SHARES[best_share(losses, near)] == 0.25
    assert best_share(np.full((5, 200), np.nan), lenient) == 0
    assert best_share(np.tile(level, (5, 1)), far) == 0
    outlier = losses.copy()
    outlier[1:, 0] = 1e9  # one series alone decides nothing
    assert SHARES[best_share(outlier, far)] == 0.5
    by_chance = np.stack([level] * 5)
    by_chance[1:] *= 2
    # A gain of 5 %, give or take 3.5; then one of 9 %, and a loss of 5 %.
    by_chance[3] = level * np.exp(0.5 * (-1.0) ** np.arange(200) - 0.05)
    assert best_share(by_chance, far) == 0
    assert SHARES[best_share(by_chance, lenient)] == 0.75
    by_chance[3] *= np.exp(-0.04)
    assert SHARES[best_share(by_chance, far)] == 0.75
    by_chance[3] *= np.exp(0.14)
    assert SHARES[best_share(by_chance, lenient)] == 0.75
    by_chance[3] *= np.exp(0.05)
    assert best_share(by_chance, lenient) == 0
