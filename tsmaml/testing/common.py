"""What the kits share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from tsmaml.errors import UnknownNameError
from tsmaml.series import SeriesCollection
from tsmaml.series.calendar import Frequency

Subject = TypeVar("Subject")


def want(holds: bool, sentence: str) -> None:
    """Fail with a sentence that says what is wanted.

    Raises:
        AssertionError: unless it holds.
    """
    if not holds:
        raise AssertionError(sentence)


def run_checks(
    kinds: str,
    checks: Mapping[str, Callable[[Subject], None]],
    chosen: Iterable[str] | None,
    subject: Subject,
) -> None:
    """Run the chosen checks, or all where None.

    Raises:
        UnknownNameError: if there is no such check.
    """
    for name in checks if chosen is None else chosen:
        if name not in checks:
            raise UnknownNameError(f"check of {kinds}", name, checks)
        checks[name](subject)


def as_stored(subject: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a model file gives them back.

    Raises:
        AssertionError: if they are nothing that JSON holds.
    """
    try:
        return json.loads(json.dumps(options, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"{subject} should have options that a model file can hold, as JSON: {error}."
        ) from None


def collection_of(
    series: Sequence[np.ndarray], ids: Sequence[str] | None = None
) -> SeriesCollection:
    """A collection with whole numbers as times; ids are s0, s1, ... unless given."""
    return SeriesCollection(
        np.array(ids or [f"s{number}" for number in range(len(series))], object),
        np.concatenate(series),
        np.cumsum([0, *map(len, series)]),
        np.zeros(len(series), np.int64),
        Frequency(None),
    )


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
