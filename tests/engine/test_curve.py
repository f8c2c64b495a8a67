"""Losses by outer step."""

from __future__ import annotations

import numpy as np

from tsmaml.engine.curve import Curve


def test_steps_that_an_interrupt_took_are_missing():
    curve = Curve()
    curve.add(3, np.array([3.0, 2.0, 1.0]))
    curve.add(6, np.array([0.5]))
    np.testing.assert_array_equal(curve.query, np.float32([3, 2, 1, np.nan, np.nan, 0.5]))


def test_stored_and_restored():
    curve = Curve(np.float32([1.0, 0.5]), [(0, 2.0, 1.5), (2, 1.0, 0.75)])
    again = Curve.restored(curve.arrays())
    np.testing.assert_array_equal(again.query, curve.query)
    assert again.validation == curve.validation
    assert Curve.restored({}).validation == Curve.restored(Curve().arrays()).validation == []
