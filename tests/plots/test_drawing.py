"""Charts: what is on them, with matplotlib and in the terminal."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tsmaml.plots import Fan
from tsmaml.plots.drawing import charts
from tsmaml.plots.terminal import drawn
from tsmaml.plots.themes import THEMES

DAYS = np.datetime64("2024-01-01", "us") + np.arange(24) * np.timedelta64(1, "D")


def fan(name: str = "a", **parts) -> Fan:
    values = np.arange(20.0)
    values[5] = np.nan
    middle = np.arange(20.0, 24.0)
    bounds = {"TSMAML": {95.0: (middle - 4, middle + 4), 80.0: (middle - 2, middle + 2)}}
    made = {"TSMAML": middle, "zero-step": middle - 1, "theta": middle + 1}
    others = {"forecasts": made, "bounds": bounds, "truth": middle + 0.5}
    return Fan(
        name, **{"times": DAYS[:20], "values": values, "ahead": DAYS[20:], **others, **parts}
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_bands_and_colours(theme):
    figure = charts([fan("a"), fan("costs $x$ and $y$")], theme=theme)
    axes = figure.axes[1]
    assert axes.get_title(loc="left") == "costs $x$ and $y$"
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["history", "TSMAML", "zero-step", "theta", "truth"]
    colours = THEMES[theme]
    assert to_hex(lines["TSMAML"].get_color()) == colours.adapted
    assert to_hex(lines["zero-step"].get_color()) == colours.zero_step
    assert lines["zero-step"].get_linestyle() == "--"
    assert [band.get_label() for band in axes.collections] == ["TSMAML 95 %", "TSMAML 80 %"]
    wide, narrow = (band.get_datalim(axes.transData).height for band in axes.collections)
    assert wide > narrow
    assert to_hex(figure.get_facecolor()) == colours.ground
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "history",
        "TSMAML 95 %",
        "TSMAML 80 %",
        "TSMAML",
        "zero-step",
        "theta",
        "truth",
    ]
    figure.draw_without_rendering()


def test_a_series_alone_has_no_legend_and_a_single_point_is_seen():
    figure = charts([Fan("one", DAYS[:1], np.array([3.0]))])
    assert not figure.legends
    assert figure.axes[0].lines[0].get_marker() == "o"


def test_charts_stand_in_rows():
    assert len(charts([fan(str(i)) for i in range(7)]).axes) == 7
    one, three = charts([fan()]), charts([fan(str(i)) for i in range(3)])
    assert three.get_figwidth() == pytest.approx(3 * one.get_figwidth())


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_colours_stand_out_from_the_ground(theme):
    def contrast(colour: str) -> float:
        bright, dim = sorted((luminance(colour), luminance(theme.ground)), reverse=True)
        return (bright + 0.05) / (dim + 0.05)

    assert min(contrast(one) for one in (theme.ink, theme.muted)) > 4.5
    assert min(contrast(getattr(theme, name)) for name in ("history", "adapted", "zero_step")) > 3


def test_in_the_terminal():
    plain = fan(times=np.arange(20), ahead=np.arange(20, 24))
    text = drawn([fan("a" * 30), plain], width=72)
    assert "a" * 30 in text
    for part in ("history", "TSMAML 95 %", "TSMAML 80 %", "zero-step", "theta", "truth"):
        assert text.count(part) == 2
    assert "2024-01-24" in text
    assert "\x1b[38;5;12m" in text
    narrow = max(len(line) for line in drawn([Fan("b", DAYS, np.arange(24.0))], 50).splitlines())
    assert narrow < 70
    assert "history" not in drawn([Fan("b", DAYS, np.arange(24.0))], 50)
