"""``tsmaml report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tsmaml.cli._common import console, reading_options, sentences, typed, with_columns_of
from tsmaml.cli._progress import stages
from tsmaml.cli.evaluate import names

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
@click.option(
    "--baselines",
    callback=names,
    help="Comma list of what is set beside it on SERIES; default: seasonal_naive.",
)
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@sentences
def command(
    model: str,
    out: str | None,
    data: str | None,
    baselines: list[str] | None,
    reading: ReadOptions,
    quiet: bool,
) -> None:
    """Write all that is known of a model to one HTML file, to be read in a browser.

    MODEL is a file that `tsmaml fit` or `adapt` made. The page needs no network: figures are
    part of it. With --data it also says how the model does on these series beside baselines,
    and how much history it needs: their last points are forecast as if they were not known.

    \b
    Examples:
      tsmaml report flights.tsmaml
      tsmaml report flights.tsmaml --data new_routes.parquet -o routes.html
      tsmaml report flights.tsmaml --data new_routes.parquet --baselines seasonal_naive,mean
    """
    from tsmaml import artifacts
    from tsmaml.errors import UsageError
    from tsmaml.evaluation.request import resolved
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.forecaster.quiet import quiet_tensorflow
    from tsmaml.report import check_report, write_report
    from tsmaml.series import read_series

    path = Path(out) if out else Path(Path(model).stem + ".html")
    check_report(path)
    if baselines is not None and data is None:
        raise UsageError("Baselines need series to forecast.", hint="Name some: --data SERIES.")
    beside = ["seasonal_naive"] if baselines is None else baselines
    resolved(beside)
    artifacts.check(model, "forecaster")
    series = None if data is None else read_series(data, **with_columns_of(model, data, reading))
    quiet_tensorflow()
    forecaster = MetaForecaster.load(model)
    made_by = typed(click.get_current_context(), ("quiet", "traceback"))
    with stages(quiet or series is None, "Judging") as on_stage:
        write_report(
            forecaster,
            path,
            series=series,
            title=Path(model).name,
            command=made_by,
            baselines=beside,
            on_stage=on_stage,
        )
    if not quiet:
        console().print(f"Wrote {path} ({path.stat().st_size / 1e3:.0f} kB)", markup=False)
