"""Losses in the course of meta-training, kept whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Curve:
    """Losses by outer step; a resumed run ends with the same ones as one that ran through.

    Attributes:
        query: ``[steps]`` float32, the query loss of each outer step; NaN where a run was
            interrupted before it told.
        validation: rows ``(step, zero-step loss, adapted loss)`` of the validation tasks.
    """

    query: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    validation: list[tuple[float, float, float]] = field(default_factory=list)

    def add(self, step: int, losses: np.ndarray) -> None:
        """Take the query losses of the steps that end with ``step``."""
        missing = np.full(max(0, step - len(losses) - len(self.query)), np.nan, np.float32)
        self.query = np.concatenate([self.query, missing, np.asarray(losses, np.float32)])

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, to be stored."""
        return {
            "curve/query": self.query,
            "curve/validation": np.array(self.validation, np.float64).reshape(-1, 3),
        }

    @classmethod
    def restored(cls, arrays: Mapping[str, np.ndarray]) -> Curve:
        """Take back what :meth:`arrays` gave; empty where there is nothing."""
        if "curve/query" not in arrays:
            return cls()
        rows = np.asarray(arrays["curve/validation"], np.float64)
        return cls(np.array(arrays["curve/query"]), [tuple(row) for row in rows.tolist()])
