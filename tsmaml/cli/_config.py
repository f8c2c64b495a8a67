"""Options of a command in a TOML file: reading them, and writing what is set."""

from __future__ import annotations

import difflib
import json
import textwrap
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tsmaml.cli._common import fail
from tsmaml.cli._parts import part_of
from tsmaml.errors import NotFoundError, TsmamlError, UsageError

_IN_WORDS = {
    bool: "true or false",
    list: "a list",
    int: "a whole number",
    float: "a number",
    str: "text",
}


def config_option_of(
    defaults: Callable[[click.Command, str], dict[str, Any]], what: str
) -> Callable[..., Any]:
    """``--config FILE``: options of a file as defaults, so that the command line wins over them.

    Args:
        defaults: what a file says, of the command and the path.
        what: is taken from the file, for the help.
    """

    def apply(ctx: click.Context, param: click.Parameter, path: str | None) -> None:
        if path is not None:
            ctx.default_map = defaults(ctx.command, path)

    return click.option(
        "--config",
        type=click.Path(),
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=apply,
        help=f"Take {what}; the command line wins over it.",
    )


def options_in(command: click.Command, path: str) -> dict[str, Any]:
    """What a file says of a command's parameters, as Click wants it; errors end the program."""
    try:
        return _defaults(command, path)
    except TsmamlError as error:
        fail(error)


config_option = config_option_of(options_in, "options from a TOML file")


def _defaults(command: click.Command, path: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} can't be read as TOML: {error}.") from None
    keys = {_key(param): param for param in command.params if param.name != "config"}
    defaults = {}
    for key, value in found.items():
        if key not in keys:
            nearest = difflib.get_close_matches(key, keys, n=1)
            guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise UsageError(
                f"{path}: there is no option {key!r}.{guess}",
                hint="`tsmaml fit --write-config` prints all that there are.",
            )
        defaults[str(keys[key].name)] = _value(keys[key], value, f"{path}: {key}")
    return defaults


def _key(param: click.Parameter) -> str:
    """What a parameter is called in a file: its long option without dashes before it."""
    return max(param.opts, key=len).lstrip("-")


def _value(param: click.Parameter, value: Any, where: str) -> Any:
    if _is_table(param):
        if not isinstance(value, dict):
            raise UsageError(f"{where} is {value!r}; wanted is a table of options.")
        return tuple(f"{key}={json.dumps(one)}" for key, one in value.items())
    if isinstance(param, click.Option) and param.is_flag:
        wanted: tuple[type, ...] = (bool,)
    elif param.multiple if isinstance(param, click.Option) else False:
        wanted = (list,)
    else:
        wanted = {click.INT: (int,), click.FLOAT: (int, float)}.get(param.type, (str,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise UsageError(f"{where} is {value!r}; wanted is {_IN_WORDS[wanted[-1]]}.")
    return value


def _is_table(param: click.Parameter) -> bool:
    return str(param.name).endswith("_options")


def written(ctx: click.Context, parts: Mapping[str, Any], but: Sequence[str]) -> str:
    """All options of a command as TOML: those that are set, and the others commented out.

    Args:
        ctx: the command, called.
        parts: roles whose options are tables of their own.
        but: parameters that are left out.
    """
    lines = [f"# Options of tsmaml {ctx.info_name}; the command line wins over them."]
    shown = [
        param
        for param in ctx.command.params
        if param.name not in but and param.name in ctx.params and not _is_table(param)
    ]
    for param in shown:
        lines += ["", *_commented(getattr(param, "help", None) or "The series.")]
        value = ctx.params[str(param.name)]
        lines.append(_line(_key(param), _typed_value(param, value), param))
    for role in parts:
        lines += _table(role, ctx.params[role], ctx.params[f"{role}_options"])
    return "\n".join(lines)


def _typed_value(param: click.Parameter, value: Any) -> Any:
    """A value as it is typed: what callbacks of the options made of it is turned back."""
    if param.name == "callbacks":
        return [
            f"{name}:{','.join(f'{key}={json.dumps(one)}' for key, one in options.items())}".rstrip(
                ":"
            )
            for name, options in value
        ]
    if isinstance(value, tuple) and not getattr(param, "multiple", False):
        return ",".join(value)
    return value


def _line(key: str, value: Any, param: click.Parameter) -> str:
    if value is None or value == ():
        return f"# {key} = {_wanted(param)}"
    return f"{key} = {_toml(value)}"


def _wanted(param: click.Parameter) -> str:
    """What stands for a value that is not set."""
    if isinstance(param, click.Option) and param.is_flag:
        return "true"
    if getattr(param, "multiple", False):
        return "[]"
    return {click.INT: "1", click.FLOAT: "1.0"}.get(param.type, '""')


def _table(role: str, name: str, given: Mapping[str, Any]) -> list[str]:
    """The options of a part: those that are given, and the others with their defaults."""
    from tsmaml.plugins.options import check_options, options_of

    part = part_of(role, name)
    check_options(part, given)
    lines = ["", f"# Options of {part.name}: {part.help}", f"[{role}-opt]"]
    declared = options_of(part) or ()
    for option in declared:
        lines += _commented(option.help)
        if option.name in given:
            lines.append(f"{option.name} = {_toml(given[option.name])}")
        else:
            lines.append(f"# {option.name} = {_as_toml(option.default)}".rstrip())
    known = {option.name for option in declared}
    return lines + [f"{key} = {_toml(one)}" for key, one in given.items() if key not in known]


def _toml(value: Any) -> str:
    """Text, numbers and lists are written as in JSON; but characters are not escaped in pairs."""
    return json.dumps(value, ensure_ascii=False)


def _as_toml(value: Any) -> str:
    try:
        return "" if value is None else _toml(value)
    except TypeError:  # an object that has no text, such as an inner rule
        return ""


def _commented(text: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent="# ", subsequent_indent="# ")
