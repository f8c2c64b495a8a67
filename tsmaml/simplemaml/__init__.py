"""The ``MAML(...)`` call of the package simplemaml 1.2.13, run by tsmaml's engine.

Arguments, their order, the two forms of a task and the result are simplemaml's; what runs is
second-order MAML (Finn, Abbeel, Levine 2017, algorithm 2), compiled, on Keras 3.
``docs/from-simplemaml.md`` lists every difference.
"""

from __future__ import annotations

from tsmaml.simplemaml.call import MAML

__all__ = ["MAML"]
