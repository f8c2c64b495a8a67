"""``tsmaml evaluate`` from end to end."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pandas as pd
import pytest
from rich.console import Console

from tsmaml.cli.evaluate import _print_table


def test_the_table_the_forecasts_and_the_json(run, fitted, flights, tmp_path):
    model, _ = fitted
    out = tmp_path / "forecasts.parquet"
    asked = ("evaluate", flights, "-m", model, "--level", "80", "--baselines", "naive,mean")
    shown = run(*asked, "--windows", "2", "--no-curves", "-o", out)
    text = " ".join(shown.stdout.split())
    for words in ("time: 30 series, 2 cutoffs, 7 points ahead", "zero-step", "MASE", "better on"):
        assert words in text
    assert "…" not in shown.stdout
    assert "30 of 30 series" in shown.stderr
    assert "baseline mean ..." in shown.stderr
    frame = pd.read_parquet(out)
    assert len(frame) == 30 * 2 * 7
    assert {"TSMAML-lo-80", "zero-step", "naive", "mean-hi-80"} <= set(frame.columns)
    printed = run(*asked, "--protocol", "cold-start", "--lengths", "1,14", "--json", "--quiet")
    found = json.loads(printed.stdout)
    assert {row["history"] for row in found["summary"]} == {1, 14}
    assert {row["curve"] for row in found["curves"]} == {"history", "inner_steps"}


def test_a_table_too_wide_for_a_terminal_becomes_several():
    heads = ["", "MAE", "MASE", "sMAPE"]
    rows = [["TSMAML", "1.234 [1, 2]", "2.345 [2, 3]", "3.456 [3, 4]"], ["naive", "1", "2", "3"]]
    out = Console(width=42, file=io.StringIO(), force_terminal=True, color_system=None)
    _print_table(out, heads, rows)
    lines = out.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 42
    assert sum("TSMAML" in line for line in lines) == 2
    for cell in rows[0][1:]:
        assert sum(cell in line for line in lines) == 1
    file = Console(width=10_000, file=io.StringIO())
    _print_table(file, heads, rows)
    assert len(file.file.getvalue().splitlines()) == 3


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--protocol", "space"], 2, "no protocol 'space'"),
        (["--baselines", "seasonal"], 2, "no baseline named 'seasonal'"),
        (["--metrics", "coverage"], 2, "--level"),
        (["--lengths", "1,x"], 2, "no list of whole numbers"),
        (["--set", "stepps=3"], 2, "Did you mean 'steps'"),
        (["--set", "model=nothing"], 2, "no model named 'nothing'"),
        (["-m", "nowhere.tsmaml"], 4, "nowhere.tsmaml"),
        (["-o", "-"], 2, "--out forecasts.parquet"),
        (["-o", "f.xlsx"], 2, "the ending says how to write"),
    ],
)
def test_errors_are_sentences(run, flights, options, code, message):
    assert message in run("evaluate", flights, *options, code=code).output


def test_errors_come_before_tensorflow_is_loaded(flights):
    code = (
        "import sys\nfrom tsmaml.cli import main\n"
        f"sys.argv = ['tsmaml', 'evaluate', {str(flights)!r}, '--baselines', 'nothing']\n"
        "try:\n    main()\nfinally:\n    print('tensorflow' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "False\n")
