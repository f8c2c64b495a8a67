"""The algorithms: each a composition of a few orthogonal parts.

====================  ===========================================================
inner rule            direction of a step (:mod:`tsmaml.engine.inner_rules`)
rate, learned_rates   size of a step; constant, or meta-learned at some granularity
adapts                which variables move: all, the head, the body, a pattern
order                 2: differentiate through the inner loop; 1: do not
outer                 gradient of the query loss, or the way the weights went
====================  ===========================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tsmaml.engine.inner_rules import SGD, InnerRule
from tsmaml.errors import UsageError

RATE_KINDS = (None, "scalar", "layer", "layer_step", "parameter")
OUTER_RULES = ("gradient", "reptile")
REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class Algorithm:
    """How a task adapts and what the outer loop learns from it.

    Args:
        name: what messages and artifacts call it.
        steps: inner steps during meta-training.
        rate: inner learning rate, or its initial value where it is learned.
        learned_rates: None (constant), ``"scalar"``, ``"layer"``, ``"layer_step"`` or
            ``"parameter"``: the granularity at which the outer loop learns the rate. A learned
            rate is unconstrained, so it may reach zero: adaptation can learn to do nothing.
        rule: the inner rule.
        adapts: ``"all"``, ``"head"``, ``"body"`` or a pattern over variable paths.
        order: order of the derivative that the outer gradient takes (2 or 1).
        outer: ``"gradient"`` of the query loss at the adapted parameters, or ``"reptile"``:
            the way from the adapted parameters back to the initialisation.
        reduction: ``"mean"`` or ``"sum"`` of the tasks' outer gradients (the sum is what Finn et
            al. write; the mean does not grow with the size of a meta-batch).
        clip_norm: the inner gradient is scaled down to this global norm; None: never.
        pull: strength of the proximal pull to the initialisation, ``pull / 2 * |fast - theta|^2``
            added to the inner loss.
    """

    name: str
    steps: int = 1
    rate: float = 0.01
    learned_rates: str | None = None
    rule: InnerRule = field(default_factory=SGD)
    adapts: str = "all"
    order: int = 2
    outer: str = "gradient"
    reduction: str = "mean"
    clip_norm: float | None = None
    pull: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.steps != int(self.steps):
            raise UsageError(f"steps is {self.steps!r}; an algorithm takes 1 inner step or more.")
        if self.learned_rates not in RATE_KINDS:
            raise UsageError(
                f"learned_rates is {self.learned_rates!r}; wanted is one of {RATE_KINDS}."
            )
        if self.order not in (1, 2):
            raise UsageError(f"order is {self.order!r}; wanted is 1 or 2.")
        if self.outer not in OUTER_RULES:
            raise UsageError(f"outer is {self.outer!r}; wanted is one of {OUTER_RULES}.")
        if self.reduction not in REDUCTIONS:
            raise UsageError(f"reduction is {self.reduction!r}; wanted is one of {REDUCTIONS}.")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise UsageError(
                f"clip_norm is {self.clip_norm!r}; wanted is a positive number or None."
            )
        if self.outer == "reptile" and self.learned_rates is not None:
            raise UsageError("Reptile has no gradient that a learned rate could follow.")


def maml(**options: Any) -> Algorithm:
    """MAML, second order (Finn, Abbeel, Levine 2017, algorithm 2 and eq. 1).

    ``theta <- theta - beta * d/dtheta sum_i L_query(theta - alpha * d/dtheta L_support(theta))``.
    """
    return replace(Algorithm("maml"), **options)


def fomaml(**options: Any) -> Algorithm:
    """FOMAML (Finn et al. 2017, section 5.2): the query gradient at the adapted weights."""
    return replace(Algorithm("fomaml", order=1), **options)


def reptile(**options: Any) -> Algorithm:
    """Reptile (Nichol, Achiam, Schulman 2018, algorithm 1, batched: eq. in section 3).

    ``theta <- theta + eps * mean_i(theta_i' - theta)``, the inner loop running on all windows of
    the task, support and query: Reptile does not split them.
    """
    return replace(Algorithm("reptile", order=1, outer="reptile", steps=5), **options)


def anil(**options: Any) -> Algorithm:
    """ANIL (Raghu et al. 2020): the inner loop adapts the head only; second order."""
    return replace(Algorithm("anil", adapts="head"), **options)
