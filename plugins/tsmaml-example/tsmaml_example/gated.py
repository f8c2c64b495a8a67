"""A network of gated linear units: small, and made of layers that XLA maps over tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsmaml.errors import UsageError

if TYPE_CHECKING:
    import keras


def build(
    input_size: int, h: int, n_outputs: int = 1, *, width: int = 64, n_layers: int = 2
) -> keras.Model:
    """Residual layers of gated linear units (Dauphin et al. 2017, eq. 1) and a linear head.

    Each layer is ``norm(x + (A x + a) * sigmoid(B x + b))``: the gate decides, window by window,
    how much of each unit passes (Lim et al. 2021, eq. 2 and 5, normalise the sum likewise).

    Both the norm and a head that starts at zero keep the inner loop from running away: without
    them the head sees ever larger features, and a few steps of it diverge.

    Args:
        input_size: past values in a window.
        h: steps to forecast.
        n_outputs: values a step, for instance quantiles.
        width: units of each layer.
        n_layers: number of gated layers.

    Returns:
        A model of the inputs ``past`` and ``mask``, both ``[batch, input_size]``, with the output
        ``[batch, h]``, or ``[batch, h, n_outputs]`` for more than one output.

    Raises:
        UsageError: if ``width`` or ``n_layers`` is no whole number of 1 or more.
    """
    import keras
    from keras import layers

    for option, value in (("width", width), ("n_layers", n_layers)):
        if not isinstance(value, int) or value < 1:
            raise UsageError(f"{option} is {value!r}; wanted is a whole number of 1 or more.")

    past = keras.Input((input_size,), name="past")
    mask = keras.Input((input_size,), name="mask")
    # Two layers whose outputs are added, not one layer of the two inputs concatenated: under
    # XLA the second derivative of a concatenation can't be mapped over tasks.
    observed = layers.Multiply(name="observed")([past, mask])
    hidden = layers.Add(name="embedding")(
        [
            layers.Dense(width, name="embed_past")(observed),
            layers.Dense(width, use_bias=False, name="embed_mask")(mask),
        ]
    )
    for index in range(n_layers):
        values = layers.Dense(width, name=f"values_{index}")(hidden)
        gate = layers.Dense(width, activation="sigmoid", name=f"gate_{index}")(hidden)
        gated = layers.Multiply(name=f"gated_{index}")([values, gate])
        residual = layers.Add(name=f"residual_{index}")([hidden, gated])
        # Not LayerNormalization: TensorFlow's moments stop the gradient of the mean, so that its
        # second derivative, which MAML goes through, is not exact.
        hidden = layers.RMSNormalization(name=f"norm_{index}")(residual)
    # The forecast begins at 0, the window's location.
    output = layers.Dense(h * n_outputs, kernel_initializer="zeros", name="head")(hidden)
    if n_outputs > 1:
        output = layers.Reshape((h, n_outputs), name="steps")(output)
    return keras.Model([past, mask], output, name="gated")
