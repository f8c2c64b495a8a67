"""Charts with matplotlib, without pyplot: nothing of the user's session changes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tsmaml.plots.fans import Fan
from tsmaml.plots.themes import MEANINGS, Theme, style_of, theme_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_LONGEST_NAME = 40


class Chart(Figure):
    """A matplotlib figure that a notebook shows by itself."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def charts(
    fans: Sequence[Fan], *, theme: str = "light", columns: int = _COLUMNS, width: float = 4.2
) -> Chart:
    """One chart for each series, side by side, with one legend.

    Args:
        fans: what to draw, see :func:`tsmaml.plots.fans_of`.
        theme: ``light`` or ``dark``.
        columns: charts in a row, at most.
        width: of a chart, in inches.
    """
    colours = theme_of(theme)
    columns = min(len(fans), columns)
    rows = -(-len(fans) // columns)
    figure = Chart(
        figsize=(width * columns, 0.58 * width * rows + 0.4),
        layout="constrained",
        facecolor=colours.ground,
    )
    for number, fan in enumerate(fans):
        draw_fan(figure.add_subplot(rows, columns, number + 1), fan, colours)
    labelled = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if len(labelled) > 1:
        figure.legend(
            labelled.values(),
            labelled.keys(),
            loc="outside lower center",
            ncols=max(2, 3 * columns),
            frameon=False,
            fontsize=8,
            labelcolor=colours.ink,
        )
    return figure


def draw_fan(axes: Axes, fan: Fan, theme: Theme) -> None:
    """Draw one series: history, truth, forecasts and their bands."""
    dress(axes, theme)
    alone = np.isfinite(fan.values).sum() < 2
    axes.plot(
        fan.times,
        fan.values,
        color=theme.history,
        linewidth=1.1,
        marker="o" if alone else None,
        markersize=3,
        label="history" if fan.forecasts else None,
    )
    unnamed = 0
    for name, values in fan.forecasts.items():
        colour, dashes = style_of(theme, name, unnamed)
        unnamed += name not in MEANINGS
        for number, (level, (lower, upper)) in enumerate(fan.bounds.get(name, {}).items()):
            axes.fill_between(
                fan.ahead,
                lower,
                upper,
                color=colour,
                alpha=0.16 + 0.1 * number,
                linewidth=0,
                label=f"{name} {level:g} %",
            )
        axes.plot(
            fan.ahead,
            values,
            color=colour,
            linestyle=dashes,
            linewidth=1.7,
            marker="o" if len(values) < 2 else None,
            markersize=4,
            label=name,
        )
    if np.isfinite(fan.truth).any():
        axes.plot(
            fan.ahead,
            fan.truth,
            color=theme.ink,
            linestyle="none",
            marker="o",
            markersize=2.6,
            label="truth",
        )
    _time_axis(axes, fan, theme)
    name = fan.name if len(fan.name) <= _LONGEST_NAME else f"{fan.name[: _LONGEST_NAME - 1]}…"
    # A dollar sign would begin a formula.
    axes.set_title(name, fontsize=9, color=theme.ink, loc="left", parse_math=False)


def dress(axes: Axes, theme: Theme) -> None:
    """Quiet axes: a horizontal grid, no frame."""
    axes.set_facecolor(theme.ground)
    axes.grid(axis="y", color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, colors=theme.muted, length=0)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(theme.grid)


def _time_axis(axes: Axes, fan: Fan, theme: Theme) -> None:
    times: Any = fan.times if len(fan.times) else fan.ahead
    if times.dtype.kind == "M":
        locator = AutoDateLocator(minticks=3, maxticks=6)
        formatter = ConciseDateFormatter(locator)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(formatter)
        axes.xaxis.get_offset_text().set(fontsize=8, color=theme.muted)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
