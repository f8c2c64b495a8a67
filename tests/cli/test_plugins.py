"""What ``tsmaml plugins`` lists."""

from __future__ import annotations

import json

import pytest
from plugged import point_of

from tsmaml import hookimpl, plugins
from tsmaml.plugins import Registry, registry
from tsmaml.plugins.manager import collect


@hookimpl
def register_losses(register):
    register("quartic", "re:compile", help="Fourth power")
    register("mae", "re:compile", help="Another mae")


@hookimpl
def fit_finished():
    """Listens only."""


POINTS = (
    point_of("losses", register_losses, version="2.5"),
    point_of("listener", fit_finished),
    point_of("idle"),
    point_of("sad", raises=ImportError("no torch")),
)


@pytest.fixture
def plugged(monkeypatch):
    found = Registry(collect(POINTS))
    monkeypatch.setattr(plugins, "registry", lambda: found)


@pytest.mark.usefixtures("plugged")
def test_plugins_are_listed_with_versions_hooks_and_parts(run):
    told = json.loads(run("plugins", "--json").stdout)
    own, *others = told["plugins"]
    assert own["name"] == "tsmaml"
    assert {"register_models", "register_readers"} <= {*own["hooks"]}
    assert others == [
        {"name": "losses", "version": "2.5", "hooks": ["register_losses"]},
        {"name": "listener", "version": "1.0", "hooks": ["fit_finished"]},
        {"name": "idle", "version": "1.0", "hooks": []},
    ]
    assert [part["name"] for part in told["parts"] if part["plugin"] == "losses"] == [
        *("quartic", "mae")
    ]
    assert told["broken"] == [{"plugin": "sad", "reason": "ImportError: no torch"}]
    assert told["clashes"] == [{"kind": "loss", "name": "mae", "plugins": ["tsmaml", "losses"]}]
    text = " ".join(run("plugins").stdout.split())
    assert "losses 2.5 register_losses" in text
    assert "Broken: sad: ImportError: no torch" in text
    assert "Clash: loss mae is provided by tsmaml and losses" in text


@pytest.mark.usefixtures("plugged")
def test_one_hook_s_plugins_and_parts(run):
    told = json.loads(run("plugins", "--hook", "register_losses", "--json").stdout)
    assert [one["name"] for one in told["plugins"]] == ["tsmaml", "losses"]
    assert {part["kind"] for part in told["parts"]} == {"loss"}
    heard = json.loads(run("plugins", "--hook", "fit_finished", "--json").stdout)
    assert [one["name"] for one in heard["plugins"]] == ["listener"]
    assert (heard["parts"], heard["clashes"]) == ([], [])
    told = run("plugins", "--hook", "register_loss", code=2).stderr
    assert "There is no hook 'register_loss'. Did you mean 'register_losses'?" in told


@pytest.mark.parametrize(("names", "broken"), [("", []), ("nobody", ["nobody"])])
def test_the_environment_restricts_what_is_listed(run, monkeypatch, names, broken):
    monkeypatch.setenv("TSMAML_PLUGINS", names)
    registry.cache_clear()
    try:
        told = json.loads(run("plugins", "--json").stdout)
    finally:
        registry.cache_clear()
    assert [one["name"] for one in told["plugins"]] == ["tsmaml"]
    assert [one["plugin"] for one in told["broken"]] == broken
