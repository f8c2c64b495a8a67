"""What a plugin's command takes from ``tsmaml fit``: its options, and its files of options."""

from __future__ import annotations

import tomllib

import click
import pytest
from click.testing import CliRunner
from plugged import point_of

from tsmaml import hookimpl, plugins
from tsmaml.cli.options import config_of_fit_option, fit_options, fit_toml, forecaster_arguments
from tsmaml.errors import UsageError
from tsmaml.plugins import Registry
from tsmaml.plugins.manager import collect


def build(input_size, h, *, width: int = 64, name: str = "a"):
    """A small model."""


@hookimpl
def register_models(register):
    register("small", build, help="Small")


def register_nothing(kind):
    @hookimpl
    def hook(register):
        register("plain", lambda: None, help="Has no options")

    hook.__name__ = f"register_{kind}"
    return hook


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Parts that import nothing heavy."""
    others = [register_nothing(kind) for kind in ("losses", "task_builders", "algorithms")]
    found = Registry(collect([point_of("light", register_models, *others)]))
    monkeypatch.setattr(plugins, "registry", lambda: found)


READING = {"freq": "D", "hist_cols": ("rain",), "wide": True, "storage": None}
ARGUMENTS = {
    "h": 7,
    "season_length": 1,
    "model": "small",
    "model_options": {"width": 8, "name": "3"},
    "loss": "plain",
    "tasks": "plain",
    "algorithm": "plain",
    "size": "tiny",
    "learning_rate": 0.002,
    "n_support": 4,
    "n_query": 3,
    "cold_share": 0.0,
    "mix_share": 0.25,
    "validate_every": 50,
    "non_negative": True,
    "calendar": ("hour", "weekday"),
}


@click.command()
@click.argument("series")
@config_of_fit_option
@fit_options
@click.option("--out", default="own")
def other(series, out, reading, **options):
    other.told = (series, out, reading, forecaster_arguments(reading, options))


def call(*args):
    result = CliRunner().invoke(other, [str(arg) for arg in args])
    return result.exit_code, result.output


def test_a_file_of_options_says_what_the_forecaster_is(tmp_path):
    path = tmp_path / "fit.toml"
    path.write_text('out = "model.tsmaml"\n' + fit_toml("a.csv", READING, ARGUMENTS))
    assert call("--config", path) == (0, "")
    series, out, reading, arguments = other.told
    assert (series, out) == ("a.csv", "own")  # where to write the model is no option of this one
    assert (reading["hist_cols"], reading["wide"], reading["gaps"]) == (("rain",), True, "mask")
    assert {name: arguments[name] for name in ARGUMENTS} == ARGUMENTS
    assert call("b.csv", "--config", path, "--horizon", 9) == (0, "")
    assert (other.told[0], other.told[3]["h"]) == ("b.csv", 9)


def test_fit_takes_the_file_as_it_is(run, tmp_path):
    path = tmp_path / "fit.toml"
    path.write_text(fit_toml(None, READING, ARGUMENTS))
    assert "series" not in tomllib.loads(path.read_text())
    assert run("fit", "--config", path, "--write-config").output == path.read_text() + "\n"


def test_a_key_that_fit_does_not_have_is_refused(tmp_path):
    path = tmp_path / "fit.toml"
    path.write_text("horizn = 3")
    code, output = call("a.csv", "--config", path)
    assert (code, "Did you mean 'horizon'?" in output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": build}, "model is <function build"),
        ({"model": "small", "model_options": {"width": {1}}}, "model_options: width"),
    ],
)
def test_what_a_file_cannot_say_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        fit_toml(None, {}, arguments)
