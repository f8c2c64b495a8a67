"""Who may import whom, as docs/architecture.md has it: read from the sources, and from what loads."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tsmaml"

# Room: what it may import of tsmaml, besides itself and errors.
MAY_IMPORT = {
    "errors": set(),
    "series": {"plugins"},
    "plugins": set(),
    "models": set(),
    "losses": set(),
    "engine": set(),
    "intervals": set(),
    "plots": {"series"},
    "artifacts": set(),
    "tasks": {"series", "engine.batch"},
    "evaluation": {"series", "plugins", "intervals"},
    "simplemaml": {"engine"},
    "forecaster": {
        "series", "tasks", "engine", "losses", "plugins", "intervals", "evaluation", "artifacts",
        "plots",
    },
    "report": {"forecaster", "engine", "evaluation", "intervals", "plots", "series"},
    "testing": {
        "series", "tasks", "engine", "losses", "plugins", "intervals", "evaluation", "artifacts",
        "models", "forecaster",
    },
}  # fmt: skip


def imports_of(path: Path) -> set[str]:
    """Modules of tsmaml that a file imports, at any depth, without the leading ``tsmaml.``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= named if node.module == "tsmaml" else {node.module}
    return {name.removeprefix("tsmaml.") for name in found if name.startswith("tsmaml.")}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room):
    home = PACKAGE / room
    files = list(home.rglob("*.py")) if home.is_dir() else [home.with_suffix(".py")]
    assert files
    for file in files:
        for module in imports_of(file):
            allowed = {room, "errors", "__version__", *MAY_IMPORT[room]}
            assert any(module == one or module.startswith(f"{one}.") for one in allowed), (
                f"{file.relative_to(PACKAGE)} imports tsmaml.{module}"
            )


def test_every_room_has_a_rule():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__init__", "__main__", "__pycache__", "py", "cli"} == {*MAY_IMPORT}


def test_public_names_are_at_home_where_they_are_said_to_be():
    import tsmaml

    for name, home in tsmaml._HOMES.items():
        assert importlib.util.find_spec(home) is not None
        assert name in tsmaml.__all__
    assert {*tsmaml._HOMES, "__version__"} == {*tsmaml.__all__}
    assert tsmaml.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tsmaml.nothing


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("tsmaml", {"tensorflow", "keras", "pandas", "pyarrow", "numpy", "click", "rich"}),
        ("tsmaml.plugins", {"tensorflow", "keras", "pandas", "pyarrow"}),
        ("tsmaml.series", {"tensorflow", "keras", "pandas", "pyarrow"}),
        ("tsmaml.tasks", {"tensorflow", "keras", "pandas", "pyarrow"}),
        ("tsmaml.losses", {"tensorflow", "keras", "pandas", "pyarrow"}),
        ("tsmaml.models.nbeats", {"tensorflow", "keras", "pandas", "pyarrow"}),
        ("tsmaml.intervals", {"tensorflow", "keras", "pandas", "pyarrow"}),
        ("tsmaml.forecaster", {"tensorflow", "keras", "pandas", "pyarrow"}),
        ("tsmaml.report", {"tensorflow", "keras", "pandas", "pyarrow", "matplotlib", "jinja2"}),
        ("tsmaml.plots", {"tensorflow", "keras", "pandas", "pyarrow", "matplotlib", "plotext"}),
    ],
)
def test_importing_a_room_loads_nothing_heavy(module, absent):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not absent & set(loaded.stdout.split())
