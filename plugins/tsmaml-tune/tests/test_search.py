"""The study: what it keeps, goes on with and refuses; trials are scored by a stand-in."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace

import pytest
import tsmaml_tune
from tsmaml_tune.search import tune
from tsmaml_tune.study import finished, opened

from tsmaml.engine import Progress
from tsmaml.errors import ArtifactError, DataError, TrainingError, UsageError

SPACE = {"learning_rate": (1e-4, 1e-2, "log"), "n_support": [2, 4, 8]}
BASE = {"h": 3, "input_size": 6, "season_length": 1, "steps": 20}


@pytest.fixture
def scored(monkeypatch):
    """Instead of meta-training: a score that is lowest at a learning rate of 0.003; and its faults."""
    told = SimpleNamespace(settings=[], raises={}, loss=lambda rate: rate)

    def stand_in(forecaster, collection, *, shortest, callbacks):
        settings, number = forecaster.settings, len(told.settings)
        told.settings.append(settings)
        assert shortest == 6
        for step in range(0, settings.steps + 1, 5):
            progress = Progress(
                step, settings.steps, 0.0, 0.0, 0.0, told.loss(settings.learning_rate)
            )
            for callback in callbacks:
                callback(progress)
        if number in told.raises:
            raise told.raises[number]
        score = abs(settings.learning_rate - 3e-3) + settings.n_support / 1000
        return SimpleNamespace(
            scores=SimpleNamespace(mean={"mase": {"adapted": score}}, n_series=2),
            history=SimpleNamespace(stopped_by="steps", step=settings.steps),
        )

    monkeypatch.setattr("tsmaml.forecaster.validate", stand_in)
    monkeypatch.setattr("keras.backend.clear_session", lambda: None)  # nothing was compiled
    return told


def values_of(result):
    rows = result.trials.sort_values("trial")
    return list(zip(rows["learning_rate"], rows["n_support"], strict=True))


def test_the_best_beats_the_settings_as_given(frame, scored):
    scored.loss = lambda rate: 1.0  # none is worse than the median
    result = tsmaml_tune.tune(frame, SPACE, trials=12, **BASE)
    assert values_of(result)[0] == (1e-3, 8)
    assert result.default_score == pytest.approx(0.010)
    assert result.score == result.trials["score"].min() < 0.008
    best = result.trials.iloc[0]
    assert result.best == {
        **BASE,
        "learning_rate": best["learning_rate"],
        "n_support": best["n_support"],
    }
    assert set(result.importance) == set(SPACE)
    assert sum(result.importance.values()) == pytest.approx(1)


def test_a_search_is_repeated_exactly_and_goes_on_where_it_stopped(frame, scored, tmp_path):
    at_once = tune(frame, SPACE, trials=14, **BASE)
    study = tmp_path / "study.db"
    tune(frame, SPACE, trials=3, study=study, **BASE)
    scored.settings.clear()
    scored.raises[2] = KeyboardInterrupt()
    stopped = tune(frame, SPACE, trials=14, study=study, **BASE)
    assert (stopped.interrupted, len(stopped.trials)) == (True, 5)
    # A process that was killed leaves a trial that runs.
    import optuna

    optuna.load_study(study_name="tsmaml", storage=f"sqlite:///{study}").ask()
    scored.settings.clear()
    scored.raises.clear()
    whole = tune(frame, SPACE, trials=14, study=study, **BASE)
    assert values_of(whole) == values_of(at_once)
    assert len(scored.settings) == 9
    tune(frame, SPACE, trials=10, study=study, **BASE)
    assert len(scored.settings) == 9  # there are enough already


def test_trial_0_is_done_again_where_it_was_interrupted(frame, scored, tmp_path):
    scored.raises[0] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        tune(frame, SPACE, trials=1, study=tmp_path / "study.db", **BASE)
    result = tune(frame, SPACE, trials=1, study=tmp_path / "study.db", **BASE)
    assert values_of(result) == [(1e-3, 8)]


def test_trial_0_may_lie_outside_the_space(frame, scored):
    result = tune(frame, {"learning_rate": (4e-3, 5e-3), "n_support": [2, 4]}, trials=2, **BASE)
    assert values_of(result)[0] == (1e-3, 8)
    assert 4e-3 <= values_of(result)[1][0] <= 5e-3


def test_a_trial_that_fails_has_a_reason_and_is_not_the_last(frame, scored):
    scored.raises |= {0: TrainingError("is not finite."), 1: ValueError("odd\nsecond line")}
    result = tune(frame, SPACE, trials=3, **BASE)
    rows = result.trials.sort_values("trial")
    assert list(rows["state"]) == ["failed", "failed", "complete"]
    assert list(rows["reason"]) == ["is not finite.", "ValueError: odd", ""]
    assert result.default_score is None
    scored.settings.clear()
    with pytest.raises(TrainingError, match=r"None of 2 trials has a score.*ValueError: odd"):
        tune(frame, SPACE, trials=2, **BASE)


def test_trials_worse_than_the_median_are_stopped(frame, scored):
    result = tune(frame, SPACE, trials=16, **BASE)
    pruned = result.trials[result.trials["state"] == "pruned"]
    assert len(pruned)
    assert set(pruned["step"]) == {5}
    assert pruned["score"].isna().all()
    searched = {**SPACE, "scaling": ["standard", "last"]}
    assert set(tune(frame, searched, trials=16, **BASE).trials["state"]) == {"complete"}


def test_steps_of_a_trial_are_not_those_of_the_best(frame, scored):
    result = tune(frame, SPACE, trials=2, fit_steps=10, **BASE)
    assert {settings.steps for settings in scored.settings} == {10}
    assert result.best["steps"] == 20
    without = {name: value for name, value in BASE.items() if name != "steps"}
    assert "steps" not in tune(frame, SPACE, trials=1, fit_steps=10, **without).best
    with pytest.raises(UsageError, match="steps"):
        tune(frame, {"steps": [1, 2]}, fit_steps=10, **BASE)


def test_no_trial_begins_after_the_timeout(frame, scored):
    assert len(tune(frame, SPACE, trials=9, minutes=1e-9, **BASE).trials) == 1


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"space": {"learning_rate": (1e-4, 1e-3, "log")}}, "space"),
        ({"n_query": 3}, "settings"),
        ({"fit_steps": 7}, "settings"),
        ({"df": None}, "series"),
    ],
)
def test_a_study_of_something_else_is_refused(frame, scored, tmp_path, change, name):
    study = tmp_path / "study.db"
    arguments = {"df": frame, "space": SPACE, "trials": 1, "study": study, **BASE}
    tune(**arguments)
    if "df" in change:
        change = {"df": frame.assign(y=frame["y"] + 1)}
    with pytest.raises(UsageError, match=f"something else: {name} differ"):
        tune(**{**arguments, **change})
    assert len(scored.settings) == 1


def test_a_file_that_is_no_study_stays_as_it_is(frame, scored, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("some notes that are no study")
    with pytest.raises(ArtifactError, match="another kind of file"):
        tune(frame, SPACE, study=path, **BASE)
    assert path.read_text() == "some notes that are no study"
    with pytest.raises(UsageError, match="a folder"):
        tune(frame, SPACE, study=tmp_path, **BASE)
    with pytest.raises(UsageError, match="no folder"):
        tune(frame, SPACE, study=tmp_path / "none" / "study.db", **BASE)
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + b"x" * 200)
    with pytest.raises(ArtifactError, match="can't be used as a study"):
        tune(frame, SPACE, study=broken, **BASE)


def test_the_study_is_one_of_optuna(frame, scored, tmp_path):
    tune(frame, SPACE, trials=2, study=tmp_path / "study.db", **BASE)
    with sqlite3.connect(tmp_path / "study.db") as file:
        assert file.execute("select study_name from studies").fetchall() == [("tsmaml",)]
    study = opened(tmp_path / "study.db", {}, 1)
    assert finished(study)[0].params["n_support"] == "8"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"trials": 0}, "trials is 0"), ({"minutes": 0}, "timeout"), ({"fit_steps": 0}, "fit_steps")],
)
def test_wrong_numbers_are_refused(frame, wrong, message):
    with pytest.raises(UsageError, match=message):
        tune(frame, SPACE, **wrong, **BASE)


def test_the_series_are_checked_before_the_first_trial(frame, scored):
    with pytest.raises(DataError):
        tune(frame.drop(columns="y"), SPACE, **BASE)
    assert not scored.settings
