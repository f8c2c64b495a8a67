"""The call itself: arguments in, meta-trained model out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import keras

from tsmaml import engine
from tsmaml.engine.ragged import Bounds, RaggedSampler, expanding_folds, split_at, split_between
from tsmaml.errors import TrainingError, UsageError
from tsmaml.simplemaml.conversion import (
    InferenceModel,
    fitted,
    inner_options,
    loss_of,
    make_optimizer,
)
from tsmaml.simplemaml.tasks import Windows, read_tasks

VALIDATION_SPLIT = 0.2


def MAML(
    model: keras.Model,
    alpha: Any = 0.005,
    beta: float = 0.005,
    optimizer: Callable[..., keras.optimizers.Optimizer] = keras.optimizers.SGD,
    c_loss: Callable[[Any, Any], Any] = keras.losses.mean_squared_error,
    f_loss: Any = keras.losses.MeanSquaredError(),  # noqa: B008
    meta_epochs: int = 100,
    meta_tasks_per_epoch: int | Sequence[int] = (10, 30),
    inputs_dimension: int = 1,
    validation_split: float | Sequence[float] = VALIDATION_SPLIT,
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
        model: a Keras 3 model with one output; its layers run in inference mode.
        alpha: learning rate of the outer loop (number or Keras schedule). simplemaml's docstring
            has the two rates the other way round than its code; the code's meaning is kept.
        beta: learning rate of the inner loop, of the one step that adapts to a task.
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
            from (the *training* share, in spite of its name); ``[low, high]`` draws a share for
            each task and epoch.
        k_folds: where positive, the query is one of ``k_folds`` folds, drawn for each task and
            epoch, and the support all windows before it. The first fold has none and is not drawn.
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
        TrainingError: a loss is not finite. The model's weights are as they were.
    """
    meta_epochs = _whole_number("meta_epochs", meta_epochs, least=0)
    windows = read_tasks(tasks)
    bounds = _bounds(windows, validation_split, train_split, k_folds)
    n_inputs = max(1, _whole_number("inputs_dimension", inputs_dimension, least=0))
    inference = InferenceModel(model, n_inputs)
    windows = fitted(inference, windows)
    n_tasks = _tasks_per_epoch(meta_tasks_per_epoch)
    try:
        sampler = RaggedSampler(windows.inputs, windows.targets, windows.offsets, bounds, n_tasks)
    except TrainingError as error:
        raise UsageError(error.message, hint="Change validation_split or k_folds.") from None
    learner = engine.MetaLearner(
        inference,
        engine.maml(
            rate=_number("beta", beta),
            reduction="sum" if cumul else "mean",
            **inner_options(make_optimizer(optimizer, beta)),
        ),
        loss_of(c_loss, inference, windows, sampler.padded),
        optimizer=make_optimizer(optimizer, alpha),
        seed=random.getrandbits(31),
    )
    model.compile(loss=f_loss, optimizer=make_optimizer(optimizer, alpha))
    losses: list[float] = []
    try:
        history = learner.fit(sampler, meta_epochs, callbacks=[_reporter(losses, meta_epochs)])
    except TrainingError as error:
        raise TrainingError(
            error.message,
            hint="Lower alpha (outer loop) or beta (inner loop), and bring inputs and target to a "
            "scale near 1. Tasks are counted in the order in which the epoch drew them.",
        ) from error
    learner.write_to_model()
    if history.stopped_by == "interrupt":
        raise KeyboardInterrupt
    return model, losses


def _number(name: str, value: Any) -> float:
    if not isinstance(value, Real):
        raise UsageError(f"{name} is {value!r}; wanted is a number.")
    return float(value)


def _whole_number(name: str, value: Any, least: int = 1) -> int:
    if not isinstance(value, Integral) or value < least:
        raise UsageError(f"{name} is {value!r}; wanted is a whole number of {least} or more.")
    return int(value)


def _tasks_per_epoch(value: Any) -> tuple[int, int]:
    """Smallest and largest number of tasks that an epoch draws."""
    both = [value, value] if isinstance(value, Integral) else list(value)
    if len(both) != 2:
        raise UsageError(f"meta_tasks_per_epoch is {value!r}; wanted is [low, high] or a number.")
    low, high = (_whole_number("meta_tasks_per_epoch", part) for part in both)
    if low > high:
        raise UsageError(f"meta_tasks_per_epoch is {value!r}: its low end is above its high end.")
    return low, high


def _bounds(windows: Windows, validation_split: Any, train_split: Any, k_folds: Any) -> Bounds:
    """How tasks are divided: as they come, by folds or by a share."""
    share: Any = validation_split
    if train_split is not None:
        if validation_split != VALIDATION_SPLIT:
            raise UsageError(
                "Both validation_split and train_split are given, two names of one thing."
            )
        share = train_split
    if windows.divided is not None:
        return split_at(windows.divided)
    if _whole_number("k_folds", k_folds, least=0):
        if k_folds == 1:
            raise UsageError("k_folds is 1, but the first fold has no windows before it.")
        return expanding_folds(int(k_folds))
    ends = [share, share] if isinstance(share, Real) else list(share)
    both = sorted(_number("validation_split", end) for end in ends)
    if len(both) != 2 or not 0 < both[0] <= both[1] < 1:
        raise UsageError(
            f"validation_split is {share!r}; wanted is a number between 0 and 1, or two: "
            "[low, high]."
        )
    return split_between(both[0], both[1])


def _reporter(losses: list[float], meta_epochs: int) -> Callable[[engine.Progress], None]:
    """Appends the running mean of each epoch's loss, and prints the lines that simplemaml does."""
    every = meta_epochs // 10 if meta_epochs > 10 else 1
    total = 0.0

    def report(progress: engine.Progress) -> None:
        nonlocal total
        for loss in progress.query_losses:
            total += float(loss)
            losses.append(total / (len(losses) + 1))
            if (len(losses) - 1) % every == 0:
                print(f"Meta epoch: {len(losses)}/{meta_epochs},  Loss: {losses[-1]}", flush=True)

    return report
