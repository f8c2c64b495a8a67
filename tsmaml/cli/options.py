"""What a command of a plugin can take from tsmaml's own: options of a fit, errors in words, progress."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from tsmaml.cli._common import INTERRUPTED, console, parse_options, reading_options, sentences
from tsmaml.cli._config import config_option_of, options_in, written
from tsmaml.cli._parts import help_option
from tsmaml.cli._progress import shown
from tsmaml.errors import UsageError

__all__ = [
    "INTERRUPTED",
    "PARTS",
    "check_writable",
    "config_of_fit_option",
    "console",
    "fit_options",
    "fit_toml",
    "forecaster_arguments",
    "reading_options",
    "sentences",
    "shown",
]

# Role: what it is called, and the default.
PARTS = {
    "model": ("Architecture", "nbeats"),
    "loss": ("Loss", "mae"),
    "tasks": ("Task builder", "per_series"),
    "algorithm": ("Meta-learning algorithm", "anil"),
}
# Parameters of `tsmaml fit` that have no place in a file of options.
NOT_IN_FILES = ("config", "write_config", "traceback", "resume")
# Options of `tsmaml fit` that MetaForecaster knows by other names.
_ARGUMENTS = {"horizon": "h", "season": "season_length"}


def _part_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--model NAME --model-opt key=value`` and the like for every part."""
    for role, (what, default) in reversed(PARTS.items()):
        command = help_option(role, what)(command)
        command = click.option(
            f"--{role}-opt",
            f"{role}_options",
            multiple=True,
            metavar="KEY=VALUE",
            callback=parse_options,
            help=f"Option of the {what.lower()}; may be repeated.",
        )(command)
        command = click.option(
            f"--{role}", default=default, show_default=True, metavar="NAME", help=f"{what}."
        )(command)
    return command


_OF_FIT = (
    reading_options,
    click.option("--horizon", "-h", "horizon", type=int, help="Points to forecast."),
    click.option("--input-size", type=int, help="Past points that the model sees."),
    click.option("--season", type=int, help="Points in a season; 1: none."),
    _part_options,
    click.option(
        "--group-col",
        metavar="NAME",
        help="Static column whose values form the tasks: series of one value are adapted to "
        "together. A column of SERIES, or of the file of --static.",
    ),
    click.option(
        "--size",
        metavar="NAME",
        help="tiny, default or large: how long to train, and how many nets, unless said otherwise.",
    ),
    click.option("--steps", type=int, help="Outer steps of meta-training; default: by --size."),
    click.option("--meta-batch", type=int, help="Tasks of an outer step."),
    click.option("--learning-rate", type=float, help="Peak of the outer learning rate."),
    click.option("--support", "n_support", type=int, help="Support windows of a task."),
    click.option("--query", "n_query", type=int, help="Query windows of a task."),
    click.option("--cold-share", type=float, help="Share of tasks whose history is cut short."),
    click.option("--mix-share", type=float, help="Share of tasks mixed with a second series."),
    click.option("--holdout", type=float, help="Share of the series held out."),
    click.option("--validate-every", type=int, help="Outer steps between two validations."),
    click.option(
        "--patience",
        type=int,
        help="Stop after so many validations without a better one; default: never.",
    ),
    click.option(
        "--scaling",
        metavar="NAME",
        help="standard, mean_absolute, last, robust, seasonal, or a plugin's.",
    ),
    click.option("--transform", metavar="NAME", help="Of the target: log1p, asinh or difference."),
    click.option("--non-negative", is_flag=True, default=None, help="Forecasts below 0 become 0."),
    click.option(
        "--calendar",
        callback=lambda ctx, param, text: tuple(text.split(",")) if text else None,
        help="Features of the calendar for the model: hour,weekday,month, ...",
    ),
    click.option(
        "--ensemble", type=int, help="So many nets side by side, whose median is the forecast."
    ),
    click.option(
        "--member-loss",
        "member_losses",
        multiple=True,
        callback=lambda ctx, param, names: names or None,
        metavar="NAME",
        help="Loss of some nets of the ensemble, which have --loss and these in turn; may be repeated.",
    ),
    click.option("--seed", type=int, help="Decides everything that is random."),
)


