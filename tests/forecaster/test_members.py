"""Ensembles: each member is what it would be alone, and the median is the forecast."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml import MetaForecaster, losses
from tsmaml.errors import UsageError
from tsmaml.forecaster.members import loss_of_members, side_by_side

H, INPUT_SIZE, MEMBERS = 3, 8, 3


def net():
    past, mask = (keras.Input((INPUT_SIZE,), name=name) for name in ("past", "mask"))
    hidden = keras.layers.Dense(4, "tanh", name="hidden")(
        keras.layers.Multiply()([past, mask]) + mask
    )
    head = keras.layers.Dense(H, name="head")(hidden)
    return keras.Model({"past": past, "mask": mask}, head)


@pytest.fixture(scope="module")
def ensemble():
    keras.utils.set_random_seed(1)
    return side_by_side(net, MEMBERS)


def inputs_of(n):
    past = np.random.default_rng(0).normal(size=(n, INPUT_SIZE)).astype("float32")
    return {"past": past, "mask": np.ones_like(past)}


def alone(ensemble, number):
    """A net of the weights of one member."""
    model = net()
    model.set_weights(ensemble.get_weights()[4 * number : 4 * number + 4])
    return model


def seen_by(inputs, n_latest):
    hidden = {name: part.copy() for name, part in inputs.items()}
    for part in hidden.values():
        part[:, : INPUT_SIZE - n_latest] = 0
    return hidden


def test_members_are_nets_of_their_own_that_look_back_so_far(ensemble):
    inputs = inputs_of(5)
    outputs = ensemble(inputs).numpy()
    assert outputs.shape == (5, H, MEMBERS)
    for number, n_latest in enumerate([8, 4, 6]):
        expected = alone(ensemble, number)(seen_by(inputs, n_latest))
        np.testing.assert_allclose(outputs[..., number], expected, rtol=1e-6)
    names = [variable.path for variable in ensemble.trainable_variables]
    assert len(set(names)) == len(names) == 4 * MEMBERS


@pytest.mark.parametrize("quantiles", [None, [0.1, 0.5, 0.9]])
def test_the_forecast_is_the_median_over_the_members(quantiles):
    member = losses.mae() if quantiles is None else losses.pinball(quantiles)
    loss = loss_of_members([member], MEMBERS)
    shape = (4, H, MEMBERS) if quantiles is None else (4, H, 3, MEMBERS)
    outputs = np.random.default_rng(2).normal(size=shape)
    location, scale = np.full((4, 1), 10.0), np.full((4, 1), 2.0)
    made = loss.predict_quantiles(outputs, location, scale)
    np.testing.assert_allclose(made, (np.median(outputs, -1) * 2 + 10).reshape(made.shape))
    assert loss_of_members([member], 1) is member


def test_each_member_has_the_loss_and_gradient_that_it_has_alone(ensemble):
    inputs = inputs_of(6)
    y, one = tf.random.stateless_normal([6, H], [3, 4]), tf.ones([6, H])
    targets = {"y": y, "observed": one, "unit": one[:, :1]}
    loss = loss_of_members([losses.mse(), losses.mae()], MEMBERS)
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(loss(targets, ensemble(inputs)))
    grads = tape.gradient(value, [v.value for v in ensemble.trainable_variables])
    values = []
    for number, n_latest in enumerate([8, 4, 6]):
        member = alone(ensemble, number)
        with tf.GradientTape() as tape:
            own_loss = losses.mae() if number == 1 else losses.mse()
            own = tf.reduce_mean(own_loss(targets, member(seen_by(inputs, n_latest))))
        expected = tape.gradient(own, [v.value for v in member.trainable_variables])
        for found, wanted in zip(grads[4 * number :], expected, strict=False):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
        values.append(float(own))
    assert float(value) == pytest.approx(np.mean(values), rel=1e-6)


def test_an_ensemble_forecasts_after_a_round_trip_as_before(frame, new_frame, small, tmp_path):
    forecaster = MetaForecaster(**small, ensemble=2, member_losses=["smape"]).fit(frame)
    forecasts = forecaster.predict(new_frame, level=[80], with_zero_step=True)
    assert np.isfinite(forecasts.select_dtypes("number")).all().all()
    forecaster.save(tmp_path / "ensemble.tsmaml")
    again = MetaForecaster.load(tmp_path / "ensemble.tsmaml")
    same = again.predict(new_frame, level=[80], with_zero_step=True)
    np.testing.assert_array_equal(forecasts["TSMAML"], same["TSMAML"])
    assert again.settings.member_losses == ("smape",)
    assert (forecasts["TSMAML"] != forecasts["zero-step"]).any()


@pytest.mark.parametrize("algorithm", ["ridge", "cavia"])
def test_algorithms_that_adapt_no_weights_of_their_own_are_refused(frame, small, algorithm):
    with pytest.raises(UsageError, match="adapts one net, not an ensemble"):
        MetaForecaster(**small, ensemble=2, algorithm=algorithm).fit(frame)


def test_a_number_of_members_below_one_is_refused():
    with pytest.raises(UsageError, match="ensemble is 0; wanted is a whole number"):
        MetaForecaster(ensemble=0)


def test_more_losses_than_members_are_refused():
    with pytest.raises(UsageError, match=r"3 losses \(mae, smape, mase\) for an ensemble of 2"):
        MetaForecaster(ensemble=2, member_losses=["smape", "mase"])
    with pytest.raises(UsageError, match="2 losses"):
        MetaForecaster(member_losses=["smape"])


@pytest.mark.parametrize("other", ["pinball", "normal"])
def test_losses_that_forecast_something_else_are_refused(frame, small, other):
    with pytest.raises(UsageError, match=f"mae and {other} do not forecast the same quantiles"):
        MetaForecaster(**small, ensemble=2, member_losses=[other]).fit(frame)


def test_unknown_losses_are_refused(frame, small):
    with pytest.raises(UsageError, match="Did you mean 'smape'"):
        MetaForecaster(**small, ensemble=2, member_losses=["smap"]).fit(frame)
