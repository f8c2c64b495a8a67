"""The built-in architectures against their equations, in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tsmaml.models import gru, linear, lstm, mlp, nbeats, nhits, tcn, tide, transformer

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


def test_nbeats_of_trend_and_season(random_weights, inputs):
    # Section 3.3: coefficients of powers of time, and of waves, the same weights in a stack.
    options = {"stacks": "interpretable", "width": 4, "n_blocks": 2, "n_layers": 1, "degree": 2}
    model = nbeats.build(6, 4, 2, share_weights=True, **options)
    layers = random_weights(model)
    assert {name for name in layers if name.startswith("head")} == {"head_shared", "head_shared_2"}
    mask = np.pad(inputs["mask"], [(0, 0), (1, 0)])
    past = np.pad(inputs["past"], [(0, 0), (1, 0)])
    residual, wanted = past * mask, 0
    bases = {
        "shared": (lambda n: (np.arange(n) / n) ** np.arange(3)[:, None]),
        "shared_2": lambda n: np.stack(
            [np.ones(n)]
            + [np.cos(2 * np.pi * i * np.arange(n) / n) for i in range(1, n // 2 + 1)]
            + [np.sin(2 * np.pi * i * np.arange(n) / n) for i in range(1, n // 2 + 1)]
        ),
    }
    for own in ("shared", "shared", "shared_2", "shared_2"):
        of_values, of_mask = (layers[f"block_{own}_1_{part}"] for part in ("values", "mask"))
        features = relu(dense(of_values, residual) + dense(of_mask, mask))
        coefficients = dense(layers[f"head_{own}"], features).reshape(6, -1, 2)
        wanted = wanted + np.einsum("bko,kt->bto", coefficients, bases[own](4))
        backcast = dense(layers[f"backcast_{own}"], features) @ bases[own](6)
        residual = (residual - backcast) * mask
    np.testing.assert_allclose(model({"past": past, "mask": mask}), wanted)


def test_several_stacks_may_be_generic_with_a_linear_way():
    model = nbeats.build(INPUT_SIZE, H, width=4, stacks=["trend", "generic"], n_blocks=1)
    names = [layer.name for layer in model.layers if layer.name.startswith("head")]
    assert sorted(names) == ["head_1", "head_2", "head_linear"]


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("kind", ["dlinear", "nlinear", "linear"])
def test_linear(random_weights, inputs, kind, n_outputs):
    model = linear.build(INPUT_SIZE, H, n_outputs, kind=kind, kernel_size=3)
    layers, mask = random_weights(model), inputs["mask"]
    past = inputs["past"] * mask
    wanted = dense(layers["head_mask"], mask)
    if kind == "dlinear":
        trend = np.zeros_like(past)
        for row, step in np.ndindex(*past.shape):
            near = [s for s in (step - 1, step, step + 1) if 0 <= s < INPUT_SIZE and mask[row, s]]
            trend[row, step] = np.mean(past[row, near]) if near else 0
        rest = (past - trend) * mask
        wanted = wanted + dense(layers["head_trend"], trend) + dense(layers["head_rest"], rest)
    elif kind == "nlinear":
        last = [
            row[seen > 0][-1] if seen.any() else 0 for row, seen in zip(past, mask, strict=True)
        ]
        last = np.array(last)[:, None]
        wanted = wanted + last + dense(layers["head_distance"], (past - last) * mask)
    else:
        wanted = wanted + dense(layers["head_values"], past)
    wanted = wanted.reshape(6, H, n_outputs)
    np.testing.assert_allclose(model(inputs), wanted[..., 0] if n_outputs == 1 else wanted)


def pooled(values, mask, pool):
    """Maxima of what is observed, pools counted from the end."""
    found = []
    for end in range(values.shape[1], 0, -pool):
        part = slice(max(0, end - pool), end)
        greatest = np.where(mask[:, part] > 0, values[:, part], -np.inf).max(axis=1)
        found.append(np.where(np.isfinite(greatest), greatest, 0))
    return np.stack(found[::-1], axis=1)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_nhits(random_weights, inputs, n_outputs):
    # Equations 1 to 4 of Challu et al. 2023.
    pools, strides = [2, 3, 1], [3, 2, 1]
    model = nhits.build(INPUT_SIZE, H, n_outputs, pools=pools, strides=strides, width=4, n_layers=1)
    layers, mask = random_weights(model), inputs["mask"]
    residual = inputs["past"] * mask
    wanted = dense(layers["head_linear"], residual).reshape(6, H, n_outputs)
    for number, (pool, stride) in enumerate(zip(pools, strides, strict=True), start=1):
        seen = residual if pool == 1 else pooled(residual, mask, pool)
        features = relu(
            dense(layers[f"block_{number}_1_values"], seen)
            + dense(layers[f"block_{number}_1_mask"], mask)
        )

        def between(knots, steps):
            at = np.linspace(0, len(knots) - 1, steps) if len(knots) > 1 else np.zeros(steps)
            return np.interp(at, np.arange(len(knots)), knots)

        knots = dense(layers[f"head_{number}"], features).reshape(6, -1, n_outputs)
        assert knots.shape[1] == -(-H // stride)
        wanted = wanted + np.apply_along_axis(between, 1, knots, H)
        if number < 3:
            back = dense(layers[f"backcast_{number}"], features)
            residual = (residual - np.apply_along_axis(between, 1, back, INPUT_SIZE)) * mask
    assert "backcast_3" not in layers
    np.testing.assert_allclose(model(inputs), wanted[..., 0] if n_outputs == 1 else wanted)


def test_tcn(random_weights, inputs):
    # Figure 1 of Bai et al. 2018: convolutions that look back 1, then 2 steps, and the way past them.
    model = tcn.build(INPUT_SIZE, H, channels=2, kernel_size=2, n_blocks=2, width=4)
    layers, mask = random_weights(model), inputs["mask"]
    past = inputs["past"] * mask
    steps = dense(layers["embedding_values"], past[..., None])
    steps = steps + dense(layers["embedding_mask"], mask[..., None])
    for number, dilation in ((1, 1), (2, 2)):
        x = steps
        for part in "ab":
            kernel, bias = layers[f"block_{number}_{part}"]
            before = np.pad(x, [(0, 0), (dilation, 0), (0, 0)])[:, :INPUT_SIZE]
            x = relu(before @ kernel[:2] + x @ kernel[2:] + bias)
        steps = relu(steps + x)
    hidden = relu(dense(layers["hidden_state"], steps[:, -1]))
    wanted = dense(layers["head"], hidden) + dense(layers["head_linear"], past)
    np.testing.assert_allclose(model(inputs), wanted)


@pytest.mark.parametrize(("input_size", "blocks"), [(1, 1), (5, 1), (6, 2), (13, 2), (36, 4)])
def test_a_tcn_sees_all_of_its_input(input_size, blocks):
    model = tcn.build(input_size, 2, channels=2, width=2, linear=False)
    names = {layer.name for layer in model.layers if layer.name.endswith("_a")}
    assert names == {f"block_{number}_a" for number in range(1, blocks + 1)}
    rng = np.random.default_rng(0)
    model.set_weights([np.abs(rng.normal(size=w.shape)) for w in model.get_weights()])
    mask = np.ones((input_size, input_size), "float32")
    alone = np.asarray(model({"past": 0 * mask, "mask": mask}))
    assert (np.asarray(model({"past": np.eye(input_size), "mask": mask})) != alone).all()


def normalised(weights, x):
    scale, shift = weights
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-3) * scale + shift


def test_tide(random_weights, inputs):
    # Section 4 of Das et al. 2023, with all three kinds of columns.
    rng = np.random.default_rng(3)
    inputs |= {
        "hist_exog": rng.normal(size=(6, INPUT_SIZE, 1)),
        "futr_exog": rng.normal(size=(6, INPUT_SIZE + H, 2)),
        "stat_exog": rng.normal(size=(6, 3)),
    }
    model = tide.build(
        INPUT_SIZE,
        H,
        2,
        width=4,
        n_encoder_layers=2,
        feature_width=2,
        decoder_width=3,
        temporal_width=5,
        n_hist_exog=1,
        n_futr_exog=2,
        n_stat_exog=3,
    )
    layers, mask = random_weights(model), inputs["mask"]
    past = inputs["past"] * mask

    def projected(name, columns):
        hidden = dense(
            layers[f"project_{name}_output"], relu(dense(layers[f"project_{name}_hidden"], columns))
        )
        return normalised(
            layers[f"project_{name}_norm"], hidden + dense(layers[f"project_{name}_past"], columns)
        )

    def block(name, parts):
        hidden = relu(sum(dense(layers[f"{name}_hidden_{of}"], x) for of, x in parts.items()))
        way_past = sum(dense(layers[f"{name}_past_{of}"], x) for of, x in parts.items())
        return normalised(
            layers[f"{name}_norm"], dense(layers[f"{name}_output"], hidden) + way_past
        )

    futr = projected("futr", inputs["futr_exog"])
    known = {
        "values": past,
        "mask": mask,
        "stat_exog": inputs["stat_exog"],
        "hist": projected("hist", inputs["hist_exog"]).reshape(6, -1),
        "futr": futr[:, :INPUT_SIZE].reshape(6, -1),
        "futr_ahead": futr[:, INPUT_SIZE:].reshape(6, -1),
    }
    code = block("encoder_2", {"code": block("encoder_1", known)})
    steps = {"decoded": block("decoder_1", {"code": code}).reshape(6, H, 3)}
    steps["futr"] = futr[:, INPUT_SIZE:]
    hidden = relu(sum(dense(layers[f"temporal_{of}"], x) for of, x in steps.items()))
    wanted = dense(layers["head"], hidden)
    wanted = wanted + sum(dense(layers[f"head_past_{of}"], x) for of, x in steps.items())
    ways = dense(layers["head_linear"], past)
    for name in ("hist_exog", "futr_exog", "stat_exog"):
        ways = ways + dense(layers[f"head_{name}"], inputs[name].reshape(6, -1))
    np.testing.assert_allclose(model(inputs), wanted + ways.reshape(6, H, 2), rtol=1e-6)


def test_transformer(random_weights, inputs):
    # Section 3.1 of Nie et al. 2023, layers normalised before attention and before dense layers.
    from scipy.special import erf, softmax

    model = transformer.build(
        INPUT_SIZE,
        H,
        patch_length=2,
        stride=2,
        model_width=4,
        n_heads=2,
        n_layers=1,
        feed_forward=3,
        width=4,
    )
    layers, mask = random_weights(model), inputs["mask"]
    past = inputs["past"] * mask
    places = np.array([[0, 1], [1, 2], [3, 4]])  # from the last point on, and all of the first
    tokens = sum(
        np.einsum("bpi,id->bpd", x[:, places], layers[f"embedding_{of}"][0])
        for of, x in (("values", past), ("mask", mask))
    )
    tokens = tokens + layers["embedding_values"][1]
    q, q0, k, k0, v, v0, o, o0 = layers["attention_1"]
    x = normalised(layers["attention_1_norm"], tokens)
    queries, keys, values = (
        np.einsum("bpd,dhe->bphe", x, kernel) + bias for kernel, bias in ((q, q0), (k, k0), (v, v0))
    )
    logits = np.einsum("bphe,bqhe->bhpq", queries, keys) / np.sqrt(2)
    seen = mask[:, places].max(axis=-1) > 0
    assert not seen.all()
    logits = np.where(seen[:, None, None], logits, -1e9)
    mixed = np.einsum("bhpq,bqhe->bphe", softmax(logits, axis=-1), values)
    tokens = tokens + np.einsum("bphe,hed->bpd", mixed, o) + o0
    hidden = dense(layers["dense_1_hidden"], normalised(layers["dense_1_norm"], tokens))
    hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
    tokens = tokens + dense(layers["dense_1_output"], hidden)
    state = normalised(layers["norm"], tokens).reshape(6, -1)
    wanted = dense(layers["head"], relu(dense(layers["hidden_state"], state)))
    wanted = wanted + dense(layers["head_linear"], past)
    np.testing.assert_allclose(model(inputs), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize(("kind", "module"), [("gru", gru), ("lstm", lstm)])
def test_recurrent_models(random_weights, inputs, kind, module, unroll):
    # Cho et al. 2014, equations 5 to 8, the reset gate after the product, as Keras has it; Gers et
    # al. 2000, equations 1 to 9, for the LSTM with its gate of forgetting.
    model = module.build(INPUT_SIZE, H, units=3, width=4, unroll=unroll)
    layers, mask = random_weights(model), inputs["mask"]
    past = inputs["past"] * mask
    steps = dense(layers["embedding_values"], past[..., None])
    steps = steps + dense(layers["embedding_mask"], mask[..., None])
    kernel, recurrent, bias = layers[f"{kind}_1"]
    state, memory = np.zeros((2, 6, 3))
    for x in np.moveaxis(steps, 1, 0):
        if kind == "gru":
            of_x = np.split(x @ kernel + bias[0], 3, axis=1)
            of_state = np.split(state @ recurrent + bias[1], 3, axis=1)
            keep, reset = (sigmoid(a + b) for a, b in zip(of_x[:2], of_state[:2], strict=True))
            state = keep * state + (1 - keep) * np.tanh(of_x[2] + reset * of_state[2])
        else:
            enter, forget, new, out = np.split(x @ kernel + state @ recurrent + bias, 4, axis=1)
            memory = sigmoid(forget) * memory + sigmoid(enter) * np.tanh(new)
            state = sigmoid(out) * np.tanh(memory)
    hidden = relu(dense(layers["hidden_state"], state))
    wanted = dense(layers["head"], hidden) + dense(layers["head_linear"], past)
    np.testing.assert_allclose(model(inputs), wanted, rtol=1e-6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))
