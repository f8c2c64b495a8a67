"""Algorithms that break one promise each, and the registered ones, which break none."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
import tensorflow as tf

from tsmaml import engine
from tsmaml.engine.inner_rules import SGD
from tsmaml.errors import UsageError
from tsmaml.plugins import registry
from tsmaml.testing import check_algorithm

FEWER = {
    "imaml": {"steps": 2, "cg_steps": 2},
    "mamlpp": {"steps": 2, "first_order_share": 0.0},
    "reptile": {"steps": 2},
}


@pytest.mark.parametrize("name", [part.name for part in registry().parts("algorithm")])
def test_a_registered_algorithm_does_what_is_wanted(name):
    # Their gradients are held against differences, one by one, in tests/engine/test_outer.py.
    check_algorithm(name, options=FEWER.get(name), checks=["storage", "adaptation", "training"])


def test_gradients_of_rules_with_slots_and_of_rates_are_those_of_differences():
    check_algorithm(engine.mamlpp(steps=2, first_order_share=0.0, rate=0.1), checks=["gradient"])


@dataclass(frozen=True)
class Uphill(SGD):
    """The wrong way."""

    def direction(self, grads, slots, count):
        return tuple(-grad for grad in grads), slots


@dataclass(frozen=True)
class HeldConstant(SGD):
    """A direction with no derivative."""

    def direction(self, grads, slots, count):
        return tuple(tf.stop_gradient(grad) for grad in grads), slots


class Nameless(SGD):
    """Equal to nothing but itself."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


def uphill():
    return engine.maml(rule=Uphill())


def held_constant():
    return engine.maml(rule=HeldConstant(), rate=0.1)


def nameless():
    return engine.maml(rule=Nameless())


def no_algorithm():
    return engine.maml


def climbs():
    return engine.reptile(rule=Uphill(), rate=0.1, steps=2)


@pytest.mark.parametrize(
    ("check", "build", "sentence"),
    [
        ("storage", no_algorithm, r"made as a tsmaml\.engine\.Algorithm, and is a function"),
        (
            "storage",
            nameless,
            "equal when it is made again .*: a rule of its own is a frozen dataclass",
        ),
        ("adaptation", uphill, "fit each task's support better once it has adapted to it"),
        ("gradient", held_constant, "second-order gradient that differences of the query loss"),
        ("training", climbs, "lower the query loss after adaptation in meta-training; in 30 steps"),
    ],
)
def test_a_broken_promise_is_told_in_words(check, build, sentence):
    with pytest.raises(AssertionError, match=f"The algorithm {build.__name__!r} .*{sentence}"):
        check_algorithm(build, checks=[check])


def test_another_algorithm_at_each_making_is_told():
    rates = itertools.count(1)
    with pytest.raises(AssertionError, match="equal when it is made again"):
        check_algorithm(lambda: engine.maml(rate=next(rates)), checks=["storage"])


def test_an_unknown_check_is_told():
    with pytest.raises(UsageError, match=r"check of algorithms named 'train'\. .*'training'"):
        check_algorithm("maml", checks=["train"])
