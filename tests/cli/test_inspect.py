"""``tsmaml inspect``: facts, and every problem at once with the way out."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tsmaml.plots import extras


def daily(**series) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {"unique_id": name, "ds": pd.date_range("2024-01-01", periods=len(y)), "y": y}
            )
            for name, y in series.items()
        ],
        ignore_index=True,
    )


def weekly(n: int, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    return (np.tile([1.0, 9, 3, 7, 2, 8, 5], n // 7 + 1)[:n] + rng.normal(0, 0.1, n)).tolist()


@pytest.fixture
def inspect(run, tmp_path):
    """``inspect(frame, *options, code=0)``: the parsed JSON and what is printed."""

    def call(frame: pd.DataFrame, *options: str, code: int = 0):
        path = tmp_path / "s.csv"
        frame.to_csv(path, index=False)
        facts = json.loads(run("inspect", path, "--json", *options, code=code).stdout)
        return facts, run("inspect", path, *options, code=code).stdout.replace(f"{path}", "s.csv")

    return call


def test_facts(inspect):
    frame = daily(a=weekly(70), b=weekly(56, 1)).assign(price=1.0)
    frame.loc[[5, 6], "y"] = None
    frame = frame.drop(index=8)
    facts, printed = inspect(frame)
    assert facts["columns"] == {"id": "unique_id", "time": "ds", "target": "y", "unused": ["price"]}
    assert (facts["series"], facts["rows"], facts["frequency"]) == (2, 126, "D")
    assert facts["missing"] == pytest.approx(3 / 126)
    assert facts["series_with_gaps"] == 1
    assert facts["lengths"] == {"min": 56, "q25": 59, "median": 63, "q75": 66, "max": 70}
    assert facts["fit"]["season"] == 7
    assert facts["fit"]["seasonality"] > 0.95
    assert facts["problems"] == []
    for text in (
        "columns id unique_id, time ds, target y; not used: price",
        "missing 2.4% of the steps, in 1 series",
        "The season explains",
        "2 missing values and 1 step without a row are masked.",
        "fit would choose",
    ):
        assert text in " ".join(printed.split()), text


def test_noise_has_no_seasonality(inspect):
    noise = np.random.default_rng(0).normal(size=(2, 140)).tolist()
    assert inspect(daily(a=noise[0], b=noise[1]))[0]["fit"]["seasonality"] < 0.1


def test_every_problem_is_listed_the_worst_first(inspect):
    frame = daily(a=weekly(60), b=weekly(60, 1), A=weekly(60, 2), still=[3.0] * 40, one=[1.0])
    frame.loc[200, "unique_id"] = None
    frame["ds"] = frame["ds"].astype(str)
    frame.loc[70, "ds"] = None
    frame.loc[3, "y"] = np.inf
    frame.loc[61, "ds"] = frame.loc[60, "ds"]
    facts, printed = inspect(frame, code=5)
    found = [(p["severity"], p["series"], p["row"], p["message"]) for p in facts["problems"]]
    messages = [message for *_, message in found]
    assert [severity for severity, *_ in found] == ["error"] * 4 + ["warning"] * 3, messages
    assert found[0][1:3] == (None, 200)
    assert "the id in column 'unique_id' is missing (1 row)" in messages[0]
    assert found[1][2] == 70
    assert "the time in column 'ds' is missing (1 row)" in messages[1]
    assert found[2][1:3] == ("b", 61)
    assert "the time 2024-01-01 stands twice (1 repeated row in all)" in messages[2]
    assert found[3][1:3] == ("a", 3)
    assert "is infinite (1 such value in all)" in messages[3]
    assert "2 series differ in case or blanks alone ('a', 'A') (of 5)." in messages[4]
    assert messages[5].endswith("series 'one': 1 series has a single value (of 5).")
    assert messages[6].endswith("series 'still': 1 series has one value throughout (of 5).")
    assert all(problem["hint"] for problem in facts["problems"])
    assert printed.index("Error: ") < printed.index("Warning: ")
    assert printed.count("  Hint: ") == 7
    assert "--duplicates mean" in printed
    assert "Next:" not in printed


WARNINGS = {
    "alike": (daily(**{"a": weekly(60), "A ": weekly(60)}),
              "series 'a': 2 series differ in case or blanks alone ('a', 'A ') (of 2).",
              "write its id in one way"),
    "single": (daily(a=weekly(60), b=[1.0], c=[2.0]),
               "series 'b': 2 series have a single value (of 3).",
               "forecast, not learned from"),
    "short": (daily(a=weekly(60), b=[1.0, 2, 3]),
              "series 'b': 1 series has fewer values than a horizon and two (of 2).",
              "a shorter --horizon"),
    "silent": (daily(a=weekly(200), b=[1.0, 2, *[np.nan] * 190, ]),
               "series 'b': 1 series has no value in the last 56 points, all that a model sees (of 2).",
               "--input-size"),
    "holed": (daily(a=weekly(60), b=[1.0, *[np.nan] * 30, *range(10)]),
              "series 'b': 1 series has no value at more than half of the steps (of 2).",
              "--gaps zero"),
    "constant": (daily(a=weekly(60), b=[4.0] * 50),
                 "series 'b': 1 series has one value throughout (of 2).",
                 "have no MASE"),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_warnings(inspect, name):
    frame, message, hint = WARNINGS[name]
    facts, printed = inspect(frame)
    found = [p for p in facts["problems"] if message in p["message"]]
    assert found, facts["problems"]
    assert hint in found[0]["hint"]
    assert f"Warning: s.csv, {message}" in printed
    assert "Next: tsmaml fit" in printed


def test_what_can_not_be_used_at_all_is_told_whole(inspect):
    frame = daily(a=[1.0, 2, 3]).assign(ds="soon", y="many")
    facts, printed = inspect(frame, code=5)
    assert [problem["severity"] for problem in facts["problems"]] == ["error", "error"]
    assert "the time 'soon' in column 'ds' is not understood (3 rows)." in printed
    assert "the target column 'y' holds string, not numbers: 'many'." in printed
    assert facts["fit"] is None


def test_too_short_for_the_horizon(inspect):
    facts, printed = inspect(daily(a=weekly(20), b=weekly(20)), "--horizon", "40", code=5)
    assert (
        "the longest series has 20 points: too few to learn forecasts of 40 points from" in printed
    )
    assert facts["series"] == 2
    assert facts["fit"] is None


def test_options_of_reading(run, tmp_path):
    frame = daily(a=weekly(60), b=weekly(60)).pivot(index="ds", columns="unique_id", values="y")
    frame.iloc[3, 0] = None
    frame.to_csv(tmp_path / "wide.csv")
    printed = run("inspect", tmp_path / "wide.csv", "--wide", "--gaps", "zero").stdout
    assert "1 missing value is taken as 0." in printed
    assert printed.endswith(f"Next: tsmaml fit {tmp_path / 'wide.csv'} --wide --gaps zero\n")
    refused = run("inspect", tmp_path / "wide.csv", "--wide", "--gaps", "guess", code=2)
    assert "gaps is 'guess'; wanted is one of mask, fill, zero, error." in refused.stderr
    refused = run("inspect", tmp_path / "wide.csv", "--wide", "--duplicates", "any", code=2)
    assert "duplicates is 'any'; wanted is one of error, mean, sum" in refused.stderr


def test_a_picture_of_a_sample(run, flights, tmp_path):
    path = tmp_path / "series.png"
    result = run("inspect", flights, "--plot", path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert f"Wrote {path}" in result.stderr.replace("\n", "")


def test_a_sample_in_the_terminal(run, flights):
    shown = run("inspect", flights, "--plot", "-").stdout
    for name in ("EWR-ATL", "2013-01-01", "2013-12-31", "fit would choose"):
        assert name in shown
    assert "\x1b" not in shown
    refused = run("inspect", flights, "--plot", "-", "--json", code=2)
    assert "both write to stdout" in refused.stderr


def test_pictures_that_can_not_be_drawn(run, flights, tmp_path, monkeypatch):
    refused = run("inspect", flights, "--plot", tmp_path / "series.jpg", code=2)
    assert "pictures are files that end in .png, .svg, .pdf" in refused.stderr
    refused = run("inspect", flights, "--plot", tmp_path / "no" / "series.png", code=2)
    assert "There is no folder" in refused.stderr
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    refused = run("inspect", flights, "--plot", tmp_path / "series.png", code=3)
    assert "Pictures need matplotlib" in refused.stderr
    assert 'python -m pip install "tsmaml[plot]"' in refused.stderr
    refused = run("inspect", flights, "--plot", "-", code=3)
    assert "Drawing in the terminal needs plotext" in refused.stderr
