"""Losses of forecasts: one value a step, weighed and averaged by the engine.

Importing this loads no TensorFlow; using a loss does.
"""

from __future__ import annotations

from tsmaml.losses.likelihoods import negative_binomial, normal, student_t
from tsmaml.losses.loss import Distribution, Loss, Targets, as_loss
from tsmaml.losses.standard import huber, mae, mape, mase, mse, pinball, smape

__all__ = [
    "Distribution",
    "Loss",
    "Targets",
    "as_loss",
    "huber",
    "mae",
    "mape",
    "mase",
    "mse",
    "negative_binomial",
    "normal",
    "pinball",
    "smape",
    "student_t",
]
