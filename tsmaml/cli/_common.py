"""What the commands share: options, consoles, and the boundary at which errors become sentences."""

from __future__ import annotations

import functools
import json
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tsmaml.errors import DataError, NotFoundError, TsmamlError, UsageError

if TYPE_CHECKING:
    from tsmaml.series.options import ReadOptions

# Options of reading and their defaults; tsmaml.series.options says what they mean.
_READING: dict[str, Any] = {
    "id_col": None,
    "time_col": None,
    "target_col": None,
    "freq": None,
    "wide": False,
    "gaps": "mask",
    "duplicates": "error",
    "storage": None,
    "hist_cols": (),
    "futr_cols": (),
    "static_cols": (),
    "static_df": None,
    "futr_df": None,
}
_TYPED = {
    "hist_cols": "hist_col",
    "futr_cols": "futr_col",
    "static_cols": "static_col",
    "static_df": "static",
    "futr_df": "future",
}
INTERRUPTED = 130


def console(*, stderr: bool = True) -> Any:
    """A Rich console; on stderr unless it is data that was asked for."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=not sys.stderr.isatty())


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of reading, handed to the command as one dictionary ``reading``."""

    @functools.wraps(command)
    def packed(*args: Any, **kwargs: Any) -> Any:
        reading = {name: kwargs.pop(name) for name in _READING}
        return command(*args, reading=reading, **kwargs)

    for option in (
        click.option(
            "--future",
            "futr_df",
            type=click.Path(),
            metavar="FILE",
            help="Future columns after the end of each series.",
        ),
        click.option(
            "--static",
            "static_df",
            type=click.Path(),
            metavar="FILE",
            help="Static columns: one row for each series.",
        ),
        click.option(
            "--static-col",
            "static_cols",
            multiple=True,
            metavar="NAME",
            help="Column that is the same in all rows of a series; may be repeated.",
        ),
        click.option(
            "--futr-col",
            "futr_cols",
            multiple=True,
            metavar="NAME",
            help="Column that is known ahead too; may be repeated.",
        ),
        click.option(
            "--hist-col",
            "hist_cols",
            multiple=True,
            metavar="NAME",
            help="Column that is known up to now; may be repeated.",
        ),
        click.option(
            "--storage",
            type=click.Path(),
            metavar="FOLDER",
            help="Keep values in a file there, for series that do not fit into memory.",
        ),
        click.option(
            "--duplicates",
            default="error",
            show_default=True,
            metavar="HOW",
            help="Several rows of one time: error, mean, sum, min, max, first or last.",
        ),
        click.option(
            "--gaps",
            default="mask",
            show_default=True,
            metavar="HOW",
            help="Missing values and steps are left out (mask), filled with the value before "
            "(fill), taken as 0 (zero) or refused (error).",
        ),
        click.option("--wide", is_flag=True, help="Each column but the time is a series."),
        click.option("--freq", help="Step between points: h, D, W, MS, QS, YS, 15min, or 1."),
        click.option("--target-col", metavar="NAME", help="Column of values (y or target)."),
        click.option("--time-col", metavar="NAME", help="Column of times (ds or timestamp)."),
        click.option("--id-col", metavar="NAME", help="Column of ids (unique_id or item_id)."),
    ):
        packed = option(packed)
    return packed


adapt_to_option = click.option(
    "--adapt-to",
    type=click.Choice(["series", "collection", "both", "none"]),
    help="What to adapt to; default: both for 20 new series or more, else each series.",
)


def reading_text(reading: ReadOptions) -> str:
    """Options of reading as they are typed, those that differ from the defaults."""
    words = []
    for name, value in reading.items():
        if value == _READING[name]:
            continue
        option = _TYPED.get(name, name).replace("_", "-")
        if value is True:
            words.append(f" --{option}")
        for one in value if isinstance(value, tuple) else () if value is True else (value,):
            words.append(f" --{option} {shlex.quote(str(one))}")
    return "".join(words)


