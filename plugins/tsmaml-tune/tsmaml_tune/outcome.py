"""What came of a study's trials: a row each, the best of them, and what mattered."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tsmaml.errors import TrainingError
from tsmaml_tune.space import Space
from tsmaml_tune.study import OUTCOME, finished, unwarned

if TYPE_CHECKING:
    import optuna
    import pandas as pd

# Fewer scores say little of what a parameter matters.
_FEWEST_TO_WEIGH = 10
_STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class Result:
    """What a search found.

    Attributes:
        best: arguments of ``MetaForecaster``: those that were given, and the best values over them.
        score: MASE of the best trial on the meta-validation series.
        default_score: that of the settings as given, trial 0; None where it failed.
        trials: a row a trial, the best first: ``trial``, ``state`` (``complete``, ``pruned`` or
            ``failed``), ``score``, ``step`` (outer steps done), ``seconds``, ``reason``, and the values.
        importance: share of the scores' spread that a parameter stands for (PED-ANOVA); empty
            with fewer than ten scores.
        n_series: meta-validation series that were scored.
        interrupted: whether Ctrl-C ended it; the trial under way is not among the trials.
    """

    best: dict[str, Any]
    score: float
    default_score: float | None
    trials: pd.DataFrame
    importance: dict[str, float]
    n_series: int
    interrupted: bool = False


def row_of(trial: optuna.trial.FrozenTrial, number: int) -> dict[str, Any]:
    """What is known of a trial that has an outcome; ``number`` counts those."""
    told, state = trial.user_attrs, _STATES[trial.state.name]
    return {
        "trial": number,
        "state": state,
        "score": trial.value if state == "complete" else None,
        "step": told.get("step", 0),
        "seconds": told[OUTCOME],
        "reason": told.get("reason", ""),
        "n_series": told.get("n_series", 0),
        "values": json.loads(told["values"]),
    }


def result_of(
    study: optuna.Study, space: Space, *, given: Mapping[str, Any], interrupted: bool
) -> Result:
    """What a study found so far.

    Args:
        study, space: of the search.
        given: arguments of ``MetaForecaster`` as they were given; a trial's may have other steps.
        interrupted: whether it was interrupted.

    Raises:
        TrainingError: if no trial has a score.
        KeyboardInterrupt: if none has, and it was interrupted.
    """
    import pandas as pd

    rows = [row_of(trial, number) for number, trial in enumerate(finished(study))]
    scored = [row for row in rows if row["score"] is not None]
    if not scored:
        if interrupted:
            raise KeyboardInterrupt
        raise TrainingError(
            f"None of {len(rows)} trials has a score. The last one: {rows[-1]['reason']}"
        )
    best = min(scored, key=lambda row: row["score"])
    order = sorted(rows, key=lambda row: math.inf if row["score"] is None else row["score"])
    frame = pd.DataFrame([{**row, **row["values"]} for row in order])
    return Result(
        _arguments(space, best["values"], given),
        best["score"],
        rows[0]["score"],
        frame.drop(columns=["n_series", "values"]),
        _importance(study, space, len(scored)),
        best["n_series"],
        interrupted,
    )


def _arguments(space: Space, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Of a fit with these values: its steps, where they were not searched, are those given."""
    made = space.arguments(values)
    if "steps" not in values:
        made.pop("steps", None)
        made |= {name: given[name] for name in ("steps",) if name in given}
    return made


def _importance(study: optuna.Study, space: Space, scored: int) -> dict[str, float]:
    if scored < _FEWEST_TO_WEIGH or len(space.dimensions) < 2:
        return {}
    import optuna

    with unwarned():
        return optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
