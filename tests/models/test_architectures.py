"""The built-in architectures against their equations, in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tsmaml.models import mlp, nbeats

INPUT_SIZE, H = 5, 3


@pytest.fixture
def random_weights(float64):
    def fill(model: keras.Model) -> dict[str, list[np.ndarray]]:
        """Give the model random weights; they, by name of the layer."""
        rng = np.random.default_rng(1)
        model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
        return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}

    return fill


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    mask = (rng.uniform(size=(6, INPUT_SIZE)) > 0.3).astype(float)
    return {"past": rng.normal(size=mask.shape), "mask": mask}


def dense(weights, x):
    return x @ weights[0] + (weights[1] if len(weights) > 1 else 0)


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_mlp(random_weights, inputs, n_outputs):
    model = mlp.build(INPUT_SIZE, H, n_outputs, width=4, n_layers=2)
    layers = random_weights(model)
    past, mask = inputs["past"] * inputs["mask"], inputs["mask"]
    features = relu(dense(layers["hidden_1_values"], past) + dense(layers["hidden_1_mask"], mask))
    features = relu(dense(layers["hidden_2"], features))
    wanted = dense(layers["head"], features) + dense(layers["head_linear"], past)
    wanted = wanted.reshape(6, H, n_outputs)
    np.testing.assert_allclose(model(inputs), wanted[..., 0] if n_outputs == 1 else wanted)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("share_weights", [False, True])
@pytest.mark.parametrize("linear", [False, True])
def test_nbeats(random_weights, inputs, n_outputs, share_weights, linear):
    # Equations 1 and 2 of Oreshkin et al. 2020, and the linear way past the blocks.
    model = nbeats.build(
        INPUT_SIZE,
        H,
        n_outputs,
        width=4,
        n_blocks=3,
        n_layers=2,
        share_weights=share_weights,
        linear=linear,
    )
    layers = random_weights(model)
    mask = inputs["mask"]
    residual = inputs["past"] * mask
    wanted = dense(layers["head_linear"], residual) if linear else 0
    for number in (1, 2, 3):
        own = "shared" if share_weights else number
        features = relu(
            dense(layers[f"block_{own}_1_values"], residual)
            + dense(layers[f"block_{own}_1_mask"], mask)
        )
        features = relu(dense(layers[f"block_{own}_2"], features))
        wanted = wanted + dense(layers[f"head_{own}"], features)
        if number < 3:
            residual = (residual - dense(layers[f"backcast_{own}"], features)) * mask
    assert ("head_linear" in layers) == linear
    # The last block's backcast leads nowhere, and is not there.
    assert "backcast_3" not in layers
    wanted = wanted.reshape(6, H, n_outputs)
    np.testing.assert_allclose(model(inputs), wanted[..., 0] if n_outputs == 1 else wanted)


def count(**options) -> int:
    return nbeats.build(INPUT_SIZE, H, width=4, **options).count_params()


def test_blocks_that_share_their_weights_have_fewer():
    assert count(n_blocks=3, share_weights=True) < count(n_blocks=3)
    # However often the one block is applied. (A single block has no use for its backcast.)
    assert count(n_blocks=2, share_weights=True) == count(n_blocks=7, share_weights=True)
    assert count(n_blocks=2) < count(n_blocks=3)


def test_layers_and_the_linear_way_have_the_weights_that_they_should():
    # A dense layer of 4 x 4 weights and 4 biases in each of 2 blocks; 5 x 3 weights.
    assert count(n_blocks=2, n_layers=4) - count(n_blocks=2, n_layers=3) == 2 * 20
    assert count(linear=True) - count(linear=False) == 15


def test_the_linear_way_begins_at_zero():
    model = nbeats.build(INPUT_SIZE, H, width=4)
    assert not np.any(model.get_layer("head_linear").get_weights()[0])
