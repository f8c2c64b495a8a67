"""Evaluation: protocols, baselines, scores and how sure they are."""

from __future__ import annotations

from tsmaml.evaluation.baselines import BaselineForecast, seasonal_naive
from tsmaml.evaluation.evaluation import Evaluation
from tsmaml.evaluation.running import cross_validation, evaluate
from tsmaml.evaluation.scores import Scores, mean_of, score

__all__ = [
    "BaselineForecast",
    "Evaluation",
    "Scores",
    "cross_validation",
    "evaluate",
    "mean_of",
    "score",
    "seasonal_naive",
]
