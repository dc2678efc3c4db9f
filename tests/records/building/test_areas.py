"""The area table from the real files of Merseyside, and what is wrong with files that are not like them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impact.errors import InputError
from impact.records.building.areas import area_table, crimes_by_area, read_published

FILES = (
    "merseyside_lsoa11_ward17_lad17_lookup.csv",
    "merseyside_imd2019_lsoa11.csv",
    "merseyside_population_mid2020_lsoa11_syoa.csv",
)
CRIMES = "police-uk-2014-04-merseyside-street.csv"


@pytest.fixture(scope="module")
def uk(shared: Path) -> Path:
    folder = shared / "data" / "uk"
    if not all((folder / name).is_file() for name in (*FILES, CRIMES)):
        pytest.skip("the files of Merseyside's areas are not on this machine")
    return folder


@pytest.fixture(scope="module")
def areas(uk: Path) -> pd.DataFrame:
    return area_table(*(uk / name for name in FILES))


def test_merseyside_is_whole(areas: pd.DataFrame, uk: Path) -> None:
    assert len(areas) == areas["lsoa"].nunique() == 910
    assert areas[["ward", "district"]].drop_duplicates().shape[0] == areas["ward"].nunique() == 105
    assert sorted(areas["district"].unique()) == ["Knowsley", "Liverpool", "Sefton", "St Helens", "Wirral"]
    assert areas["imd_decile"].between(1, 10).all()
    total = pd.to_numeric(pd.read_csv(uk / FILES[2])["total_population"]).sum()
    assert areas["population"].sum() == total


def test_ages_part_the_population(areas: pd.DataFrame, uk: Path) -> None:
    places = [uk / name for name in FILES]
    young, old = area_table(*places, ages=(0, 17)), area_table(*places, ages=(18, 90))
    assert (young["population"] + old["population"] == areas["population"]).all()
    assert area_table(*places, ages=(90, 90))["population"].sum() > 0


def test_crimes_by_area(areas: pd.DataFrame, uk: Path) -> None:
    lines = len(read_published(uk / CRIMES))
    table = crimes_by_area(uk / CRIMES, areas)
    assert table["n"].sum() + table.attrs["left_out"] == lines
    assert table["lsoa"].isin(areas["lsoa"]).all()
    assert set(table["month"]) == {"2014-04"}
    with pytest.raises(InputError, match="count twice"):
        crimes_by_area([uk / CRIMES, uk / CRIMES], areas)


def tiny(folder: Path, ending: str = "\n") -> list[Path]:
    ages = [str(age) for age in range(90)] + ["90+"]
    texts = (
        ["LSOA11CD,WD17CD,WD17NM,LAD17CD,LAD17NM", "E1,W1,Park,D1,Wirral", "E2,W2,Park,D2,Sefton"],
        ["lsoa11_code,IMD_decile", "E1,1", "E2,10"],
        [
            ",".join(["lsoa11_code", "total_population", *ages]),
            "E1,91," + ",".join(["1"] * 91),
            "E2,182," + ",".join(["2"] * 91),
        ],
    )
    places = []
    for name, lines in zip("abc", texts, strict=True):
        place = folder / f"{name}.csv"
        place.write_bytes((ending.join(lines) + ending).encode("utf-8-sig"))
        places.append(place)
    return places


@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n"])
def test_any_line_end_is_read_and_wards_of_one_name_are_told_apart(tmp_path: Path, ending: str) -> None:
    table = area_table(*tiny(tmp_path, ending))
    assert table["ward"].tolist() == ["Park (Wirral)", "Park (Sefton)"]
    assert table["population"].tolist() == [91, 182]


def test_every_fault_is_named(tmp_path: Path) -> None:
    places = tiny(tmp_path)
    places[0].write_text("LSOA11CD,WD17CD,WD17NM,LAD17CD,LAD17NM\nE1,W1,Park,D1,Leeds\nE1,W1,Park,D1,Leeds\n")
    with pytest.raises(InputError) as caught:
        area_table(*places)
    for words in ("has 1 areas twice", "lacks 1 areas", "outside the contract: Leeds"):
        assert words in str(caught.value)
    places[1].write_text("code,IMD_decile\nE1,1\n")
    with pytest.raises(InputError, match="has 0 columns like"):
        area_table(*places)
    with pytest.raises(InputError, match="ages must be"):
        area_table(*places, ages=(30, 20))
    with pytest.raises(InputError, match="cannot be read"):
        read_published(tmp_path)