def fit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options of ``tsmaml fit`` that decide what the model is.

    Those of reading come as one dictionary ``reading``, the others as keyword arguments, which
    :func:`forecaster_arguments` turns into those of ``MetaForecaster``.
    """

    @functools.wraps(command)
    def grouped(*args: Any, group_col: str | None, **kwargs: Any) -> Any:
        return command(*args, **(kwargs if group_col is None else _grouped(group_col, kwargs)))

    found: Callable[..., Any] = grouped
    for option in reversed(_OF_FIT):
        found = option(found)
    return found


def _grouped(column: str, options: dict[str, Any]) -> dict[str, Any]:
    """Options of a fit whose tasks are the values of a static column."""
    if options["tasks"] != PARTS["tasks"][1]:
        raise click.UsageError("--group-col says which series form a task; so does --tasks.")
    reading = dict(options["reading"])
    if reading["static_df"] is None and column not in reading["static_cols"]:
        reading["static_cols"] = (*reading["static_cols"], column)
    named = {"tasks": "by_static", "tasks_options": {"column": column}, "reading": reading}
    return {**options, **named}


def forecaster_arguments(reading: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What the options of a fit are as arguments of ``MetaForecaster``; those not given are left out."""
    named = {_ARGUMENTS.get(name, name): value for name, value in options.items()}
    named["freq"] = reading["freq"]
    return {name: value for name, value in named.items() if value is not None}


def config_of_fit_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--config FILE``: a file for ``tsmaml fit``, of which a command takes :func:`fit_options`.

    What else the file says, such as where to write the model, is checked and has no effect.
    """

    def defaults(_: click.Command, path: str) -> dict[str, Any]:
        found, kept = options_in(_fit(), path), _names_of_fit()
        return {name: found[name] for name in found if name in kept}

    return config_option_of(defaults, "the options of a fit from its TOML file")(command)


def fit_toml(series: str | None, reading: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """A file of options for ``tsmaml fit --config``.

    Args:
        series: the file of series; None: it is to be given on the command line.
        reading: how it is read.
        arguments: of ``MetaForecaster``.

    Raises:
        UsageError: if there is something that can't be said in such a file.
    """
    command = _fit()
    values = {**reading, **arguments, "series": series}
    words: list[str] = []
    for param in command.params:
        name = _ARGUMENTS.get(str(param.name), str(param.name))
        if values.get(name) is not None:
            words += _typed(param, name, values[name])
    context = command.make_context("fit", words)
    return written(context, PARTS, but=NOT_IN_FILES)


def check_writable(path: Path, example: str = "model.tsmaml") -> None:
    """Find out before the long work whether its result can be kept."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file: --out {path / example}")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} to write {path.name} to.")


def _fit() -> click.Command:
    from tsmaml.cli.fit import command

    return command


def _names_of_fit() -> set[str]:
    """Parameters of :func:`fit_options`, and the series."""

    @click.command()
    @fit_options
    def bare(**_: Any) -> None: ...

    return {"series", *(str(param.name) for param in bare.params)}


def _typed(param: click.Parameter, name: str, value: Any) -> list[str]:
    """An option as it is typed."""
    if isinstance(param, click.Argument):
        return [str(value)]
    option = max(param.opts, key=len)
    if isinstance(param, click.Option) and param.is_flag:
        return [option] if value else []
    if name.endswith("_options"):
        texts = [f"{key}={_json(f'{name}: {key}', one)}" for key, one in value.items()]
    elif param.multiple:
        texts = list(value)
    else:
        texts = [",".join(value)] if isinstance(value, tuple | list) else [value]
        if not isinstance(texts[0], str | int | float):
            raise UsageError(
                f"{name} is {value!r}, which can't be written to a file of options.",
                hint="Register it as a part of a plugin, and give its name.",
            )
    return [f"{option}={text}" for text in texts if text != ""]


def _json(where: str, value: Any) -> str:
    try:
        return json.dumps(value)
    except TypeError:
        raise UsageError(
            f"{where} is {value!r}, which can't be written to a file of options."
        ) from None
