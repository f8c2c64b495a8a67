"""The built-in losses against numbers worked by hand and against utilsforecast."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from utilsforecast import losses as reference

from tsmaml.errors import UsageError
from tsmaml.losses import huber, mae, mape, mase, mse, pinball, smape
from tsmaml.plugins import registry
from tsmaml.series import SeriesCollection
from tsmaml.tasks import WindowSpec, per_series
from tsmaml.tasks.adaptation import adaptation_batches

ALL = {
    part.name: loss
    for part in registry().parts("loss")
    if part.plugin == "tsmaml" and (loss := part.load()()).distribution is None
}


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


def check(loss, targets, outputs, wanted):
    dtype = targets["y"].dtype
    values = loss(targets, tf.constant(outputs, dtype))
    assert values.dtype == dtype
    assert values.shape == targets["y"].shape
    np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-12)


def test_mse(targets_of, dtype):
    check(mse(), targets_of([[1, 2, -3]], dtype=dtype), [[1, 4, -4.5]], [[0, 4, 2.25]])


def test_mae(targets_of, dtype):
    check(mae(), targets_of([[1, 2, -3]], dtype=dtype), [[1, 4, -4.5]], [[0, 2, 1.5]])


def test_huber(targets_of, dtype):
    # e^2 / 2 up to delta, delta (|e| - delta / 2) beyond.
    targets = targets_of([[0, 0, 0, 0]], dtype=dtype)
    outputs = [[0, 0.5, -1, 3]]
    check(huber(), targets, outputs, [[0, 0.125, 0.5, 2.5]])
    check(huber(delta=2), targets, outputs, [[0, 0.125, 0.5, 4]])


def test_mape(targets_of, dtype):
    # Original units are 10 y + 100: targets 100, 110, 90; forecasts 100, 90, 60.
    targets = targets_of([[0, 1, -1]], location=100.0, scale=10.0, dtype=dtype)
    check(mape(), targets, [[0, -1, -4]], [[0, 100 * 20 / 110, 100 * 30 / 90]])


def test_mape_leaves_out_targets_of_0_and_what_rounding_makes_of_them(targets_of, dtype):
    # 3 (y + 7 / 3) is 0 but for a rounding error.
    targets = targets_of([[-7 / 3, -2]], location=7.0, scale=3.0, dtype=dtype)
    check(mape(), targets, [[5, -2.5]], [[0, 150]])
    # Near 0 by itself, not by cancelling, is not 0.
    check(mape(), targets_of([[1e-20, 0]], dtype=dtype), [[3e-20, 1]], [[200, 0]])


def test_smape(targets_of, dtype):
    # Original units are 10 y + 100: targets 100, 110, 90; forecasts 100, 90, 60.
    targets = targets_of([[0, 1, -1]], location=100.0, scale=10.0, dtype=dtype)
    check(smape(), targets, [[0, -1, -4]], [[0, 200 * 20 / 200, 200 * 30 / 150]])


def test_smape_of_nothing_by_nothing_is_0_and_of_opposites_200(targets_of, dtype):
    targets = targets_of([[0, 0, 2, -1]], dtype=dtype)
    check(smape(), targets, [[0, 3, -2, -1]], [[0, 200, 200, 0]])
    # Zero in original units, elsewhere in scaled ones.
    targets = targets_of([[-5, -5]], location=10.0, scale=2.0, dtype=dtype)
    check(smape(), targets, [[-5, 0]], [[0, 200]])


@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_smape_takes_any_unit(targets_of, unit):
    targets = targets_of([[0, 1]], location=100 * unit, scale=10 * unit)
    check(smape(), targets, [[0, -1]], [[0, 20]])


def test_mase(targets_of, dtype):
    targets = targets_of([[1, 2]], seasonal_error=0.5, dtype=dtype)
    check(mase(), targets, [[1.5, 0]], [[1, 4]])


def test_pinball(targets_of, dtype):
    # Twice the mean over levels of q e above and (q - 1) e below, e = y - f.
    targets = targets_of([[1, 0]], dtype=dtype)
    outputs = [[[0, 1, 2], [1, 0, -1]]]
    first = 2 * (0.1 * 1 + 0 + 0.1 * 1) / 3
    second = 2 * (0.9 * 1 + 0 + 0.9 * 1) / 3
    check(pinball(), targets, outputs, [[first, second]])
    assert pinball().quantiles == (0.1, 0.5, 0.9)
    assert pinball().n_outputs == 3


def test_pinball_of_the_median_is_the_absolute_error(targets_of, dtype):
    # One output a step, as models with n_outputs=1 give it.
    loss = pinball([0.5])
    assert loss.n_outputs == 1
    check(loss, targets_of([[1, 2, -3]], dtype=dtype), [[1, 4, -4.5]], [[0, 2, 1.5]])


def test_each_output_of_pinball_has_its_minimum_at_its_quantile(targets_of):
    y = np.arange(101.0)[:, np.newaxis]
    targets = targets_of(y, dtype="float64")
    grid = np.arange(101.0)
    for place, wanted in enumerate([10, 50, 80]):
        outputs = np.full((101, 1, 3), 50.0)
        means = []
        for value in grid:
            outputs[..., place] = value
            means.append(np.mean(pinball([0.1, 0.5, 0.8])(targets, tf.constant(outputs))))
        assert grid[np.argmin(means)] == wanted


@pytest.mark.parametrize(
    "quantiles", [[0.1, 0.9], [0.5, 0.1], [0.5, 0.5], [0.0, 0.5], [0.5, 1.0], [0.5, np.nan]]
)
def test_quantiles_rise_between_0_and_1_and_hold_the_median(quantiles):
    with pytest.raises(UsageError, match="Quantiles"):
        pinball(quantiles)


@pytest.mark.parametrize("quantiles", [[], 0.5, "median", [None]])
def test_quantiles_are_a_list_of_numbers(quantiles):
    with pytest.raises(UsageError, match="quantile"):
        pinball(quantiles)


@pytest.mark.parametrize("delta", [0, -1.0, np.nan, "wide"])
def test_delta_is_positive(delta):
    with pytest.raises(UsageError, match="delta"):
        huber(delta)


@pytest.fixture(scope="module")
def scored():
    """Two daily series: history, truth and forecast as frames, and as windows of a task."""
    rng = np.random.default_rng(3)
    h, n, season = 4, 24, 7
    days = pd.date_range("2024-01-01", periods=n + h)
    frame = pd.concat(
        pd.DataFrame({"unique_id": name, "ds": days, "y": level + rng.normal(size=n + h)})
        for name, level in (("a", 5.0), ("b", -2.0))
    )
    collection = SeriesCollection.from_frame(frame)
    # The whole history is the input: then the window's seasonal error is that of the series.
    spec = WindowSpec(n, h, season, n_query=1)
    _, batches = adaptation_batches(
        collection, per_series(collection, spec), spec, cut_backs=(h,), dtype="float64"
    )
    (batch,) = batches
    targets = {name: tensor[:2, 0] for name, tensor in batch.tasks.query_targets.items()}
    outputs = tf.constant(rng.normal(size=(2, h)))
    made = np.asarray(outputs * targets["scale"] + targets["location"])
    held = frame["ds"] >= days[n]
    return targets, outputs, frame[held].assign(model=made.ravel()), frame[~held], season


def test_smape_equals_that_of_utilsforecast(scored):
    targets, outputs, truth, _, _ = scored
    wanted = 200 * reference.smape(truth, ["model"])["model"]
    np.testing.assert_allclose(np.mean(smape()(targets, outputs), 1), wanted, rtol=1e-10)


def test_mape_equals_that_of_utilsforecast(scored):
    targets, outputs, truth, _, _ = scored
    wanted = 100 * reference.mape(truth, ["model"])["model"]
    np.testing.assert_allclose(np.mean(mape()(targets, outputs), 1), wanted, rtol=1e-10)


def test_mase_equals_that_of_utilsforecast(scored):
    targets, outputs, truth, history, season = scored
    wanted = reference.mase(truth, ["model"], season, history)["model"]
    np.testing.assert_allclose(np.mean(mase()(targets, outputs), 1), wanted, rtol=1e-10)


def like(loss, y):
    return tf.stack([y] * loss.n_outputs, -1) if loss.n_outputs > 1 else tf.identity(y)


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_finite_where_the_forecast_is_right(targets_of, name):
    loss = ALL[name]
    # All zeros, location included: 0 / 0 for smape. And right but not zero.
    for targets in (targets_of([[0.0, 0.0]]), targets_of([[2.0, -1.0]], location=3.0, scale=2.0)):
        outputs = like(loss, targets["y"])
        with tf.GradientTape() as outer:
            outer.watch(outputs)
            with tf.GradientTape() as inner:
                inner.watch(outputs)
                values = loss(targets, outputs)
            first = inner.gradient(values, outputs)
        second = outer.gradient(first, outputs, unconnected_gradients="zero")
        np.testing.assert_array_equal(values, np.zeros((1, 2)))
        assert np.isfinite(first).all()
        assert np.isfinite(second).all()


@pytest.mark.parametrize("name", ALL)
def test_gradients_point_away_from_the_target(targets_of, name):
    loss, targets = ALL[name], targets_of([[1.0, 1.0]], location=5.0)
    outputs = like(loss, tf.constant([[0.25, 1.75]]))
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        values = loss(targets, outputs)
    below, above = np.asarray(tape.gradient(values, outputs))[0]
    assert (below < 0).all()
    assert (above > 0).all()


@pytest.mark.parametrize("name", ALL)
def test_losses_are_called_by_their_registered_name(name):
    assert ALL[name].name == name


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [(mae(), 1.5), (mse(), 2.25), (huber(1.0), 1.0), (pinball((0.1, 0.5)), 1.5 * (0.9 + 0.5))],
)
def test_errors_are_told_in_the_unit(targets_of, loss, wanted):
    outputs = tf.constant([[4.0]])
    if loss.quantiles:
        outputs = tf.stack([outputs, outputs], axis=-1)
    targets = targets_of([[1.0]], unit=2.0)
    assert np.asarray(loss(targets, outputs)) == pytest.approx(wanted)
    of_one = loss({**targets, "unit": tf.constant([[1.0]])}, outputs)
    del targets["unit"]
    assert np.asarray(loss(targets, outputs)) == np.asarray(of_one) != pytest.approx(wanted)
