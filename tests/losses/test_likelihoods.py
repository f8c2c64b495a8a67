"""The likelihoods against SciPy: values, gradients, quantiles."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tsmaml.errors import TrainingError, UsageError
from tsmaml.losses import Distribution, Loss, negative_binomial, normal, student_t
from tsmaml.losses.quantile_functions import negative_binomial_quantiles, student_t_quantiles
from tsmaml.plugins import registry

LIKELIHOODS = {"normal": normal, "student_t": student_t, "negative_binomial": negative_binomial}
LEVELS = (0.025, 0.1, 0.5, 0.8, 0.975)
RNG = np.random.default_rng(0)
# Four windows of three steps: counts of any size, and where they come from.
LOCATION = np.array([[0.4], [12.0], [300.0], [0.0]])
SCALE = np.array([[0.7], [5.0], [3.0], [1.0]])
COUNTS = np.array([[0, 1, 0], [9, 30, 12], [299, 310, 250], [0, 0, 4.0]])


def softplus(x):
    return np.logaddexp(0, x) + 0.01


def frozen(name: str, outputs: np.ndarray):
    """The distribution of the target (counts: in original units), by SciPy."""
    if name == "normal":
        return scipy.stats.norm(outputs[..., 0], softplus(outputs[..., 1]))
    if name == "student_t":
        degrees = 2 + np.logaddexp(0, outputs[..., 2])
        return scipy.stats.t(degrees, outputs[..., 0], softplus(outputs[..., 1]))
    mean = SCALE * softplus(outputs[..., 0] + LOCATION / SCALE)
    variance = mean + (SCALE * softplus(outputs[..., 1])) ** 2
    return scipy.stats.nbinom(mean**2 / (variance - mean), mean / variance)


def outputs_of(name: str) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 2, (4, 3, LIKELIHOODS[name]().n_outputs))


def targets(targets_of, dtype="float64"):
    scaled = (COUNTS - LOCATION) / SCALE
    return targets_of(scaled, location=LOCATION, scale=SCALE, dtype=dtype)


every_likelihood = pytest.mark.parametrize("name", LIKELIHOODS)


@every_likelihood
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-10)])
def test_the_loss_is_minus_the_logarithm_of_the_density(targets_of, name, dtype, rtol):
    outputs, given = outputs_of(name), targets(targets_of, dtype)
    values = LIKELIHOODS[name]()(given, tf.constant(outputs, dtype))
    if name == "negative_binomial":
        wanted = -frozen(name, outputs).logpmf(COUNTS)
    else:
        wanted = -frozen(name, outputs).logpdf((COUNTS - LOCATION) / SCALE)
    assert values.dtype == dtype
    np.testing.assert_allclose(values, wanted, rtol=rtol, atol=rtol)


@every_likelihood
def test_quantiles_are_those_of_the_distribution_in_original_units(name):
    outputs = outputs_of(name)
    made = LIKELIHOODS[name](LEVELS).predict_quantiles(outputs, LOCATION, SCALE)
    wanted = np.stack([frozen(name, outputs).ppf(level) for level in LEVELS], -1)
    if name != "negative_binomial":
        wanted = wanted * SCALE[..., np.newaxis] + LOCATION[..., np.newaxis]
    assert made.shape == (4, 3, 5)
    np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-12)


@every_likelihood
def test_the_likeliest_parameters_are_those_that_the_sample_came_from(targets_of, name):
    # A sample of counts of mean 20 and deviation 8, or of errors of width 1: gradients vanish there.
    n, location, scale = 200_000, 20.0, 8.0
    raw = {"mean": 0.3, "deviation": 0.5, "degrees": 4.0}
    outputs = np.array([*raw.values()][: LIKELIHOODS[name]().n_outputs])
    width = softplus(raw["deviation"])
    if name == "negative_binomial":
        mean = scale * softplus(raw["mean"] + location / scale)
        variance = mean + (scale * width) ** 2
        counts = RNG.negative_binomial(mean**2 / (variance - mean), mean / variance, n)
        y = (counts - location) / scale
    elif name == "normal":
        y = raw["mean"] + width * RNG.normal(size=n)
    else:
        y = raw["mean"] + width * RNG.standard_t(2 + np.logaddexp(0, raw["degrees"]), n)
    given = targets_of(y[np.newaxis], location=location, scale=scale, dtype="float64")
    outputs = tf.constant(outputs)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        shared = tf.broadcast_to(outputs, (1, n, *outputs.shape))
        loss = tf.reduce_mean(LIKELIHOODS[name]()(given, shared))
    np.testing.assert_allclose(tape.gradient(loss, outputs), 0, atol=0.01)


@every_likelihood
@pytest.mark.parametrize("raw", [-100.0, 0.0, 100.0])
def test_values_and_gradients_of_constants_zeros_and_1e12_are_finite(targets_of, name, raw):
    # Constant, all zero, huge and constant, huge and missed: scales as windows have them.
    y = np.array([[0.0], [0.0], [0.0], [50.0]])
    location, scale = np.array([[[7.0], [0.0], [1e12], [1e12]], [[0.07], [1.0], [1e10], [1e10]]])
    given = targets_of(y, location=location, scale=scale)
    loss = LIKELIHOODS[name]()
    outputs = tf.fill((4, 1, loss.n_outputs), raw)
    with tf.GradientTape() as outer:
        outer.watch(outputs)
        with tf.GradientTape() as inner:
            inner.watch(outputs)
            values = loss(given, outputs)
        first = inner.gradient(values, outputs)
    second = outer.gradient(first, outputs)
    for tensor in (values, first, second, loss.predict_quantiles(outputs, location, scale)):
        assert np.isfinite(tensor).all()


@every_likelihood
def test_quantiles_do_not_cross_and_the_middle_one_is_the_median(name):
    loss = LIKELIHOODS[name]()
    made = loss.predict_quantiles(outputs_of(name), LOCATION, SCALE)
    assert made.shape[-1] == len(loss.quantiles) == 9
    assert (np.diff(made) >= 0).all()
    np.testing.assert_array_equal(
        made[..., [4]],
        LIKELIHOODS[name]([0.5]).predict_quantiles(outputs_of(name), LOCATION, SCALE),
    )


def test_counts_are_forecast_by_counts():
    made = negative_binomial().predict_quantiles(outputs_of("negative_binomial"), LOCATION, SCALE)
    np.testing.assert_array_equal(made, np.round(made))
    assert (made >= 0).all()


@every_likelihood
def test_second_order_gradients_are_mapped_under_xla(targets_of, name):
    # Two inner steps, as MAML takes them, and their derivative: side by side and one by one.
    given = targets(targets_of)
    loss, start = LIKELIHOODS[name](), tf.constant(outputs_of(name) / 4)

    def outer_gradient(task):
        point, own = task
        with tf.GradientTape() as outer:
            outer.watch(point)
            moved = point
            for _ in range(2):
                with tf.GradientTape() as inner:
                    inner.watch(moved)
                    value = tf.reduce_mean(loss(own, moved))
                moved = moved - 0.01 * inner.gradient(value, moved)
            value = tf.reduce_mean(loss(own, moved))
        return outer.gradient(value, point)

    @tf.function(jit_compile=True, autograph=False)
    def mapped():
        return tf.vectorized_map(outer_gradient, (start, given), fallback_to_while_loop=False)

    for index, gradient in enumerate(mapped()):
        one = tf.nest.map_structure(lambda tensor, i=index: tensor[i], (start, given))
        np.testing.assert_allclose(gradient, outer_gradient(one), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("degrees", [2.0, 2.001, 3.0, 30.0, 9e3, 1e6, 1e12])
def test_quantiles_of_student(degrees):
    levels = np.array([0.0005, 0.025, 0.3, 0.5, 0.51, 0.95, 0.9995])
    made = student_t_quantiles(levels, np.array([degrees]))
    np.testing.assert_allclose(made[0], scipy.stats.t.ppf(levels, degrees), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("mean", [0.01, 0.7, 20.0, 1e4])
@pytest.mark.parametrize("size", [1e-3, 0.5, 8.0, 1e7])
def test_quantiles_of_the_negative_binomial(mean, size):
    levels = np.array([0.001, 0.025, 0.3, 0.5, 0.95, 0.999])
    made = negative_binomial_quantiles(levels, np.array([mean]), np.array([size]))
    wanted = scipy.stats.nbinom.ppf(levels, size, size / (size + mean))
    # Of millions, incomplete beta functions know some six digits.
    np.testing.assert_allclose(made[0], wanted, rtol=2e-6)
    np.testing.assert_array_equal(made[0][wanted < 1e5], wanted[wanted < 1e5])


@every_likelihood
def test_outputs_that_are_not_the_parameters_are_refused(targets_of, name):
    loss = LIKELIHOODS[name]()
    wanted = rf"{name} wants outputs of shape \[4, 3, {loss.n_outputs}\]"
    with pytest.raises(TrainingError, match=wanted):
        loss(targets(targets_of, "float32"), tf.zeros((4, 3)))


@every_likelihood
@pytest.mark.parametrize("quantiles", [[0.1, 0.9], [0.9, 0.5], [], 0.5])
def test_quantiles_hold_the_median(name, quantiles):
    with pytest.raises(UsageError, match=r"[Qq]uantiles"):
        LIKELIHOODS[name](quantiles)


@every_likelihood
def test_registered(name):
    loss = registry().get("loss", name).load()()
    assert loss.name == name
    assert loss.distribution.counts == (name == "negative_binomial")


def test_a_distribution_of_one_parameter_has_it_on_an_axis_of_its_own():
    # As that of a plugin: exponential, with its mean as the only output.
    def quantiles(outputs, location, scale, levels):
        return outputs * scale[..., np.newaxis] * -np.log1p(-np.array(levels))

    shapes = []
    loss = Loss(
        "exponential",
        lambda targets, outputs: shapes.append(outputs.shape) or outputs[..., 0],
        (0.5, 0.9),
        Distribution(("mean",), quantiles),
    )
    assert loss.n_outputs == 1
    loss({"y": tf.ones((4, 3))}, tf.ones((4, 3)))
    assert shapes == [(4, 3, 1)]
    made = loss.predict_quantiles(np.ones((4, 3)), LOCATION, SCALE)
    np.testing.assert_allclose(made[1, 0], 5 * np.log([2, 10]))


def test_without_quantiles_a_distribution_forecasts_nothing():
    with pytest.raises(UsageError, match="no quantiles"):
        Loss("own", lambda targets, outputs: outputs, (), Distribution(("mean",), print))
