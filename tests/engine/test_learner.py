"""MetaLearner: training, adaptation, resumption, and what it refuses."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml import engine
from tsmaml.errors import TrainingError


def interrupt_at(step):
    """A callback that presses Ctrl-C."""

    def callback(progress):
        if progress.step >= step:
            raise KeyboardInterrupt

    return callback


def test_sinusoid_adapts_and_improves_with_steps(sinusoid_net, sinusoid_sampler):
    learner = engine.MetaLearner(sinusoid_net(), engine.maml(rate=0.01))
    history = learner.fit(sinusoid_sampler, steps=5000)
    assert history.step == 5000
    assert learner.train_traces == 1
    test = sinusoid_sampler(tf.constant([7, 7], tf.int64), n_tasks=600, n_samples=110)
    errors = {}
    for steps in (0, 1, 10):
        adapted = learner.adapt(test.support_inputs, test.support_targets, steps=steps)
        outputs = learner.predict(test.query_inputs, adapted)
        errors[steps] = float(tf.reduce_mean(tf.square(outputs - test.query_targets)))
    assert errors[1] < 0.8
    assert errors[10] < 0.6 * errors[1]
    assert errors[0] > 3 * errors[1]
    # One compilation for each shape, whatever the number of steps: adapt and predict.
    assert learner.adapt_traces == 2


def test_adapting_and_predicting_in_one_call_is_both_of_them(sinusoid_net, sinusoid_sampler):
    learner = engine.MetaLearner(sinusoid_net(width=4))
    batch = sinusoid_sampler(tf.constant([3, 1], tf.int64))

    def doubled(data):
        return tf.nest.map_structure(lambda x: 2 * x, data), data.query_targets

    twice, _ = doubled(batch)
    inputs, targets = twice.query_inputs, np.array(twice.query_targets)
    zero_step = learner.predict(inputs)
    adapted = learner.predict(inputs, learner.adapt(*twice[:3], steps=4))
    traces = learner.adapt_traces
    for steps, expected in ((4, adapted), (0, zero_step)):
        both = learner.adapt_and_predict(doubled, batch, steps=steps)
        for part, outputs in ((both.adapted, expected), (both.zero_step, zero_step)):
            np.testing.assert_allclose(part.outputs, outputs, rtol=1e-4, atol=1e-5)
            errors = np.square(outputs - targets)[..., 0]
            np.testing.assert_allclose(part.losses, errors, rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(both.weights, twice.query_weights)
        np.testing.assert_array_equal(both.more, batch.query_targets)
    np.testing.assert_array_equal(both.steps, 0)
    # With adaptation and without; then no more of them.
    assert learner.adapt_traces == traces + 2
    for steps in (7, 1, 0):
        learner.at(learner.meta.parameters).adapt_and_predict(doubled, batch, steps=steps)
    assert learner.adapt_traces == traces + 2


def test_one_compilation_a_shape(sinusoid_net, sinusoid_sampler):
    learner = engine.MetaLearner(sinusoid_net(width=4))
    for steps in (1, 4, 40, 100):
        learner.fit(sinusoid_sampler, steps=steps)
    assert learner.train_traces == 1
    batches = [sinusoid_sampler(tf.constant([s, 0], tf.int64)) for s in range(5)]
    learner.fit(iter(batches), steps=105)
    assert learner.train_traces == 2
    # XLA compiles too, behind TensorFlow's back: a cache miss would show as a new entry.
    assert learner.fit(sinusoid_sampler, steps=150).step == 150
    assert learner.train_traces == 2


def test_reports_hold_the_query_loss_of_each_step(sinusoid_net, sinusoid_sampler, monkeypatch):
    monkeypatch.setattr("tsmaml.engine.training.LONGEST_CALL", 7)
    batches = [sinusoid_sampler(tf.constant([5, step], tf.int64)) for step in range(40)]
    table = tf.nest.map_structure(lambda *parts: tf.stack(parts), *batches)

    def losses(sampler, steps):
        learner = engine.MetaLearner(sinusoid_net(width=4))
        reports = [report for step in steps for report in learner.fit(sampler, step).reports]
        assert learner.train_traces == 1
        for report in reports:
            if len(report.query_losses):
                assert report.query_loss == pytest.approx(np.mean(report.query_losses), rel=1e-6)
        return np.concatenate([report.query_losses for report in reports])

    def from_table(seed):
        return tf.nest.map_structure(lambda part: tf.gather(part, seed[1]), table)

    compiled = losses(from_table, [1, 20, 40])
    fed = losses(iter(batches), [40])
    assert compiled.shape == (40,)
    np.testing.assert_allclose(compiled, fed, rtol=1e-5)


def test_resuming_ends_with_the_same_bits(sinusoid_net, sinusoid_sampler):
    validation = sinusoid_sampler(tf.constant([9, 9], tf.int64))
    options = {"validation": validation, "validate_every": 20}
    whole = engine.MetaLearner(sinusoid_net(width=4), seed=3)
    curve = whole.fit(sinusoid_sampler, steps=100, **options).curve

    kept = {}
    first = engine.MetaLearner(sinusoid_net(width=4), seed=3)
    stopped = first.fit(
        sinusoid_sampler,
        steps=100,
        callbacks=[interrupt_at(30)],
        on_pause=lambda: kept.update(first.checkpoint()),
        **options,
    )
    assert stopped.stopped_by == "interrupt"
    assert 30 <= stopped.step < 100
    second = engine.MetaLearner(sinusoid_net(seed=1, width=4), seed=3)
    second.restore(kept)
    history = second.fit(sinusoid_sampler, steps=100, **options)
    assert history.step == 100
    for name, value in whole.arrays().items():
        np.testing.assert_array_equal(second.arrays()[name], value)
    assert len(curve.query) == 100
    assert np.isfinite(curve.query).all()
    np.testing.assert_array_equal(history.curve.query, curve.query)
    assert [step for step, *_ in curve.validation] == [0, 20, 40, 60, 80, 100]
    assert history.curve.validation == curve.validation

    other = engine.MetaLearner(sinusoid_net(width=4), seed=4)
    other.fit(sinusoid_sampler, steps=100, **options)
    assert any(np.any(other.arrays()[name] != value) for name, value in whole.arrays().items())


def test_interrupted_training_keeps_the_best_validated_state(sinusoid_net, sinusoid_sampler):
    validation = sinusoid_sampler(tf.constant([9, 9], tf.int64), n_tasks=100)
    learner = engine.MetaLearner(sinusoid_net(width=8))
    history = learner.fit(
        sinusoid_sampler,
        steps=400,
        validation=validation,
        validate_every=50,
        callbacks=[interrupt_at(210)],
    )
    scores = {p.step: p.validation_loss for p in history.reports if p.validation_loss is not None}
    assert history.best_step == min(scores, key=scores.get)
    assert learner.score(validation)[1] == pytest.approx(min(scores.values()), rel=1e-5)


def test_patience_stops_and_goes_back(sinusoid_net, sinusoid_sampler):
    validation = sinusoid_sampler(tf.constant([9, 9], tf.int64))
    optimizer = keras.optimizers.SGD(0.0)  # nothing ever improves on step 0
    learner = engine.MetaLearner(sinusoid_net(width=4), optimizer=optimizer)
    history = learner.fit(
        sinusoid_sampler, steps=500, validation=validation, validate_every=10, patience=2
    )
    assert (history.stopped_by, history.step, history.best_step) == ("patience", 30, 0)


def test_a_loss_that_turns_infinite_goes_back_to_the_best_state(sinusoid_net, sinusoid_sampler):
    validation = sinusoid_sampler(tf.constant([9, 9], tf.int64))

    def poisoned(seed):
        batch = sinusoid_sampler(seed)
        factor = tf.where(seed[1] >= 25, np.float32("nan"), np.float32(1))
        return batch._replace(query_targets=batch.query_targets * factor)

    learner = engine.MetaLearner(sinusoid_net(width=4))
    history = learner.fit(poisoned, steps=100, validation=validation, validate_every=10)
    assert history.stopped_by == "not finite"
    assert 0 < history.best_step <= 20
    assert all(np.isfinite(value).all() for value in learner.arrays().values())
    hopeless = engine.MetaLearner(sinusoid_net(width=4))
    with pytest.raises(TrainingError, match="not finite after outer step"):
        hopeless.fit(poisoned, steps=100)


def test_adaptation_never_diverges(sinusoid_net, sinusoid_sampler):
    learner = engine.MetaLearner(sinusoid_net(), engine.maml(rate=50.0))
    test = sinusoid_sampler(tf.constant([7, 7], tf.int64))
    adapted = learner.adapt(test.support_inputs, test.support_targets, steps=20)
    assert np.isfinite(learner.predict(test.query_inputs, adapted)).all()
    assert (np.array(adapted.support_loss) <= np.array(adapted.zero_step_loss)).all()


def test_adaptation_keeps_meta_parameters_and_empty_support_keeps_the_initialisation(
    sinusoid_net, sinusoid_sampler
):
    learner = engine.MetaLearner(sinusoid_net(width=4), engine.maml(rate=0.1, steps=3))
    before = learner.arrays()
    test = sinusoid_sampler(tf.constant([7, 7], tf.int64))
    weights = np.ones((25, 10), np.float32)
    weights[4] = 0
    adapted = learner.adapt(test.support_inputs, test.support_targets, weights)
    assert adapted.steps[4] == 0
    assert (np.delete(np.array(adapted.steps), 4) > 0).any()
    zero_step = learner.predict(test.query_inputs)
    np.testing.assert_array_equal(learner.predict(test.query_inputs, adapted)[4], zero_step[4])
    for name, value in learner.arrays().items():
        np.testing.assert_array_equal(before[name], value)


def test_stored_arrays_come_back(sinusoid_net):
    algorithm = engine.maml(learned_rates="layer", rate=0.3)
    one = engine.MetaLearner(sinusoid_net(seed=1, width=4), algorithm)
    two = engine.MetaLearner(sinusoid_net(seed=2, width=4), algorithm)
    two.load_arrays(one.arrays())
    for name, value in one.arrays().items():
        np.testing.assert_array_equal(two.arrays()[name], value)
    with pytest.raises(TrainingError, match="should have shape"):
        engine.MetaLearner(sinusoid_net(width=5), algorithm).load_arrays(one.arrays())


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "Adafactor", "SGD"])
def test_any_keras_optimizer_moves_the_parameters(sinusoid_net, sinusoid_sampler, optimizer):
    learner = engine.MetaLearner(
        sinusoid_net(width=4),
        engine.maml(learned_rates="layer"),
        optimizer=getattr(keras.optimizers, optimizer)(learning_rate=0.01),
    )
    before = learner.arrays()
    learner.fit(sinusoid_sampler, steps=5)
    assert all(np.any(before[name] != value) for name, value in learner.arrays().items())


def test_convolutions_are_adapted_by_default():
    keras.utils.set_random_seed(0)
    series = np.random.default_rng(0).normal(size=(3, 8, 6, 1)).astype(np.float32)
    batch = engine.TaskBatch.split(series, series[:, :, 0], n_support=4)
    for kind in (keras.layers.Conv1D, keras.layers.SeparableConv1D):
        model = keras.Sequential(
            [keras.Input((6, 1)), kind(2, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
        )
        learner = engine.MetaLearner(model, engine.maml(rate=0.1))
        reports = learner.fit(lambda seed: batch, steps=20).reports
        assert reports[-1].query_loss < reports[1].query_loss


def test_fused_update_equals_one_variable_each(sinusoid_net, sinusoid_sampler):
    class Separate(keras.optimizers.Adam):
        """Not in the list of fused optimisers, else the same."""

    results = []
    for kind in (keras.optimizers.Adam, Separate):
        learner = engine.MetaLearner(sinusoid_net(width=4), optimizer=kind(0.01))
        learner.fit(sinusoid_sampler, steps=20)
        results.append(learner.arrays())
    for name, value in results[0].items():
        np.testing.assert_allclose(results[1][name], value, rtol=2e-4, atol=1e-6)


def test_the_moving_average_is_what_is_kept(sinusoid_net, sinusoid_sampler):
    def train(steps, **options):
        learner = engine.MetaLearner(
            sinusoid_net(width=4), optimizer=keras.optimizers.SGD(0.01), jit=False, **options
        )
        learner.fit(sinusoid_sampler, steps=steps)
        return learner.arrays()["parameters/0"]

    start = sinusoid_net(width=4).weights[0].numpy()
    first, second = train(1), train(2)
    # min(0.21, (1 + step) / (10 + step)) is 2 / 11 at the first step, and then 0.21.
    average = 0.21 * (2 / 11 * start + 9 / 11 * first) + 0.79 * second
    np.testing.assert_allclose(train(2, ema=0.21), average, rtol=1e-6)
    with pytest.raises(TrainingError, match="ema is 1; wanted is a number between 0 and 1"):
        engine.MetaLearner(sinusoid_net(width=4), ema=1)
    with pytest.raises(TrainingError, match="own moving average would not be used"):
        engine.MetaLearner(
            sinusoid_net(width=4), optimizer=keras.optimizers.SGD(0.01, use_ema=True)
        )


def test_weight_decay_and_schedules_are_keras_own(sinusoid_net, sinusoid_sampler):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.1, 0.0])
    learner = engine.MetaLearner(
        sinusoid_net(width=4),
        engine.maml(rate=0.0, learned_rates="scalar"),
        loss=lambda targets, outputs: 0 * outputs,
        optimizer=keras.optimizers.SGD(schedule, weight_decay=0.5),
        jit=False,
    )
    before = learner.arrays()
    learner.fit(sinusoid_sampler, steps=3)
    # Steps of rate 0.1, 0.1 and 0: decay of the weights by 5 % each, none of the learned rate.
    for name, value in learner.arrays().items():
        factor = 0.95**2 if name.startswith("parameters") else 1.0
        np.testing.assert_allclose(value, factor * before[name], rtol=1e-6, err_msg=name)


def test_checkpoints_are_due_at_multiples_of_pause_steps(sinusoid_net, sinusoid_sampler):
    learner = engine.MetaLearner(sinusoid_net(width=4))
    seen = []
    learner.fit(
        sinusoid_sampler,
        steps=25,
        on_pause=lambda: seen.append(int(learner.checkpoint()["step"])),
        pause_steps=7,
    )
    assert seen == [7, 14, 21, 25]


def test_mixed_precision_computes_in_bfloat16_and_keeps_the_rest_in_float32(sinusoid_sampler):
    def model(dtype):
        layers = [keras.layers.Dense(4, "relu", dtype=dtype) for _ in range(2)]
        return keras.Sequential([keras.Input((1,)), *layers, keras.layers.Dense(1, dtype=dtype)])

    mixed, whole = (
        engine.MetaLearner(model(dtype), engine.maml(rate=0.01))
        for dtype in ("mixed_bfloat16", "float32")
    )
    history = mixed.fit(sinusoid_sampler, steps=2)
    assert np.isfinite(history.reports[-1].query_loss)
    task = sinusoid_sampler(tf.constant([7, 7], tf.int64))
    adapted = mixed.adapt(task.support_inputs, task.support_targets)
    assert {part.dtype for part in (*mixed.meta.parameters, *adapted.fast)} == {tf.float32}
    outputs = mixed.predict(task.query_inputs, adapted)
    assert outputs.dtype == tf.float32
    # The same weights in float32 throughout: bfloat16 has 8 bits, each layer rounds to them.
    exact = whole.predict(task.query_inputs, adapted)
    off = np.abs(outputs - exact).max()
    assert 0 < off < 0.05 * np.abs(exact).max()


def test_errors_before_training_starts(sinusoid_net, sinusoid_sampler):
    wide = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
    with pytest.raises(TrainingError, match=r"output has shape \[10, 3\]"):
        engine.MetaLearner(wide).fit(sinusoid_sampler, steps=1)
    with pytest.raises(TrainingError, match="matches no trainable variable"):
        engine.MetaLearner(sinusoid_net(), engine.maml(adapts="no_such_layer"))
    with pytest.raises(TrainingError, match="has no weights yet"):
        engine.MetaLearner(keras.Sequential([keras.layers.Dense(1)]))
    batch = sinusoid_sampler(tf.constant([0, 0], tf.int64))
    with pytest.raises(TrainingError, match="support_inputs is empty"):
        engine.MetaLearner(sinusoid_net()).fit(
            iter([batch._replace(support_inputs=batch.support_inputs[:, :0])]), steps=1
        )
    with pytest.raises(TrainingError, match="empty query set"):
        engine.MetaLearner(sinusoid_net()).fit(
            sinusoid_sampler, steps=1, validation=batch._replace(query_weights=tf.zeros([25, 10]))
        )
    broken = np.array(batch.query_targets)
    broken[3, 0] = np.nan
    with pytest.raises(TrainingError, match="query loss of task 3 is not finite"):
        engine.MetaLearner(sinusoid_net(width=4)).fit(
            iter([batch._replace(query_targets=broken)]), steps=1
        )
    with pytest.raises(TrainingError, match="ran out of task batches"):
        engine.MetaLearner(sinusoid_net(width=4)).fit(iter([batch]), steps=2)


def test_dropout_draws_differently_for_each_task_and_repeats_with_the_seed():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    one = np.ones((2, 3, 1), np.float32)
    batch = engine.TaskBatch(one, one, one[..., 0], one, one, one[..., 0])

    def parameters(seed):
        learner = engine.MetaLearner(model, seed=seed)
        learner.fit(iter([batch] * 3), steps=3)
        return learner.arrays()

    first, again, other = parameters(0), parameters(0), parameters(1)
    for name, value in first.items():
        np.testing.assert_array_equal(again[name], value)
    assert any(np.any(other[name] != value) for name, value in first.items())
