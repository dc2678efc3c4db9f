"""Time zero on the made-up world: index dates and what is known at them stay as they are when the future is cut off."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impact.cohort import cohort, programme
from impact.records import TABLES, Linked, read_linked
from tests.cohort.conftest import engine_of

AFTER = ("reoffended", "reoffences", "days_to_first", "severity_first", "severity_worst", "custody_for_reoffence")
AFTER += ("days_at_risk", "duration", "event", "recalled", "complete", "completed", "started", "died_on")
AFTER += ("reoffences_indictable_only", "reoffences_triable_either_way", "reoffences_summary", "custody_spells")
AFTER += ("started_on", "ended_on")


class Cut:
    """The records without any sentence, offence, custody or contact that began after a person's own index date."""

    def __init__(self, linked: Linked, index_on: pd.Series) -> None:
        self.linked, self.index_on = linked, index_on
        self.complete_to, self.definitions = linked.complete_to, linked.definitions
        self.engine = engine_of({table.name: self.table(table.name) for table in TABLES})

    def query(self, sql: str, **frames: pd.DataFrame) -> pd.DataFrame:
        return self.engine.query(sql, frames)

    def table(self, name: str) -> pd.DataFrame:
        table = self.linked.table(name)
        dates = {"offence": "offended_on", "custody": "entered_on", "police_contact": "occurred_on"}
        if name == "sentence":
            began = table["released_on"].fillna(table["started_on"])
        elif name in dates:
            began = table[dates[name]]
        else:
            return table
        limit = table["person_id"].map(self.index_on)
        return table[~(began > limit)].reset_index(drop=True)


@pytest.fixture(scope="module")
def linked(root: Path) -> Linked:
    return read_linked(root / "data_synthetic")


@pytest.mark.parametrize("name", ["dwp", "shelter"])
def test_cutting_off_the_future_changes_no_index_date_and_nothing_known_at_it(linked: Linked, name: str) -> None:
    whole = cohort(linked, programme(name), complete_to=linked.complete_to).data.set_index("person_id")
    cut = Cut(linked, whole["index_on"])
    again = cohort(cut, programme(name), complete_to=linked.complete_to).data.set_index("person_id")  # type: ignore[arg-type]
    known = [column for column in whole if column not in AFTER]
    pd.testing.assert_frame_equal(again.loc[whole.index, known], whole[known])


def test_people_with_more_releases_are_no_less_likely_to_be_taken_at_their_first(linked: Linked) -> None:
    people = cohort(linked, programme("dwp"), complete_to=linked.complete_to).data
    pool = people[people["treated"] == 0]
    released = linked.table("sentence").query("disposal == 'custody'")[["person_id", "released_on"]].dropna()
    span = released[released["released_on"].between(people["index_on"].min(), people["index_on"].max())]
    first = span.groupby("person_id")["released_on"].min().reindex(pool["person_id"])
    assert (first.to_numpy() <= pool["index_on"].to_numpy()).all()
    assert (first.to_numpy() == pool["index_on"].to_numpy()).mean() > 0.98
