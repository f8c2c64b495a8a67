"""What plugins are told while a forecaster is fitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tsmaml.plugins import Registry

if TYPE_CHECKING:
    from tsmaml.engine import Progress


def teller_of(plugins: Registry) -> tuple[Callable[[Progress], None], ...]:
    """A callback that tells of steps and validations; none where nobody listens."""
    if not plugins.listeners("step_done", "validated"):
        return ()

    def tell(progress: Progress) -> None:
        if progress.validation_loss is not None:
            plugins.tell("validated", progress=progress)
        elif not progress.compiling:
            plugins.tell("step_done", progress=progress)

    return (tell,)
