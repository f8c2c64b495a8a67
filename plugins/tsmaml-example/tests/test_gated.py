"""The architecture: its contract, and that it can be meta-trained with every task side by side."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from tsmaml_example.gated import build

from tsmaml.engine import MetaLearner, TaskBatch, maml
from tsmaml.errors import UsageError

INPUT_SIZE, H = 6, 3


@pytest.fixture
def double_precision():
    # Once a layer has been built, set_floatx alone changes no layer any more.
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


def with_random_weights(model: keras.Model) -> keras.Model:
    """Move the weights off their start: the head's zeros would hide all else."""
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(0, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def windows(*shape: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    mask = (rng.uniform(size=(*shape, INPUT_SIZE)) > 0.3).astype("float32")
    return {"past": rng.normal(size=mask.shape).astype("float32"), "mask": mask}


def test_the_first_forecast_is_the_location_of_the_window():
    np.testing.assert_array_equal(build(INPUT_SIZE, H, width=4)(windows(5)), np.zeros((5, H)))


def test_features_stay_bounded_however_deep():
    model = with_random_weights(build(INPUT_SIZE, H, width=4, n_layers=8))
    features = keras.Model(model.inputs, model.get_layer("norm_7").output)
    (scale,) = model.get_layer("norm_7").get_weights()
    # A normalised vector of n values has none above sqrt(n).
    limit = np.abs(scale) * np.sqrt(4) + 1e-5
    assert np.all(np.abs(features({name: 1e3 * x for name, x in windows(5).items()})) <= limit)


@pytest.mark.parametrize(("n_outputs", "wanted"), [(1, (5, H)), (2, (5, H, 2))])
def test_output_shape(n_outputs, wanted):
    model = build(INPUT_SIZE, H, n_outputs, width=4)
    assert model(windows(5)).shape == wanted


def test_unobserved_steps_have_no_influence():
    model = with_random_weights(build(INPUT_SIZE, H, width=4))
    inputs = windows(5)
    other = {**inputs, "past": np.where(inputs["mask"] > 0, inputs["past"], 1e3)}
    np.testing.assert_array_equal(model(inputs), model(other))
    changed = {**inputs, "past": np.where(inputs["mask"] > 0, inputs["past"] + 1, 0)}
    assert np.all(np.any(model(inputs) != model(changed), axis=-1))


def test_only_the_last_layer_is_head():
    names = [layer.name for layer in build(INPUT_SIZE, H, 2).layers if layer.weights]
    assert [name for name in names if name.startswith("head")] == ["head"]


def test_options_set_the_size():
    def parameters(**options: int) -> int:
        return build(INPUT_SIZE, H, **options).count_params()

    width = 8
    layer = 2 * (width * width + width) + width
    assert parameters(width=width, n_layers=3) - parameters(width=width, n_layers=1) == 2 * layer


def test_variable_paths_do_not_depend_on_what_was_built_before():
    first, second = ([v.path for v in build(INPUT_SIZE, H, 2).variables] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("option", ["width", "n_layers"])
@pytest.mark.parametrize("value", [0, 1.5])
def test_sizes_are_whole_numbers(option, value):
    with pytest.raises(UsageError, match=option):
        build(INPUT_SIZE, H, **{option: value})


@pytest.mark.usefixtures("double_precision")
def test_second_order_maml_mapped_over_tasks_equals_a_plain_loop():
    rng = np.random.default_rng(1)
    inputs = {name: tf.constant(x, tf.float64) for name, x in windows(3, 6).items()}
    batch = TaskBatch.split(inputs, tf.constant(rng.normal(size=(3, 6, H))), n_support=4)

    def meta_trained(way: str, jit: bool, order: int) -> MetaLearner:
        learner = MetaLearner(
            with_random_weights(build(INPUT_SIZE, H, width=4, n_layers=2)),
            maml(steps=2, rate=0.05, order=order),
            optimizer=keras.optimizers.SGD(0.05),
            vectorize=way,
            jit=jit,
        )
        learner.fit([batch] * 2, steps=2)
        assert {value.dtype for value in learner.arrays().values()} == {np.dtype("float64")}
        return learner

    mapped, looped = meta_trained("vectorized", True, 2), meta_trained("loop", False, 2)
    assert mapped.train_traces == 1
    first_order = meta_trained("loop", False, 1)
    for name, value in mapped.arrays().items():
        np.testing.assert_allclose(value, looped.arrays()[name], rtol=1e-9, atol=1e-12)
    # Second derivatives reach every variable.
    for name, value in first_order.arrays().items():
        if name.startswith("parameters"):
            assert not np.allclose(value, mapped.arrays()[name], rtol=1e-6, atol=1e-9), name
