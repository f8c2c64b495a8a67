"""What counts as a loss, and how a Keras loss becomes one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml.engine.objective import as_loss as as_engine_loss
from tsmaml.engine.objective import weighted_mean
from tsmaml.errors import TrainingError, UsageError
from tsmaml.losses import Loss, as_loss, mae, pinball

RNG = np.random.default_rng(0)
Y, OUTPUTS = RNG.normal(size=(2, 5, 4))
# A full window, some partly observed, one not at all.
OBSERVED = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0.0]])


def absolute_a_step(y_true, y_pred):
    return tf.abs(y_true - y_pred)


def absolute_a_window(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1)


class AbsoluteAStep(keras.losses.Loss):
    """A Keras loss of the user's own, one value a step."""

    def call(self, y_true, y_pred):
        return keras.ops.abs(y_true - y_pred)


ABSOLUTE = {
    "own": mae(),
    "keras object": keras.losses.MeanAbsoluteError(),
    "keras object that would sum": keras.losses.MeanAbsoluteError(reduction="sum"),
    "keras function": keras.losses.mean_absolute_error,
    "keras class of the user's": AbsoluteAStep(),
    "function of steps": absolute_a_step,
    "function of windows": absolute_a_window,
}


@pytest.mark.parametrize("name", ABSOLUTE)
def test_the_engines_mean_is_the_mean_over_observed_steps(targets_of, name):
    loss = as_engine_loss(as_loss(ABSOLUTE[name]))
    targets = targets_of(Y, OBSERVED, dtype="float64")
    mean = weighted_mean(loss(targets, tf.constant(OUTPUTS)), targets["observed"])
    wanted = np.abs(Y - OUTPUTS)[OBSERVED > 0].mean()
    np.testing.assert_allclose(mean, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", ABSOLUTE)
def test_what_is_not_observed_has_no_gradient(targets_of, name):
    loss, targets = as_loss(ABSOLUTE[name]), targets_of(Y, OBSERVED, dtype="float64")
    outputs = tf.constant(OUTPUTS)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        mean = weighted_mean(loss(targets, outputs), targets["observed"])
    wanted = OBSERVED * np.sign(OUTPUTS - Y) / OBSERVED.sum()
    np.testing.assert_allclose(tape.gradient(mean, outputs), wanted, rtol=1e-12)


def test_a_squared_keras_loss_agrees_too(targets_of):
    loss = as_loss(keras.losses.MeanSquaredError())
    targets = targets_of(Y, OBSERVED, dtype="float64")
    mean = weighted_mean(loss(targets, tf.constant(OUTPUTS)), targets["observed"])
    np.testing.assert_allclose(mean, np.square(Y - OUTPUTS)[OBSERVED > 0].mean(), rtol=1e-12)


def test_names_come_from_the_function_or_the_object():
    assert as_loss(absolute_a_step).name == "absolute_a_step"
    assert as_loss(keras.losses.MeanSquaredError(name="mine")).name == "mine"
    loss = Loss("own", lambda targets, outputs: outputs)
    assert as_loss(loss) is loss
    assert (loss.n_outputs, loss.quantiles) == (1, ())


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda t, p: tf.reduce_mean(p), r"\[\]"),
        (lambda t, p: tf.reduce_mean(p, -1, keepdims=True), r"\[5, 1\]"),
        (lambda t, p: tf.reduce_mean(p, 0), r"\[4\]"),
    ],
)
def test_a_loss_of_another_shape_is_refused(targets_of, function, shape):
    with pytest.raises(TrainingError, match=f"one value a step or one a window.*{shape}"):
        as_loss(function)(targets_of(Y), tf.constant(OUTPUTS, tf.float32))


@pytest.mark.parametrize("shape", [(5, 1), (1, 4), (5, 3), (5,), (5, 4, 1)])
def test_outputs_are_never_broadcast(targets_of, shape):
    for loss in (mae(), as_loss(absolute_a_step), pinball([0.5])):
        with pytest.raises(TrainingError, match=rf"{loss.name} wants outputs of shape \[5, 4\]"):
            loss(targets_of(Y), tf.zeros(shape))


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 2), (5, 3, 3)])
def test_quantiles_want_one_output_each(targets_of, shape):
    with pytest.raises(TrainingError, match=r"pinball wants outputs of shape \[5, 4, 3\]"):
        pinball()(targets_of(Y), tf.zeros(shape))


@pytest.mark.parametrize("given", ["mae", None, 3, {}])
def test_nothing_else_is_a_loss(given):
    with pytest.raises(UsageError, match="A loss is"):
        as_loss(given)


def test_a_class_is_not_an_object():
    with pytest.raises(UsageError, match="class MeanAbsoluteError; hand over an object"):
        as_loss(keras.losses.MeanAbsoluteError)


def test_forecasts_are_the_outputs_in_original_units():
    location, scale = np.array([[10.0], [-1.0]]), np.array([[2.0], [0.5]])
    outputs = np.array([[0.0, 1.0, -1.0], [2.0, 4.0, 0.0]], np.float32)
    made = mae().predict_quantiles(outputs, location, scale)
    np.testing.assert_array_equal(made[..., 0], [[10, 12, 8], [0, 1, -1]])
    assert (made.shape, made.dtype) == ((2, 3, 1), np.float64)
    np.testing.assert_array_equal(pinball([0.5]).predict_quantiles(outputs, location, scale), made)
    both = np.stack([outputs, outputs + 1], -1)
    made = pinball([0.5, 0.9]).predict_quantiles(both, location, scale)
    np.testing.assert_array_equal(made[0], [[10, 12], [12, 14], [8, 10]])
