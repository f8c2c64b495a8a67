"""Commands that plugins add, and events that they hear of."""

from __future__ import annotations

import click
import pytest
from plugged import point_of

from tsmaml import hookimpl, plugins
from tsmaml.plugins import Registry
from tsmaml.plugins.manager import collect


@click.group(name="bell")
def bell():
    """Rings."""


@bell.command()
@click.argument("times", type=int)
def ring(times):
    click.echo("ding " * times)


@hookimpl
def register_commands(register):
    register("bell", bell, help="Rings a bell.")
    register("broken", "no_such_module:command", help="Is not there.")
    register("odd", "re:compile", help="Is no command.")
    register("fit", bell, help="Would replace one of tsmaml's own.")


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    found = Registry(collect([point_of("bells", register_commands)]))
    monkeypatch.setattr(plugins, "registry", lambda: found)


def test_help_shows_names_and_loads_nothing(run):
    text = run("--help").output
    assert "Rings a bell." in text
    assert "Is not there." in text  # its module would fail to import
    assert "Would replace" not in text


def test_a_group_of_commands_is_called(run):
    assert run("bell", "ring", 2).output == "ding ding \n"
    assert "Meta-train" in run("fit", "--help").output


def test_one_that_fails_is_told_in_a_sentence(run):
    assert run("broken", code=3).output.startswith(
        "Error: The command 'broken' of plugin bells can't be loaded: ModuleNotFoundError"
    )
    assert "is a function; wanted is a click.Command" in run("odd", code=3).output
    assert "Did you mean 'bell'?" in run("bel", code=2).output
