"""The cohort on the shipped invented records, against what the world that made them says and against plain counts."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from impact.cohort import cohort, proven_reoffending
from impact.records import read_linked

SIX = ("pops", "moms", "magistra", "shelter", "time_matters", "dwp")


@pytest.fixture(scope="module")
def folder(root):
    found = root / "data_synthetic"
    if not (found / "truth.json").is_file():
        pytest.skip("data_synthetic has not been simulated")
    return found


@pytest.fixture(scope="module")
def linked(folder):
    return read_linked(folder)


@pytest.fixture(scope="module")
def truth(folder):
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


def test_proven_reoffending_is_what_the_world_counted_itself(linked, truth):
    """The world counts from its own events; here from the records alone, from each person's first release or order."""
    said = truth["proven_reoffending"]
    sentence = linked.table("sentence")
    window = truth["parameters"]["index_from"], truth["parameters"]["index_to"]
    start = sentence["released_on"].where(sentence["disposal"] == "custody", sentence["started_on"])
    start = start.where(sentence["disposal"].isin(["custody", "community", "suspended"]))
    first = (
        sentence.assign(index_on=start)[start.between(*window)].groupby("person_id", as_index=False)["index_on"].min()
    )
    offence = linked.table("offence")
    offence = offence[offence["person_id"].isin(first["person_id"])]
    found = proven_reoffending(first, offence, complete_to=linked.complete_to)
    whole = found[found["complete"]]
    assert len(whole) == said["all"]["n"]
    assert whole["reoffended"].mean() == pytest.approx(said["all"]["rate"], abs=1e-6)
    assert whole["reoffences"].mean() == pytest.approx(said["all"]["reoffences_per_person"], abs=1e-6)


@pytest.mark.parametrize("name", SIX)
def test_the_register_is_the_one_the_world_wrote(linked, truth, name):
    said = next(value for key, value in truth["programmes"].items() if key == name)["counts"]
    flow = cohort(linked, name, complete_to=linked.complete_to).flow.set_index("step")["treated"]
    assert flow["referred"] == said["referred"]
    assert flow["accepted"] == said["accepted"]
    if name == "time_matters":
        assert flow["started"] == said["started"]


@pytest.mark.parametrize("name", ["pops", "moms", "shelter"])
def test_the_treated_rate_is_a_plain_count(linked, name):
    """Counted again from the cohort's index dates with SQL."""
    found = cohort(linked, name, complete_to=linked.complete_to)
    treated = found.data[found.data["treated"] == 1]
    offences = linked.query(
        "SELECT person_id, offended_on, proven_on FROM offence "
        "WHERE outcome IN ('conviction', 'caution') AND offence_group <> 'breach'"
    )
    people, again = 0, 0
    for person in treated.itertuples():
        if person.index_on + pd.Timedelta(days=548) > pd.Timestamp(linked.complete_to):
            continue
        mine = offences[offences["person_id"] == person.person_id]
        people += 1
        again += (
            (mine["offended_on"] > person.index_on)
            & (mine["offended_on"] <= person.index_on + pd.Timedelta(days=365))
            & (mine["proven_on"] <= person.index_on + pd.Timedelta(days=548))
        ).any()
    assert treated["complete"].sum() == people
    assert treated["reoffended"].sum() == again
    assert treated["reoffended"].mean() == pytest.approx(again / people)


@pytest.mark.parametrize("name", [name for name in SIX if name != "time_matters"])
def test_every_cohort_can_be_compared(linked, name):
    found = cohort(linked, name, complete_to=linked.complete_to)
    treated, compared = (found.data[found.data["treated"] == arm] for arm in (1, 0))
    assert len(treated) >= 20
    assert len(compared) > 5 * len(treated)
    assert compared["index_on"].between(treated["index_on"].min(), treated["index_on"].max()).all()
    for covariate in found.programme.comparison.covariates:
        assert found.data[covariate].nunique() > 1
    assert treated["needs_before"].mean() > compared["needs_before"].mean()
