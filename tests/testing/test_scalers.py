"""Scalings that break one promise each, and the registered ones, which break none."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tsmaml.errors import UsageError
from tsmaml.plugins import registry
from tsmaml.tasks.scaling import Scaling, standard
from tsmaml.testing import check_scaler

LOCATION, SPREAD = standard()


@pytest.mark.parametrize("name", [part.name for part in registry().parts("scaling")])
def test_a_registered_scaling_does_what_is_wanted(name):
    check_scaler(name)


def no_scaling():
    return LOCATION


def each_step():
    return Scaling(lambda relative, mask, count: relative, SPREAD)


def not_finite():
    return Scaling(
        lambda relative, mask, count: LOCATION(relative, mask, count) / relative[-1:], SPREAD
    )


def over_all_steps():
    return Scaling(lambda relative, mask, count: tf.reduce_mean(relative, 0, keepdims=True), SPREAD)


def over_all_windows():
    return Scaling(
        lambda relative, mask, count: (
            0 * LOCATION(relative, mask, count) + tf.reduce_mean(relative)
        ),
        lambda window: SPREAD(window) + tf.reduce_sum(window.level),
    )


def in_numpy():
    def location(relative, mask, count):
        return tf.numpy_function(np.zeros_like, [relative[:1]], relative.dtype)

    return Scaling(location, SPREAD)


@pytest.mark.parametrize(
    ("check", "build", "sentence"),
    [
        ("shapes", no_scaling, r"made as a tsmaml\.tasks\.scaling\.Scaling, and is a function"),
        ("shapes", each_step, r"a location for each window, \[1, windows\], here \[1, 5\]"),
        ("shapes", not_finite, "finite locations and positive scales for"),
        ("masks", over_all_steps, "should not look at steps that are not observed"),
        ("windows_apart", over_all_windows, "should scale each window by itself"),
        ("compiled", in_numpy, "TensorFlow operations that XLA compiles"),
    ],
)
def test_a_broken_promise_is_told_in_words(check, build, sentence):
    with pytest.raises(AssertionError, match=f"The scaling {build.__name__!r} .*{sentence}"):
        check_scaler(build, checks=[check])


def test_other_units_are_told():
    units = iter([1.0, 2.0, 2.0])

    def drifting():
        times = next(units)
        return Scaling(LOCATION, lambda window: times * SPREAD(window))

    with pytest.raises(AssertionError, match=r"0.001 times as large for values 0.001 times"):
        check_scaler(drifting, checks=["units"])


def test_an_unknown_check_is_told():
    with pytest.raises(UsageError, match=r"check of scalings named 'unit'\. .*'units'"):
        check_scaler("standard", checks=["unit"])
