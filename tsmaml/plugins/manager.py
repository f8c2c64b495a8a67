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
    "register_callbacks": "callback",
    "register_baselines": "baseline",
    "register_scalers": "scaling",
    "register_readers": "reader",
    "register_commands": "command",
}
EVENTS = (
    *("fit_started", "step_done", "validated", "checkpointed", "fit_finished"),
    *("fit_failed", "forecast_done"),
)
HOOKS = (*KINDS, *EVENTS)


@dataclass(frozen=True)
class Part:
    """Something that a name resolves to.

    Attributes:
        kind: one of the values of :data:`KINDS`.
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
        who = f"The {self.kind} {self.name!r} of plugin {self.plugin}"
        try:
            made = getattr(import_module(module), attribute)
        except Exception as error:
            raise PluginError(f"{who} can't be loaded: {type(error).__name__}: {error}") from error
        if not callable(made):
            raise PluginError(
                f"{who} can't be loaded: {self.factory} is a {type(made).__name__}, not callable."
            )
        return made


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be used, and why."""

    plugin: str
    reason: str


@dataclass(frozen=True)
class Listener:
    """A plugin's function for an event.

    Attributes:
        event: one of :data:`EVENTS`.
        plugin: the distribution that provides it.
        version: of that distribution.
        call: takes the event's arguments by name.
    """

    event: str
    plugin: str
    version: str | None
    call: Callable[..., Any]


@dataclass(frozen=True)
class Plugin:
    """A plugin that was loaded.

    Attributes:
        name: of its distribution.
        version: of that distribution.
        hooks: those through which it adds something or listens, in the order of :data:`HOOKS`.
    """

    name: str
    version: str | None
    hooks: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """All that the plugins registered, clashes included, who listens, and the broken ones."""

    parts: tuple[Part, ...]
    broken: tuple[Broken, ...]
    listeners: tuple[Listener, ...] = ()
    plugins: tuple[Plugin, ...] = ()


@dataclass(frozen=True)
class _NotInstalled:
    """What stands in for an entry point that ``TSMAML_PLUGINS`` names and that is not there."""

    name: str

    def load(self) -> None:
        raise PluginError(f"{RESTRICT} names it, but it is not installed.")


def entry_points() -> list[Any]:
    """Entry points of the installed plugins, by name; ``TSMAML_PLUGINS`` restricts them."""
    points = sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
    restriction = os.environ.get(RESTRICT)
    if restriction is None:
        return points
    wanted = {name.strip() for name in restriction.split(",")} - {""}
    names = [{point.name, _distribution(point)[0]} for point in points]
    found = [point for point, own in zip(points, names, strict=True) if own & wanted]
    return found + [_NotInstalled(name) for name in sorted(wanted.difference(*names))]


def collect(points: Iterable[Any]) -> Found:
    """Load plugins one by one; one that fails does not stop the rest.

    Args:
        points: entry points; the built-ins come first, whatever they are.
    """
    broken: list[Broken] = []
    own = metadata.version("tsmaml")
    parts, listeners = _parts_and_listeners(builtins, "tsmaml", own)
    plugins = [Plugin("tsmaml", own, _used(parts, listeners))]
    for point in points:
        name, version = _distribution(point)
        try:
            more_parts, more_listeners = _parts_and_listeners(point.load(), name, version)
            parts += more_parts
            listeners += more_listeners
            plugins.append(Plugin(name, version, _used(more_parts, more_listeners)))
        except PluginError as error:
            broken.append(Broken(name, error.message))
        except (Exception, SystemExit) as error:  # a plugin may fail in any way
            broken.append(Broken(name, f"{type(error).__name__}: {error}"))
    return Found(tuple(parts), tuple(broken), tuple(listeners), tuple(plugins))


def _used(parts: list[Part], listeners: list[Listener]) -> tuple[str, ...]:
    """The hooks through which parts and listeners came."""
    kinds = {part.kind for part in parts}
    events = {listener.event for listener in listeners}
    return tuple(hook for hook in HOOKS if KINDS.get(hook) in kinds or hook in events)


def _distribution(point: Any) -> tuple[str, str | None]:
    distribution = getattr(point, "dist", None)
    if distribution is None:
        return point.name, None
    return distribution.name, distribution.version


def _parts_and_listeners(
    plugin: Any, name: str, version: str | None
) -> tuple[list[Part], list[Listener]]:
    """Call one plugin's hooks, in a manager of its own: what fails is its fault alone."""
    _check_version(plugin)
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    _check_hooks(manager, plugin)
    parts: list[Part] = []
    for hook, kind in KINDS.items():

        def register(
            part: str, factory: str | Callable[..., Any], *, help: str, kind: str = kind
        ) -> None:
            _check_factory(part, factory)
            if any((kind, part) == (other.kind, other.name) for other in parts):
                raise PluginError(f"It registers two parts as the {kind} {part!r}.")
            parts.append(Part(kind, part, help, name, version, factory))

        getattr(manager.hook, hook)(register=register)
    callers = {event: getattr(manager.hook, event) for event in EVENTS}
    heard = [event for event, caller in callers.items() if caller.get_hookimpls()]
    return parts, [Listener(event, name, version, callers[event]) for event in heard]


def _check_version(plugin: Any) -> None:
    """Refuse a plugin made for hooks that there are not yet."""
    wanted = getattr(plugin, hookspecs.API_ATTRIBUTE, hookspecs.API_VERSION)
    if not isinstance(wanted, int):
        raise PluginError(
            f"Its {hookspecs.API_ATTRIBUTE} is {wanted!r}; wanted is a whole number, the version of "
            f"the hooks that it was made for, such as {hookspecs.API_VERSION}."
        )
    if wanted > hookspecs.API_VERSION:
        raise PluginError(
            f"It was made for version {wanted} of the hooks, and this tsmaml has version "
            f"{hookspecs.API_VERSION}. Upgrade tsmaml: python -m pip install --upgrade tsmaml."
        )


def _check_factory(part: str, factory: Any) -> None:
    if not isinstance(factory, str) and not callable(factory):
        raise PluginError(f"The factory of {part!r} is neither 'module:attribute' nor callable.")
    if isinstance(factory, str) and not all(factory.partition(":")):
        raise PluginError(f"The factory of {part!r} is {factory!r}, not 'module:attribute'.")


def _check_hooks(manager: pluggy.PluginManager, plugin: Any) -> None:
    """Refuse what would be passed over in silence: unknown hooks, hooks without their mark."""
    for attribute in dir(plugin):
        mark = manager.parse_hookimpl_opts(plugin, attribute)
        if mark is None and attribute in HOOKS:
            raise PluginError(f"Its function {attribute!r} is not marked: @tsmaml.hookimpl.")
        hook = attribute if mark is None else mark.get("specname") or attribute
        if mark is None or hook in HOOKS:
            continue
        nearest = difflib.get_close_matches(hook, HOOKS, n=1)
        guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise PluginError(f"There is no hook {hook!r}.{guess} The hooks are {', '.join(HOOKS)}.")
