"""What a page is made of: sections of sentences, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tsmaml.report.svg import inline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tsmaml.evaluation import Scores


@dataclass(frozen=True)
class Table:
    """Rows of text; columns after the first are numbers where ``numbers`` says so."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: bool = True
    caption: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure as ``<svg>``, and what stands below it."""

    name: str
    svg: str
    caption: str


@dataclass
class Section:
    """A part of the page: a heading, sentences, tables, drawings, and text to be copied."""

    name: str
    title: str
    sentences: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)
    code: str = ""

    def draw(self, name: str, figure: Figure, caption: str) -> None:
        """Add a figure; its caption is also what is read to those who can't see it."""
        self.drawings.append(Drawing(name, inline(figure, name, caption), caption))


def scores_table(scores: Scores) -> Table:
    """Means over the series, a row for each forecast."""
    return Table(
        ("forecast", "MASE", "sMAPE"),
        [
            (name, f"{scores.mean['mase'][name]:.3f}", f"{scores.mean['smape'][name]:.2f}")
            for name in scores.mean["mase"]
        ],
        caption="Means over the series; lower is better.",
    )
