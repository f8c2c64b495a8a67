"""The meta-parameters as Keras variables, and the Keras optimiser that moves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tsmaml.engine.adaptation import Meta
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
    """

    def __init__(self, meta: Meta, optimizer: keras.optimizers.Optimizer) -> None:
        if optimizer.built:
            raise TrainingError(
                "The optimiser is already bound to other variables.",
                hint="Pass a new one, for instance keras.optimizers.Adam(1e-3).",
            )
        self.optimizer = optimizer
        clips_each = optimizer.clipnorm is not None
        self._fused = type(optimizer) in _ELEMENTWISE and not clips_each
        self._groups = [
            _Group("parameters", meta.parameters, self._fused),
            _Group("rates", meta.rates, self._fused),
        ]
        for variable in self._groups[1].variables:
            if optimizer.weight_decay:
                optimizer.exclude_from_weight_decay(var_list=[variable])
        optimizer.build([v for group in self._groups for v in group.variables])

    def meta(self) -> Meta:
        """The meta-parameters as tensors, shaped as the model has them."""
        return Meta(*(group.tensors() for group in self._groups))

    def apply(self, grads: Meta) -> None:
        """One outer step."""
        pairs = [
            (grad, variable)
            for group, parts in zip(self._groups, grads, strict=True)
            for grad, variable in zip(group.pack(parts), group.variables, strict=True)
        ]
        self.optimizer.apply([grad for grad, _ in pairs], [variable for _, variable in pairs])

    def assign(self, meta: Meta) -> None:
        """Overwrite the meta-parameters, leaving the optimiser as it is."""
        for group, parts in zip(self._groups, meta, strict=True):
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
        for name, variable in named.items():
            variable.assign(arrays[name])

    def _named(self) -> dict[str, keras.Variable]:
        named = {
            f"{group.name}.{index}": variable
            for group in self._groups
            for index, variable in enumerate(group.variables)
        }
        named.update({f"optimizer.{i}": v for i, v in enumerate(self.optimizer.variables)})
        return named


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
