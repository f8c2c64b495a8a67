"""The documents' code runs, and does what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def code_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def test_the_engine_page_s_example_learns_the_sinusoid(capsys):
    (example,) = code_blocks("docs/engine.md")
    assert len([line for line in example.splitlines() if line and "import" not in line]) <= 15
    exec(compile(example, "docs/engine.md", "exec"), {})
    assert float(capsys.readouterr().out) < 0.6


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/engine.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text()):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
