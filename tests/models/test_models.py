"""What every registered architecture has to do; plugins' models too, where they are installed."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml import engine
from tsmaml.engine.functional import FunctionalModel
from tsmaml.engine.mapping import loop, vectorized
from tsmaml.engine.outer import outer_gradient
from tsmaml.engine.problem import Meta, Problem, initial_rates
from tsmaml.errors import UsageError
from tsmaml.losses import mse
from tsmaml.plugins import registry

INPUT_SIZE, H = 5, 3
PARTS = {part.name: part for part in registry().parts("model")}
SMALL = {"width": 4, "n_blocks": 2, "n_layers": 2}
every_model = pytest.mark.parametrize("name", PARTS)


def options_of(name: str) -> dict:
    known = inspect.signature(PARTS[name].load()).parameters
    return {option: value for option, value in SMALL.items() if option in known}


def built(name: str, n_outputs: int = 1, seed: int = 0, **options) -> keras.Model:
    keras.utils.set_random_seed(seed)
    build = PARTS[name].load()
    return build(INPUT_SIZE, H, n_outputs, **{**options_of(name), **options})


def with_random_weights(model: keras.Model, seed: int = 1) -> keras.Model:
    """Move all weights off their start: zeros would hide what is behind them."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def windows(model: keras.Model, *shape: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random inputs ``[..., input_size]`` by name, masked like a short history, the past at 0 there."""
    rng = np.random.default_rng(seed)
    missing = rng.integers(0, INPUT_SIZE, (*shape, 1))
    mask = (np.arange(INPUT_SIZE) >= missing).astype(float)
    offered = {"past": rng.normal(size=mask.shape) * mask, "mask": mask}
    names = [tensor.name for tensor in model.inputs]
    return {name: offered.get(name, offered["past"]) for name in names}


@every_model
@pytest.mark.parametrize(("n_outputs", "shape"), [(1, (7, H)), (3, (7, H, 3))])
def test_output_shape(name, n_outputs, shape):
    model = built(name, n_outputs)
    assert model.output_shape == (None, *shape[1:])
    outputs = model(windows(model, 7))
    assert outputs.shape == shape
    assert outputs.dtype == "float32"
    assert np.isfinite(outputs).all()


@every_model
def test_what_is_masked_changes_nothing_and_what_is_not_does(name):
    model = with_random_weights(built(name))
    inputs = windows(model, 20)
    if "mask" not in inputs:
        pytest.skip("it takes no mask: what is not observed comes to it as 0")
    mask = inputs["mask"]
    other = {**inputs, "past": np.where(mask > 0, inputs["past"], 1e3)}
    np.testing.assert_array_equal(model(other), model(inputs))
    changed = {**inputs, "past": inputs["past"] + mask}
    assert (np.any(model(changed) != model(inputs), axis=-1)).all()
    # A zero that is observed differs from one that is not.
    silent = {"past": np.zeros((1, INPUT_SIZE)), "mask": np.zeros((1, INPUT_SIZE))}
    assert np.any(model(silent) != model({**silent, "mask": silent["mask"] + 1}))


@every_model
def test_the_head_is_some_of_the_layers(name):
    model = built(name)
    heads = [layer for layer in model.layers if layer.name.startswith("head")]
    assert heads
    net = FunctionalModel(model)
    chosen = net.select("head")
    assert len(chosen) == sum(len(layer.trainable_variables) for layer in heads)
    assert len(chosen) < len(net.names)


@pytest.mark.parametrize("name", ["mlp", "nbeats"])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.usefixtures("float64")
def test_the_forecast_is_linear_in_the_heads(name, n_outputs):
    model = with_random_weights(built(name, n_outputs))
    net, inputs = FunctionalModel(model), windows(model, 9)
    body, rng = net.initial(), np.random.default_rng(5)

    def forecast(heads):
        return np.asarray(net([heads.get(i, part) for i, part in enumerate(body)], inputs))

    one, other = (
        {i: tf.constant(rng.normal(size=net.shapes[i])) for i in net.select("head")}
        for _ in range(2)
    )
    mixed = {i: 2 * one[i] - 0.5 * other[i] for i in one}
    wanted = 2 * forecast(one) - 0.5 * forecast(other)
    np.testing.assert_allclose(forecast(mixed), wanted, rtol=1e-10, atol=1e-12)
    # Linear, not constant.
    assert (forecast(one) != forecast(other)).all()


