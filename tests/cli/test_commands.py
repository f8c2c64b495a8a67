"""The commands from end to end: what they write, print and refuse."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import zipfile

import pandas as pd
import pytest
from click.testing import CliRunner

from tsmaml import MetaForecaster
from tsmaml.cli import _progress, main


def test_fit_says_what_it_read_chose_and_reached(fitted, flights):
    model, result = fitted
    assert model.stat().st_size > 1000
    assert not model.with_name(model.name + ".checkpoint").exists()
    assert result.stdout == ""
    for text in (
        "series 30",
        "10,950",
        "frequency D",
        "lengths 365 to 365",
        "horizon 7 (given)",
        "season 7 (usual for frequency D)",
        "Compiling ...",
        "step 20/20",
        "3 held-out series, 7 points from 3 origins (trained on 24, validated on 3 others)",
        "seasonal naive",
        "zero-step",
        "adapted",
        f"Next: tsmaml forecast {flights} --model {model} --level 80",
    ):
        assert text in " ".join(result.stderr.split()), text


def test_forecast_writes_by_ending_and_to_stdout(run, fitted, flights, tmp_path):
    model, _ = fitted
    frames = []
    for ending, read in ((".parquet", pd.read_parquet), (".csv", pd.read_csv)):
        out = tmp_path / f"f{ending}"
        result = run("forecast", flights, "-m", model, "--level", "80,95", "-o", out)
        assert result.stdout == ""
        assert "Forecast 30 series: " in result.stderr
        frames.append(read(out))
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["f.csv", "f.parquet"]
    assert len(frames[0]) == 30 * 7
    pd.testing.assert_frame_equal(
        frames[0].drop(columns="ds"), frames[1].drop(columns="ds"), check_dtype=False
    )
    assert list(frames[0].columns)[2:5] == ["TSMAML", "TSMAML-lo-80", "TSMAML-hi-80"]
    printed = run("forecast", flights, "-m", model, "--explain")
    assert printed.stdout.startswith("unique_id,ds,TSMAML\n")
    assert "zero_step_error" in printed.stderr
    out = tmp_path / "f.json"
    run("forecast", flights, "-m", model, "-h", "2", "-o", out, "--quiet")
    assert len(json.loads(out.read_text())) == 30 * 2


def test_forecasts_are_drawn_to_a_file_and_in_the_terminal(run, fitted, flights, tmp_path):
    model, _ = fitted
    path, out = tmp_path / "fan.svg", tmp_path / "f.csv"
    drawn = run("forecast", flights, "-m", model, "-o", out, "--plot", path)
    assert f"; wrote {out}; wrote {path}" in drawn.stderr.replace("\n", "")
    assert list(pd.read_csv(out).columns) == ["unique_id", "ds", "TSMAML"]
    assert path.read_text().count('<g id="axes_') == 9
    shown = run("forecast", flights, "-m", model, "--plot", "-", "--quiet").stdout
    assert "unique_id" not in shown
    for text in ("EWR-ATL", "TSMAML 80 %", "zero-step", "2014-01-07"):
        assert text in shown
    alone = run("forecast", flights, "-m", model, "--plot", "-", "--zero-step", "-h", "2").stdout
    assert "zero-step" not in alone
    assert "2014-01-02" in alone
    longer = run("forecast", flights, "-m", model, "--plot", "-", "-h", "9", "--level", "50").stdout
    assert "zero-step" not in longer
    assert "TSMAML 50 %" in longer
    assert "2014-01-09" in longer
    refused = run("forecast", flights, "-m", model, "-o", "-", "--plot", "-", code=2)
    assert "both write to stdout" in refused.stderr


def test_adapt_keeps_what_forecast_uses(run, fitted, flights, tmp_path):
    model, _ = fitted
    routes = tmp_path / "routes.tsmaml"
    assert "Adapted to 30 series" in run("adapt", flights, "-m", model, "-o", routes).stderr
    kept = run("forecast", "-m", routes, "--level", "80")
    at_once = run("forecast", flights, "-m", model, "--level", "80")
    # Weights that are kept and outputs that are moved differ by rounding.
    both = [pd.read_csv(io.StringIO(result.stdout)) for result in (kept, at_once)]
    pd.testing.assert_frame_equal(*both, rtol=1e-5, atol=1e-4)


def test_fit_reports_json_and_equal_seeds_make_equal_files(run, flights, small, tmp_path):
    reports = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.tsmaml"
        result = run("fit", flights, "-o", out, *small, "--json", "--quiet", "--seed", "3")
        reports.append(json.loads(result.stdout))
        assert result.stderr == ""
    assert reports[0]["series"] == {"trained": 24, "validated": 3, "reported": 3}
    assert set(reports[0]["scores"]) == {"mase", "smape"}
    assert (tmp_path / "a.tsmaml").read_bytes() == (tmp_path / "b.tsmaml").read_bytes()


def test_series_of_one_value_of_a_column_are_a_task(run, flights, small, tmp_path):
    frame = pd.read_parquet(flights)
    frame["origin"] = frame["unique_id"].str[:3]
    path, model = tmp_path / "routes.parquet", tmp_path / "routes.tsmaml"
    frame.to_parquet(path, index=False)
    group = ("fit", path, "-o", model, "--group-col", "origin", *small)
    run(*group)
    settings = MetaForecaster.load(model).settings
    assert (settings.tasks, settings.tasks_options) == ("by_static", {"column": "origin"})
    run("forecast", path, "--model", model, "-o", tmp_path / "f.parquet")
    refused = run(*group, "--tasks", "by_level", code=2)
    assert "--group-col says which series form a task" in refused.output
    config = tmp_path / "fit.toml"
    config.write_text(run(*group, "--write-config").output)
    run("fit", "--config", config)
    beside = tmp_path / "beside.parquet"
    frame[["unique_id", "origin"]].drop_duplicates().to_parquet(beside, index=False)
    run("fit", flights, "-o", model, "--static", beside, "--group-col", "origin", *small)


def test_a_model_file_holds_the_command_that_made_it(fitted, flights):
    model, _ = fitted
    with zipfile.ZipFile(model) as archive:
        training = json.loads(archive.read("manifest.json"))["training"]
    assert training["command"] == (
        f"tsmaml fit {flights} --horizon 7 --input-size 14 --model mlp --model-opt width=8 "
        "--steps 20 --meta-batch 8 --support 3"
    )
    assert training["source"] == str(flights)
    assert set(training["versions"]) == {"tsmaml", "Python", "TensorFlow", "Keras", "NumPy"}


def test_a_bar_is_shown_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    from tsmaml.engine import Progress

    with _progress._bar(10) as callback:
        callback(Progress(0, 10, float("nan"), float("nan"), 0.0, compiling=True))
        callback(Progress(5, 10, 2.0, 1.0, 1.0, validation_loss=0.5, zero_step_loss=0.75))
        callback(Progress(10, 10, 2.0, 1.0, 1.0))
    shown = capsys.readouterr().err
    assert "10/10" in shown
    assert "held-out 0.750 -> 0.500" in shown


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_keeps_the_best_state_and_resume_goes_on(run, flights, small, tmp_path):
    model = tmp_path / "m.tsmaml"
    command = [sys.executable, "-m", "tsmaml", "fit", str(flights), "-o", str(model), *small]
    command[command.index("20")] = "100000"
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("step") and not line.startswith("step 0/"):
            process.send_signal(signal.SIGINT)
            break
    lines += process.stderr.readlines()
    assert process.wait() == 130
    assert "Traceback" not in "".join(lines)
    assert "To go on, repeat the command with --resume" in lines[-1].replace("\n", " ")
    assert len(run("forecast", flights, "-m", model).stdout.splitlines()) == 30 * 7 + 1
    checkpoint = tmp_path / "m.tsmaml.checkpoint"
    assert checkpoint.exists()
    refused = run("fit", flights, "-o", model, *small, "--resume", code=5)
    assert "belongs to another run: steps differ" in refused.stderr


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["fit", "nothing.parquet"], 4, "There is no file nothing.parquet"),
        (["forecast", "nothing.parquet", "-m", "m"], 4, "There is no file nothing.parquet"),
        (["forecast", "FLIGHTS", "-m", "nothing.tsmaml"], 4, "There is no file nothing.tsmaml"),
        (["forecast", "FLIGHTS", "-m", "FLIGHTS"], 5, "is no tsmaml file"),
        (["forecast", "FLIGHTS", "-m", "m", "-o", "x.xls"], 2, "wanted is one of .parquet, .csv"),
        (["forecast", "FLIGHTS", "-m", "m", "--level", "high"], 2, "no list of numbers"),
        (["forecast", "FLIGHTS", "-m", "m", "--level", "100"], 2, "between 0 and 100"),
        (["fit", "FLIGHTS", "--target-col", "sold"], 5, "there is no target column 'sold'"),
        (["fit", "FLIGHTS", "--model", "nbeast"], 2, "Did you mean 'nbeats'"),
        (["fit", "FLIGHTS", "--model-opt", "width"], 2, "not of the form key=value"),
        (["fit", "FLIGHTS", "--horizon", "0"], 2, "The horizon is 0"),
        (["fit", "FLIGHTS", "--horizon", "5000"], 5, "too few to learn forecasts of 5000"),
        (["fit", "FLIGHTS", "-o", "no/folder/m.tsmaml"], 2, "There is no folder"),
        (["fit", "FLIGHTS", "--freq", "fortnight"], 2, "The frequency 'fortnight' is unknown"),
        (["forcast"], 2, "Did you mean 'forecast'"),
        (["adapt", "FLIGHTS", "-m", "nothing.tsmaml", "-o", "x.tsmaml"], 4, "There is no file"),
    ],
)
def test_errors_are_one_sentence_with_a_code(flights, args, code, text):
    args = [str(flights) if arg == "FLIGHTS" else arg for arg in args]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == code, result.output
    assert text in result.stderr
    assert "Traceback" not in result.output


def test_traceback_and_json_errors_on_request(run, flights):
    with pytest.raises(Exception, match="There is no file"):
        run("inspect", "nothing.parquet", "--traceback")
    error = json.loads(run("inspect", "nothing.parquet", "--json", code=4).stderr)["error"]
    assert error["type"] == "NotFoundError"
    assert error["code"] == 4


def test_inspect_in_words_and_json(run, flights):
    words = run("inspect", flights).stdout
    assert "fit would choose" in words
    assert f"Next: tsmaml fit {flights}" in words
    facts = json.loads(run("inspect", flights, "--json").stdout)
    assert (facts["series"], facts["rows"], facts["frequency"]) == (30, 10950, "D")
    assert facts["fit"]["horizon"] == 14


def test_plugins_lists_the_built_in_parts(run):
    assert "nbeats" in run("plugins").stdout
    parts = json.loads(run("plugins", "--json").stdout)["parts"]
    assert {"kind": "algorithm", "name": "maml"}.items() <= {
        key: value for part in parts if part["name"] == "maml" for key, value in part.items()
    }.items()


@pytest.mark.parametrize(
    "command", [[], ["fit"], ["forecast"], ["adapt"], ["report"], ["inspect"], ["plugins"]]
)
def test_help_has_examples(run, command):
    text = run(*command, "--help").stdout
    assert "Examples:" in text
    assert "tsmaml " in text


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import tsmaml", ("tensorflow", "pandas", "pyarrow", "numpy")),
        ("from tsmaml.cli import main; main(['--help'], standalone_mode=False)",
         ("tensorflow", "pandas", "pyarrow", "numpy", "rich")),
        ("from tsmaml.cli import main; main(['plugins'], standalone_mode=False)", ("tensorflow",)),
        ("from tsmaml.cli import main; main(['inspect', PATH], standalone_mode=False)",
         ("tensorflow",)),
        ("from tsmaml.cli import main\ntry: main(['fit', PATH, '--target-col', 'x'])\n"
         "except SystemExit: pass", ("tensorflow",)),
    ],
)  # fmt: skip
def test_nothing_heavy_is_imported_without_need(flights, code, absent):
    check = f"import sys; PATH = {str(flights)!r}\n{code}\nprint()\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert not {*absent} & {*result.stdout.splitlines()[-1].split()}
