"""The layers in which a model's output is linear, and what a task looks like through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tsmaml.engine.functional import FunctionalModel
from tsmaml.errors import TrainingError


class View(NamedTuple):
    """A task as its linear head sees it.

    Moving the kernel of layer ``k`` by ``F_k^T C``, with ``F_k`` the features of the support and any
    ``C``, moves outputs by ``P_k C``: what adapts a head from the support needs its weights nowhere.

    Attributes:
        support, query: outputs at the meta-learned head, ``[samples, ...]``.
        of_support, of_query: for each layer ``P_k``, products of the features of the samples with
            those of the support: ``[samples, support samples]``.
    """

    support: tf.Tensor
    query: tf.Tensor
    of_support: tuple[tf.Tensor, ...]
    of_query: tuple[tf.Tensor, ...]


def combined(products: Sequence[tf.Tensor], factors: Sequence[Any]) -> tf.Tensor:
    """``sum_k factor_k P_k``."""
    return tf.add_n([f * p for f, p in zip(factors, products, strict=True)])


class _Group(NamedTuple):
    """Layers whose sum is some of the outputs.

    Attributes:
        layers: their numbers.
        columns: of the flat outputs, in the order of the layers' units.
    """

    layers: tuple[int, ...]
    columns: tuple[int, ...]


class LinearHead:
    """The dense layers in which a model's output is linear.

    With the layers ``k``, their features ``F_k`` (what goes into them) and the meta-learned weights
    ``W_k``, the output is ``sum_k F_k W_k``; a bias counts as the weight of a feature of one. In an
    ensemble each member's outputs are such a sum of layers of its own.

    Args:
        net: the model.
        chosen: its variables that adaptation moves: kernels and biases of linear dense layers.

    Raises:
        TrainingError: if one of them belongs to another kind of layer, or not all of a layer's do.
    """

    def __init__(self, net: FunctionalModel, chosen: Sequence[int]) -> None:
        self.net, self.chosen = net, tuple(chosen)
        owners = {
            id(variable): layer
            for layer in net.model._flatten_layers(include_self=False, recursive=True)
            if isinstance(layer, keras.layers.Dense)
            for variable in layer.trainable_variables
        }
        variables = net.model.trainable_variables
        self.layers: list[keras.layers.Dense] = []
        for index in chosen:
            layer = owners.get(id(variables[index])) if index < len(variables) else None
            if layer is None or layer.activation is not keras.activations.linear:
                raise TrainingError(
                    f"ridge solves for linear Dense layers; {net.names[index]!r} belongs to none.",
                    hint="Give the model a Dense layer without activation named 'head', and let "
                    "its output be that layer's, or a sum of several such layers'.",
                )
            if layer not in self.layers:
                self.layers.append(layer)
        number = {id(variables[index]): index for index in chosen}
        for layer in self.layers:
            if any(id(v) not in number for v in (layer.kernel, layer.bias) if v is not None):
                raise TrainingError(
                    f"ridge solves for whole layers, not for a part of {layer.name!r}."
                )
        self.of_layer = [
            {
                kind: number[id(variable)]
                for kind, variable in (("kernel", layer.kernel), ("bias", layer.bias))
                if variable is not None
            }
            for layer in self.layers
        ]
        n_outputs = self.layers[0].units
        self._groups = [_Group(tuple(range(len(self.layers))), tuple(range(n_outputs)))]

    @classmethod
    def of(cls, net: FunctionalModel, chosen: Sequence[int]) -> LinearHead | None:
        """The head that these variables are, or None where outputs are not the sum of its layers.

        Models with several outputs have none, nor those that do not say what they take (which are
        not functional).
        """
        takes = getattr(net.model, "inputs", None) or []
        if not takes or len(net.model.outputs) > 1 or net.context is not None:
            return None
        samples = {tensor.name: _made_up(tensor.shape[1:], tensor.dtype) for tensor in takes}
        try:
            head = cls(net, chosen)
            head._divide(samples if len(takes) > 1 else samples[takes[0].name])
        except Exception:
            # What is wrong with a model is told where it runs on what it was made for.
            return None
        return head

    @property
    def n_features(self) -> int:
        """Features that an output is a sum of."""
        sizes = [layer.kernel.shape[0] + (layer.bias is not None) for layer in self.layers]
        return min(sum(sizes[k] for k in group.layers) for group in self._groups)

    def features(
        self, parameters: Sequence[tf.Tensor], inputs: Any, seed: tf.Tensor | None
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """What goes into each layer, ``[samples, features]``, and the output ``[samples, ...]``.

        A layer that is used twice has the sum of what goes into it; with a bias, a last feature
        counts its uses.
        """
        training = seed is not None or not self.net.is_random
        outputs, seen = self.net.observe(
            self.layers, parameters, inputs, training=training, seed=seed
        )
        features = []
        for layer, of_layer, uses in zip(self.layers, self.of_layer, seen, strict=True):
            if not uses or any(use.shape.rank != 2 for use in uses):
                raise TrainingError(
                    f"ridge solves for layers of inputs [samples, features]; {layer.name!r} has "
                    f"{[list(use.shape) for use in uses] or 'none'}."
                )
            parts = [tf.cast(tf.add_n(uses), self.net.dtype)]
            if "bias" in of_layer:
                parts.append(tf.fill([uses[0].shape[0], 1], tf.cast(len(uses), self.net.dtype)))
            features.append(tf.concat(parts, axis=1))
        return features, tf.cast(outputs, self.net.dtype)

    def view(
        self,
        parameters: Sequence[tf.Tensor],
        support: Any,
        query: Any,
        seed: tf.Tensor | None = None,
        constant: bool = False,
    ) -> View:
        """A task through the head.

        Args:
            parameters: the model's.
            support, query: inputs of one task.
            seed: for random layers.
            constant: whether no derivative goes through the features that the head is moved by.
        """
        of_support, support_outputs = self.features(parameters, support, seed)
        of_query, query_outputs = self.features(parameters, query, seed)
        moving = [tf.stop_gradient(f) if constant else f for f in of_support]

        def products(features: Sequence[tf.Tensor]) -> tuple[tf.Tensor, ...]:
            return tuple(
                tf.matmul(one, other, transpose_b=True)
                for one, other in zip(features, moving, strict=True)
            )

        return View(support_outputs, query_outputs, products(of_support), products(of_query))

    def moved(self, view: View, factors: Sequence[Any], coefficients: tf.Tensor) -> View:
        """A task with other outputs: those after ``W_k + factor_k * F_k^T coefficients``.

        Args:
            view: the task before.
            factors: one for each layer.
            coefficients: ``[support samples, ...]``, like the outputs.
        """
        flat = tf.reshape(coefficients, [coefficients.shape[0], -1])

        def way(products: Sequence[tf.Tensor], group: _Group) -> tf.Tensor:
            kernel = combined(
                [products[k] for k in group.layers], [factors[k] for k in group.layers]
            )
            if len(self._groups) == 1:
                return kernel @ flat
            # Products, since XLA takes long over the gradient of a choice of columns.
            chosen = tf.constant(np.eye(flat.shape[1])[:, group.columns], flat.dtype)
            return tf.matmul(kernel @ (flat @ chosen), chosen, transpose_b=True)

        def after(outputs: tf.Tensor, products: Sequence[tf.Tensor]) -> tf.Tensor:
            ways = tf.add_n([way(products, group) for group in self._groups])
            return outputs + tf.reshape(ways, outputs.shape)

        return view._replace(
            support=after(view.support, view.of_support), query=after(view.query, view.of_query)
        )

    def check(self, parameters: Sequence[tf.Tensor], inputs: Any) -> None:
        """Refuse a model whose output is not the sum of what its head's layers give.

        Raises:
            TrainingError: if it is not.
        """
        if not self._fits(parameters, inputs):
            raise TrainingError(
                "ridge wants a model whose output is the sum of its head's layers: "
                f"{', '.join(layer.name for layer in self.layers)} give something else.",
                hint="Name the linear layers that the output is the sum of 'head...', and put "
                "nothing but Add and Reshape after them.",
            )

    def _fits(self, parameters: Sequence[tf.Tensor], inputs: Any) -> bool:
        """Whether outputs are the sums of layers that the groups say."""
        other = self._other(parameters)
        features, outputs = self.features(other, inputs, None)
        total = self._in_columns(self._parts(other, features), outputs.shape[1:].num_elements())
        if total is None or not _near(total, tf.reshape(outputs, [outputs.shape[0], -1])):
            return False
        # A layer that sees another's output has other features with another head.
        present, _ = self.features(parameters, inputs, None)
        return all(_near(*pair) for pair in zip(features, present, strict=True))

    def _divide(self, inputs: Any) -> None:
        """Find out which outputs each layer is a part of, where they are not parts of all.

        Raises:
            TrainingError: if outputs are no sums of layers.
        """
        parameters = self.net.initial()
        if self._fits(parameters, inputs):
            return
        other = self._other(parameters)
        columns = []
        for of_layer in self.of_layer:
            alone = [
                tf.zeros_like(part) if i in self.chosen and i not in of_layer.values() else part
                for i, part in enumerate(other)
            ]
            _, outputs = self.features(alone, inputs, None)
            reached = tf.reduce_max(tf.abs(tf.reshape(outputs, [outputs.shape[0], -1])), axis=0)
            columns.append(tuple(int(i) for i in np.flatnonzero(reached)))
        self._groups = [
            _Group(tuple(k for k, own in enumerate(columns) if own == of_group), of_group)
            for of_group in dict.fromkeys(columns)
        ]
        self.check(parameters, inputs)

    def _other(self, parameters: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Parameters with another head: the present one may be zeros, and hide what is done to it.

        A large one, which leaves the bounds that outputs may have.
        """
        other = list(parameters)
        for number, index in enumerate(self.chosen):
            shape = parameters[index].shape
            normal = tf.random.stateless_normal(shape, [number, 7], dtype=self.net.dtype)
            other[index] = 100 * normal
        return other

    def _parts(
        self, parameters: Sequence[tf.Tensor], features: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        """What each layer gives: ``[samples, units]``."""
        return [
            feature
            @ tf.concat(
                [tf.reshape(parameters[i], [-1, layer.units]) for i in of_layer.values()], axis=0
            )
            for feature, layer, of_layer in zip(features, self.layers, self.of_layer, strict=True)
        ]

    def _in_columns(self, parts: Sequence[tf.Tensor], n_outputs: int) -> tf.Tensor | None:
        """The sums of all groups in their columns, ``[samples, outputs]``; None where they don't fit."""
        columns = [column for group in self._groups for column in group.columns]
        units = [parts[k].shape[1] - len(g.columns) for g in self._groups for k in g.layers]
        if any(units) or sorted(columns) != list(range(n_outputs)):
            return None
        sums = [tf.add_n([parts[k] for k in group.layers]) for group in self._groups]
        return tf.gather(tf.concat(sums, axis=1), np.argsort(columns), axis=1)


def _near(one: tf.Tensor, other: tf.Tensor) -> bool:
    error = tf.reduce_max(tf.abs(one - other))
    return float(error) <= 1e-3 * (1 + float(tf.reduce_max(tf.abs(one))))


def _made_up(shape: Sequence[int], dtype: str) -> tf.Tensor:
    """Samples of an input: numbers between 0 and 1, whole ones are 0."""
    samples = tf.random.stateless_uniform([16, *shape], [len(shape), 3])
    return tf.cast(samples, dtype)
