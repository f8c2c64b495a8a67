"""A sample of the series as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tsmaml.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from tsmaml.series import SeriesCollection

_PICTURES = 9
_COLUMNS = 3


def check_plot(path: str) -> None:
    """Refuse, before any work, what can't be drawn to.

    Raises:
        UsageError: if it is no PNG file in a folder that exists.
        MissingDependencyError: if matplotlib is not installed.
    """
    from importlib.util import find_spec

    if Path(path).suffix.lower() != ".png":
        raise UsageError(f"{path}: pictures are PNG files; name one that ends in .png.")
    if not Path(path).parent.is_dir():
        raise UsageError(f"There is no folder {Path(path).parent} to write {Path(path).name} to.")
    if find_spec("matplotlib") is None:
        raise MissingDependencyError(
            "Pictures need matplotlib.", hint="python -m pip install 'tsmaml[plot]'"
        )


def plot_sample(collection: SeriesCollection, path: str) -> None:
    """Draw up to nine series, spread evenly over the collection; gaps are gaps in the line."""
    from matplotlib.figure import Figure

    count = min(_PICTURES, len(collection))
    sample = collection.select(np.linspace(0, len(collection) - 1, count).astype(int))
    times = sample.times()
    rows = -(-count // _COLUMNS)
    figure = Figure(figsize=(4 * min(count, _COLUMNS), 2.2 * rows), layout="constrained")
    for number, name in enumerate(sample.ids):
        axes = figure.add_subplot(rows, min(count, _COLUMNS), number + 1)
        part = slice(sample.offsets[number], sample.offsets[number + 1])
        alone = sample.lengths[number] == 1
        axes.plot(times[part], sample.values[part], "o" if alone else "-", linewidth=0.9)
        axes.set_title(name[:40], fontsize=9)
        axes.tick_params(labelsize=7)
        axes.tick_params(axis="x", rotation=30)
    figure.savefig(path, dpi=120)
