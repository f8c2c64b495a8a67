"""A forecaster without a network: it forecasts the mean of what it is shown, and keeps note of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd


class StandIn:
    """What :class:`tsmaml.evaluation.request.Forecaster` asks for."""

    def __init__(self, h=2, season_length=2, known=(), fitted=True, log=None):
        self.settings = SimpleNamespace(h=h, freq=None)
        self.choices_ = SimpleNamespace(h=h, season_length=season_length)
        self.history_ = SimpleNamespace(stopped_by="steps")
        self.is_fitted, self.fingerprints_ = fitted, list(known)
        self.log = [] if log is None else log

    def unfitted(self, h=None):
        season_length = self.choices_.season_length
        return StandIn(h or self.choices_.h, season_length, fitted=False, log=self.log)

    def fit(self, df, *, callbacks=(), progress=True):
        self.is_fitted = True
        self.log.append(("fit", df))
        return self

    def predict(
        self, df, *, h=None, level=None, adapt_to=None, with_zero_step=False, inner_steps=None
    ):
        self.log.append(("predict", df))
        h = h or self.choices_.h
        means = np.array([np.nanmean(df.series(name)) for name in df.ids])
        point = np.repeat(means + (inner_steps or 0), h)
        times = df.future_times(h).ravel()
        frame = pd.DataFrame({"unique_id": np.repeat(df.ids, h), "ds": times, "TSMAML": point})
        for one in level or ():
            frame[f"TSMAML-lo-{one:g}"] = point - one
            frame[f"TSMAML-hi-{one:g}"] = point + one
        if with_zero_step:
            for column in frame.columns[2:]:
                frame[column.replace("TSMAML", "zero-step")] = frame[column] + 1
        return frame

    def told(self, what):
        """The collections that it was fitted on, or asked to forecast."""
        return [df for name, df in self.log if name == what]
