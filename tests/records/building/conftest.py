"""A small world whose tables lie about as extracts: other names of columns, other dates, other words, bad rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from impact.records.tables import TABLES
from impact.synthetic import simulate

PLAIN = ("family", "referral", "participation", "assessment", "custody", "need", "area", "story")
KEY = "zq-secret-0123456789-abcdef"


@dataclass(frozen=True)
class Raw:
    """The folder of extracts, the map, the key's file, and the world's own tables as text."""

    folder: Path
    map: Path
    key: Path
    world: dict[str, pd.DataFrame]


def day(dates: pd.Series, pattern: str) -> pd.Series:
    """Dates as text in another order."""
    return pd.to_datetime(dates.where(dates != "")).dt.strftime(pattern).fillna("")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("world") / "world"
    simulate(folder, people=500, seed=11)
    return {table.name: pd.read_csv(folder / f"{table.name}.csv", dtype=str, keep_default_na=False) for table in TABLES}


MAP = """
drop = ["no-person", "unreadable", "not-allowed", "repeated", "contradicts", "not-in-person", "alone"]

[[source]]
file = "nominals.csv"
table = "person"
numbering = "case"
date_formats = ["%d/%m/%Y"]
[source.columns]
person_id = "Case no"
sex = "Gender"
birth_date = "DOB"
birth_month = "Born in"
ethnicity = "Ethnic group"
lsoa = "LSOA code"
died_on = "Died"
[source.values.sex]
M = "male"
F = "female"
"" = "unknown"

[[source]]
file = "offences.csv"
table = "offence"
numbering = "case"
date_formats = ["%d %b %Y"]
[source.columns]
person_id = "Case no"
offended_on = "Committed"
proven_on = "Proven"
outcome = "Result"
offence_group = "Group"
severity = "Mode"
[source.values.outcome]
Convicted = "conviction"

[[source]]
file = "probation.xlsx"
sheet = "Sentences"
table = "sentence"
numbering = "case"
[source.columns]
person_id = "CRN"
sentenced_on = "Sentenced"
disposal = "Disposal"
started_on = "Started"
released_on = "Released"
offence_group = "Offence"

[[source]]
file = "contacts.parquet"
table = "police_contact"
numbering = "case"
[source.columns]
person_id = "nominal"
occurred_on = "when"
role = "role"
"""


@pytest.fixture
def raw(tmp_path: Path, world: dict[str, pd.DataFrame]) -> Raw:
    folder = tmp_path / "raw"
    folder.mkdir()
    words = [MAP]
    people = world["person"]
    nominals = pd.DataFrame(
        {
            "Ethnic group": people["ethnicity"],
            "Case no": "  " + people["person_id"],
            "Gender": people["sex"].map({"male": "M", "female": "F", "unknown": ""}).fillna(people["sex"]),
            "DOB": day(people["birth_date"], "%d/%m/%Y"),
            "Born in": people["birth_month"],
            "LSOA code": people["lsoa"],
            "Died": day(people["died_on"], "%d/%m/%Y"),
            "Station": "Admiral Street",
        }
    )
    nominals.to_csv(folder / "nominals.csv", index=False, encoding="utf-8-sig", lineterminator="\r\n")
    of = world["offence"]
    offences = pd.DataFrame(
        {
            "Case no": of["person_id"],
            "Committed": day(of["offended_on"], "%d %b %Y"),
            "Proven": day(of["proven_on"], "%d %b %Y"),
            "Result": of["outcome"].replace("conviction", "Convicted"),
            "Group": of["offence_group"],
            "Mode": of["severity"],
        }
    )
    offences.to_csv(folder / "offences.csv", index=False)
    book = Workbook()
    sheet = book.active
    sheet.title = "Cover"
    sheet = book.create_sheet("Sentences")
    sheet.append(["CRN", "Sentenced", "Disposal", "Started", "Released", "Offence"])
    for row in world["sentence"].itertuples(index=False):
        cells = list(row)
        for place in (1, 3, 4):
            cells[place] = pd.Timestamp(cells[place]).to_pydatetime() if cells[place] else None
        sheet.append(cells)
    book.save(folder / "probation.xlsx")
    given = world["police_contact"].rename(columns={"person_id": "nominal", "occurred_on": "when"})
    given = given.assign(when=pd.to_datetime(given["when"]))
    with duckdb.connect() as engine:
        engine.register("given", given)
        engine.execute(f"COPY given TO '{folder}/contacts.parquet' (FORMAT parquet)")
    for name in PLAIN:
        world[name].to_csv(folder / f"{name}.csv", index=False)
        numbered = "" if name in ("area", "story") else 'numbering = "case"\n'
        words.append(f'[[source]]\nfile = "{name}.csv"\ntable = "{name}"\n{numbered}[source.columns]')
        words += [f'{column} = "{column}"' for column in world[name].columns]
    for row in world["extract"].itertuples(index=False):
        words.append(f'[[extract]]\nsource = "{row.source}"\ncomplete_to = "{row.complete_to}"\nsynthetic = true')
    place = tmp_path / "map.toml"
    place.write_text("\n".join(words), encoding="utf-8")
    key = tmp_path / "key"
    key.write_text(KEY)
    return Raw(folder, place, key, world)


def add_rows(place: Path, *rows: str) -> None:
    """Put lines at the end of a CSV."""
    with place.open("a", encoding="utf-8", newline="") as file:
        file.write("".join(f"{row}\n" for row in rows))


def shuffle(place: Path, seed: int) -> None:
    """Put the lines below the first of a CSV in another order; no cell of it may hold a line end."""
    lines = place.read_text(encoding="utf-8-sig").splitlines()
    order = np.random.default_rng(seed).permutation(len(lines) - 1) + 1
    place.write_text("\n".join([lines[0], *(lines[at] for at in order)]) + "\n", encoding="utf-8")
