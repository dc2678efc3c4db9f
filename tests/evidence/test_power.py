"""Detectable differences and numbers needed, against statsmodels and by simulation of the formula's inverse."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from impact.errors import InputError
from impact.evidence import minimum_detectable_difference, people_needed


@pytest.mark.parametrize(
    ("n_treated", "n_comparison", "rate", "power"), [(72, 5000, 0.43, 0.8), (30, 30, 0.3, 0.9), (600, 1200, 0.1, 0.8)]
)
def test_detectable_difference_has_the_power_that_statsmodels_gives_it(
    n_treated: int, n_comparison: int, rate: float, power: float
) -> None:
    difference = minimum_detectable_difference(n_treated, n_comparison, rate, power=power)
    effect = difference / math.sqrt(rate * (1 - rate))
    theirs = NormalIndPower().power(effect, n_treated, 0.05, ratio=n_comparison / n_treated)
    assert theirs == pytest.approx(power, abs=1e-6)


@given(st.integers(20, 500), st.floats(0.02, 0.4), st.floats(0.01, 0.2))
def test_with_the_people_needed_the_difference_is_the_detectable_one(n: int, difference: float, error: float) -> None:
    needed = people_needed(n, -difference, error)
    assert needed is not None
    z = 1.959963984540054 + 0.8416212335729143
    for people, enough in ((needed, True), (needed - 1, False)):
        if people:
            assert (z * error * math.sqrt(n / people) <= difference * (1 + 1e-9)) is enough


def test_no_number_is_enough_for_no_difference() -> None:
    assert people_needed(50, 0.0, 0.05) is None


def test_faults() -> None:
    with pytest.raises(InputError, match="rate"):
        minimum_detectable_difference(10, 10, 1.0)
    with pytest.raises(InputError, match="both groups"):
        minimum_detectable_difference(10, 0, 0.5)
    with pytest.raises(InputError, match="power"):
        people_needed(10, 0.1, 0.1, power=1)
    with pytest.raises(InputError, match="standard error"):
        people_needed(10, 0.1, 0)
