"""The ``MAML(...)`` call of the package simplemaml 1.2.13, run by tsmaml's engine.

Arguments, their order, the two forms of a task and the result are simplemaml's; what runs is
second-order MAML (Finn, Abbeel, Levine 2017, algorithm 2), compiled, on Keras 3.
``docs/from-simplemaml.md`` lists every difference.

All windows of all tasks lie one after the other. An epoch draws tasks, and of each a *boundary*
and an *end*: its support is ``windows[:boundary]``, its query ``windows[boundary:end]``. The
fixed split, the random split, the folds and the tasks that come divided differ in nothing else.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tsmaml import engine
from tsmaml.engine.mapping import vectorized
from tsmaml.errors import DataError, TrainingError, UsageError


def MAML(
    model: keras.Model,
    alpha: Any = 0.005,
    beta: float = 0.005,
    optimizer: Callable[..., keras.optimizers.Optimizer] = keras.optimizers.SGD,
    c_loss: Callable[[Any, Any], Any] = keras.losses.mse,
    f_loss: Any = keras.losses.MeanSquaredError(),  # noqa: B008
    meta_epochs: int = 100,
    meta_tasks_per_epoch: int | Sequence[int] = (10, 30),
    inputs_dimension: int = 1,
    validation_split: float | Sequence[float] = 0.2,
    k_folds: int = 0,
    tasks: Sequence[dict[str, Any]] = (),
    cumul: bool = False,
    *,
    train_split: float | Sequence[float] | None = None,
) -> tuple[keras.Model, list[float]]:
    """Meta-train a Keras model, in place, so that one gradient step adapts it to a task.

    What is drawn follows from Python's ``random``: after ``random.seed(0)``, or
    ``keras.utils.set_random_seed(0)``, two runs give the same numbers.

    Args:
        model: a Keras 3 model with one output; layers run in inference mode.
        alpha: learning rate of the outer loop (number or schedule). simplemaml's docstring has
            the two rates the other way round than its code, which is what is kept.
        beta: learning rate of the inner loop, the step that adapts to a task.
        optimizer: ``keras.optimizers.SGD``, ``keras.optimizers.Adam`` or a function
            ``optimizer(learning_rate=...)`` that makes one: it serves both loops.
        c_loss: ``c_loss(y_true, y_pred)``, what both loops make small.
        f_loss: what ``model`` is compiled with for a later ``fit`` or ``evaluate``; it has no part
            in meta-training.
        meta_epochs: outer steps.
        meta_tasks_per_epoch: ``[low, high]``, both included, or a number: how many tasks an epoch
            draws, with replacement.
        inputs_dimension: how many inputs the model has; all are given the same array.
        validation_split: the share of a task's windows, its first ones, that the inner loop learns
            from (the *training* share, in spite of its name); ``[low, high]`` draws a share for each
            task and epoch.
        k_folds: where positive, the query is one of ``k_folds`` folds, drawn for each task and
            epoch, and the support all windows before it. The first fold has none: it is not drawn.
        tasks: ``{"inputs": [windows, ...], "target": [windows, ...]}`` each, or
            ``{"train": {...}, "test": {...}}``, to which neither split nor folds apply. Tasks may
            differ in their number of windows.
        cumul: add up the gradients of the tasks instead of averaging them.
        train_split: what releases before 1.2 called ``validation_split``.

    Returns:
        the model that was given, meta-trained and compiled, and for each epoch the mean query loss
        of its tasks, averaged over the epochs so far.

    Raises:
        UsageError: an argument can't be used.
        DataError: a task can't be used; names its number in ``tasks``, counted from 0.
        TrainingError: a loss is not finite. The model is as it was.
    """
    low, high = _tasks_per_epoch(meta_tasks_per_epoch)
    _whole_number("meta_epochs", meta_epochs, 0)
    _whole_number("k_folds", k_folds, 0)
    _whole_number("inputs_dimension", inputs_dimension, 0)
    outer, algorithm = _two_loops(optimizer, alpha, beta, cumul)
    windows = _windows(tasks)
    bounds = _bounds(windows, _share(validation_split, train_split), k_folds)
    draws = _Draws(windows, bounds, low, high)
    inner_model = _InferenceModel(model, inputs_dimension)
    draws.windows = _fitted(inner_model, windows)
    loss = _loss(c_loss, inner_model, draws)
    model.compile(loss=f_loss, optimizer=_make(optimizer, alpha))
    losses: list[float] = []
    learner = engine.MetaLearner(
        inner_model, algorithm, loss, optimizer=outer, seed=random.getrandbits(31)
    )
    try:
        history = learner.fit(draws, meta_epochs, callbacks=[_reporter(losses, meta_epochs)])
    except TrainingError as error:
        raise TrainingError(
            error.message,
            hint="Lower beta (inner loop) or alpha (outer loop), and bring inputs and target to a "
            "scale near 1. Tasks are counted in the order in which the epoch drew them.",
        ) from error
    learner.write_to_model()
    if history.stopped_by == "interrupt":
        raise KeyboardInterrupt
    return model, losses
