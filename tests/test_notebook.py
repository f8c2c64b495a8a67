"""The notebook of the documents runs, and its saved outputs are what it gives."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
SAVED = ROOT / "docs" / "quickstart.ipynb"


def outputs(notebook) -> list[list[tuple[str, tuple[str, ...]]]]:
    """Kind and types of what each cell of code printed or showed."""
    return [
        [(one.output_type, tuple(sorted(one.get("data", ())))) for one in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.fixture(scope="module")
def saved():
    return nbformat.read(SAVED, as_version=4)


def test_saved_outputs_hold_no_paths_and_no_logs(saved):
    nbformat.validate(saved)
    text = SAVED.read_text(encoding="utf-8")
    for path in ("/root", "/home", "/tmp", "/Users", "site-packages"):
        assert path not in text
    kinds = {kind for cell in outputs(saved) for kind, _ in cell}
    assert kinds == {"execute_result", "display_data"}
    assert all(outputs(saved))
    counts = [cell.execution_count for cell in saved.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_it_runs_to_the_end_and_shows_what_is_saved(saved, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    shutil.copytree(ROOT / "datasets", tmp_path / "datasets")
    notebook = nbformat.read(SAVED, as_version=4)
    for cell in notebook.cells:
        quick = 'steps=5, model="linear", algorithm="fomaml"'
        cell.source = re.sub(r"steps=\d+", quick, cell.source)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    assert outputs(notebook) == outputs(saved)
    assert (folder / "flights.tsmaml").exists()
