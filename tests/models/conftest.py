"""Double precision, for finite differences and parity."""

from __future__ import annotations

import keras
import pytest


@pytest.fixture
def float64():
    """Keras in double precision."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    # The policy keeps its own dtype once a layer has been made.
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])
