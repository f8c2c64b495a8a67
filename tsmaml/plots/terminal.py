"""Charts in a terminal, as text."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsmaml.plots.fans import Fan

_HEIGHT = 16
_WIDEST = 100
_TICKS = 5
# Colours of the terminal's own palette, which its user chose to be read.
_COLOURS = {
    "TSMAML": "blue+",
    "adapted": "blue+",
    "zero-step": "orange+",
    "seasonal naive": "green+",
    "seasonal_naive": "green+",
}
_OTHERS = ("magenta+", "cyan+", "red+")


def drawn(fans: Sequence[Fan], width: int | None = None) -> str:
    """Charts one below the other, with colours as escape sequences.

    Args:
        fans: what to draw, see :func:`tsmaml.plots.fans_of`.
        width: of a line, in characters; None: of the terminal, at most 100.
    """
    import plotext

    wide = min(shutil.get_terminal_size().columns, _WIDEST) if width is None else width
    return "\n".join(_chart(plotext, fan, wide) for fan in fans)


def _chart(plotext: Any, fan: Fan, width: int) -> str:
    """One chart; plotext keeps its figure as global state, cleared before and after."""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(width, _HEIGHT)
    plotext.title(fan.name)
    past, ahead = np.arange(len(fan.times)), len(fan.times) + np.arange(len(fan.ahead))
    _line(plotext, past, fan.values, "history" if fan.forecasts else None, "default")
    others = iter(_OTHERS * len(fan.forecasts))
    for name, values in fan.forecasts.items():
        colour = _COLOURS.get(name) or next(others)
        for level, bounds in fan.bounds.get(name, {}).items():
            for number, bound in enumerate(bounds):
                label = None if number else f"{name} {level:g} %"
                _line(plotext, ahead, bound, label, colour, "dot")
        _line(plotext, ahead, values, name, colour)
    _line(plotext, ahead, fan.truth, "truth", "default", "x")
    _time_axis(plotext, np.concatenate([fan.times, fan.ahead.astype(fan.times.dtype)]))
    text = str(plotext.build())
    plotext.clear_figure()
    return text


def _line(
    plotext: Any,
    places: np.ndarray,
    values: np.ndarray,
    label: str | None,
    colour: str,
    marker: str = "braille",
) -> None:
    """What is known of a line; where a step is missing the next point follows on the last."""
    known = np.isfinite(values)
    if not known.any():
        return
    plot = plotext.scatter if marker != "braille" else plotext.plot
    plot(places[known].tolist(), values[known].tolist(), label=label, color=colour, marker=marker)


def _time_axis(plotext: Any, times: np.ndarray) -> None:
    """A few times, the shorter the better: days where all are midnights."""
    where = np.unique(np.linspace(0, len(times) - 1, _TICKS).astype(int))
    shown = times[where]
    if times.dtype.kind == "M":
        days = times.astype("datetime64[D]")
        shown = shown.astype("datetime64[D]" if (days == times).all() else "datetime64[m]")
    plotext.xticks(where.tolist(), [str(time).replace("T", " ") for time in shown])
