"""Names and what they resolve to."""

from __future__ import annotations

import functools

import pytest

from tsmaml import hookimpl
from tsmaml.errors import PluginError, UnknownNameError, UsageError
from tsmaml.plugins import Registry, registry
from tsmaml.plugins.manager import collect

BUILT_IN = {
    "model": [
        "gru",
        "linear",
        "lstm",
        "mlp",
        "nbeats",
        "nhits",
        "tide",
        "transformer",
        "tcn",
    ],
    "loss": [
        "mse",
        "mae",
        "huber",
        "mape",
        "smape",
        "mase",
        "pinball",
        "normal",
        "student_t",
        "negative_binomial",
    ],
    "task builder": [
        "per_series",
        "by_prefix",
        "by_length",
        "by_level",
        "by_similarity",
        "by_static",
        "at_random",
    ],
    "algorithm": [
        "maml",
        "fomaml",
        "reptile",
        "anil",
        "boil",
        "metasgd",
        "mamlpp",
        "cavia",
        "imaml",
        "ridge",
    ],
    "callback": ["jsonlines", "tensorboard"],
    "baseline": ["seasonal_naive", "naive", "mean", "seasonal_mean"],
    "scaling": ["standard", "mean_absolute", "last", "robust", "seasonal"],
    "reader": [".csv", ".parquet", ".pq", ".arrow", ".feather", ".ipc"],
}


@hookimpl
def register_losses(register):
    register("quartic", "re:compile", help="Of a plugin")


@pytest.fixture(scope="module")
def plain():
    return Registry(collect([]))


def test_the_built_in_parts_are_registered_with_help_and_version(plain):
    for kind, names in BUILT_IN.items():
        assert [part.name for part in plain.parts(kind)] == names
    assert sum(map(len, BUILT_IN.values())) == len(plain.parts())
    for part in plain.parts():
        assert part.plugin == "tsmaml"
        assert part.version
        assert len(part.help) > 10
        assert plain.get(part.kind, part.name) is part
    assert (plain.broken(), plain.clashes()) == ((), ())


def test_every_built_in_part_loads(plain):
    assert all(callable(part.load()) for part in plain.parts())


@pytest.mark.parametrize(
    ("kind", "name", "nearest"),
    [("model", "nbeat", "nbeats"), ("loss", "smap", "smape"), ("algorithm", "fomam", "fomaml")],
)
def test_the_nearest_of_an_unknown_name_is_named(plain, kind, name, nearest):
    with pytest.raises(UnknownNameError) as caught:
        plain.get(kind, name)
    assert caught.value.message == (f"There is no {kind} named {name!r}. Did you mean {nearest!r}?")
    assert all(known in caught.value.hint for known in BUILT_IN[kind])
    assert "could not be loaded" not in caught.value.hint


def test_a_name_is_looked_up_among_its_kind(plain):
    with pytest.raises(UnknownNameError, match="no loss named 'mlp'"):
        plain.get("loss", "mlp")
    with pytest.raises(UsageError, match="'models' is no kind of part"):
        plain.get("models", "mlp")


def test_an_unknown_name_may_be_that_of_a_broken_plugin(point):
    found = Registry(collect([point("sad-plugin", raises=ImportError("no torch"))]))
    with pytest.raises(UnknownNameError, match="no model named 'gated'") as caught:
        found.get("model", "gated")
    assert caught.value.hint.endswith(
        "Plugins that could not be loaded: sad-plugin (ImportError: no torch)."
    )
    assert [broken.plugin for broken in found.broken()] == ["sad-plugin"]
    # What is there is not touched by it.
    assert found.get("model", "mlp").plugin == "tsmaml"


def test_two_plugins_with_one_name_are_an_error_that_names_both_when_it_is_asked_for(point):
    found = Registry(
        collect([point("first-plugin", register_losses), point("second-plugin", register_losses)])
    )
    with pytest.raises(
        PluginError, match="'quartic' is provided by first-plugin and second-plugin"
    ):
        found.get("loss", "quartic")
    with pytest.raises(PluginError, match="TSMAML_PLUGINS"):
        found.resolve("loss", "quartic")
    assert [[part.plugin for part in parts] for parts in found.clashes()] == [
        ["first-plugin", "second-plugin"]
    ]
    assert found.get("loss", "mae").plugin == "tsmaml"


def test_a_plugin_does_not_take_the_place_of_a_built_in_part(point):
    @hookimpl
    def register_models(register):
        register("mlp", "re:compile", help="Not the built-in one")

    found = Registry(collect([point("usurper", register_models)]))
    with pytest.raises(PluginError, match="'mlp' is provided by tsmaml and usurper"):
        found.get("model", "mlp")


def test_a_registered_name_or_a_callable_resolves(plain):
    def build_linear():
        """A user's own function."""

    class Maker:
        def __call__(self):
            """A user's own object."""

    assert plain.resolve("model", "mlp") is plain.get("model", "mlp")
    part = plain.resolve("model", build_linear)
    assert part.name.endswith("build_linear")
    assert (part.kind, part.plugin, part.version) == ("model", None, None)
    assert part.load() is build_linear
    assert plain.resolve("loss", Maker()).name == "Maker"
    assert plain.resolve("loss", functools.partial(build_linear)).name == "partial"


@pytest.mark.parametrize("given", [3, None, ["mlp"]])
def test_nothing_else_resolves(plain, given):
    with pytest.raises(UsageError, match="a registered name or a callable, not"):
        plain.resolve("model", given)


def test_the_registry_of_the_process_is_made_once():
    assert registry() is registry()
    assert {name for names in BUILT_IN.values() for name in names} <= {
        part.name for part in registry().parts()
    }
