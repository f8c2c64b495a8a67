"""``tsmaml inspect``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from tsmaml.cli._common import console, reading_options, reading_text, sentences

if TYPE_CHECKING:
    from tsmaml.series.options import ReadOptions


@click.command(name="inspect")
@click.argument("series", type=click.Path())
@reading_options
@click.option("--horizon", "-h", "horizon", type=int, help="Points to forecast.")
@click.option("--input-size", type=int, help="Past points that the model sees.")
@click.option("--season", type=int, help="Points in a season; 1: none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@sentences
def command(
    series: str,
    reading: ReadOptions,
    horizon: int | None,
    input_size: int | None,
    season: int | None,
    as_json: bool,
) -> None:
    """Say what a collection holds and what fit would choose.

    SERIES is a Parquet, Arrow or CSV file, a folder of them, a quoted pattern or a URI: one row
    for each series and time, or one for each series with its values in a list.

    \b
    Examples:
      tsmaml inspect datasets/nyc_flights_daily.parquet
      tsmaml inspect sales.csv --id-col shop --time-col day --target-col sold
      tsmaml inspect series.parquet --json
    """
    from tsmaml.cli._summary import choices_summary, print_choices, print_summary, summary
    from tsmaml.series import read_series
    from tsmaml.series.defaults import choose

    collection = read_series(series, **reading)
    facts = summary(collection)
    chosen = choices_summary(collection, choose(collection, horizon, input_size, season))
    if as_json:
        click.echo(json.dumps({**facts, "fit": chosen}, indent=2))
        return
    out = console(stderr=False)
    print_summary(out, facts)
    out.print()
    out.print("fit would choose")
    print_choices(out, chosen)
    out.print()
    out.print(f"Next: tsmaml fit {series}{reading_text(reading)}", markup=False)
