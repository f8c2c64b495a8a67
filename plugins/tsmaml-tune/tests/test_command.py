"""``tsmaml tune`` from series to a file that ``tsmaml fit`` takes."""

from __future__ import annotations

import json
import tomllib

import pytest

from tsmaml.plugins import registry

TINY = [
    *("--horizon", 3, "--input-size", 6, "--season", 1, "--model", "linear"),
    *("--algorithm", "fomaml", "--steps", 4, "--meta-batch", 2, "--support", 2),
]
SEARCH = ["--search", "learning_rate=1e-4:1e-1:log", "--search", "algorithm.rate=0.01,0.02"]


@pytest.fixture
def series(frame, tmp_path, monkeypatch):
    frame.to_parquet(tmp_path / "series.parquet", index=False)
    monkeypatch.chdir(tmp_path)
    return "series.parquet"


def test_the_command_is_registered_and_nothing_is_broken():
    part = registry().get("command", "tune")
    assert part.plugin == "tsmaml-tune"
    assert "tsmaml-tune" not in [broken.plugin for broken in registry().broken()]


def test_fit_takes_what_tune_found(run, series, tmp_path):
    made = run("tune", series, *TINY, *SEARCH, "--trials", 1)
    assert "Trial 0: MASE" in made.stderr
    assert "learning_rate=0.001 algorithm.rate=0.01" in made.stderr
    assert (tmp_path / "series.tune.db").exists()
    found = tomllib.loads((tmp_path / "series.best.toml").read_text())
    assert (found["series"], found["steps"], found["horizon"]) == (series, 4, 3)

    again = run("tune", series, *TINY, *SEARCH, "--trials", 2, "--json", "--quiet")
    told = json.loads(again.stdout)
    assert [trial["state"] for trial in told["trials"]] == ["complete"] * 2
    assert told["score"] <= told["default_score"]
    found = tomllib.loads((tmp_path / "series.best.toml").read_text())
    assert found["learning-rate"] == told["best"]["learning_rate"]
    assert found["algorithm-opt"] == told["best"]["algorithm_options"]

    run("fit", "--config", "series.best.toml", "--quiet", "-o", "m.tsmaml")
    from tsmaml import MetaForecaster

    settings = MetaForecaster.load("m.tsmaml").settings
    given = {name: getattr(settings, name) for name in told["best"]}
    assert json.loads(json.dumps(given)) == told["best"]
    assert "member_losses" not in told["best"]  # nobody gave any

    # Its options are those of the study, whose space is another one.
    other = run("tune", "--config", "series.best.toml", series, "--trials", 3, code=2)
    assert "is a study of something else: space, settings differ" in other.stderr


def test_options_that_cannot_be_are_told_in_a_sentence(run, series):
    told = run("tune", series, "--search", "model.widht=1:2", *TINY, code=2).stderr
    assert told.startswith("Error: The model 'linear' has no option 'widht'.")
    assert "no folder" in run("tune", series, "--out", "none/best.toml", code=2).stderr
    assert "There is no file" in run("tune", "none.csv", *TINY, *SEARCH, code=4).stderr
