"""Losses that break one promise each, and the registered ones, which break none."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml.errors import UsageError
from tsmaml.losses import Distribution, Loss, mae, normal
from tsmaml.plugins import Part, registry
from tsmaml.testing import LOSS_CHECKS, check_loss


@pytest.mark.parametrize("name", [part.name for part in registry().parts("loss")])
def test_a_registered_loss_does_what_is_wanted(name):
    check_loss(name)


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.MeanSquaredError(),
        lambda y_true, y_pred: tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1),
    ],
)
def test_so_does_what_is_given_in_python(loss):
    check_loss(loss, checks=[name for name in LOSS_CHECKS if name not in ("mapping", "forecast")])


def error(targets, outputs):
    return targets["y"] - outputs


def averaged(targets, outputs):
    return tf.reduce_mean(tf.abs(error(targets, outputs)), axis=-1)


def single(targets, outputs):
    return tf.cast(tf.abs(error(targets, outputs)), "float32")


def summed_over_steps(targets, outputs):
    wrong = tf.abs(error(targets, outputs))
    return wrong + tf.reduce_sum(wrong, axis=-1, keepdims=True)


def by_its_size(targets, outputs):
    return tf.abs(error(targets, outputs)) / tf.abs(targets["y"])


def of_levels(targets, outputs):
    level = targets["location"]
    return tf.square((targets["y"] + level) - (outputs + level))


def held_constant(targets, outputs):
    wrong = error(targets, outputs)
    return wrong * tf.stop_gradient(wrong)


def flat(targets, outputs):
    return tf.sign(error(targets, outputs))


@tf.custom_gradient
def _square_once(x):
    return x * x, lambda upstream: upstream * tf.stop_gradient(2 * x)


def differentiable_once(targets, outputs):
    return _square_once(error(targets, outputs))


def in_numpy(targets, outputs):
    return tf.numpy_function(np.abs, [error(targets, outputs)], outputs.dtype)


def not_for_xla(targets, outputs):
    return tf.math.special.dawsn(error(targets, outputs))


def rewards_too_much(targets, outputs):
    return tf.square(error(targets, outputs) + 0.3)


def crossing():
    sound = normal((0.25, 0.5, 0.75))

    def quantiles(outputs, location, scale, levels):
        return sound.distribution.quantiles(outputs, location, scale, levels)[..., ::-1]

    return Loss("crossing", sound.function, (0.25, 0.5, 0.75), Distribution(("m", "s"), quantiles))


def scaled():
    sound = normal((0.25, 0.5, 0.75))

    def quantiles(outputs, location, scale, levels):
        return sound.distribution.quantiles(outputs, 0 * location, scale, levels)

    return Loss("scaled", sound.function, (0.25, 0.5, 0.75), Distribution(("m", "s"), quantiles))


def too_narrow():
    sound = normal((0.25, 0.5, 0.75))

    def quantiles(outputs, location, scale, levels):
        narrow = outputs - np.array([0.0, 2.0])
        return sound.distribution.quantiles(narrow, location, scale, levels)

    return Loss(
        "too_narrow", sound.function, (0.25, 0.5, 0.75), Distribution(("m", "s"), quantiles)
    )


@pytest.mark.parametrize(
    ("check", "function", "sentence"),
    [
        ("shapes", averaged, r"one value a step, \[4, 3\] .* it gives \[4\]"),
        ("shapes", single, "in the precision of its targets, float64, and gives float32"),
        ("masks", summed_over_steps, "not let one step into the value of another: .* the target"),
        ("float32", by_its_size, "finite values and gradients in float32 for series of zeros"),
        ("float32", of_levels, "nearly the same in float32 as in float64 for levels of 1e12"),
        ("gradient", held_constant, "the first derivative that differences have"),
        ("gradient", flat, "a gradient with respect to the model's outputs; it is 0"),
        ("gradient", differentiable_once, "the second derivative that differences have"),
        ("mapping", in_numpy, "can be mapped over tasks side by side: its speed class is 'side"),
        ("mapping", not_for_xla, "can be compiled by XLA: its speed class is 'side by side, XLA'"),
        ("forecast", rewards_too_much, "should cost least where the forecast is right"),
        ("forecast", crossing, "finite quantiles that rise with their levels"),
        ("forecast", scaled, r"in original units: quantile \* scale \+ location"),
        ("forecast", too_narrow, "at the parameters that its quantiles are of: with another 's'"),
    ],
)
def test_a_broken_promise_is_told_in_words(check, function, sentence):
    name = function.__name__
    loss = function() if function in (crossing, scaled, too_narrow) else Loss(name, function)
    with pytest.raises(AssertionError, match=f"The loss {name!r} .*{sentence}"):
        check_loss(loss, checks=[check])


def test_a_registered_loss_has_to_be_one():
    part = Part("loss", "keras", "a plugin", None, None, keras.losses.MeanSquaredError)
    with pytest.raises(AssertionError, match=r"'keras' should be made as a tsmaml\.losses\.Loss"):
        check_loss(part)


def test_another_loss_at_each_making_is_told():
    made = iter([mae(), normal()])
    part = Part("loss", "drawn", "a plugin", None, None, lambda: next(made))
    with pytest.raises(AssertionError, match="same when it is made again with the same options"):
        check_loss(part, checks=["storage"])


def test_an_unknown_check_is_told():
    with pytest.raises(UsageError, match=r"check of losses named 'mask'\. .*'masks'"):
        check_loss("mae", checks=["mask"])
