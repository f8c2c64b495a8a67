"""Figures become part of a page: no names from elsewhere, its colours, ids of their own."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from tsmaml.engine.curve import Curve
from tsmaml.plots import Fan
from tsmaml.plots.themes import THEMES
from tsmaml.report import figures
from tsmaml.report.svg import colours, inline

DAYS = np.datetime64("2024-01-01", "us") + np.arange(24) * np.timedelta64(1, "D")


def fan(name: str = "a") -> Fan:
    ahead = np.arange(4.0)
    return Fan(
        name,
        DAYS[:20],
        np.arange(20.0),
        DAYS[20:],
        {"TSMAML": ahead, "zero-step": ahead + 1},
        {"TSMAML": {80.0: (ahead - 1, ahead + 1)}},
    )


class Told:
    """What a figure takes of a history."""

    curve = Curve(np.linspace(2, 1, 400, dtype=np.float32), [(0, 2.0, 1.5), (400, 1.2, 1.0)])
    best_step = 400


FIGURES = {
    "training": lambda: figures.training(Told()),
    "widths": lambda: figures.interval_widths({"point": np.sort(np.ones((200, 3)), axis=0)}),
    "fan": lambda: figures.fan(fan()),
    "lines": lambda: figures.lines(
        {"adapted": (np.array([1, 8, 64]), np.array([3.0, 2.0, 1.0]))}, "x", "y", logarithmic=True
    ),
    "coverage": lambda: figures.coverage([50, 80], {"adapted": [0.4, 0.8]}),
    "gains": lambda: figures.gains(np.array([1.0, 2.0, np.nan]), np.array([0.5, 3.0, 1.0])),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_part_of_the_page(name):
    drawn = FIGURES[name]()
    assert isinstance(drawn, Figure)
    text = inline(drawn, name, 'a "caption" <b>')
    assert text.startswith("<svg viewBox=")
    assert text.rstrip().endswith("</svg>")
    assert "://" not in text
    assert 'aria-label="a &quot;caption&quot; &lt;b&gt;"' in text
    assert "var(--muted)" in text
    # Every colour is one of the page's.
    assert not re.findall(r"#[0-9a-f]{6}", text)
    ids = set(re.findall(r' id="([^"]+)"', text))
    assert ids == set(re.findall(r'(?:url\(|href=")#([^")]+)', text))


def test_equal_figures_are_equal_text_and_others_share_no_id():
    one, again = (inline(figures.fan(fan()), "one", "") for _ in range(2))
    assert one == again
    other = inline(figures.fan(fan()), "other", "")
    ids, others = (set(re.findall(r' id="([^"]+)"', text)) for text in (one, other))
    assert ids
    assert not ids & others


def test_names_of_series_are_text():
    text = inline(figures.fan(fan("<script>alert('$x$')</script> & co")), "one", "")
    assert "<script" not in text
    assert "&lt;script&gt;alert('$x$')&lt;/script&gt; &amp;" in text


def test_themes_name_the_same_colours_all_of_them_different():
    light, dark = (colours(THEMES[name]) for name in ("light", "dark"))
    assert list(light) == list(dark)
    for theme in (light, dark):
        assert len(set(theme.values())) == len(theme)
