"""Options of the built-in architectures, and what holds for all of them beyond the conformance kit."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml.engine.functional import FunctionalModel
from tsmaml.engine.ridge import LinearHead
from tsmaml.errors import TrainingError, UsageError
from tsmaml.plugins import registry

INPUT_SIZE, H = 5, 3
# The options of each model that are sizes, with small ones.
SIZES = {
    "gru": {"units": 3, "n_layers": 2, "width": 4},
    "linear": {"kernel_size": 3},
    "lstm": {"units": 3, "n_layers": 1, "width": 4},
    "mlp": {"width": 4, "n_layers": 2},
    "nbeats": {"width": 4, "n_blocks": 2, "n_layers": 2, "degree": 2},
    "nhits": {"width": 4, "n_blocks": 1, "n_layers": 2},
    "tcn": {"channels": 3, "kernel_size": 2, "n_blocks": 1, "width": 4},
    "tide": {
        "width": 4,
        "n_encoder_layers": 2,
        "n_decoder_layers": 2,
        "feature_width": 1,
        "decoder_width": 2,
        "temporal_width": 3,
    },
    "transformer": {
        "patch_length": 3,
        "stride": 1,
        "n_heads": 2,
        "n_layers": 1,
        "feed_forward": 4,
        "width": 4,
        "model_width": 4,
    },
}
every_model = pytest.mark.parametrize("name", SIZES)
every_size = pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, sizes in SIZES.items() for option in sizes]
)
CHOSEN_BY_ITSELF = {
    ("linear", "kernel_size"),
    ("tcn", "kernel_size"),
    ("tcn", "n_blocks"),
    ("transformer", "patch_length"),
    ("transformer", "stride"),
}


def built(name: str, n_outputs: int = 1, **options) -> keras.Model:
    keras.utils.set_random_seed(0)
    build = registry().get("model", name).load()
    return build(INPUT_SIZE, H, n_outputs, **{**SIZES[name], **options})


def windows(*shape: int) -> dict[str, np.ndarray]:
    """Random inputs ``[*shape, input_size]``, masked like a short history, the past at 0 there."""
    rng = np.random.default_rng(0)
    mask = (np.arange(INPUT_SIZE) >= rng.integers(0, INPUT_SIZE, (*shape, 1))).astype("float32")
    return {"past": rng.normal(size=mask.shape).astype("float32") * mask, "mask": mask}


@every_model
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.usefixtures("float64")
def test_the_forecast_is_linear_in_the_heads(name, n_outputs):
    net, inputs = FunctionalModel(built(name, n_outputs)), windows(9)
    rng = np.random.default_rng(5)
    body = [tf.constant(rng.normal(0, 0.5, shape)) for shape in net.shapes]

    def forecast(heads):
        return np.asarray(net([heads.get(i, part) for i, part in enumerate(body)], inputs))

    one, other = (
        {i: tf.constant(rng.normal(size=net.shapes[i])) for i in net.select("head")}
        for _ in range(2)
    )
    mixed = {i: 2 * one[i] - 0.5 * other[i] for i in one}
    nothing = forecast({i: 0 * one[i] for i in one})
    wanted = 2 * forecast(one) - 0.5 * forecast(other) - 0.5 * nothing
    np.testing.assert_allclose(forecast(mixed), wanted, rtol=1e-10, atol=1e-12)
    # Linear, not constant.
    assert (forecast(one) != forecast(other)).all()


@pytest.mark.parametrize(
    ("name", "options", "fits"),
    [
        *((name, {}, name not in ("nhits", "tide")) for name in SIZES),
        ("nhits", {"strides": [2, 1]}, False),
        ("linear", {"kind": "nlinear"}, False),
        ("nbeats", {"stacks": "interpretable"}, False),
    ],
)
def test_ridge_takes_sums_of_linear_layers_and_refuses_others(name, options, fits):
    net = FunctionalModel(built(name, **options))

    def check():
        LinearHead(net, net.select("head")).check(net.initial(), windows(4))

    if fits:
        check()
        return
    with pytest.raises(TrainingError, match=r"ridge (wants|solves for)"):
        check()


@every_model
def test_context_moves_from_zero(name):
    net, inputs = FunctionalModel(built(name, n_context=2)), windows(4)
    context = tf.zeros([2])
    with tf.GradientTape() as tape:
        tape.watch(context)
        loss = tf.reduce_sum(net([*net.initial(), context], inputs) ** 2)
    assert np.any(tape.gradient(loss, context))


@every_size
@pytest.mark.parametrize("value", [0, -1, 1.5, "8", None, True])
def test_sizes_are_whole_numbers_of_1_or_more(name, option, value):
    if value is None and (name, option) in CHOSEN_BY_ITSELF:
        assert built(name, **{option: None}).output_shape == (None, H)
        return
    with pytest.raises(UsageError, match=f"{option} is {value!r}"):
        built(name, **{option: value})


@every_size
def test_sizes_of_1_will_do(name, option):
    others = {"patch_length": {"stride": 1}, "model_width": {"n_heads": 1}}.get(option, {})
    assert built(name, **{option: 1, **others})(windows(2)).shape == (2, H)


@every_model
@pytest.mark.parametrize("sizes", [(0, 3), (5, 0), (5, 3, 0)])
def test_so_are_input_size_horizon_and_outputs(name, sizes):
    with pytest.raises(UsageError, match="is 0; wanted is a whole number of 1 or more"):
        registry().get("model", name).load()(*sizes)


@every_model
@pytest.mark.parametrize("sizes", [(1, 1), (1, 7), (2, 1)])
def test_the_defaults_fit_the_smallest_sizes(name, sizes):
    model = registry().get("model", name).load()(*sizes)
    one = np.ones((2, sizes[0]), "float32")
    assert np.isfinite(model({"past": one, "mask": one})).all()


@every_model
@pytest.mark.parametrize("role", ["context", "hist_exog", "futr_exog", "stat_exog"])
@pytest.mark.parametrize("value", [-1, 1.0, True])
def test_numbers_of_inputs_are_whole_numbers_of_0_or_more(name, role, value):
    with pytest.raises(UsageError, match=f"n_{role} is {value!r}; wanted is a whole number of 0"):
        built(name, **{f"n_{role}": value})


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("linear", {"kind": "cubic"}, "kind is 'cubic'; wanted is one of dlinear, nlinear, linear"),
        ("linear", {"kernel_size": 6}, "kernel_size is 6; wanted .* 1 to 5, the input size"),
        ("nbeats", {"stacks": "tren"}, "stacks is 'tren'; wanted is 'interpretable' or a list of"),
        ("nbeats", {"stacks": []}, r"stacks is \[\]; wanted is 'interpretable' or a list of"),
        ("nbeats", {"stacks": ["trend", 3]}, "stacks is .*; wanted is 'interpretable' or a list"),
        ("nhits", {"pools": [6, 1]}, "pools is 6; wanted .* from 1 to 5, the input size"),
        ("nhits", {"strides": [4, 1]}, "strides is 4; wanted .* from 1 to 3, the horizon"),
        ("nhits", {"pools": [0]}, "pools is 0; wanted is a whole number from 1"),
        ("nhits", {"pools": 2}, "pools is 2; wanted is a list such as"),
        ("nhits", {"pools": []}, r"pools is \[\]; wanted is a list such as"),
        ("nhits", {"pools": [2, 1], "strides": [1]}, "pools has 2 stacks and strides 1"),
        ("nhits", {"linear": 1}, "linear is 1; wanted is true or false"),
        ("nbeats", {"share_weights": "no"}, "share_weights is 'no'; wanted is true or false"),
        ("gru", {"unroll": "yes"}, "unroll is 'yes'; wanted is true or false"),
        ("transformer", {"patch_length": 6}, "patch_length is 6; wanted .* 1 to 5, the input size"),
        ("transformer", {"stride": 4}, "stride is 4; wanted .* from 1 to 3, the length of a patch"),
        ("transformer", {"model_width": 5}, "model_width is 5; wanted is a multiple of n_heads"),
        ("tcn", {"kernel_size": 6}, "kernel_size is 6; wanted .* 1 to 5, the input size"),
    ],
)
def test_other_options_say_what_is_wanted(name, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        built(name, **options)


def test_stacks_without_paces_take_as_many_as_the_other_option_has():
    heads = [
        {layer.name for layer in model.layers if layer.name.startswith("head_")}
        for model in (built("nhits", pools=[2, 2]), built("nhits", strides=[1, 1, 1, 1]))
    ]
    assert heads[0] == {"head_linear", "head_1", "head_2"}
    assert heads[1] == heads[0] | {"head_3", "head_4"}


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_recurrences_over_short_inputs_are_unrolled(name):
    build = registry().get("model", name).load()
    layers = [build(size, H, units=2).get_layer(f"{name}_1") for size in (48, 49)]
    assert [layer.unroll for layer in layers] == [True, False]
