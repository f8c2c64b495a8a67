"""The documents' code runs, and does what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]


def code_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def run(page: str, block: str) -> dict:
    """The names that a code block leaves behind."""
    names: dict = {}
    exec(compile(block, page, "exec"), names)
    return names


def test_the_engine_page_s_example_learns_the_sinusoid(capsys):
    (example,) = code_blocks("docs/engine.md")
    assert len([line for line in example.splitlines() if line and "import" not in line]) <= 15
    run("docs/engine.md", example)
    assert float(capsys.readouterr().out) < 0.6


def test_the_simplemaml_page_s_example_learns_to_adapt():
    _, example = code_blocks("docs/from-simplemaml.md")
    losses = run("docs/from-simplemaml.md", example)["losses"]
    assert losses[-1] < 0.75 * losses[0]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text()):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
