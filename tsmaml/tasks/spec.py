"""Sizes of windows, and how many a task has."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

from tsmaml.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from tsmaml.tasks.scaling import Scaling

# The scalings of tsmaml.tasks.scaling, told without loading TensorFlow.
SCALING_KINDS = ("standard", "mean_absolute", "last", "robust", "seasonal")
# Points of the shortest history that meta-training cuts: a support and a query window.
_SHORTEST_COLD = 3


def check_scaling(name: str | Scaling) -> None:
    """Refuse a name of a scaling that tsmaml has not; those of plugins come as scalings.

    Raises:
        UnknownNameError: naming those that there are.
    """
    if isinstance(name, str) and name not in SCALING_KINDS:
        raise UnknownNameError("scaling", name, SCALING_KINDS)


@dataclass(frozen=True)
class WindowSpec:
    """What windows look like and how a task is filled with them.

    Attributes:
        input_size: past points of a window.
        h: points to forecast.
        season_length: points in a season; 1: none.
        n_support: support windows of a task, the latest ones before the cut.
        n_query: query windows of a task; the first begins at the cut.
        stride: points between two support windows of a series; 0: half the horizon.
        cold_share: share of meta-training tasks whose history is cut to its last points, 3
            of them to 3 seasons, so that the model knows cold starts.
        mix_share: share of meta-training tasks that are mixed with a second series, so that there are
            more to learn from; none where models take exogenous columns, which do not mix.
        scaling: a name of :data:`SCALING_KINDS`, or a :class:`tsmaml.tasks.scaling.Scaling`.
    """

    input_size: int
    h: int
    season_length: int = 1
    n_support: int = 8
    n_query: int = 2
    stride: int = 0
    cold_share: float = 0.2
    mix_share: float = 0.0
    scaling: str | Scaling = "standard"

    def __post_init__(self) -> None:
        sizes = ("input_size", "h", "season_length", "n_support", "n_query", "stride")
        for name in sizes:
            value, least = getattr(self, name), 0 if name == "stride" else 1
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                automatic = " (0: half the horizon)" if name == "stride" else ""
                raise UsageError(
                    f"{name} is {value!r}; wanted is a whole number of {least} or more{automatic}."
                )
            object.__setattr__(self, name, int(value))
        for name in ("cold_share", "mix_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)}; wanted is a share from 0 to 1.")
        check_scaling(self.scaling)
        if not self.stride:
            object.__setattr__(self, "stride", max(1, self.h // 2))

    @property
    def cold_lengths(self) -> tuple[int, int]:
        """Shortest and longest history of a cold start, in points: 3 points to 3 seasons."""
        season = self.season_length if self.season_length > 1 else 4
        return _SHORTEST_COLD, 3 * season
