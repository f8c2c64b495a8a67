"""Scores, baselines and reports on held-out series."""

from __future__ import annotations

from tsmaml.evaluation.baselines import seasonal_naive
from tsmaml.evaluation.scores import Scores, mean_of, score

__all__ = ["Scores", "mean_of", "score", "seasonal_naive"]
