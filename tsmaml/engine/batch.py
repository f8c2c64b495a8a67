"""Task batches: what the engine learns from, and all that it knows of the data."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tsmaml.errors import TrainingError


class TaskBatch(NamedTuple):
    """Tasks side by side: every tensor has a leading task axis, then a sample axis.

    Inputs and targets are any nested structure of tensors (``tf.nest``). Weights are
    ``[tasks, samples]`` or ``[tasks, samples, ...]``, one for each sample or for each
    element of its target; 0 means "is not there". They make ragged tasks rectangular,
    so that shapes are static and each shape compiles once.
    """

    support_inputs: Any
    support_targets: Any
    support_weights: Any
    query_inputs: Any
    query_targets: Any
    query_weights: Any

    @classmethod
    def split(cls, inputs: Any, targets: Any, n_support: int) -> TaskBatch:
        """Take the first ``n_support`` samples of each task as support, the rest as query.

        Args:
            inputs: nest of tensors ``[tasks, samples, ...]``.
            targets: nest of tensors ``[tasks, samples, ...]``.
            n_support: how many samples the inner loop learns from.
        """
        import tensorflow as tf

        tasks, samples = tf.nest.flatten(inputs)[0].shape[:2]
        if not 0 < n_support < samples:
            raise TrainingError(
                f"n_support is {n_support}, but a task has {samples} samples: "
                "the support and the query set need at least one each."
            )

        def cut(tensors: Any, part: slice) -> Any:
            return tf.nest.map_structure(lambda tensor: tensor[:, part], tensors)

        support, query = slice(None, n_support), slice(n_support, None)
        dtype = tf.nest.flatten(targets)[0].dtype
        return cls(
            cut(inputs, support),
            cut(targets, support),
            tf.ones([tasks, n_support], dtype),
            cut(inputs, query),
            cut(targets, query),
            tf.ones([tasks, samples - n_support], dtype),
        )


def check_batch(batch: TaskBatch) -> None:
    """Refuse a batch whose axes do not fit, or whose support or query is empty.

    Shapes are checked always, weights only where they are NumPy arrays or eager
    tensors (in a traced sampler they are not known yet).
    """
    import tensorflow as tf

    leads = {}
    for field, tensors in zip(TaskBatch._fields, batch, strict=True):
        for tensor in tf.nest.flatten(tensors):
            shape = tuple(tensor.shape)
            if len(shape) < 2 or None in shape:
                raise TrainingError(
                    f"{field} has shape {list(shape)}; wanted are static shapes "
                    "[tasks, samples, ...]."
                )
            leads[field] = shape[:2]
            if 0 in shape[:2]:
                raise TrainingError(f"{field} is empty: its shape is {list(shape)}.")
    if len({tasks for tasks, _ in leads.values()}) > 1:
        raise TrainingError(f"The number of tasks differs between the parts of a batch: {leads}.")
    for part in ("support", "query"):
        counts = {leads[f"{part}_{kind}"][1] for kind in ("inputs", "targets", "weights")}
        if len(counts) > 1:
            raise TrainingError(f"The number of {part} samples differs: {leads}.")
        weights = getattr(batch, f"{part}_weights")
        if part == "query" and not (hasattr(weights, "graph") and tf.is_symbolic_tensor(weights)):
            empty = np.flatnonzero(~np.any(np.reshape(weights, (len(weights), -1)) > 0, axis=1))
            if empty.size == len(weights):
                raise TrainingError("Every task of the batch has an empty query set.")