def batch_of(model: keras.Model, n_tasks: int = 3) -> engine.TaskBatch:
    inputs = tf.nest.map_structure(tf.constant, windows(model, n_tasks, 5, seed=2))
    y = tf.constant(np.random.default_rng(3).normal(size=(n_tasks, 5, H)))
    return engine.TaskBatch.split(inputs, {"y": y}, n_support=3)


@every_model
@pytest.mark.usefixtures("float64")
def test_second_order_gradient_mapped_under_xla_equals_the_loop_and_finite_differences(name):
    model = with_random_weights(built(name))
    net = FunctionalModel(model)
    problem = Problem.of(net, mse(), engine.maml(steps=2, rate=0.05))
    batch, seed = batch_of(model), tf.constant([0, 0], tf.int64)

    def function_of(map_tasks, **options):
        @tf.function(autograph=False, **options)
        def gradient(parameters):
            meta = Meta(tuple(parameters), initial_rates(problem))
            return outer_gradient(problem, meta, batch, seed, map_tasks)

        return gradient

    point = [np.asarray(part) for part in net.initial()]
    mapped = function_of(vectorized, jit_compile=True)
    looped = function_of(loop)
    grads, losses = mapped(list(map(tf.constant, point)))
    wanted, wanted_losses = looped(list(map(tf.constant, point)))
    for one, other in zip(grads.parameters, wanted.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
        assert np.any(other)
    np.testing.assert_allclose(losses, wanted_losses, rtol=1e-12)

    assert mapped.experimental_get_tracing_count() == 1

    def query_loss(place, coordinate, shift):
        moved = [part.copy() for part in point]
        moved[place].flat[coordinate] += shift
        return float(mapped(list(map(tf.constant, moved)))[1].query)

    rng, width = np.random.default_rng(4), 1e-5
    for place, part in enumerate(point):
        coordinate = int(rng.integers(part.size))
        up, down = (query_loss(place, coordinate, shift) for shift in (width, -width))
        numeric = (up - down) / (2 * width)
        exact = np.ravel(grads.parameters[place])[coordinate]
        np.testing.assert_allclose(exact, numeric, rtol=1e-5, atol=1e-7, err_msg=net.names[place])


@every_model
def test_it_meta_trains_with_one_compilation(name):
    model = built(name)
    learner = engine.MetaLearner(model, engine.maml(steps=2, rate=0.05), mse())
    inputs = tf.nest.map_structure(lambda x: tf.constant(x, tf.float32), windows(model, 4, 5))
    y = tf.constant(np.random.default_rng(3).normal(size=(4, 5, H)), tf.float32)

    def sampler(seed):
        noise = tf.random.stateless_uniform(y.shape, seed)
        return engine.TaskBatch.split(inputs, {"y": y + 0.01 * noise}, n_support=3)

    losses = [learner.fit(sampler, steps=steps).reports[-1].query_loss for steps in (1, 30)]
    assert learner.train_traces == 1
    assert losses[1] < losses[0]


@every_model
def test_the_seed_decides_the_weights(name):
    same = [built(name, seed=3).get_weights() for _ in range(2)]
    for one, other in zip(*same, strict=True):
        np.testing.assert_array_equal(one, other)
    other = built(name, seed=4).get_weights()
    assert any(np.any(a != b) for a, b in zip(same[0], other, strict=True))


@every_model
def test_names_do_not_depend_on_what_was_built_before(name):
    first, second = (built(name, n_outputs=3) for _ in range(2))
    assert [v.path for v in first.variables] == [v.path for v in second.variables]
    assert len({v.path for v in first.variables}) == len(first.variables)
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]


SIZES = [(name, option) for name in ("mlp", "nbeats") for option in options_of(name)]


@pytest.mark.parametrize(("name", "option"), SIZES)
@pytest.mark.parametrize("value", [0, -1, 1.5, "8", None, True])
def test_sizes_are_whole_numbers_of_1_or_more(name, option, value):
    with pytest.raises(UsageError, match=f"{option} is {value!r}"):
        built(name, **{option: value})


@pytest.mark.parametrize(("name", "option"), SIZES)
def test_sizes_of_1_will_do(name, option):
    model = built(name, **{option: 1})
    assert model(windows(model, 2)).shape == (2, H)


@pytest.mark.parametrize("name", ["mlp", "nbeats"])
@pytest.mark.parametrize("sizes", [(0, 3), (5, 0), (5, 3, 0)])
def test_so_are_input_size_horizon_and_outputs(name, sizes):
    with pytest.raises(UsageError, match="is 0; wanted is a whole number of 1 or more"):
        PARTS[name].load()(*sizes)
