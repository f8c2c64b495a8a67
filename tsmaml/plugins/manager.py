"""Finds plugins, calls their hooks, and keeps note of those that fail."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Any

import pluggy

from tsmaml.errors import PluginError
from tsmaml.plugins import builtins, hookspecs

ENTRY_POINTS = "tsmaml"
RESTRICT = "TSMAML_PLUGINS"

KINDS = {
    "register_models": "model",
    "register_losses": "loss",
    "register_task_builders": "task builder",
    "register_algorithms": "algorithm",
}


@dataclass(frozen=True)
class Part:
    """Something that a name resolves to.

    Attributes:
        kind: ``"model"``, ``"loss"``, ``"task builder"`` or ``"algorithm"``.
        name: what users write.
        help: one line.
        plugin: the distribution that provides it; None for a callable given in Python.
        version: of that distribution.
        factory: ``"module:attribute"`` or a callable.
    """

    kind: str
    name: str
    help: str
    plugin: str | None
    version: str | None
    factory: str | Callable[..., Any]

    def load(self) -> Callable[..., Any]:
        """Import what makes the part.

        Raises:
            PluginError: naming plugin and reason, if that fails.
        """
        if not isinstance(self.factory, str):
            return self.factory
        module, _, attribute = self.factory.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except Exception as error:
            raise PluginError(
                f"The {self.kind} {self.name!r} of plugin {self.plugin} can't be loaded: "
                f"{type(error).__name__}: {error}"
            ) from error


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be used, and why."""

    plugin: str
    reason: str


@dataclass(frozen=True)
class Found:
    """All that the plugins registered, clashes included, and the broken ones."""

    parts: tuple[Part, ...]
    broken: tuple[Broken, ...]


def entry_points() -> list[metadata.EntryPoint]:
    """Entry points of the installed plugins, by name; ``TSMAML_PLUGINS`` restricts them."""
    points = sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
    wanted = os.environ.get(RESTRICT)
    if wanted is None:
        return points
    names = {name.strip() for name in wanted.split(",")}
    return [point for point in points if point.name in names or _distribution(point)[0] in names]


def collect(points: Iterable[Any]) -> Found:
    """Load plugins one by one; one that fails does not stop the rest.

    Args:
        points: entry points; the built-ins come first, whatever they are.
    """
    parts: list[Part] = []
    broken: list[Broken] = []
    own = ("tsmaml", metadata.version("tsmaml"))
    parts += _parts_of(builtins, *own)
    for point in points:
        name, version = _distribution(point)
        try:
            parts += _parts_of(point.load(), name, version)
        except Exception as error:  # a plugin may fail in any way
            reason = error.message if isinstance(error, PluginError) else (
                f"{type(error).__name__}: {error}"
            )  # fmt: skip
            broken.append(Broken(name, reason))
    return Found(tuple(parts), tuple(broken))


def _distribution(point: Any) -> tuple[str, str | None]:
    distribution = getattr(point, "dist", None)
    if distribution is None:
        return point.name, None
    return distribution.name, distribution.version


def _parts_of(plugin: Any, name: str, version: str | None) -> list[Part]:
    """Call one plugin's hooks, in a manager of its own: what fails is its fault alone."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    _refuse_unknown_hooks(manager, plugin, name)
    parts: list[Part] = []
    for hook, kind in KINDS.items():

        def register(
            part: str, factory: str | Callable[..., Any], *, help: str, kind: str = kind
        ) -> None:
            if not isinstance(factory, str) and not callable(factory):
                raise PluginError(
                    f"The factory of {part!r} is neither 'module:attribute' nor callable."
                )
            if isinstance(factory, str) and ":" not in factory:
                raise PluginError(
                    f"The factory of {part!r} is {factory!r}, not 'module:attribute'."
                )
            parts.append(Part(kind, part, help, name, version, factory))

        getattr(manager.hook, hook)(register=register)
    return parts


def _refuse_unknown_hooks(manager: pluggy.PluginManager, plugin: Any, name: str) -> None:
    for attribute in dir(plugin):
        if manager.parse_hookimpl_opts(plugin, attribute) is None or attribute in KINDS:
            continue
        nearest = difflib.get_close_matches(attribute, KINDS, n=1)
        guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise PluginError(
            f"There is no hook {attribute!r}.{guess} The hooks are {', '.join(KINDS)}."
        )
