"""What every model has to do, registered or given in Python: one check for each promise.

Call :func:`check_model` in a test of your plugin, with options that make the model small::

    from tsmaml.testing import check_model

    def test_my_model():
        check_model("my_model", options={"width": 4})
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tsmaml import engine
from tsmaml.engine.functional import FunctionalModel
from tsmaml.engine.mapping import choose, vectorized
from tsmaml.engine.outer import outer_gradient
from tsmaml.engine.problem import Meta, Problem, initial_rates
from tsmaml.losses import mse
from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.tasks.scaling import scale_windows
from tsmaml.testing.common import double_precision, run_checks, want
from tsmaml.testing.derivatives import is_slope, plain_loop
from tsmaml.testing.speed import check_speed_of, compiled

_EXOGENOUS = ("hist_exog", "futr_exog", "stat_exog")
_COLUMNS = 2
_SEED = (0, 0)


@dataclass(frozen=True)
class Subject:
    """A model under test.

    Attributes:
        part: that builds it.
        input_size, h: sizes that it is built for.
        options: of the model.
        speed: the speed class that is declared; None: none.
    """

    part: Part
    input_size: int
    h: int
    options: Mapping[str, Any] = field(default_factory=dict)
    speed: str | None = None

    @cached_property
    def mapped(self) -> Mapped:
        """The gradient of a meta-batch, compiled once for all checks that want it."""
        return _mapped(self)

    def build(self, n_outputs: int = 1, *, seed: int = 0, **options: Any) -> keras.Model:
        """The model with the initial weights of a seed."""
        keras.utils.set_random_seed(seed)
        sizes = (self.input_size, self.h, *((n_outputs,) if n_outputs > 1 else ()))
        model = call_part(self.part, *sizes, options={**self.options, **options})
        want(
            isinstance(model, keras.Model),
            f"{self} should return a Keras model, and returned a {type(model).__name__}.",
        )
        return model

    def built_with_random_weights(self, **options: Any) -> keras.Model:
        """The model with weights away from where they start: zeros would hide what is behind them."""
        model, rng = self.build(**options), np.random.default_rng(1)
        model.set_weights(
            [
                w + (rng.normal(0, 0.5, w.shape).astype(w.dtype) if w.dtype.kind == "f" else 0)
                for w in model.get_weights()
            ]
        )
        return model

    def takes(self, option: str) -> bool:
        """Whether the builder has an option of that name."""
        try:
            return option in inspect.signature(self.part.load()).parameters
        except ValueError:  # a callable without a signature
            return False

    def __str__(self) -> str:
        return f"The model {self.part.name!r}"


def check_model(
    model: str | Part | Callable[..., Any],
    *,
    options: Mapping[str, Any] | None = None,
    input_size: int = 6,
    h: int = 3,
    speed: str | None = None,
    checks: Iterable[str] | None = None,
) -> None:
    """Check that a model does all that tsmaml wants of it.

    Args:
        model: a registered name, a registered part, or a function
            ``build(input_size, h, n_outputs=1, **options) -> keras.Model``.
        options: of the model; small ones keep the checks quick.
        input_size: past points of the model that is checked.
        h: its horizon.
        speed: how its tasks are to run, of :data:`tsmaml.testing.speed.SPEEDS`: ``"side by side, XLA"``,
            ``"side by side"``, ``"one after another, XLA"`` or ``"one after another"``; a model that
            the engine runs slower fails. None: as its layers have it, which has to work.
        checks: some of the names of :data:`MODEL_CHECKS`; None: all.

    Raises:
        AssertionError: at the first check that fails; the message says what is wanted.
        UsageError, PluginError: if the model can't be built at all, or there is no such check.
    """
    part = model if isinstance(model, Part) else registry().resolve("model", model)
    subject = Subject(part, input_size, h, dict(options or {}), speed)
    run_checks("models", MODEL_CHECKS, checks, subject)


def check_shapes(subject: Subject) -> None:
    """Output ``[batch, h]`` for one output, ``[batch, h, n_outputs]`` for more, float32, finite."""
    for n_outputs, steps in ((1, (subject.h,)), (3, (subject.h, 3))):
        if n_outputs > 1 and not subject.takes("n_outputs"):
            continue
        model = subject.build(n_outputs)
        outputs = model(windows(model, subject, 5))
        want(
            tuple(outputs.shape) == (5, *steps),
            f"{subject} should give outputs of shape {['batch', *steps]} for n_outputs={n_outputs}, "
            f"and gives {['batch', *outputs.shape[1:]]}.",
        )
        want(
            keras.backend.standardize_dtype(outputs.dtype) == "float32",
            f"{subject} should give float32, and gives {outputs.dtype}.",
        )
        want(
            bool(np.isfinite(outputs).all()),
            f"{subject} should give finite outputs with its initial weights, for histories of one "
            "point and more.",
        )


def check_head(subject: Subject) -> None:
    """There is a head: layers whose names begin so, which lead to the output."""
    model = subject.build()
    heads = [layer for layer in model._flatten_layers() if layer.name.startswith("head")]
    want(
        any(layer.trainable_variables for layer in heads),
        f"{subject} should have a layer with weights whose name begins with 'head': what 'anil' "
        f"adapts. Its layers are {', '.join(layer.name for layer in model.layers)}.",
    )
    model = subject.built_with_random_weights()
    net, inputs = FunctionalModel(model), windows(model, subject, 5)
    moved = list(net.initial())
    for index in net.select("head"):
        moved[index] = moved[index] + 1.0
    want(
        bool((np.asarray(net(moved, inputs)) != np.asarray(model(inputs))).any()),
        f"{subject} should forecast something else when the weights of its head change.",
    )


def check_masks(subject: Subject) -> None:
    """A masked value changes nothing, an observed one does, and so does the mask itself."""
    model = subject.built_with_random_weights()
    inputs = windows(model, subject, 20)
    if "mask" not in inputs:
        return  # What is not observed comes to it as 0.
    mask = inputs["mask"]
    outputs = np.asarray(model(inputs))
    for strange in (1e3, -1e3):
        other = {**inputs, "past": np.where(mask > 0, inputs["past"], strange).astype("float32")}
        want(
            bool((np.asarray(model(other)) == outputs).all()),
            f"{subject} should not look at values whose mask is 0: multiply the past by the mask "
            "before anything else.",
        )
    other = {**inputs, "past": inputs["past"] + mask}
    want(
        bool((np.asarray(model(other)) != outputs).any(axis=-1).all()),
        f"{subject} should forecast something else when the observed values change, however few "
        "of them there are.",
    )
    silent = {**inputs, "past": np.zeros_like(mask)}
    want(
        bool(
            (
                np.asarray(model({**silent, "mask": np.zeros_like(mask)}))
                != np.asarray(model({**silent, "mask": np.ones_like(mask)}))
            ).any()
        ),
        f"{subject} should tell a zero that is observed from one that is not: let it see the mask.",
    )


def check_exogenous(subject: Subject) -> None:
    """Each exogenous input, and context, is there if the builder is told of it, and has a say."""
    shapes = {
        "hist_exog": (subject.input_size, _COLUMNS),
        "futr_exog": (subject.input_size + subject.h, _COLUMNS),
        "stat_exog": (_COLUMNS,),
        "context": (_COLUMNS,),
    }
    told = {f"n_{name}": _COLUMNS for name in shapes if subject.takes(f"n_{name}")}
    if not told:
        return
    model = subject.built_with_random_weights(**told)
    inputs = windows(model, subject, 5)
    outputs = np.asarray(model(inputs))
    for option in told:
        name = option.removeprefix("n_")
        want(
            name in inputs and inputs[name].shape[1:] == shapes[name],
            f"{subject} should have an input {name!r} of shape {list(shapes[name])} when it is told "
            f"{option}={_COLUMNS}.",
        )
        for place in (0, -1):  # the first and the last of its steps, or of its numbers
            moved = inputs[name].copy()
            moved[:, place] += 1
            want(
                bool((np.asarray(model({**inputs, name: moved})) != outputs).any()),
                f"{subject} should use its input {name!r}: the forecast does not change with it.",
            )


def check_float32(subject: Subject) -> None:
    """Finite and near the exact result on constants, zeros and levels of 1e12, and so is training."""
    model = subject.build()
    with double_precision():
        exact = subject.build()
        exact.set_weights([w.astype(v.dtype) for w, v in _pairs(model, exact)])
    for name, past, mask in _hard_windows(subject):
        inputs = {**windows(model, subject, len(past)), "past": past, "mask": mask}
        inputs = {key: inputs[key if key in inputs else "past"] for key in _names(model)}
        with tf.GradientTape() as tape:
            outputs = model(inputs)
            loss = tf.reduce_mean(tf.square(outputs - 1.0))
        grads = tape.gradient(loss, model.trainable_variables)
        finite = [
            np.isfinite(part).all() for part in (outputs, *(g for g in grads if g is not None))
        ]
        want(
            all(finite),
            f"{subject} should give finite outputs and gradients in float32 on {name}.",
        )
        wanted = np.asarray(exact({key: x.astype("float64") for key, x in inputs.items()}))
        error = np.abs(np.asarray(outputs) - wanted).max()
        want(
            bool(error <= 1e-3 * (1 + np.abs(wanted).max())),
            f"{subject} should give nearly the same in float32 as in float64 on {name}; the outputs "
            f"differ by {error:.2g}.",
        )


def check_storage(subject: Subject) -> None:
    """Weights put into a model that was built later give the same forecasts; names stay."""
    n_outputs = 3 if subject.takes("n_outputs") else 1
    model, other = (subject.build(n_outputs, seed=seed) for seed in (0, 5))
    names, other_names = ([v.path for v in m.trainable_variables] for m in (model, other))
    want(
        names == other_names and len(set(names)) == len(names),
        f"{subject} should have variables of the same names, each once, whatever was built before; "
        f"they are {', '.join(names)}, then {', '.join(other_names)}: name its layers.",
    )
    inputs = windows(model, subject, 5)
    other.set_weights(model.get_weights())
    want(
        bool((np.asarray(other(inputs)) == np.asarray(model(inputs))).all()),
        f"{subject} should forecast the same with the weights of another build: all that it learns "
        "belongs into its weights.",
    )


def check_determinism(subject: Subject) -> None:
    """The seed decides the weights, and the weights the forecast."""
    first, again, other = (subject.build(seed=seed) for seed in (3, 3, 4))
    want(
        all((a == b).all() for a, b in _pairs(first, again)),
        f"{subject} should have the same initial weights after keras.utils.set_random_seed(3), "
        "twice.",
    )
    want(
        any((a != b).any() for a, b in _pairs(first, other)),
        f"{subject} should have other initial weights with another seed.",
    )
    inputs = windows(first, subject, 5)
    want(
        bool((np.asarray(first(inputs)) == np.asarray(first(inputs))).all()),
        f"{subject} should forecast the same twice: nothing random outside of training.",
    )


def check_gradient(subject: Subject) -> None:
    """The second-order gradient, mapped and compiled as the engine chooses, is the right one.

    That of a meta-batch equals what a plain loop over its tasks gives, and both equal differences of
    the query loss along a random direction for each variable.
    """
    problem, point, gradient, mapped = subject.mapped
    with double_precision():
        found, losses = mapped(point)
        wanted, wanted_losses = gradient(point, plain_loop)
        for name, one, other in zip(
            problem.net.names, found.parameters, wanted.parameters, strict=True
        ):
            want(
                bool(np.allclose(one, other, rtol=1e-7, atol=1e-10)),
                f"{subject} should have the same gradient when its tasks are mapped as when they "
                f"come one after the other; that of {name!r} differs.",
            )
        want(
            bool(np.allclose(losses.query, wanted_losses.query, rtol=1e-9)),
            f"{subject} should have the same loss when its tasks are mapped as when they come one "
            "after the other.",
        )

        def query_loss(place: int, direction: np.ndarray, length: float) -> float:
            moved = [p + length * direction if i == place else p for i, p in enumerate(point)]
            return float(mapped(moved)[1].query)

        rng = np.random.default_rng(4)
        for place, name in enumerate(problem.net.names):
            direction = rng.normal(size=point[place].shape)
            slope = float(np.sum(np.asarray(found.parameters[place]) * direction))
            want(
                is_slope(partial(query_loss, place, direction), slope),
                f"{subject} should have the second-order gradient that differences of the query "
                f"loss have; that of {name!r} differs. What it is made of has to be differentiable "
                "twice.",
            )


def check_speed(subject: Subject) -> None:
    """Its tasks run as its layers have it, or as is declared: side by side or not, by XLA or not."""
    if subject.speed is not None:
        check_speed_of(subject, subject.build(), subject.speed)
    _ = subject.mapped  # says what can't be mapped or compiled


class Mapped(NamedTuple):
    """The second-order gradient of a meta-batch, in float64.

    Attributes:
        problem: of the model.
        point: its parameters.
        gradient: takes parameters, and a way to map tasks.
        compiled: the same, mapped and compiled as the engine chooses.
    """

    problem: Problem
    point: list[Any]
    gradient: Callable[..., Any]
    compiled: Callable[..., Any]


def _mapped(subject: Subject) -> Mapped:
    with double_precision():
        model = subject.built_with_random_weights()
        problem = Problem.of(FunctionalModel(model), mse(), engine.maml(steps=1, rate=0.05))
        batch, seed = _batch(model, subject), tf.constant(_SEED, tf.int64)
        way, jit = choose(model, "auto", "auto")

        def gradient(parameters: Any, map_tasks: Any = way) -> Any:
            meta = Meta(tuple(parameters), initial_rates(problem))
            return outer_gradient(problem, meta, batch, seed, map_tasks)

        point = list(problem.net.initial())
        is_side_by_side = way is vectorized
        run = compiled(subject, gradient, point, side_by_side=is_side_by_side, jit=jit)
        return Mapped(problem, point, gradient, run)


def windows(
    model: keras.Model, subject: Subject, *shape: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """Random inputs ``[*shape, ...]`` by name: histories of one point up to all of them.

    The past is 0 where it is not observed, as models are given it.
    """
    rng = np.random.default_rng(seed)
    n_rows = int(np.prod(shape))
    # The newest points; all lengths from one point on are met.
    n_observed = 1 + (np.arange(n_rows) % subject.input_size).reshape(*shape, 1)
    mask = (np.arange(subject.input_size) >= subject.input_size - n_observed).astype("float32")
    made = {"mask": mask, "past": rng.normal(size=mask.shape).astype("float32") * mask}
    for tensor in model.inputs:
        if tensor.name not in made and (tensor.name in _EXOGENOUS or tensor.name == "context"):
            made[tensor.name] = rng.normal(size=(*shape, *tensor.shape[1:])).astype("float32")
    return {name: made.get(name, made["past"]) for name in _names(model)}


def _names(model: keras.Model) -> list[str]:
    return [tensor.name for tensor in model.inputs]


def _pairs(one: keras.Model, other: keras.Model) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    return zip(one.get_weights(), other.get_weights(), strict=True)


def _hard_windows(subject: Subject) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
    """Name, past and mask of windows that are hard on arithmetic, scaled as the forecaster does."""
    rng, size = np.random.default_rng(2), subject.input_size
    found = {
        "constants": np.full((size, 3), 7.0),
        "zeros": np.zeros((size, 3)),
        "levels of 1e12": 1e12 * (1 + 0.1 * rng.normal(size=(size, 3))),
    }
    for name, values in found.items():
        mask = (np.arange(size)[:, np.newaxis] >= size - np.array([1, (size + 1) // 2, size])) * 1.0
        scaled = scale_windows(tf.constant(values * mask), tf.constant(mask, tf.float32))
        yield name, np.transpose(scaled.past), mask.T.astype("float32")


def _batch(model: keras.Model, subject: Subject) -> engine.TaskBatch:
    inputs = {
        name: tf.constant(part, tf.float64)
        for name, part in windows(model, subject, 2, 4, seed=2).items()
    }
    # A query of one window is what a series is forecast with, and a shape that layers may mistake.
    y = tf.constant(np.random.default_rng(3).normal(size=(2, 4, subject.h)))
    return engine.TaskBatch.split(inputs, {"y": y}, n_support=3)


MODEL_CHECKS: dict[str, Callable[[Subject], None]] = {
    "shapes": check_shapes,
    "head": check_head,
    "masks": check_masks,
    "exogenous": check_exogenous,
    "float32": check_float32,
    "storage": check_storage,
    "determinism": check_determinism,
    "gradient": check_gradient,
    "speed": check_speed,
}