def typed(ctx: click.Context, but: Sequence[str]) -> str:
    """The command as it was typed, or as a file of options says, without the options named in ``but``.

    Paths and values are quoted as a shell wants them.
    """
    from click.core import ParameterSource

    words = ["tsmaml", str(ctx.info_name)]
    for parameter in ctx.command.params:
        name = str(parameter.name)
        is_typed = ctx.get_parameter_source(name) in (
            ParameterSource.COMMANDLINE,
            ParameterSource.DEFAULT_MAP,
        )
        if not is_typed or name in but:
            continue
        value = ctx.params[name]
        if isinstance(parameter, click.Argument):
            words.append(str(value))
            continue
        option = max(parameter.opts, key=len)
        if isinstance(value, dict):
            value = tuple(f"{key}={_option_text(one)}" for key, one in value.items())
        elif isinstance(value, tuple) and not parameter.multiple:
            value = ",".join(value)
        for one in value if isinstance(value, tuple) else (value,):
            words += [option] if one is True else [option, str(one)]
    return shlex.join(words)


def _option_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def with_columns_of(model: str, series: str, reading: ReadOptions) -> ReadOptions:
    """Options of reading the series, with the exogenous columns that a model file was trained with."""
    from tsmaml import artifacts
    from tsmaml.series.sources import static_columns_of

    if not os.path.isfile(model):  # noqa: PTH113  (what is wrong with it is told in its turn)
        return reading
    columns = artifacts.check(model, "forecaster").get("exogenous", {})
    found = reading.copy()
    for role in ("hist", "futr"):
        names = tuple(code["name"] for code in columns.get(role, ()))
        found[f"{role}_cols"] = reading.get(f"{role}_cols") or names  # type: ignore[literal-required]
    static = [code["name"] for code in columns.get("stat", ())]
    found["static_cols"] = static_columns_of(series, static, reading)
    return found


def sentences(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn errors into one sentence and a hint on stderr, with the exit code of their kind.

    Adds ``--traceback``, which lets them through. With ``--json`` the error is a JSON object.
    """

    @click.option("--traceback", is_flag=True, help="Show Python's traceback of an error.")
    @functools.wraps(command)
    def bounded(*args: Any, traceback: bool, **kwargs: Any) -> Any:
        warnings.showwarning = _note  # type: ignore[assignment]
        try:
            return command(*args, **kwargs)
        except (TsmamlError, OSError, MemoryError) as error:
            if traceback:
                raise
            fail(_as_ours(error), as_json=bool(kwargs.get("as_json")))
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(INTERRUPTED)

    return bounded


def _note(message: Warning | str, category: type[Warning], *_: Any) -> None:
    """A warning of ours in words, on stderr; those of libraries are not for the user's eyes."""
    if category is UserWarning:
        click.echo(f"Note: {message}", err=True)


def fail(error: TsmamlError, *, as_json: bool = False) -> NoReturn:
    """Print an error and leave with its exit code."""
    if as_json:
        fields = {
            "code": error.exit_code,
            "type": type(error).__name__,
            "message": error.message,
            "hint": error.hint,
        }
        click.echo(json.dumps({"error": fields}), err=True)
    else:
        click.echo(f"Error: {error}", err=True)
    sys.exit(error.exit_code)


def _as_ours(error: BaseException) -> TsmamlError:
    if isinstance(error, TsmamlError):
        return error
    if isinstance(error, MemoryError):
        return UsageError("There is not enough memory for this.", hint="Take fewer series at once.")
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"There is no file {error.filename}.")
    assert isinstance(error, OSError)
    name = f"{error.filename}: " if error.filename else ""
    return DataError(f"{name}{error.strerror or error}.")


def parse_options(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Any:
    """``key=value`` options of parts; values are JSON where they can be, else text."""
    return _key_values(ctx, param, values)


def parse_callbacks(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Any:
    """``NAME[:key=value,...]``: pairs of a name and its options."""
    found = []
    for text in values:
        name, _, options = text.partition(":")
        found.append((name, _key_values(ctx, param, options.split(",") if options else ())))
    return found


def _key_values(ctx: click.Context, param: click.Parameter, texts: Sequence[str]) -> dict[str, Any]:
    found = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key.isidentifier():
            raise click.BadParameter(f"{text!r} is not of the form key=value.", ctx, param)
        try:
            found[key] = json.loads(value)
        except json.JSONDecodeError:
            found[key] = value
    return found
