"""Second-order MAML against an implementation of its own, in NumPy, derivatives written by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tsmaml import engine

INNER_RATE, OUTER_RATE, TASKS, SAMPLES = 0.1, 0.05, 4, 5


def gradient(theta, x, y):
    """Loss ``mean((tanh(x W + b) V + c - y)^2)`` and its gradient."""
    w, b, v, c = theta
    hidden = np.tanh(x @ w + b)
    residual = hidden @ v + c - y
    by_output = 2 * residual / residual.size
    by_sum = (by_output @ v.T) * (1 - hidden**2)
    grads = [x.T @ by_sum, by_sum.sum(0), hidden.T @ by_output, by_output.sum(0)]
    return np.mean(residual**2), grads


def hessian_product(theta, x, y, direction):
    """The Hessian times a direction, by the R operator (Pearlmutter 1994)."""
    w, b, v, c = theta
    r_w, r_b, r_v, r_c = direction
    hidden = np.tanh(x @ w + b)
    slope = 1 - hidden**2
    residual = hidden @ v + c - y
    by_output = 2 * residual / residual.size
    by_hidden = by_output @ v.T
    r_hidden = slope * (x @ r_w + r_b)
    r_by_output = 2 * (r_hidden @ v + hidden @ r_v + r_c) / residual.size
    r_by_hidden = r_by_output @ v.T + by_output @ r_v.T
    r_by_sum = r_by_hidden * slope - 2 * by_hidden * hidden * r_hidden
    return [
        x.T @ r_by_sum,
        r_by_sum.sum(0),
        r_hidden.T @ by_output + hidden.T @ r_by_output,
        r_by_output.sum(0),
    ]


def outer_step(theta, batch, inner_steps):
    """One step of algorithm 2 of Finn et al. 2017."""
    total, loss = [np.zeros_like(part) for part in theta], 0.0
    for x_s, y_s, _, x_q, y_q, _ in zip(*batch, strict=True):
        states = [theta]
        for _ in range(inner_steps):
            grads = gradient(states[-1], x_s, y_s)[1]
            states.append([p - INNER_RATE * g for p, g in zip(states[-1], grads, strict=True)])
        query_loss, back = gradient(states[-1], x_q, y_q)
        for state in reversed(states[:-1]):
            products = hessian_product(state, x_s, y_s, back)
            back = [g - INNER_RATE * h for g, h in zip(back, products, strict=True)]
        total = [t + g / TASKS for t, g in zip(total, back, strict=True)]
        loss += query_loss / TASKS
    return [p - OUTER_RATE * g for p, g in zip(theta, total, strict=True)], loss


def batches(n):
    rng = np.random.default_rng(0)
    for _ in range(n):
        x = rng.uniform(-2, 2, size=(TASKS, 2 * SAMPLES, 1))
        y = rng.uniform(0.5, 2, (TASKS, 1, 1)) * np.sin(x + rng.uniform(0, 3, (TASKS, 1, 1)))
        ones = np.ones((TASKS, SAMPLES))
        yield x[:, :SAMPLES], y[:, :SAMPLES], ones, x[:, SAMPLES:], y[:, SAMPLES:], ones


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_200_outer_steps_equal_those_of_numpy(float64, inner_steps):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(1)]
    )
    learner = engine.MetaLearner(
        model,
        engine.maml(rate=INNER_RATE, steps=inner_steps),
        optimizer=keras.optimizers.SGD(OUTER_RATE),
    )
    theta = start = [part.numpy() for part in learner.meta.parameters]
    learner.fit((engine.TaskBatch(*batch) for batch in batches(200)), steps=200)
    losses = []
    for batch in batches(200):
        theta, loss = outer_step(theta, batch, inner_steps)
        losses.append(loss)
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])
    for ours, theirs, before in zip(learner.meta.parameters, theta, start, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
        assert np.abs(theirs - before).max() > 0.01
