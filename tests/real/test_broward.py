"""Real custody and reoffending, with every trap of such records, against the published analysis of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import impact as im
from impact.cohort.at_risk import TimeAtRisk, at_risk
from impact.errors import InputError
from impact.records import Linked
from tests.real import broward

TWO_YEARS = 730
LAST_DAY = "2016-03-31"
BANDS = {"Low": (0, 4), "Medium": (4, 7), "High": (7, 10)}
Files = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def files(shared: Path) -> Files:
    folder = shared / "data" / "compas"
    if not folder.is_dir():
        pytest.skip("the Broward data are not on this machine")
    return broward.read(folder)


@pytest.fixture(scope="module")
def linked(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Linked:
    return im.read_linked(broward.write(files, tmp_path_factory.mktemp("broward")))


@pytest.fixture(scope="module")
def index(files: Files, linked: Linked) -> pd.DataFrame:
    """Those studied whose score is known, from the day of the screening."""
    readings = linked.table("assessment")
    readings = readings[(readings["scale"] == "recidivism") & readings["person_id"].isin(broward.studied(files))]
    people = readings[["person_id", "assessed_on", "score"]].rename(columns={"assessed_on": "index_on"})
    edges = [0, *(high for _, high in BANDS.values())]
    people["risk"] = pd.cut(people["score"], edges, labels=list(BANDS)).astype(str)
    return people.reset_index(drop=True)


def of(people: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    return table[table["person_id"].isin(people["person_id"])]


@pytest.fixture(scope="module")
def liberty(index: pd.DataFrame, linked: Linked) -> TimeAtRisk:
    return at_risk(
        index,
        of(index, linked.table("custody")),
        end_on=broward.END_OF_FOLLOW_UP,
        events=of(index, linked.table("offence")).rename(columns={"offended_on": "occurred_on"}),
        inside="count",
    )


@pytest.fixture(scope="module")
def stretches(index: pd.DataFrame, liberty: TimeAtRisk) -> pd.DataFrame:
    rows = liberty.data.merge(index, on="person_id")
    return rows.assign(high=(rows["risk"] == "High").astype(int), medium=(rows["risk"] == "Medium").astype(int))


def test_the_published_cox_model_comes_out(stretches: pd.DataFrame) -> None:
    model = im.cox(stretches, "stop", "event", ["high", "medium"], entry="start")
    estimate = model.tidy().set_index("term")["estimate"]
    assert estimate["high"] == pytest.approx(1.250, abs=0.005)
    assert estimate["medium"] == pytest.approx(0.796, abs=0.005)


def test_the_published_survival_at_two_years_comes_out(stretches: pd.DataFrame) -> None:
    curves = im.kaplan_meier(stretches, "stop", "event", by="risk", entry="start", cluster="person_id")
    survival = curves.at([TWO_YEARS]).set_index("group")["estimate"]
    for risk, published in {"Low": 0.776, "Medium": 0.563, "High": 0.408}.items():
        assert survival[risk] == pytest.approx(published, abs=0.005)


def test_the_bands_are_those_of_the_file(files: Files, index: pd.DataFrame) -> None:
    readings = files["assessments"]
    readings = readings[readings["type_of_assessment"] == "Risk of Recidivism"]
    known = index.merge(readings, on="person_id")
    assert (known["risk"] == known["score_text"]).all()
    assert (
        len(broward.studied(files)) - len(index)
        == readings.set_index("person_id").loc[broward.studied(files), "score_text"].isna().sum()
    )


def test_every_day_of_follow_up_is_at_risk_or_inside(index: pd.DataFrame, linked: Linked, files: Files) -> None:
    """A plain count of the nights inside, from the files and not from the tables."""
    found = at_risk(index, of(index, linked.table("custody")), end_on=broward.END_OF_FOLLOW_UP)
    outside = (found.data["stop"] - found.data["start"]).groupby(found.data["person_id"]).sum()
    end = pd.Timestamp(broward.END_OF_FOLLOW_UP)
    sample = index.iloc[::23]
    by_person = dict(iter(of(sample, broward.spells(files)).groupby("person_id")))
    for who, start in zip(sample["person_id"], sample["index_on"], strict=True):
        nights = pd.date_range(start, end, inclusive="left").to_numpy()
        inside = np.zeros(len(nights), dtype=bool)
        if who in by_person:
            mine = by_person[who]
            for entered, left in zip(mine["entered_on"], mine["left_on"].fillna(end), strict=True):
                inside |= (nights >= np.datetime64(entered)) & (nights < np.datetime64(left))
        assert outside.get(who, 0) == (~inside).sum()


def test_first_reoffences_are_those_of_the_file(files: Files, index: pd.DataFrame, liberty: TimeAtRisk) -> None:
    people = files["people"].set_index("person_id").loc[index["person_id"]]
    day = (pd.to_datetime(people["r_offense_date"]) - pd.to_datetime(people["compas_screening_date"].str[:10])).dt.days
    events = liberty.data[liberty.data["event"] == 1].set_index("person_id")["stop"]
    assert len(events) == len(day[day >= 1])
    assert (events == day.loc[events.index]).all()
    assert not liberty.data.duplicated(["person_id", "start"]).any()
    assert (liberty.data["stop"] > liberty.data["start"]).all()


def test_nothing_is_said_about_offences_inside_and_it_is_refused(index: pd.DataFrame, linked: Linked) -> None:
    with pytest.raises(InputError, match="happened inside custody"):
        at_risk(
            index,
            of(index, linked.table("custody")),
            end_on=broward.END_OF_FOLLOW_UP,
            events=of(index, linked.table("offence")).rename(columns={"offended_on": "occurred_on"}),
        )


def test_the_spell_that_ends_before_it_starts_is_a_fault(files: Files) -> None:
    everyone = files["people"].rename(columns={"compas_screening_date": "index_on"})[["person_id", "index_on"]]
    everyone["index_on"] = pd.to_datetime(everyone["index_on"])
    spells = broward.spells(files)
    backwards = spells["left_on"] < spells["entered_on"]
    assert backwards.sum() == 1
    with pytest.raises(InputError) as caught:
        at_risk(everyone, spells, end_on=broward.END_OF_FOLLOW_UP)
    assert [fault.rows for fault in caught.value.faults] == [(int(np.flatnonzero(backwards)[0]) + 1,)]
    clock = files["jailhistory"]
    assert (clock["out_custody"] < clock["in_custody"]).sum() == 821


def test_two_year_rate_is_that_of_the_people_whose_two_years_are_complete(
    files: Files, index: pd.DataFrame, linked: Linked
) -> None:
    found = im.proven_reoffending(
        index,
        of(index, linked.table("offence")),
        follow_up=TWO_YEARS,
        waiting=0,
        complete_to=linked.complete_to,
        custody=of(index, linked.table("custody")),
    )
    people = files["people"].set_index("person_id").loc[index["person_id"]]
    screened = pd.to_datetime(people["compas_screening_date"].str[:10])
    day = (pd.to_datetime(people["r_offense_date"]) - screened).dt.days
    whole = (screened + pd.Timedelta(TWO_YEARS, unit="D") <= pd.Timestamp(LAST_DAY)).to_numpy()
    again = day.between(1, TWO_YEARS).to_numpy()
    assert found["reoffended"].notna().to_numpy().tolist() == whole.tolist()
    assert found["reoffended"].mean() == pytest.approx(again[whole].mean(), abs=1e-12)
    assert int(found["reoffended"].sum()) == int(again[whole].sum())
    late = (screened > pd.Timestamp("2014-04-01")).to_numpy()
    assert late.sum() > 1000
    assert found.loc[late, "reoffended"].isna().all()
    assert found.loc[~late, "reoffended"].notna().all()
    assert again.mean() < again[whole].mean() - 0.01


def test_nobody_is_lost_between_file_and_tables(files: Files, linked: Linked) -> None:
    assert len(files["people"]) == 11_757
    assert len(linked.table("person")) == 11_757 - 2
    assert len(linked.table("offence")) == files["people"]["r_offense_date"].notna().sum()
    assert str(linked.complete_to) == LAST_DAY
    spells = broward.spells(files)
    assert len(spells) == 22_111 + 4_945
    repeated = spells.duplicated(["person_id", "entered_on"]).sum()
    assert len(linked.table("custody")) == len(spells) - repeated - 1
