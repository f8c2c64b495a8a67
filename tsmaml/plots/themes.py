"""Colours that the colour-blind tell apart, on light and on dark ground.

The lines' colours are those of Okabe and Ito (2008), "Color universal design", on dark ground their
lighter ones; where a line has a meaning of its own it has a dash pattern of its own too.
"""

from __future__ import annotations

from dataclasses import dataclass

from tsmaml.errors import UsageError


@dataclass(frozen=True)
class Theme:
    """Colours of a chart.

    Attributes:
        ground, ink, muted, grid: of the surface, of titles and truth, of axes, and of the grid.
        history: of what is known.
        adapted, zero_step, naive: of the forecasts that have a meaning of their own.
        others: of further forecasts, in turn.
    """

    ground: str
    ink: str
    muted: str
    grid: str
    history: str
    adapted: str
    zero_step: str
    naive: str
    others: tuple[str, ...]


THEMES = {
    "light": Theme(
        ground="#ffffff",
        ink="#1a1d21",
        muted="#59636e",
        grid="#e3e6ea",
        history="#6b7580",
        adapted="#0072b2",
        zero_step="#d55e00",
        naive="#009e73",
        others=("#cc79a7", "#e69f00", "#56b4e9"),
    ),
    "dark": Theme(
        ground="#14171b",
        ink="#eef1f4",
        muted="#9aa5b1",
        grid="#2a3037",
        history="#8f9ba8",
        adapted="#56b4e9",
        zero_step="#f28c38",
        naive="#2dc295",
        others=("#dd9bc0", "#f0c04a", "#8f9bff"),
    ),
}
# Forecasts with a meaning of their own: by name, colour and dashes.
MEANINGS = {
    "TSMAML": ("adapted", "solid"),
    "adapted": ("adapted", "solid"),
    "zero-step": ("zero_step", "dashed"),
    "seasonal naive": ("naive", "dotted"),
    "seasonal_naive": ("naive", "dotted"),
}


def theme_of(name: str) -> Theme:
    """A theme by name.

    Raises:
        UsageError: if there is none.
    """
    if name not in THEMES:
        raise UsageError(f"The theme is {name!r}; wanted is one of {', '.join(THEMES)}.")
    return THEMES[name]


def style_of(theme: Theme, name: str, number: int) -> tuple[str, str]:
    """Colour and dashes of a forecast; ``number`` counts those without a meaning of their own."""
    if name in MEANINGS:
        role, dashes = MEANINGS[name]
        return getattr(theme, role), dashes
    return theme.others[number % len(theme.others)], "dashdot"
