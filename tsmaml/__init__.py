"""tsmaml: meta-learned time-series forecasting.

Every public name loads on first use, so that ``import tsmaml`` brings in
neither TensorFlow nor pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.plugins import hookimpl
    from tsmaml.series import SeriesCollection, read_series
    from tsmaml.simplemaml import MAML

    __version__: str

__all__ = [
    "MAML",
    "MetaForecaster",
    "SeriesCollection",
    "__version__",
    "hookimpl",
    "read_series",
]

_HOMES = {
    "MAML": "tsmaml.simplemaml",
    "MetaForecaster": "tsmaml.forecaster",
    "SeriesCollection": "tsmaml.series",
    "hookimpl": "tsmaml.plugins",
    "read_series": "tsmaml.series",
}
_ROOMS = frozenset({"engine", "errors", "losses", "models", "plugins", "series", "tasks"})


def __getattr__(name: str) -> object:
    """Load a public name from its home module the first time it is asked for."""
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("tsmaml")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"tsmaml.{name}")
    else:
        raise AttributeError(f"module 'tsmaml' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
