"""A forecaster on sktime's states: new, pretrained on a panel, fitted to a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sktime.datatypes import update_data
from sktime.forecasting.base import BaseForecaster

from tsmaml_sktime import meta, naive
from tsmaml_sktime.panels import n_batches, panel_of


class TsmamlForecaster(BaseForecaster):
    """Meta-trained on the series of a panel, adapted to the series at hand.

    ``pretrain`` meta-trains :class:`tsmaml.MetaForecaster` on a panel; ``fit`` takes the series to
    forecast, of however few points; ``predict`` adapts to it and forecasts; ``update`` adds points.
    Without ``pretrain`` there is nothing to adapt: forecasts are the seasonal naive, and quantiles those
    of its own errors so far. Points are numbered, so that indices of every kind are taken: rows have to
    follow each other in regular steps, with NaN where one is missing. Each column is a series.

    Parameters
    ----------
    h : int, optional
        Horizon to train for; None: the furthest step of the ``fh`` that ``pretrain`` is given, or a
        choice by the lengths of the series. ``predict`` goes beyond it by feeding forecasts back.
    season_length : int, default=1
        Points in a season; 1: none.
    options : dict, optional
        Further arguments of :class:`tsmaml.MetaForecaster`: ``model``, ``algorithm``, ``steps``, ...
        Models, losses, tasks and algorithms by name.

    Attributes
    ----------
    model_ : bytes
        A model file of tsmaml, after ``pretrain``.
    panel_ : pd.DataFrame
        What it was meta-trained on, ``unique_id, ds, y``. A further ``pretrain`` meta-trains anew, on
        this and the new panel.

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from sktime.utils._testing.hierarchical import _make_hierarchical
    >>> from tsmaml_sktime import TsmamlForecaster
    >>> panel = _make_hierarchical(hierarchy_levels=(12,), min_timepoints=60, max_timepoints=60)
    >>> forecaster = TsmamlForecaster(h=6, season_length=12, options={"steps": 200})
    >>> forecaster.pretrain(panel)  # doctest: +SKIP
    >>> forecaster.fit(load_airline()).predict(fh=[1, 2, 3])  # doctest: +SKIP
    """

    _tags = {  # noqa: RUF012
        "authors": ["tsmaml"],
        "maintainers": ["tsmaml"],
        "python_dependencies": ["tsmaml"],
        "capability:multivariate": True,
        "capability:exogenous": False,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:missing_values": True,
        "capability:update": True,
        "capability:pretrain": True,
        "capability:random_state": False,
        "pretrain:fitted_params": ["model_", "panel_"],
        "y_inner_mtype": "pd.DataFrame",
        "requires-fh-in-fit": False,
    }

    def __init__(
        self,
        h: int | None = None,
        season_length: int = 1,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.h = h
        self.season_length = season_length
        self.options = options
        super().__init__()

    def _pretrain(self, y: pd.DataFrame, X: Any = None, fh: Any = None) -> TsmamlForecaster:
        return self._meta_train(panel_of(y, batch=0), fh)

    def _pretrain_update(self, y: pd.DataFrame, X: Any = None, fh: Any = None) -> TsmamlForecaster:
        if not hasattr(self, "panel_"):  # fitted, but never pretrained
            return self._pretrain(y, X, fh)
        new = panel_of(y, batch=n_batches(self.panel_))
        return self._meta_train(pd.concat([self.panel_, new], ignore_index=True), fh)

    def _meta_train(self, panel: pd.DataFrame, fh: Any) -> TsmamlForecaster:
        h = self.h
        if h is None and fh is not None and fh.is_relative:
            h = int(fh.to_numpy().max())
        self.model_ = meta.trained(panel, h, self.season_length, self.options or {})
        self.panel_ = panel
        return self

    def _fit(self, y: pd.DataFrame, X: Any = None, fh: Any = None) -> TsmamlForecaster:
        self._series = y
        return self

    def _update(self, y: pd.DataFrame, X: Any = None, update_params: bool = True) -> Any:
        # What is adapted is adapted in predict, to all points so far: there is nothing else to update.
        self._series = update_data(self._series, y)
        return self

    def _predict(self, fh: Any, X: Any = None) -> pd.DataFrame:
        steps, index = self._ahead(fh)
        found, _ = self._forecasts(int(steps.max()), ())
        return pd.DataFrame(found[steps - 1], index=index, columns=self._series.columns)

    def _predict_quantiles(self, fh: Any, X: Any, alpha: Sequence[float]) -> pd.DataFrame:
        steps, index = self._ahead(fh)
        _, found = self._forecasts(int(steps.max()), alpha)
        columns = pd.MultiIndex.from_product([self._get_varnames(), alpha])
        # [steps, series, quantiles], of which each row is one series after the other
        values = found[steps - 1].reshape(len(steps), -1)
        return pd.DataFrame(values, index=index, columns=columns)

    def _ahead(self, fh: Any) -> tuple[np.ndarray, pd.Index]:
        """Steps from the end of the series, from 1 on, and their index."""
        steps = fh.to_relative(self.cutoff).to_numpy().astype(int)
        return steps, fh.to_absolute_index(self.cutoff)

    def _forecasts(self, h: int, alpha: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """Forecasts ``[h, series]`` and their quantiles ``[h, series, alpha]``."""
        values = self._series.to_numpy(float)
        if hasattr(self, "model_"):
            return meta.forecasts(self.model_, values, h, alpha)
        return naive.forecasts(values, self.season_length, h, alpha)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Nets that are trained in seconds, without held-out series: sktime's checks train dozens."""
        small = {
            "model": "linear",
            "input_size": 4,
            "algorithm": "reptile",
            "algorithm_options": {"steps": 1},
            "steps": 2,
            "meta_batch": 2,
            "n_support": 2,
            "n_query": 1,
            "holdout": 0.0,
        }
        return [{"h": 3, "options": small}, {"season_length": 2, "h": 3, "options": small}]
