"""A Keras 3 model as a pure function of its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import tensorflow as tf

from tsmaml.errors import TrainingError

Parameters = tuple[tf.Tensor, ...]

CONTEXT = "context"


class FunctionalModel:
    """``outputs = model(parameters, inputs)``; nothing is written to the model's variables.

    Args:
        model: a built Keras model. Its trainable variables, in order, are the parameters.

    The state that a layer would write (running statistics, random seeds) is dropped after
    each call: tasks cannot leak into one another through it.
    """

    def __init__(self, model: keras.Model) -> None:
        if not model.built:
            raise TrainingError(
                f"The model {model.name!r} has no weights yet.",
                hint="Give it a keras.Input, or call it once on an example, before meta-training.",
            )
        if not model.trainable_variables:
            raise TrainingError(f"The model {model.name!r} has no trainable variables.")
        self.model = model
        self.names = tuple(variable.path for variable in model.trainable_variables)
        self.shapes = tuple(tuple(variable.shape) for variable in model.trainable_variables)
        dtypes = {variable.dtype for variable in model.trainable_variables}
        if len(dtypes) > 1:
            raise TrainingError(f"The model's trainable variables mix dtypes: {sorted(dtypes)}.")
        self.dtype: str = dtypes.pop()
        self.context: int | None = None
        self._input_names = [tensor.name for tensor in getattr(model, "inputs", None) or []]
        if CONTEXT in self._input_names:
            self.context = len(self.names)
            shape = model.inputs[self._input_names.index(CONTEXT)].shape
            self.names += (CONTEXT,)
            self.shapes += (tuple(shape[1:]),)
        self._seed_states = seed_states(model)
        self._batch_norms = [
            layer
            for layer in model._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization)
        ]

    def initial(self) -> Parameters:
        """The model's present weights as tensors."""
        return tuple(tf.convert_to_tensor(v.value) for v in self.model.trainable_variables)

    def assign(self, parameters: Sequence[Any]) -> None:
        """Write parameters back to the Keras model."""
        for variable, value in zip(self.model.trainable_variables, parameters, strict=True):
            variable.assign(value)

    def __call__(
        self,
        parameters: Sequence[tf.Tensor],
        inputs: Any,
        *,
        training: bool = False,
        seed: tf.Tensor | None = None,
    ) -> Any:
        """Run the model.

        Args:
            parameters: one tensor for each trainable variable, and one for the context if it is
                adapted: a vector that all samples share, given to the input named ``"context"``
                (zeros otherwise).
            inputs: what the Keras model takes, ``[samples, ...]``, without context.
            training: the flag that layers such as Dropout see.
            seed: int tensor ``[2]``; gives random layers their own stream (each task its own).
        """
        n_weights = len(self.model.trainable_variables)
        weights, context = list(parameters[:n_weights]), list(parameters[n_weights:])
        state = [variable.value for variable in self.model.non_trainable_variables]
        if seed is not None:
            for index in self._seed_states:
                state[index] = tf.cast(seed, state[index].dtype)
        if self.context is not None:
            inputs = self._with_context(inputs, context)
        with _exact_moments(), _batch_statistics(self._batch_norms):
            outputs, _ = self.model.stateless_call(weights, state, inputs, training=training)
        return outputs

    def observe(
        self,
        layers: Sequence[keras.Layer],
        parameters: Sequence[tf.Tensor],
        inputs: Any,
        **options: Any,
    ) -> tuple[Any, list[list[tf.Tensor]]]:
        """Run the model and see what goes into some of its layers.

        Returns:
            the outputs and, for each layer, the first input of each of its calls.
        """
        seen: list[list[tf.Tensor]] = [[] for _ in layers]

        def observed(call: Any, into: list[tf.Tensor]) -> Any:
            def wrapped(first: Any, *args: Any, **kwargs: Any) -> Any:
                into.append(first)
                return call(first, *args, **kwargs)

            return wrapped

        with ExitStack() as stack:
            for layer, into in zip(layers, seen, strict=True):
                stack.enter_context(_replaced(layer, "call", observed(layer.call, into)))
            outputs = self(parameters, inputs, **options)
        return outputs, seen

    def _with_context(self, inputs: Any, context: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        """The model's inputs by name, the context repeated for each sample."""
        names = [name for name in self._input_names if name != CONTEXT]
        given = inputs
        if not isinstance(inputs, dict):
            given = dict(zip(names, tf.nest.flatten(inputs), strict=True))
        n_samples = tf.nest.flatten(inputs)[0].shape[0]
        value = context[0] if context else tf.zeros(self.shapes[-1], self.dtype)
        return {**given, CONTEXT: tf.broadcast_to(value, [n_samples, *self.shapes[-1]])}

    @property
    def is_random(self) -> bool:
        """Whether a layer draws random numbers."""
        return bool(self._seed_states)

    def select(self, adapts: str) -> tuple[int, ...]:
        """Indices of the variables that adaptation may move.

        Args:
            adapts: ``"all"``, ``"head"``, ``"body"`` (all but the head), ``"context"``, or a regular
                expression searched for in the variables' paths.

        The head is every layer whose name begins with ``head``; in a model with none it
        is the last layer that has weights.
        """
        everything = tuple(range(len(self.model.trainable_variables)))
        if adapts == "all":
            return everything
        if adapts == CONTEXT:
            if self.context is None:
                raise TrainingError(
                    "The model has no context to adapt.",
                    hint="Give it a second input, keras.Input((n,), name='context'), that goes into "
                    "a Dense layer whose output is added to that of the first one.",
                )
            return (self.context,)
        if adapts in ("head", "body"):
            head = self._head()
            chosen = head if adapts == "head" else tuple(i for i in everything if i not in head)
        else:
            try:
                pattern = re.compile(adapts)
            except re.error as error:
                raise TrainingError(
                    f"adapts={adapts!r} is no regular expression: {error}."
                ) from None
            chosen = tuple(i for i in everything if pattern.search(self.names[i]))
        if not chosen:
            raise TrainingError(
                f"adapts={adapts!r} matches no trainable variable of the model.",
                hint=f"The variables are {', '.join(self.names[: len(everything)])}.",
            )
        return chosen

    def _head(self) -> tuple[int, ...]:
        head = tuple(
            i
            for i, name in self._weights()
            if any(part.startswith("head") for part in name.split("/")[:-1])
        )
        if head:
            return head
        last_layer = [name for _, name in self._weights()][-1].rpartition("/")[0]
        return tuple(i for i, name in self._weights() if name.rpartition("/")[0] == last_layer)

    def _weights(self) -> Iterator[tuple[int, str]]:
        """Numbers and names of the trainable variables."""
        return enumerate(variable.path for variable in self.model.trainable_variables)

    def layers_of(self, indices: Sequence[int]) -> tuple[int, ...]:
        """Number the layers that own the given variables: ``[0, 0, 1, 1, 2]``."""
        owners = [self.names[i].rpartition("/")[0] for i in indices]
        numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
        return tuple(numbers[owner] for owner in owners)


def dense_gradient(tape: tf.GradientTape, target: Any, sources: Any, **options: Any) -> list[Any]:
    """The gradient with zeros where there is none; an embedding's as a tensor, not as slices."""
    zero = tf.UnconnectedGradients.ZERO
    grads = tape.gradient(target, sources, unconnected_gradients=zero, **options)
    return [tf.convert_to_tensor(grad) for grad in grads]


def seed_states(model: keras.Model) -> frozenset[int]:
    """Which of the non-trainable variables are the state of a layer that draws random numbers.

    A recurrent cell always has a generator, which it leaves alone without dropout.
    """
    idle = {
        id(layer.seed_generator.state)
        for layer in model._flatten_layers()
        if hasattr(layer, "recurrent_dropout")
        and hasattr(layer, "seed_generator")
        and not (layer.dropout or layer.recurrent_dropout)
    }
    return frozenset(
        index
        for index, variable in enumerate(model.non_trainable_variables)
        if "seed_generator_state" in variable.path and id(variable) not in idle
    )


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Another value of an attribute for a while."""
    own = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


@contextmanager
def _exact_moments() -> Iterator[None]:
    """Normalisation layers that are differentiable twice.

    ``tf.nn.moments`` holds the mean constant in the variance: the first derivative is right
    (the missing term is zero), the second is not.
    """

    def moments(x: tf.Tensor, axes: Any, keepdims: bool = False, **_: Any) -> Any:
        mean = tf.reduce_mean(x, axes, keepdims=True)
        variance = tf.reduce_mean(tf.square(x - mean), axes, keepdims=keepdims)
        return (mean if keepdims else tf.squeeze(mean, axes)), variance

    with _replaced(tf.nn, "moments", moments):
        yield


@contextmanager
def _batch_statistics(layers: Sequence[keras.layers.BatchNormalization]) -> Iterator[None]:
    """Batch normalisation by the samples at hand, in training and in use.

    Running statistics mix tasks; the parameters that were adapted were so without them.
    """

    def of_batch(call: Any) -> Any:
        return lambda inputs, training=None, mask=None: call(inputs, training=True, mask=mask)

    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_replaced(layer, "call", of_batch(layer.call)))
        yield
