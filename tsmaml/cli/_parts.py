"""``--help-model NAME`` and the like: what options a part takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tsmaml.cli._common import fail
from tsmaml.errors import TsmamlError

if TYPE_CHECKING:
    from tsmaml.plugins import Part

# The kind of part that an option such as --tasks names, where it is not the option's own name.
_KINDS = {"tasks": "task builder"}


def part_of(role: str, name: str) -> Part:
    """The registered part that an option names, loaded: that of an algorithm loads TensorFlow."""
    from tsmaml.forecaster.quiet import log_lines_aside
    from tsmaml.plugins import registry

    part = registry().get(_KINDS.get(role, role), name)
    with log_lines_aside():
        part.load()
    return part


def help_option(role: str, what: str) -> Callable[..., Any]:
    """``--help-ROLE NAME``: print the options of a part, and do no more."""

    def show(ctx: click.Context, param: click.Parameter, name: str | None) -> None:
        if name is None or ctx.resilient_parsing:
            return
        try:
            text = told(part_of(role, name), role)
        except TsmamlError as error:
            fail(error)
        click.echo(text)
        ctx.exit()

    return click.option(
        f"--help-{role}",
        metavar="NAME",
        is_eager=True,
        expose_value=False,
        callback=show,
        help=f"Show the options of a {what.lower()}, and leave.",
    )


def told(part: Part, role: str) -> str:
    """A part and its options, as text."""
    from tsmaml.plugins.options import options_of

    lines = [
        f"{part.name}: {part.help} ({part.plugin} {part.version or ''})".replace(" )", ")"),
        "",
    ]
    options = options_of(part)
    if not options:
        lines.append("It takes any options." if options is None else "It takes no options.")
        return "\n".join(lines)
    formatter = click.HelpFormatter(width=100)
    rows = []
    for option in options:
        default = "required" if option.required else f"default: {option.default!r}"
        beside = "; ".join(one for one in (option.type, default) if one)
        rows.append((f"--{role}-opt {option.name}=", f"{option.help}  [{beside}]".strip()))
    formatter.write_dl(rows, col_max=40)
    return "\n".join([*lines, formatter.getvalue().rstrip("\n")])
