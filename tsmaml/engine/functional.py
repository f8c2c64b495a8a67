"""A Keras 3 model as a pure function of its parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tsmaml.errors import TrainingError

Parameters = tuple[tf.Tensor, ...]


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
        self._seed_states = frozenset(
            index
            for index, variable in enumerate(model.non_trainable_variables)
            if "seed_generator_state" in variable.path
        )

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
            parameters: one tensor for each trainable variable.
            inputs: what the Keras model takes, ``[samples, ...]``.
            training: the flag that layers such as Dropout see.
            seed: int tensor ``[2]``; gives random layers their own stream (each task its own).
        """
        state = [variable.value for variable in self.model.non_trainable_variables]
        if seed is not None:
            for index in self._seed_states:
                state[index] = tf.cast(seed, state[index].dtype)
        outputs, _ = self.model.stateless_call(list(parameters), state, inputs, training=training)
        return outputs

    @property
    def is_random(self) -> bool:
        """Whether a layer draws random numbers."""
        return bool(self._seed_states)

    def select(self, adapts: str) -> tuple[int, ...]:
        """Indices of the variables that adaptation may move.

        Args:
            adapts: ``"all"``, ``"head"``, ``"body"`` (all but the head), or a regular
                expression searched for in the variables' paths.

        The head is every layer whose name begins with ``head``; in a model with none it
        is the last layer that has weights.
        """
        everything = tuple(range(len(self.names)))
        if adapts == "all":
            return everything
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
                hint=f"The variables are {', '.join(self.names)}.",
            )
        return chosen

    def _head(self) -> tuple[int, ...]:
        head = tuple(
            i
            for i, name in enumerate(self.names)
            if any(part.startswith("head") for part in name.split("/")[:-1])
        )
        if head:
            return head
        last_layer = self.names[-1].rpartition("/")[0]
        return tuple(
            i for i, name in enumerate(self.names) if name.rpartition("/")[0] == last_layer
        )

    def layers_of(self, indices: Sequence[int]) -> tuple[int, ...]:
        """Number the layers that own the given variables: ``[0, 0, 1, 1, 2]``."""
        owners = [self.names[i].rpartition("/")[0] for i in indices]
        numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
        return tuple(numbers[owner] for owner in owners)
