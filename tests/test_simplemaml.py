"""The MAML call: simplemaml's arguments and results, with the algorithm of the paper behind them."""

from __future__ import annotations

import inspect
import random
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml import MAML, engine
from tsmaml.engine.ragged import RaggedSampler, expanding_folds, split_between
from tsmaml.errors import DataError, TrainingError, UsageError

SCRIPT = Path(__file__).parent / "data" / "simplemaml_script.py"
LENGTHS = (8, 11, 14)
ALPHA, BETA = 0.03, 0.2


def linear_tasks(lengths=LENGTHS, seed=0):
    """Noisy linear regressions, one for each length: ``[windows, 2] -> [windows, 1]``."""
    rng = np.random.default_rng(seed)
    tasks = []
    for length in lengths:
        inputs = rng.normal(size=(length, 2))
        noise = rng.normal(size=(length, 1))
        tasks.append({"inputs": inputs, "target": inputs @ rng.normal(size=(2, 1)) + noise})
    return tasks


def linear_model():
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def theta_of(model) -> np.ndarray:
    """Kernel and bias in one column."""
    return np.concatenate([np.reshape(w, (-1, 1)) for w in model.get_weights()]).astype(float)


def drawn(tasks, bounds, n_tasks, seed, epoch=0):
    """``(support x, support y, query x, query y)`` of the tasks that an epoch draws."""
    ones = [np.c_[task["inputs"], np.ones(len(task["inputs"]))] for task in tasks]
    offsets = np.cumsum([0, *(len(part) for part in ones)])
    targets = np.concatenate([task["target"] for task in tasks])
    sampler = RaggedSampler(np.concatenate(ones), targets, offsets, bounds, n_tasks)
    random.seed(seed)
    batch = sampler(tf.constant([random.getrandbits(31), epoch], tf.int64))
    for xs, ys, ws, xq, yq, wq in zip(*(np.array(part) for part in batch), strict=True):
        if wq.any():
            yield xs[ws > 0], ys[ws > 0], xq[wq > 0], yq[wq > 0]


def sgd_gradient(theta, sets):
    """Gradient of the query loss after one step, through that step: ``(I - beta H) g_query``."""
    xs, ys, xq, yq = sets
    hessian = 2 * xs.T @ xs / len(xs)
    adapted = theta - BETA * 2 * xs.T @ (xs @ theta - ys) / len(xs)
    gradient = 2 * xq.T @ (xq @ adapted - yq) / len(xq)
    return (np.eye(len(theta)) - BETA * hessian) @ gradient


def query_loss(theta, sets):
    xs, ys, xq, yq = sets
    adapted = theta - BETA * 2 * xs.T @ (xs @ theta - ys) / len(xs)
    return np.mean((xq @ adapted - yq) ** 2)


def mean_of_squares(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred))


def mean_by_output(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=0)


HALF = {"validation_split": 0.5}


@pytest.mark.parametrize(
    ("bounds", "options"),
    [
        (split_between(0.5, 0.5), HALF),
        (split_between(0.2, 0.8), {"validation_split": [0.2, 0.8], "cumul": True}),
        (expanding_folds(3), {"k_folds": 3, "c_loss": mean_of_squares}),
        (split_between(0.5, 0.5), {"train_split": 0.5, "c_loss": mean_by_output, "cumul": True}),
    ],
)
def test_an_epoch_is_the_closed_form_of_second_order_maml(bounds, options, capsys):
    # Every task starts from the initialisation, whatever came before it: the sum below has no order.
    model = linear_model()
    theta = theta_of(model)
    random.seed(2)
    returned, losses = MAML(
        model,
        ALPHA,
        BETA,
        meta_epochs=1,
        meta_tasks_per_epoch=[2, 9],
        tasks=linear_tasks(),
        **options,
    )
    assert returned is model
    sets = list(drawn(linear_tasks(), bounds, (2, 9), seed=2))
    assert 2 < len(sets) < 9
    gradient = np.sum([sgd_gradient(theta, part) for part in sets], axis=0)
    gradient = gradient if options.get("cumul") else gradient / len(sets)
    np.testing.assert_allclose(theta_of(model), theta - ALPHA * gradient, rtol=1e-5, atol=1e-6)
    assert losses == pytest.approx([np.mean([query_loss(theta, part) for part in sets])], rel=1e-5)
    assert capsys.readouterr().out == f"Meta epoch: 1/1,  Loss: {losses[0]}\n"


