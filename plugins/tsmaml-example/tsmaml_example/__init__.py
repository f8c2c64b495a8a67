"""An example plugin for tsmaml: a task builder, a loss and an architecture.

The factories are named as ``"module:attribute"``, so that listing them imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable

from tsmaml import hookimpl


@hookimpl
def register_models(register: Callable[..., None]) -> None:
    """Add ``gated``."""
    register("gated", "tsmaml_example.gated:build", help="Gated linear units with a linear head")


@hookimpl
def register_losses(register: Callable[..., None]) -> None:
    """Add ``asymmetric``."""
    register(
        "asymmetric",
        "tsmaml_example.asymmetric:build",
        help="Absolute error, dearer below than above the target",
    )


@hookimpl
def register_task_builders(register: Callable[..., None]) -> None:
    """Add ``by_origin``."""
    register(
        "by_origin",
        "tsmaml_example.by_origin:build",
        help="A task a group: series whose ids share the text before '-'",
    )
