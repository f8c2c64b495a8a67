"""Gradient-based meta-learning of Keras models; knows nothing of time series.

A task batch goes in (:class:`TaskBatch`), a meta-trained initialisation comes out
(:class:`MetaLearner`), and adapts to new tasks side by side.
"""

from __future__ import annotations

from tsmaml.engine.adaptation import Adapted
from tsmaml.engine.algorithms import (
    Algorithm,
    anil,
    boil,
    cavia,
    fomaml,
    imaml,
    maml,
    mamlpp,
    metasgd,
    reptile,
    ridge,
)
from tsmaml.engine.batch import TaskBatch
from tsmaml.engine.inner_rules import SGD, Adam, InnerRule
from tsmaml.engine.learner import MetaLearner
from tsmaml.engine.training import History, Progress

__all__ = [
    "SGD",
    "Adam",
    "Adapted",
    "Algorithm",
    "History",
    "InnerRule",
    "MetaLearner",
    "Progress",
    "TaskBatch",
    "anil",
    "boil",
    "cavia",
    "fomaml",
    "imaml",
    "maml",
    "mamlpp",
    "metasgd",
    "reptile",
    "ridge",
]
