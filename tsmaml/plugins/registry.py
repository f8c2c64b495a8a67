"""The one place in which every name of a model, loss, task builder or algorithm resolves."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from tsmaml.errors import PluginError, UnknownNameError, UsageError
from tsmaml.plugins.manager import (
    KINDS,
    Broken,
    Found,
    Listener,
    Part,
    Plugin,
    collect,
    entry_points,
)


class Registry:
    """Names and what they stand for.

    Args:
        found: what the plugins registered.
    """

    def __init__(self, found: Found) -> None:
        self._found = found

    def parts(self, kind: str | None = None) -> tuple[Part, ...]:
        """All parts, or those of one kind, in order of registration."""
        return tuple(part for part in self._found.parts if kind in (None, part.kind))

    def plugins(self) -> tuple[Plugin, ...]:
        """Plugins that were loaded, tsmaml's own parts first."""
        return self._found.plugins

    def broken(self) -> tuple[Broken, ...]:
        """Plugins that could not be used."""
        return self._found.broken

    def clashes(self) -> tuple[tuple[Part, ...], ...]:
        """Parts of one kind and name that several plugins provide."""
        same: dict[tuple[str, str], list[Part]] = {}
        for part in self._found.parts:
            same.setdefault((part.kind, part.name), []).append(part)
        return tuple(tuple(parts) for parts in same.values() if len(parts) > 1)

    def listeners(self, *events: str) -> tuple[Listener, ...]:
        """Who listens to one of these events, or to any if none is named."""
        return tuple(one for one in self._found.listeners if not events or one.event in events)

    def tell(self, event: str, **facts: Any) -> None:
        """Tell the plugins that listen what has happened; one that fails is warned of by name."""
        for listener in self.listeners(event):
            try:
                listener.call(**facts)
            except Exception as error:  # a listener may fail in any way, and the run goes on
                warnings.warn(
                    f"The plugin {listener.plugin} failed in {event}: "
                    f"{type(error).__name__}: {error}",
                    stacklevel=2,
                )

    def get(self, kind: str, name: str) -> Part:
        """The part of that name.

        Raises:
            UnknownNameError: if there is none; names the nearest, and broken plugins.
            PluginError: if two plugins provide it; names both.
        """
        if kind not in KINDS.values():
            raise UsageError(
                f"{kind!r} is no kind of part; wanted is one of {list(KINDS.values())}."
            )
        matches = [part for part in self.parts(kind) if part.name == name]
        if len(matches) > 1:
            who = " and ".join(str(part.plugin) for part in matches)
            raise PluginError(
                f"The {kind} {name!r} is provided by {who}.",
                hint="Uninstall one of them, or leave it out: TSMAML_PLUGINS=name,name lists the "
                "plugins to load.",
            )
        if not matches:
            error = UnknownNameError(kind, name, {part.name for part in self.parts(kind)})
            if self.broken():
                reasons = "; ".join(f"{b.plugin} ({b.reason})" for b in self.broken())
                error.hint = f"{error.hint} Plugins that could not be loaded: {reasons}."
            raise error
        return matches[0]

    def resolve(self, kind: str, name: str | Callable[..., Any]) -> Part:
        """A registered name, or the user's own callable, as a part."""
        if isinstance(name, str):
            return self.get(kind, name)
        if not callable(name):
            raise UsageError(f"A {kind} is a registered name or a callable, not {name!r}.")
        own = getattr(name, "__qualname__", type(name).__name__)
        return Part(kind, own, "given in Python", None, None, name)


@cache
def registry() -> Registry:
    """The registry of the installed plugins, made once a process."""
    return Registry(collect(entry_points()))
