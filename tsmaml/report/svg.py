"""Matplotlib figures as part of an HTML page: its text, its colours, light and dark."""

from __future__ import annotations

import io
import re
from dataclasses import fields
from html import escape

from matplotlib import rc_context
from matplotlib.figure import Figure

from tsmaml.plots.themes import THEMES, Theme

_NOTHING = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_ID = re.compile(r' id="([^"]+)"')


def colours(theme: Theme) -> dict[str, str]:
    """Colours of a theme by the names that the page's style sheet gives them."""
    found = {}
    for field in fields(Theme):
        value = getattr(theme, field.name)
        name = field.name.replace("_", "-")
        if isinstance(value, str):
            found[name] = value
        else:
            found.update({f"{name}-{number}": one for number, one in enumerate(value)})
    return found


def inline(figure: Figure, name: str, description: str) -> str:
    """A figure drawn in the light theme as ``<svg>``, its colours replaced by the page's variables.

    Args:
        figure: what to draw.
        name: that no other figure of the page has; ids are made of it.
        description: for those who can't see it.
    """
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(file, format="svg", metadata=_NOTHING, transparent=True)
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    # The page is HTML: names of XML's spaces mean nothing there.
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = text.replace("xlink:href", "href")
    used = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", text))
    targets = {target for pair in used for target in pair if target}
    text = _ID.sub(lambda found: found[0] if found[1] in targets else "", text)
    for variable, colour in colours(THEMES["light"]).items():
        text = re.sub(re.escape(colour), f"var(--{variable})", text, flags=re.IGNORECASE)
    size = re.search(r'viewBox="[^"]+"', text)
    assert size is not None  # matplotlib always writes one
    label = escape(description, quote=True)
    return f'<svg {size[0]} role="img" aria-label="{label}">{text[text.index(">") + 1 :]}'
