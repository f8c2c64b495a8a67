"""``tsmaml new-plugin``."""

from __future__ import annotations

from pathlib import Path

import click

from tsmaml.cli._common import sentences
from tsmaml.cli._scaffold import KINDS, render
from tsmaml.errors import UsageError


@click.command(name="new-plugin")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(list(KINDS)), default="loss", show_default=True, help="Of its part."
)
@click.option("--out", "-o", type=click.Path(), metavar="FOLDER", help="Default: ./NAME.")
@sentences
def command(name: str, kind: str, out: str | None) -> None:
    """Write a plugin's package, which installs and passes its own tests at once.

    \b
    Examples:
      tsmaml new-plugin tsmaml-logcosh
      tsmaml new-plugin tsmaml-gated --kind model
    """
    folder = Path(out or name)
    texts = render(name, kind)
    if folder.exists():
        raise UsageError(f"{folder} is there already.", hint="Name another folder with --out.")
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    click.echo(
        f"Wrote {len(texts)} files to {folder}. Next: cd {folder} && "
        'python -m pip install ".[test]" && python -m pytest',
        err=True,
    )
