"""What every loss has to do, registered or given in Python: one check for each promise.

Call :func:`check_loss` in a test of your plugin::

    from tsmaml.testing import check_loss

    def test_my_loss():
        check_loss("my_loss", options={"width": 0.5})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from tsmaml.engine.mapping import vectorized
from tsmaml.engine.objective import weighted_mean
from tsmaml.losses import Loss, as_loss
from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.testing.common import as_stored, run_checks, want
from tsmaml.testing.speed import compiled

_WINDOWS, _H = 4, 3


@dataclass(frozen=True)
class Subject:
    """A loss under test.

    Attributes:
        part: that makes it.
        options: of the loss.
    """

    part: Part
    options: Mapping[str, Any] = field(default_factory=dict)

    def make(self, options: Mapping[str, Any] | None = None) -> Loss:
        """The loss; as :func:`tsmaml.losses.as_loss` takes it where it was given in Python."""
        made = call_part(self.part, options=self.options if options is None else options)
        want(
            isinstance(made, Loss),
            f"{self} should be made as a tsmaml.losses.Loss, and is a {type(made).__name__}.",
        )
        return made

    def __str__(self) -> str:
        return f"The loss {self.part.name!r}"


def check_loss(
    loss: Any,
    *,
    options: Mapping[str, Any] | None = None,
    checks: Iterable[str] | None = None,
) -> None:
    """Check that a loss does all that tsmaml wants of it.

    Args:
        loss: a registered name, a registered part, or what ``MetaForecaster(loss=...)`` takes: a
            :class:`tsmaml.losses.Loss`, a Keras loss, or a function ``(y_true, y_pred)``.
        options: of the loss, where it is registered.
        checks: some of the names of :data:`LOSS_CHECKS`; None: all.

    Raises:
        AssertionError: at the first check that fails; the message says what is wanted.
        UsageError, PluginError: if the loss can't be made at all, or there is no such check.
    """
    if isinstance(loss, str):
        loss = registry().get("loss", loss)
    if not isinstance(loss, Part):
        given = as_loss(loss)
        loss = Part("loss", given.name, "given in Python", None, None, lambda: given)
    run_checks("losses", LOSS_CHECKS, checks, Subject(loss, dict(options or {})))


def check_shapes(subject: Subject) -> None:
    """One value a step, in the precision of the model, whatever axes come before the steps."""
    loss = subject.make()
    for dtype in ("float32", "float64"):
        for shape in ((_WINDOWS, _H), (2, _WINDOWS, _H), (1, 1)):
            targets, outputs = _example(loss, shape, dtype)
            values = loss(targets, outputs)
            want(
                tuple(values.shape) == shape,
                f"{subject} should give one value a step, {list(shape)} for targets of that shape, "
                f"neither weighed nor averaged; it gives {list(values.shape)}.",
            )
            want(
                values.dtype == dtype,
                f"{subject} should compute in the precision of its targets, {dtype}, and gives "
                f"{values.dtype.name}.",
            )


def check_masks(subject: Subject) -> None:
    """What is not observed has no say: neither in the mean loss nor, as a gradient, in the model."""
    loss = subject.make()
    targets, outputs = _example(loss, (_WINDOWS, _H))
    observed = tf.constant(np.arange(_H) < np.array([[_H], [2], [1], [0]]), tf.float64)
    for name, strange in (("target", 7.0), ("forecast", -7.0)):
        results = []
        for shift in (0.0, strange):
            moved = (1 - observed) * shift
            y = targets["y"] + (moved if name == "target" else 0)
            out = outputs + (_by_step(loss, moved) if name == "forecast" else 0)
            results.append(_mean_and_slope(loss, {**targets, "y": y, "observed": observed}, out))
        (mean, slope), (other, other_slope) = results
        want(
            bool(np.allclose(mean, other, rtol=1e-9) and np.allclose(slope, other_slope)),
            f"{subject} should not let one step into the value of another: the mean over the observed "
            f"steps changes with the {name} of a step that is not observed.",
        )
        silent = np.asarray(_by_step(loss, 1 - observed) * slope)
        want(
            not silent.any(),
            f"{subject} should have no gradient at steps that are not observed.",
        )


def check_float32(subject: Subject) -> None:
    """Finite values and gradients in float32, and near the exact ones, on hard targets."""
    loss = subject.make()
    for name, targets, outputs in _hard(loss):
        both = []
        for dtype in ("float32", "float64"):
            cast = {key: tf.cast(part, dtype) for key, part in targets.items()}
            out = tf.cast(tf.cast(outputs, "float32"), dtype)
            both.append([np.asarray(x) for x in _mean_and_slope(loss, cast, out)])
        (mean, slope), (wanted, _) = both
        want(
            bool(np.isfinite(mean) and np.isfinite(slope).all()),
            f"{subject} should give finite values and gradients in float32 for {name}.",
        )
        want(
            bool(abs(mean - wanted) <= 1e-2 * (1 + abs(wanted))),
            f"{subject} should give nearly the same in float32 as in float64 for {name}; it gives "
            f"{mean:.6g} and {wanted:.6g}.",
        )


def check_gradient(subject: Subject) -> None:
    """First and second derivatives are those that differences have."""
    loss = subject.make()
    targets, outputs = _example(loss, (_WINDOWS, _H))
    rng = np.random.default_rng(3)
    one, other = (tf.constant(rng.normal(size=outputs.shape)) for _ in range(2))

    def mean(place: Any) -> tf.Tensor:
        return weighted_mean(loss(targets, place), targets["observed"])

    def slope(place: Any) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(place)
            value = mean(place)
        found = tape.gradient(value, place, unconnected_gradients="zero")
        return tf.reduce_sum(found * one)

    with tf.GradientTape() as tape:
        tape.watch(outputs)
        first = slope(outputs)
    second = tape.gradient(first, outputs, unconnected_gradients="zero")
    want(
        bool(np.any(np.asarray(first) != 0)),
        f"{subject} should have a gradient with respect to the model's outputs; it is 0.",
    )
    for order, function, direction, found in (
        ("first", mean, one, float(first)),
        ("second", slope, other, float(tf.reduce_sum(second * other))),
    ):
        width = 1e-6
        numeric = float(
            function(outputs + width * direction) - function(outputs - width * direction)
        )
        numeric /= 2 * width
        want(
            abs(numeric - found) <= 1e-4 * abs(found) + 1e-6,
            f"{subject} should have the {order} derivative that differences have, {numeric:.6g}; "
            f"TensorFlow gives {found:.6g}.",
        )


def check_mapping(subject: Subject) -> None:
    """Speed class "side by side, XLA": mapped over tasks and compiled it gives what it gives alone."""
    loss = subject.make()
    targets, outputs = _example(loss, (2, _WINDOWS, _H))

    def both(task: Any) -> Any:
        return _mean_and_slope(loss, *task)

    def over_tasks(*tasks: Any) -> Any:
        return vectorized(both, tasks)

    run = compiled(subject, over_tasks, targets, outputs, side_by_side=True, jit=True)
    mapped = run(targets, outputs)
    for task in range(2):
        alone = both(({name: part[task] for name, part in targets.items()}, outputs[task]))
        for found, wanted in zip(mapped, alone, strict=True):
            want(
                bool(np.allclose(found[task], wanted, rtol=1e-6, atol=1e-9)),
                f"{subject} should give the same mapped over tasks and compiled as task by task.",
            )


def check_forecast(subject: Subject) -> None:
    """The forecast is in original units, finite, and its quantiles rise with their levels.

    A right point forecast costs least. A likelihood costs least where the outputs are the
    parameters that the targets were drawn with: its quantiles and its values are of one distribution.
    """
    loss = subject.make()
    shape = (_WINDOWS, _H)
    outputs = np.sort(np.asarray(_example(loss, shape)[1]), axis=-1)
    counts = loss.distribution is not None and loss.distribution.counts
    location, scale = np.zeros((2, _WINDOWS, 1)) + [[[0.0]], [[1.0]]]
    plain = loss.predict_quantiles(outputs, location, scale)
    n_levels = max(1, len(loss.quantiles))
    want(
        plain.shape == (*shape, n_levels) and plain.dtype == np.float64,
        f"{subject} should forecast float64 values [..., h, {n_levels}], one for each of its "
        f"quantiles, and forecasts {plain.dtype} {list(plain.shape)}.",
    )
    want(
        bool(np.isfinite(plain).all() and (np.diff(plain, axis=-1) >= 0).all()),
        f"{subject} should forecast finite quantiles that rise with their levels.",
    )
    if not counts:
        other = loss.predict_quantiles(outputs, location + 100, scale * 7)
        want(
            bool(np.allclose(other, plain * 7 + 100)),
            f"{subject} should forecast in original units: quantile * scale + location.",
        )
    if loss.distribution is not None:
        _check_that_it_is_proper(subject, loss)
    elif not loss.quantiles:
        targets, _ = _example(loss, shape)
        right = np.asarray(loss(targets, targets["y"]))
        for wrong in (-0.5, 0.5):
            want(
                bool((right <= np.asarray(loss(targets, targets["y"] + wrong))).all()),
                f"{subject} should cost least where the forecast is right.",
            )


def _check_that_it_is_proper(subject: Subject, loss: Loss) -> None:
    assert loss.distribution is not None
    parameters = np.full((1, 1, loss.n_outputs), 0.5)
    location, scale = np.zeros((1, 1)), np.full((1, 1), 4.0)
    levels = tuple((np.arange(400) + 0.5) / 400)
    draws = loss.distribution.quantiles(parameters, location, scale, levels)[0] / 4.0
    targets = _targets(tf.constant(draws), location=0.0, scale=4.0)

    def cost(shift: np.ndarray) -> float:
        outputs = tf.constant(np.broadcast_to(parameters + shift, (*draws.shape, loss.n_outputs)))
        return float(tf.reduce_mean(loss(targets, outputs)))

    least = cost(np.zeros(loss.n_outputs))
    for number, name in enumerate(loss.distribution.parameters):
        for shift in (-1.0, 1.0):
            moved = cost(shift * np.eye(loss.n_outputs)[number])
            want(
                least <= moved + 1e-2,
                f"{subject} should cost least at the parameters that its quantiles are of: with "
                f"another {name!r} the quantiles' own values cost {moved:.4g} instead of {least:.4g}.",
            )


def check_storage(subject: Subject) -> None:
    """Made again, of the options as a model file holds them, it gives the same."""
    loss = subject.make()
    again = subject.make(as_stored(subject, subject.options))
    targets, outputs = _example(loss, (_WINDOWS, _H))
    want(
        (again.quantiles, again.n_outputs) == (loss.quantiles, loss.n_outputs)
        and bool((np.asarray(loss(targets, outputs)) == np.asarray(again(targets, outputs))).all()),
        f"{subject} should be the same when it is made again with the same options, as when a model "
        "file is loaded.",
    )


def _example(
    loss: Loss, shape: tuple[int, ...], dtype: str = "float64"
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Targets ``shape`` and outputs of a model for them, at random; whole numbers for counts."""
    rng = np.random.default_rng(0)
    y = rng.poisson(3.0, shape) / 2.0 if _of_counts(loss) else rng.normal(size=shape)
    outputs = rng.normal(size=(*shape, loss.n_outputs))
    location, scale = (0.0, 2.0) if _of_counts(loss) else (11.0, 2.0)
    made = outputs if loss.n_outputs > 1 else outputs[..., 0]
    return _targets(tf.constant(y, dtype), location, scale), tf.constant(made, dtype)


