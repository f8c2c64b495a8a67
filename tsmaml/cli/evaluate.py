"""``tsmaml evaluate``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import click

from tsmaml.cli._common import (
    console,
    parse_options,
    reading_options,
    sentences,
    with_columns_of,
)
from tsmaml.cli._progress import stages
from tsmaml.cli.forecast import numbers

if TYPE_CHECKING:
    from tsmaml.evaluation import Evaluation
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.series.options import ReadOptions


def names(ctx: click.Context, param: click.Parameter, text: str | None) -> list[str] | None:
    """A comma list of names."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def points(ctx: click.Context, param: click.Parameter, text: str | None) -> list[int] | None:
    """A comma list of whole numbers."""
    try:
        return None if text is None else [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no list of whole numbers such as 1,12,24.", ctx, param
        ) from None


@click.command(name="evaluate")
@click.argument("series", type=click.Path())
@click.option(
    "--model", "-m", type=click.Path(), help="File that fit made; default: meta-train here."
)
@click.option(
    "--protocol",
    default="time",
    show_default=True,
    metavar="NAME",
    help="time: the last windows of each series; series: series that were not trained on; "
    "cold-start: the same, with short histories.",
)
@click.option("--horizon", "-h", "horizon", type=int, help="Points to forecast.")
@click.option("--windows", default=1, show_default=True, help="Cutoffs of each series.")
@click.option("--step", type=int, help="Points between two cutoffs; default: the horizon.")
@click.option("--refit", is_flag=True, help="Meta-train anew before each cutoff.")
@click.option("--folds", default=5, show_default=True, help="Parts of the series, each held out.")
@click.option("--lengths", callback=points, help="Histories of a cold start: 1,12,24.")
@click.option(
    "--baselines",
    default="seasonal_naive",
    show_default=True,
    callback=names,
    help="Comma list; `tsmaml plugins` shows what there is. Empty: none.",
)
@click.option("--level", callback=numbers, help="Central intervals in percent: 80 or 80,95.")
@click.option("--metrics", callback=names, help="Comma list: mae,rmse,smape,mase,mape,...")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    callback=parse_options,
    help="Setting of MetaForecaster, where it is trained here: --set steps=500.",
)
@click.option("--no-curves", is_flag=True, help="Draw no few-shot curves; quicker.")
@click.option("--seed", default=0, show_default=True, help="Decides folds and draws.")
@reading_options
@click.option("--out", "-o", help="File for the forecasts: .parquet, .csv or .json.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors and data.")
@sentences
def command(
    series: str,
    model: str | None,
    protocol: str,
    horizon: int | None,
    windows: int,
    step: int | None,
    refit: bool,
    folds: int,
    lengths: list[int] | None,
    baselines: list[str],
    level: list[float] | None,
    metrics: list[str] | None,
    settings: dict[str, Any],
    no_curves: bool,
    seed: int,
    reading: ReadOptions,
    out: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Forecast what is known already, and compare with baselines.

    SERIES is a file, folder, pattern or URI. A table shows each metric with its 95 % bootstrap
    interval over series, then the differences to the baselines with a paired test, then how the
    error falls with history and with inner steps. Without --model a forecaster is meta-trained on
    what precedes the cutoffs. Ctrl-C stops without a result.

    \b
    Examples:
      tsmaml evaluate new.parquet --model flights.tsmaml --level 80
      tsmaml evaluate series.parquet --windows 3 --step 7 --refit --set steps=500
      tsmaml evaluate series.parquet --protocol series --folds 4 --baselines seasonal_naive,mean
      tsmaml evaluate new.parquet -m flights.tsmaml --protocol cold-start --lengths 1,7,28
      tsmaml evaluate new.parquet -m flights.tsmaml --json -o forecasts.parquet > scores.json
    """
    from tsmaml.cli._output import check_output, write
    from tsmaml.evaluation import evaluate
    from tsmaml.evaluation.request import Request, resolved
    from tsmaml.forecaster.quiet import quiet_tensorflow
    from tsmaml.series import read_series

    if out == "-":
        from tsmaml.errors import UsageError

        raise UsageError("Name a file to write forecasts to: --out forecasts.parquet")
    check_output(out)
    asked: dict[str, Any] = {
        "h": horizon,
        "n_windows": windows,
        "step_size": step,
        "refit": refit,
        "folds": folds,
        "curves": not no_curves,
        "seed": seed,
    }
    Request.checked(protocol, level, metrics, lengths, n_bootstrap=1000, **asked)
    resolved(baselines)
    load = _forecaster_of(model, horizon, seed, settings)
    collection = read_series(
        series, **(reading if model is None else with_columns_of(model, series, reading))
    )
    quiet_tensorflow()
    with stages(quiet, "Evaluating") as on_stage:
        evaluation = evaluate(
            load(),
            collection,
            protocol,
            lengths=lengths,
            baselines=baselines,
            level=level,
            metrics=metrics,
            on_stage=on_stage,
            **asked,
        )
    if out is not None:
        write(evaluation.forecasts, out)
    if as_json:
        click.echo(evaluation.to_json())
    elif not quiet:
        _print(evaluation)


def _forecaster_of(
    model: str | None, horizon: int | None, seed: int, settings: dict[str, Any]
) -> Callable[[], MetaForecaster]:
    """What gives the forecaster; all that can be wrong with it is told now, without TensorFlow."""
    import inspect

    from tsmaml import artifacts
    from tsmaml.errors import UnknownNameError, UsageError
    from tsmaml.forecaster import MetaForecaster

    if model is not None:
        if settings:
            raise UsageError("--set is for meta-training here; a model has its settings already.")
        artifacts.check(model, "forecaster")
        return lambda: MetaForecaster.load(model)
    known = set(inspect.signature(MetaForecaster).parameters)
    for name in settings:
        if name not in known:
            raise UnknownNameError("setting", name, known)
    forecaster = MetaForecaster(**{"h": horizon, "seed": seed, **settings})
    forecaster.settings.check_parts()
    return lambda: forecaster


def _print(evaluation: Evaluation) -> None:
    """Tables on stdout: Rich ones on a terminal, else plain ones."""
    from tsmaml.evaluation.pages import comparison_rows, curve_rows, headline, table

    out = console(stderr=False)
    if not out.is_terminal:
        out.width = 10_000  # a file has no right edge
    out.print(headline(evaluation), markup=False)
    heads, rows = table(evaluation)
    _print_table(out, heads, rows, heads.index("") + 1)
    heads, rows = comparison_rows(evaluation)
    if rows:
        out.print("Difference to a baseline, below 0 is better (95 % interval, paired test):")
        _print_table(out, heads, rows, heads.index("metric") + 1)
    for title, heads, rows in curve_rows(evaluation):
        out.print(title, markup=False)
        _print_table(out, heads, rows)


def _print_table(out: Any, heads: list[str], rows: list[list[str]], n_keys: int = 1) -> None:
    """A table; where it is too wide, several below each other, each with the first ``n_keys`` columns."""
    from rich import box
    from rich.table import Table

    widths = [max(map(len, column)) + 3 for column in zip(heads, *rows, strict=True)]
    for part in _parts(widths, n_keys, out.width - 1):
        table = Table(box=box.ROUNDED if out.is_terminal else None, pad_edge=False)
        for place in part:
            side: Literal["left", "right"] = "left" if place < n_keys else "right"
            table.add_column(heads[place], justify=side, no_wrap=True)
        for row in rows:
            table.add_row(*(row[place] for place in part))
        out.print(table, markup=False)


def _parts(widths: list[int], n_keys: int, room: int) -> Iterator[list[int]]:
    """Columns of tables that fit into so many characters, one column after the keys at least."""
    keys = list(range(n_keys))
    part = list(keys)
    for place in range(n_keys, len(widths)):
        if len(part) > n_keys and sum(widths[one] for one in [*part, place]) > room:
            yield part
            part = list(keys)
        part.append(place)
    yield part
