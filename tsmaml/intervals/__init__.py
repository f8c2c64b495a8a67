"""Prediction intervals."""

from __future__ import annotations

from tsmaml.intervals.conformal import scores, supported, widths

__all__ = ["scores", "supported", "widths"]
