"""``tsmaml tune``."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tsmaml.cli.options import (
    INTERRUPTED,
    check_writable,
    config_of_fit_option,
    console,
    fit_options,
    fit_toml,
    forecaster_arguments,
    sentences,
    shown,
)

if TYPE_CHECKING:
    import pandas as pd

    from tsmaml_tune.search import Result, Search

_SHOWN = 5
# Columns of the trials that are no values.
_ABOUT = ("trial", "state", "score", "step", "seconds", "reason")


@click.command(name="tune")
@click.argument("series", type=click.Path())
@click.option(
    "--search",
    "texts",
    multiple=True,
    metavar="NAME=VALUES",
    help="What to search: model.width=16:256:log, algorithm.steps=1,3,5, model=nbeats,mlp, "
    "learning_rate=1e-4:1e-2:log; may be repeated. Default: learning rate, and the numbers of "
    "model and algorithm around what they are.",
)
@click.option(
    "--trials",
    type=int,
    default=20,
    show_default=True,
    help="Trials in all, with those that the study holds.",
)
@click.option("--timeout", type=float, metavar="MINUTES", help="Begin no trial after so many.")
@click.option(
    "--study",
    type=click.Path(),
    help="File of the trials; default: name of SERIES, ending .tune.db.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(),
    help="Options for tsmaml fit --config; default: name of SERIES, ending .best.toml.",
)
@click.option("--fit-steps", type=int, help="Outer steps of a trial, if others than of the fit.")
@config_of_fit_option
@fit_options
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON on stdout.")
@sentences
def command(
    series: str,
    texts: tuple[str, ...],
    trials: int,
    timeout: float | None,
    study: str | None,
    out: str | None,
    fit_steps: int | None,
    reading: dict[str, Any],
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Search for good settings of a fit, with Optuna.

    Each trial meta-trains, and is scored by the MASE of its forecasts of the meta-validation series, which
    it did not learn from; the series that fit reports on, and any file of new series, stay unseen. Trial 0
    are the settings as given. Ctrl-C keeps the trials that are done, and the same command goes on.

    \b
    Examples:
      tsmaml tune series.parquet --trials 30
      tsmaml tune series.parquet --search model=nbeats,mlp --search model.width=64,128,256
      tsmaml tune series.parquet --search learning_rate=1e-4:1e-2:log --fit-steps 300
      tsmaml tune --config fit.toml series.parquet --timeout 60 --out best.toml
      tsmaml fit --config best.toml
    """
    from tsmaml_tune.dimensions import parsed
    from tsmaml_tune.search import tune

    name = Path(series).name.split(".")[0]
    path, kept = Path(out or f"{name}.best.toml"), study or f"{name}.tune.db"
    check_writable(path, "best.toml")
    space, arguments = parsed(texts), forecaster_arguments(reading, options)
    told = _Told(console(), trials, quiet)
    result = tune(
        series,
        space,
        trials=trials,
        minutes=timeout,
        study=kept,
        fit_steps=fit_steps,
        reading=reading,
        watch=told.watch,
        on_begin=told.begin,
        on_trial=told.trial,
        **arguments,
    )
    head = (
        f"# Of {len(result.trials)} trials of tsmaml tune ({kept}) the best: {_compared(result)}.\n"
    )
    _write(path, head + fit_toml(series, reading, result.best) + "\n")
    if as_json:
        click.echo(json.dumps(_as_json(result, path, kept), indent=2))
    elif not quiet:
        told.result(result)
        told.say(f"{path}: the best settings. Next: tsmaml fit --config {path}")
    if result.interrupted:
        told.console.print(
            f"Stopped after {len(result.trials)} of {trials} trials, which {kept} keeps. To go on, "
            "repeat the command.",
            markup=False,
        )
        sys.exit(INTERRUPTED)


class _Told:
    """What the terminal is told of a search."""

    def __init__(self, err: Any, trials: int, quiet: bool) -> None:
        self.console, self.trials, self.quiet = err, trials, quiet
        self.best: float | None = None

    def say(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False, soft_wrap=True)

    def begin(self, search: Search) -> None:
        from tsmaml.forecaster.quiet import quiet_tensorflow
        from tsmaml_tune.study import finished

        done = finished(search.study)
        self.best = min((one.value for one in done if one.value is not None), default=None)
        for name, one in search.space.dimensions.items():
            self.say(f"{name} = {one}")
        if not search.space.comparable:
            self.say("No trial is stopped early: their losses can't be compared with one another.")
        if done:
            self.say(f"The study holds {len(done)} trials; going on.")
        quiet_tensorflow()

    def watch(self, number: int, steps: int) -> Any:
        return shown(steps, self.quiet, f"Trial {number} of {self.trials}")

    def trial(self, row: dict[str, Any]) -> None:
        score = row["score"]
        if score is None:
            outcome = f"{row['state']} at step {row['step']}: {row['reason']}"
        else:
            self.best = score if self.best is None else min(self.best, score)
            outcome = f"MASE {score:.4f} (best {self.best:.4f})"
        values = " ".join(f"{name}={_short(value)}" for name, value in row["values"].items())
        self.say(f"Trial {row['trial']}: {outcome}  {values}")

    def result(self, result: Result) -> None:
        from rich.table import Table

        self.say(_compared(result))
        searched = [one for one in result.trials.columns if one not in _ABOUT]
        table = Table("trial", "state", "MASE", "values")
        for _, row in _best_and_default(result.trials).iterrows():
            values = [f"{one}={_short(row[one])}" for one in searched if _short(row[one])]
            table.add_row(*(_short(row[one]) for one in _ABOUT[:3]), "  ".join(values))
        self.console.print(table)
        failed = result.trials["state"].value_counts()
        others = [f"{failed[state]} {state}" for state in ("pruned", "failed") if state in failed]
        if others:
            self.say(f"Of {len(result.trials)} trials {' and '.join(others)}.")
        if result.importance:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in result.importance.items())
            self.say(f"What mattered (PED-ANOVA): {shares}")


def _best_and_default(trials: pd.DataFrame) -> pd.DataFrame:
    """The best rows, and trial 0 wherever it stands."""
    return trials[(trials.reset_index().index < _SHOWN) | (trials["trial"] == 0)]


def _compared(result: Result) -> str:
    """The best beside the settings as given, in words."""
    series = f"MASE {result.score:.4f} on {result.n_series} meta-validation series"
    if result.default_score is None:
        return f"{series}; the settings as given failed"
    gain = 1 - result.score / result.default_score
    return f"{series}, {result.default_score:.4f} with the settings as given ({gain:.1%} lower)"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value)


def _write(path: Path, text: str) -> None:
    """A file that appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        part = Path(folder) / path.name
        part.write_text(text, encoding="utf-8")
        part.replace(path)


def _as_json(result: Result, path: Path, study: str) -> dict[str, Any]:
    return {
        "config": str(path),
        "study": study,
        "score": result.score,
        "default_score": result.default_score,
        "best": result.best,
        "importance": result.importance,
        "trials": json.loads(result.trials.to_json(orient="records")),
    }
