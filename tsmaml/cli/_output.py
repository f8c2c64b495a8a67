"""Forecasts to a file by its ending, or to stdout as CSV; files appear whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tsmaml.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)


def _json(frame: pd.DataFrame, path: Path) -> None:
    frame.to_json(path, orient="records", date_format="iso", indent=1)


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".json": _json,
}


def check_output(path: str | None) -> None:
    """Refuse a name that nothing can be written to, before any work is done."""
    if path is None or path == "-":
        return
    target = Path(path)
    if target.suffix.lower() not in _WRITERS:
        raise UsageError(
            f"{path}: the ending says how to write; wanted is one of {', '.join(_WRITERS)}."
        )
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent} to write {target.name} to.")


def write(frame: pd.DataFrame, path: str | None) -> None:
    """Write a frame to a file, or as CSV to stdout."""
    if path is None or path == "-":
        click.echo(frame.to_csv(index=False), nl=False)
        return
    target = Path(path)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        part = Path(folder) / target.name
        _WRITERS[target.suffix.lower()](frame, part)
        part.replace(target)
