"""`pathways` against a hand-worked case and the published form of Wilson's interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.distance import pathways
from impact.errors import InputError
from impact.records.tables import PATHWAYS


def table(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["person_id", "pathway", "identified_on", "met_on"])
    return frame.assign(
        programme="one",
        identified_on=pd.to_datetime(frame["identified_on"]),
        met_on=pd.to_datetime(frame["met_on"].astype(object)),
    )


NEEDS = table(
    ("a", "health", "2023-01-01", "2023-07-02"),  # day 182: in time
    ("b", "health", "2023-01-01", "2023-07-03"),  # day 183: met, not in time
    ("c", "health", "2023-01-01", None),
    ("a", "health", "2023-02-01", "2023-02-01"),
    ("d", "health", "2023-12-01", "2023-12-20"),  # cannot be watched so long
    ("e", "health", "2023-12-01", "2024-02-01"),  # met after the records end: unmet
    ("f", "health", "2024-01-05", None),  # identified after the records end
    ("a", "accommodation", "2023-01-01", None),
)


def test_hand_case() -> None:
    result = pathways(NEEDS, complete_to="2023-12-31")
    tidy = result.tidy().set_index("term")
    assert tuple(tidy.index) == PATHWAYS
    health = tidy.loc["health"]
    assert health[["people", "needs", "met", "n", "n_events"]].tolist() == [5, 6, 4, 4, 2]
    assert (health["estimate"], health["share_met"]) == (0.5, 4 / 6)
    assert tidy.loc["accommodation", ["needs", "met", "estimate"]].tolist() == [1, 0, 0]
    assert tidy.loc["drugs_alcohol", "needs"] == 0
    assert np.isnan(tidy.loc["drugs_alcohol", "estimate"])
    assert any("1 needs left out" in note for note in result.notes)
    assert any("2 needs were identified too recently" in note for note in result.notes)
    assert any("more than one need" in note for note in result.notes)


def test_wilson_interval_as_its_formula() -> None:
    row = pathways(NEEDS, complete_to="2023-12-31").tidy().set_index("term").loc["health"]
    z, n, p = 1.959963984540054, 4, 0.5
    middle, reach = (
        (p + z * z / (2 * n)) / (1 + z * z / n),
        z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)),
    )
    np.testing.assert_allclose([row["conf_low"], row["conf_high"]], [middle - reach, middle + reach], rtol=1e-9)


def test_row_order_does_not_matter() -> None:
    plain = pathways(NEEDS, complete_to="2023-12-31")
    turned = pathways(NEEDS.iloc[::-1], complete_to=pd.Timestamp("2023-12-31"))
    pd.testing.assert_frame_equal(turned.tidy(), plain.tidy())
    assert repr(turned) == repr(plain)


def test_nobody_met_yet_is_not_a_fault() -> None:
    unmet = NEEDS.assign(met_on=None)
    assert pathways(unmet, complete_to="2023-12-31").tidy()["met"].sum() == 0


def test_every_fault_at_once() -> None:
    bad = pd.concat([NEEDS, NEEDS.iloc[[2]]], ignore_index=True)
    bad.loc[0, "met_on"] = pd.Timestamp("2022-01-01")
    bad.loc[1, "pathway"] = "debts"
    with pytest.raises(InputError) as caught:
        pathways(bad, complete_to="2023-12-31")
    assert {fault.column for fault in caught.value.faults} == {"met_on", "pathway", "identified_on"}
    with pytest.raises(InputError, match="not a date"):
        pathways(NEEDS.assign(identified_on="2023-01-01"), complete_to="2023-12-31")
    with pytest.raises(InputError, match="complete_to must be a date"):
        pathways(NEEDS, complete_to="soon")
    with pytest.raises(InputError, match="is not in the data"):
        pathways(NEEDS.drop(columns=["person_id", "pathway"]), complete_to="2023-12-31")


def test_programmes_are_counted_by_themselves() -> None:
    both = pd.concat([NEEDS, NEEDS.iloc[:3].assign(programme="two")], ignore_index=True)
    found = pathways(both, complete_to="2023-12-31", by="programme")
    alone = pathways(both[both["programme"] == "two"], complete_to="2023-12-31")
    mine = found.tidy().query("group == 'two'").drop(columns="group").reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, alone.tidy())
    assert len(found.tidy()) == 14
    assert "two, health: 0.3333" in repr(found)
    nothing = pathways(both, complete_to="2022-01-01", by="programme")
    assert nothing.tidy()["needs"].tolist() == [0] * 14
    ax = found.plot(group="two")
    assert len(ax.get_yticklabels()) == 7
    ax.figure.clf()
    with pytest.raises(InputError, match="group must be one of one, two"):
        found.plot()
    with pytest.raises(InputError, match="not parted"):
        alone.plot(group="two")


def test_plot_names_every_pathway() -> None:
    ax = pathways(NEEDS, complete_to="2023-12-31").plot()
    assert len(ax.get_yticklabels()) == 7
    ax.figure.clf()
