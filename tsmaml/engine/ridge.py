"""The head solved for in closed form: ridge regression towards the meta-learned head.

Bertinetto, Henriques, Torr and Vedaldi 2019 (R2-D2), equations 5 (primal) and 6 (dual, the Woodbury
identity); for forecasting, with a learned strength, Woo et al. 2023 (DeepTime), equation 4.

The head minimises ``sum_ij w_ij (f_ij - y_ij)^2 + sum_k lambda_k |W_k - W_k^0|^2``, where ``f`` is the
output and ``W^0`` the meta-learned head. With few samples the strengths ``lambda`` keep it there; with
many they do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import tensorflow as tf

from tsmaml.engine.functional import Parameters
from tsmaml.engine.linear_head import LinearHead, View, combined
from tsmaml.errors import TrainingError

if TYPE_CHECKING:
    from tsmaml.engine.problem import Samples


def solved_view(
    head: LinearHead, view: View, log_strengths: Sequence[tf.Tensor], support: Samples
) -> View:
    """A task with the head that is best for its support, in the dual form.

    Args:
        head: what the task is seen through.
        view: with the meta-learned head.
        log_strengths: ``([layers],)``, the logarithms of ``lambda``.
        support: targets ``[samples, ...]``, or a dictionary that has them as ``"y"``.
    """
    factors = [tf.exp(-log_strengths[0][k]) for k in range(len(view.of_support))]
    gram = combined(view.of_support, factors)
    weights = _columns(support.weights, view.support)
    return head.moved(view, factors, _dual(gram, _residual(support, view.support), weights))


def solve(
    head: LinearHead,
    parameters: Sequence[tf.Tensor],
    log_strengths: Sequence[tf.Tensor],
    support: Samples,
    seed: tf.Tensor | None = None,
) -> Parameters:
    """The head that is best for a task's support: one tensor for each variable solved for.

    Args:
        parameters: the model's.
        log_strengths, support: as of :func:`solved_view`.
        seed: for random layers.
    """
    features, outputs = head.features(parameters, support.inputs, seed)
    # A strength of its own for each layer is one strength on features that are scaled.
    scales = [tf.exp(-0.5 * log_strengths[0][k]) for k in range(len(features))]
    scaled = tf.concat([f * s for f, s in zip(features, scales, strict=True)], axis=1)
    weights = _columns(support.weights, outputs)
    way = _ridge(scaled, _residual(support, outputs), weights)
    sizes = [feature.shape[1] for feature in features]
    found: dict[int, tf.Tensor] = {}
    for of_layer, part, scale in zip(head.of_layer, tf.split(way, sizes), scales, strict=True):
        part = part * scale
        if "bias" in of_layer:
            found[of_layer["bias"]] = part[-1]
            part = part[:-1]
        found[of_layer["kernel"]] = part
    return tuple(parameters[i] + tf.reshape(found[i], parameters[i].shape) for i in head.chosen)


def _residual(support: Samples, outputs: tf.Tensor) -> tf.Tensor:
    """What the outputs lack: ``[samples, outputs]``."""
    targets = support.targets["y"] if isinstance(support.targets, dict) else support.targets
    if targets.shape != outputs.shape:
        raise TrainingError(
            f"ridge wants one output for each target, but the model's output has shape "
            f"{list(outputs.shape)} and the target {list(targets.shape)}."
        )
    return tf.reshape(tf.cast(targets, outputs.dtype) - outputs, [outputs.shape[0], -1])


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
    if n_samples <= n_features:
        gram = tf.matmul(features, features, transpose_b=True)
        return tf.matmul(features, _dual(gram, residual, weights), transpose_a=True)
    roots, wanted = _weighed(residual, weights)
    weighted = roots * features  # [systems, samples, features]
    gram = tf.matmul(weighted, weighted, transpose_a=True)
    identity = tf.eye(n_features, dtype=features.dtype)
    return _joined(_solve(gram + identity, tf.matmul(weighted, wanted, transpose_a=True)))


def _dual(gram: tf.Tensor, residual: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """``A`` with ``D = F^T A`` the solution of :func:`_ridge`: ``[samples, outputs]``.

    Args:
        gram: ``F F^T``. All systems have it in common; rows and columns each weighs its own way.
        residual, weights: as there.
    """
    roots, wanted = _weighed(residual, weights)
    gram = roots * gram * tf.linalg.matrix_transpose(roots)
    identity = tf.eye(gram.shape[-1], dtype=gram.dtype)
    return _joined(roots * _solve(gram + identity, wanted))


def _weighed(residual: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Roots of the weights ``[systems, samples, 1]``, residuals by them ``[systems, samples, columns]``."""
    roots = tf.transpose(_root(weights))[:, :, tf.newaxis]
    one_system = weights.shape[1] == 1
    residual = residual[tf.newaxis] if one_system else tf.transpose(residual)[:, :, tf.newaxis]
    return roots, roots * residual


def _joined(solved: tf.Tensor) -> tf.Tensor:
    """The columns of all systems side by side."""
    return solved[0] if solved.shape[0] == 1 else tf.transpose(solved[:, :, 0])


def _solve(matrices: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Symmetric positive definite systems."""
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(matrices), right)


def _root(weights: tf.Tensor) -> tf.Tensor:
    positive = weights > 0
    ones, zeros = tf.ones_like(weights), tf.zeros_like(weights)
    return tf.where(positive, tf.sqrt(tf.where(positive, weights, ones)), zeros)
