"""``tsmaml plugins``."""

from __future__ import annotations

import json

import click

from tsmaml.cli._common import console, sentences


@click.command(name="plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@sentences
def command(as_json: bool) -> None:
    """List plugins and the parts that they provide: models, losses, task builders, algorithms.

    A plugin that can't be used is listed with the reason. The environment variable
    TSMAML_PLUGINS restricts which plugins are loaded: a comma list of names; empty: none.

    \b
    Examples:
      tsmaml plugins
      tsmaml plugins --json
      TSMAML_PLUGINS= tsmaml plugins
    """
    from tsmaml.plugins import registry

    found = registry()
    if as_json:
        click.echo(
            json.dumps(
                {
                    "parts": [
                        {
                            "kind": part.kind,
                            "name": part.name,
                            "help": part.help,
                            "plugin": part.plugin,
                            "version": part.version,
                        }
                        for part in found.parts()
                    ],
                    "broken": [vars(broken) for broken in found.broken()],
                    "clashes": [
                        {
                            "kind": parts[0].kind,
                            "name": parts[0].name,
                            "plugins": [part.plugin for part in parts],
                        }
                        for parts in found.clashes()
                    ],
                },
                indent=2,
            )
        )
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("kind", "name", "what it is", "plugin"):
        table.add_column(heading)
    for part in found.parts():
        table.add_row(part.kind, part.name, part.help, f"{part.plugin} {part.version or ''}")
    out = console(stderr=False)
    out.print(table)
    for broken in found.broken():
        out.print(f"Broken: {broken.plugin}: {broken.reason}", markup=False)
    for parts in found.clashes():
        who = " and ".join(str(part.plugin) for part in parts)
        out.print(f"Clash: {parts[0].kind} {parts[0].name} is provided by {who}", markup=False)
