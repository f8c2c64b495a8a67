"""The files of a new plugin, from the templates beside this module."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Template
from typing import NamedTuple

from tsmaml.errors import UsageError


class Kind(NamedTuple):
    """What differs from kind to kind, beside the part itself.

    Attributes:
        registered: the kind's name in the registry.
        hook: that registers it.
        help: one line about the part of the template.
        check: function of :mod:`tsmaml.testing`.
        test: body of the test that calls it.
    """

    registered: str
    hook: str
    help: str
    check: str
    test: str


def _calls(check: str, more: str = "") -> str:
    return f'def test_it_keeps_its_promises():\n    {check}("$part"{more})'


_READS = """def test_it_keeps_its_promises(tmp_path):
    import pandas as pd

    days = pd.date_range("2024-01-01", periods=20)
    frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": [float(day) for day in range(20)]})
    path = tmp_path / "series$part"
    frame.to_json(path, orient="records", lines=True, date_format="iso")
    check_reader("$part", path, frame)"""

KINDS = {
    "model": Kind(
        *("model", "register_models", "One hidden layer", "check_model"),
        _calls("check_model", ', options={"width": 4}'),
    ),
    "loss": Kind(
        "loss", "register_losses", "Smooth absolute error", "check_loss", _calls("check_loss")
    ),
    "task-builder": Kind(
        *("task builder", "register_task_builders", "Ids that begin alike"),
        *("check_task_builder", _calls("check_task_builder")),
    ),
    "algorithm": Kind(
        *("algorithm", "register_algorithms", "MAML of three learned steps", "check_algorithm"),
        _calls("check_algorithm"),
    ),
    "baseline": Kind(
        *("baseline", "register_baselines", "Drift", "check_baseline"), _calls("check_baseline")
    ),
    "reader": Kind("reader", "register_readers", "A JSON object a line", "check_reader", _READS),
    "scaler": Kind(
        *("scaling", "register_scalers", "Relative to the first value", "check_scaler"),
        _calls("check_scaler"),
    ),
}


def render(name: str, kind: str) -> dict[str, str]:
    """Texts of a new plugin's files, by path within its folder.

    Args:
        name: of the package; the part is called likewise, without ``tsmaml-`` before it.
        kind: one of :data:`KINDS`.

    Raises:
        UsageError: if the name is none of a package, or a part is called so already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or name == "tsmaml":
        raise UsageError(
            f"{name!r} can't be the name of a plugin.",
            hint="Wanted are lower-case letters and digits, with '-' between words: tsmaml-logcosh.",
        )
    wanted = KINDS[kind]
    part = name.removeprefix("tsmaml-").replace("-", "_")
    part = f".{part}" if kind == "reader" else part
    _check_new(wanted.registered, part)
    names = {
        **{"name": name, "module": name.replace("-", "_"), "part": part, "kind": wanted.registered},
        **wanted._asdict(),
    }
    names["test"] = Template(wanted.test).substitute(names)
    module = names["module"]
    templates = {
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        ".github/workflows/tests.yml": "ci.yml.txt",
        f"{module}/__init__.py": "init.py.txt",
        f"{module}/part.py": f"{kind}.part.txt",
        f"tests/test_{module}.py": "test.py.txt",
    }
    home = files("tsmaml.cli") / "templates"
    return {
        path: Template((home / source).read_text(encoding="utf-8")).substitute(names)
        for path, source in templates.items()
    }


def _check_new(registered: str, part: str) -> None:
    from tsmaml.plugins import registry

    for other in registry().parts(registered):
        if other.name == part:
            raise UsageError(
                f"There is a {registered} named {part!r} already, of {other.plugin}.",
                hint="Take another name: two parts of one name can't be told apart.",
            )
