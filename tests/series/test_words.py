from __future__ import annotations

import numpy as np
import pytest

from tsmaml.series.words import counted, first_sentence, listed, show


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (np.datetime64("2024-01-31", "us"), "2024-01-31"),
        (np.datetime64("2024-01-31T10:30", "us"), "2024-01-31 10:30:00"),
        (np.datetime64("2024-01-31T00:00:00.5", "us"), "2024-01-31 00:00:00.500000"),
        (np.int64(1960), "1960"),
    ],
)
def test_times_show_no_more_digits_than_they_need(time, text):
    assert show(time) == text


def test_numbers_agree_with_their_noun():
    assert counted(1, "row") == "1 row"
    assert counted(2, "row") == "2 rows"


def test_long_lists_end_in_a_number():
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b"], repr) == "'a', 'b'"
    assert listed([str(i) for i in range(23)]).endswith("18, 19 and 3 more")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("Broken. Try again.", "Broken"), ("one\ntwo", "one"), ("in 1.5 s.", "in 1.5 s")],
)
def test_the_first_sentence_of_an_error(text, sentence):
    assert first_sentence(ValueError(text)) == sentence


def test_an_error_without_words_gives_its_name():
    assert first_sentence(EOFError()) == "EOFError"