def test_adam_steps_inside_as_keras_does_and_is_differentiated():
    def optimizer(learning_rate):
        """Adam inside; SGD outside, so that the gradient itself can be read off."""
        if learning_rate == ALPHA:
            return keras.optimizers.SGD(learning_rate)
        return keras.optimizers.Adam(learning_rate, beta_1=0.8, beta_2=0.9, epsilon=0.3)

    def objective(theta):
        """Mean query loss after the first step of Keras' Adam, in its own words."""
        losses = []
        for xs, ys, xq, yq in sets:
            gradient = 2 * xs.T @ (xs @ theta - ys) / len(xs)
            rate = BETA * np.sqrt(1 - 0.9) / (1 - 0.8)
            step = rate * 0.2 * gradient / (np.sqrt(0.1 * gradient**2) + 0.3)
            losses.append(np.mean((xq @ (theta - step) - yq) ** 2))
        return np.mean(losses)

    model, tasks = linear_model(), linear_tasks()
    theta = theta_of(model)
    random.seed(1)
    MAML(model, ALPHA, BETA, optimizer, meta_epochs=1, meta_tasks_per_epoch=4, tasks=tasks, **HALF)
    sets = list(drawn(tasks, split_between(0.5, 0.5), (4, 4), seed=1))
    gradient = np.zeros_like(theta)
    for index in range(len(theta)):
        change = np.zeros_like(theta)
        change[index] = 1e-5
        gradient[index] = (objective(theta + change) - objective(theta - change)) / 2e-5
    np.testing.assert_allclose((theta - theta_of(model)) / ALPHA, gradient, rtol=2e-4, atol=1e-5)


def test_losses_are_running_means_over_all_tasks_of_each_epoch(capsys):
    model, tasks = linear_model(), linear_tasks()
    theta = theta_of(model)
    random.seed(2)
    _, losses = MAML(
        model, 0.0, BETA, meta_epochs=25, meta_tasks_per_epoch=(1, 4), tasks=tasks, **HALF
    )
    each = [
        np.mean([query_loss(theta, part) for part in sets])
        for sets in (drawn(tasks, split_between(0.5, 0.5), (1, 4), 2, e) for e in range(25))
    ]
    np.testing.assert_allclose(losses, np.cumsum(each) / np.arange(1, 26), rtol=1e-5)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"Meta epoch: {epoch}/25" for epoch in range(1, 26, 2)
    ]


