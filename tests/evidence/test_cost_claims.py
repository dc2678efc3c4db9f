"""What may be said of money: nothing without a cost, a date, a fair comparison and an interval."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import InputError
from impact.evidence.claims import Verdict
from impact.evidence.cost_claims import CostFinding, cost_verdict
from impact.evidence.economics import Value, value
from impact.evidence.unit_costs import MeanCost
from impact.evidence.wording import wording
from impact.results import Estimate

UNIT = MeanCost(10_000.0, "2015/16", pd.DataFrame())


def worth(estimate: float, std_error: float) -> Value:
    low, high = estimate - 1.96 * std_error, estimate + 1.96 * std_error
    effect = Estimate("offences", estimate, std_error, estimate / std_error, 0.01, low, high, 0.95, 300)
    return value(effect, unit_cost=UNIT, programme_cost=150_000, participants=100, price_year="2015/16")


KNOWN = CostFinding(
    programme="X", design="matched", worst_smd=0.04, cost=1500.0, price_year="2015/16", value=worth(-0.3, 0.1),
    p_value=0.003,
)  # fmt: skip
CASES = {
    "valued": KNOWN,
    "added": replace(KNOWN, value=worth(0.3, 0.1)),
    "valued_unclear": replace(KNOWN, value=worth(-0.1, 0.1)),
    "one_of_many": replace(KNOWN, p_value=0.2),
    "no_value": replace(KNOWN, value=None, missing="too few people", wanted="More people."),
    "no_outcome": replace(KNOWN, value=None, reoffending=False, design="none"),
    "not_known": CostFinding(programme="X", design="matched", missing="no file was given", wanted="A file."),
}


def test_every_branch_of_the_wording_is_taken() -> None:
    assert {name: cost_verdict(finding).status for name, finding in CASES.items()} == {name: name for name in CASES}
    assert set(wording()["cost"]) == set(CASES)


def test_by_hand() -> None:
    # 0.3 fewer offences at £10,000 is £3,000; £1,500 a person is 15 offences in a hundred; (3,000 − 1,500)/1,000.
    found = cost_verdict(KNOWN)
    assert found.headline == (
        "For each person who took part, X cost £1,500, and the difference in proven offences from similar people comes"
        " to £3,000 less cost of crime (95% interval: from £1,040 to £4,960; 2015/16 prices)."
    )
    assert found.can_say == (
        "It would have to avoid 15 proven offences for every 100 people who take part to pay for itself; the difference"
        " seen is 30 fewer for every 100 (95% interval: from 10 fewer to 50 fewer).",
        "If the comparison is right, the chance that more was avoided than X cost is about 9 in 10.",
    )
    assert "from 30 more to 9.6 fewer" in cost_verdict(replace(KNOWN, value=worth(0.1, 0.1))).can_say[0]
    assert "from £1,040 to £4,960" in cost_verdict(CASES["added"]).headline
    assert "2015/16 prices; made up" in cost_verdict(replace(KNOWN, made_up=True)).headline


number = st.floats(-1, 1)


@st.composite
def findings(draw: st.DrawFn) -> CostFinding:
    known = draw(st.booleans())
    valued = known and draw(st.booleans())
    return CostFinding(
        programme="X",
        design=draw(st.sampled_from(["none", "before_after", "matched", "randomised"])),
        reoffending=draw(st.booleans()),
        worst_smd=draw(st.one_of(st.just(math.nan), st.floats(0, 0.5))),
        cost=draw(st.floats(1, 1e6)) if known else math.nan,
        price_year="2015/16",
        value=worth(draw(number), draw(st.floats(0.001, 1))) if valued else None,
        p_value=draw(st.one_of(st.just(math.nan), st.floats(0, 1))),
        missing="something is missing",
        wanted="Something.",
        made_up=draw(st.booleans()),
    )


CAUSAL = re.compile(
    r"\b(saves?|saved|lowered|reduced|caused|led to|because of|thanks to|works?|paid for itself|proves?)\b"
)
AVOIDED = re.compile(
    r"less cost of crime|more cost of crime|offences for every 100|chance that more was avoided|£-|anything from"
)


def claimed(result: Verdict) -> str:
    return " ".join((result.headline, *result.can_say))


@settings(max_examples=500, deadline=None)
@given(findings())
def test_no_combination_says_more_than_the_design_permits(finding: CostFinding) -> None:
    result = cost_verdict(finding)
    text = claimed(result)
    fair = finding.design == "randomised" or (finding.design == "matched" and finding.worst_smd <= 0.10)
    assert not CAUSAL.search(text)
    if AVOIDED.search(text):
        assert fair
        assert finding.value is not None
        assert finding.reoffending
        assert "interval" in text
    if re.search(r"comes to £.* (less|more) cost of crime", text):
        assert finding.p_value <= 0.05
    if "£" in text:
        assert math.isfinite(finding.cost)
        assert "2015/16 prices" in result.headline
        assert ("made up" in result.headline) is finding.made_up
    assert result.cannot_say
    assert not re.search(r"[{}]|\bnan\b|£-|-\d", " ".join(result.tidy()["text"]))


def test_every_fault_at_once() -> None:
    bad = CostFinding(programme="X", design="rct", cost=-2.0, p_value=3.0)
    with pytest.raises(InputError) as caught:
        cost_verdict(bad)
    assert [fault.column for fault in caught.value.faults] == ["design", "cost", "price_year", "p_value", "missing"]
    with pytest.raises(InputError, match="is given without a cost"):
        cost_verdict(replace(KNOWN, cost=math.nan))
