"""How long work shows itself: a bar or one line on a terminal, else a plain line now and then."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from tsmaml.cli._common import console

if TYPE_CHECKING:
    from tsmaml.engine import Progress
    from tsmaml.evaluation.request import Stage

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown(
    steps: int, quiet: bool, title: str = "Meta-training"
) -> Iterator[Callable[[Progress], None]]:
    """A callback for ``MetaForecaster.fit`` that shows its progress on stderr."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bar(steps, title) as callback:
            yield callback
    else:
        yield _lines()


@contextmanager
def stages(quiet: bool, title: str) -> Iterator[Callable[[Stage], None] | None]:
    """What of an evaluation is under way: one line that changes, or a line for each piece of work."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with console().status(f"{title} ...") as status:
            yield lambda stage: status.update(f"{stage.done + 1}: {stage.name} ...")
    else:
        yield lambda stage: click.echo(f"{stage.name} ...", err=True)


def losses(progress: Progress) -> str:
    """Support loss before adaptation -> query loss after it, and the validation loss."""
    text = ""
    if math.isfinite(progress.query_loss):
        text = f"support {progress.support_loss:.3f} -> query {progress.query_loss:.3f}"
    if progress.validation_loss is not None:
        text += f"  held-out {progress.zero_step_loss:.3f} -> {progress.validation_loss:.3f}"
    return text.strip()


@contextmanager
def _bar(steps: int, title: str = "Meta-training") -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns: list[Any] = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    ]
    held_out = ""
    with Bar(*columns, console=console()) as bar:
        task = bar.add_task(title, total=steps, losses="")

        def callback(progress: Progress) -> None:
            nonlocal held_out
            text = losses(progress)
            if progress.validation_loss is not None:
                held_out = "  held-out" + text.partition("held-out")[2]
            elif held_out:
                text += held_out
            bar.update(
                task,
                completed=progress.step,
                losses=text,
                # The first step compiles: until it is done there is no loss to show.
                description=title if math.isfinite(progress.query_loss) else "Compiling",
            )

        yield callback


def _lines() -> Callable[[Progress], None]:
    last, shown_step = 0.0, -1

    def callback(progress: Progress) -> None:
        nonlocal last, shown_step
        now = time.monotonic()
        is_due = now - last >= SECONDS_BETWEEN_LINES or progress.step == progress.steps
        if progress.compiling:
            print("Compiling ...", file=sys.stderr, flush=True)
        elif is_due and (progress.step != shown_step or progress.validation_loss is not None):
            last, shown_step = now, progress.step
            line = f"step {progress.step}/{progress.steps}  {progress.seconds:.0f} s  "
            print(line + losses(progress), file=sys.stderr, flush=True)

    return callback
