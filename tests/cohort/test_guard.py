"""The guard of time zero on tables of one's own."""

from __future__ import annotations

import pandas as pd
import pytest

from impact.cohort import check_time_zero
from impact.errors import InputError, TimeZeroError


def index(**columns):
    frame = pd.DataFrame({"person_id": list("abcd"), "index_on": ["2022-01-01"] * 4} | columns)
    for name in frame.columns[frame.columns.str.endswith("_on")]:
        frame[name] = pd.to_datetime(frame[name])
    return frame


def test_follow_up_that_begins_with_treatment_or_after_it_passes():
    check_time_zero(index(started_on=["2022-01-01", "2021-12-01", None, None]), treated_on="started_on")


def test_immortal_time_is_counted():
    frame = index(started_on=["2022-01-11", "2021-12-01", "2022-03-02", None])
    with pytest.raises(TimeZeroError) as caught:
        check_time_zero(frame, treated_on="started_on")
    (fault,) = caught.value.faults
    assert (fault.count, fault.rows) == (2, (1, 3))
    assert "70 days of immortal time" in fault.problem
    assert "landmark" in fault.remedy


def test_people_chosen_by_completing_are_found():
    frame = index(
        started_on=["2021-12-01", "2021-12-01", None, None], finished_on=["2022-03-01", "2022-04-01", None, None]
    )
    with pytest.raises(TimeZeroError, match="nobody treated is without it"):
        check_time_zero(frame, treated_on="started_on", completed_on="finished_on")
    frame.loc[1, "finished_on"] = pd.NaT
    check_time_zero(frame, treated_on="started_on", completed_on="finished_on")
    before = index(started_on=["2021-06-01"] * 2 + [None] * 2, finished_on=["2021-12-01"] * 2 + [None] * 2)
    check_time_zero(before, treated_on="started_on", completed_on="finished_on")


def test_a_table_that_cannot_be_used():
    with pytest.raises(InputError) as caught:
        check_time_zero(index(started_on=["2022-01-11"] * 4).drop(columns="index_on"), treated_on="began_on")
    assert [fault.column for fault in caught.value.faults] == ["index_on", "began_on"]
    frame = index(started_on=["2022-01-01"] * 4).assign(started_on="01/02/2022")
    with pytest.raises(InputError, match="not dates"):
        check_time_zero(frame, treated_on="started_on")
