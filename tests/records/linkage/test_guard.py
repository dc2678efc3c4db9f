"""The guard finds direct identifiers by header and by content, and leaves the contract's own tables alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.records.linkage.guard import direct_identifiers, is_health_number
from impact.records.tables import TABLES


@pytest.mark.parametrize(
    "header",
    [
        "name", "First Name", "SURNAME", "lastName", "known_names", "Alias", "address", "Address Line 1", "postcode",
        "Post Code", "NHS number", "nhs_no", "PNCID", "pnc_id", "CRO number", "NOMIS id", "NINO", "E-mail",
        "email address", "phone", "Mobile No", "telephone_number", "initials", "next of kin",
    ],
)  # fmt: skip
def test_headers(header: str) -> None:
    (fault,) = direct_identifiers(pd.DataFrame({header: ["x"]}), "t")
    assert "looks by its header like" in fault.problem


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("write to zq@example.org please", "an e-mail address"),
        ("0151 496 0000", "a telephone number"),
        ("mob 07700-900123.", "a telephone number"),
        ("+44 7700 900123", "a telephone number"),
        ("lives at L8 1XE now", "a full postcode"),
        ("CH41 2AB", "a full postcode"),
        ("l81xe", "a full postcode"),
        ("PNC 95/123456X", "a police number"),
        ("1995/0123456X", "a police number"),
        ("A1234BC", "a prison number"),
        ("QQ 12 34 56 C".replace("QQ", "AB"), "a National Insurance number"),
    ],
)
def test_content_in_one_cell_of_many(text: str, what: str) -> None:
    cells = ["came", None, "2023-01-10", "E01006512"] * 20 + [text]
    (fault,) = direct_identifiers(pd.DataFrame({"note": cells}), "t")
    assert fault.problem == f"holds {what}"
    assert (fault.rows, fault.count) == ((81,), 1)
    assert text not in str(fault)


def test_columns_of_names_and_numbers() -> None:
    valid = [number for number in range(9_434_765_900, 9_434_766_900) if is_health_number(str(number))][:4]
    frame = pd.DataFrame(
        {
            "a": ["John Smith", "Kate Kelly", "Bob Jones", "Zqxv Wrtx"],
            "b": ["john", "kate", "robert", "kathy"],
            "c": valid,
            "d": [7700900123, 7700900124, 7700900125, 7700900126],
            "e": [f"{str(n)[:3]} {str(n)[3:6]} {str(n)[6:]}" for n in valid],
        }
    )
    found = {fault.column: fault.problem for fault in direct_identifiers(frame, "t")}
    assert found["a"] == found["b"] == "holds names of people"
    assert found["d"] == "holds a telephone number"
    assert found["c"] == found["e"] == "holds a number of the health service"


@pytest.mark.parametrize(
    "cells",
    [
        ["2023-01-10", "2023-12-31"], ["E01006512", "S01000001"], ["P0000001", "P3fa9c0de11223344556677aa"],
        ["OCN level 2", "11+ GCSEs"], ["L8", "CH41"], ["homelessness_star", "probation_needs"], ["12:30", "07:15"],
        ["2023-Q1", "2024-Q4"], ["St Michaels", "Princes Park", "Kensington and Fairfield"], ["0.123456789", "3.14"],
        ["0000001", "0000002"], ["Clayton", "Warbreck", "Everton", "Anfield"],
    ],
)  # fmt: skip
def test_what_is_no_identifier_is_let_pass(cells: list[str]) -> None:
    assert direct_identifiers(pd.DataFrame({"cell": cells}), "t") == []


def test_no_false_alarm_on_the_contracts_own_tables(root: Path) -> None:
    columns = alarms = 0
    for table in TABLES:
        frame = pd.read_csv(root / "data_synthetic" / f"{table.name}.csv", dtype=str)
        columns += frame.shape[1]
        alarms += len(direct_identifiers(frame, table.name))
    assert columns > 55
    assert alarms == 0


def test_no_false_alarm_on_the_real_areas(shared: Path) -> None:
    place = shared / "data" / "uk" / "merseyside_lsoa11_ward17_lad17_lookup.csv"
    if not place.is_file():
        pytest.skip("the areas of Merseyside are not on this machine")
    assert direct_identifiers(pd.read_csv(place), "area") == []


def test_the_check_digit_lets_one_random_number_in_eleven_pass() -> None:
    digits = np.random.default_rng(1).integers(0, 10**10, 20_000)
    share = np.mean([is_health_number(f"{number:010d}") for number in digits])
    assert abs(share - 1 / 11) < 0.01
    assert direct_identifiers(pd.DataFrame({"n": digits}), "t") == []
