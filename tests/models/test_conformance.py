"""Every model of tsmaml's own through the conformance kit; plugins' tests do the same for theirs."""

from __future__ import annotations

import inspect

import pytest

from tsmaml.plugins import registry
from tsmaml.testing import MODEL_CHECKS, check_model

PARTS = {part.name: part for part in registry().parts("model") if part.plugin == "tsmaml"}
SMALL = {"width": 4, "n_blocks": 2, "n_layers": 2}
OF_THEIR_OWN = {
    "nhits": {"pools": [4, 2], "strides": [2, 1], "n_blocks": 1},
    "gru": {"units": 3, "n_layers": 1},
    "lstm": {"units": 2, "n_layers": 1, "unroll": False},
    "transformer": {"model_width": 4, "n_heads": 2, "n_layers": 1, "feed_forward": 4, "stride": 2},
    "tide": {"feature_width": 2, "decoder_width": 2, "temporal_width": 3},
    "tcn": {"channels": 3, "kernel_size": 2},
}


def small(name: str) -> dict:
    known = inspect.signature(PARTS[name].load()).parameters
    options = {**SMALL, **OF_THEIR_OWN.get(name, {})}
    return {option: value for option, value in options.items() if option in known}


# What docs/models.md says; an LSTM whose loop over time is not written out is slower.
SPEEDS = {"gru": "side by side", "lstm": "one after another"}
# These two share what is compiled.
CHECKS = [[name] for name in MODEL_CHECKS if name not in ("gradient", "speed")]


@pytest.mark.parametrize("checks", [*CHECKS, ["speed", "gradient"]], ids=" and ".join)
@pytest.mark.parametrize("name", PARTS)
def test_a_registered_model_does_what_is_wanted(name, checks):
    speed = SPEEDS.get(name, "side by side, XLA")
    check_model(name, options=small(name), speed=speed, checks=checks)
