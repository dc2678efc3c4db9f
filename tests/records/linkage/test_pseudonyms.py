"""A pseudonym is the same for one person however typed, and neither it nor any message gives the key or a name away."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.errors import InputError
from impact.records.linkage import normal
from impact.records.linkage.keys import Key
from impact.records.linkage.pseudonyms import pseudonymise

SECRET = "zq-secret-0123456789-abcdef"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    place = tmp_path / "key.txt"
    place.write_text(SECRET + "\n")
    return place


@pytest.mark.parametrize(
    ("kind", "forms"),
    [
        ("forename", ["Zoë", " ZOE ", "zoé", "Ms Zoe", "Zoe."]),
        ("surname", ["O'Neill", "ONEILL", "o’neill", "O`Neill"]),
        ("surname", ["Smith-Jones", "smith jones", "SMITH–JONES"]),
        ("surname", ["Łukasiewicz", "LUKASIEWICZ"]),
        ("name", ["Smith, John", "John SMITH", "smith john"]),
        (
            "birth_date",
            [
                "1995-04-12",
                "1995-04-12T00:00:00",
                "12/04/1995",
                "12.4.1995",
                "19950412",
                "12 Apr 1995",
                "12th April 1995",
            ],
        ),
        ("sex", ["F", "female", "2", "Woman"]),
        ("postcode", ["L8 1XE", "l81xe", "L8  1XE ", "L8 IXE".replace("I", "1"), "L8-1XE"]),
        ("police_id", ["95/123456X", "1995/0123456x", "95/0123456 X"]),
        ("email", ["A.B@Example.org", " a.b@example.org"]),
        ("phone", ["0151 496 0000", "+44 151 496 0000", "0044 (0)151 4960000"]),
    ],
)
def test_forms_of_one_thing_are_written_alike(kind: str, forms: list[str]) -> None:
    written = set(normal.written(pd.Series(forms), kind))
    assert len(written) == 1
    assert written != {""}


def test_what_says_nothing_is_nothing() -> None:
    for kind, texts in {
        "forename": ["", "Unknown", "Not known", "unknown.", "N/A", "-", "123"],
        "birth_date": ["", "31/02/1995", "1900-01-01", "1995", "tomorrow", "13/13/1995"],
        "sex": ["", "not known", "9"],
        "police_id": ["", "N/A", "1234567"],
        "email": ["none", "@x.org"],
    }.items():
        assert set(normal.written(pd.Series(texts), kind)) == {""}, kind


def test_dates_and_numbers_of_any_type_are_written_alike() -> None:
    assert normal.written(pd.Series(pd.to_datetime(["1995-04-12", None])), "birth_date").tolist() == ["1995-04-12", ""]
    assert normal.written(pd.Series([19950412, 19950413]), "birth_date").tolist() == ["1995-04-12", "1995-04-13"]
    assert normal.written(pd.Series([19950412.0, None]), "birth_date").tolist() == ["1995-04-12", ""]


@given(st.text(max_size=20))
def test_writing_twice_changes_nothing(text: str) -> None:
    for kind, form in normal.NORMAL.items():
        assert form(form(text)) == form(text), kind


def test_swapped_names_and_typing_give_one_pseudonym(key: Path) -> None:
    frame = pd.DataFrame(
        {
            "first": ["Zoë", "O'Neill", "zoe"],
            "last": ["O'Neill", "ZOE", "oneil"],
            "dob": ["12/04/1995", "1995-04-12", "12/04/1995"],
            "visits": [1, 2, 3],
        }
    )
    identifiers = {"forename": "first", "surname": "last", "birth_date": "dob"}
    out = pseudonymise(frame, key=key, identifiers=identifiers)
    assert list(out.columns) == ["person_id", "visits"]
    assert out["person_id"][0] == out["person_id"][1] != out["person_id"][2]
    assert out["person_id"].str.fullmatch(r"P[0-9a-f]{24}").all()
    assert list(frame.columns) == ["first", "last", "dob", "visits"]


def test_the_pseudonym_is_the_keyed_hash_that_the_documents_state(key: Path) -> None:
    out = pseudonymise(pd.DataFrame({"number": ["A 1"]}), key=key, identifiers=["number"])
    root = hashlib.blake2b(SECRET.encode(), person=b"impact key 1").digest()
    person = hashlib.blake2b(b"pseudonym", digest_size=16).digest()
    plain = hashlib.blake2b(b"number\x1fa1", key=root, person=person, digest_size=12).hexdigest()
    assert out["person_id"].tolist() == ["P" + plain]


def test_keys_and_purposes_part_the_pseudonyms(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"number": ["A1"]})
    other = tmp_path / "other"
    other.write_text("another-secret-0123456789")
    monkeypatch.setenv("ZQ_KEY", SECRET)
    one, two, three = (
        pseudonymise(frame, key=k, identifiers=["number"])["person_id"][0] for k in (key, other, "env:ZQ_KEY")
    )
    assert one == three != two
    assert Key(key).digest("a", "x", 8) != Key(key).digest("b", "x", 8)


def test_the_key_never_shows(key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = Key(key)
    said = [repr(held), str(held), f"{held}"]
    for wrong in (SECRET, SECRET.encode(), str(tmp_path), "env:ZQ_NOT_SET", "\0"):
        with pytest.raises(InputError) as caught:
            Key(wrong)  # type: ignore[arg-type]
        said.append(str(caught.value))
        assert caught.value.__cause__ is None
    weak = tmp_path / "weak"
    for text in ("zqweak", "a" * 40):
        weak.write_text(text)
        with pytest.raises(InputError, match="too short or too plain") as caught:
            Key(weak)
        assert text not in str(caught.value)
    with pytest.raises(InputError, match="never written"):
        pickle.dumps(held)
    assert not any(SECRET in text for text in [*said, *capsys.readouterr()])
    assert not hasattr(held, "__dict__")


def test_gaps_are_refused_with_rows_and_without_values(key: Path) -> None:
    frame = pd.DataFrame({"forename": ["Zqname", ""], "birth_date": ["31/02/1995", "1995-04-12"]})
    with pytest.raises(InputError) as caught:
        pseudonymise(frame, key=key, identifiers=["forename", "birth_date"])
    said = str(caught.value)
    assert "column forename: is empty or cannot be read as forename (1 row: 2)" in said
    assert "column birth_date: is empty or cannot be read as birth_date (1 row: 1)" in said
    assert "Zqname" not in said
    assert "1995" not in said


def test_identifiers_that_would_stay_are_refused(key: Path) -> None:
    frame = pd.DataFrame({"number": ["A1", "A2"], "Surname": ["x", "y"], "note": ["rang 07700 900123", ""]})
    with pytest.raises(InputError) as caught:
        pseudonymise(frame, key=key, identifiers=["number"])
    assert "looks by its header like a name" in str(caught.value)
    assert "holds a telephone number (1 row: 1)" in str(caught.value)
    assert "900123" not in str(caught.value)


@pytest.mark.parametrize("identifiers", [[], "number", ["shoe_size"], {"number": "nowhere"}])
def test_wrong_identifiers_are_refused(key: Path, identifiers: object) -> None:
    with pytest.raises(InputError):
        pseudonymise(pd.DataFrame({"number": ["A1"]}), key=key, identifiers=identifiers)  # type: ignore[arg-type]


def test_a_person_id_is_not_overwritten(key: Path) -> None:
    frame = pd.DataFrame({"person_id": ["a"], "number": ["b"]})
    with pytest.raises(InputError, match="is there already"):
        pseudonymise(frame, key=key, identifiers=["number"])
    assert list(pseudonymise(frame[["person_id"]], key=key, identifiers={"number": "person_id"}).columns) == [
        "person_id"
    ]


def test_short_names_that_together_spell_a_word_for_nobody_are_names(key: Path) -> None:
    frame = pd.DataFrame({"forename": ["An", "X", "Te"], "surname": ["On", "X", "St"], "birth_date": "1995-04-12"})
    out = pseudonymise(frame, key=key, identifiers=["forename", "surname", "birth_date"])
    assert out["person_id"].is_unique
    swapped = frame.rename(columns={"forename": "surname", "surname": "forename"})
    again = pseudonymise(swapped, key=key, identifiers=["forename", "surname", "birth_date"])
    assert again["person_id"].tolist() == out["person_id"].tolist()


def test_a_forename_that_is_a_title_is_no_title(key: Path) -> None:
    frame = pd.DataFrame({"forename": ["Lady", "Sir", "Smith"], "surname": ["Smith", "Smith", "Lady"], "sex": "f"})
    out = pseudonymise(frame, key=key, identifiers=["forename", "surname", "sex"])["person_id"]
    assert out[0] == out[2] != out[1]


def test_a_name_that_may_stand_for_none_is_refused(key: Path) -> None:
    frame = pd.DataFrame({"forename": ["Wren", "Zed"], "surname": ["Vale", "NULL"]})
    with pytest.raises(InputError, match=r"column surname: reads Na, Nil, None or Null.* \(1 row: 2\)"):
        pseudonymise(frame, key=key, identifiers=["forename", "surname"])
    assert normal.written(frame["surname"], "surname").tolist() == ["vale", "null"]
