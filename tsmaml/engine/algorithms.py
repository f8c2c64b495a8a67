"""The algorithms: each a composition of a few orthogonal parts.

====================  ===========================================================
solver                gradient steps, or the head in closed form
rule                  direction of a step (:mod:`tsmaml.engine.inner_rules`)
rate, learned_rates   size of a step; constant, or meta-learned at some granularity
shrinkage             how far of its way a task is taken: all, or as learned
adapts                what moves: all, the head, the body, a pattern, context inputs
order                 2: differentiate through the inner loop; 1: do not
objective             query loss after the last step, or after each
outer                 gradient of that, the way the weights went, or the implicit gradient
outer_rate            constant, or falling along a cosine
====================  ===========================================================

As compositions of them (a dash: as in the line of ``maml``):

===========  =======  ==============  =========  ===========  ============  ===========
name         solver   learned_rates   adapts     order        objective     outer
===========  =======  ==============  =========  ===========  ============  ===========
``maml``     steps    none            all        2            last          gradient
``fomaml``   --       --              --         1            --            --
``reptile``  --       --              --         1            --            reptile
``anil``     --       --              head       --           --            --
``boil``     --       --              body       --           --            --
``metasgd``  --       parameter       --         --           --            --
``mamlpp``   --       layer_step      --         1, then 2    multi_step    --
``cavia``    --       --              context    --           --            --
``imaml``    --       --              --         (1)          --            implicit
``ridge``    ridge    --              head       --           --            --
===========  =======  ==============  =========  ===========  ============  ===========
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tsmaml.engine.inner_rules import SGD, InnerRule
from tsmaml.errors import UsageError

RATE_KINDS = (None, "scalar", "layer", "layer_step", "parameter")
SHRINKAGES = (None, "layer")
SOLVERS = ("steps", "ridge")
OBJECTIVES = ("last", "multi_step")
OUTER_RULES = ("gradient", "reptile", "implicit")
OUTER_RATES = ("constant", "cosine")
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
        shrinkage: None: a task is where its last step led; ``"layer"``: each layer goes a share of that
            way, a learned function of how much support the task has
            (:mod:`tsmaml.engine.shrinkage`).
        rule: the inner rule.
        adapts: ``"all"``, ``"head"``, ``"body"``, ``"context"`` (a vector that begins at zero for
            each task, fed to the model's input of that name) or a pattern over variable paths.
        order: order of the derivative that the outer gradient takes (2 or 1).
        first_order_share: share of meta-training that begins with order 1.
        objective: ``"last"``: query loss after the last inner step; ``"multi_step"``: weighted sum
            of those after each, annealed to the last.
        anneal_share: share of meta-training over which ``"multi_step"`` is annealed.
        outer: ``"gradient"`` of the query loss at the adapted parameters; ``"reptile"``: the way
            from the adapted parameters back to the initialisation; ``"implicit"``: the gradient at
            the minimum of the pulled support loss, whatever way the inner loop went there.
        outer_rate: ``"constant"``, or ``"cosine"``: the outer optimiser's rate falls to a hundredth
            in the course of meta-training. An optimiser with a schedule of its own keeps that.
        reduction: ``"mean"`` or ``"sum"`` of the tasks' outer gradients (the sum is what Finn et
            al. write; the mean does not grow with the size of a meta-batch).
        clip_norm: the inner gradient is scaled down to this global norm; None: never.
        pull: strength of the proximal pull to the initialisation, ``pull / 2 * |fast - theta|^2``
            added to the inner loss.
        cg_steps: conjugate gradient steps of ``outer="implicit"``.
        solver: ``"steps"`` of gradient descent, or ``"ridge"``: the head in closed form.
        strength: initial strength of ``"ridge"``, learned for each of the head's layers.
    """

    name: str
    steps: int = 1
    rate: float = 0.01
    learned_rates: str | None = None
    shrinkage: str | None = None
    rule: InnerRule = field(default_factory=SGD)
    adapts: str = "all"
    order: int = 2
    first_order_share: float = 0.0
    objective: str = "last"
    anneal_share: float = 0.5
    outer: str = "gradient"
    outer_rate: str = "constant"
    reduction: str = "mean"
    clip_norm: float | None = None
    pull: float = 0.0
    cg_steps: int = 5
    solver: str = "steps"
    strength: float = 1.0

    def __post_init__(self) -> None:
        for name, choices in (
            ("learned_rates", RATE_KINDS),
            ("shrinkage", SHRINKAGES),
            ("order", (1, 2)),
            ("objective", OBJECTIVES),
            ("outer", OUTER_RULES),
            ("outer_rate", OUTER_RATES),
            ("reduction", REDUCTIONS),
            ("solver", SOLVERS),
        ):
            value = getattr(self, name)
            if value not in choices:
                raise UsageError(f"{name} is {value!r}; wanted is one of {choices}.")
        for name in ("steps", "cg_steps"):
            value = getattr(self, name)
            if value < 1 or value != int(value):
                raise UsageError(f"{name} is {value!r}; wanted is a whole number of 1 or more.")
        for name in ("first_order_share", "anneal_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)!r}; wanted is a share, 0 to 1.")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise UsageError(
                f"clip_norm is {self.clip_norm!r}; wanted is a positive number or None."
            )
        if not self.strength > 0:
            raise UsageError(f"strength is {self.strength!r}; wanted is a positive number.")
        for wrong, message in self._contradictions():
            if wrong:
                raise UsageError(message)

    def _contradictions(self) -> list[tuple[bool, str]]:
        """Options that would do nothing, or nothing sensible, together."""
        return [
            (
                self.outer != "gradient" and self.learned_rates is not None,
                f"outer={self.outer!r} has no gradient that a learned rate could follow.",
            ),
            (
                self.outer != "gradient" and self.shrinkage is not None,
                f"outer={self.outer!r} has no gradient that a shrinkage could follow.",
            ),
            (
                self.outer != "gradient" and self.objective != "last",
                f"outer={self.outer!r} looks at the end of the inner loop only, not at its steps.",
            ),
            (
                self.outer == "implicit" and not self.pull > 0,
                "outer='implicit' needs a pull above 0: the minimum must depend on the "
                "initialisation.",
            ),
            (
                self.solver == "ridge"
                and (self.steps, self.learned_rates, self.pull, self.clip_norm, self.outer)
                != (1, None, 0.0, None, "gradient"),
                "solver='ridge' takes no steps: it has no rates, clipping, pull or other outer "
                "rule.",
            ),
            (
                self.solver == "ridge" and self.shrinkage is not None,
                "solver='ridge' goes no way that it could be shrunk on: its strength does that.",
            ),
        ]


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


