"""Every hook, by name: what it is handed, and where what it registers is found."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from tsmaml import hookimpl
from tsmaml.plugins import Registry, hookspecs
from tsmaml.plugins.manager import KINDS, collect

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


def hooks():
    return {
        name: function
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if function.__module__ == hookspecs.__name__ and not inspect.isclass(function)
    }


def test_every_hook_has_a_kind_and_a_test():
    assert set(hooks()) == set(KINDS)
    assert {f"test_{name}" for name in KINDS} <= set(globals())


@pytest.mark.parametrize("name", KINDS)
def test_every_hook_is_told_with_its_signature_its_argument_and_an_example(name):
    function = hooks()[name]
    assert f"def {name}(register: Register) -> None" in inspect.getsource(function)
    assert f"### `{name}(register: Register) -> None`" in PAGE
    assert ":param register:" in function.__doc__
    assert f"def {name}(register):" in function.__doc__
    assert "@hookimpl" in function.__doc__


def test_what_hooks_are_handed_is_told_with_its_signature():
    source = " ".join(inspect.getsource(hookspecs.Register.__call__).split())
    signature = re.search(r"def __call__\(self, (.*?)\) -> None", source)[1]
    assert f"register({signature}) -> None" in PAGE
