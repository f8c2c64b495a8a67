"""Packages that ``tsmaml new-plugin`` writes."""

from __future__ import annotations

import importlib
import sys
import tomllib

import pytest

from tsmaml.cli._scaffold import KINDS, render
from tsmaml.plugins import registry


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_rendered_whole_and_compiles(kind):
    texts = render("tsmaml-own", kind)
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    assert (project["name"], project["entry-points"]) == (
        "tsmaml-own",
        {"tsmaml": {"tsmaml-own": "tsmaml_own"}},
    )
    parts = []
    for path, text in texts.items():
        assert "$" not in text.replace("${{ matrix.python }}", "")
        if path.endswith(".py"):
            names = {"__name__": "rendered"}
            code = compile(text, path, "exec")
            if path.endswith("__init__.py"):
                exec(code, names)
                names[KINDS[kind].hook](lambda *told, help: parts.append((*told, help)))
    name = ".own" if kind == "reader" else "own"
    assert parts == [(name, "tsmaml_own.part:build", KINDS[kind].help)]
    assert set(texts) == {
        *("pyproject.toml", "README.md", ".github/workflows/tests.yml"),
        *("tsmaml_own/__init__.py", "tsmaml_own/part.py", "tests/test_tsmaml_own.py"),
    }


@pytest.fixture
def baseline(run, tmp_path, monkeypatch):
    """A new baseline, as if it were installed."""
    folder = tmp_path / "new"
    told = run("new-plugin", "tsmaml-onward", "--kind", "baseline", "-o", folder).stderr
    assert told.startswith("Wrote 6 files to ")
    info = folder / "tsmaml_onward-0.1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Name: tsmaml-onward\nVersion: 0.1.0\n")
    info.joinpath("entry_points.txt").write_text("[tsmaml]\ntsmaml-onward = tsmaml_onward\n")
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    registry.cache_clear()
    yield folder
    registry.cache_clear()
    for name in [name for name in sys.modules if "tsmaml_onward" in name]:
        sys.modules.pop(name)


def test_a_new_plugin_passes_its_own_tests(baseline, capfd):
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(baseline), str(baseline)])
    assert (code, "2 passed" in capfd.readouterr().out) == (pytest.ExitCode.OK, True)


def test_wrong_names_and_taken_ones_are_refused(run, tmp_path):
    for name in ("Own", "tsmaml", "own_loss", "../own"):
        told = run("new-plugin", name, "-o", tmp_path / "a", code=2).stderr
        assert "can't be the name of a plugin" in told
    told = run("new-plugin", "tsmaml-mae", "-o", tmp_path / "a", code=2).stderr
    assert "There is a loss named 'mae' already, of tsmaml." in told
    assert not (tmp_path / "a").exists()
    assert "is there already" in run("new-plugin", "tsmaml-own", "-o", tmp_path, code=2).stderr
