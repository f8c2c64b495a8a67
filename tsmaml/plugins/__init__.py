"""Hooks, plugin manager and registry. A plugin needs :data:`hookimpl` and nothing else of this room."""

from __future__ import annotations

from tsmaml.plugins.hookspecs import hookimpl
from tsmaml.plugins.manager import Broken, Part
from tsmaml.plugins.registry import Registry, registry

__all__ = ["Broken", "Part", "Registry", "hookimpl", "registry"]
