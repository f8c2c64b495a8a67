"""Prediction intervals."""

from __future__ import annotations

from tsmaml.intervals.conformal import scores, supported, widths
from tsmaml.intervals.levels import levels_of

__all__ = ["levels_of", "scores", "supported", "widths"]
