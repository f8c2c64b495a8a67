"""Finding plugins, and keeping note of those that can't be used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tsmaml import hookimpl
from tsmaml.errors import PluginError
from tsmaml.plugins.manager import Broken, Part, collect, entry_points


@hookimpl
def register_models(register):
    register("fine", "re:compile", help="A part that works")


def names(found, plugin):
    return [part.name for part in found.parts if part.plugin == plugin]


@pytest.fixture
def reason_of(point):
    """Why one plugin can't be used; another beside it works on."""

    def broken(*hooks, raises=None):
        found = collect([point("bad", *hooks, raises=raises), point("good", register_models)])
        assert names(found, "bad") == []
        assert names(found, "good") == ["fine"]
        assert "mlp" in names(found, "tsmaml")
        (only,) = found.broken
        assert only.plugin == "bad"
        return only.reason

    return broken


def test_a_plugin_that_fails_to_import_stops_nobody_else(reason_of):
    assert reason_of(raises=ImportError("no module named 'torch'")) == (
        "ImportError: no module named 'torch'"
    )
    assert reason_of(raises=SystemExit(3)) == "SystemExit: 3"


def test_nor_does_one_whose_hook_raises_and_nothing_of_it_stays(reason_of):
    @hookimpl
    def register_losses(register):
        register("half", "re:compile", help="Registered before the failure")
        raise ZeroDivisionError("division by zero")

    assert reason_of(register_losses, register_models) == "ZeroDivisionError: division by zero"


def test_the_nearest_hook_of_a_misspelt_one_is_named(reason_of):
    @hookimpl
    def register_model(register):
        pass

    reason = reason_of(register_model)
    assert reason.startswith("There is no hook 'register_model'. Did you mean 'register_models'?")
    assert "register_algorithms" in reason


def test_a_hook_of_another_kind_is_no_hook(reason_of):
    @hookimpl
    def on_sunday(register):
        pass

    assert reason_of(on_sunday).startswith("There is no hook 'on_sunday'. The hooks are register_")


def test_a_function_may_name_its_hook_otherwise(point, reason_of):
    @hookimpl(specname="register_models")
    def some_models(register):
        register("named", "re:compile", help="Through specname")

    found = collect([point("own", some_models)])
    assert (names(found, "own"), found.broken) == (["named"], ())

    @hookimpl(specname="register_modles")
    def other_models(register):
        pass

    assert "Did you mean 'register_models'?" in reason_of(other_models)


def test_a_hook_without_its_mark_is_not_passed_over(reason_of):
    def register_losses(register):
        pass

    assert reason_of(register_losses) == (
        "Its function 'register_losses' is not marked: @tsmaml.hookimpl."
    )


def test_a_hook_with_another_argument_is_told_so(reason_of):
    @hookimpl
    def register_losses(registry):
        pass

    reason = reason_of(register_losses)
    assert reason.startswith("PluginValidationError")
    assert "registry" in reason


@pytest.mark.parametrize(
    ("factory", "wanted"),
    [
        (3, "neither 'module:attribute' nor callable"),
        (None, "neither 'module:attribute' nor callable"),
        ("my_package.build", "is 'my_package.build', not 'module:attribute'"),
        (":build", "is ':build', not 'module:attribute'"),
        ("my_package:", "is 'my_package:', not 'module:attribute'"),
    ],
)
def test_a_factory_is_a_text_of_two_halves_or_callable(reason_of, factory, wanted):
    @hookimpl
    def register_losses(register):
        register("odd", factory, help="Of the wrong kind")

    reason = reason_of(register_losses)
    assert reason.startswith("The factory of 'odd'")
    assert wanted in reason


def test_help_is_not_optional(reason_of):
    @hookimpl
    def register_losses(register):
        register("terse", "re:compile")

    assert "help" in reason_of(register_losses)


def test_one_plugin_registers_a_name_once(reason_of):
    @hookimpl
    def register_losses(register):
        register("twin", "re:compile", help="The first")
        register("twin", "re:match", help="The second")

    assert reason_of(register_losses) == "It registers two parts as the loss 'twin'."


def test_parts_of_two_kinds_may_share_a_name(point):
    @hookimpl
    def register_losses(register):
        register("fine", "re:match", help="A loss")

    found = collect([point("own", register_losses, register_models)])
    assert names(found, "own") == ["fine", "fine"]


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("no_such_module:build", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("re:no_such_name", "AttributeError"),
        ("re:__doc__", "re:__doc__ is a str, not callable"),
    ],
)
def test_a_part_that_does_not_load_names_its_plugin_and_the_reason(factory, reason):
    part = Part("model", "gone", "help", "somebodys-plugin", "1.0", factory)
    with pytest.raises(PluginError, match="model 'gone' of plugin somebodys-plugin") as caught:
        part.load()
    assert reason in str(caught.value)
    assert caught.value.exit_code == 3


SOURCE = """
from tsmaml import hookimpl

@hookimpl
def register_models(register):
    register("{name}", "re:compile", help="An installed one")
"""


def test_installed_plugins_are_found_with_their_version(install):
    install("some-plugin", "some_plugin", SOURCE.format(name="installed"))
    found = collect(entry_points())
    (part,) = [part for part in found.parts if part.plugin == "some-plugin"]
    assert (part.name, part.version) == ("installed", "2.5")


def test_an_installed_plugin_that_fails_to_import_is_named_by_its_distribution(install):
    install("sad-plugin", "sad_plugin", "import no_such_module")
    assert Broken("sad-plugin", "ModuleNotFoundError: No module named 'no_such_module'") in (
        collect(entry_points()).broken
    )


def test_the_environment_restricts_which_plugins_are_loaded(install, monkeypatch):
    install("some-plugin", "some_plugin", SOURCE.format(name="some"))
    install("other-plugin", "other_plugin", SOURCE.format(name="other"))

    def loaded(value: str):
        monkeypatch.setenv("TSMAML_PLUGINS", value)
        found = collect(entry_points())
        return sorted(p.name for p in found.parts if p.plugin != "tsmaml"), found.broken

    assert loaded("some-plugin") == (["some"], ())
    # The entry point's own name does as well, and blanks do no harm.
    assert loaded(" other_plugin_entry , some-plugin,") == (["other", "some"], ())
    assert loaded("") == ([], ())
    assert loaded("some-plugin,smoe-plugin") == (
        ["some"],
        (Broken("smoe-plugin", "TSMAML_PLUGINS names it, but it is not installed."),),
    )


def test_listing_parts_imports_nothing_heavy():
    code = (
        "import sys; from tsmaml.plugins import registry; found = registry(); "
        "assert len(found.parts()) >= 13 and not found.clashes(); "
        "print(sorted({'tensorflow', 'keras', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr.strip()) == ("[]", "")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (1, None),
        (2, "It was made for version 2 of the hooks, and this tsmaml has version 1. Upgrade"),
        ("1", "Its TSMAML_HOOKS is '1'; wanted is a whole number"),
    ],
)
def test_a_plugin_made_for_newer_hooks_is_refused(point, wanted, reason):
    one = point("newer", register_models)
    one.plugin.TSMAML_HOOKS = wanted
    found = collect([one])
    assert names(found, "newer") == ([] if reason else ["fine"])
    assert [broken.reason.startswith(reason) for broken in found.broken] == [True] * bool(reason)


def test_an_event_without_its_mark_is_not_passed_over(reason_of):
    def step_done(progress):
        pass

    assert "is not marked" in reason_of(step_done)
