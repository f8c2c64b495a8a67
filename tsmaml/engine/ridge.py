"""The head solved for in closed form: ridge regression towards the meta-learned head.

Bertinetto, Henriques, Torr and Vedaldi 2019 (R2-D2), equations 5 (primal) and 6 (dual, the Woodbury
identity); for forecasting, with a learned strength, Woo et al. 2023 (DeepTime), equation 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from tsmaml.engine.functional import FunctionalModel, Parameters
from tsmaml.errors import TrainingError

if TYPE_CHECKING:
    from tsmaml.engine.problem import Samples


class LinearHead:
    """The dense layers in which a model's output is linear.

    With the layers ``k``, their features ``F_k`` (what goes into them) and the meta-learned weights
    ``W_k``, the output is ``sum_k F_k W_k``; a bias counts as the weight of a feature of one.

    Args:
        net: the model.
        chosen: its variables that are solved for: kernels and biases of linear dense layers.

    Raises:
        TrainingError: if one of them belongs to another kind of layer.
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
        self._of_layer = [
            {
                kind: next(i for i in chosen if variables[i] is variable)
                for kind, variable in (("kernel", layer.kernel), ("bias", layer.bias))
                if variable is not None
            }
            for layer in self.layers
        ]

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
        for layer, of_layer, uses in zip(self.layers, self._of_layer, seen, strict=True):
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

    def solve(
        self,
        parameters: Sequence[tf.Tensor],
        log_strengths: Sequence[tf.Tensor],
        support: Samples,
        seed: tf.Tensor | None = None,
    ) -> Parameters:
        """The head that is best for a task's support.

        Minimises ``sum_ij w_ij (f_ij - y_ij)^2 + sum_k lambda_k |W_k - W_k^0|^2`` over the head,
        where ``f`` is the output and ``W^0`` the meta-learned head. With few samples the strengths
        keep it there; with many they do not matter.

        Args:
            parameters: the model's.
            log_strengths: ``([layers],)``, the logarithms of ``lambda``.
            support: targets ``[samples, ...]``, or a dictionary that has them as ``"y"``.

        Returns:
            one tensor for each variable that is solved for.
        """
        features, outputs = self.features(parameters, support.inputs, seed)
        targets = support.targets["y"] if isinstance(support.targets, dict) else support.targets
        if targets.shape != outputs.shape:
            raise TrainingError(
                f"ridge wants one output for each target, but the model's output has shape "
                f"{list(outputs.shape)} and the target {list(targets.shape)}."
            )
        # A strength of its own for each layer is one strength on features that are scaled.
        scales = [tf.exp(-0.5 * log_strengths[0][k]) for k in range(len(features))]
        scaled = tf.concat([f * s for f, s in zip(features, scales, strict=True)], axis=1)
        n_samples = outputs.shape[0]
        residual = tf.reshape(tf.cast(targets, outputs.dtype) - outputs, [n_samples, -1])
        way = _ridge(scaled, residual, _columns(support.weights, outputs))
        sizes = [feature.shape[1] for feature in features]
        found: dict[int, tf.Tensor] = {}
        for of_layer, part, scale in zip(self._of_layer, tf.split(way, sizes), scales, strict=True):
            part = part * scale
            if "bias" in of_layer:
                found[of_layer["bias"]] = part[-1]
                part = part[:-1]
            found[of_layer["kernel"]] = part
        return tuple(parameters[i] + tf.reshape(found[i], parameters[i].shape) for i in self.chosen)

    def check(self, parameters: Sequence[tf.Tensor], inputs: Any) -> None:
        """Refuse a model whose output is not the sum of what its head's layers give.

        Raises:
            TrainingError: if it is not.
        """
        # Other weights than the present ones, which may be zeros and hide what is done to them.
        other = list(parameters)
        for number, index in enumerate(self.chosen):
            shape = parameters[index].shape
            other[index] = tf.random.stateless_normal(shape, [number, 7], dtype=self.net.dtype)
        features, outputs = self.features(other, inputs, None)
        outputs = tf.reshape(outputs, [outputs.shape[0], -1])
        parts = []
        for feature, of_layer in zip(features, self._of_layer, strict=True):
            rows = [tf.reshape(other[i], [-1, other[i].shape[-1]]) for i in of_layer.values()]
            parts.append(feature @ tf.concat(rows, axis=0))
        fits = all(part.shape == outputs.shape for part in parts)
        if fits:
            total = tf.add_n(parts)
            error = tf.reduce_max(tf.abs(total - outputs))
            fits = float(error) <= 1e-3 * (1 + float(tf.reduce_max(tf.abs(total))))
        if not fits:
            raise TrainingError(
                "ridge wants a model whose output is the sum of its head's layers: "
                f"{', '.join(layer.name for layer in self.layers)} give something else.",
                hint="Name the linear layers that the output is the sum of 'head...', and put "
                "nothing but Add and Reshape after them.",
            )


def _columns(weights: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Weights as ``[samples, outputs]``, or ``[samples, 1]`` where all outputs of a sample share one."""
    weights = tf.maximum(tf.cast(weights, outputs.dtype), 0)
    if weights.shape.rank > 1:
        while weights.shape.rank < outputs.shape.rank:
            weights = weights[..., tf.newaxis]
        weights = tf.broadcast_to(weights, outputs.shape)
    return tf.reshape(weights, [outputs.shape[0], -1])


def _ridge(features: tf.Tensor, residual: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """``argmin_D sum_ij w_ij (F D - r)_ij^2 + |D|^2``: ``[features, outputs]``.

    Args:
        features: ``[samples, features]``.
        residual: ``[samples, outputs]``.
        weights: ``[samples, outputs]`` or ``[samples, 1]``: one system for each column.

    In the primal form (a system of the size of the features) or the dual one (of the samples),
    whichever is smaller.
    """
    n_samples, n_features = features.shape
    one_system = weights.shape[1] == 1
    roots = tf.transpose(_root(weights))[:, :, tf.newaxis]  # [systems, samples, 1]
    residual = residual[tf.newaxis] if one_system else tf.transpose(residual)[:, :, tf.newaxis]
    wanted = roots * residual  # [systems, samples, columns]
    if n_samples <= n_features:
        # All systems have one product of features, whose rows and columns each weighs its own way.
        gram = tf.matmul(features, features, transpose_b=True)
        gram = roots * gram * tf.linalg.matrix_transpose(roots)
        solved = roots * _solve(gram + tf.eye(n_samples, dtype=features.dtype), wanted)
        solved = solved[0] if one_system else tf.transpose(solved[:, :, 0])
        return tf.matmul(features, solved, transpose_a=True)
    weighted = roots * features  # [systems, samples, features]
    gram = tf.matmul(weighted, weighted, transpose_a=True)
    identity = tf.eye(n_features, dtype=features.dtype)
    solved = _solve(gram + identity, tf.matmul(weighted, wanted, transpose_a=True))
    return solved[0] if one_system else tf.transpose(solved[:, :, 0])


def _solve(matrices: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Symmetric positive definite systems."""
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(matrices), right)


def _root(weights: tf.Tensor) -> tf.Tensor:
    positive = weights > 0
    ones, zeros = tf.ones_like(weights), tf.zeros_like(weights)
    return tf.where(positive, tf.sqrt(tf.where(positive, weights, ones)), zeros)
