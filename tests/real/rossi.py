"""The Rossi data as linked tables: 432 men released from Maryland prisons, half randomly given financial aid.

The published data hold weeks from release to first arrest within a year. What the contract asks for and the data do
not hold is laid out so that nothing is added to them: everyone is released on one day, birthdays fall on it, each
conviction before release is one earlier offence, and an arrest stands as an offence proven on its day.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

RELEASE = pd.Timestamp("1972-01-03")
SCALES = {"work_experience": "wexp", "married": "mar", "parole": "paro"}
YES = {"yes": 1, "no": 0, "married": 1, "not married": 0}


def read(shared: Path) -> pd.DataFrame:
    """The published columns, with `person_id` and 0/1 codes."""
    data = pd.read_csv(shared / "data" / "trials" / "carData_Rossi.csv")
    data["person_id"] = [f"R{number:03d}" for number in range(1, len(data) + 1)]
    for name in ("fin", "wexp", "mar", "paro"):
        data[name] = data[name].map(YES)
    return data[["person_id", "week", "arrest", "fin", "age", "race", "wexp", "mar", "paro", "prio"]]


def tables(data: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of the contract."""
    person = data["person_id"]
    birth = [RELEASE - pd.DateOffset(years=int(age)) for age in data["age"]]
    arrested = data[data["arrest"] == 1]
    arrest_day = RELEASE + pd.to_timedelta(7 * arrested["week"], unit="D")
    helped = data[data["fin"] == 1]["person_id"]
    earlier = data.loc[data.index.repeat(data["prio"]), "person_id"]
    earlier_day = RELEASE - pd.to_timedelta(730 + 30 * earlier.groupby(earlier).cumcount(), unit="D")
    return {
        "person": pd.DataFrame(
            {
                "person_id": person,
                "sex": "male",
                "birth_date": birth,
                "ethnicity": data["race"].map({"black": "black", "other": "other"}),
                "lsoa": None,
                "died_on": None,
            }
        ),
        "family": pd.DataFrame(columns=["person_id", "related_id", "relation"]),
        "referral": pd.DataFrame(
            {
                "person_id": helped,
                "programme": "financial_aid",
                "referred_on": RELEASE,
                "source": "prison",
                "decision": "accepted",
                "decided_on": RELEASE,
                "onward_to": None,
            }
        ),
        "participation": pd.DataFrame(
            {
                "person_id": helped,
                "programme": "financial_aid",
                "intervention": "weekly_payment",
                "started_on": RELEASE,
                "ended_on": RELEASE + pd.Timedelta(91, unit="D"),
                "status": "completed",
                "sessions_planned": None,
                "sessions_attended": None,
                "qualification": None,
            }
        ),
        "assessment": pd.concat(
            pd.DataFrame(
                {
                    "person_id": person,
                    "programme": None,
                    "instrument": "prison_record",
                    "scale": scale,
                    "wave": 1,
                    "assessed_on": RELEASE,
                    "score": data[name],
                }
            )
            for scale, name in SCALES.items()
        ),
        "sentence": pd.DataFrame(
            {
                "person_id": person,
                "sentenced_on": RELEASE - pd.Timedelta(365, unit="D"),
                "disposal": "custody",
                "started_on": RELEASE - pd.Timedelta(365, unit="D"),
                "released_on": RELEASE,
                "offence_group": "miscellaneous",
            }
        ),
        "offence": pd.DataFrame(
            {
                "person_id": [*earlier, *arrested["person_id"]],
                "offended_on": [*earlier_day, *arrest_day],
                "proven_on": [*earlier_day, *arrest_day],
                "outcome": "conviction",
                "offence_group": "miscellaneous",
                "severity": "triable_either_way",
            }
        ),
        "custody": pd.DataFrame(
            {
                "person_id": person,
                "entered_on": RELEASE - pd.Timedelta(365, unit="D"),
                "left_on": RELEASE,
                "reason": "sentence",
            }
        ),
        "police_contact": pd.DataFrame(
            {"person_id": arrested["person_id"], "occurred_on": arrest_day, "role": "arrested"}
        ),
        "need": pd.DataFrame(columns=["person_id", "programme", "pathway", "identified_on", "met_on"]),
        "area": pd.DataFrame(columns=["lsoa", "ward", "district", "imd_decile", "population"]),
        "story": pd.DataFrame(columns=["programme", "quarter", "text", "consent"]),
        "extract": pd.DataFrame(
            {
                "source": ["police", "prison"],
                "complete_to": RELEASE + pd.Timedelta(364, unit="D"),
                "synthetic": "false",
            }
        ),
    }


def write(shared: Path, folder: Path) -> Path:
    """Write the tables as CSV files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables(read(shared)).items():
        table.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    return folder
