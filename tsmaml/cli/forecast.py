"""``tsmaml forecast``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tsmaml.cli._common import (
    adapt_to_option,
    console,
    reading_options,
    sentences,
    with_columns_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from tsmaml.forecaster import MetaForecaster
    from tsmaml.series import SeriesCollection
    from tsmaml.series.options import ReadOptions

# Level of the intervals in a picture, in percent, where none is asked for.
_OF_PICTURES = 80.0


def numbers(ctx: click.Context, param: click.Parameter, text: str | None) -> list[float] | None:
    """A comma list of numbers."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no list of numbers such as 80,95.", ctx, param
        ) from None


@click.command(name="forecast")
@click.argument("series", type=click.Path(), required=False)
@click.option(
    "--model", "-m", required=True, type=click.Path(), help="File that fit or adapt made."
)
@click.option("--out", "-o", help="File, by its ending .parquet, .csv or .json; default: stdout.")
@click.option("--level", callback=numbers, help="Central intervals in percent: 80 or 80,95.")
@click.option("--quantiles", callback=numbers, help="The same as quantiles: 0.1,0.9.")
@click.option(
    "--horizon",
    "-h",
    "horizon",
    type=int,
    help="Points to forecast; beyond the trained horizon forecasts are fed back.",
)
@click.option("--plot", type=click.Path(), help="Draw some to this file; -: in the terminal.")
@reading_options
@adapt_to_option
@click.option("--zero-step", is_flag=True, help="Forecast without adaptation, to compare.")
@click.option("--explain", is_flag=True, help="Say what adaptation did for each series (stderr).")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors and data.")
@sentences
def command(
    series: str | None,
    model: str,
    out: str | None,
    level: list[float] | None,
    quantiles: list[float] | None,
    horizon: int | None,
    plot: str | None,
    reading: ReadOptions,
    adapt_to: str | None,
    zero_step: bool,
    explain: bool,
    quiet: bool,
) -> None:
    """Adapt to new series, all at once, and forecast them.

    SERIES is a file, folder, pattern or URI; it may be left out for a model that
    `tsmaml adapt` made, which holds the last points of its series. Where adaptation did worse
    than the zero-step forecast on points held back from it, the latter is used.

    \b
    Examples:
      tsmaml forecast new.parquet --model flights.tsmaml --level 80 -o forecast.parquet
      tsmaml forecast new.csv --model flights.tsmaml --explain > forecast.csv
      tsmaml forecast --model routes.tsmaml --plot -
      tsmaml forecast shops.parquet --model other_shops.tsmaml --adapt-to collection
      tsmaml forecast sales.parquet --model sales.tsmaml --future prices.parquet
    """
    from tsmaml import artifacts
    from tsmaml.cli._output import check_output, write
    from tsmaml.cli._plot import TERMINAL, check_plot
    from tsmaml.errors import UsageError
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.forecaster.quiet import quiet_tensorflow
    from tsmaml.intervals import levels_of
    from tsmaml.series import read_series

    check_output(out)
    if plot is not None:
        check_plot(plot)
        if (plot, out) == (TERMINAL, TERMINAL):
            raise UsageError("--plot - and --out - both write to stdout.", hint="Name a file.")
    levels = levels_of(level, quantiles)
    collection = None
    if series is not None:
        collection = read_series(series, **with_columns_of(model, series, reading))
    artifacts.check(model, "forecaster")
    quiet_tensorflow()
    forecaster = MetaForecaster.load(model)
    # A picture has an interval, if there is one, that a file has not if none was asked for.
    is_for_picture = plot is not None and not levels and forecaster.report_ is not None
    # An adapted model holds its series; what is known of their future is not among them.
    ahead = reading["futr_df"] if collection is None else None
    forecasts = forecaster.predict(
        collection,
        h=horizon,
        level=[_OF_PICTURES] if is_for_picture else levels,
        adapt_to=adapt_to,
        zero_step=zero_step,
        futr_df=ahead,
    )
    explained = forecaster.explain_
    if out is not None or plot != TERMINAL:
        write(forecasts.iloc[:, :3] if is_for_picture else forecasts, out)
    if plot is not None:
        with_zero_step = not zero_step and (horizon or 0) <= forecaster.choices_.h
        _draw(forecaster, collection, forecasts, ahead, with_zero_step, plot)
    if quiet:
        return
    err = console()
    adapted = int((explained["used"] == "adapted").sum())
    whole = int(explained["level"].isin(["collection", "both"]).sum())
    err.print(
        f"Forecast {len(explained)} series: {adapted} adapted"
        + (f" ({whole} of them to the collection as a whole)" if whole else "")
        + f", {len(explained) - adapted} zero-step"
        + "".join(f"; wrote {path}" for path in (out, plot) if path not in (None, "-")),
        markup=False,
    )
    if explain:
        _print_explanation(err, explained)


def _draw(
    forecaster: MetaForecaster,
    collection: SeriesCollection | None,
    forecasts: pd.DataFrame,
    ahead: Any,
    with_zero_step: bool,
    path: str,
) -> None:
    """Fan charts of some of the series."""
    import warnings

    from tsmaml.cli._plot import most_of
    from tsmaml.cli._plot import plot as draw

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they were told when the forecasts were made
        if with_zero_step:
            h = len(forecasts) // len(forecaster.explain_)
            zero_step = forecaster.predict(collection, h=h, zero_step=True, futr_df=ahead)
            forecasts = forecasts.assign(**{"zero-step": zero_step.iloc[:, 2]})
        draw(forecaster.fans(collection, forecasts, most=most_of(path)), path)


def _print_explanation(err: Any, explained: pd.DataFrame) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in explained.columns:
        table.add_column(str(name), justify="left" if name in explained.columns[:3] else "right")
    for row in explained.itertuples(index=False):
        table.add_row(*(f"{part:.3f}" if isinstance(part, float) else str(part) for part in row))
    if not err.is_terminal:
        err.width = 200  # in a file no column is cut off
    err.print(table)
