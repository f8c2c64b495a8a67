"""Everything that a user can set on a forecaster, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tsmaml.errors import UnknownNameError, UsageError
from tsmaml.plugins import Part, Registry, registry
from tsmaml.plugins.options import check_options
from tsmaml.tasks.transforms import transform_of

# What the default algorithm is given, under the user's own options: found best on held-out series
# (docs/benchmarks.md). Rates learned for each layer of MAML go to 0 outside the heads.
_ANIL_OPTIONS = {"steps": 5, "rate": 0.05, "learned_rates": "layer"}


class Size(NamedTuple):
    """What a size of :class:`tsmaml.MetaForecaster` stands for.

    Attributes:
        steps: outer steps of meta-training.
        ensemble: nets side by side.
    """

    steps: int
    ensemble: int


def size_of(name: str) -> Size:
    """The size of that name.

    Raises:
        UnknownNameError: if there is none.
    """
    if name not in SIZES:
        raise UnknownNameError("size", str(name), SIZES)
    return SIZES[name]


SIZES = {"tiny": Size(800, 1), "default": Size(5000, 1), "large": Size(5000, 5)}


@dataclass(frozen=True)
class Settings:
    """What :class:`tsmaml.MetaForecaster` was asked for; see there for the meaning of each."""

    h: int | None = None
    input_size: int | None = None
    season_length: int | None = None
    freq: str | int | None = None
    model: str | Callable[..., Any] = "nbeats"
    loss: str | Callable[..., Any] = "mae"
    tasks: str | Callable[..., Any] = "per_series"
    algorithm: str | Callable[..., Any] = "anil"
    model_options: Mapping[str, Any] = field(default_factory=dict)
    loss_options: Mapping[str, Any] = field(default_factory=dict)
    tasks_options: Mapping[str, Any] = field(default_factory=dict)
    algorithm_options: Mapping[str, Any] = field(default_factory=dict)
    steps: int = SIZES["default"].steps
    meta_batch: int = 64
    learning_rate: float = 1e-3
    n_support: int = 8
    n_query: int = 8
    cold_share: float = 0.3
    mix_share: float = 0.5
    holdout: float = 0.2
    validate_every: int = 100
    patience: int | None = None
    seed: int = 0
    scaling: str = "standard"
    transform: str = "none"
    non_negative: bool = False
    calendar: Sequence[str] = ()
    ensemble: int = SIZES["default"].ensemble
    member_losses: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "member_losses", tuple(self.member_losses))
        if self.algorithm == Settings.algorithm:
            merged = {**_ANIL_OPTIONS, **self.algorithm_options}
            object.__setattr__(self, "algorithm_options", merged)
        for name in ("steps", "meta_batch", "n_support", "n_query", "validate_every", "ensemble"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise UsageError(f"{name} is {value!r}; wanted is a whole number of 1 or more.")
        for name in ("h", "input_size", "season_length"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise UsageError(f"{name} is {value!r}; wanted is a whole number of 1 or more.")
        registry().get("scaling", self.scaling)
        transform_of(self.transform)
        if not self.learning_rate > 0:
            raise UsageError(f"learning_rate is {self.learning_rate!r}; wanted is above 0.")
        if not 0 <= self.holdout < 0.9:
            raise UsageError(f"holdout is {self.holdout!r}; wanted is a share from 0 to 0.9.")
        for name in ("cold_share", "mix_share"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise UsageError(f"{name} is {share!r}; wanted is a share from 0 to 1.")
        if self.member_losses and len(self.member_losses) >= self.ensemble:
            raise UsageError(
                f"There are {len(self.member_losses) + 1} losses ({self.loss}, "
                f"{', '.join(self.member_losses)}) for an ensemble of {self.ensemble}.",
                hint="Give each loss a net: --ensemble K, in Python ensemble=K.",
            )
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**31:
            raise UsageError(f"seed is {self.seed!r}; wanted is a whole number from 0 to 2^31 - 1.")

    @property
    def parts(self) -> dict[str, Part]:
        """The four parts, resolved: ``model``, ``loss``, ``tasks``, ``algorithm``."""
        kinds = {
            "model": "model",
            "loss": "loss",
            "tasks": "task builder",
            "algorithm": "algorithm",
        }
        found = registry()
        return {
            role: _as_callable_part(found, kind, role, getattr(self, role))
            for role, kind in kinds.items()
        }

    @property
    def other_losses(self) -> list[Part]:
        """Losses of the nets of an ensemble beside the first, resolved."""
        return [registry().resolve("loss", name) for name in self.member_losses]

    def check_parts(self) -> None:
        """Refuse wrong names of parts, and wrong options where that loads no TensorFlow.

        Options of the algorithm are checked when it is made: its module loads the engine.

        Raises:
            UsageError, PluginError: see :func:`tsmaml.plugins.options.check_options`.
        """
        for role, part in self.parts.items():
            if role != "algorithm":
                check_options(part, getattr(self, f"{role}_options"))
        for part in self.other_losses:
            check_options(part, {})


def _as_callable_part(found: Registry, kind: str, role: str, given: Any) -> Part:
    is_made = role == "loss" or (role == "algorithm" and not callable(given))
    if not isinstance(given, str) and is_made:
        # A loss, or a composition such as engine.maml(rate=...): the part itself, not its maker.
        own = getattr(given, "name", None) or getattr(given, "__name__", None)
        name = str(own or type(given).__name__)
        return Part(kind, name, "given in Python", None, None, lambda: given)
    return found.resolve(kind, given)
