"""The result of an evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmaml.errors import UnknownNameError, UsageError
from tsmaml.evaluation.metrics import scored
from tsmaml.evaluation.request import ZERO_STEP
from tsmaml.evaluation.resampling import bootstrap, means_by, paired_p_value

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Forecasts of what is known, their scores, and how sure these are.

    Intervals are 95 % bootstrap intervals over series, drawn with the seed of the evaluation.

    Attributes:
        forecasts: ``unique_id, ds, cutoff, y, TSMAML, TSMAML-lo-80, TSMAML-hi-80, ..., zero-step,
            <baseline>, ...``, a row for each series, cutoff and step. It goes to
            ``utilsforecast.evaluation.evaluate`` and ``plot_series`` as it is. In a cold start there is
            ``history`` too, the points that were shown: :meth:`at` takes one and drops it.
        scores: ``unique_id, metric, model, value``, over all cutoffs and steps; in a cold start with
            ``history``.
        curves: few-shot curves ``curve, at, metric, model, value, lo, hi, n_series``; ``curve`` is
            ``history`` (``at`` so many points) or ``inner_steps``. Empty where none were drawn.
        scales: ``unique_id, cutoff, scale``: denominators of MASE.
        series: ``unique_id, points, seen`` (whether the model was meta-trained on it) and the static
            columns.
        settings: what was asked for, as JSON values; ``model``, ``models`` and ``baselines`` are names of
            columns.
        warnings: what to know before believing it.
    """

    forecasts: pd.DataFrame
    scores: pd.DataFrame
    curves: pd.DataFrame
    scales: pd.DataFrame
    series: pd.DataFrame
    settings: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        s = self.settings
        return (
            f"Evaluation(protocol={s['protocol']}, {self.scores['unique_id'].nunique()} series, "
            f"h={s['h']}, models={', '.join(s['models'])})"
        )

    def _repr_html_(self) -> str:
        from tsmaml.evaluation.pages import card

        return card(self)

    def at(self, history: int) -> Evaluation:
        """A cold start from one length of history, without the column ``history``.

        Raises:
            UsageError: if there is none of that length.
        """
        known = sorted(set(self.forecasts["history"])) if "history" in self.forecasts else []
        if history not in known:
            raise UsageError(
                f"There is no history of {history} points.", hint=f"There are {known}."
            )
        part = {
            name: frame[frame["history"] == history].drop(columns="history").reset_index(drop=True)
            for name, frame in (("forecasts", self.forecasts), ("scores", self.scores))
        }
        return Evaluation(
            part["forecasts"],
            part["scores"],
            self.curves,
            self.scales,
            self.series,
            self.settings,
            self.warnings,
        )

    @property
    def _by(self) -> list[str]:
        return ["history"] if "history" in self.scores else []

    @cached_property
    def _summary(self) -> pd.DataFrame:
        return self._means(self.scores, self._by)

    def _means(self, scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        return means_by(scores, by, self.settings["n_bootstrap"], self.settings["seed"])

    def summary(self) -> pd.DataFrame:
        """Means over series: ``[history,] metric, model, value, lo, hi, n_series``."""
        return self._summary.copy()

    def by_step(self) -> pd.DataFrame:
        """The same for each step of the horizon, ``step`` from 1."""
        rows = self.forecasts.merge(self.scales, on=["unique_id", "cutoff"], validate="m:1")
        place = rows.groupby(["unique_id", "cutoff", *self._by], sort=False).cumcount()
        rows["step"] = place.to_numpy() + 1
        s = self.settings
        by = [*self._by, "step"]
        scores = scored(rows, ["unique_id", *by], s["models"], s["metrics"], s["levels"])
        return self._means(scores, by)

    def by_group(self, column: str | Mapping[str, Any]) -> pd.DataFrame:
        """The same for each group of series.

        Args:
            column: a column of ``series`` (static columns, ``seen``), or ``{id: group}``.

        Raises:
            UnknownNameError: if there is no such column.
        """
        name = "group"
        if not isinstance(column, str):
            groups = dict(column)
        else:
            known = [str(one) for one in self.series if one != "unique_id"]
            if column not in known:
                raise UnknownNameError("column of groups", column, known)
            name = column
            groups = dict(zip(self.series["unique_id"], self.series[column], strict=True))
        scores = self.scores.assign(**{name: self.scores["unique_id"].map(groups)})
        return self._means(scores.dropna(subset=[name]), [name, *self._by])

    def compare(self) -> pd.DataFrame:
        """Each forecast of the model against each baseline, series by series.

        Returns:
            ``[history,] metric, model, baseline, difference, lo, hi, p_value, better, n_series``.
            ``difference`` is the mean score of ``model`` less that of ``baseline``: below 0 the model is
            better. ``lo`` and ``hi`` are its bootstrap interval; ``p_value`` is of a two-sided paired test
            that turns signs of the series' differences at random; ``better`` is the share of the series
            on which the model is better. Coverage is left out: more of it is not better.
        """
        import pandas as pd

        s = self.settings
        found = []
        keys = [*self._by, "metric"]
        for key, rows in self.scores.groupby(keys, sort=False):
            if str(key[-1]).startswith("coverage"):
                continue
            wide = rows.pivot(index="unique_id", columns="model", values="value")
            for model, baseline in _pairs(s["model"], s["baselines"]):
                if not {model, baseline} <= set(wide.columns):
                    continue
                both = (wide[model] - wide[baseline]).dropna().to_numpy(float)
                if not len(both):
                    continue
                lower, upper = bootstrap(both[:, None], s["n_bootstrap"], s["seed"])
                found.append(
                    {
                        **dict(zip(keys, key, strict=True)),
                        "model": model,
                        "baseline": baseline,
                        "difference": both.mean(),
                        "lo": lower[0],
                        "hi": upper[0],
                        "p_value": paired_p_value(both, s["n_bootstrap"], s["seed"]),
                        "better": (both < 0).mean(),
                        "n_series": len(both),
                    }
                )
        return pd.DataFrame(found)

    def as_dict(self) -> dict[str, Any]:
        """Settings, means, comparisons, curves and warnings as JSON values; no single series."""
        return {
            "settings": json.loads(json.dumps(dict(self.settings))),
            "summary": _records(self.summary()),
            "compare": _records(self.compare()),
            "curves": _records(self.curves),
            "warnings": list(self.warnings),
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """:meth:`as_dict` as text, and written to a file where one is named."""
        text = json.dumps(self.as_dict(), indent=2, allow_nan=False)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text


def _pairs(model: str, baselines: Sequence[str]) -> list[tuple[str, str]]:
    """Adapted and zero-step forecasts against every baseline, and against each other."""
    against = [(one, other) for one in (model, ZERO_STEP) for other in baselines]
    return [(model, ZERO_STEP), *against]


def _records(frame: pd.DataFrame) -> Any:
    """Rows as JSON values, with None for what is missing."""
    return json.loads(frame.to_json(orient="records", double_precision=15))
