"""``--plot``: to a file, or ``-`` in the terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tsmaml.errors import UsageError

if TYPE_CHECKING:
    from tsmaml.plots import Fan

TERMINAL = "-"
_MOST_IN_TERMINAL, _MOST_IN_FILE = 3, 9
_ENDINGS = (".png", ".svg", ".pdf")


def check_plot(path: str) -> None:
    """Refuse, before any work, what can't be drawn to.

    Raises:
        UsageError: if it is neither ``-`` nor a PNG, SVG or PDF file in a folder that exists.
        MissingDependencyError: if the package that draws is not installed.
    """
    from tsmaml.plots import require

    if path == TERMINAL:
        require("plotext", "Drawing in the terminal needs", "plot")
        return
    if Path(path).suffix.lower() not in _ENDINGS:
        raise UsageError(
            f"{path}: pictures are files that end in {', '.join(_ENDINGS)}; {TERMINAL} draws in "
            "the terminal."
        )
    if not Path(path).parent.is_dir():
        raise UsageError(f"There is no folder {Path(path).parent} to write {Path(path).name} to.")
    require("matplotlib", "Pictures need", "plot")


def most_of(path: str) -> int:
    """How many series a picture shows."""
    return _MOST_IN_TERMINAL if path == TERMINAL else _MOST_IN_FILE


def plot(fans: Sequence[Fan], path: str) -> None:
    """Draw charts to a file, or on stdout: in colour where that is a terminal."""
    if path == TERMINAL:
        from tsmaml.plots.terminal import drawn

        click.echo(drawn(fans), color=False if os.environ.get("NO_COLOR") else None)
    else:
        from tsmaml.plots.drawing import charts

        charts(fans).savefig(path, dpi=144)