def _of_counts(loss: Loss) -> bool:
    return loss.distribution is not None and loss.distribution.counts


def _targets(y: tf.Tensor, location: float, scale: float) -> dict[str, tf.Tensor]:
    one = tf.ones_like(y[..., :1])
    return {
        "y": y,
        "observed": tf.ones_like(y),
        "location": location * one,
        "scale": scale * one,
        "seasonal_error": 0.7 * one,
        "unit": 1.5 * one,
    }


def _hard(loss: Loss) -> Iterator[tuple[str, dict[str, tf.Tensor], tf.Tensor]]:
    """Name, targets and outputs on which arithmetic may fail."""
    targets, outputs = _example(loss, (_WINDOWS, _H))
    zeros = _targets(tf.zeros_like(targets["y"]), location=0.0, scale=1.0)
    yield "series of zeros, forecast as zeros", zeros, tf.zeros_like(outputs)
    yield "series of zeros", zeros, outputs
    if not _of_counts(loss):
        yield "levels of 1e12", {**targets, "location": 1e12 + 0 * targets["location"]}, outputs
    yield "scales of 1e-6", {**targets, "scale": 1e-6 + 0 * targets["scale"]}, outputs
    yield "forecasts 30 scales away", targets, outputs + 30
    yield "forecasts -30 scales away", targets, outputs - 30


def _by_step(loss: Loss, steps: tf.Tensor) -> tf.Tensor:
    """Values of steps, as they stand beside the model's outputs."""
    return steps[..., tf.newaxis] if loss.n_outputs > 1 else steps


def _mean_and_slope(loss: Loss, targets: Any, outputs: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """The engine's mean over the observed steps, and its gradient."""
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        mean = weighted_mean(loss(targets, outputs), targets["observed"])
    return mean, tape.gradient(mean, outputs, unconnected_gradients="zero")


LOSS_CHECKS: dict[str, Callable[[Subject], None]] = {
    "shapes": check_shapes,
    "masks": check_masks,
    "float32": check_float32,
    "gradient": check_gradient,
    "mapping": check_mapping,
    "forecast": check_forecast,
    "storage": check_storage,
}
