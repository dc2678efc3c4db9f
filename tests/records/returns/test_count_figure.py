"""The figure of counts shows what disclosure control lets be shown, and its words say the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import InputError
from impact.evidence import protect
from impact.evidence.rules import default_rules
from impact.records.returns.count_figure import BASE, FEWEST
from impact.records.returns.counts import MEASURES, Counts

QUARTERS = ["2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4"]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def counted(numbers: dict[str, list[int]], by: tuple[str, ...] = ("programme", "quarter")) -> Counts:
    rows = [
        dict(zip(by, (name, quarter), strict=True)) | {measure: n + place for place, measure in enumerate(MEASURES)}
        for name, held in numbers.items()
        for quarter, n in zip(QUARTERS, held, strict=True)
    ]
    return Counts(pd.DataFrame(rows), by, dt.date(2023, 1, 1), dt.date(2023, 12, 31))


def drawn(axes: plt.Axes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What a group's line shows, and at which quarters its hollow marks stand."""
    lines = axes.get_lines()
    at = [line.get_label() for line in lines].index(name)
    return np.asarray(lines[at].get_ydata(), dtype=float), np.round(np.asarray(lines[at + 1].get_xdata(), dtype=float))


NUMBERS = st.lists(st.integers(0, 400), min_size=4, max_size=4)


@settings(max_examples=20)
@given(held=st.lists(NUMBERS, min_size=1, max_size=6), measure=st.sampled_from(list(MEASURES)))
def test_it_shows_what_disclosure_control_shows_and_nothing_more(held: list[list[int]], measure: str) -> None:
    made = counted({f"g{place}": numbers for place, numbers in enumerate(held)})
    safe = made.data.assign(text=protect(made.data).table[measure])
    axes = made.plot(measure=measure)
    for name, part in safe.groupby("programme"):
        shown, hollow = drawn(axes, str(name))
        hidden = part["text"] == "fewer than 10"
        assert np.isnan(shown).tolist() == hidden.tolist()
        assert [f"{n:,.0f}" for n in shown[~hidden]] == part.loc[~hidden, "text"].tolist()
        assert hollow.tolist() == np.flatnonzero(hidden).tolist()
    heights = {float(y) for line in axes.get_lines()[1::2] for y in np.atleast_1d(line.get_ydata())}
    assert heights <= {FEWEST / 2}
    plt.close("all")


def test_its_limits_are_those_of_disclosure_control() -> None:
    rules = default_rules()
    assert (rules.minimum, rules.base) == (FEWEST, BASE)
    assert rules.zeros == "hide"


def test_the_words_say_what_is_drawn() -> None:
    made = counted({"pops": [12, 3, 47, 22], "moms": [0, 1, 2, 9], "shelter": [9, 11, 30, 4]})
    measure = next(iter(MEASURES))
    assert made.alt(measure=measure) == (
        "Different people who were referred in the period or were on the caseload in it, by quarter from 2023-Q1 to "
        "2023-Q4. moms: fewer than 10 in every quarter. pops: 10 in 2023-Q1 and 20 in 2023-Q4; highest in 2023-Q3, 45. "
        "shelter: fewer than 10 in 2023-Q1 and fewer than 10 in 2023-Q4; highest in 2023-Q3, 30. "
        "Counts are rounded to the nearest 5."
    )
    assert "47" not in made.alt(measure=measure)
    assert "pops" not in made.alt(measure=measure, only=["moms"])
    assert made.alt(only="moms") == made.alt(only=["moms"])


def test_counts_by_quarter_alone_and_by_several_things_are_named_by_what_they_are() -> None:
    alone = counted({"all": [12, 3, 47, 22]})
    table = alone.data.drop(columns="programme")
    axes = Counts(table, ("quarter",), alone.first, alone.last).plot()
    assert axes.get_legend().get_texts()[0].get_text() == "everyone"
    both = Counts(alone.data.assign(sex="female"), ("quarter", "programme", "sex"), alone.first, alone.last)
    assert both.plot().get_legend().get_texts()[0].get_text() == "all, female"
    given = plt.subplots()[1]
    assert both.plot(given) is given


def test_a_figure_of_small_counts_alone_says_so() -> None:
    axes = counted({"moms": [0, 1, 2, 3]}).plot()
    assert np.isnan(drawn(axes, "moms")[0]).all()
    assert axes.get_ylim() == (0, 20)


def test_what_cannot_be_drawn() -> None:
    made = counted({f"g{place}": [20, 20, 20, 20] for place in range(7)})
    with pytest.raises(InputError, match="7 groups cannot be told apart"):
        made.plot()
    assert len(made.plot(only=["g0", "g6"]).get_legend().get_texts()) == 2
    with pytest.raises(InputError, match="holds no such group: zz"):
        made.plot(only=["zz"])
    with pytest.raises(InputError, match="measure must be one of"):
        made.alt(measure="people")
    with pytest.raises(InputError, match="needs counts by quarter"):
        Counts(made.data, ("programme",), made.first, made.last).plot()
    with pytest.raises(InputError, match="nothing to draw"):
        Counts(made.data.iloc[:0], made.by, made.first, made.last).plot()
