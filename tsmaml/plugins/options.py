"""What options a part takes, with types, defaults and help: read from its factory.

They are the keyword arguments of the factory's signature. One that takes ``**options`` and returns a
dataclass takes the fields of that. Help is what the docstring says under ``Args:`` or ``:param``.
"""

from __future__ import annotations

import difflib
import inspect
import re
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin

from tsmaml.errors import UsageError
from tsmaml.plugins.manager import Part

# Arguments that tsmaml itself gives, by kind: they are no options.
GIVEN = {
    "model": ("input_size", "h", "n_outputs", "n_hist_exog", "n_futr_exog", "n_stat_exog"),
    "task builder": ("collection", "windows"),
    "baseline": ("season_length",),
    "reader": ("source",),
}
_PLAIN: dict[Any, type] = {bool: bool, int: Integral, float: Real, str: str}


@dataclass(frozen=True)
class Option:
    """An option of a part.

    Attributes:
        name: what users write.
        type: as it is written in the source; empty where it is not told.
        default: where there is one.
        required: whether there is none.
        help: one paragraph; empty where nothing is said.
        kind: the type itself, as far as it can be told; else Any.
    """

    name: str
    type: str
    default: Any
    required: bool
    help: str
    kind: Any = Any


def options_of(part: Part) -> tuple[Option, ...] | None:
    """The options of a part; None where it takes any, or can't be asked.

    Raises:
        PluginError: if the part can't be loaded.
    """
    factory = part.load()
    try:
        parameters = inspect.signature(factory).parameters.values()
    except ValueError:  # a callable without a signature
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        made = _annotation(getattr(factory, "__annotations__", {}).get("return"), factory)
        return _fields_of(made, factory) if is_dataclass(made) else None
    told, given = _help_of(factory), GIVEN.get(part.kind, ())
    return tuple(
        Option(
            one.name,
            _written(one.annotation),
            None if one.default is one.empty else one.default,
            one.default is one.empty,
            told.get(one.name, ""),
            _annotation(one.annotation, factory),
        )
        for one in parameters
        if one.name not in given and one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)
    )


def check_options(part: Part, options: Mapping[str, Any]) -> None:
    """Refuse options that a part does not take, and values of another type.

    Raises:
        UsageError: naming the nearest option, or the type that is wanted.
    """
    declared = options_of(part)
    if declared is None:
        return
    known = {one.name: one for one in declared}
    hint = f"It takes {', '.join(map(_in_short, declared)) or 'no options'}."
    for name, value in options.items():
        if name not in known and name not in GIVEN.get(part.kind, ()):
            nearest = difflib.get_close_matches(name, known, n=1)
            guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise UsageError(
                f"The {part.kind} {part.name!r} has no option {name!r}.{guess}", hint=hint
            )
        if name in known and not fits(value, known[name].kind):
            raise UsageError(
                f"The option {name!r} of the {part.kind} {part.name!r} is {value!r}; wanted is "
                f"{known[name].type}.",
                hint=hint,
            )


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a type, as far as the type is a plain one; of others any is."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in get_args(kind))
    if origin is Literal:
        return value in get_args(kind)
    if kind is None or kind is type(None):
        return value is None
    named = origin or kind
    if kind is not str and isinstance(named, type) and issubclass(named, Sequence):
        return hasattr(value, "__len__") and not isinstance(value, str | Mapping)
    if kind not in _PLAIN:
        return True
    return isinstance(value, _PLAIN[kind]) and (kind is bool or not isinstance(value, bool))


def _in_short(option: Option) -> str:
    return option.name if option.required else f"{option.name} ({option.default!r})"


def _fields_of(made: Any, factory: Callable[..., Any]) -> tuple[Option, ...]:
    """Fields of what a factory returns, but its name; defaults are those that the factory gives."""
    told, example = _help_of(made), factory()
    return tuple(
        Option(
            one.name,
            _written(one.type),
            getattr(example, one.name),
            False,
            told.get(one.name, ""),
            _annotation(one.type, made),
        )
        for one in fields(made)
        if one.init and one.name != "name"
    )


def _written(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _annotation(annotation: Any, owner: Any) -> Any:
    """The type that an annotation stands for; Any where its names are not there when it is run."""
    if annotation is inspect.Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    module = sys.modules.get(getattr(owner, "__module__", ""), None)
    try:
        return eval(annotation, dict(vars(module)) if module else {})
    except Exception:  # names that are imported for type checkers only
        return Any


def _help_of(owner: Any) -> dict[str, str]:
    """What a docstring says of each argument."""
    text = inspect.getdoc(owner) or ""
    if inspect.isclass(owner) and owner.__init__.__doc__:
        text += "\n\n" + inspect.cleandoc(owner.__init__.__doc__)
    found = {}
    for section in re.findall(r"^(?:Args|Attributes):\n((?:[ \t]+.*\n?|\n)+)", text, re.MULTILINE):
        entries = inspect.cleandoc("\n" + section)
        for names, told in re.findall(r"^(\w[\w, ]*):(.*(?:\n[ \t]+.*)*)", entries, re.MULTILINE):
            for name in names.split(","):
                found[name.strip()] = " ".join(told.split())
    for name, told in re.findall(r"^:param (\w+):(.*(?:\n[ \t]+.*)*)", text, re.MULTILINE):
        found[name] = " ".join(told.split())
    return found
