"""The page itself: sections into a template, and into one file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmaml.errors import UsageError
from tsmaml.plots import require

if TYPE_CHECKING:
    from tsmaml.evaluation.request import Baselines, Stage
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.report.sections import Section
    from tsmaml.series import SeriesCollection

_ENDINGS = (".html", ".htm")


def check_report(path: str | Path) -> None:
    """Refuse, before any work, what can't be written.

    Raises:
        UsageError: if it is no HTML file in a folder that exists.
        MissingDependencyError: if the packages of the extra ``[report]`` are not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{path}: a report is an HTML file; name one that ends in .html.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} to write {path.name} to.")
    for module in ("jinja2", "matplotlib"):
        require(module, "Reports need", "report")


def write_report(
    forecaster: MetaForecaster,
    path: str | Path,
    *,
    series: SeriesCollection | None = None,
    title: str = "Report",
    command: str | None = None,
    baselines: Baselines = ("seasonal_naive",),
    on_stage: Callable[[Stage], None] | None = None,
) -> None:
    """Write one self-contained HTML file about a fitted forecaster.

    Args:
        forecaster: what it is about.
        path: where to; the file appears whole or not at all.
        series: to judge it by, with their truth; None: what the forecaster alone knows.
        title: of the page.
        command: that makes the report, shown so that it can be repeated.
        baselines: what is set beside it on the series, see :func:`tsmaml.evaluation.evaluate`.
        on_stage: told of every piece of work on the series.

    Raises:
        UsageError, MissingDependencyError: see :func:`check_report`.
    """
    check_report(path)
    from tsmaml.evaluation.request import plugins_of
    from tsmaml.report.of_model import about_model, headline, how_to_repeat
    from tsmaml.report.of_series import about_series

    sections = [] if series is None else about_series(forecaster, series, baselines, on_stage)
    plugins = {} if series is None else plugins_of(baselines)
    sections += [*about_model(forecaster), how_to_repeat(forecaster, command, plugins)]
    text = _page(title, headline(forecaster.report_), sections)
    target = Path(path)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        part = Path(folder) / target.name
        part.write_text(text, encoding="utf-8")
        part.replace(target)


def _page(title: str, headline: str, sections: list[Section]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from tsmaml.plots.themes import THEMES
    from tsmaml.report.svg import colours

    environment = Environment(
        loader=PackageLoader("tsmaml.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    values: dict[str, Any] = {
        "title": title,
        "headline": headline,
        "sections": sections,
        "themes": {name: colours(theme) for name, theme in THEMES.items()},
    }
    return environment.get_template("report.html.jinja").render(values)
