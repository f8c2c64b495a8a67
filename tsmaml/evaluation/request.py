"""What an evaluation is asked for, checked; and what it asks of a forecaster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tsmaml.errors import UsageError
from tsmaml.evaluation.baselines import Baseline
from tsmaml.evaluation.metrics import metrics_of
from tsmaml.intervals import levels_of
from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.series import SeriesCollection

if TYPE_CHECKING:
    import pandas as pd

PROTOCOLS = {
    "time": "the last windows of every series, from rolling cutoffs",
    "series": "series that the model was not meta-trained on, fold by fold",
    "cold-start": "the same, with their histories cut to a few points",
}
ZERO_STEP = "zero-step"
Baselines = Sequence[str | Callable[..., Any]] | Mapping[Any, Mapping[str, Any]]


class Forecaster(Protocol):
    """What is evaluated: a :class:`tsmaml.MetaForecaster`, or what does the same."""

    @property
    def settings(self) -> Any:
        """What it was asked for: ``h`` and ``freq`` are read."""

    @property
    def is_fitted(self) -> bool:
        """Whether it can predict."""

    @property
    def choices_(self) -> Any:
        """Horizon ``h`` and ``season_length``, once it is fitted."""

    @property
    def history_(self) -> Any:
        """``stopped_by`` is ``"interrupt"`` if the user stopped meta-training."""

    @property
    def fingerprints_(self) -> Sequence[str]:
        """Hashes of the ids that were meta-trained on, see ``SeriesCollection.fingerprints``."""

    def unfitted(self, h: int | None = None) -> Forecaster:
        """A forecaster of the same settings, not fitted."""

    def fit(self, df: Any, *, callbacks: Sequence[Any] = (), progress: bool = True) -> Any:
        """Meta-train."""

    def predict(
        self,
        df: Any,
        *,
        h: int | None = None,
        level: Any = None,
        adapt_to: str | None = None,
        with_zero_step: bool = False,
        inner_steps: int | None = None,
    ) -> pd.DataFrame:
        """Id, time, the point forecast and its bounds; ``h`` rows a series, in their order."""


class Stage(NamedTuple):
    """What comes next in an evaluation, and how many such pieces of work are done."""

    name: str
    done: int


@dataclass(frozen=True)
class Request:
    """What to evaluate and how; :func:`tsmaml.evaluation.evaluate` says what each means."""

    protocol: str = "time"
    h: int | None = None
    n_windows: int = 1
    step_size: int | None = None
    refit: bool | int = False
    folds: int = 5
    lengths: tuple[int, ...] | None = None
    levels: tuple[float, ...] = ()
    metrics: tuple[str, ...] = ()
    curves: bool = True
    n_bootstrap: int = 1000
    seed: int = 0

    @classmethod
    def checked(cls, protocol: str, level: Any, metrics: Any, lengths: Any, **rest: Any) -> Request:
        """A request whose every value can be used.

        Raises:
            UsageError: naming the first that can't.
        """
        if protocol not in PROTOCOLS:
            raise UsageError(
                f"There is no protocol {protocol!r}; wanted is one of {', '.join(PROTOCOLS)}."
            )
        for name, least in (
            *(("h", 1), ("n_windows", 1), ("step_size", 1), ("refit", 0), ("folds", 2)),
            *(("n_bootstrap", 1), ("seed", 0)),
        ):
            value = rest[name]
            if value is not None and not (isinstance(value, int) and value >= least):
                raise UsageError(f"{name} is {value!r}; wanted is a whole number from {least}.")
        if lengths is not None:
            lengths = tuple(sorted(set(lengths)))
            if not lengths or any(not isinstance(one, int) or one < 1 for one in lengths):
                raise UsageError(f"lengths are {list(lengths)}; wanted are whole numbers from 1.")
        if lengths is not None and protocol != "cold-start":
            raise UsageError("lengths cut the histories of the protocol cold-start, of no other.")
        if rest["refit"] and protocol != "time":
            raise UsageError(
                "refit is of the protocol time; the others meta-train once for each fold."
            )
        levels = tuple(levels_of(level, None))
        return cls(
            protocol, lengths=lengths, levels=levels, metrics=metrics_of(metrics, levels), **rest
        )

    def as_dict(self) -> dict[str, Any]:
        """The request as JSON values."""
        return asdict(self)


def resolved(baselines: Baselines) -> list[tuple[Part, Mapping[str, Any]]]:
    """Baselines by name, as functions, or by name with options; and their options.

    Raises:
        UnknownNameError, PluginError: if one is not there or can't be loaded.
        UsageError: if two have one name.
    """
    options = baselines if isinstance(baselines, Mapping) else {}
    found = [(registry().resolve("baseline", one), options.get(one, {})) for one in baselines]
    for part, _ in found:
        part.load()
    names = [part.name for part, _ in found]
    if len(set(names)) < len(names):
        raise UsageError(f"Two baselines have the same name: {', '.join(names)}.")
    return found


def plugins_of(baselines: Baselines) -> dict[str, str]:
    """Versions of the plugins that baselines come from, other than tsmaml itself."""
    return {
        part.plugin: str(part.version)
        for part, _ in resolved(baselines)
        if part.plugin not in (None, "tsmaml")
    }


def made(
    baselines: Sequence[tuple[Part, Mapping[str, Any]]], season_length: int
) -> dict[str, Baseline]:
    """The baselines for a season, by name."""
    return {
        part.name: call_part(part, season_length, options=options) for part, options in baselines
    }


def horizon_of(forecaster: Forecaster, collection: SeriesCollection, h: int | None) -> int:
    """The horizon asked for, or the forecaster's, or the usual one of the collection."""
    from tsmaml.series.defaults import choose

    if forecaster.is_fitted:
        longest = int(forecaster.choices_.h)
        if h is not None and h > longest:
            raise UsageError(f"h is {h}; this model forecasts 1 to {longest} points.")
        return longest if h is None else h
    return choose(collection, forecaster.settings.h if h is None else h).h
