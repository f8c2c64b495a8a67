"""Plugins that are not installed, as entry points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any


@dataclass
class Point:
    """What the manager reads of an entry point."""

    name: str
    plugin: Any
    dist: Any = None

    def load(self) -> Any:
        if isinstance(self.plugin, BaseException):
            raise self.plugin
        return self.plugin


def point_of(name: str, *hooks: Callable[..., None], raises: Any = None, version: str = "1.0"):
    """An entry point of a plugin given as its functions, or of one that raises at import."""
    plugin = raises or SimpleNamespace(**{hook.__name__: hook for hook in hooks})
    return Point(name, plugin, SimpleNamespace(name=name, version=version))
