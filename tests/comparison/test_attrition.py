"""From referral to analysis: the flow adds up to the design's own numbers, and kept and lost are plain means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from impact.cohort import cohort
from impact.comparison import attrition, match, propensity, weight, whole_sample
from impact.errors import InputError
from impact.records import read_linked

PLAN = "age + previous_offences + previous_custody + contacts_before + needs_before"


@pytest.fixture(scope="module")
def people(root):
    linked = read_linked(root / "data_synthetic")
    return cohort(linked, "dwp", complete_to=linked.complete_to)


@pytest.fixture(scope="module")
def known(people):
    return people.data[people.data["complete"]].dropna(subset=["needs_before", "imd_decile"]).reset_index(drop=True)


def adds_up(found):
    gone = found.left.groupby("step")[["treated", "comparison"]].sum()
    for before, after in zip(found.flow.itertuples(), found.flow.iloc[1:].itertuples(), strict=False):
        lost = gone.loc[after.step] if after.step in gone.index else {"treated": 0, "comparison": 0}
        assert before.treated - after.treated == lost["treated"]
        assert before.comparison - after.comparison == lost["comparison"]
        assert after.completed <= after.started <= after.treated


@pytest.mark.parametrize(
    "how",
    [
        {"method": "nearest", "caliper": 0.02},
        {"method": "nearest", "ratio": 40},
        {"method": "nearest", "caliper": 0.01, "exact": ("sex", "district"), "replace": True},
        {"method": "radius", "radius": 0.001},
        {"method": "nearest", "ratio": (2, 3), "caliper": 0.01, "order": "closest"},
        {"method": "nearest", "on": "mahalanobis", "caliper": 0.02, "exact": "sex"},
        {"method": "nearest", "order": "random", "seed": 3, "within": {"age": 0.05}},
        {"method": "optimal", "ratio": 2, "caliper": 0.005},
        {"method": "full", "caliper": 0.02},
        {"method": "exact"},
        {"method": "coarsened", "cutpoints": {"age": [20, 21, 22, 23, 24, 25], "needs_before": [10, 20, 25]}},
        {"method": "subclass", "subclasses": 60, "exact": ("sex", "district")},
    ],
)
def test_the_flow_goes_on_to_the_people_analysed(people, known, how):
    known = known.dropna(subset=["district"]).reset_index(drop=True)
    plan = "sex + district + previous_offences" if how["method"] == "exact" else PLAN
    design = match(propensity(f"treated ~ {plan}", known), **how)
    found = attrition(people, design)
    adds_up(found)
    flow = found.flow.set_index("step")
    assert flow.index.tolist()[-4:] == [
        "follow-up complete",
        "given to the comparison",
        "on common support",
        "analysed",
    ]
    treated = (design.data["treated"] == 1) & (design.weights > 0)
    assert flow.loc["given to the comparison", "treated"] == (known["treated"] == 1).sum()
    assert flow.loc["analysed", "treated"] == treated.sum()
    assert flow.loc["analysed", "started"] == design.data.loc[treated, "started"].sum()
    assert flow.loc["analysed", "comparison"] == ((design.data["treated"] == 0) & (design.weights > 0)).sum()
    assert flow.loc["analysed", "treated"] < flow.loc["given to the comparison", "treated"] or "ratio" in how


def test_the_largest_alike_groups_lose_people_at_the_last_step(people, known):
    rng = np.random.default_rng(1)
    some = known.iloc[np.sort(rng.permutation(len(known))[:400])].reset_index(drop=True)
    design = match(propensity("treated ~ age + previous_offences", some), method="cardinality", ratio=3, tolerance=0.01)
    found = attrition(people, design)
    adds_up(found)
    flow = found.flow.set_index("step")
    for side, value in (("treated", 1), ("comparison", 0)):
        assert flow.loc["on common support", side] == (some["treated"] == value).sum()
        assert flow.loc["analysed", side] == ((design.data["treated"] == value) & (design.weights > 0)).sum()


@pytest.mark.parametrize(
    "how",
    [
        {"trim": (0.02, 0.08)},
        {"estimand": "ATE", "trim": "crump"},
        {"estimand": "ATE", "trim": (0.03, 0.2)},
        {"method": "overlap"},
        {"method": "entropy"},
    ],
)
def test_the_flow_goes_on_to_the_people_weighted(people, known, how):
    score = propensity(f"treated ~ {PLAN}", known)
    design = weight(score, **how)
    found = attrition(people, design)
    adds_up(found)
    flow = found.flow.set_index("step")
    for side, value in (("treated", 1), ("comparison", 0)):
        mine = design.data["treated"] == value
        assert flow.loc["given to the comparison", side] == mine.sum()
        assert flow.loc["analysed", side] == (mine & (design.weights > 0)).sum() == flow.loc["on common support", side]
    trimmed = found.left.loc[found.left["reason"] == "score outside the range kept", ["treated", "comparison"]]
    lost = design.weights == 0
    assert trimmed.sum().tolist() == [(lost & (known["treated"] == value)).sum() for value in (1, 0)]
    if isinstance(how.get("trim"), tuple):
        low, high = how["trim"]
        assert lost.sum() == ((score.score < low) | (score.score > high)).sum() > 0


def test_kept_and_lost_are_plain_means_of_those_referred(people, known):
    design = match(propensity(f"treated ~ {PLAN}", known), caliper=0.02)
    found = attrition(people, design)
    analysed = design.data.loc[design.weights > 0, "person_id"]
    kept = people.referred["person_id"].isin(analysed)
    table = found.kept_and_lost.set_index("term")
    for name in ("age", "previous_offences", "contacts_before"):
        values = people.referred[name].astype(float)
        assert table.loc[name, "mean_kept"] == pytest.approx(values[kept].mean(), rel=1e-12)
        assert table.loc[name, "mean_lost"] == pytest.approx(values[~kept].mean(), rel=1e-12)
        spread = np.sqrt((values[kept].var() + values[~kept].var()) / 2)
        assert table.loc[name, "smd"] == pytest.approx((values[kept].mean() - values[~kept].mean()) / spread, rel=1e-9)
        assert table.loc[name, ["n_kept", "n_lost"]].tolist() == [kept.sum(), (~kept).sum()]
    men = people.referred["sex"] == "male"
    assert table.loc["sex[male]", "mean_lost"] == pytest.approx(men[~kept].mean(), rel=1e-12)
    assert "Kept and lost differ most in" in repr(found)


def test_without_a_design_the_flow_is_that_of_the_cohort(people):
    found = attrition(people)
    assert found.flow.equals(people.flow)
    assert found.left.equals(people.left)
    kept = (people.referred["step"] == "").sum()
    assert found.kept_and_lost["n_kept"].max() == kept == people.flow["treated"].iloc[-1]


def test_a_design_without_reasons_says_so(people, known):
    design = whole_sample(known, "treated", ["age"])
    weights = design.weights.copy()
    weights.iloc[:10] = 0.0
    found = attrition(people, replace(design, weights=weights))
    adds_up(found)
    assert "weight of nothing in the comparison" in set(found.left["reason"])


def test_a_design_of_other_people_is_refused(people, known):
    with pytest.raises(InputError, match="no column person_id"):
        attrition(people, whole_sample(known.drop(columns="person_id"), "treated"))
    strange = known.assign(person_id=known["person_id"].where(known.index > 2, "stranger"))
    with pytest.raises(InputError, match="not one of this cohort") as caught:
        attrition(people, whole_sample(strange, "treated"))
    assert "stranger" not in str(caught.value).replace("other group", "")
    with pytest.raises(InputError, match="needs the result of cohort"):
        attrition(people.data)


def test_nobody_lost_is_said(people):
    everyone = replace(people, referred=people.referred.assign(step=""))
    found = attrition(everyone)
    assert found.kept_and_lost.empty
    assert found.notes == ("Nobody was lost, so there is nobody to set beside the others.",)
