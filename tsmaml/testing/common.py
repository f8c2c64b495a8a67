"""What the kits share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def want(holds: bool, sentence: str) -> None:
    """Fail with a sentence that says what is wanted.

    Raises:
        AssertionError: unless it holds.
    """
    if not holds:
        raise AssertionError(sentence)


@contextmanager
def double_precision() -> Iterator[None]:
    """Keras in float64 for a while, so that derivatives can be told from differences."""
    import keras

    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    # The policy keeps its own dtype once a layer has been made.
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])
