"""Plugins that are not installed, and plugins that are, for as long as a test runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plugged import Point, point_of


@pytest.fixture(scope="session")
def point() -> Callable[..., Point]:
    """Make an entry point of a plugin given as its functions, or of one that raises at import."""
    return point_of


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Write a module and the metadata of a distribution that names it as a plugin."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(distribution: str, module: str, source: str) -> None:
        monkeypatch.delitem(sys.modules, module, raising=False)
        tmp_path.joinpath(f"{module}.py").write_text(source, encoding="utf-8")
        info = tmp_path / f"{distribution.replace('-', '_')}-2.5.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Name: {distribution}\nVersion: 2.5\n")
        info.joinpath("entry_points.txt").write_text(f"[tsmaml]\n{module}_entry = {module}\n")

    yield make
    for name in [path.stem for path in tmp_path.glob("*.py")]:
        sys.modules.pop(name, None)
