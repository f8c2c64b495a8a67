"""Targets of windows as losses see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tensorflow as tf


@pytest.fixture(scope="session")
def targets_of() -> Callable[..., dict[str, tf.Tensor]]:
    """Make targets ``[windows, h]``; all observed, location 0, scale, seasonal error and unit 1."""

    def make(
        y, observed=None, location=0.0, scale=1.0, seasonal_error=1.0, unit=1.0, dtype="float32"
    ):
        y = tf.constant(y, dtype)
        one = tf.ones_like(y[..., :1])
        return {
            "y": y,
            "observed": tf.ones_like(y) if observed is None else tf.constant(observed, dtype),
            "location": tf.constant(location, dtype) * one,
            "scale": tf.constant(scale, dtype) * one,
            "seasonal_error": tf.constant(seasonal_error, dtype) * one,
            "unit": tf.constant(unit, dtype) * one,
        }

    return make
