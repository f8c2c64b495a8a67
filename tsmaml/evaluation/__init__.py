"""Scores, baselines and reports on held-out series."""

from __future__ import annotations

from tsmaml.evaluation.baselines import seasonal_naive
from tsmaml.evaluation.scores import Scores, score

__all__ = ["Scores", "score", "seasonal_naive"]
