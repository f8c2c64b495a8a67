"""``tsmaml adapt``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tsmaml.cli._common import (
    adapt_to_option,
    console,
    reading_options,
    sentences,
    with_columns_of,
)

if TYPE_CHECKING:
    from tsmaml.series.options import ReadOptions


@click.command(name="adapt")
@click.argument("series", type=click.Path())
@click.option("--model", "-m", required=True, type=click.Path(), help="File that fit made.")
@click.option("--out", "-o", required=True, type=click.Path(), help="File for the adapted model.")
@adapt_to_option
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@sentences
def command(
    series: str,
    model: str,
    out: str,
    adapt_to: str | None,
    reading: ReadOptions,
    quiet: bool,
) -> None:
    """Adapt to new series and keep the result: one model file with the parameters of each.

    `tsmaml forecast --model OUT` then forecasts these series without SERIES, and with later
    points of them uses the parameters of now.

    \b
    Examples:
      tsmaml adapt new_routes.parquet --model flights.tsmaml --out routes.tsmaml
      tsmaml forecast --model routes.tsmaml --level 80
    """
    from tsmaml import artifacts
    from tsmaml.cli.options import check_writable
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.forecaster.quiet import quiet_tensorflow
    from tsmaml.series import read_series

    check_writable(Path(out))
    collection = read_series(series, **with_columns_of(model, series, reading))
    artifacts.check(model, "forecaster")
    quiet_tensorflow()
    adapted = MetaForecaster.load(model).adapt(collection, adapt_to=adapt_to)
    adapted.save(out)
    if not quiet:
        err = console()
        size = Path(out).stat().st_size / 1e6
        err.print(f"Adapted to {len(collection)} series; wrote {out} ({size:.1f} MB)", markup=False)
        err.print(f"Next: tsmaml forecast --model {out} -o forecast.parquet", markup=False)
