"""`protect` attacked by brute force, and what may be shown of single numbers and curves."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import DisclosureError, InputError
from impact.evidence import Rules, default_rules, protect, rate, safe_mean, share, shown_count
from impact.evidence.rules import rules_table

HIDDEN, WITHHELD = "fewer than 10", "not shown"
PLAIN = default_rules()
SHOWN_ZEROS = replace(PLAIN, zeros="show")


def behind(text: str, rules: Rules, highest: int) -> list[int]:
    """Every count that a reader of the rules can take to stand behind a cell, found by trying each."""
    if text == WITHHELD:
        return list(range(rules.minimum, highest + 1))
    return [count for count in range(highest + 1) if shown_count(count, rules=rules) == text]


def possible_in_a_line(texts: list[str], rules: Rules, highest: int) -> list[set[int]]:
    """For parts and their total (last): every value of each cell in any true line behind the published one."""
    found: list[set[int]] = [set() for _ in texts]
    total = set(behind(texts[-1], rules, len(texts) * highest))
    for parts in itertools.product(*(behind(text, rules, highest) for text in texts[:-1])):
        if sum(parts) in total:
            for place, value in enumerate((*parts, sum(parts))):
                found[place].add(value)
    return found


def with_total(parts: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"people": [*parts, sum(parts)]}, index=[*(f"part {n}" for n in range(len(parts))), "all"])


@pytest.mark.parametrize("rules", [PLAIN, SHOWN_ZEROS], ids=["zeros hidden", "zeros shown"])
def test_no_hidden_count_of_two_parts_and_total_is_known_too_closely(rules: Rules) -> None:
    for first, second in itertools.combinations_with_replacement((0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 15, 17, 22), 2):
        try:
            texts = protect(with_total([first, second]), rules=rules, total_row="all").table["people"].tolist()
        except DisclosureError:
            assert min(first, second) < 10
            continue
        for text, values in zip(texts, possible_in_a_line(texts, rules, 70), strict=True):
            if text == HIDDEN:
                assert len(values) >= rules.width, (first, second, texts, values)
                assert values == set(range(min(values), max(values) + 1))


@settings(max_examples=40)
@given(st.lists(st.integers(0, 24), min_size=3, max_size=3), st.sampled_from([PLAIN, SHOWN_ZEROS]))
def test_no_hidden_count_of_three_parts_and_total_is_known_too_closely(parts: list[int], rules: Rules) -> None:
    try:
        texts = protect(with_total(parts), rules=rules, total_row="all").table["people"].tolist()
    except DisclosureError:
        return
    for text, values in zip(texts, possible_in_a_line(texts, rules, 30), strict=True):
        if text == HIDDEN:
            assert len(values) >= rules.width, (parts, texts)


def possible_in_a_table(texts: np.ndarray, rules: Rules, inner: int) -> dict[tuple[int, int], set[int]]:
    """The same for two by two cells, each up to `inner`, with row, column and grand totals."""
    options = [behind(text, rules, inner) for text in texts.ravel()]
    sums = [set(behind(text, rules, 4 * inner)) for text in texts.ravel()]
    found: dict[tuple[int, int], set[int]] = {(row, column): set() for row in range(3) for column in range(3)}
    top = [(a, b) for a, b in itertools.product(options[0], options[1]) if a + b in sums[2]]
    bottom = [(c, d) for c, d in itertools.product(options[3], options[4]) if c + d in sums[5]]
    for (a, b), (c, d) in itertools.product(top, bottom):
        if a + c in sums[6] and b + d in sums[7] and a + b + c + d in sums[8]:
            for place, value in enumerate((a, b, a + b, c, d, c + d, a + c, b + d, a + b + c + d)):
                found[divmod(place, 3)].add(value)
    return found


def with_both_totals(cells: list[int]) -> pd.DataFrame:
    table = pd.DataFrame(np.array(cells).reshape(2, 2), index=["yes", "no"], columns=["men", "women"])
    table["all"] = table.sum(axis=1)
    table.loc["all"] = table.sum()
    return table


@settings(max_examples=40)
@given(st.lists(st.sampled_from([0, 1, 2, 4, 7, 9, 10, 11, 12, 13, 18]), min_size=4, max_size=4))
def test_no_hidden_count_of_a_table_with_both_totals_is_known_too_closely(cells: list[int]) -> None:
    table = with_both_totals(cells)
    try:
        texts = protect(table, total_row="all", total_column="all").table.to_numpy()
    except DisclosureError:
        return
    for place, values in possible_in_a_table(texts, PLAIN, 30).items():
        assert table.to_numpy()[place] in values
        if texts[place] == HIDDEN:
            assert len(values) >= PLAIN.width, (table.to_dict("list"), texts)


def test_rounding_alone_would_not_be_enough() -> None:
    """10 and 2 in 12: shown as 10, fewer than 10, 10 the hidden count would be 0, 1 or 2, so the total goes too."""
    assert [max(values) for values in possible_in_a_line(["10", HIDDEN, "10"], PLAIN, 70)][1] == 2
    result = protect(with_total([10, 2]), total_row="all")
    assert result.table["people"].tolist() == ["10", HIDDEN, WITHHELD]
    assert any("worked out from them" in note for note in result.notes)


def test_a_table_that_cannot_be_made_safe_is_refused() -> None:
    with pytest.raises(DisclosureError, match="every count gives away a small one"):
        protect(with_both_totals([9, 1, 0, 10]), total_row="all", total_column="all")
    strict = replace(PLAIN, width=10)
    with pytest.raises(DisclosureError, match="no other count left to withhold"):
        protect(with_both_totals([13, 18, 2, 9]), rules=strict, total_row="all", total_column="all")


def test_tables_without_totals_pass_text_and_keep_missing() -> None:
    flow = pd.DataFrame(
        {"step": ["referred", "started", "analysed"], "treated": [64, 9, None], "comparison": [5012, 0, 1]}
    )
    result = protect(flow)
    assert result.table.to_numpy().tolist() == [
        ["referred", "65", "5,010"],
        ["started", HIDDEN, HIDDEN],
        ["analysed", "–", HIDDEN],
    ]
    assert result.tidy()["status"].tolist() == ["shown", "shown", "hidden", "hidden", "no count", "hidden"]
    assert protect(flow, rules=SHOWN_ZEROS).table.loc[1, "comparison"] == "0"
    assert flow["treated"].iloc[0] == 64, "the table given is left as it was"


def test_the_record_holds_no_true_value() -> None:
    record = protect(with_total([47, 3, 61]), total_row="all").tidy()
    words = " ".join(record.astype(str).to_numpy().ravel())
    assert not {"47", "61", "111"} & set(words.split())


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"person_id": ["a"], "n": [50]}),
        pd.DataFrame({"n": [50]}, index=pd.Index(["a"], name="person_id")),
        pd.DataFrame({"on": pd.to_datetime(["2023-01-01"]), "n": [50]}),
        pd.DataFrame({"share": [0.31]}),
        pd.DataFrame({"change": [-3]}),
        pd.DataFrame({"again": [True]}),
        pd.DataFrame({"words": ["a"]}),
    ],
)
def test_what_is_no_table_of_counts_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DisclosureError, match="cannot be made safe"):
        protect(table)


def test_totals_must_be_there_and_be_sums() -> None:
    table = with_total([20, 30])
    with pytest.raises(InputError, match="has no row 'everyone'"):
        protect(table, total_row="everyone")
    with pytest.raises(InputError, match="has no column of counts 'all'"):
        protect(table, total_column="all")
    table.loc["all", "people"] = 51
    with pytest.raises(InputError, match="not the sum"):
        protect(table, total_row="all")
    with pytest.raises(InputError, match="unique"):
        protect(pd.concat([table, table]))


def test_rules_that_cannot_hold_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        replace(PLAIN, minimum=0, zeros="maybe")
    assert {fault.column for fault in caught.value.faults} == {"minimum", "zeros"}
    with pytest.raises(InputError, match="multiple of base"):
        replace(PLAIN, minimum=12)
    with pytest.raises(InputError, match="more values than"):
        replace(PLAIN, width=11)


def test_every_shipped_rule_has_meaning_and_source() -> None:
    table = rules_table()
    assert (table[["meaning", "source"]].map(len) > 10).to_numpy().all()
    assert set(table["label"]) <= {"A", "B", "own"}


@given(st.integers(0, 3000))
def test_a_shown_count_stands_for_the_counts_that_are_shown_so(count: int) -> None:
    text = shown_count(count)
    if count < 10:
        assert text == HIDDEN
    else:
        low, high = PLAIN.behind(int(text.replace(",", "")))
        assert low <= count <= high
        assert abs(int(text.replace(",", "")) - count) <= 2


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_share_is_a_function_of_what_is_shown(count: int, more: int) -> None:
    total = count + more
    text = share(count, total)
    if shown_count(count) == HIDDEN:
        assert text.startswith("not shown")
    else:
        same = {share(c, t) for c, t in [PLAIN.behind(PLAIN.rounded(count))[::-1]] for t in [total] if c <= t}
        assert same <= {text}


def test_single_numbers() -> None:
    assert share(50, 50) == "all or nearly all"
    assert share(0, 40, rules=SHOWN_ZEROS) == "0%"
    assert share(10, 10) == share(12, 12) == share(11, 12) == "not shown (it would tell how many are left)"
    assert share(13, 15) == "all or nearly all"
    assert rate(1.0, 40, rules=replace(PLAIN, rate_each_side=1)).startswith("not shown (it would")
    assert rate(0.15, 40) == rate(0.85, 40) == rate(1.0, 40) == "not shown (fewer than 10 on one side)"
    assert rate(0.255, 40) == "26%"
    assert safe_mean(-0.04, 20) == "0.0"
    assert safe_mean(float("nan"), 20) == "–"
    with pytest.raises(InputError, match="above total"):
        share(5, 4)
    with pytest.raises(InputError, match="from 0 to 1"):
        rate(31, 72)
    with pytest.raises(InputError, match="whole number"):
        shown_count(-1)


def test_no_rate_gives_back_a_small_number_of_people_with_or_without_the_outcome() -> None:
    for n in range(10, 130):
        for count in range(n + 1):
            text = rate(count / n, n)
            if text.endswith("%"):
                agree = [k for k in range(n + 1) if int(100 * (k / n) + 0.5) == int(text[:-1])]
                assert min(agree) >= 9
                assert max(agree) <= n - 9
                assert 10 <= count <= n - 10


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        (pd.Series([45, 3], dtype=object), "holds numbers, but is not a column of numbers"),
        (pd.Series(["–", 3], dtype=object), "holds numbers, but is not a column of numbers"),
        (pd.Series([45, 3]).astype("category"), "holds numbers, but is not a column of numbers"),
        (pd.Series([date(2023, 4, 1), None], dtype=object), "holds dates"),
        (pd.Series([np.inf, 40.0]), "not counts"),
    ],
)
def test_counts_and_dates_that_are_not_typed_as_such_are_not_passed_as_text(column: pd.Series, problem: str) -> None:
    table = pd.DataFrame({"people": [40, 50], "other": column})
    with pytest.raises(DisclosureError, match=problem):
        protect(table)
    assert protect(table.assign(other=["x", None])).table["people"].tolist() == ["40", "50"]


def test_rows_that_stand_elsewhere_are_not_the_ones_withheld() -> None:
    table = pd.DataFrame({"people": [58, 49, 9]}, index=["accepted", "followed", "lost"])
    within = {"followed": "accepted", "lost": "accepted"}
    assert protect(table, within=within).table["people"].tolist() == ["60", "not shown", "fewer than 10"]
    for published, texts in ((["followed"], ["not shown", "50", "fewer than 10"]), ([], ["60", "not shown", HIDDEN])):
        assert protect(table, within=within, published=published).table["people"].tolist() == texts
    with pytest.raises(DisclosureError, match="given away"):
        protect(table, within=within, published=["accepted", "followed"])
    with pytest.raises(InputError, match="published names rows that the table has not: 'all'"):
        protect(table, published=["all"])
