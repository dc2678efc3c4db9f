"""The door for data: whole numbers are sorted into groups by counting, as they would be by sorting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.frames import Columns


@pytest.mark.parametrize(
    "column",
    [
        np.array([3, -2, 3, 7, -2]),
        np.array([-128, 127, 0, 127], dtype=np.int8),
        np.array([0, 10**15, 0, 10**15]),
        np.array([2**63 + 5, 2**63 + 4, 2**63 + 5], dtype=np.uint64),
        pd.array([2, None, 1, 2], dtype="Int64"),
        np.array(["b", "a", "b"], dtype=object),
        np.array([True, False, True]),
    ],
)
def test_groups_are_those_of_sorting(column):
    found = Columns(pd.DataFrame({"by": column})).groups("by")
    codes, labels = pd.factorize(pd.Series(column), sort=True)
    np.testing.assert_array_equal(found.codes, codes)
    assert list(found.labels) == list(labels)


@pytest.mark.parametrize("values", [[0, 2, 1], [0, -1, 1], [0, 1, None], [0, 1, np.inf]])
def test_codes_of_whole_numbers_are_checked_without_a_look_at_each(values):
    columns = Columns(pd.DataFrame({"event": values}))
    columns.indicator("event")
    if values[-1] is None:
        assert columns.rows().tolist() == [True, True, False]
    else:
        with pytest.raises(Exception, match="event"):
            columns.rows()
