"""Every hook, by name: what it is handed, and where what it registers is found."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from tsmaml import hookimpl
from tsmaml.plugins import Registry, hookspecs
from tsmaml.plugins.manager import EVENTS, HOOKS, KINDS, collect

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")


def build():
    """What the plugins below register."""


@pytest.fixture
def found_of(point):
    """The parts that one plugin registers."""

    def collected(*hooks):
        found = collect([point("own", *hooks)])
        assert found.broken == ()
        return [part for part in Registry(found).parts() if part.plugin == "own"]

    return collected


def check(parts, kind):
    assert [(part.kind, part.name, part.help) for part in parts] == [
        (kind, "one", "The first"),
        (kind, "two", "The second"),
    ]
    assert {part.version for part in parts} == {"1.0"}
    assert parts[0].load() is build
    # The string form is imported when it is asked for.
    assert parts[1].load() is re.compile


def register_two(register):
    register("one", build, help="The first")
    register("two", "re:compile", help="The second")


def test_register_models(found_of):
    @hookimpl
    def register_models(register):
        register_two(register)

    check(found_of(register_models), "model")


def test_register_losses(found_of):
    @hookimpl
    def register_losses(register):
        register_two(register)

    check(found_of(register_losses), "loss")


def test_register_task_builders(found_of):
    @hookimpl
    def register_task_builders(register):
        register_two(register)

    check(found_of(register_task_builders), "task builder")


def test_register_algorithms(found_of):
    @hookimpl
    def register_algorithms(register):
        register_two(register)

    check(found_of(register_algorithms), "algorithm")


def test_register_callbacks(found_of):
    @hookimpl
    def register_callbacks(register):
        register_two(register)

    check(found_of(register_callbacks), "callback")


def test_register_baselines(found_of):
    @hookimpl
    def register_baselines(register):
        register_two(register)

    check(found_of(register_baselines), "baseline")


def test_register_scalers(found_of):
    @hookimpl
    def register_scalers(register):
        register_two(register)

    check(found_of(register_scalers), "scaling")


def test_register_readers(found_of):
    @hookimpl
    def register_readers(register):
        register_two(register)

    check(found_of(register_readers), "reader")


def test_register_commands(found_of):
    @hookimpl
    def register_commands(register):
        register_two(register)

    check(found_of(register_commands), "command")


@pytest.fixture
def heard_by(point):
    """What a listener is told of an event, where another before it fails."""

    def told(listener, **facts):
        def failing():
            raise ValueError("out of paper")

        failing.__name__ = listener.__name__
        found = collect([point("bad", hookimpl(failing)), point("good", hookimpl(listener))])
        assert found.broken == ()
        with pytest.warns(UserWarning, match="plugin bad failed in .*: ValueError: out of paper"):
            Registry(found).tell(listener.__name__, **facts)

    return told


def test_fit_started(heard_by):
    heard = []

    def fit_started(forecaster, collection):
        heard.append((forecaster, collection))

    heard_by(fit_started, forecaster="one", collection="two")
    assert heard == [("one", "two")]


def test_step_done(heard_by):
    heard = []

    def step_done(progress):
        heard.append(progress)

    heard_by(step_done, progress=3)
    assert heard == [3]


def test_validated(heard_by):
    heard = []

    def validated(progress):
        heard.append(progress)

    heard_by(validated, progress=3)
    assert heard == [3]


def test_checkpointed(heard_by):
    heard = []

    def checkpointed(path):
        heard.append(path)

    heard_by(checkpointed, path=Path("kept"))
    assert heard == [Path("kept")]


def test_fit_finished(heard_by):
    heard = []

    def fit_finished(forecaster):
        heard.append(forecaster)

    heard_by(fit_finished, forecaster="one")
    assert heard == ["one"]


def test_fit_failed(heard_by):
    heard = []

    def fit_failed(error):
        heard.append(error)

    heard_by(fit_failed, forecaster="one", error="two")
    assert heard == ["two"]


def test_forecast_done(heard_by):
    heard = []

    def forecast_done(forecast):  # an argument that is not used may be left out
        heard.append(forecast)

    heard_by(forecast_done, forecaster="one", forecast="two")
    assert heard == ["two"]


def hooks():
    return {
        name: function
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if function.__module__ == hookspecs.__name__ and not inspect.isclass(function)
    }


def test_every_hook_has_a_kind_or_is_an_event_and_has_a_test():
    assert set(hooks()) == set(HOOKS) == {*KINDS, *EVENTS}
    assert {f"test_{name}" for name in HOOKS} <= set(globals())


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_told_with_its_signature_its_arguments_and_an_example(name):
    function = hooks()[name]
    signature = str(inspect.signature(function)).replace("'", "")
    assert f"### `{name}{signature}`" in PAGE
    arguments = list(inspect.signature(function).parameters)
    assert arguments == ["register"] or name in EVENTS
    assert all(f":param {argument}:" in function.__doc__ for argument in arguments)
    assert f"def {name}({', '.join(arguments)}):" in function.__doc__
    assert "@hookimpl" in function.__doc__


def test_what_hooks_are_handed_is_told_with_its_signature():
    source = " ".join(inspect.getsource(hookspecs.Register.__call__).split())
    signature = re.search(r"def __call__\(self, (.*?)\) -> None", source)[1]
    assert f"register({signature}) -> None" in PAGE
