"""Lengths of time in days and in months of the calendar, against the standard library's calendar."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.cohort.window import Window, read_window
from tests.cohort.slow import later

EPOCH = dt.date(1970, 1, 1)
days = st.dates(dt.date(1990, 1, 1), dt.date(2040, 12, 31))


def number(day):
    return (day - EPOCH).days


@given(days, st.integers(0, 130), st.sampled_from(["days", "months"]))
def test_the_end_is_that_of_the_calendar(day, length, unit):
    expected = later(day, length if unit == "days" else f"{length} months")
    assert Window(length, unit).end(np.array([number(day)])).tolist() == [number(expected)]


@given(days, st.integers(0, 130), st.sampled_from(["days", "months"]))
def test_the_latest_start_is_the_last_whose_window_ends_in_time(day, length, unit):
    window, last = Window(length, unit), number(day)
    start = window.latest_start(last)
    assert window.end(np.array([start]))[0] <= last < window.end(np.array([start + 1]))[0]


@given(days, st.integers(1, 40), st.integers(0, 40))
def test_months_after_months_are_added_before_they_are_counted(day, first, more):
    start = np.array([number(day)])
    both = Window(first, "months").then(Window(more, "months"), start)
    assert both.tolist() == Window(first + more, "months").end(start).tolist()
    mixed = Window(first, "months").then(Window(more, "days"), start)
    assert mixed.tolist() == [number(later(later(day, f"{first} months"), more))]


@pytest.mark.parametrize(
    ("value", "words"),
    [(365, "365 days"), (1, "1 day"), ("1 day", "1 day"), ("12 months", "12 months"), ("2 years", "24 months")],
)
def test_what_can_be_written(value, words):
    assert str(read_window(value, "follow_up", 1, [])) == words


@pytest.mark.parametrize(
    "value", [0, -1, 1.5, True, None, "12", "one year", "0 months", "12 Months", "999 years", " 1 day"]
)
def test_what_cannot(value):
    faults = []
    read_window(value, "follow_up", 1, faults)
    assert [fault.column for fault in faults] == ["follow_up"]
