"""p-values adjusted for many looks, against a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from impact.results import adjusted_p_values

METHODS = [("holm", "holm"), ("benjamini-hochberg", "fdr_bh")]
p_values = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.05, 1.0]), min_size=1, max_size=30)


@pytest.mark.parametrize(("method", "theirs"), METHODS)
@settings(max_examples=15)
@given(p_values)
def test_adjusted_p_values_are_those_of_statsmodels(method: str, theirs: str, values: list[float]) -> None:
    np.testing.assert_array_equal(adjusted_p_values(values, method), multipletests(values, method=theirs)[1])


@pytest.mark.parametrize(("method", "theirs"), METHODS)
def test_missing_p_values_stay_missing_and_do_not_count(method: str, theirs: str) -> None:
    found = adjusted_p_values([0.04, np.nan, 0.01, np.nan], method)
    np.testing.assert_array_equal(found[[0, 2]], multipletests([0.04, 0.01], method=theirs)[1])
    assert np.isnan(found[[1, 3]]).all()
    assert adjusted_p_values([], method).shape == (0,)
    assert np.isnan(adjusted_p_values([np.nan], method)).all()
