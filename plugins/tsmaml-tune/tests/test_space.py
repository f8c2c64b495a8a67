"""Spaces of settings, parts and their options."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tsmaml_tune.dimensions import Choices, Range, parsed
from tsmaml_tune.space import checked

from tsmaml import MetaForecaster
from tsmaml.errors import UnknownNameError, UsageError


def space_of(*texts, **base):
    return checked(parsed(texts), base)


class Chosen:
    """A trial of Optuna with values that are known."""

    def __init__(self, **values):
        self.values, self.asked = {name.replace("__", "."): v for name, v in values.items()}, []

    def suggest_categorical(self, name, choices):
        self.asked.append(name)
        return choices[self.values.get(name, 0)]

    def suggest_int(self, name, low, high, **how):
        self.asked.append(name)
        return high

    suggest_float = suggest_int


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learnin_rate=1:2", "Did you mean 'learning_rate'"),
        ("modle.width=1:2", "Did you mean 'model.width'"),
        ("model.widht=8:16", "has no option 'widht'. Did you mean 'width'"),
        ("model=mpl,linear", "Did you mean 'mlp'"),
        ("model=1:2", "names of parts"),
        ("horizon=1:2", "nothing named 'horizon'"),
        ("h=1:2", "decides what is scored"),
        ("seed=1,2", "decides what is scored"),
        ("steps=1.5:3", "wanted is int"),
        ("size=tiny,large", "nothing named 'size'"),
        ("n_support=0:3", "n_support is 0"),
        ("cold_share=0.5:2", "cold_share is 2"),
        ("non_negative=0:1", "wanted is bool"),
        ("scaling=last,robst", "Did you mean 'robust'"),
        ("model.width=8.5:16", "wanted is int"),
        ("model.width=8:16:0.5", "no whole number"),
        ("model.linear=0:1", "bool"),
        ("model.width=8,wide", "wanted is int"),
    ],
)
def test_what_cannot_be_searched_is_named_with_what_can(text, message):
    with pytest.raises((UsageError, UnknownNameError), match=message):
        space_of(text, model="nbeats")


def test_ranges_are_of_the_type_that_is_declared():
    found = space_of("algorithm.rate=1:2", "model.width=8:16", "learning_rate=1:2").dimensions
    assert found["algorithm.rate"] == found["learning_rate"] == Range(1.0, 2.0)
    assert not found["learning_rate"].whole
    assert found["model.width"].whole


def test_options_are_searched_where_the_part_has_them():
    space = space_of("model.n_blocks=1,2", "model=mlp,nbeats", "model.width=4:8", model="linear")
    trial = Chosen(model=0)
    assert space.suggest(trial) == {"model": "mlp", "model.width": 8}
    assert trial.asked == ["model", "model.width"]
    assert set(space.suggest(Chosen(model=1))) == {"model", "model.width", "model.n_blocks"}
    assert space.usual(7) == {"model": "linear"}


def test_values_become_arguments_of_the_forecaster():
    base = {"model": "mlp", "model_options": {"n_layers": 3, "width": 9}, "h": 4}
    space = space_of("model=mlp,linear", "model.width=4:8", "n_query=1:3", "steps=5,6", **base)
    values = {"model": "mlp", "model.width": 5, "n_query": 2}
    assert space.arguments(values) == {
        "model": "mlp",
        "model_options": {"n_layers": 3, "width": 5},
        "h": 4,
        "n_query": 2,
    }
    # What linear does not have is left out.
    assert space.arguments({"model": "linear"})["model_options"] == {}
    usual = MetaForecaster().settings
    assert space.usual(7) == {
        "model": "mlp",
        "n_query": usual.n_query,
        "steps": usual.steps,
        "model.width": 9,
    }


def test_the_usual_input_size_is_the_one_that_was_chosen_for_the_series():
    assert space_of("input_size=4:30").usual(21) == {"input_size": 21}


def test_without_a_space_the_numbers_around_the_defaults_are_searched():
    found = checked({}, {"model": "mlp", "model_options": {"n_layers": 1}})
    assert found.dimensions == {
        "learning_rate": Range(1e-4, 1e-2, log=True),
        "model.width": Choices((64, 128, 256)),
        "algorithm.steps": Choices((3, 5, 10)),
        "algorithm.rate": Range(0.0125, 0.2, log=True),
    }
    assert set(found.usual(7)) == set(found.dimensions)
    ridge = checked(None, {"model": "linear", "algorithm": "ridge"})
    assert ridge.dimensions["algorithm.strength"] == Range(0.25, 4.0, log=True)


@pytest.mark.parametrize(
    ("text", "comparable"),
    [
        ("learning_rate=1:2", True),
        ("model.width=1:2", True),
        ("loss=mae,mse", False),
        ("loss.delta=1:2", False),
        ("scaling=last,robust", False),
        ("input_size=4:8", False),
    ],
)
def test_losses_of_one_unit_are_comparable(text, comparable):
    assert space_of(text, loss="huber").comparable is comparable


def test_wrong_names_are_told_without_tensorflow(tmp_path, frame):
    path = tmp_path / "a.csv"
    frame.to_csv(path, index=False)
    code = (
        "import sys; from click.testing import CliRunner; from tsmaml.cli import main; "
        "call = lambda *a: CliRunner().invoke(main, ['tune', *a]).exit_code; "
        f"print(call('--help'), call({str(path)!r}, '--search', 'model=mpl,linear'), "
        f"call({str(path)!r}, '--search', 'model.widht=1:3', '--search', 'algorithm.steps=1,2'), "
        f"call({str(path)!r}, '--search', 'steps=0:3'), call('nothing.csv'), "
        "*{'tensorflow', 'keras'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert told.stdout.split() == ["0", "2", "2", "2", "4"]
