"""What mkdocs does with docstrings, which are written for Sphinx' roles: links instead of them."""

from __future__ import annotations

import re

# :class:`~tsmaml.engine.Progress` and :meth:`fit <tsmaml.MetaForecaster.fit>`, as Markdown leaves them.
_ROLE = re.compile(
    r":(?:class|func|meth|data|mod|attr):<code>~?([^<]*?)(?:\s*&lt;([^<]*?)&gt;)?</code>"
)


def _link(role: re.Match[str]) -> str:
    text, target = role[1], role[2] or role[1]
    return f'<autoref identifier="{target}" optional><code>{text}</code></autoref>'


def on_page_content(html: str, **_: object) -> str:
    """Turn roles into links where their target has a place on the site, else into code."""
    html = _ROLE.sub(_link, html)
    return re.sub(r"::</p>", ":</p>", html)
