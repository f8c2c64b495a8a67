"""The figures of a report, each a matplotlib figure in the light theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from tsmaml.intervals import supported, widths
from tsmaml.plots import Fan
from tsmaml.plots.drawing import draw_fan, dress
from tsmaml.plots.themes import MEANINGS, THEMES, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tsmaml.engine import History

_THEME = THEMES["light"]
# Inches: on a phone of 360 points the text of a chart is about as large as that of the page.
_WIDTH, _HEIGHT = 3.7, 2.5
_MOST_BLOCKS = 75
_MOST_DOTS = 1000


def training(history: History) -> Figure:
    """Query losses in the course of meta-training, and those of the validation tasks."""
    figure, axes = _empty("outer step", "loss")
    curve = history.curve
    size = -(-len(curve.query) // _MOST_BLOCKS) or 1
    starts = np.arange(0, len(curve.query), size)
    if len(starts):
        blocks = np.split(curve.query.astype(float), starts[1:])
        means = [np.nanmean(block) if np.isfinite(block).any() else np.nan for block in blocks]
        ends = np.minimum(starts + size, len(curve.query))
        axes.plot(ends, means, color=_THEME.history, linewidth=1, label="training tasks")
    if curve.validation:
        steps, zero_step, adapted = np.array(curve.validation).T
        for name, values in (("zero-step", zero_step), ("adapted", adapted)):
            colour, dashes = style_of(_THEME, name, 0)
            axes.plot(
                steps,
                values,
                color=colour,
                linestyle=dashes,
                linewidth=1.5,
                marker="o",
                markersize=2.5,
                label=f"held-out series, {name}",
            )
        axes.axvline(history.best_step, color=_THEME.ink, linewidth=0.8, label="kept")
    _legend(figure)
    return figure


def interval_widths(calibration: Mapping[str, np.ndarray]) -> Figure:
    """How far the intervals of the point forecast reach at each step of the horizon."""
    figure, axes = _empty("step of the horizon", "half width, in scales")
    scores = calibration["point"]
    steps = np.arange(1, scores.shape[1] + 1)
    for number, level in enumerate((95, 80, 50)):
        if supported(scores, level / 100):
            axes.plot(
                steps,
                widths(scores, level / 100),
                color=_THEME.adapted,
                alpha=1 - 0.25 * number,
                linewidth=1.5,
                marker="o" if len(steps) < 2 else None,
                label=f"{level} %",
            )
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    _legend(figure)
    return figure


def fan(one: Fan) -> Figure:
    """One series with its forecasts."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT + 0.3), layout="constrained")
    draw_fan(figure.add_subplot(), one, _THEME)
    _legend(figure)
    return figure


def lines(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], x: str, y: str, *, logarithmic: bool
) -> Figure:
    """Error against something, a line for each forecast."""
    figure, axes = _empty(x, y)
    unnamed = 0
    for name, (places, values) in curves.items():
        colour, dashes = style_of(_THEME, name, unnamed)
        unnamed += name not in MEANINGS
        axes.plot(
            places,
            values,
            color=colour,
            linestyle=dashes,
            linewidth=1.5,
            marker="o",
            markersize=3,
            label=name,
        )
    if logarithmic:
        ticks = sorted({int(place) for places, _ in curves.values() for place in places})
        axes.set_xscale("log")
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    _legend(figure)
    return figure


def coverage(nominal: Sequence[float], observed: Mapping[str, Sequence[float]]) -> Figure:
    """Share of the truth that lies inside the intervals, against their level."""
    figure, axes = _empty("level of the interval", "truth inside")
    axes.plot([0, 1], [0, 1], color=_THEME.muted, linewidth=0.8, label="as promised")
    unnamed = 0
    for name, shares in observed.items():
        colour, dashes = style_of(_THEME, name, unnamed)
        unnamed += name not in MEANINGS
        axes.plot(
            [level / 100 for level in nominal],
            shares,
            color=colour,
            linestyle=dashes,
            linewidth=1.5,
            marker="o",
            markersize=3.5,
            label=name,
        )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    _legend(figure)
    return figure


def gains(zero_step: np.ndarray, adapted: np.ndarray) -> Figure:
    """Held-back error of each series, zero-step against adapted; below the line adaptation helps."""
    figure, axes = _empty("zero-step error", "adapted error")
    known = np.isfinite(zero_step) & np.isfinite(adapted) & (zero_step > 0) & (adapted > 0)
    shown = np.flatnonzero(known)
    if len(shown) > _MOST_DOTS:
        shown = shown[np.linspace(0, len(shown) - 1, _MOST_DOTS).astype(int)]
    x, y = zero_step[shown], adapted[shown]
    helps = y <= x
    for name, chosen in (("adapted", helps), ("zero-step", ~helps)):
        colour, _ = style_of(_THEME, name, 0)
        axes.plot(
            x[chosen],
            y[chosen],
            color=colour,
            linestyle="none",
            marker="o" if name == "adapted" else "x",
            markersize=3,
            label=f"{name} is used",
        )
    if len(shown):
        ends = [min(x.min(), y.min()), max(x.max(), y.max())]
        axes.plot(ends, ends, color=_THEME.muted, linewidth=0.8)
        axes.set(xscale="log", yscale="log")
        axes.minorticks_off()
    _legend(figure)
    return figure


def _empty(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    dress(axes, _THEME)
    axes.set_xlabel(x, fontsize=8, color=_THEME.muted)
    axes.set_ylabel(y, fontsize=8, color=_THEME.muted)
    return figure, axes


def _legend(figure: Figure) -> None:
    (axes,) = figure.axes
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) < 2:
        return
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=2 if max(map(len, labels)) > 14 else 3,
        frameon=False,
        fontsize=8,
        labelcolor=_THEME.ink,
        handlelength=1.6,
    )
