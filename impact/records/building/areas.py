"""The area table, from the published files of lookups, deprivation and population; and crimes by area."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError
from impact.records.tables import DISTRICTS

Place = str | os.PathLike[str]
_LOOKUP = {"LSOA": r"LSOA\d\dCD", "ward": r"WD\d\dNM", "district": r"LAD\d\dNM", "ward code": r"WD\d\dCD"}
OLDEST = 90


def area_table(
    lookup: Place, deprivation: Place, population: Place, *, ages: tuple[int, int] | None = None
) -> pd.DataFrame:
    """The contract's table of areas, from three published files.

    Parameters
    ----------
    lookup : path
        LSOA to ward and local authority (``LSOA11CD, WD17CD, WD17NM, LAD17CD, LAD17NM``; any years).
    deprivation : path
        ``lsoa11_code, IMD_decile, …``: 1 is the most deprived tenth of England.
    population : path
        ``lsoa11_code, total_population, 0, 1, …, 90+``: residents by single year of age.
    ages : tuple of int, optional
        Count residents of these ages alone, both included; 90 stands for 90 and over. By default everyone.

    Returns
    -------
    DataFrame
        ``lsoa, ward, district, imd_decile, population``, sorted. Where two wards of different districts have one name,
        the district stands behind it in brackets.

    Raises
    ------
    InputError
        With every fault: a column missing, an area twice or not in all three files, a district that is not of the
        contract, ages out of range, a total that is not the sum of its ages.
    """
    low, high = (0, OLDEST) if ages is None else ages
    if not 0 <= low <= high <= OLDEST:
        raise InputError(f"ages must be two ages from 0 to {OLDEST}, the lower first.")
    faults: list[Fault] = []
    places, deciles, people = (read_published(place) for place in (lookup, deprivation, population))
    names = {what: _column(places, pattern, "lookup", faults) for what, pattern in _LOOKUP.items()}
    code_two, decile = (_column(deciles, p, "deprivation", faults) for p in (r"lsoa\d\d_code", "IMD_decile"))
    code_three, total = (_column(people, p, "population", faults) for p in (r"lsoa\d\d_code", "total_population"))
    single = [str(age) for age in range(OLDEST)] + [f"{OLDEST}+"]
    for age in single:
        _column(people, age.replace("+", r"\+"), "population", faults)
    if faults:
        raise InputError("The area table cannot be built:", faults)
    places[names["district"]] = places[names["district"]].str.replace(".", "", regex=False)
    keyed = {
        "lookup": places.set_index(names["LSOA"]),
        "deprivation": deciles.set_index(code_two),
        "population": people.set_index(code_three),
    }
    codes = sorted(set().union(*(frame.index for frame in keyed.values())))
    for name, frame in keyed.items():
        twice, lost = int(frame.index.duplicated().sum()), len(set(codes) - set(frame.index))
        if twice:
            faults.append(Fault(f"has {twice:,} areas twice", name, remedy="keep one row an area."))
        if lost:
            faults.append(
                Fault(f"lacks {lost:,} areas that the other files have", name, remedy="cut all to one region.")
            )
    strange = sorted(set(places[names["district"]]) - set(DISTRICTS))
    if strange:
        faults.append(Fault(f"holds districts outside the contract: {', '.join(map(str, strange))}", "lookup"))
    counts = people[single].apply(pd.to_numeric, errors="coerce")
    wrong = int((counts.sum(axis=1) != pd.to_numeric(people[total], errors="coerce")).sum())
    if counts.isna().any(axis=None) or wrong:
        faults.append(Fault(f"has {wrong:,} areas whose ages do not sum to the total", "population"))
    if faults:
        raise InputError("The area table cannot be built:", faults)
    where = keyed["lookup"].loc[codes]
    ward, district = where[names["ward"]], where[names["district"]]
    shared = pd.DataFrame({"ward": ward, "code": where[names["ward code"]]}).groupby("ward")["code"].nunique() > 1
    counts.index = pd.Index(people[code_three])
    return pd.DataFrame(
        {
            "lsoa": codes,
            "ward": np.where(ward.map(shared), ward + " (" + district + ")", ward),
            "district": district.to_numpy(),
            "imd_decile": pd.to_numeric(keyed["deprivation"].loc[codes, decile]).to_numpy(dtype=np.int64),
            "population": counts.loc[codes, single[low : high + 1]].sum(axis=1).to_numpy(dtype=np.int64),
        }
    )


def crimes_by_area(paths: Place | Sequence[Place], areas: pd.DataFrame) -> pd.DataFrame:
    """Recorded crimes by month, area and type, from the monthly files of data.police.uk.

    They show where recorded crime lies and how it moves, for demand by place. Nothing more: each crime stands at one of
    a fixed set of points near where it was, so that small areas take crimes from each other; many are recorded where
    they were reported; a month's file changes afterwards; and no person is in them, so that they can be linked to
    nobody and say nothing of reoffending.

    Parameters
    ----------
    paths : path, or sequence of paths
    areas : DataFrame
        With the column ``lsoa``. Crimes elsewhere, or without a place, are left out and counted in
        ``.attrs["left_out"]``.

    Returns
    -------
    DataFrame
        ``month, lsoa, crime_type, n``, sorted.

    Raises
    ------
    InputError
        Where a column is missing, or one crime stands in two files.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    faults: list[Fault] = []
    frames = []
    for place in given:
        frame = read_published(place)
        for name in ("Month", "LSOA code", "Crime type"):
            _column(frame, name, Path(place).name, faults)
        frames.append(frame)
    if faults or not frames:
        raise InputError("The crimes cannot be counted:", faults or [Fault("no file is given")])
    months = pd.concat([frame[["Month"]].drop_duplicates() for frame in frames])["Month"]
    if months.duplicated().any():
        raise InputError("The crimes cannot be counted: a month stands in more than one file, and would count twice.")
    whole = pd.concat(frames, ignore_index=True)
    inside = whole["LSOA code"].isin(areas["lsoa"])
    kept = whole[inside].rename(columns={"Month": "month", "LSOA code": "lsoa", "Crime type": "crime_type"})
    table = kept.groupby(["month", "lsoa", "crime_type"]).size().rename("n").reset_index()
    table.attrs["left_out"] = int((~inside).sum())
    return table


def read_published(place: Place) -> pd.DataFrame:
    """A published CSV as text, whatever ends its lines (CR alone, LF, or both), with or without a byte order mark.

    Raises
    ------
    InputError
        Where it cannot be read as UTF-8 text of one table.
    """
    name = Path(place).name
    try:
        text = Path(place).read_text(encoding="utf-8-sig")
        return pd.read_csv(
            io.StringIO(text, newline=None), dtype=str, skipinitialspace=True, keep_default_na=False, na_values=[""]
        )
    except (OSError, UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise InputError(f"The file {name} cannot be read as comma-separated text in UTF-8.") from None


def _column(frame: pd.DataFrame, pattern: str, table: str, faults: list[Fault]) -> str:
    """The one column whose name fits; a fault where there is none, or several."""
    found = [str(name) for name in frame.columns if pd.Series([str(name)]).str.fullmatch(pattern).iloc[0]]
    if len(found) != 1:
        faults.append(Fault(f"has {len(found)} columns like {pattern}; one is needed", table))
        return ""
    return found[0]
