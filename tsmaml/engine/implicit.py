"""The implicit gradient of iMAML (Rajeswaran, Finn, Kakade, Levine 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from tsmaml.engine.functional import Parameters, dense_gradient
from tsmaml.engine.problem import Meta, Problem, Samples, put, task_loss


def implicit_gradient(
    problem: Problem,
    meta: Meta,
    fast: Parameters,
    support: Samples,
    query: Samples,
    seed: tf.Tensor | None,
) -> tuple[Parameters, tf.Tensor]:
    """Gradient of the query loss at the minimum of the pulled support loss, whatever led there.

    At ``phi* = argmin L(phi, s) + pull / 2 |phi - theta|^2`` the gradient by ``theta`` is
    ``pull v`` with ``(H + pull I) v = dL_query/dphi`` (equation 6 of the paper, by its algorithm 2:
    conjugate gradients), and by parameters ``s`` that do not adapt
    ``dL_query/ds - d/ds <v, dL/dphi>``.

    Returns:
        the gradient, one tensor for each of the model's parameters, and the query loss.
    """
    pull = problem.algorithm.pull
    shared = meta.parameters
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch((fast, shared))
        query_loss = task_loss(problem, put(problem, shared, fast), query, seed)
    by_fast, by_shared = tf.nest.pack_sequence_as(
        (fast, shared), dense_gradient(tape, query_loss, tf.nest.flatten((fast, shared)))
    )
    with tf.GradientTape(watch_accessed_variables=False, persistent=True) as outer:
        outer.watch((fast, shared))
        with tf.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(fast)
            support_loss = task_loss(problem, put(problem, shared, fast), support, seed)
        grads = dense_gradient(inner, support_loss, fast)

    def pulled_hessian(v: Parameters) -> Parameters:
        products = dense_gradient(outer, grads, fast, output_gradients=list(v))
        return tuple(hv + pull * part for hv, part in zip(products, v, strict=True))

    # From the solution for a Hessian of zero, which gives the first-order gradient.
    start = tuple(part / pull for part in by_fast)
    v = conjugate_gradients(pulled_hessian, tuple(by_fast), start, problem.algorithm.cg_steps)
    mixed = dense_gradient(outer, grads, shared, output_gradients=list(v))
    result = [direct - part for direct, part in zip(by_shared, mixed, strict=True)]
    for index, part in zip(problem.chosen, v, strict=True):
        if index < len(result):
            result[index] = pull * part
    return tuple(result), query_loss


def conjugate_gradients(
    product: Callable[[Parameters], Parameters],
    wanted: Parameters,
    start: Parameters,
    n_steps: int,
) -> Parameters:
    """``x`` with ``A x = wanted`` for a symmetric ``A`` (Hestenes, Stiefel 1952).

    Where ``A`` is not positive definite, as it may be far from a minimum, it stops at the first
    direction of no positive curvature (Steihaug 1983).

    Args:
        product: ``v -> A v``.
        wanted: the right side.
        start: where ``x`` begins.
        n_steps: exact after as many steps as ``wanted`` has elements, often much sooner.
    """
    x = start
    residual = direction = _add(wanted, -1.0, product(start))
    squared = _dot(residual, residual)
    goes_on = tf.constant(True)
    for _ in range(n_steps):
        along = product(direction)
        curvature = _dot(direction, along)
        goes_on &= curvature > 0
        # A step of zero leaves everything as it is; so does a residual of zero, which 0 / 0 would
        # make NaN.
        length = tf.where(goes_on, tf.math.divide_no_nan(squared, curvature), 0)
        x = _add(x, length, direction)
        residual = _add(residual, -length, along)
        before, squared = squared, _dot(residual, residual)
        direction = _add(residual, tf.math.divide_no_nan(squared, before), direction)
    return x


def _dot(a: Sequence[tf.Tensor], b: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.add_n([tf.reduce_sum(x * y) for x, y in zip(a, b, strict=True)])


def _add(a: Sequence[tf.Tensor], scale: tf.Tensor | float, b: Sequence[tf.Tensor]) -> Parameters:
    return tuple(x + scale * y for x, y in zip(a, b, strict=True))
