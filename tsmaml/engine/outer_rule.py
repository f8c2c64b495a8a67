"""The meta-parameters as Keras variables, and the Keras optimiser that moves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tsmaml.engine.problem import Meta
from tsmaml.errors import TrainingError

# These update each element by itself, so that one flat vector gives the same result as many
# variables, with one fused update instead of dozens of small ones.
_ELEMENTWISE = (
    keras.optimizers.SGD,
    keras.optimizers.Adam,
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.RMSprop,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Ftrl,
    keras.optimizers.Lion,
)


class OuterState:
    """Meta-parameters and optimiser: everything that an outer step changes, but the step count.

    The model's parameters lie in one flat vector (or one variable each, for optimisers such as
    Adafactor that look at shapes), the learned rates in another, which weight decay leaves alone.

    Args:
        meta: initial values.
        optimizer: a fresh Keras optimiser.
        ema: share of the moving average that each step keeps, for instance 0.999, the early ones less
            (:func:`kept_share`); None: no average.
    """

    def __init__(
        self, meta: Meta, optimizer: keras.optimizers.Optimizer, ema: float | None = None
    ) -> None:
        if optimizer.built:
            raise TrainingError(
                "The optimiser is already bound to other variables.",
                hint="Pass a new one, for instance keras.optimizers.Adam(1e-3).",
            )
        if optimizer.use_ema:
            raise TrainingError(
                "The optimiser's own moving average would not be used.",
                hint="Give it to the learner: MetaLearner(..., ema=0.999).",
            )
        if ema is not None and not 0 < ema < 1:
            raise TrainingError(f"ema is {ema!r}; wanted is a number between 0 and 1.")
        self.optimizer, self._ema = optimizer, ema
        rate = optimizer.learning_rate
        # A schedule gives a tensor, made anew at each step.
        self._constant_rate = float(rate) if isinstance(rate, keras.Variable) else None
        clips_each = optimizer.clipnorm is not None
        self.n_assigned = 0
        self._fused = type(optimizer) in _ELEMENTWISE and not clips_each
        self._groups = [
            _Group("parameters", meta.parameters, self._fused),
            _Group("rates", meta.rates, self._fused),
        ]
        self._averages = []
        if ema is not None:
            self._averages = [
                _Group("average_parameters", meta.parameters, self._fused),
                _Group("average_rates", meta.rates, self._fused),
            ]
        for variable in self._groups[1].variables:
            if optimizer.weight_decay:
                optimizer.exclude_from_weight_decay(var_list=[variable])
        optimizer.build([v for group in self._groups for v in group.variables])

    def meta(self) -> Meta:
        """The meta-parameters as tensors, shaped as the model has them."""
        return Meta(*(group.tensors() for group in self._groups))

    def kept(self) -> Meta:
        """What is worth keeping: the moving average of the meta-parameters, where there is one."""
        return Meta(*(group.tensors() for group in self._averages or self._groups))

    def apply(self, grads: Meta, factor: tf.Tensor | None = None) -> None:
        """One outer step, at ``factor`` times the optimiser's rate if that is constant."""
        if factor is not None and self._constant_rate is not None:
            self.optimizer.learning_rate.assign(self._constant_rate * factor)
        pairs = [
            (grad, variable)
            for group, parts in zip(self._groups, grads, strict=True)
            for grad, variable in zip(group.pack(parts), group.variables, strict=True)
        ]
        self.optimizer.apply([grad for grad, _ in pairs], [variable for _, variable in pairs])
        if self._ema is not None:
            kept = kept_share(self._ema, self.optimizer.iterations)
            for averages, now in zip(self._averages, self._groups, strict=True):
                for average, variable in zip(averages.variables, now.variables, strict=True):
                    share = tf.cast(kept, average.dtype)
                    average.assign(share * average + (1 - share) * variable)

    def assign(self, meta: Meta) -> None:
        """Overwrite the meta-parameters and their average, leaving the optimiser as it is."""
        self.n_assigned += 1
        for groups in (self._groups, self._averages):
            for group, parts in zip(groups, meta, strict=False):
                for variable, value in zip(group.variables, group.pack(parts), strict=True):
                    variable.assign(value)

    def arrays(self) -> dict[str, np.ndarray]:
        """Meta-parameters and optimiser state, to be stored in a checkpoint."""
        return {name: variable.numpy() for name, variable in self._named().items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what :meth:`arrays` gave.

        Raises:
            TrainingError: if they belong to another model, algorithm or optimiser.
        """
        named = self._named()
        for name, variable in named.items():
            if name not in arrays or tuple(arrays[name].shape) != tuple(variable.shape):
                raise TrainingError(
                    f"The checkpoint does not fit: {name} should be {tuple(variable.shape)}.",
                    hint="Resume with the model, algorithm and optimiser that training began with.",
                )
        self.n_assigned += 1
        for name, variable in named.items():
            variable.assign(arrays[name])

    def _named(self) -> dict[str, keras.Variable]:
        named = {
            f"{group.name}.{index}": variable
            for group in (*self._groups, *self._averages)
            for index, variable in enumerate(group.variables)
        }
        named.update({f"optimizer.{i}": v for i, v in enumerate(self.optimizer.variables)})
        return named


def kept_share(ema: float, step: tf.Tensor) -> tf.Tensor:
    """What the moving average keeps at a step, from 1 on: ``min(ema, (1 + step) / (10 + step))``.

    As ``tf.train.ExponentialMovingAverage`` has it: where training began is soon forgotten.
    """
    step = tf.cast(step, tf.float64)
    return tf.minimum(tf.constant(ema, tf.float64), (1 + step) / (10 + step))


class _Group:
    """Tensors of many shapes kept in one flat variable, or in one variable each."""

    def __init__(self, name: str, tensors: Sequence[tf.Tensor], fused: bool) -> None:
        self.name = name
        self._fused = fused
        self._shapes = [tuple(tensor.shape) for tensor in tensors]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self.variables = [
            keras.Variable(value, dtype=value.dtype.name, name=f"{name}_{index}")
            for index, value in enumerate(self.pack(tensors))
        ]

    def pack(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        if not tensors or not self._fused:
            return list(tensors)
        return [tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0)]

    def tensors(self) -> tuple[tf.Tensor, ...]:
        if not self.variables:
            return ()
        if not self._fused:
            return tuple(tf.convert_to_tensor(variable.value) for variable in self.variables)
        parts = tf.split(tf.convert_to_tensor(self.variables[0].value), self._sizes)
        return tuple(tf.reshape(p, s) for p, s in zip(parts, self._shapes, strict=True))
