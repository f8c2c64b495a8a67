"""The outer gradient against closed forms, finite differences and a plain loop."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import check_outer_gradient, flat, problem_of

from tsmaml import engine
from tsmaml.engine.mapping import loop, vectorized
from tsmaml.engine.outer import outer_gradient

SEED = tf.constant([0, 0], tf.int64)


def quadratic_model(dimension: int) -> keras.Model:
    """A linear map without bias: its squared loss is a quadratic in the weights."""
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((dimension,)), keras.layers.Dense(1, use_bias=False)])


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("order", [1, 2])
def test_gradient_equals_the_closed_form_on_quadratic_tasks(float64, steps, order):
    # Support loss |Xw - y|^2 / n has gradient 2 X'(Xw - y) / n and Hessian H = 2 X'X / n, so that
    # k steps map w to w_k with dw_k/dw = (I - rate H)^k: the closed form of MAML (FOMAML: I).
    rng = np.random.default_rng(5)
    rate, dimension = 0.05, 3
    model = quadratic_model(dimension)
    x_s, x_q = rng.normal(size=(2, 4, 6, dimension))
    y_s, y_q = rng.normal(size=(2, 4, 6, 1))
    ones = np.ones((4, 6))
    batch = engine.TaskBatch(*map(tf.constant, (x_s, y_s, ones, x_q, y_q, ones)))
    build = engine.maml if order == 2 else engine.fomaml
    problem, meta = problem_of(model, build(rate=rate, steps=steps))
    grads, losses = outer_gradient(problem, meta, batch, SEED, vectorized)

    w0 = np.array(meta.parameters[0])
    expected, query_losses = np.zeros_like(w0), []
    for task in range(4):
        hessian = 2 * x_s[task].T @ x_s[task] / 6
        w, jacobian = w0, np.eye(dimension)
        for _ in range(steps):
            w = w - rate * 2 * x_s[task].T @ (x_s[task] @ w - y_s[task]) / 6
            jacobian = (np.eye(dimension) - rate * hessian) @ jacobian
        query_grad = 2 * x_q[task].T @ (x_q[task] @ w - y_q[task]) / 6
        expected += (jacobian.T @ query_grad if order == 2 else query_grad) / 4
        query_losses.append(np.mean((x_q[task] @ w - y_q[task]) ** 2))
    np.testing.assert_allclose(grads.parameters[0], expected, rtol=1e-10)
    np.testing.assert_allclose(losses.query, np.mean(query_losses), rtol=1e-10)


ALGORITHMS = {
    "maml": engine.maml(rate=0.1, steps=2),
    "anil": engine.anil(rate=0.1, steps=2),
    "momentum": engine.maml(rate=0.1, steps=2, rule=engine.SGD(momentum=0.9)),
    "adam": engine.maml(rate=0.05, steps=2, rule=engine.Adam()),
    "learned scalar": engine.maml(rate=0.1, steps=2, learned_rates="scalar"),
    "learned per layer and step": engine.maml(rate=0.1, steps=2, learned_rates="layer_step"),
    "learned per parameter": engine.maml(rate=0.1, steps=2, learned_rates="parameter"),
    "clipped": engine.maml(rate=0.1, steps=2, clip_norm=0.3),
    "proximal": engine.maml(rate=0.1, steps=2, pull=0.7),
    "boil": engine.boil(rate=0.1, steps=2),
    "shrunk": engine.maml(rate=0.1, steps=2, shrinkage="layer"),
    "shrunk at learned rates": engine.anil(
        steps=2, learned_rates="layer", shrinkage="layer", objective="multi_step"
    ),
    "ridge": engine.ridge(strength=0.3),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_second_order_gradient_equals_finite_differences(float64, small_net, random_batch, name):
    problem, meta = problem_of(small_net(), ALGORITHMS[name])
    batch = random_batch()
    check_outer_gradient(problem, meta, batch)


def test_first_order_gradient_is_the_query_gradient_at_the_adapted_weights(
    float64, small_net, random_batch
):
    batch = random_batch()
    second, meta = problem_of(small_net(), engine.maml(rate=0.1, steps=2))
    first, _ = problem_of(small_net(), engine.fomaml(rate=0.1, steps=2))
    by_hand = [np.zeros(part.shape) for part in meta.parameters]
    for task in range(3):
        xs, ys, ws, xq, yq, wq = (np.array(part[task]) for part in batch)
        weights = [tf.constant(part) for part in meta.parameters]

        def loss(parameters, x, y, w):
            residual = tf.square(
                tf.tanh(x @ parameters[0] + parameters[1]) @ parameters[2] + parameters[3] - y
            )
            return tf.reduce_sum(tf.reduce_mean(residual, 1) * w) / tf.reduce_sum(w)

        for _ in range(2):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                value = loss(weights, xs, ys, ws)
            weights = [
                p - 0.1 * g for p, g in zip(weights, tape.gradient(value, weights), strict=True)
            ]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = loss(weights, xq, yq, wq)
        for total, grad in zip(by_hand, tape.gradient(value, weights), strict=True):
            total += np.array(grad) / 3
    grads, _ = outer_gradient(first, meta, batch, SEED, vectorized)
    np.testing.assert_allclose(flat(grads.parameters), flat(by_hand), rtol=1e-9)
    through, _ = outer_gradient(second, meta, batch, SEED, vectorized)
    assert np.abs(flat(through.parameters) - flat(by_hand)).max() > 1e-3


def test_reptile_goes_to_the_mean_of_the_adapted_weights(float64, small_net, random_batch):
    batch = random_batch()
    problem, meta = problem_of(small_net(), engine.reptile(rate=0.1, steps=3))
    grads, _ = outer_gradient(problem, meta, batch, SEED, vectorized)
    learner = engine.MetaLearner(small_net(), engine.reptile(rate=0.1, steps=3), jit=False)
    both = [tf.concat([batch[i], batch[i + 3]], 1) for i in range(3)]
    # Here adaptation improves on support at each step, so that the best state is the last.
    adapted = learner.adapt(*both)
    assert set(np.array(adapted.steps)) == {3}
    for grad, start, fast in zip(grads.parameters, meta.parameters, adapted.fast, strict=True):
        np.testing.assert_allclose(grad, start - tf.reduce_mean(fast, 0), rtol=1e-9, atol=1e-12)


def test_anil_moves_the_head_only(float64, small_net, random_batch):
    problem, _ = problem_of(small_net(), engine.anil())
    assert [problem.net.names[i].split("/")[-2] for i in problem.chosen] == ["head", "head"]
    learner = engine.MetaLearner(small_net(), engine.anil(), jit=False)
    assert [part.shape for part in learner.adapt(*random_batch()[:3]).fast] == [(3, 5, 2), (3, 2)]


@pytest.mark.parametrize("build", [engine.maml, engine.fomaml, engine.anil, engine.reptile])
def test_mapping_over_tasks_equals_a_plain_loop(float64, small_net, random_batch, build):
    problem, meta = problem_of(small_net(), build(rate=0.1, steps=2))
    batch = random_batch(n_tasks=4)
    mapped = outer_gradient(problem, meta, batch, SEED, vectorized)
    looped = outer_gradient(problem, meta, batch, SEED, loop)
    chunked = outer_gradient(problem, meta, batch, SEED, vectorized, n_chunks=2)
    np.testing.assert_allclose(flat(mapped), flat(looped), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(flat(chunked), flat(looped), rtol=1e-10, atol=1e-14)


def test_a_task_without_query_does_not_count(float64, small_net, random_batch):
    problem, meta = problem_of(small_net(), engine.maml(rate=0.1))
    batch = random_batch(n_tasks=3)
    two = engine.TaskBatch(*(part[:2] for part in batch))
    silenced = np.array(batch.query_weights)
    silenced[2] = 0.0
    silent = batch._replace(query_weights=tf.constant(silenced))
    np.testing.assert_allclose(
        flat(outer_gradient(problem, meta, silent, SEED, vectorized)),
        flat(outer_gradient(problem, meta, two, SEED, vectorized)),
        rtol=1e-12,
    )


def test_the_sum_of_gradients_is_the_mean_times_the_tasks_that_count(
    float64, small_net, random_batch
):
    batch = random_batch(n_tasks=4)
    silenced = np.array(batch.query_weights)
    silenced[1] = 0.0
    batch = batch._replace(query_weights=tf.constant(silenced))
    means, summed = (
        outer_gradient(
            *problem_of(small_net(), engine.maml(rate=0.1, reduction=reduction)),
            batch,
            SEED,
            vectorized,
        )
        for reduction in ("mean", "sum")
    )
    np.testing.assert_allclose(flat(summed[0]), 3 * flat(means[0]), rtol=1e-12)
    np.testing.assert_allclose(summed[1], means[1], rtol=1e-12)


def test_order_of_tasks_does_not_matter(float64, small_net, random_batch):
    problem, meta = problem_of(small_net(), engine.maml(rate=0.1, steps=2))
    batch = random_batch(n_tasks=4)
    turned = engine.TaskBatch(*(tf.gather(part, [2, 0, 3, 1]) for part in batch))
    np.testing.assert_allclose(
        flat(outer_gradient(problem, meta, turned, SEED, vectorized)),
        flat(outer_gradient(problem, meta, batch, SEED, vectorized)),
        rtol=1e-12,
    )


def test_adam_rule_has_finite_second_derivatives_at_a_zero_gradient(float64, small_net):
    # Targets equal to the outputs make the support gradient exactly zero.
    model = small_net()
    x = np.random.default_rng(0).normal(size=(2, 4, 2))
    y = np.stack([model(part) for part in x])
    ones = np.ones((2, 4))
    batch = engine.TaskBatch(*map(tf.constant, (x, y, ones, x, y + 1.0, ones)))
    problem, meta = problem_of(model, engine.maml(steps=3, rule=engine.Adam()))
    grads, losses = outer_gradient(problem, meta, batch, SEED, vectorized)
    assert np.isfinite(flat(grads)).all()
    np.testing.assert_allclose(losses.query, 1.0, rtol=1e-9)
