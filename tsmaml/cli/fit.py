"""``tsmaml fit``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tsmaml.cli._common import parse_callbacks, reading_text, typed
from tsmaml.cli._config import config_option, written
from tsmaml.cli.options import (
    INTERRUPTED,
    NOT_IN_FILES,
    PARTS,
    check_writable,
    console,
    fit_options,
    sentences,
    shown,
)

if TYPE_CHECKING:
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.series.options import ReadOptions

# Options that leave the model as it is.
_WITHOUT_INFLUENCE = (
    *("out", "callbacks", "checkpoint_steps", "checkpoint_minutes", "resume"),
    *("quiet", "as_json", "traceback", "config", "write_config"),
)


@click.command(name="fit")
@click.argument("series", type=click.Path(), required=False)
@click.option(
    "--out", "-o", type=click.Path(), help="Model file; default: name of SERIES, ending .tsmaml."
)
@fit_options
@click.option(
    "--callback",
    "callbacks",
    multiple=True,
    metavar="NAME[:KEY=VALUE,...]",
    callback=parse_callbacks,
    help="Told how meta-training goes, such as jsonlines:path=log.jsonl; may be repeated.",
)
@click.option("--checkpoint-steps", type=int, help="Also keep a checkpoint every so many steps.")
@click.option(
    "--checkpoint-minutes", type=float, default=1.0, show_default=True, help="Between checkpoints."
)
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped.")
@config_option
@click.option("--write-config", is_flag=True, help="Print these options as TOML, and do no more.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON on stdout.")
@sentences
def command(
    series: str | None,
    out: str | None,
    reading: ReadOptions,
    horizon: int | None,
    input_size: int | None,
    season: int | None,
    callbacks: list[tuple[str, dict[str, Any]]],
    checkpoint_steps: int | None,
    checkpoint_minutes: float,
    resume: bool,
    write_config: bool,
    quiet: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Meta-train on a collection of series; writes one model file.

    SERIES is a file, folder, pattern or URI, see `tsmaml inspect --help`. At the end a table
    shows, on series that nothing was learned from, how the forecasts compare with the seasonal
    naive. Ctrl-C keeps the best state so far; --resume goes on from where it stopped.

    \b
    Examples:
      tsmaml fit datasets/nyc_flights_daily.parquet
      tsmaml fit sales.csv --id-col shop --time-col day --target-col sold --horizon 28
      tsmaml fit series.parquet --model mlp --model-opt width=64 --algorithm anil -o small.tsmaml
      tsmaml fit series.parquet --callback jsonlines:path=log.jsonl --checkpoint-steps 100
      tsmaml fit shops.parquet --group-col region
      tsmaml fit series.parquet --resume
      tsmaml fit --help-model nbeats
      tsmaml fit series.parquet --model mlp --write-config > fit.toml
      tsmaml fit --config fit.toml --steps 500
    """
    ctx = click.get_current_context()
    if write_config:
        click.echo(written(ctx, PARTS, but=NOT_IN_FILES))
        return
    if series is None:
        raise click.MissingParameter(ctx=ctx, param_hint="'SERIES'", param_type="argument")
    from tsmaml.cli._summary import print_choices, print_summary
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.forecaster.quiet import quiet_tensorflow
    from tsmaml.plugins import registry
    from tsmaml.plugins.calls import call_part
    from tsmaml.series import read_series
    from tsmaml.series.defaults import choose
    from tsmaml.series.facts import choices_summary, summary

    path = Path(out) if out else Path(Path(series).name.split(".")[0] + ".tsmaml")
    checkpoint = path.with_name(path.name + ".checkpoint")
    collection = read_series(series, **reading)
    chosen = choose(collection, horizon, input_size, season)
    given = {name: value for name, value in settings.items() if value is not None}
    forecaster = MetaForecaster(
        chosen.h,
        input_size=chosen.input_size,
        season_length=chosen.season_length,
        freq=reading["freq"],
        **given,
    )
    # A wrong name or option is told before anything is shown.
    forecaster.settings.check_parts()
    told = [(registry().get("callback", name), options) for name, options in callbacks]
    check_writable(path)
    err = console()
    if not quiet:
        print_summary(err, summary(collection))
        print_choices(err, choices_summary(collection, chosen))
    quiet_tensorflow()
    others = [call_part(part, options=options) for part, options in told]
    with shown(forecaster.settings.steps, quiet) as callback:
        forecaster.fit(
            collection,
            callbacks=[callback, *others],
            checkpoint=checkpoint,
            checkpoint_steps=checkpoint_steps,
            checkpoint_minutes=checkpoint_minutes,
            resume=resume,
        )
    made_by = typed(ctx, _WITHOUT_INFLUENCE)
    forecaster.save(path, command=made_by)
    history = forecaster.history_
    interrupted = history.stopped_by == "interrupt"
    if not interrupted:
        checkpoint.unlink(missing_ok=True)
    if as_json:
        click.echo(json.dumps(_as_json(forecaster, path), indent=2))
    elif not quiet:
        _print_report(err, forecaster)
        _print_next(err, forecaster, series + reading_text(reading), path)
    if interrupted:
        err.print(
            f"Stopped after step {history.step} of {forecaster.settings.steps}; {path} holds the "
            f"best state so far (step {history.best_step}). To go on, repeat the command with "
            "--resume.",
            markup=False,
        )
        sys.exit(INTERRUPTED)


def _print_report(err: Any, forecaster: MetaForecaster) -> None:
    from rich.table import Table

    report = forecaster.report_
    if report is None:
        err.print("Too few series to hold some out: there is no report and there are no intervals.")
        return
    trained, validated, _ = forecaster.split_
    err.print(
        f"{report.n_series} held-out series, {forecaster.choices_.h} points from "
        f"{report.n_origins} origins (trained on {trained}, validated on {validated} others)",
        soft_wrap=True,
    )
    table = Table()
    table.add_column("")
    for name in ("MASE", "sMAPE"):
        table.add_column(name, justify="right")
    for name in report.mean["mase"]:
        table.add_row(name, f"{report.mean['mase'][name]:.3f}", f"{report.mean['smape'][name]:.2f}")
    err.print(table)
    if report.n_constant:
        err.print(f"{report.n_constant} series whose season never changes have no MASE.")


def _print_next(err: Any, forecaster: MetaForecaster, series: str, path: Path) -> None:
    history = forecaster.history_
    err.print(
        f"{path}: step {history.best_step} of {history.step}, {path.stat().st_size / 1e6:.1f} MB",
        markup=False,
    )
    level = " --level 80" if forecaster.report_ is not None else ""
    err.print(
        f"Next: tsmaml forecast {series} --model {path}{level} -o forecast.parquet",
        markup=False,
        soft_wrap=True,
    )


def _as_json(forecaster: MetaForecaster, path: Path) -> dict[str, Any]:
    history, report = forecaster.history_, forecaster.report_
    trained, validated, reported = forecaster.split_
    return {
        "model": str(path),
        "horizon": forecaster.choices_.h,
        "input_size": forecaster.choices_.input_size,
        "season": forecaster.choices_.season_length,
        "series": {"trained": trained, "validated": validated, "reported": reported},
        "steps": history.step,
        "best_step": history.best_step,
        "stopped_by": history.stopped_by,
        "scores": None if report is None else report.mean,
    }
