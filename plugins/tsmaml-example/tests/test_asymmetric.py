"""The loss against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tsmaml_example.asymmetric import build

from tsmaml.errors import TrainingError, UsageError
from tsmaml.losses import as_loss
from tsmaml.testing import check_loss


def test_it_does_what_tsmaml_wants_of_a_loss():
    check_loss("asymmetric", options={"under": 4.0})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_side_has_its_cost(dtype):
    targets = {"y": tf.constant([[1.0, 1.0, 1.0]], dtype)}
    outputs = tf.constant([[3.0, 1.0, 0.5]], dtype)
    values = build(over=2.0, under=10.0)(targets, outputs)
    assert values.dtype == dtype
    np.testing.assert_allclose(values, [[4.0, 0.0, 5.0]])


def test_the_minimum_is_the_quantile_of_the_costs():
    y = tf.constant(np.arange(101.0)[:, np.newaxis])
    loss = build(over=1.0, under=3.0)
    means = [np.mean(loss({"y": y}, tf.fill(y.shape, value))) for value in np.arange(101.0)]
    assert np.argmin(means) == 75


def test_the_gradient_is_a_cost_or_its_opposite():
    outputs = tf.Variable([[3.0, -3.0]])
    with tf.GradientTape() as tape:
        values = build(over=1.0, under=3.0)({"y": tf.zeros([1, 2])}, outputs)
    np.testing.assert_allclose(tape.gradient(values, outputs), [[1.0, -3.0]])


def test_it_is_a_loss_of_one_output():
    loss = build()
    assert as_loss(loss) is loss
    assert loss.n_outputs == 1


def test_shapes_are_not_broadcast():
    with pytest.raises(TrainingError, match="asymmetric"):
        build()({"y": tf.zeros([4, 3])}, tf.zeros([4, 1]))


@pytest.mark.parametrize("option", ["over", "under"])
@pytest.mark.parametrize("cost", [0.0, -1.0, float("inf"), float("nan")])
def test_costs_are_positive_and_finite(option, cost):
    with pytest.raises(UsageError, match=option):
        build(**{option: cost})
