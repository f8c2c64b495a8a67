"""An absolute error whose two sides have prices of their own."""

from __future__ import annotations

import math
from typing import Any

from tsmaml.errors import UsageError
from tsmaml.losses import Loss, Targets


def build(over: float = 1.0, under: float = 3.0) -> Loss:
    """``over * (f - y)`` for a forecast ``f`` above the target ``y``, else ``under * (y - f)``.

    Its minimum is the quantile ``under / (over + under)`` of the target (Koenker and Bassett
    1978): with the defaults, the forecast leaves three quarters of the targets below it.

    Args:
        over: cost of a unit forecast too much, in units of the window's scale.
        under: cost of a unit forecast too little.

    Raises:
        UsageError: if a cost is not a positive, finite number.
    """
    for option, cost in (("over", over), ("under", under)):
        if not 0 < cost < math.inf:
            raise UsageError(f"{option} is {cost!r}; wanted is a positive, finite number.")

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        missing = targets["y"] - outputs
        return tf.maximum(under * missing, -over * missing)

    return Loss("asymmetric", function)
