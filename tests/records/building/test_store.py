"""From extracts in other words to the world they were made from, less the rows that a named rule dropped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook

import impact as im
from impact.cli import run
from impact.errors import DefinitionError, InputError, RecordsError
from impact.records.building.rows import _cell
from impact.records.building.store import Linkage, linkage_of
from impact.records.linkage.keys import Key
from impact.records.tables import TABLES, Column, Kind
from tests.records.building.conftest import Raw, add_rows, shuffle
from tests.records.linkage.conftest import people


def build(raw: Raw, out: Path) -> im.records.BuiltStore:
    return im.build_store(raw.folder, out, map=raw.map, key=raw.key)


def pseudonym(raw: Raw, number: str, numbering: str = "case") -> str:
    return "P" + Key(raw.key).digest("person of a store", f"{numbering}\x1f{number}", 12).hex()


def expected(raw: Raw, name: str) -> pd.DataFrame:
    """The world's table with the pseudonyms in the place of its numbers, in order."""
    frame = raw.world[name].copy()
    for column in ("person_id", "related_id"):
        if column in frame:
            frame[column] = [pseudonym(raw, number) for number in frame[column]]
    return in_order(frame)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns)).reset_index(drop=True)


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame(index=frame.index)
    for name in frame:
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            column = column.dt.strftime("%Y-%m-%d")
        elif column.dtype == bool:
            column = column.map({True: "true", False: "false"})
        elif column.dtype == float:
            column = column.map(lambda value: f"{value:g}")
        out[name] = column.astype(object).where(column.notna(), "").astype(str)
    return in_order(out)


def held_to_world(raw: Raw, store: Path) -> None:
    linked = im.read_linked(store)
    for table in TABLES:
        want = expected(raw, table.name)
        for column in table.columns:
            if column.kind == "number":
                want[column.name] = want[column.name].map(lambda value: f"{float(value):g}")
        pd.testing.assert_frame_equal(
            as_text(linked.table(table.name)), in_order(want), check_dtype=False, obj=table.name
        )


def test_the_store_is_the_world(raw: Raw, tmp_path: Path) -> None:
    built = build(raw, tmp_path / "store")
    held_to_world(raw, tmp_path / "store")
    assert built.digest == im.read_linked(tmp_path / "store").digest
    assert built.dropped.empty
    assert (built.sources["rows_read"] == built.sources["rows_kept"]).all()
    assert built.sources.set_index("file").loc["nominals.csv", "columns_not_used"] == 1


def test_bad_rows_are_dropped_by_rule_and_counted(raw: Raw, tmp_path: Path) -> None:
    someone = raw.world["custody"]["person_id"].iloc[0]
    add_rows(
        raw.folder / "offences.csv",
        ",01 Jan 2022,,pending,theft,summary",
        f"{someone},2022/01/01,,pending,theft,summary",
        f"{someone},31 Feb 2022,,pending,theft,summary",
        f"{someone},01 Jan 2022,,perhaps,theft,summary",
        f"{someone},02 Jan 2022,01 Jan 2022,Convicted,theft,summary",
        "NOBODY,01 Jan 2022,,pending,theft,summary",
        ",,,,,",
    )
    first = ",".join(raw.world["custody"].iloc[0])
    add_rows(raw.folder / "custody.csv", first, first)
    add_rows(raw.folder / "nominals.csv", "white,LONELY,M,01/02/1990,1990-02,,,")
    built = build(raw, tmp_path / "store")
    held_to_world(raw, tmp_path / "store")
    counts = {(row.file, row.rule): row.n for row in built.dropped.itertuples()}
    assert counts == {
        ("offences.csv", "no-person"): 1,
        ("offences.csv", "unreadable"): 2,
        ("offences.csv", "not-allowed"): 1,
        ("offences.csv", "contradicts"): 1,
        ("offences.csv", "not-in-person"): 1,
        ("offences.csv", "blank"): 1,
        ("custody.csv", "repeated"): 2,
        ("nominals.csv", "alone"): 1,
    }
    row = built.sources.set_index("file").loc["offences.csv"]
    assert row["rows_read"] - row["rows_kept"] == row["rows_dropped"] == 7
    held = json.loads((tmp_path / "store" / "provenance.json").read_text(encoding="utf-8"))
    assert held["sources"] == built.sources.to_dict("records")
    assert held["map"]["sha256"] == hashlib.sha256(raw.map.read_bytes()).hexdigest()
    sha = hashlib.sha256((raw.folder / "offences.csv").read_bytes()).hexdigest()
    assert row["sha256"] == sha
    assert str(tmp_path) not in json.dumps(held)