def boil(**options: Any) -> Algorithm:
    """BOIL (Oh, Yoo, Kim, Yun 2021): the inner loop adapts all but the head; second order."""
    return replace(Algorithm("boil", adapts="body"), **options)


def metasgd(**options: Any) -> Algorithm:
    """Meta-SGD (Li, Zhou, Chen, Li 2017, equation 2): a learned rate for each parameter.

    ``theta' = theta - alpha o grad L_support(theta)``; ``theta`` and ``alpha`` are meta-learned.
    """
    return replace(Algorithm("metasgd", learned_rates="parameter"), **options)


def mamlpp(**options: Any) -> Algorithm:
    """MAML++ (Antoniou, Edwards, Storkey 2019, section 4).

    Multi-step loss annealed to the last step (MSL, equation 3), first-order derivatives for the
    first third of meta-training (DA), a learned rate for each layer and step (LSLR), and an outer
    rate that falls along a cosine (CA). Batch normalisation uses the statistics of the samples at
    hand, so that per-step running statistics (BNRS) have no place.
    """
    return replace(
        Algorithm(
            "mamlpp",
            steps=5,
            learned_rates="layer_step",
            objective="multi_step",
            first_order_share=0.3,
            outer_rate="cosine",
        ),
        **options,
    )


def cavia(**options: Any) -> Algorithm:
    """CAVIA (Zintgraf, Shiarlis, Kurin, Hofmann, Whiteson 2019, equations 3 and 4).

    The inner loop adapts context inputs alone, from zero; the weights are shared by all tasks. The
    rate may be large: what it multiplies has few dimensions (the paper has 1 for regression).
    """
    return replace(Algorithm("cavia", adapts="context", rate=1.0), **options)


def imaml(**options: Any) -> Algorithm:
    """iMAML (Rajeswaran, Finn, Kakade, Levine 2019, algorithms 1 and 2).

    The inner problem is pulled to the initialisation (equation 3, their lambda is ``pull``); the outer
    gradient is that of its minimum, by conjugate gradients, so that inner steps cost no memory.
    """
    return replace(Algorithm("imaml", steps=16, order=1, outer="implicit", pull=1.0), **options)


def ridge(*, strength: float = 1.0, reduction: str = "mean") -> Algorithm:
    """The head by ridge regression (Bertinetto et al. 2019, R2-D2; Woo et al. 2023, DeepTime).

    The head minimises the squared error on the support plus ``strength`` times the squared distance
    to the meta-learned head, and the body learns features for which that generalises; strengths
    are learned, one for each of the head's layers.
    """
    return Algorithm("ridge", adapts="head", solver="ridge", strength=strength, reduction=reduction)
