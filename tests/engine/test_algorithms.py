"""Each algorithm against its own definition, on problems small enough to solve by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import SEED, check_outer_gradient, flat, problem_of

from tsmaml import engine
from tsmaml.engine.annealing import Moment, cosine, multi_step_weights
from tsmaml.engine.implicit import conjugate_gradients
from tsmaml.engine.mapping import loop, vectorized
from tsmaml.engine.outer import outer_gradient
from tsmaml.errors import TrainingError, UsageError


def linear_model(dimension: int) -> keras.Model:
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((dimension,)), keras.layers.Dense(1, use_bias=False)])


@pytest.fixture
def context_net():
    """2-4-2 with two context inputs: ``tanh(x V + c U + b) W + d``."""

    def build(seed: int = 0) -> keras.Model:
        keras.utils.set_random_seed(seed)
        x, context = keras.Input((2,), name="x"), keras.Input((2,), name="context")
        both = keras.layers.Add()(
            [keras.layers.Dense(4)(x), keras.layers.Dense(4, use_bias=False)(context)]
        )
        hidden = keras.layers.Activation("tanh")(both)
        return keras.Model([x, context], keras.layers.Dense(2, name="head")(hidden))

    return build


def linear_batch(n_tasks=3, n_samples=6, dimension=3):
    rng = np.random.default_rng(5)
    x_s, x_q = rng.normal(size=(2, n_tasks, n_samples, dimension))
    y_s, y_q = rng.normal(size=(2, n_tasks, n_samples, 1))
    ones = np.ones((n_tasks, n_samples))
    return engine.TaskBatch(*map(tf.constant, (x_s, y_s, ones, x_q, y_q, ones)))


def moment(step: int, total: int = 100) -> Moment:
    return Moment(tf.constant(step, tf.int64), tf.constant(total, tf.int64))


EVERY = [
    engine.maml(rate=0.1, steps=2),
    engine.fomaml(rate=0.1, steps=2),
    engine.reptile(rate=0.1, steps=2),
    engine.anil(rate=0.1, steps=2),
    engine.boil(rate=0.1, steps=2),
    engine.metasgd(rate=0.1),
    engine.mamlpp(rate=0.1, steps=2),
    engine.cavia(rate=0.1, steps=2),
    engine.imaml(rate=0.1, steps=2),
    engine.ridge(),
    engine.maml(name="shrunk", rate=0.1, steps=2, shrinkage="layer"),
]


@pytest.mark.parametrize("algorithm", EVERY, ids=lambda algorithm: algorithm.name)
def test_mapped_over_tasks_equals_the_loop_and_tasks_have_no_order(
    float64, context_net, random_batch, algorithm
):
    problem, meta = problem_of(context_net(), algorithm)
    batch = random_batch(n_tasks=4)
    mapped = outer_gradient(problem, meta, batch, SEED, vectorized, moment=moment(50))
    looped = outer_gradient(problem, meta, batch, SEED, loop, n_chunks=2, moment=moment(50))
    np.testing.assert_allclose(flat(mapped), flat(looped), rtol=1e-9, atol=1e-13)
    turned = engine.TaskBatch(*(tf.gather(part, [2, 0, 3, 1]) for part in batch))
    np.testing.assert_allclose(
        flat(outer_gradient(problem, meta, turned, SEED, vectorized, moment=moment(50))),
        flat(mapped),
        rtol=1e-9,
        atol=1e-13,
    )


def test_metasgd_equals_its_closed_form(float64):
    # w' = w - a o g(w) with g = H w - b; dL/dw = (I - H a) g_q, dL/da = -g o g_q.
    batch = linear_batch()
    problem, meta = problem_of(linear_model(3), engine.metasgd(rate=0.05))
    rate = np.array([[0.05], [0.2], [-0.1]])
    meta = meta._replace(rates=(tf.constant(rate),))
    grads, _ = outer_gradient(problem, meta, batch, SEED, vectorized)
    w = np.array(meta.parameters[0])
    by_w, by_rate = np.zeros((2, 3, 1))
    for x_s, y_s, _, x_q, y_q, _ in zip(*(np.array(part) for part in batch), strict=True):
        hessian = 2 * x_s.T @ x_s / 6
        support = 2 * x_s.T @ (x_s @ w - y_s) / 6
        query = 2 * x_q.T @ (x_q @ (w - rate * support) - y_q) / 6
        by_w += (query - hessian @ (rate * query)) / 3
        by_rate += -support * query / 3
    np.testing.assert_allclose(grads.parameters[0], by_w, rtol=1e-10)
    np.testing.assert_allclose(grads.rates[0], by_rate, rtol=1e-10)


def test_boil_moves_everything_but_the_head(float64, small_net, random_batch):
    learner = engine.MetaLearner(small_net(), engine.boil(), jit=False)
    assert [part.shape for part in learner.adapt(*random_batch()[:3]).fast] == [(3, 2, 5), (3, 5)]


def test_mamlpp_weighs_the_loss_after_each_step(float64, small_net, random_batch):
    # The objective's gradient is the weighted sum of the gradients of MAML with 1, 2, 3 steps.
    batch = random_batch()
    rates = {"rate": 0.1, "learned_rates": None}
    for step, total in ((0, 100), (10, 100), (60, 100)):
        problem, meta = problem_of(
            small_net(), engine.mamlpp(steps=3, first_order_share=0.0, **rates)
        )
        grads, losses = outer_gradient(
            problem, meta, batch, SEED, vectorized, moment=moment(step, total)
        )
        done = min(1.0, step / 50)
        weights = [(1 - done) / 3, (1 - done) / 3, 1 - 2 * (1 - done) / 3]
        parts = [
            outer_gradient(
                *problem_of(small_net(), engine.maml(steps=steps, rate=0.1)),
                batch,
                SEED,
                vectorized,
            )
            for steps in (1, 2, 3)
        ]
        expected = sum(w * flat(part[0]) for w, part in zip(weights, parts, strict=True))
        np.testing.assert_allclose(flat(grads), expected, rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(losses.query, parts[-1][1].query, rtol=1e-12)


def test_mamlpp_goes_from_the_first_order_to_the_second(float64, small_net, random_batch):
    def gradient(moment=None, **options):
        problem, meta = problem_of(
            small_net(), engine.maml(steps=2, rate=0.1, learned_rates="layer_step", **options)
        )
        return flat(
            outer_gradient(problem, meta, random_batch(), SEED, vectorized, None, moment)[0]
        )

    first, second = gradient(order=1), gradient(order=2)
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_allclose(gradient(moment(29), first_order_share=0.3), first, rtol=1e-12)
    np.testing.assert_allclose(gradient(moment(30), first_order_share=0.3), second, rtol=1e-12)


def test_annealing_begins_and_ends_where_it_should():
    start = multi_step_weights(4, moment(0).share(0.5, "float64"))
    np.testing.assert_allclose(start, [0.25] * 4)
    for step in (0, 7, 49, 50, 99):
        weights = multi_step_weights(4, moment(step).share(0.5, "float64"))
        np.testing.assert_allclose(np.sum(weights), 1.0)
    np.testing.assert_allclose(
        multi_step_weights(4, moment(50).share(0.5, "float64")), [0, 0, 0, 1]
    )
    rates = [float(cosine(moment(step).share(1.0, "float64"))) for step in (0, 50, 100)]
    np.testing.assert_allclose(rates, [1.0, 0.505, 0.01])


def test_the_outer_rate_falls_along_a_cosine(small_net, random_batch):
    batch = engine.TaskBatch(*(tf.cast(part, "float32") for part in random_batch()))
    optimizer = keras.optimizers.SGD(0.1)
    learner = engine.MetaLearner(
        small_net(), engine.maml(outer_rate="cosine"), optimizer=optimizer, jit=False
    )
    learner.fit([batch] * 4, steps=4)
    np.testing.assert_allclose(optimizer.learning_rate, 0.1 * cosine(0.75), rtol=1e-6)


def test_cavia_adapts_the_context_alone_from_zero(float64, context_net, random_batch):
    problem, meta = problem_of(context_net(), engine.cavia(rate=0.5, steps=2))
    batch = random_batch()
    check_outer_gradient(problem, meta, batch)
    # By hand: two steps on c in tanh(x V + b + c U) W + d.
    v, b, u, w, d = (np.array(part) for part in meta.parameters)

    def loss_and_gradient(c, x, y, weights):
        hidden = np.tanh(x @ v + b + c @ u)
        residual = hidden @ w + d - y
        by_output = 2 * residual / 2 * (weights / weights.sum())[:, None]
        by_context = (((by_output @ w.T) * (1 - hidden**2)) @ u.T).sum(axis=0)
        return (np.mean(residual**2, axis=1) * weights).sum() / weights.sum(), by_context

    queries = []
    adapted = engine.MetaLearner(context_net(), engine.cavia(rate=0.5, steps=2), jit=False).adapt(
        *batch[:3]
    )
    for task, (x_s, y_s, w_s, x_q, y_q, w_q) in enumerate(
        zip(*(np.array(part) for part in batch), strict=True)
    ):
        c = np.zeros(2)
        for _ in range(2):
            c = c - 0.5 * loss_and_gradient(c, x_s, y_s, w_s)[1]
        queries.append(loss_and_gradient(c, x_q, y_q, w_q)[0])
        if adapted.steps[task] == 2:
            np.testing.assert_allclose(adapted.fast[0][task], c, rtol=1e-9)
    assert 2 in np.array(adapted.steps)
    losses = outer_gradient(problem, meta, batch, SEED, vectorized)[1]
    np.testing.assert_allclose(losses.query, np.mean(queries), rtol=1e-9)


def test_cavia_says_what_it_needs(small_net):
    with pytest.raises(TrainingError, match="no context to adapt") as caught:
        engine.MetaLearner(small_net(), engine.cavia())
    assert "name='context'" in caught.value.hint


def test_context_is_zero_for_other_algorithms(float64, context_net):
    learner = engine.MetaLearner(context_net(), engine.maml(), jit=False)
    x = np.random.default_rng(0).normal(size=(2, 3, 2))
    model = context_net()
    expected = [model({"x": part, "context": np.zeros((3, 2))}) for part in x]
    np.testing.assert_allclose(learner.predict(x), expected, rtol=1e-10)


def test_imaml_equals_unrolled_descent_run_to_its_end(float64):
    # The pulled support loss is a quadratic: descent of 100 steps arrives, and what it is
    # differentiated to is the implicit gradient. Its minimum has a closed form, too.
    batch = linear_batch()
    options = {"rate": 0.3, "steps": 100, "pull": 0.5}
    problem, meta = problem_of(linear_model(3), engine.imaml(cg_steps=3, **options))
    grads, losses = outer_gradient(problem, meta, batch, SEED, vectorized)
    w = np.array(meta.parameters[0])
    expected, queries = np.zeros((3, 1)), []
    for x_s, y_s, _, x_q, y_q, _ in zip(*(np.array(part) for part in batch), strict=True):
        pulled = 2 * x_s.T @ x_s / 6 + 0.5 * np.eye(3)
        best = np.linalg.solve(pulled, 2 * x_s.T @ y_s / 6 + 0.5 * w)
        by_best = 2 * x_q.T @ (x_q @ best - y_q) / 6
        expected += 0.5 * np.linalg.solve(pulled, by_best) / 3
        queries.append(np.mean((x_q @ best - y_q) ** 2))
    np.testing.assert_allclose(grads.parameters[0], expected, rtol=1e-8)
    np.testing.assert_allclose(losses.query, np.mean(queries), rtol=1e-8)


def test_imaml_on_a_net_equals_unrolled_maml(float64, small_net, random_batch):
    # Where the head adapts alone, the body's gradient has a part of its own.
    options = {"rate": 0.1, "steps": 30, "pull": 8.0, "adapts": "head"}
    batch = random_batch()
    problem, meta = problem_of(small_net(), engine.imaml(cg_steps=20, **options))
    implicit, _ = outer_gradient(problem, meta, batch, SEED, vectorized)
    problem, meta = problem_of(small_net(), engine.maml(**options))
    unrolled = tf.function(
        lambda: outer_gradient(problem, meta, batch, SEED, vectorized), autograph=False
    )()[0]
    np.testing.assert_allclose(flat(implicit), flat(unrolled), rtol=1e-6, atol=1e-9)


def test_conjugate_gradients_solve_and_stop():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    matrix = root @ root.T + np.eye(4)
    right, start = rng.normal(size=(2, 4, 1))

    def solve(matrix, right, start, n_steps):
        return conjugate_gradients(
            lambda v: (matrix @ v[0],), (tf.constant(right),), (tf.constant(start),), n_steps
        )[0]

    expected = np.linalg.solve(matrix, right)
    np.testing.assert_allclose(solve(matrix, right, start, 4), expected, rtol=1e-8)
    # From the solution, or for a right side of zero, nothing moves (0 / 0).
    np.testing.assert_allclose(solve(matrix, matrix @ start, start, 3), start, rtol=1e-12)
    assert not np.any(solve(matrix, 0 * right, 0 * start, 3))
    # Along a direction of negative curvature there is no minimum: stay at the start.
    np.testing.assert_array_equal(solve(-matrix, right, start, 3), start)


@pytest.mark.parametrize("n_support", [4, 9])  # fewer samples than features (dual), and more
@pytest.mark.parametrize("finer", [False, True])
def test_ridge_equals_numpy_s_solution(float64, small_net, random_batch, n_support, finer):
    batch = random_batch(n_support=n_support)
    weights = np.array(batch.support_weights)
    if finer:
        weights = weights[..., None] * np.random.default_rng(2).uniform(size=(*weights.shape, 2))
    model, strength = small_net(), 0.7
    learner = engine.MetaLearner(model, engine.ridge(strength=strength), jit=False)
    adapted = learner.adapt(batch.support_inputs, batch.support_targets, weights)
    v, b, w, d = (np.array(part) for part in learner.meta.parameters)
    for task in range(3):
        x, y = np.array(batch.support_inputs[task]), np.array(batch.support_targets[task])
        features = np.hstack([np.tanh(x @ v + b), np.ones((n_support, 1))])
        start = np.vstack([w, d])
        for column in range(2):
            each = np.diag(weights[task, :, column] if finer else weights[task])
            best = np.linalg.solve(
                features.T @ each @ features + strength * np.eye(6),
                features.T @ each @ y[:, column] + strength * start[:, column],
            )
            np.testing.assert_allclose(adapted.fast[0][task][:, column], best[:-1], rtol=1e-8)
            np.testing.assert_allclose(adapted.fast[1][task][column], best[-1], rtol=1e-8)
    assert (np.array(adapted.support_loss) < np.array(adapted.zero_step_loss)).all()


def test_a_very_strong_ridge_stays_and_a_weak_one_fits(float64, small_net, random_batch):
    batch = random_batch(n_support=4)
    strong = engine.MetaLearner(small_net(), engine.ridge(strength=1e12), jit=False)
    adapted = strong.adapt(*batch[:3])
    np.testing.assert_allclose(adapted.support_loss, adapted.zero_step_loss, rtol=1e-6)
    weak = engine.MetaLearner(small_net(), engine.ridge(strength=1e-10), jit=False)
    np.testing.assert_allclose(weak.adapt(*batch[:3]).support_loss, 0, atol=1e-6)


def test_ridge_solves_for_several_layers_and_one_that_is_used_twice(float64, random_batch):
    keras.utils.set_random_seed(1)
    x = keras.Input((2,))
    head = keras.layers.Dense(2, name="head")
    straight = keras.layers.Dense(2, use_bias=False, name="head_linear")
    first, second = (keras.layers.Dense(3, "tanh")(x) for _ in range(2))
    model = keras.Model(x, keras.layers.Add()([head(first), head(second), straight(x)]))
    problem, meta = problem_of(model, engine.ridge(strength=0.5))
    assert meta.rates[0].shape == (2,)
    batch = random_batch()
    problem.head.check(meta.parameters, batch.support_inputs[0])
    check_outer_gradient(problem, meta, batch)
    learner = engine.MetaLearner(model, engine.ridge(strength=1e-9), jit=False)
    np.testing.assert_allclose(learner.adapt(*batch[:3]).support_loss, 0, atol=1e-6)


def test_ridge_refuses_what_is_not_linear_in_its_head(random_batch):
    batch = engine.TaskBatch(*(tf.cast(part, "float32") for part in random_batch()))
    x = keras.Input((2,))
    curved = keras.Model(x, keras.layers.Dense(2, "tanh", name="head")(x))
    with pytest.raises(TrainingError, match="linear Dense layers; 'head/kernel' belongs to none"):
        engine.MetaLearner(curved, engine.ridge())
    squared = keras.Model(x, keras.layers.Dense(2, name="head")(x) ** 2)
    with pytest.raises(TrainingError, match="the sum of its head's layers: head give"):
        engine.MetaLearner(squared, engine.ridge(), jit=False).fit([batch], steps=1)
    wide = keras.Model(x, keras.layers.Dense(4, name="head")(x))

    def of_first_two(targets, outputs):
        return tf.square(targets - outputs[:, :2])

    of_first_two.n_outputs = 1
    with pytest.raises(TrainingError, match="one output for each target"):
        engine.MetaLearner(wide, engine.ridge(), of_first_two, jit=False).adapt(*batch[:3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outer": "implicit"}, "needs a pull above 0"),
        ({"outer": "reptile", "learned_rates": "layer"}, "no gradient that a learned rate"),
        ({"outer": "reptile", "shrinkage": "layer"}, "no gradient that a shrinkage"),
        ({"solver": "ridge", "shrinkage": "layer"}, "its strength does that"),
        ({"shrinkage": "all"}, "shrinkage is 'all'; wanted is one of"),
        ({"outer": "reptile", "objective": "multi_step"}, "not at its steps"),
        ({"solver": "ridge", "steps": 3}, "takes no steps"),
        ({"objective": "first"}, "objective is 'first'; wanted is one of"),
        ({"steps": 0}, "steps is 0; wanted is a whole number of 1 or more"),
        ({"first_order_share": 2.0}, "first_order_share is 2.0; wanted is a share"),
        ({"strength": 0.0}, "strength is 0.0; wanted is a positive number"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        engine.maml(**options)
