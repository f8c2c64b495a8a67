"""``tsmaml inspect``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from tsmaml.cli._common import console, reading_options, reading_text, sentences

if TYPE_CHECKING:
    from tsmaml.series.examine import Problem
    from tsmaml.series.options import ReadOptions


@click.command(name="inspect")
@click.argument("series", type=click.Path())
@reading_options
@click.option("--horizon", "-h", "horizon", type=int, help="Points to forecast.")
@click.option("--input-size", type=int, help="Past points that the model sees.")
@click.option("--season", type=int, help="Points in a season; 1: none.")
@click.option("--plot", type=click.Path(), help="Draw a sample to this file; -: in the terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@sentences
def command(
    series: str,
    reading: ReadOptions,
    horizon: int | None,
    input_size: int | None,
    season: int | None,
    plot: str | None,
    as_json: bool,
) -> None:
    """Say what a collection holds, all that is wrong with it, and what fit would choose.

    SERIES is a Parquet, Arrow or CSV file, a folder of them, a quoted pattern or a URI: one row
    for each series and time, or one for each series with its values in a list. Where something
    has to be mended first, the exit code is 5.

    \b
    Examples:
      tsmaml inspect datasets/nyc_flights_daily.parquet
      tsmaml inspect sales.csv --id-col shop --time-col day --target-col sold
      tsmaml inspect series.parquet --json
      tsmaml inspect series.parquet --plot series.png
    """
    from tsmaml.cli._plot import TERMINAL, check_plot, most_of
    from tsmaml.cli._plot import plot as draw
    from tsmaml.errors import UsageError
    from tsmaml.series.examine import examine
    from tsmaml.series.facts import choices_summary, summary

    if plot is not None:
        check_plot(plot)
        if plot == TERMINAL and as_json:
            raise UsageError("--plot - and --json both write to stdout.", hint="Name a file.")
    found = examine(series, h=horizon, input_size=input_size, season_length=season, **reading)
    facts: dict[str, Any] = {}
    chosen = None
    if found.collection is not None:
        facts = summary(found.collection)
        facts["columns"]["unused"] = list(found.unused)
        if found.choices is not None:
            chosen = choices_summary(found.collection, found.choices)
        if plot is not None:
            from tsmaml.plots import evenly, fans_of_series

            draw(fans_of_series(evenly(found.collection, most_of(plot))), plot)
    if as_json:
        problems = [vars(problem) for problem in found.problems]
        click.echo(json.dumps({**facts, "problems": problems, "fit": chosen}, indent=2))
    else:
        _print(facts, chosen, found.problems, f"{series}{reading_text(reading)}")
        if plot not in (None, TERMINAL) and found.collection is not None:
            console().print(f"Wrote {plot}", markup=False)
    if any(problem.severity == "error" for problem in found.problems):
        sys.exit(5)


def _print(
    facts: dict[str, Any],
    chosen: dict[str, Any] | None,
    problems: Sequence[Problem],
    command_line: str,
) -> None:
    from tsmaml.cli._summary import print_choices, print_summary

    out = console(stderr=False)
    if facts:
        print_summary(out, facts)
        out.print()
    for problem in problems:
        click.echo(f"{problem.severity.capitalize()}: {problem.message}\n  Hint: {problem.hint}")
    if problems:
        out.print()
    if chosen is None:
        return
    out.print("fit would choose")
    print_choices(out, chosen)
    if not any(problem.severity == "error" for problem in problems):
        out.print()
        out.print(f"Next: tsmaml fit {command_line}", markup=False)
