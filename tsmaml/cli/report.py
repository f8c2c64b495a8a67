"""``tsmaml report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tsmaml.cli._common import console, reading_options, sentences, typed, with_columns_of

if TYPE_CHECKING:
    from tsmaml.series.options import ReadOptions


@click.command(name="report")
@click.argument("model", type=click.Path())
@click.option(
    "--out", "-o", type=click.Path(), help="HTML file; default: name of MODEL, ending .html."
)
@click.option(
    "--data", type=click.Path(), metavar="SERIES", help="Series to judge it by, and to draw."
)
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@sentences
def command(
    model: str, out: str | None, data: str | None, reading: ReadOptions, quiet: bool
) -> None:
    """Write all that is known of a model to one HTML file, to be read in a browser.

    MODEL is a file that `tsmaml fit` or `adapt` made. The page needs no network: figures are
    part of it. With --data it also says how the model does on these series, and how much
    history it needs: their last points are forecast as if they were not known.

    \b
    Examples:
      tsmaml report flights.tsmaml
      tsmaml report flights.tsmaml --data new_routes.parquet -o routes.html
    """
    from tsmaml import artifacts
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.forecaster.quiet import quiet_tensorflow
    from tsmaml.report import check_report, write_report
    from tsmaml.series import read_series

    path = Path(out) if out else Path(Path(model).stem + ".html")
    check_report(path)
    artifacts.check(model, "forecaster")
    series = None if data is None else read_series(data, **with_columns_of(model, reading))
    quiet_tensorflow()
    forecaster = MetaForecaster.load(model)
    made_by = typed(click.get_current_context(), ("quiet", "traceback"))
    write_report(forecaster, path, series=series, title=Path(model).name, command=made_by)
    if not quiet:
        console().print(f"Wrote {path} ({path.stat().st_size / 1e3:.0f} kB)", markup=False)
