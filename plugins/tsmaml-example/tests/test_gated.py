"""The architecture: what tsmaml wants of a model, and what is its own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tsmaml_example.gated import build

from tsmaml.errors import UsageError
from tsmaml.testing import check_model

INPUT_SIZE, H = 6, 3


def with_random_weights(model: keras.Model) -> keras.Model:
    """Move the weights off their start: the head's zeros would hide all else."""
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(0, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def windows(*shape: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    mask = (rng.uniform(size=(*shape, INPUT_SIZE)) > 0.3).astype("float32")
    return {"past": rng.normal(size=mask.shape).astype("float32"), "mask": mask}


def test_it_does_what_tsmaml_wants_of_a_model():
    check_model("gated", options={"width": 4, "n_layers": 2}, speed="side by side, XLA")


def test_the_first_forecast_is_the_location_of_the_window():
    np.testing.assert_array_equal(build(INPUT_SIZE, H, width=4)(windows(5)), np.zeros((5, H)))


def test_features_stay_bounded_however_deep():
    model = with_random_weights(build(INPUT_SIZE, H, width=4, n_layers=8))
    features = keras.Model(model.inputs, model.get_layer("norm_7").output)
    (scale,) = model.get_layer("norm_7").get_weights()
    # A normalised vector of n values has none above sqrt(n).
    limit = np.abs(scale) * np.sqrt(4) + 1e-5
    assert np.all(np.abs(features({name: 1e3 * x for name, x in windows(5).items()})) <= limit)


def test_only_the_last_layer_is_head():
    names = [layer.name for layer in build(INPUT_SIZE, H, 2).layers if layer.weights]
    assert [name for name in names if name.startswith("head")] == ["head"]


def test_options_set_the_size():
    def parameters(**options: int) -> int:
        return build(INPUT_SIZE, H, **options).count_params()

    width = 8
    layer = 2 * (width * width + width) + width
    assert parameters(width=width, n_layers=3) - parameters(width=width, n_layers=1) == 2 * layer


@pytest.mark.parametrize("option", ["width", "n_layers"])
@pytest.mark.parametrize("value", [0, 1.5])
def test_sizes_are_whole_numbers(option, value):
    with pytest.raises(UsageError, match=option):
        build(INPUT_SIZE, H, **{option: value})
