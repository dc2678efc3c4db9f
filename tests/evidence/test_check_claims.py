"""The claims check: each kind of overclaim is found, fair prose is let be, and no text brings it down."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.cohort import observed_expected
from impact.errors import InputError
from impact.evidence import Finding, check_claims, verdict
from impact.evidence.check_claims import _rules
from impact.evidence.cost_claims import cost_verdict
from impact.evidence.subgroup_claims import subgroup_verdict
from impact.results import Estimate
from tests.evidence.test_claims import BLUE_SKY, CASES, SCORE, UNCLEAR
from tests.evidence.test_cost_claims import CASES as MONEY
from tests.evidence.test_subgroup_claims import CASES as SUBGROUPS

TOLD = replace(BLUE_SKY, n_treated=72)
RANDOMISED = replace(TOLD, design="randomised")
NOT_MEASURED = Finding(programme="Red Umbrella", design="none", n_treated=25)
UNCLEAR_SCORE = CASES["change not clear"]


def codes(text: str, *results: Any, completers: tuple[Any, ...] = ()) -> list[str]:
    return check_claims(text, results, completers=completers).tidy()["code"].tolist()


@pytest.mark.parametrize(
    ("text", "results", "expected"),
    [
        ("The programme reduced reoffending.", [UNCLEAR], ["causal_without_difference"]),
        ("The programme reduced reoffending.", [NOT_MEASURED], ["causal_without_comparison"]),
        ("The programme reduced reoffending.", [TOLD], ["causal_at_level_three"]),
        ("The programme reduced reoffending.", [RANDOMISED], []),
        ("It helped people to stay out of custody.", [NOT_MEASURED], ["causal_without_comparison"]),
        ("Blue Sky improved the accommodation score.", [SCORE], ["causal_without_comparison"]),
        ("People's readings rose because of the programme.", [SCORE], ["causal_without_comparison"]),
        ("It had no effect on reoffending.", [UNCLEAR], ["no_effect"]),
        ("The programme made no difference.", [UNCLEAR], ["no_effect"]),
        ("This proves that coaching is the answer.", [TOLD], ["proof"]),
        ("The difference in reoffending approached significance (9%).", [UNCLEAR], ["almost_significant"]),
        ("Reoffending was significantly lower among them.", [TOLD], ["significance_without_size"]),
        ("It was 12 percentage points lower. Offending fell significantly.", [TOLD], []),
        ("Reoffending was significantly lower, by 12 percentage points.", [TOLD], []),
        ("Reoffending was significantly lower, by 2 percentage points.", [UNCLEAR], ["significance_untrue"]),
        ("Scores were significantly higher, by 1.24 points.", [UNCLEAR_SCORE], ["significance_untrue"]),
        ("Reoffending was 12% lower.", [TOLD], ["percentage_points"]),
        ("Reoffending fell by twelve per cent.", [TOLD], ["percentage_points"]),
        ("Reoffending was 12 percentage points lower.", [TOLD], []),
        ("The rate was 31% against 43%.", [TOLD], []),
        ("The rate was 31% against 44%.", [TOLD], ["figure"]),
        ("The rate was 31.0% against 42.96%.", [TOLD], ["figure"]),
        ("Thirty-one in every hundred reoffended.", [TOLD], []),
        ("Thirty-two in every hundred reoffended.", [TOLD], ["figure"]),
        ("The 95% interval is 1 to 23 percentage points.", [TOLD], []),
        ("The programme works best for younger men.", [UNCLEAR], ["subgroup"]),
        ("It helped women stay in touch, but it was effective for men and not for women.", [UNCLEAR], ["subgroup"]),
        ("It is better for those with a home than without one.", [UNCLEAR], ["subgroup"]),
        ("We asked whether it works better for women.", [UNCLEAR], []),
        ("The programme saved the public purse £200,000.", [TOLD], ["money"]),
        ("For every £1 spent, £3.20 was returned.", [TOLD], ["money"]),
        ("It pays for itself and is value for money.", [TOLD], ["money"]),
        ("It is not known whether it pays for itself.", [TOLD], []),
        ("The programme cost £1,500 for each person who took part.", [TOLD], []),
    ],
)
def test_each_kind_of_claim(text: str, results: list[Any], expected: list[str]) -> None:
    assert codes(text, *results) == expected


def test_figures_of_completers_stand_only_where_completing_is_named() -> None:
    completers = (Estimate("Reoffended", 0.21, 0.05, math.nan, math.nan, 0.1, 0.3, 0.95, 40),)
    assert codes("Of participants, 21% reoffended.", TOLD, completers=completers) == ["completers"]
    assert codes("Of those who completed, 21% reoffended.", TOLD, completers=completers) == []
    assert codes("Of those who completed, 22% reoffended.", TOLD, completers=completers) == ["figure"]


def test_a_benchmark_is_not_an_impact() -> None:
    benchmark = observed_expected([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5])
    text = "Against the rate that OGRS4 predicted, the programme reduced reoffending by half."
    found = check_claims(text, [benchmark])
    assert found.tidy()["code"].tolist() == ["benchmark"]
    assert found.unread == ("line 1: the share in words “half”",)


@pytest.mark.parametrize(
    "text",
    [
        "This does not show whether the programme reduces reoffending.",
        "The programme aims to reduce reoffending.",
        "> It turned my life around. It stopped me offending, 100%.",
        "One man said “it cut my offending by 90%”, and meant it.",
        "| Rate | 88% |\n|---|---|",
        "```\nreduced = 88 # %\n```\n<!-- reoffending was cut by 40% -->",
        "Work coaches see people before release and after it.",
    ],
)
def test_fair_prose_quotations_code_and_tables_are_let_be(text: str) -> None:
    assert check_claims(text, [UNCLEAR]).ok


@pytest.mark.parametrize("name", CASES)
def test_what_the_gate_permits_the_check_permits(name: str) -> None:
    found = verdict(CASES[name])
    text = "\n\n".join((found.headline, *found.can_say))
    allowed = {"causal_at_level_three"} if "could be" in text else set()
    broken = check_claims(text, [CASES[name]]).tidy()
    assert set(broken["code"]) <= allowed, broken[["code", "sentence"]].to_string()


@pytest.mark.parametrize("name", MONEY)
def test_what_the_gate_permits_of_money_the_check_permits(name: str) -> None:
    found = cost_verdict(MONEY[name])
    broken = check_claims("\n\n".join((found.headline, *found.can_say)), [TOLD]).tidy()
    assert set(broken["code"]) <= {"figure"}, broken[["code", "sentence"]].to_string()


@pytest.mark.parametrize("name", SUBGROUPS)
def test_what_the_gate_permits_of_subgroups_the_check_permits(name: str) -> None:
    found = subgroup_verdict(SUBGROUPS[name])
    broken = check_claims("\n\n".join((found.headline, *found.can_say)), [TOLD]).tidy()
    assert broken.empty, broken[["code", "sentence"]].to_string()


@pytest.mark.parametrize("text", ["In 12 in 2021 ...", "He came 3 in 1,000 times.", "In May one in the group left."])
def test_years_and_thousands_are_no_shares_in_words(text: str) -> None:
    assert not check_claims(text, [UNCLEAR]).unread


def test_where_it_is_and_what_to_write_instead_are_said() -> None:
    found = check_claims("# Results\n\nAll was well.\n\n- One\n- It **reduced** reoffending.\n", [UNCLEAR])
    row = found.tidy().iloc[0]
    assert (row["line"], row["sentence"]) == (6, "It reduced reoffending.")
    assert row["why"] in repr(found)
    assert row["instead"] in repr(found)
    assert found.sentences == 4
    assert not found.ok


def test_other_alphabets_and_endless_sentences_are_said_not_judged() -> None:
    found = check_claims("Программа снизила преступность на 40%.\n\n" + "a " * 2000, [UNCLEAR])
    assert found.ok
    assert [reason.split(":")[0] for reason in found.unread] == ["line 1", "line 3"]


def test_every_rule_says_why_and_what_instead() -> None:
    for code, rule in _rules()["rule"].items():
        assert rule["why"].endswith("."), code
        assert rule["instead"].endswith("."), code
        assert isinstance(rule["hedge"], bool)


def test_what_is_no_text_or_no_result_is_refused() -> None:
    with pytest.raises(InputError, match="text must be the prose as text, not list"):
        check_claims(["a"], [UNCLEAR])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="must be a Finding, an Estimate or an ObservedExpected, not float"):
        check_claims("a", [0.2])  # type: ignore[list-item]


WORDS = st.sampled_from(
    [
        *("reduced", "reoffending", "12%", "no effect", "-", "\n\n", "“", "> ", "|", "`", "**", "1,000,000%", "proves"),
        *(
            "twenty-one per cent",
            *("three in ten", "saved £1m", "works better for men", "12pp", "two hundred per cent", "£"),
            "significantly",
            "<b>",
            "&lt;",
            "Ωμέγα",
            "\x00",
            "١٢٪",
            "1e400%",
            "9" * 400 + "%",
            ".",
        ),
    ]
)


@settings(max_examples=150)
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=25).map(" ".join)))
def test_no_text_brings_it_down(text: str) -> None:
    found = check_claims(text, [UNCLEAR, SCORE])
    assert found.sentences >= len(set(found.tidy()["sentence"]))
    assert repr(found) == repr(check_claims(text, [UNCLEAR, SCORE]))


SIGNS = st.sampled_from(
    ["**", "_", "<b>", "</b>", "&amp;", "~~", "[x](y)", "`", "“", "”", "$", "\\", "#", "\u200b", "\ufeff"]
)
FOREIGN = st.text(st.characters(categories=["Lo", "Lu", "Ll"], min_codepoint=0x370, max_codepoint=0xFFFF), min_size=12)


@settings(max_examples=150)
@given(st.lists(st.one_of(SIGNS, WORDS, FOREIGN, st.integers(0, 10**12).map(str)), max_size=30).map(" ".join))
def test_no_mix_of_markup_alphabets_and_numbers_brings_it_down(text: str) -> None:
    found = check_claims(text, [UNCLEAR, SCORE, TOLD, NOT_MEASURED])
    assert len(found.table) >= 0
    assert all(reason.startswith("line ") for reason in found.unread)
    assert repr(found)


@settings(max_examples=60)
@given(FOREIGN)
def test_a_sentence_in_another_alphabet_is_always_said_to_be_unread(word: str) -> None:
    latin = sum("LATIN" in unicodedata.name(sign, "") for sign in unicodedata.normalize("NFKC", word))
    if latin == 0 and any(sign.isalpha() for sign in unicodedata.normalize("NFKC", word)):
        found = check_claims(f"A fair sentence.\n\n{word}", [UNCLEAR])
        assert found.unread[0] == "line 3: it is written in another alphabet"
        assert found.ok


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("It fell by a hundred per cent.", "a hundred per cent"),
        ("It rose by one hundred and twenty percentage points.", "one hundred and twenty percentage points"),
        ("It fell by zero percent.", "zero percent"),
        ("It fell by twelve point five per cent.", "twelve point five per cent"),
        ("The rate was ١٢٪ then.", "١٢٪"),
        ("The rate was 310‰ then.", "310‰"),
        ("Reoffending halved.", "halved"),
        ("Two-thirds did.", "two-thirds"),
        ("Seven tenths did.", "seven tenths"),
        ("Three in ten did.", "three in ten"),
        ("Of them 1 in 4 did.", "1 in 4"),
        ("Nine out of every 10 did.", "nine out of every 10"),
        ("It was 12pp lower.", "12pp"),
        ("It was 1.5 ppts lower.", "1.5 ppts"),
    ],
)
def test_figures_that_cannot_be_read_are_said(text: str, unread: str) -> None:
    found = check_claims(text, [UNCLEAR])
    assert any(f"“{unread}”" in reason for reason in found.unread), found.unread
