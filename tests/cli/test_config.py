"""Options of parts, and options in a file."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest
from plugged import point_of

from tsmaml import hookimpl, plugins
from tsmaml.plugins import Registry
from tsmaml.plugins.manager import collect


def build(input_size, h, *, width: int = 64, name: str | None = None):
    """A small model.

    Args:
        width: units of each layer.
        name: what it is called.
    """


@hookimpl
def register_models(register):
    register("small", build, help="Small")


@hookimpl
def register_algorithms(register):
    register("none", lambda: None, help="Learns nothing")
    register("any", lambda **options: None, help="Takes anything")


PARTS = ("--model", "small", "--algorithm", "none")


def test_the_help_of_a_model_and_its_wrong_options_load_no_tensorflow(flights):
    code = (
        "import sys; from click.testing import CliRunner; from tsmaml.cli import main; "
        "call = lambda *words: print(CliRunner().invoke(main, ['fit', *words]).output); "
        f"call('--help-model', 'nbeats'); call({str(flights)!r}, '--model-opt', 'widht=3'); "
        "print('tensorflow' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("nbeats: N-BEATS (Oreshkin et al. 2020)")
    assert "'nbeats' has no option 'widht'. Did you mean 'width'?" in told.stdout
    assert told.stdout.endswith("False\n")
    assert told.stderr == ""


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Parts that import nothing heavy."""
    found = Registry(collect([point_of("light", register_models, register_algorithms)]))
    monkeypatch.setattr(plugins, "registry", lambda: found)


@pytest.fixture
def config(tmp_path):
    """A file of options with this text."""

    def make(text):
        path = tmp_path / "fit.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def test_what_a_part_s_libraries_log_is_no_part_of_its_help(run, tmp_path, monkeypatch, capfd):
    source = "import os\nos.write(2, b'no GPU')\ndef build(input_size, h):\n    pass\n"
    tmp_path.joinpath("noisy_part.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)

    def register_models(register):
        register("noisy", "noisy_part:build", help="Noisy")

    found = Registry(collect([point_of("noise", hookimpl(register_models))]))
    monkeypatch.setattr(plugins, "registry", lambda: found)
    assert run("fit", "--help-model", "noisy").output.startswith("noisy: Noisy")
    assert "noisy_part" in sys.modules
    assert capfd.readouterr().err == ""


def test_help_of_a_part_shows_its_options(run):
    text = run("fit", "--help-model", "small").output
    assert text.startswith("small: Small (light 1.0)\n\n--model-opt width=  units of each layer.")
    assert "[int; default: 64]" in text
    assert run("fit", "--help-algorithm", "none").output.endswith("It takes no options.\n")
    assert run("fit", "--help-algorithm", "any").output.endswith("It takes any options.\n")
    assert "Did you mean 'small'?" in run("fit", "--help-model", "smal", code=2).stderr


def test_what_is_written_is_read_again(run, config):
    typed = (*PARTS, "--model-opt", "name=größe", "--steps", 5, "--callback", "jsonlines:path=a")
    written = run("fit", "a.csv", *typed, "--hist-col", "b", "--write-config").output
    options = tomllib.loads(written)
    assert options["series"] == "a.csv"
    assert options["model-opt"] == {"name": "größe"}
    assert (options["steps"], options["hist-col"]) == (5, ["b"])
    assert "# units of each layer.\n# width = 64\n" in written
    path = config(written)
    assert run("fit", "--config", path, "--write-config").output == written
    other = tomllib.loads(run("fit", "--config", path, "--steps", 7, "--write-config").output)
    assert other == {**options, "steps": 7}


def test_every_option_stands_in_what_is_written(run, config):
    written = run("fit", *PARTS, "--write-config").output
    whole = [line.removeprefix("# ") for line in written.splitlines() if " = " in line]
    names = {line.partition(" = ")[0] for line in whole if not line.endswith(" =")}
    assert {"series", "horizon", "scaling", "storage", "seed", "non-negative", "width"} <= names


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stps = 3", "fit.toml: there is no option 'stps'. Did you mean 'steps'?"),
        ("steps = '3'", "fit.toml: steps is '3'; wanted is a whole number."),
        ("steps = true", "fit.toml: steps is True; wanted is a whole number."),
        ("holdout = 'all'", "fit.toml: holdout is 'all'; wanted is a number."),
        ("model = 3", "fit.toml: model is 3; wanted is text."),
        ("hist-col = 'a'", "fit.toml: hist-col is 'a'; wanted is a list."),
        ("wide = 1", "fit.toml: wide is 1; wanted is true or false."),
        ("model-opt = 3", "fit.toml: model-opt is 3; wanted is a table of options."),
        ("steps =", "fit.toml can't be read as TOML"),
    ],
)
def test_a_wrong_file_is_told_in_a_sentence(run, config, text, told):
    assert told in run("fit", "--config", config(text), code=2).stderr


def test_wrong_options_of_a_part_are_not_written(run, config, tmp_path):
    path = config("model = 'small'\n[model-opt]\nwdth = 3\n")
    told = run("fit", "--config", path, "--write-config", code=2).stderr
    assert "The model 'small' has no option 'wdth'. Did you mean 'width'?" in told
    assert "no file" in run("fit", "--config", tmp_path / "none.toml", code=4).stderr
    assert "Missing argument 'SERIES'" in run("fit", code=2).stderr
