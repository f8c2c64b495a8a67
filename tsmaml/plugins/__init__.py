"""Hooks, plugin manager and registry. A plugin needs :data:`hookimpl`, and :class:`Register` for types."""

from __future__ import annotations

from tsmaml.plugins.hookspecs import Register, hookimpl
from tsmaml.plugins.manager import Broken, Listener, Part, Plugin
from tsmaml.plugins.registry import Registry, registry

__all__ = ["Broken", "Listener", "Part", "Plugin", "Register", "Registry", "hookimpl", "registry"]
