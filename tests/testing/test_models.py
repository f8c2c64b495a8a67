"""Models that break one promise each: the kit says in words which."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml.errors import UsageError
from tsmaml.testing import MODEL_CHECKS, check_model

dense = keras.layers.Dense


def inputs_of(input_size):
    past, mask = keras.Input((input_size,), name="past"), keras.Input((input_size,), name="mask")
    return past, mask, past * mask


def sound(input_size, h, n_outputs=1, *, n_stat_exog=0, width=2):
    past, mask, observed = inputs_of(input_size)
    inputs, parts = [past, mask], [observed, mask]
    if n_stat_exog:
        inputs.append(keras.Input((n_stat_exog,), name="stat_exog"))
        parts.append(inputs[-1])
    hidden = keras.layers.Add(name="sum")(
        [dense(width, name=f"hidden_{i}")(part) for i, part in enumerate(parts)]
    )
    output = dense(h * n_outputs, name="head")(keras.layers.Activation("tanh")(hidden))
    return keras.Model(
        inputs, output if n_outputs == 1 else keras.layers.Reshape((h, n_outputs))(output)
    )


def no_model(input_size, h):
    return "a model"


def too_short(input_size, h, n_outputs=1):
    return sound(input_size, h - 1, n_outputs)


def one_output_only(input_size, h, n_outputs=1):
    return sound(input_size, h)


def double(input_size, h):
    past = keras.Input((input_size,), name="past")
    return keras.Model(past, keras.ops.cast(dense(h, name="head")(past), "float64"))


def not_finite(input_size, h):
    past, mask, observed = inputs_of(input_size)
    return keras.Model([past, mask], dense(h, name="head")(observed) / (mask[:, :1]))


def headless(input_size, h):
    past = keras.Input((input_size,), name="past")
    return keras.Model(past, dense(h, name="output")(past))


def headed_in_vain(input_size, h):
    past = keras.Input((input_size,), name="past")
    return keras.Model(past, dense(h, name="last")(past) + 0 * dense(h, name="head")(past))


def looks_behind_the_mask(input_size, h):
    past, mask, _ = inputs_of(input_size)
    return keras.Model([past, mask], dense(h, name="head")(past) + dense(h, name="head_mask")(mask))


def sees_half(input_size, h):
    past, mask, observed = inputs_of(input_size)
    older = observed[:, : input_size // 2]
    return keras.Model([past, mask], dense(h, name="head")(older) + dense(h, name="head_b")(mask))


def sees_no_mask(input_size, h):
    past, mask, observed = inputs_of(input_size)
    return keras.Model([past, mask], dense(h, name="head")(observed))


def lacks_an_input(input_size, h, *, n_stat_exog=0):
    return sound(input_size, h)


def ignores_an_input(input_size, h, *, n_stat_exog=0):
    model = sound(input_size, h, n_stat_exog=n_stat_exog)
    if not n_stat_exog:
        return model
    past, mask, stat = model.inputs
    return keras.Model([past, mask, stat], model([past, mask, 0 * stat]))


def divides_by_the_deviation(input_size, h):
    past, mask, observed = inputs_of(input_size)
    scaled = observed / keras.ops.std(observed, axis=-1, keepdims=True)
    return keras.Model([past, mask], dense(h, name="head")(scaled))


def loses_digits(input_size, h):
    past, mask, observed = inputs_of(input_size)
    return keras.Model([past, mask], dense(h, name="head")((observed + 1e6) - 1e6))


def nameless(input_size, h):
    past = keras.Input((input_size,), name="past")
    return keras.Model(past, dense(h, name="head")(dense(2)(past)))


def remembers_elsewhere(input_size, h):
    past = keras.Input((input_size,), name="past")
    shift = float(keras.random.normal(()))
    return keras.Model(past, dense(h, name="head")(past) + shift)


def unseeded(input_size, h):
    past = keras.Input((input_size,), name="past")
    start = keras.initializers.Constant(np.random.default_rng().normal())
    return keras.Model(past, dense(h, kernel_initializer=start, name="head")(past))


def always_the_same(input_size, h):
    past = keras.Input((input_size,), name="past")
    return keras.Model(past, dense(h, kernel_initializer="zeros", name="head")(past))


def held_constant(input_size, h):
    past = keras.Input((input_size,), name="past")
    hidden = dense(2, "tanh", name="hidden")(past)
    return keras.Model(past, dense(h, name="head")(hidden * keras.ops.stop_gradient(hidden)))


def of_the_past(layer, input_size, h):
    past = keras.Input((input_size,), name="past")
    return keras.Model(past, dense(h, name="head")(layer(past)))


def not_for_many(input_size, h):
    def sine(x):
        return x + tf.ensure_shape(tf.numpy_function(np.sin, [x], x.dtype), x.shape)

    return of_the_past(keras.layers.Lambda(sine), input_size, h)


def not_for_xla(input_size, h):
    return of_the_past(keras.layers.Lambda(tf.math.special.dawsn), input_size, h)


def in_python(input_size, h):
    def doubled(x):
        twice = tf.py_function(lambda part: 2 * part, [x], x.dtype)
        return tf.ensure_shape(twice, x.shape)

    past = keras.Input((input_size,), name="past")
    dropped = keras.layers.Dropout(0.1, name="dropped")(past)
    return keras.Model(past, dense(h, name="head")(keras.layers.Lambda(doubled)(dropped)))


@pytest.mark.parametrize(
    ("check", "build", "sentence"),
    [
        ("shapes", no_model, "should return a Keras model, and returned a str"),
        ("shapes", too_short, r"shape \['batch', 3\] for n_outputs=1, and gives \['batch', 2\]"),
        ("shapes", one_output_only, r"\['batch', 3, 3\] for n_outputs=3, and gives"),
        ("shapes", double, "should give float32, and gives .*float64"),
        ("shapes", not_finite, "finite outputs with its initial weights, for histories of one"),
        ("head", headless, "whose name begins with 'head': .* Its layers are past, output"),
        ("head", headed_in_vain, "something else when the weights of its head change"),
        ("masks", looks_behind_the_mask, "multiply the past by the mask"),
        ("masks", sees_half, "when the observed values change, however few"),
        ("masks", sees_no_mask, "a zero that is observed from one that is not"),
        (
            "exogenous",
            lacks_an_input,
            r"an input 'stat_exog' of shape \[2\] when it is told n_stat",
        ),
        ("exogenous", ignores_an_input, "should use its input 'stat_exog'"),
        (
            "float32",
            divides_by_the_deviation,
            "finite outputs and gradients in float32 on constants",
        ),
        ("float32", loses_digits, "nearly the same in float32 as in float64 on levels of 1e12"),
        ("storage", nameless, "variables of the same names, .*: name its layers"),
        ("storage", remembers_elsewhere, "all that it learns belongs into its weights"),
        ("determinism", unseeded, r"the same initial weights after .*set_random_seed\(3\), twice"),
        ("determinism", always_the_same, "other initial weights with another seed"),
        ("gradient", held_constant, "that of 'hidden/kernel' differs"),
        ("speed", not_for_many, "can be mapped over tasks side by side: its speed class is"),
        ("speed", not_for_xla, "can be compiled by XLA: its speed class is 'side by side, XLA'"),
        ("speed", in_python, "of the speed class 'one after another, XLA': it calls Python"),
    ],
)
def test_a_broken_promise_is_told_in_words(check, build, sentence):
    with pytest.raises(AssertionError, match=f"The model {build.__name__!r} .*{sentence}"):
        check_model(build, checks=[check])


def test_a_sound_model_passes_and_gets_its_options():
    cheap = [name for name in MODEL_CHECKS if name not in ("gradient", "speed")]
    check_model(sound, options={"width": 3}, checks=cheap)
    with pytest.raises(UsageError, match="'sound' has no option 'depth'"):
        check_model(sound, options={"depth": 3}, checks=cheap)


def convolves(input_size, h):
    past = keras.Input((input_size,), name="past")
    steps = keras.layers.Reshape((input_size, 1), name="steps")(past)
    hidden = keras.layers.Conv1D(2, 3, name="filters")(steps)
    recurrent = keras.layers.GRU(2, unroll=True, name="memory")(hidden)
    return keras.Model(past, dense(h, name="head")(recurrent))


@pytest.mark.parametrize(
    ("speed", "layers"),
    [
        ("side by side, XLA", r"filters \(Conv1D\), memory \(GRU\)"),
        ("side by side", r"filters \(Conv1D\)"),
        ("one after another, XLA", r"memory \(GRU\)"),
    ],
)
def test_a_model_that_is_slower_than_declared_is_told(speed, layers):
    sentence = f"speed class '{speed}', as is declared, and is of 'one after another': because of"
    with pytest.raises(AssertionError, match=rf"{sentence} {layers}\."):
        check_model(convolves, speed=speed, checks=["speed"])


def test_an_unknown_speed_is_told():
    with pytest.raises(UsageError, match="speed is 'fast'; wanted is one of 'side by side, XLA'"):
        check_model(sound, speed="fast", checks=["speed"])


def test_an_unknown_check_is_told():
    with pytest.raises(
        UsageError, match=r"no check of models named 'shape'\. Did you mean 'shapes'"
    ):
        check_model(sound, checks=["shape"])
