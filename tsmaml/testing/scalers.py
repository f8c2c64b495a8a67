"""What every scaling of windows has to do: one check for each promise.

Call :func:`check_scaler` in a test of your plugin::

    from tsmaml.testing import check_scaler

    def test_my_scaling():
        check_scaler("my_scaling")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.tasks.scaling import Scaled, Scaling, scale_windows
from tsmaml.testing.common import run_checks, want

_INPUT_SIZE, _SEASON = 12, 4


@dataclass(frozen=True)
class Subject:
    """A scaling under test.

    Attributes:
        part: that makes it.
    """

    part: Part

    def scaled(self, past: np.ndarray, mask: np.ndarray, dtype: str = "float32") -> Scaled:
        """Windows ``[input_size, windows]``, scaled."""
        made = call_part(self.part, options={})
        want(
            isinstance(made, Scaling),
            f"{self} should be made as a tsmaml.tasks.scaling.Scaling, and is a "
            f"{type(made).__name__}.",
        )
        observed = tf.constant(past * mask, tf.float64)
        return scale_windows(observed, tf.constant(mask, dtype), made, _SEASON)

    def __str__(self) -> str:
        return f"The scaling {self.part.name!r}"


def check_scaler(
    scaler: str | Part | Callable[[], Scaling], *, checks: Iterable[str] | None = None
) -> None:
    """Check that a scaling of windows does all that tsmaml wants of it.

    Args:
        scaler: a registered name, a registered part, or a function that makes a
            :class:`tsmaml.tasks.scaling.Scaling`.
        checks: some of the names of :data:`SCALER_CHECKS`; None: all.

    Raises:
        AssertionError: at the first check that fails; the message says what is wanted.
        PluginError: if the scaling can't be made at all.
    """
    part = scaler if isinstance(scaler, Part) else registry().resolve("scaling", scaler)
    run_checks("scalings", SCALER_CHECKS, checks, Subject(part))


def check_shapes(subject: Subject) -> None:
    """A location and a positive scale for each window, finite, whatever it holds."""
    past, mask = _windows()
    hard = np.stack(
        [0 * past[:, 0], np.full(_INPUT_SIZE, 7.0), 1e12 + past[:, 0], 1e-12 * past[:, 0]], axis=1
    )
    for name, values, there in (
        ("windows of one point and more", past, mask),
        ("zeros, constants, levels of 1e12 and of 1e-12", hard, np.ones_like(hard)),
        ("windows without any value", past, 0 * mask),
    ):
        made = subject.scaled(values, there)
        for what, part in (("location", made.location), ("scale", made.scale)):
            want(
                tuple(part.shape) == (1, values.shape[1]),
                f"{subject} should give a {what} for each window, [1, windows], here "
                f"{[1, values.shape[1]]}; it gives {list(part.shape)}.",
            )
        finite = all(bool(np.isfinite(part).all()) for part in made)
        want(
            finite and bool((np.asarray(made.scale) > 0).all()),
            f"{subject} should give finite locations and positive scales for {name}.",
        )


def check_units(subject: Subject) -> None:
    """In other units the scaled window is the same: location and scale go with the values."""
    past, mask = _windows()
    plain = subject.scaled(past, mask, "float64")
    for factor in (1e-3, 1e6):
        other = subject.scaled(factor * past, mask, "float64")
        want(
            all(
                np.allclose(one, factor * np.asarray(part), rtol=1e-9)
                for one, part in ((other.location, plain.location), (other.scale, plain.scale))
            ),
            f"{subject} should give a location and a scale {factor:g} times as large for values "
            f"{factor:g} times as large.",
        )


def check_masks(subject: Subject) -> None:
    """Steps that are not observed have no part in it: a window padded in front is scaled the same."""
    past, mask = _windows()
    plain = subject.scaled(past, mask, "float64")
    front = np.zeros((_SEASON, past.shape[1]))
    padded = subject.scaled(np.concatenate([front, past]), np.concatenate([front, mask]), "float64")
    want(
        all(
            np.allclose(one, other, rtol=1e-9)
            for one, other in ((plain.location, padded.location), (plain.scale, padded.scale))
        ),
        f"{subject} should not look at steps that are not observed: their values are given as 0, and "
        "more of them in front of a window change its location or its scale.",
    )


def check_windows_apart(subject: Subject) -> None:
    """Each window is scaled by itself: no leakage from the windows beside it."""
    past, mask = _windows()
    together = subject.scaled(past, mask, "float64")
    for number in range(past.shape[1]):
        column = slice(number, number + 1)
        alone = subject.scaled(past[:, column], mask[:, column], "float64")
        want(
            all(
                np.allclose(np.asarray(part)[:, column], one, rtol=1e-9)
                for part, one in (
                    (together.location, alone.location),
                    (together.scale, alone.scale),
                )
            ),
            f"{subject} should scale each window by itself; it scales one differently when others "
            "stand beside it.",
        )


def check_compiled(subject: Subject) -> None:
    """Compiled by XLA, as in meta-training, it gives the same."""
    past, mask = _windows()
    plain = subject.scaled(past, mask)
    compiled = tf.function(lambda: subject.scaled(past, mask), autograph=False, jit_compile=True)
    try:
        made = compiled()
    except Exception as error:
        raise AssertionError(
            f"{subject} should be made of TensorFlow operations that XLA compiles; "
            f"{type(error).__name__}: {error}"
        ) from error
    want(
        all(np.allclose(one, other, rtol=1e-5) for one, other in zip(plain, made, strict=True)),
        f"{subject} should give the same when XLA compiles it.",
    )


def _windows() -> tuple[np.ndarray, np.ndarray]:
    """Values and mask ``[input_size, windows]``: histories of one point up to all, one with a gap."""
    rng = np.random.default_rng(0)
    counts = np.array([1, 2, 5, _INPUT_SIZE, _INPUT_SIZE])
    mask = (np.arange(_INPUT_SIZE)[:, np.newaxis] >= _INPUT_SIZE - counts).astype("float64")
    mask[3:6, -1] = 0
    return 5 + 2 * rng.normal(size=mask.shape), mask


SCALER_CHECKS: dict[str, Callable[[Subject], None]] = {
    "shapes": check_shapes,
    "units": check_units,
    "masks": check_masks,
    "windows_apart": check_windows_apart,
    "compiled": check_compiled,
}
