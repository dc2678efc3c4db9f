"""The claims gate: every branch by snapshot, and no combination that says more than the design permits."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import InputError
from impact.evidence import Finding, Verdict, verdict
from impact.evidence.wording import wording

SNAPSHOT = Path(__file__).with_name("verdicts.txt")
BLUE_SKY = Finding(
    programme="Blue Sky",
    design="matched",
    n_treated=287,
    n_analysed=72,
    n_comparison=50_000,
    rate_treated=0.31,
    rate_comparison=0.43,
    estimate=-0.12,
    conf_low=-0.2268,
    conf_high=-0.0132,
    p_value=0.03,
    worst_smd=0.04,
)
WORSE = replace(
    BLUE_SKY, rate_treated=0.43, rate_comparison=0.31, estimate=0.12, conf_low=0.0132, conf_high=0.2268, p_value=0.03
)
UNCLEAR = replace(BLUE_SKY, rate_treated=0.41, estimate=-0.02, conf_low=-0.13, conf_high=0.09, p_value=0.72)
SCORE = Finding(
    programme="Shelter",
    design="before_after",
    outcome="the accommodation score",
    n_treated=80,
    n_analysed=52,
    estimate=1.24,
    conf_low=0.6,
    conf_high=1.88,
    p_value=0.0002,
)
CASES = {
    "fewer, matched": BLUE_SKY,
    "more, matched": WORSE,
    "unclear, matched": UNCLEAR,
    "unclear, no rates": replace(UNCLEAR, rate_treated=math.nan, rate_comparison=math.nan, conf_high=0.001),
    "unclear, hardly any difference": replace(UNCLEAR, rate_treated=0.43, estimate=0.0, conf_low=-0.1, conf_high=0.1),
    "fewer, randomised": replace(BLUE_SKY, design="randomised", n_treated=72, n_comparison=70, worst_smd=0.21),
    "more, randomised": replace(WORSE, design="randomised", n_treated=72),
    "unclear, randomised": replace(UNCLEAR, design="randomised", n_treated=72),
    "fewer, nearly none": replace(BLUE_SKY, conf_high=-0.001),
    "fewer, nobody": replace(BLUE_SKY, rate_treated=0.0, rate_comparison=0.12),
    "too few": replace(BLUE_SKY, n_analysed=24),
    "too few, under the minimum": replace(BLUE_SKY, n_analysed=7),
    "too few to compare with": replace(BLUE_SKY, n_comparison=12.5),
    "not comparable": replace(BLUE_SKY, worst_smd=0.31),
    "balance not known": replace(BLUE_SKY, worst_smd=math.nan),
    "too early": replace(BLUE_SKY, follow_up_complete=False),
    "not estimated": replace(BLUE_SKY, estimate=math.nan),
    "rose": SCORE,
    "fell": replace(SCORE, estimate=-1.24, conf_low=-1.88, conf_high=-0.6),
    "change not clear": replace(SCORE, estimate=0.2, conf_low=-0.42, conf_high=0.82, p_value=0.5),
    "change, too few": replace(SCORE, n_analysed=12),
    "not measured": Finding(programme="Red Umbrella", design="none", n_treated=25),
    "before and after, not estimated": replace(SCORE, p_value=math.nan),
}


def written() -> str:
    return "\n\n".join(f"=== {name} ===\n{verdict(finding)!r}" for name, finding in CASES.items()) + "\n"


def test_every_branch_says_what_it_said() -> None:
    assert written() == SNAPSHOT.read_text(encoding="utf-8")


def test_the_cases_take_every_branch() -> None:
    assert {verdict(finding).status for finding in CASES.values()} == set(wording()["status"])


def test_blue_sky_as_published() -> None:
    """Justice Data Lab 2013: 72 people, 31% against 43%, between 1 and 23 percentage points."""
    said = " ".join(verdict(BLUE_SKY).can_say)
    assert "between 1 and 23 percentage points" in said
    assert "31 had a proven reoffence" in verdict(BLUE_SKY).headline


number = st.one_of(st.just(math.nan), st.floats(-1, 1), st.sampled_from([-0.004, 0.0, 0.004]))
share = st.one_of(st.just(math.nan), st.floats(0, 1))


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    low, middle, high = sorted(draw(st.tuples(number, number, number)), key=lambda x: (math.isnan(x), x))
    n_treated = draw(st.integers(0, 400))
    return Finding(
        programme="X",
        design=draw(st.sampled_from(["none", "before_after", "matched", "randomised"])),
        outcome="Y",
        n_treated=n_treated,
        n_analysed=draw(st.integers(0, n_treated)),
        n_comparison=draw(st.one_of(st.none(), st.floats(0, 1e6))),
        estimate=middle,
        conf_low=low,
        conf_high=high,
        p_value=draw(share),
        rate_treated=draw(share),
        rate_comparison=draw(share),
        worst_smd=draw(st.one_of(st.just(math.nan), st.floats(0, 0.5))),
        follow_up_complete=draw(st.booleans()),
        minimum_analysed=draw(st.sampled_from([10, 30, 60])),
    )


CAUSAL = re.compile(
    r"\b(lowered|raised|caused|reduced|led to|because of|due to|thanks to|worked|works|evidence that)\b"
)
MAYBE_CAUSAL = re.compile(r"could be (lower|higher)|could differ")
COMPARATIVE = re.compile(r"\bfewer of|\bmore of|\d fewer|\d more|similar people|statistically significant")
NOTHING = re.compile(r"no effect|no impact|no difference|did not change|does not work|unaffected")


def claimed(result: Verdict) -> str:
    return " ".join((result.headline, *result.can_say))


@settings(max_examples=1000)
@given(findings())
def test_no_combination_says_more_than_the_design_permits(finding: Finding) -> None:
    result = verdict(finding)
    text = claimed(result)
    everything = " ".join(result.tidy()["text"])
    randomised = finding.design == "randomised"
    comparable = randomised or (finding.design == "matched" and finding.worst_smd <= 0.10)
    enough = min(finding.n_analysed, finding.n_comparison or 0) >= finding.minimum_analysed
    compared = comparable and enough and finding.follow_up_complete
    told = finding.p_value <= 0.05 and (finding.conf_low > 0 or finding.conf_high < 0)
    assert not NOTHING.search(text)
    if CAUSAL.search(text):
        assert randomised
        assert compared
        assert told
    if MAYBE_CAUSAL.search(text) or COMPARATIVE.search(text.replace("{", "")):
        assert compared
    if "statistically significant result" in text:
        assert compared
        assert told
    if re.search(r"(rose|fell) by|was (higher|lower) at", text):
        assert finding.design == "before_after"
        assert told
        assert finding.n_analysed >= finding.minimum_analysed
        assert "cannot be put down to X" in text
        assert any("regression to the mean" in caveat for caveat in result.caveats)
    assert result.cannot_say
    assert not re.search(r"[{}]|\bnan\b|-0\b|−0\b|-\d", everything)
    if finding.n_analysed < 10 and finding.n_treated != finding.n_analysed:
        assert not re.search(rf"\b{finding.n_analysed} (people|who)", everything) or finding.n_analysed == 0
    assert (result.maryland_level, finding.design) in {
        (None, "none"),
        (1, "before_after"),
        (2, "matched"),
        (3, "matched"),
        (5, "randomised"),
    }


def test_adapted_sentences_carry_their_source() -> None:
    assert verdict(UNCLEAR).sources
    assert not verdict(replace(BLUE_SKY, design="randomised", n_treated=72)).sources


def test_rates_that_the_estimate_does_not_compare_are_not_printed() -> None:
    adjusted = replace(BLUE_SKY, estimate=-0.10)
    assert "31" not in verdict(adjusted).headline
    assert "10 fewer" in verdict(adjusted).headline


def test_every_fault_at_once() -> None:
    bad = replace(BLUE_SKY, design="rct", rate_treated=31.0, n_analysed=300, conf_low=0.5, minimum_analysed=5, level=95)
    with pytest.raises(InputError) as caught:
        verdict(bad)
    assert [fault.column for fault in caught.value.faults] == [
        "design",
        "level",
        "n_analysed",
        "rate_treated",
        "interval",
        "minimum_analysed",
    ]
