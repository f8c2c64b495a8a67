"""The caller's model, loss and optimiser in the form in which the engine takes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsmaml import engine
from tsmaml.errors import DataError, UsageError
from tsmaml.simplemaml.tasks import Windows


def fitted(inference: InferenceModel, windows: Windows) -> Windows:
    """The windows in the dtypes and ranks of the model, which is built where it was not."""
    model, (inputs, targets) = inference.model, windows[:2]
    n_inputs = len(getattr(model, "inputs", None) or []) if model.built else 0
    if n_inputs not in (0, inference.n_inputs):
        raise UsageError(
            f"inputs_dimension is {inference.n_inputs}, but the model has {n_inputs} inputs."
        )
    floats = keras.config.floatx() if inputs.dtype.kind == "f" else inputs.dtype
    inputs = inputs.astype(model.inputs[0].dtype if n_inputs else floats)
    inputs = inputs[:, np.newaxis] if inputs.ndim == 1 else inputs
    try:
        if not model.built:
            # Under its own name and for any number of windows, which a call on arrays would fix.
            inference.call(keras.Input(inputs.shape[1:], dtype=inputs.dtype.name))
        outputs = inference(inputs[:2])
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        raise DataError(
            f"Task 0: the model can't take inputs of shape {['windows', *inputs.shape[1:]]}; "
            f"its input shape is {getattr(model, 'input_shape', 'not known')}."
        ) from error
    if not tf.is_tensor(outputs):
        raise UsageError("The model has several outputs; wanted is a model with one.")
    if outputs.shape[1:] == (*targets.shape[1:], 1):
        targets = targets[..., np.newaxis]
    if targets.ndim == outputs.ndim and targets.shape[1:] != outputs.shape[1:]:
        raise DataError(
            f"Task 0: its target has shape {['windows', *targets.shape[1:]]}, what the model "
            f"returns has {['windows', *outputs.shape[1:]]}."
        )
    targets = targets.astype(inference.trainable_variables[0].dtype)
    return windows._replace(inputs=inputs, targets=targets)


def loss_of(c_loss: Any, inference: InferenceModel, windows: Windows, padded: bool) -> _Loss:
    """Find out whether ``c_loss`` averages its samples, by trying it on the first task."""
    if isinstance(c_loss, keras.losses.Loss) and c_loss.reduction != "sum":
        c_loss = c_loss.call
    first = slice(0, min(int(windows.offsets[1]), 32))
    targets, outputs = tf.constant(windows.targets[first]), inference(windows.inputs[first])
    try:
        # Compiled, since what runs only eagerly could not be part of the outer loop.
        compiled = tf.function(c_loss, autograph=False)
        values = [tf.convert_to_tensor(compiled(targets[:n], outputs[:n])) for n in (1, 2)]
    except Exception as error:
        raise UsageError(
            f"c_loss fails on a target of shape {list(targets.shape)} and an output of shape "
            f"{list(outputs.shape)}: {error}",
            hint="Wanted is a function c_loss(y_true, y_pred) of TensorFlow or Keras operations.",
        ) from error
    loss = _Loss(c_loss, [tuple(v.shape[:1]) for v in values] != [(1,), (2,)], padded)
    if loss.averages and padded:
        n = len(targets)
        together, *apart = (
            float(tf.reduce_mean(compiled(targets[part], outputs[part])))
            for part in [slice(0, n), *(slice(i, i + 1) for i in range(n))]
        )
        if not np.isclose(np.mean(apart), together, rtol=1e-3):
            raise UsageError(
                "c_loss returns one value for all samples, and not their mean: padding of tasks "
                "of different sizes can't be left out.",
                hint="Let c_loss return one value a sample, or give tasks of one length, with a "
                "fixed validation_split and no k_folds.",
            )
    return loss


def make_optimizer(optimizer: Any, rate: Any) -> keras.optimizers.Optimizer:
    """An optimiser of the caller's kind."""
    try:
        made = optimizer(learning_rate=float(rate) if isinstance(rate, Real) else rate)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"optimizer={optimizer!r} makes no optimiser of learning rate {rate!r}: {error}",
            hint="Pass the class itself, such as keras.optimizers.Adam.",
        ) from error
    if not isinstance(made, keras.optimizers.Optimizer):
        raise UsageError(f"optimizer makes a {type(made).__name__}, not a Keras 3 optimiser.")
    return made


def inner_options(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """The differentiable rule that does the same first step as a Keras optimiser.

    From rest, momentum and amsgrad have nothing to act on yet. Keras adds epsilon before the bias
    correction of the second moment, the engine after it.
    """
    rule: engine.InnerRule
    if type(optimizer) is keras.optimizers.SGD:
        rule = engine.SGD()
    elif type(optimizer) is keras.optimizers.Adam:
        epsilon = optimizer.epsilon / math.sqrt(1 - optimizer.beta_2)
        rule = engine.Adam(optimizer.beta_1, optimizer.beta_2, epsilon)
    else:
        raise UsageError(
            f"optimizer is {type(optimizer).__name__}, which has no differentiable form for the "
            "inner loop; wanted is keras.optimizers.SGD or keras.optimizers.Adam."
        )
    for option in ("nesterov", "weight_decay", "clipnorm", "clipvalue", "use_ema"):
        if getattr(optimizer, option, None):
            raise UsageError(f"The inner loop has no {option}; make the optimiser without it.")
    return {"rule": rule, "clip_norm": optimizer.global_clipnorm}


class InferenceModel(keras.Model):
    """The caller's model as simplemaml calls it: copies of one input, inference mode.

    In training mode BatchNormalization would take statistics from padding, and what it learns of
    them, which the engine drops, would not be there for the caller.
    """

    def __init__(self, model: keras.Model, n_inputs: int) -> None:
        super().__init__()
        self.model, self.n_inputs = model, n_inputs

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Run the model on ``n_inputs`` times the same input, never in training mode."""
        many = inputs if self.n_inputs == 1 else [inputs] * self.n_inputs
        return self.model(many, training=False)


class _Loss:
    """``c_loss`` as the engine wants it.

    A ``c_loss`` of one value a sample goes as it is. One that averages its samples has averaged
    the padding too, ``N`` samples of which the last is repeated from ``n`` on. With ``a`` that
    average and ``l`` the loss of the last sample alone, the values ``l + N (a - l), l, l, ...``
    have, over the first ``n``, the mean that the ``n`` samples have by themselves.
    """

    n_outputs = 1

    def __init__(self, c_loss: Callable[[Any, Any], Any], averages: bool, padded: bool) -> None:
        self.c_loss, self.averages, self.padded = c_loss, averages, padded

    def __call__(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        if not self.averages:
            return self.c_loss(targets, outputs)
        average = tf.reduce_mean(self.c_loss(targets, outputs))
        if not self.padded:
            return average
        last = tf.reduce_mean(self.c_loss(targets[-1:], outputs[-1:]))
        n_samples = outputs.shape[0]
        first = tf.constant(np.eye(1, n_samples)[0], last.dtype)
        return last + first * (n_samples * (average - last))