def test_a_rule_that_the_map_does_not_list_refuses_the_store(raw: Raw, tmp_path: Path) -> None:
    raw.map.write_text(
        raw.map.read_text(encoding="utf-8").replace('"unreadable", "not-allowed", ', ""), encoding="utf-8"
    )
    n = len(raw.world["offence"])
    add_rows(
        raw.folder / "offences.csv", "ZQ9,2022/01/01,,pending,theft,summary", "ZQ9,01 Jan 2022,,perhaps,theft,summary"
    )
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RecordsError) as caught:
        build(raw, tmp_path / "store")
    (one, two) = caught.value.faults
    assert (one.table, one.column, one.rows, one.count) == ("offences.csv", "Committed", (n + 1,), 1)
    assert (two.column, two.rows) == ("Result", (n + 2,))
    assert '"unreadable"' in one.remedy
    assert "perhaps" not in str(caught.value)
    assert "ZQ9" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_the_same_bytes_twice_and_in_any_order_of_rows(raw: Raw, tmp_path: Path) -> None:
    build(raw, tmp_path / "one")
    build(raw, tmp_path / "two")
    for name in ("nominals", "offences", "custody", "assessment"):
        shuffle(raw.folder / f"{name}.csv", 3)
    build(raw, tmp_path / "three")
    names = sorted(place.name for place in (tmp_path / "one").iterdir())
    assert len(names) == len(TABLES) + 1
    for name in names:
        bytes_of = [(tmp_path / which / name).read_bytes() for which in ("one", "two", "three")]
        assert bytes_of[0] == bytes_of[1]
        if name != "provenance.json":
            assert bytes_of[0] == bytes_of[2]


def test_every_mistake_of_a_map_at_once(raw: Raw, tmp_path: Path) -> None:
    raw.map.write_text(
        """
drop = ["everything"]
[link]
threshold = 0.9
[[source]]
file = "../nominals.csv"
table = "person"
numbering = "case"
date_formats = ["%d/%m/%y"]
shoe = 1
[source.columns]
person_id = "Case no"
colour = "Hair"
ethnicity = "Ethnic group"
[source.constants]
ethnicity = "white"
sex = "M"
[source.values.sex]
M = "man"
[[extract]]
source = "police"
complete_to = "31/12/2023"
synthetic = true
""",
        encoding="utf-8",
    )
    with pytest.raises(DefinitionError) as caught:
        build(raw, tmp_path / "store")
    text = str(caught.value)
    for words in (
        "unknown words: everything", "link has nothing to link by", "is a path", "no date can be read",
        "shoe is unknown",
        "names colour", "gives ethnicity, which [columns] gives too", "gives sex a value", "makes sex man",
        "complete_to is not a date",
    ):  # fmt: skip
        assert words in text, words


def test_every_fault_of_the_sources_at_once(raw: Raw, tmp_path: Path) -> None:
    (raw.folder / "contacts.parquet").write_bytes(b"PAR1 no more")
    (raw.folder / "custody.csv").unlink()
    text = (raw.folder / "need.csv").read_text(encoding="utf-8")
    (raw.folder / "need.csv").write_text(text.replace("met_on", "metto", 1), encoding="utf-8")
    add_rows(raw.folder / "story.csv", "too,few")
    with pytest.raises(RecordsError) as caught:
        build(raw, tmp_path / "store")
    assert {fault.table for fault in caught.value.faults} == {
        "contacts.parquet",
        "custody.csv",
        "need.csv",
        "story.csv",
    }
    assert not (tmp_path / "store").exists()


def test_the_guard_names_the_columns_and_nothing_is_written(raw: Raw, tmp_path: Path) -> None:
    place = raw.folder / "participation.csv"
    frame = pd.read_csv(place, dtype=str, keep_default_na=False)
    names = ["John Smith", "Kate Kelly", "Bob Jones"]
    frame["qualification"] = [names[row % 3] for row in range(len(frame))]
    frame.to_csv(place, index=False)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RecordsError, match="participation, column qualification: holds names of people") as caught:
        build(raw, tmp_path / "store")
    assert "Smith" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_left_when_the_end_goes_wrong(raw: Raw, tmp_path: Path) -> None:
    text = raw.map.read_text(encoding="utf-8").replace('"repeated", ', "")
    raw.map.write_text(text, encoding="utf-8")
    row = raw.world["custody"].iloc[0]
    add_rows(raw.folder / "custody.csv", ",".join([row["person_id"], row["entered_on"], row["left_on"], "other"]))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RecordsError, match="would break the contract"):
        build(raw, tmp_path / "store")
    assert sorted(tmp_path.iterdir()) == before


