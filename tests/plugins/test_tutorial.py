"""The tutorial's code is that of plugins/tsmaml-example, whose own tests run it."""

from __future__ import annotations

import ast
import re
from functools import partial
from pathlib import Path

import pytest

from tsmaml.testing import MODEL_CHECKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugin-tutorial.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`(tsmaml_example/\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))


def without_docstrings(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def test_the_page_shows_every_module():
    home = ROOT / "plugins" / "tsmaml-example"
    modules = {str(path.relative_to(home)) for path in home.glob("tsmaml_example/*.py")}
    assert {*FILES} == modules


@pytest.mark.parametrize("path", FILES)
def test_the_page_s_code_is_the_package_s(path):
    source = (ROOT / "plugins" / "tsmaml-example" / path).read_text(encoding="utf-8")
    assert without_docstrings(FILES[path]) == without_docstrings(source)


def test_the_page_s_tests_pass():
    """But the gradient of the model, which takes long and is among the package's own tests."""
    tests = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[-1]
    exec(tests, names := {})
    quick = [check for check in MODEL_CHECKS if check not in ("gradient", "speed")]
    names["check_model"] = partial(names["check_model"], checks=quick)
    names["test_by_origin"]()
    names["test_asymmetric"]()
    names["test_gated"]()
