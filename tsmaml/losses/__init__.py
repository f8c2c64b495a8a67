"""Losses of forecasts: one value a step, weighed and averaged by the engine.

Importing this loads no TensorFlow; using a loss does.
"""

from __future__ import annotations

from tsmaml.losses.loss import Loss, Targets, as_loss
from tsmaml.losses.standard import huber, mae, mase, mse, pinball, smape

__all__ = ["Loss", "Targets", "as_loss", "huber", "mae", "mase", "mse", "pinball", "smape"]
