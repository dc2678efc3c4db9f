"""What may be said of subgroups: nothing causal of a part, nothing of a look that was not planned."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import InputError
from impact.evidence.subgroup_claims import SubgroupFinding, subgroup_verdict
from impact.evidence.wording import wording

DIFFER = SubgroupFinding(
    programme="X", by="age", design="matched", planned=True, groups=3, estimated=2, p_value=0.004, worst_smd=0.05
)
CASES = {
    "differ": DIFFER,
    "not_shown_to_differ": replace(DIFFER, p_value=0.3, tests=2),
    "one_estimated": replace(DIFFER, estimated=1, p_value=math.nan),
    "none_estimated": replace(DIFFER, estimated=0, p_value=math.nan),
    "not_tested": replace(DIFFER, design="before_after", p_value=math.nan),
    "not_comparable": replace(DIFFER, worst_smd=0.3),
    "not_planned": replace(DIFFER, planned=False),
}


def test_every_branch_of_the_wording_is_taken() -> None:
    assert {name: subgroup_verdict(finding).status for name, finding in CASES.items()} == {name: name for name in CASES}
    assert set(wording()["apart"]) == set(CASES)


def test_a_difference_that_was_not_planned_is_exploratory_however_small_its_p() -> None:
    found = subgroup_verdict(replace(DIFFER, planned=False, design="randomised", p_value=1e-9))
    assert "was not planned" in found.headline
    assert "exploratory" in found.headline
    assert "p =" not in " ".join(found.tidy()["text"])


def test_the_test_and_what_it_allows_for_are_said() -> None:
    assert "p = 0.004, after allowing for the one test made" in subgroup_verdict(DIFFER).headline
    assert "p = 0.3, after allowing for all 2 tests made" in subgroup_verdict(CASES["not_shown_to_differ"]).headline


@st.composite
def findings(draw: st.DrawFn) -> SubgroupFinding:
    groups = draw(st.integers(0, 9))
    return SubgroupFinding(
        programme="X",
        by="age",
        design=draw(st.sampled_from(["none", "before_after", "matched", "randomised"])),
        planned=draw(st.booleans()),
        groups=groups,
        estimated=draw(st.integers(0, groups)),
        p_value=draw(st.one_of(st.just(math.nan), st.floats(0, 1))),
        tests=draw(st.integers(1, 5)),
        worst_smd=draw(st.one_of(st.just(math.nan), st.floats(0, 0.5))),
    )


CAUSAL = re.compile(
    r"\b(lowered|raised|caused|reduced|led to|because of|due to|works|worked|better for|evidence that)\b"
)
TOLD_APART = re.compile(r"is not the same in all|could be different in these|made a different difference")


@settings(max_examples=500, deadline=None)
@given(findings())
def test_no_combination_says_more_than_the_design_permits(finding: SubgroupFinding) -> None:
    result = subgroup_verdict(finding)
    text = " ".join((result.headline, *result.can_say))
    fair = finding.design == "randomised" or (finding.design == "matched" and finding.worst_smd <= 0.10)
    if CAUSAL.search(text):
        assert finding.design == "randomised"
    if CAUSAL.search(text) or TOLD_APART.search(text):
        assert finding.planned
        assert fair
        assert finding.estimated >= 2
        assert finding.p_value <= 0.05
    if "figure of their own" in text:
        assert fair
        assert finding.planned
    if not finding.planned:
        assert "exploratory" in result.headline
    assert not re.search(r"no effect|no difference|the same for", text)
    assert result.cannot_say
    assert not re.search(r"[{}]|\bnan\b", " ".join(result.tidy()["text"]))


def test_every_fault_at_once() -> None:
    bad = replace(DIFFER, design="rct", level=95, p_value=2.0, estimated=4, tests=0)
    with pytest.raises(InputError) as caught:
        subgroup_verdict(bad)
    assert [fault.column for fault in caught.value.faults] == ["design", "level", "p_value", "estimated", "tests"]
