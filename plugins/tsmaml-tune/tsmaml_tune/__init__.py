"""Hyper-parameter search with Optuna over any registered part, on meta-validation series.

``tsmaml tune`` on the command line, :func:`tune` in Python. Importing this loads neither Optuna nor
TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsmaml import hookimpl

if TYPE_CHECKING:
    from tsmaml_tune.search import Result, tune

__all__ = ["Result", "tune"]


@hookimpl
def register_commands(register):
    """The command ``tsmaml tune``."""
    register("tune", "tsmaml_tune.command:command", help="Search for good settings of a fit.")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tsmaml_tune import search

    return getattr(search, name)