def test_no_key_and_a_store_that_is_there_are_refused(raw: Raw, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="key"):
        im.build_store(raw.folder, tmp_path / "store", map=raw.map, key=tmp_path / "nowhere")
    with pytest.raises(InputError, match="is there already"):
        im.build_store(raw.folder, raw.folder, map=raw.map, key=raw.key)


def test_the_command(raw: Raw, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["build", str(raw.folder), str(tmp_path / "store"), "--map", str(raw.map), "--key"]
    assert run([*arguments, str(raw.key)]) == 0
    assert "offences.csv to offence" in capsys.readouterr().out
    assert run([*arguments, str(raw.key)]) == 2
    assert "is there already" in capsys.readouterr().err


def two_sources(folder: Path, *, link: str) -> Path:
    """Forty people of police and of a charity, each with numbers of its own; a map that reads them."""
    left, right, _ = people(40, seed=8)
    folder.mkdir()
    for frame, name in ((left, "police"), (right, "charity")):
        frame.assign(ethnicity="white", on="2023-01-02").to_csv(folder / f"{name}.csv", index=False)
    sources = "\n".join(
        f"""
[[source]]
file = "{name}.csv"
table = "{table}"
numbering = "{name}"
[source.columns]
person_id = "record_id"
{columns}
[source.constants]
{constants}
{IDENTIFIERS if link and table == "person" else ""}"""
        for name in ("police", "charity")
        for table, columns, constants in (
            ("person", 'sex = "sex"\nbirth_date = "birth_date"\nethnicity = "ethnicity"', ""),
            ("police_contact", 'occurred_on = "on"', 'role = "victim"'),
        )
    )
    extract = '[[extract]]\nsource = "police"\ncomplete_to = "2023-12-31"\nsynthetic = true\n'
    place = folder.parent / f"{folder.name}.toml"
    place.write_text(f"{link}\n{sources}\n{extract}", encoding="utf-8")
    return place


IDENTIFIERS = "[source.identifiers]\n" + "\n".join(
    f'{kind} = "{kind}"' for kind in ("forename", "surname", "birth_date", "sex", "postcode", "police_id")
)


def test_people_are_linked_across_sources_as_link_links_them(raw: Raw, tmp_path: Path) -> None:
    with_link = two_sources(tmp_path / "linked", link="[link]\nthreshold = 0.9")
    without = two_sources(tmp_path / "apart", link="")
    built = im.build_store(tmp_path / "linked", tmp_path / "store", map=with_link, key=raw.key)
    apart = im.build_store(tmp_path / "apart", tmp_path / "store_apart", map=without, key=raw.key)
    left, right, truth = people(40, seed=8)
    whole = pd.concat([left, right])
    fields = {kind: kind for kind in ("forename", "surname", "birth_date", "sex", "postcode", "police_id")}
    clusters = im.link(whole, fields=fields, threshold=0.9).clusters
    assert len(im.read_linked(tmp_path / "store").table("person")) == clusters["person_id"].nunique()
    assert abs(clusters["person_id"].nunique() - (80 - len(truth))) <= 3
    assert len(im.read_linked(tmp_path / "store_apart").table("person")) == 80
    contacts = im.read_linked(tmp_path / "store").table("police_contact")
    assert len(contacts) == 80
    joined = built.dropped[built.dropped["rule"] == "same person"]["n"].sum()
    assert joined == 80 - clusters["person_id"].nunique()
    assert apart.dropped.empty
    steps = built.linkage.set_index("step")["n"]
    assert steps["numbers of people in the sources"] == 80
    assert steps["people"] == clusters["person_id"].nunique()
    assert steps["links by rule"] + steps["links by the model"] >= len(truth) - 3
    assert any("disagree on birth_date" in note for note in built.notes)
    told = linkage_of(tmp_path / "store")
    assert told == Linkage(0.9, tuple(steps.items()))
    assert linkage_of(tmp_path / "linked") is None
    (tmp_path / "store" / "provenance.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="build the store again"):
        linkage_of(tmp_path / "store")


def test_the_first_source_in_the_map_is_believed(raw: Raw, tmp_path: Path) -> None:
    add_rows(raw.folder / "nominals.csv", "")
    first = raw.world["person"].iloc[0]
    last = pd.Timestamp(raw.world["extract"]["complete_to"].min())
    text = raw.map.read_text(encoding="utf-8")
    start, end = text.index("[[source]]"), text.index("[[source]]", text.index("[[source]]") + 1)
    again = text[start:end].replace("nominals.csv", "second.csv")
    raw.map.write_text(text + "\n" + again, encoding="utf-8")
    header = (raw.folder / "nominals.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    (raw.folder / "second.csv").write_text(
        f"{header}\nother,{first['person_id']},F,05/05/1950,1950-05,,{last:%d/%m/%Y},here\n", encoding="utf-8"
    )
    built = build(raw, tmp_path / "store")
    row = (
        im.read_linked(tmp_path / "store")
        .table("person")
        .set_index("person_id")
        .loc[pseudonym(raw, first["person_id"])]
    )
    for name in ("sex", "ethnicity", "lsoa"):
        assert row[name] == (first[name] if first[name] not in ("", "unknown") else row[name])
    assert str(row["birth_date"])[:10] == first["birth_date"]
    assert any("disagree on birth_date for 1 people" in note for note in built.notes)
    # What the first does not know the second may tell.
    assert str(row["died_on"])[:10] == (first["died_on"] or f"{last:%Y-%m-%d}")
    assert built.dropped.set_index("rule").loc["same person", "n"] == 1


@pytest.mark.parametrize("programme", ["pops", "further"])
def test_a_return_that_passes_its_check_needs_no_map_of_columns(
    raw: Raw, tmp_path: Path, root: Path, programme: str
) -> None:
    definitions = tmp_path / "definitions"
    definitions.mkdir()
    known = (root / "impact" / "definitions" / "pops.toml").read_text(encoding="utf-8")
    (definitions / "further.toml").write_text(known, encoding="utf-8")
    how: dict[str, Any] = {"map": tmp_path / "returns.toml", "key": raw.key, "definitions": definitions}
    book = Workbook()
    book.remove(book.active)
    for name, rows in {
        "person": ["C1,male,1995-04-12,,white,,", "C2,female,,1990-11,black,,"],
        "referral": [
            f"C1,{programme},2023-01-10,prison,accepted,2023-01-20,",
            f"C2,{programme},2023-02-01,self,waiting,,",
        ],
    }.items():
        sheet = book.create_sheet(name)
        (table,) = [table for table in TABLES if table.name == name]
        sheet.append([column.name for column in table.columns])
        for row in rows:
            sheet.append([cell or None for cell in row.split(",")])
    folder = tmp_path / "returns"
    folder.mkdir()
    book.save(folder / "pops.xlsx")
    text = f'[[return]]\nfile = "pops.xlsx"\nprogramme = "{programme}"\nnumbering = "pops"\n'
    extract = '[[extract]]\nsource = "programmes"\ncomplete_to = "2023-12-31"\nsynthetic = true\n'
    how["map"].write_text(text + extract, encoding="utf-8")
    built = im.build_store(folder, tmp_path / "store", **how)
    assert built.sources["rows_kept"].tolist() == [2, 2]
    found = im.read_linked(tmp_path / "store", definitions=definitions).table("referral")
    assert set(found["person_id"]) == {pseudonym(raw, number, "pops") for number in ("C1", "C2")}
    book["referral"].insert_rows(1)
    book["referral"]["A1"] = "Referrals of the year"
    book.save(folder / "pops.xlsx")
    with pytest.raises(RecordsError, match="column names in the first row of referral"):
        im.build_store(folder, tmp_path / "again", **how)
    book["referral"].delete_rows(1)
    book["referral"]["D2"] = "the moon"
    book.save(folder / "pops.xlsx")
    with pytest.raises(RecordsError, match="does not pass its check"):
        im.build_store(folder, tmp_path / "again", **how)


@pytest.mark.parametrize(
    ("kind", "text", "want"),
    [
        ("date", "05/04/2023", "2023-04-05"), ("date", "05-04-2023", ""), ("date", "05/04/23", ""),
        ("month", "05/04/2023", "2023-04"), ("month", "2023-04", "2023-04"), ("month", "2023-13", ""),
        ("whole", "3.0", "3"), ("whole", "3.5", ""), ("whole", "1e400", ""), ("whole", "three", ""),
        ("number", "-3.50", "-3.5"), ("number", "nan", ""), ("number", "1,000", ""),
        ("flag", "TRUE", "true"), ("flag", "yes", ""),
    ],
)  # fmt: skip
def test_cells(kind: Kind, text: str, want: str) -> None:
    new, rule = _cell(Column("x", kind, "x"), text, ("%d/%m/%Y",))
    assert (new, rule) == (want, "" if want else "unreadable")
