"""The Broward County data as linked tables: 11,757 people assessed in 2013 and 2014, and what came after.

Peculiarities of the files, dealt with here and nowhere else:

- times are written with a 12-hour clock and no word on which half of the day: only the dates are read;
- a stay coded as ending on 2020-01-01 had not ended: `left_on` is empty;
- one jail spell ends four days before it starts, by date: it is left out (the contract refuses it);
- of spells entered on one day by one person the longest stands for all (the contract keeps one a day);
- a score of −1 is no score: the reading is left out, and with it two people of whom the files hold nothing else.

What the contract asks for and the files do not hold is laid out so that nothing is added: a birthday is known by its
year alone and stands in July; jail holds people before trial and on short sentences alike (reason: other); the day of
sentence of a prison stay is its first day; the new offence counts as proven on its day, as in the published analysis,
which counts charges.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

STILL_INSIDE = "2020-01-01"
END_OF_FOLLOW_UP = "2016-04-01"
SOURCES = {"police": "2016-03-31", "courts": "2016-03-31", "prison": "2016-04-19"}
ETHNICITY = {
    "African-American": "black",
    "Asian": "asian",
    "Caucasian": "white",
    "Hispanic": "other",
    "Native American": "other",
    "Other": "other",
}
SCALES = {"Risk of Recidivism": "recidivism", "Risk of Violence": "violence"}
NO_SCORE = -1
LAST_STUDIED = 11001
NO_CASE = -1


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """The four files as published, with `person_id` as text in each."""
    files = {
        name: pd.read_csv(folder / f"{name}.csv") for name in ("people", "assessments", "jailhistory", "prisonhistory")
    }
    files["people"]["person_id"] = files["people"]["id"]
    return {name: frame.assign(person_id=frame["person_id"].astype(str)) for name, frame in files.items()}


def studied(files: dict[str, pd.DataFrame]) -> pd.Series:
    """The people of the published analysis: those whose case was found, up to the last id that it took."""
    people = files["people"]
    return people.loc[(people["is_recid"] != NO_CASE) & (people["id"] <= LAST_STUDIED), "person_id"]


def spells(files: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every jail and prison spell by date, as it stands in the files."""
    both = pd.concat(
        files[name].assign(reason=reason) for name, reason in (("jailhistory", "other"), ("prisonhistory", "sentence"))
    )
    left = both["out_custody"].str[:10]
    return pd.DataFrame(
        {
            "person_id": both["person_id"],
            "entered_on": _date(both["in_custody"]),
            "left_on": _date(left.mask(left == STILL_INSIDE)),
            "reason": both["reason"],
        }
    ).reset_index(drop=True)


def tables(files: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables of the contract, of everyone."""
    people = files["people"]
    again = people[people["r_offense_date"].notna()]
    readings = files["assessments"]
    readings = readings[readings["decile_score"] != NO_SCORE]
    custody = spells(files)
    custody = custody[~(custody["left_on"] < custody["entered_on"])]
    prison = custody[custody["reason"] == "sentence"]
    known = people["person_id"].isin([*readings["person_id"], *custody["person_id"], *again["person_id"]])
    people = people[known]
    longest = custody.assign(open=custody["left_on"].isna()).sort_values(["open", "left_on"], kind="stable")
    return {
        "person": pd.DataFrame(
            {
                "person_id": people["person_id"],
                "sex": people["sex"].str.lower(),
                "birth_date": None,
                "birth_month": people["birth_year"].astype(str) + "-07",
                "ethnicity": people["race"].map(ETHNICITY),
                "lsoa": None,
                "died_on": None,
            }
        ),
        "family": pd.DataFrame(columns=["person_id", "related_id", "relation"]),
        "referral": pd.DataFrame(
            columns=["person_id", "programme", "referred_on", "source", "decision", "decided_on", "onward_to"]
        ),
        "participation": pd.DataFrame(
            columns=[
                "person_id",
                "programme",
                "intervention",
                "started_on",
                "ended_on",
                "status",
                "sessions_planned",
                "sessions_attended",
                "qualification",
            ]
        ),
        "assessment": pd.DataFrame(
            {
                "person_id": readings["person_id"],
                "programme": None,
                "instrument": "compas",
                "scale": readings["type_of_assessment"].map(SCALES),
                "wave": 1,
                "assessed_on": readings["screening_date"],
                "score": readings["decile_score"],
            }
        ),
        "sentence": pd.DataFrame(
            {
                "person_id": prison["person_id"],
                "sentenced_on": prison["entered_on"],
                "disposal": "custody",
                "started_on": prison["entered_on"],
                "released_on": prison["left_on"],
                "offence_group": "miscellaneous",
            }
        ),
        "offence": pd.DataFrame(
            {
                "person_id": again["person_id"],
                "offended_on": _date(again["r_offense_date"]),
                "proven_on": _date(again["r_offense_date"]),
                "outcome": "conviction",
                "offence_group": "miscellaneous",
                "severity": "triable_either_way",
            }
        ),
        "custody": longest.drop_duplicates(["person_id", "entered_on"], keep="last").drop(columns="open"),
        "police_contact": pd.DataFrame(columns=["person_id", "occurred_on", "role"]),
        "need": pd.DataFrame(columns=["person_id", "programme", "pathway", "identified_on", "met_on"]),
        "area": pd.DataFrame(columns=["lsoa", "ward", "district", "imd_decile", "population"]),
        "story": pd.DataFrame(columns=["programme", "quarter", "text", "consent"]),
        "extract": pd.DataFrame({"source": list(SOURCES), "complete_to": list(SOURCES.values()), "synthetic": "false"}),
    }


def write(files: dict[str, pd.DataFrame], folder: Path) -> Path:
    """Write the tables as CSV files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables(files).items():
        table.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    return folder


def _date(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text.str[:10], format="%Y-%m-%d")
