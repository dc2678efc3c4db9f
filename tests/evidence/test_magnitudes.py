"""Sums in which one person may hold most: the rules by hand, and an attack on the published table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy

from impact.errors import DisclosureError, InputError
from impact.evidence import default_rules, protect_sums
from impact.evidence.magnitudes import cells_of, sensitive

RULES = default_rules()


def people(values: dict[str, list[float]]) -> pd.DataFrame:
    rows = [(f"{name}{n}", name, value) for name, given in values.items() for n, value in enumerate(given)]
    return pd.DataFrame(rows, columns=["person_id", "district", "hours"])


def judged(values: list[float], **changed: object) -> str:
    rules = replace(RULES, **changed)
    n = len(values)
    cells = cells_of(np.arange(n), np.zeros(n, dtype=np.int64), np.array(values), 1, top=rules.dominance_people)
    return sensitive(cells, rules)[0][0]


def test_each_rule_by_hand() -> None:
    assert judged([10.0] * 10) == ""
    assert judged([10.0] * 9) == "minimum 10 people"
    assert judged([46.0, 45, *[9 / 8] * 8]) == "dominance 2 people, 0.9", "91 of 100"
    assert judged([45.0, 45, *[10 / 8] * 8]) == "", "90 of 100 is not more than 0.9, and 10 is above a tenth of 45"
    assert judged([90.0, 2, *[1.0] * 8]) == "dominance 2 people, 0.9; p-percent 0.1", "8 is under a tenth of 90"
    assert judged([90.0, 20, *[1.0] * 8], dominance_share=1.0) == "p-percent 0.1"
    assert judged([80.0, 20, *[1.0] * 8], dominance_share=1.0) == ""


def test_one_persons_rows_are_added_up_before_the_rules() -> None:
    data = people({"one": [3.0] * 12, "two": [3.0] * 12, "three": [3.0] * 12, "four": [3.0] * 12})
    again = data[data["person_id"] == "one0"].assign(hours=500.0)
    status = protect_sums(pd.concat([data, again, again]), "hours", rows="district").tidy().set_index("row")["status"]
    assert status["one"] == "hidden"
    assert status["all"] in ("withheld", "hidden")


def test_a_hidden_sum_takes_another_with_it() -> None:
    values = {name: [5.0 + n for n in range(12)] for name in ("one", "two", "three")}
    values["four"] = [100.0, 50.0, *[1.0] * 10]
    result = protect_sums(people(values), "hours", rows="district")
    assert result.table["hours"].tolist().count("not shown") == 2
    assert result.table.loc["four", "hours"] == "not shown"
    assert "150" not in result.tidy().to_string()
    assert any("one or two of them" in note for note in result.notes)


def random_sums(rng: np.random.Generator) -> pd.DataFrame:
    n = int(rng.integers(60, 160))
    return pd.DataFrame(
        {
            "person_id": rng.integers(0, 100, n),
            "district": rng.choice(["one", "two", "three"], n, p=[0.6, 0.3, 0.1]),
            "kind": rng.choice(["group", "alone"], n),
            "hours": np.round(np.exp(rng.normal(2, 1.4, n)), 1),
        }
    )


def reachable(table: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """The range of each hidden sum, from inner cells of 0 or more and every shown number an equation."""
    inner = [(row, column) for row in table.index[:-1] for column in table.columns[:-1]]
    places = [(row, column) for row in table.index for column in table.columns]
    parts = np.array([[float(row in (a, "all") and column in (b, "all")) for a, b in inner] for row, column in places])
    shown = np.array([table.loc[place] != "not shown" for place in places])
    values = np.array(
        [float(table.loc[place].replace(",", "")) for place, seen in zip(places, shown, strict=True) if seen]
    )
    found = {}
    for at in np.flatnonzero(~shown):
        ends = []
        for sign in (1, -1):
            result = scipy.optimize.linprog(
                sign * parts[at], A_eq=parts[shown], b_eq=values, bounds=(0, 1e6), method="highs"
            )
            ends.append(sign * result.fun)
        found[places[at]] = (ends[0], ends[1])
    return found


def test_no_largest_part_can_be_worked_out_in_random_tables() -> None:
    rng, attacked = np.random.default_rng(7), 0
    for _ in range(60):
        data = random_sums(rng)
        try:
            result = protect_sums(data, "hours", rows="district", columns="kind", digits=6)
        except DisclosureError:
            continue
        status = result.tidy().set_index(["row", "column"])["status"]
        for place, (low, high) in reachable(result.table).items():
            here = data[(data["district"] == place[0]) | (place[0] == "all")]
            here = here[(here["kind"] == place[1]) | (place[1] == "all")]
            parts = here.groupby("person_id")["hours"].sum().sort_values(ascending=False).to_numpy()
            if status[place] != "hidden" or not len(parts):
                continue
            attacked += 1
            second = parts[1] if len(parts) > 1 else 0.0
            assert high - second >= (1 + RULES.p_percent) * parts[0] - 1e-3
            assert low <= max(parts.sum() - RULES.p_percent * parts[0], 0) + 1e-3
    assert attacked > 60


def test_bad_input_is_named() -> None:
    data = people({"one": [1.0] * 12, "all": [1.0] * 12})
    with pytest.raises(InputError, match="category called 'all'"):
        protect_sums(data, "hours", rows="district")
    with pytest.raises(InputError, match="below 0"):
        protect_sums(data.assign(hours=-1.0), "hours", rows="district")
    with pytest.raises(InputError, match="district2"):
        protect_sums(data, "hours", rows="district2")


def test_missing_values_are_counted_and_order_does_not_matter() -> None:
    data = people({"one": [1.0] * 12, "two": [2.0] * 15, "three": [3.0] * 20})
    data.loc[0, "hours"] = np.nan
    result = protect_sums(data, "hours", rows="district")
    assert "fewer than 10 of 45 rows left out, because a value is missing." in result.notes
    pd.testing.assert_frame_equal(protect_sums(data.iloc[::-1], "hours", rows="district").table, result.table)
