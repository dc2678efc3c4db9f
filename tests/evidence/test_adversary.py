"""A reader with linear programming and every published total cannot narrow a hidden count below the rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy

from impact.errors import DisclosureError, InputError
from impact.evidence import Rules, default_rules, protect

RULES = default_rules()
TABLES = 1000


def random_table(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, str]]:
    """Wards (in districts, for two tables in three) by kind, all totals beside them; small counts are common."""
    wards, kinds = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    size = rng.choice([4.0, 12.0, 30.0], size=(wards, kinds))
    inner = pd.DataFrame(rng.poisson(size), index=[f"ward {n}" for n in range(wards)])
    inner.columns = [f"kind {n}" for n in range(kinds)]
    within = {}
    if wards > 2 and rng.random() < 2 / 3:
        within = {ward: f"district {int(n >= wards // 2)}" for n, ward in enumerate(inner.index)}
    above = inner.groupby(within).sum() if within else inner.iloc[:0]
    table = pd.concat([inner, above, inner.sum().to_frame("all").T])
    table["all"] = table.sum(axis=1)
    return table, within


def reader(texts: pd.DataFrame, within: dict[str, str], rules: Rules) -> dict[tuple[str, str], tuple[float, float]]:
    """The range of each hidden count, in terms of the inner counts alone: every total is a sum of them between limits.

    Written apart from the library: no list of sums, no network, the limits of each text from the words of the rules.
    """
    inner = [(row, column) for row in texts.index if row.startswith("ward") for column in texts.columns[:-1]]
    width, matrix, limits = len(inner), [], []
    for row in texts.index:
        for column in texts.columns:
            parts = [
                1.0 if row in (ward, within.get(ward), "all") and column in (kind, "all") else 0.0
                for ward, kind in inner
            ]
            matrix.append(parts)
            text = texts.loc[row, column]
            if text.startswith("fewer"):
                limits.append((0, rules.minimum - 1))
            elif text == "not shown":
                limits.append((rules.minimum, 5000))
            else:
                shown = int(text.replace(",", ""))
                limits.append((max(shown - 2, rules.minimum), shown + 2))
    cells = np.array(matrix)
    low, high = np.array(limits, dtype=float).T
    hidden = [at for at, text in enumerate(texts.to_numpy().ravel()) if text.startswith("fewer")]
    if not hidden:
        return {}
    blocks = 2 * len(hidden)
    aims = np.concatenate([*(cells[at] for at in hidden), *(-cells[at] for at in hidden)])
    both = scipy.sparse.kron(scipy.sparse.eye_array(blocks), np.vstack([cells, -cells]), format="csr")
    result = scipy.optimize.linprog(
        aims, A_ub=both, b_ub=np.tile(np.concatenate([high, -low]), blocks), bounds=(0, None), method="highs"
    )
    assert result.status == 0
    values = (aims * result.x).reshape(blocks, width).sum(axis=1)
    places = [(texts.index[at // texts.shape[1]], texts.columns[at % texts.shape[1]]) for at in hidden]
    return {place: (values[n], -values[n + len(hidden)]) for n, place in enumerate(places)}


def attack(seed: int, tables: int) -> dict[str, int]:
    """Protect random tables and count what the reader finds."""
    rng = np.random.default_rng(seed)
    found = {"safe": 0, "refused": 0, "hidden": 0, "withheld": 0, "narrow": 0}
    for _ in range(tables):
        table, within = random_table(rng)
        try:
            texts = protect(table, total_row="all", total_column="all", within=within).table
        except DisclosureError:
            found["refused"] += 1
            continue
        found["safe"] += 1
        found["withheld"] += int((texts == "not shown").to_numpy().sum())
        for place, (low, high) in reader(texts, within, RULES).items():
            assert low - 1e-6 <= table.loc[place] <= high + 1e-6
            found["hidden"] += 1
            found["narrow"] += round(high) - round(low) + 1 < RULES.width
    return found


def test_the_reader_finds_no_narrow_count_in_a_thousand_random_tables() -> None:
    found = attack(2022, TABLES)
    assert found["narrow"] == 0, found
    assert found["safe"] > 0.8 * TABLES, found
    assert found["hidden"] > 3 * TABLES, found
    assert found["withheld"] > TABLES // 4, found


def test_the_reader_would_find_many_if_nothing_were_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impact.evidence.disclosure.withhold", lambda *_, **__: [])
    assert attack(2022, 60)["narrow"] > 20


def test_a_ward_is_not_given_away_by_its_district() -> None:
    table = pd.DataFrame(
        {"people": [3, 40, 43, 60, 60, 103]}, index=["Anfield", "Everton", "Liverpool", "Bootle", "Sefton", "all"]
    )
    within = {"Anfield": "Liverpool", "Everton": "Liverpool", "Bootle": "Sefton"}
    alone = protect(table, total_row="all", within=within)
    assert alone.table["people"].tolist() == ["fewer than 10", "40", "45", "60", "60", "105"]
    table.loc[["Anfield", "Everton", "Liverpool", "all"], "people"] = [2, 10, 12, 72]
    texts = protect(table, total_row="all", within=within).table["people"].tolist()
    assert texts == ["fewer than 10", "10", "not shown", "60", "60", "70"], "10 in 10 would leave 0, 1 and 2"


def test_parts_must_be_rows_and_cannot_hold_themselves() -> None:
    table = pd.DataFrame({"people": [20, 30, 50]}, index=["a", "b", "all"])
    with pytest.raises(InputError, match="has no row 'c'"):
        protect(table, within={"c": "all"})
    with pytest.raises(InputError, match="part of itself"):
        protect(table, within={"a": "b", "b": "a"})
    with pytest.raises(InputError, match="not the sum"):
        protect(table, within={"a": "b"})
