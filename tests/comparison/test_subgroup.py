"""Effects in subgroups against R's saturated regression, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.comparison import compare, match, propensity, whole_sample
from impact.comparison.subgroup import subgroups
from impact.design import Design
from impact.errors import InputError

LOOSE = {"fewest": 2, "threshold": 100.0}


@pytest.fixture(scope="module")
def reference(root: Path) -> tuple[pd.DataFrame, pd.Series]:
    folder = root / "tests" / "reference" / "comparison"
    return pd.read_csv(folder / "people.csv"), pd.read_csv(folder / "effects.csv", index_col="name")["value"]


def designed(data: pd.DataFrame) -> Design:
    """The sets and weights of the reference as a plain Design."""
    flow = pd.DataFrame([("Given", 1, 1)], columns=["step", "treated", "comparison"])
    sets = data["set"].astype("Int64")
    return Design(data, "joined", data["weight"], sets, "ATT", ("male",), "Sets of the reference", flow)


@pytest.mark.parametrize("kind", ["whole", "sets"])
def test_effects_and_their_interaction_are_those_of_a_saturated_regression_in_r(reference, kind):
    data, numbers = reference
    design = whole_sample(data, "joined") if kind == "whole" else designed(data)
    found = subgroups(design, "again", "area", measure="risk_difference", **LOOSE)
    for row in found.tidy().to_dict("records"):
        value = numbers[f"subgroups {kind} area{row['term']}:joined estimate"]
        assert row["estimate"] == pytest.approx(value, rel=1e-8, abs=1e-15)
    assert found.interaction.statistic == pytest.approx(numbers[f"subgroups {kind} F"], rel=1e-8)
    assert found.interaction.p_value == pytest.approx(numbers[f"subgroups {kind} p"], rel=1e-8)


@pytest.mark.parametrize(
    ("outcome", "measure", "more"),
    [("again", "risk_ratio", {}), ("offences", "mean_difference", {}), ("offences", "rate_ratio", {"time": "days"})],
)
def test_a_subgroup_is_the_comparison_of_its_people_alone(reference, outcome, measure, more):
    data, _ = reference
    table = subgroups(whole_sample(data, "joined"), outcome, "area", measure=measure, **more, **LOOSE).tidy()
    for area, part in data.groupby("area"):
        row = table.set_index("term").loc[area]
        alone = compare(whole_sample(part, "joined"), outcome, measure=measure, **more)
        for name in ("estimate", "std_error", "p_value", "conf_low", "conf_high", "n", "mean_treated"):
            assert row[name] == pytest.approx(getattr(alone, name), rel=1e-10)


def many() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 900
    data = pd.DataFrame({"area": rng.choice(["a", "b", "c"], n, p=[0.55, 0.4, 0.05]), "x": rng.normal(size=n)})
    data["joined"] = (rng.random(n) < 0.3).astype(int)
    data["again"] = (rng.random(n) < np.where(data["joined"] * (data["area"] == "a") == 1, 0.2, 0.5)).astype(int)
    return data


def test_too_few_and_unlike_groups_are_refused_with_the_reason():
    data = many()
    data.loc[(data["area"] == "b") & (data["joined"] == 1), "x"] += 1
    found = subgroups(whole_sample(data, "joined", ["x"]), "again", "area", measure="risk_difference", threshold=0.3)
    table = found.tidy().set_index("term")
    assert table.loc["a", "refused"] == ""
    assert "the groups are unlike in x there" in table.loc["b", "refused"]
    assert "and 30 of each are needed" in table.loc["c", "refused"]
    assert table["estimate"].notna().tolist() == [True, False, False]
    assert table.loc["a", "p_adjusted"] == table.loc["a", "p_value"]
    assert found.interaction is None
    assert "b: not estimated" in repr(found)
    texts = [text.get_text() for text in found.plot().texts]
    assert texts[1:] == ["not estimated", "not estimated"]


def test_p_values_are_adjusted_over_the_subgroups_shown():
    design = whole_sample(many(), "joined")
    holm = subgroups(design, "again", "area", measure="risk_difference")
    p = holm.tidy()["p_value"].to_numpy()[:2]
    assert holm.tidy()["p_adjusted"].to_numpy()[:2] == pytest.approx(
        np.maximum.accumulate(np.minimum(np.sort(p) * [2, 1], 1))[np.argsort(np.argsort(p))]
    )
    other = subgroups(design, "again", "area", measure="risk_difference", correction="benjamini-hochberg")
    ordered = np.minimum.accumulate((np.sort(p) * [2, 1])[::-1])[::-1]
    assert other.tidy()["p_adjusted"].to_numpy()[:2] == pytest.approx(ordered[np.argsort(np.argsort(p))])
    assert holm.interaction.p_value < 0.05
    assert "Do they differ?" in repr(holm)
    shuffled = whole_sample(many().sample(frac=1, random_state=4), "joined")
    assert repr(subgroups(shuffled, "again", "area", measure="risk_difference")) == repr(holm)


def test_matched_sets_that_leave_a_subgroup_leave_whole_and_the_missing_are_said():
    data = many()
    data.loc[:20, "area"] = None
    design = match(propensity("joined ~ x", data))
    found = subgroups(design, "again", "area", measure="risk_difference", **LOOSE)
    pairs = design.pairs
    same = data["area"][pairs["treated"]].to_numpy() == data["area"][pairs["comparison"]].to_numpy()
    assert found.tidy()["n"].sum() == 2 * same.sum()
    assert any("whose area is missing" in note for note in found.notes)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"by": "again"}, "is the outcome or the treatment"),
        ({"by": "nowhere"}, "is not in the data"),
        ({"outcome": "x"}, "among the covariates"),
        ({"measure": "rate_ratio"}, "time, the column of time at risk"),
        ({"time": "x"}, "time, the column of time at risk"),
        ({"fewest": 1}, "fewest must be a whole number"),
        ({"threshold": 0}, "threshold must be a number above 0"),
        ({"correction": "none"}, "correction must be one of"),
        ({"level": 0}, "level must lie between"),
    ],
)
def test_subgroups_refuse_what_they_cannot_use(arguments, says):
    call = {"outcome": "again", "by": "area", "measure": "risk_difference", **arguments}
    with pytest.raises(InputError, match=says):
        subgroups(whole_sample(many(), "joined", ["x"]), **call)
    with pytest.raises(InputError, match="needs a Design"):
        subgroups(many(), "again", "area", measure="risk_difference")
