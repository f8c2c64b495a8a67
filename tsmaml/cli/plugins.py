"""``tsmaml plugins``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from tsmaml.cli._common import console, sentences

if TYPE_CHECKING:
    from tsmaml.plugins import Part, Registry


@click.command(name="plugins")
@click.option("--hook", metavar="NAME", help="Only plugins with this hook, and what it adds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@sentences
def command(hook: str | None, as_json: bool) -> None:
    """List plugins with their versions and hooks, and the parts that they provide.

    A plugin that can't be used is listed with the reason. The environment variable
    TSMAML_PLUGINS restricts which plugins are loaded: a comma list of names; empty: none.

    \b
    Examples:
      tsmaml plugins
      tsmaml plugins --hook register_losses
      tsmaml plugins --json
      TSMAML_PLUGINS= tsmaml plugins
    """
    from tsmaml.plugins import registry

    found = registry()
    if hook is not None:
        _check_hook(hook)
    told = _told(found, hook)
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        _print(told)


def _check_hook(hook: str) -> None:
    import difflib

    from tsmaml.errors import UsageError
    from tsmaml.plugins.manager import HOOKS

    if hook not in HOOKS:
        nearest = difflib.get_close_matches(hook, HOOKS, n=1)
        guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise UsageError(
            f"There is no hook {hook!r}.{guess}", hint=f"The hooks are {', '.join(HOOKS)}."
        )


def _told(found: Registry, hook: str | None) -> dict[str, Any]:
    """All that is known, or what belongs to one hook; broken plugins stand in either."""
    from tsmaml.plugins.manager import KINDS

    def belongs(part: Part) -> bool:
        return hook is None or part.kind == KINDS.get(hook)

    return {
        "plugins": [
            {"name": one.name, "version": one.version, "hooks": list(one.hooks)}
            for one in found.plugins()
            if hook is None or hook in one.hooks
        ],
        "parts": [
            {
                "kind": part.kind,
                "name": part.name,
                "help": part.help,
                "plugin": part.plugin,
                "version": part.version,
            }
            for part in found.parts()
            if belongs(part)
        ],
        "broken": [vars(broken) for broken in found.broken()],
        "clashes": [
            {
                "kind": parts[0].kind,
                "name": parts[0].name,
                "plugins": [part.plugin for part in parts],
            }
            for parts in found.clashes()
            if belongs(parts[0])
        ],
    }


def _print(told: dict[str, Any]) -> None:
    from rich.table import Table

    out = console(stderr=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("plugin", "version", "hooks"):
        table.add_column(heading)
    for one in told["plugins"]:
        table.add_row(one["name"], one["version"] or "", ", ".join(one["hooks"]))
    out.print(table)
    if told["parts"]:
        table = Table(box=None, pad_edge=False)
        for heading in ("kind", "name", "what it is", "plugin"):
            table.add_column(heading)
        for part in told["parts"]:
            who = f"{part['plugin']} {part['version'] or ''}"
            table.add_row(part["kind"], part["name"], part["help"], who)
        out.print()
        out.print(table)
    for broken in told["broken"]:
        out.print(f"Broken: {broken['plugin']}: {broken['reason']}", markup=False)
    for clash in told["clashes"]:
        who = " and ".join(clash["plugins"])
        out.print(f"Clash: {clash['kind']} {clash['name']} is provided by {who}", markup=False)
