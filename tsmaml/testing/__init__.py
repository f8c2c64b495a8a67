"""Conformance kits: what a part has to do to be used, in checks that say in words what they want.

One function a kind of part, each loaded when it is asked for: a kit that needs no TensorFlow loads none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsmaml.testing.algorithms import ALGORITHM_CHECKS as ALGORITHM_CHECKS
    from tsmaml.testing.algorithms import check_algorithm as check_algorithm
    from tsmaml.testing.baselines import BASELINE_CHECKS as BASELINE_CHECKS
    from tsmaml.testing.baselines import check_baseline as check_baseline
    from tsmaml.testing.losses import LOSS_CHECKS as LOSS_CHECKS
    from tsmaml.testing.losses import check_loss as check_loss
    from tsmaml.testing.models import MODEL_CHECKS as MODEL_CHECKS
    from tsmaml.testing.models import check_model as check_model
    from tsmaml.testing.readers import READER_CHECKS as READER_CHECKS
    from tsmaml.testing.readers import check_reader as check_reader
    from tsmaml.testing.scalers import SCALER_CHECKS as SCALER_CHECKS
    from tsmaml.testing.scalers import check_scaler as check_scaler
    from tsmaml.testing.task_builders import TASK_BUILDER_CHECKS as TASK_BUILDER_CHECKS
    from tsmaml.testing.task_builders import check_task_builder as check_task_builder

_HOMES = {
    "ALGORITHM_CHECKS": "algorithms",
    "BASELINE_CHECKS": "baselines",
    "LOSS_CHECKS": "losses",
    "MODEL_CHECKS": "models",
    "READER_CHECKS": "readers",
    "SCALER_CHECKS": "scalers",
    "TASK_BUILDER_CHECKS": "task_builders",
    "check_algorithm": "algorithms",
    "check_baseline": "baselines",
    "check_loss": "losses",
    "check_model": "models",
    "check_reader": "readers",
    "check_scaler": "scalers",
    "check_task_builder": "task_builders",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