def test_divided_tasks_and_nested_lists_give_the_same_as_a_split():
    results = []
    divided = [
        {
            part: {key: task[key][rows].tolist() for key in ("inputs", "target")}
            for part, rows in (
                ("train", slice(None, len(task["inputs"]) // 2)),
                ("test", slice(len(task["inputs"]) // 2, None)),
            )
        }
        for task in linear_tasks()
    ]
    for tasks, options in ((linear_tasks(), HALF), (divided, {"k_folds": 5})):
        model = linear_model()
        random.seed(4)
        _, losses = MAML(model, meta_epochs=3, tasks=tasks, **options)
        results.append((theta_of(model), losses))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


def test_folds_do_not_see_what_comes_after_them():
    def trained(tasks):
        model = linear_model()
        random.seed(seed)
        MAML(model, meta_epochs=1, meta_tasks_per_epoch=1, k_folds=3, tasks=tasks)
        return theta_of(model)

    tasks = linear_tasks((9,))
    # A seed with which the middle fold is drawn: windows 3, 4, 5.
    seed = next(
        seed
        for seed in range(20)
        if len(next(drawn(tasks, expanding_folds(3), (1, 1), seed))[0]) == 3
    )
    future = {key: np.concatenate([tasks[0][key][:6], -tasks[0][key][6:]]) for key in tasks[0]}
    np.testing.assert_array_equal(trained([future]), trained(tasks))


def test_the_seed_decides_and_it_compiles_once(monkeypatch):
    learners = []

    class Kept(engine.MetaLearner):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            learners.append(self)

    monkeypatch.setattr(engine, "MetaLearner", Kept)
    results = []
    for seed in (0, 0, 1):
        model = linear_model()
        keras.utils.set_random_seed(seed)
        _, losses = MAML(model, meta_epochs=40, validation_split=(0.2, 0.7), tasks=linear_tasks())
        assert len(losses) == 40
        results.append([*losses, *theta_of(model)[:, 0]])
    assert results[0] == results[1] != results[2]
    assert [learner.train_traces for learner in learners] == [1, 1, 1]


def test_a_script_written_for_simplemaml_runs_by_changing_its_import_line(capsys):
    script = SCRIPT.read_text()
    assert script.count("from simplemaml import MAML\n") == 1
    changed = script.replace("from simplemaml import MAML\n", "from tsmaml import MAML\n")
    names = {}
    exec(compile(changed, SCRIPT.name, "exec"), names)
    *progress, last = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in progress] == [
        f"Meta epoch: {epoch}/30" for epoch in range(1, 31, 3)
    ]
    assert names["losses"][-1] < names["losses"][0]
    assert last.startswith("new shop: ")
    assert names["after"] < names["before"]


def test_several_inputs_get_the_same_array_and_the_model_is_compiled_with_f_loss():
    keras.utils.set_random_seed(0)
    two = [keras.Input((2,)), keras.Input((2,))]
    model = keras.Model(two, keras.layers.Dense(1)(keras.layers.Concatenate()(two)))
    tasks = linear_tasks()
    MAML(model, inputs_dimension=2, f_loss="mae", meta_epochs=2, tasks=tasks)
    x, y = tasks[0]["inputs"], tasks[0]["target"]
    expected = np.abs(model([x, x]) - y).mean()
    assert model.evaluate([x, x], y, verbose=0) == pytest.approx(expected, rel=1e-5)
    model.fit([x, x], y, verbose=0)


def test_layers_run_in_inference_mode_and_a_model_is_built_from_the_first_task():
    results = []
    flat = [
        {"inputs": task["inputs"][:, 0], "target": task["target"][:, 0]} for task in linear_tasks()
    ]
    for extra in ([], [keras.layers.Dropout(0.9), keras.layers.BatchNormalization(epsilon=0.0)]):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Dense(3, "tanh"), *extra, keras.layers.Dense(1)])
        if extra:
            extra[1].trainable = False
        _, losses = MAML(model, meta_epochs=2, tasks=flat)
        assert model.output_shape == (None, 1)
        results.append(losses)
    assert results[0] == pytest.approx(results[1], rel=1e-5)


def test_an_interrupt_keeps_what_was_learned(monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    model = linear_model()
    before = theta_of(model)
    monkeypatch.setattr("builtins.print", interrupt)
    with pytest.raises(KeyboardInterrupt):
        MAML(model, meta_epochs=1000, tasks=linear_tasks())
    assert np.abs(theta_of(model) - before).max() > 0


def test_a_loss_that_is_not_finite_leaves_the_weights():
    model = linear_model()
    before = theta_of(model)
    with pytest.raises(TrainingError, match="not finite after outer step") as caught:
        MAML(model, alpha=1e25, meta_epochs=50, tasks=linear_tasks())
    assert "Lower alpha" in str(caught.value)
    np.testing.assert_array_equal(theta_of(model), before)


def broken(number, **changes):
    tasks = linear_tasks()
    tasks[number] = {**tasks[number], **changes}
    return tasks


def root_of_mean(y_true, y_pred):
    return tf.sqrt(tf.reduce_mean(tf.square(y_true - y_pred)))


def eager_only(y_true, y_pred):
    return np.mean((y_true.numpy() - y_pred.numpy()) ** 2)


class Renamed(keras.optimizers.SGD):
    """A class of the caller's own."""


NO_INPUTS = [*linear_tasks(), {"target": [[1.0]], "x": [[1.0]]}]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tasks": []}, UsageError, "tasks is empty"),
        ({"tasks": linear_tasks()[0]}, UsageError, "tasks is empty, or no list"),
        ({"tasks": NO_INPUTS}, DataError, r"Task 3 should have .*keys are \['target', 'x'\]"),
        ({"tasks": broken(1, inputs=[[1.0, 2.0]])}, DataError, "Task 1: 1 inputs, but 11 targets"),
        ({"tasks": broken(2, inputs=np.ones((14, 3)))}, DataError, r"Task 2: .* shape \[3\]"),
        ({"tasks": broken(2, inputs=[[1], [1, 2]])}, DataError, "Task 2: 'inputs' is no array"),
        ({"tasks": broken(0, target=np.full((8, 1), np.nan))}, DataError, "Task 0.*in window 0"),
        ({"tasks": [{"train": linear_tasks()[0], "test": {}}]}, DataError, "in both its train"),
        (
            {"tasks": [{key: task[key][:, [0]] for key in task} for task in linear_tasks()]},
            DataError,
            "Task 0: the model can't take inputs of shape",
        ),
        (
            {"tasks": [{**task, "target": task["inputs"]} for task in linear_tasks()]},
            DataError,
            r"target has shape \['windows', 2\]",
        ),
        (
            {"validation_split": 0.1},
            UsageError,
            "Task 0 has 8 samples, of which its support gets 0",
        ),
        ({"validation_split": 1.5}, UsageError, "wanted is a number between 0 and 1"),
        ({"validation_split": 0.3, "train_split": 0.3}, UsageError, "two names of one thing"),
        ({"k_folds": 9}, UsageError, "Task 0 has 8 samples"),
        ({"k_folds": 1}, UsageError, "the first fold has no windows before it"),
        ({"k_folds": 2.5}, UsageError, "k_folds is 2.5"),
        ({"meta_epochs": -1}, UsageError, "meta_epochs is -1"),
        ({"meta_tasks_per_epoch": [0, 3]}, UsageError, "meta_tasks_per_epoch is 0"),
        ({"meta_tasks_per_epoch": [5, 3]}, UsageError, "low end is above its high end"),
        ({"meta_tasks_per_epoch": [5]}, UsageError, r"wanted is \[low, high\]"),
        ({"inputs_dimension": 2}, UsageError, "the model has 1 inputs"),
        ({"beta": "fast"}, UsageError, "beta is 'fast'; wanted is a number"),
        ({"optimizer": keras.optimizers.SGD(0.1)}, UsageError, "Pass the class itself"),
        ({"optimizer": Renamed}, UsageError, "wanted is keras.optimizers.SGD or .*Adam"),
        ({"optimizer": dict}, UsageError, "makes a dict"),
        (
            {"optimizer": lambda learning_rate: keras.optimizers.SGD(learning_rate, 0.9, True)},
            UsageError,
            "no nesterov",
        ),
        ({"c_loss": eager_only}, UsageError, "c_loss fails on a target of shape"),
        ({"c_loss": root_of_mean}, UsageError, "not their mean"),
    ],
)
def test_errors_say_what_is_wrong_and_where(options, error, message):
    given = {"tasks": linear_tasks(), "meta_epochs": 1, **HALF, **options}
    with pytest.raises(error, match=message):
        MAML(linear_model(), **given)


def test_a_root_of_a_mean_is_accepted_where_nothing_is_padded():
    random.seed(0)
    _, losses = MAML(
        linear_model(), 0.0, meta_epochs=1, tasks=linear_tasks((10,)), c_loss=root_of_mean, **HALF
    )
    assert len(losses) == 1


def test_arguments_are_simplemaml_s():
    parameters = list(inspect.signature(MAML).parameters.values())
    theirs = {
        "model": inspect.Parameter.empty,
        "alpha": 0.005,
        "beta": 0.005,
        "optimizer": keras.optimizers.SGD,
        "c_loss": keras.losses.mean_squared_error,
        "f_loss": None,  # an instance of MeanSquaredError, see below
        "meta_epochs": 100,
        "meta_tasks_per_epoch": (10, 30),
        "inputs_dimension": 1,
        "validation_split": 0.2,
        "k_folds": 0,
        "tasks": (),
        "cumul": False,
    }
    positional = [p for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in positional] == list(theirs)
    assert isinstance(positional[5].default, keras.losses.MeanSquaredError)
    assert all(p.default == theirs[p.name] for p in positional if p.name != "f_loss")
    assert [p.name for p in parameters[len(positional) :]] == ["train_split"]
