"""A space: dimensions by name, checked against what parts and settings declare.

Names are a role (``model``: which part), ``ROLE.NAME`` (an option of the part) and those of
``MetaForecaster``'s own arguments. An option that only some of the parts have is searched where they are
chosen.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tsmaml import MetaForecaster
from tsmaml.errors import UsageError
from tsmaml.forecaster.quiet import quiet_tensorflow
from tsmaml.plugins import Part, registry
from tsmaml.plugins.options import check_options, fits, options_of
from tsmaml_tune.dimensions import Choices, Dimension, Range, dimension

if TYPE_CHECKING:
    import optuna

# Role: the kind of part.
ROLES = {"model": "model", "loss": "loss", "tasks": "task builder", "algorithm": "algorithm"}
# What decides which forecasts are scored, and on what scale, has to be the same in all trials.
FIXED = ("h", "season_length", "freq", "holdout", "seed")
# A name for steps and ensemble; when to give up.
_NO_NUMBERS = ("size", "patience")
# Losses of validation are comparable where none of these differs: it is their unit, the points that
# they are of, or how far a run has come at a step.
_MAKE_INCOMPARABLE = (
    "loss",
    "member_losses",
    "scaling",
    "transform",
    "input_size",
    "ensemble",
    "steps",
)
# Of an algorithm that has them, the two that its forecasts depend on most.
_OF_ALGORITHMS = ("steps", "rate")


@dataclass(frozen=True)
class Space:
    """Dimensions, and the forecaster whose settings hold where they don't.

    Attributes:
        dimensions: by name, those that choose parts first.
        base: arguments of ``MetaForecaster``.
    """

    dimensions: Mapping[str, Dimension]
    base: Mapping[str, Any]

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Values for a trial: of those dimensions that the chosen parts have."""
        values: dict[str, Any] = {}
        for name, one in self.dimensions.items():
            if self._applies(name, values):
                values[name] = one.suggest(trial, name)
        return values

    def usual(self, input_size: int) -> dict[str, Any]:
        """The values of the base, of those dimensions that its parts have; they may lie outside."""
        settings = MetaForecaster(**self.base).settings
        values: dict[str, Any] = {}
        for name in self.dimensions:
            role, _, option = name.partition(".")
            if not option:
                value = getattr(settings, name)
                values[name] = input_size if name == "input_size" and value is None else value
            elif self._applies(name, {}):
                values[name] = _default(settings, self._part(role, {}), role, option)
        return values

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of ``MetaForecaster``: the base, and the values over it.

        Where the part of a role is searched, options of the base hold for those parts that have them.
        """
        made = dict(self.base)
        for role in ROLES:
            options = dict(made.get(f"{role}_options") or {})
            if role in values:
                part = self._part(role, values)
                options = {name: one for name, one in options.items() if _has(part, name)}
            options |= {
                name.partition(".")[2]: value
                for name, value in values.items()
                if name.startswith(f"{role}.")
            }
            if options or f"{role}_options" in made:
                made[f"{role}_options"] = options
        return made | {name: value for name, value in values.items() if "." not in name}

    @property
    def comparable(self) -> bool:
        """Whether losses of validation can be compared between trials."""
        return not any(name.partition(".")[0] in _MAKE_INCOMPARABLE for name in self.dimensions)

    def _applies(self, name: str, values: Mapping[str, Any]) -> bool:
        role, _, option = name.partition(".")
        return not option or _has(self._part(role, values), option)

    def _part(self, role: str, values: Mapping[str, Any]) -> Part:
        """The part of a role, with these values."""
        given = values.get(role, self.base.get(role))
        if given is None or not isinstance(given, str):
            return MetaForecaster(**self.base).settings.parts[role]
        return registry().get(ROLES[role], given)


def checked(given: Mapping[str, Any] | None, base: Mapping[str, Any]) -> Space:
    """The space that is meant, or the usual one, with every value checked.

    What can be told without it is told before a part's module, and with it TensorFlow, is imported.

    Raises:
        UsageError: naming the first name or value that can't be, and the nearest name.
    """
    asked = {name: dimension(name, one) for name, one in (given or {}).items()}
    forecaster = MetaForecaster(**base)
    parts = forecaster.settings.parts
    settings = {option.name: option for option in options_of(_SETTINGS) or ()}
    found: dict[str, Dimension] = {}
    for name in sorted(asked, key=lambda one: one not in ROLES):
        if name in ROLES:
            found[name] = _of_parts(name, asked[name])
        elif "." not in name:
            found[name] = _of_setting(name, asked[name], settings, base)
        elif name.partition(".")[0] not in ROLES:
            raise _no_such(name, asked[name])
    if not asked:
        quiet_tensorflow()
        found = _usual_space(forecaster, base)
    # Options of algorithms come last: their module imports TensorFlow.
    for name, one in sorted(asked.items(), key=lambda each: each[0].startswith("algorithm.")):
        role, _, option = name.partition(".")
        if option and role == "algorithm":
            quiet_tensorflow()
        if option:
            found[name] = _of_option(_candidates(role, found, parts[role]), option, one)
    return Space(found, dict(base))


# MetaForecaster's own arguments, as if they were the options of a part.
_SETTINGS = Part("forecaster", "MetaForecaster", "", None, None, MetaForecaster)


def _of_parts(role: str, one: Dimension) -> Choices:
    if not isinstance(one, Choices):
        raise UsageError(f"{role}={one}: wanted are names of parts, such as {role}=a,b.")
    for name in one.values:
        registry().get(ROLES[role], str(name))
    return one


def _of_setting(
    name: str, one: Dimension, settings: Mapping[str, Any], base: Mapping[str, Any]
) -> Dimension:
    searched = [
        known
        for known in settings
        if known not in (*FIXED, *ROLES, *_NO_NUMBERS) and not known.endswith("_options")
    ]
    if name in FIXED:
        raise UsageError(
            f"{name!r} can't be searched: it decides what is scored, and is the same in all trials.",
            hint="Set it with the option of tsmaml fit.",
        )
    if name not in searched:
        raise _no_such(name, one, searched)
    for end in one.ends:
        if not fits(end, settings[name].kind):
            raise UsageError(
                f"--search {name}={one}: wanted is {settings[name].type}, not {end!r}."
            )
        try:
            MetaForecaster(**{**base, name: end})
        except UsageError as error:
            raise UsageError(f"--search {name}={one}: {error.message}", hint=error.hint) from None
    return _of_kind(one, settings[name].kind)


def _of_option(parts: tuple[Part, ...], option: str, one: Dimension) -> Dimension:
    """An option of those parts that have it, of a type that all of them take."""
    having = [part for part in parts if _has(part, option)]
    for part in having or parts[:1]:
        for end in one.ends:
            check_options(part, {option: end})
    for part in having:
        declared = {known.name: known for known in options_of(part) or ()}
        if option in declared:
            one = _of_kind(one, declared[option].kind)
    return one


def _of_kind(one: Dimension, kind: Any) -> Dimension:
    """A range as whole numbers where the type takes no others; of a type that is not told as written."""
    if isinstance(one, Choices) or fits("", kind):
        return one
    if not fits(0.5, kind) and one.step is not None and one.step != int(one.step):
        raise UsageError(f"The step {one.step:g} is no whole number, as the values have to be.")
    return one.of_kind(whole=not fits(0.5, kind))


def _no_such(name: str, one: Dimension, settings: Any = ()) -> UsageError:
    role, _, option = name.partition(".")
    known = list(ROLES) if option else [*settings, *ROLES]
    nearest = difflib.get_close_matches(role, known, n=1)
    right = f"{nearest[0]}.{option}" if nearest and option else nearest[0] if nearest else ""
    guess = f" Did you mean {right!r}?" if nearest else ""
    return UsageError(
        f"--search {name}={one}: there is nothing named {name!r}.{guess}",
        hint="Names are "
        + ", ".join([*known, *(f"{role}.OPTION" for role in ROLES)])
        + "; tsmaml fit --help-model NAME shows options.",
    )


def _candidates(role: str, found: Mapping[str, Any], base: Part) -> tuple[Part, ...]:
    if role not in found:
        return (base,)
    return tuple(registry().get(ROLES[role], name) for name in found[role].values)


def _has(part: Part, option: str) -> bool:
    declared = options_of(part)
    return declared is None or option in {known.name for known in declared}


def _default(settings: Any, part: Part, role: str, option: str) -> Any:
    given = getattr(settings, f"{role}_options")
    declared = {known.name: known.default for known in options_of(part) or ()}
    return given[option] if option in given else declared.get(option)


def _usual_space(forecaster: MetaForecaster, base: Mapping[str, Any]) -> dict[str, Dimension]:
    """The learning rate, and the numbers of model and algorithm that are not given, around them."""
    found: dict[str, Dimension] = {"learning_rate": _around(forecaster.settings.learning_rate, 10)}
    for role in ("model", "algorithm"):
        part, given = forecaster.settings.parts[role], base.get(f"{role}_options") or {}
        options = [known for known in options_of(part) or () if known.name not in given]
        if role == "algorithm" and "steps" in {known.name for known in options}:
            options = [known for known in options if known.name in _OF_ALGORITHMS]
        for known in options:
            value = _default(forecaster.settings, part, role, known.name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or value <= 0 or not fits(value, known.kind):
                continue
            name = f"{role}.{known.name}"
            if fits(0.5, known.kind):
                found[name] = _around(value, 4)
            else:  # multiples of each other, so that sizes that divide one another still do
                found[name] = Choices(
                    tuple(sorted({max(1, math.ceil(value / 2)), value, 2 * value}))
                )
    return found


def _around(value: float, factor: float) -> Range:
    """From ``value / factor`` to ``value * factor``; a share stays below 1."""
    high = min(value * factor, (1 + value) / 2) if value < 1 else value * factor
    return Range(float(f"{value / factor:.3g}"), float(f"{high:.3g}"), log=True)
