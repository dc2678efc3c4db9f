"""The rate of proven reoffending: never over people whose window is not complete, unless asked with a method for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.cohort import proven_reoffending
from impact.comparison import whole_sample
from impact.errors import InputError
from impact.survival import kaplan_meier, reoffending_rate


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(3)
    n = 400
    index = pd.DataFrame({"person_id": np.arange(n), "group": np.where(np.arange(n) % 2, "b", "a")})
    index["index_on"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="D")
    who = rng.integers(0, n, 500)
    on = index["index_on"].to_numpy()[who] + rng.integers(-100, 900, 500).astype("timedelta64[D]")
    offences = pd.DataFrame(
        {"person_id": who, "offended_on": on, "proven_on": on + rng.integers(0, 200, 500).astype("timedelta64[D]")}
    )
    return proven_reoffending(index, offences, complete_to="2023-01-01").assign(group=index["group"])


def test_a_rate_over_windows_that_have_not_ended_is_refused(people):
    late = int((~people["complete"]).sum())
    assert late > 50
    with pytest.raises(InputError, match=f"{late} of 400 people") as caught:
        reoffending_rate(people)
    assert "leave-out" in str(caught.value)
    assert "censor" in str(caught.value)


def test_leaving_them_out_is_a_plain_count(people):
    table = reoffending_rate(people, by="group", incomplete="leave-out").tidy()
    for row in table.itertuples():
        mine = people[(people["group"] == row.group) & people["complete"]]
        assert (row.n, row.n_events) == (len(mine), mine["reoffended"].sum())
        assert row.estimate == pytest.approx(mine["reoffended"].mean(), rel=1e-15)
        assert row.frequency == pytest.approx(mine["reoffences"].mean(), rel=1e-15)
        assert row.per_reoffender == pytest.approx(mine["reoffences"].sum() / mine["reoffended"].sum(), rel=1e-15)
        p, n, z = row.estimate, row.n, 1.959963984540054
        for limit in (row.conf_low, row.conf_high):
            # A limit of Wilson's interval is where the score test is exactly at its critical value.
            assert abs(p - limit) / np.sqrt(limit * (1 - limit) / n) == pytest.approx(z, rel=1e-9)
    assert table["n_incomplete"].sum() == (~people["complete"]).sum()


def test_nothing_needs_to_be_said_where_everybody_is_complete(people):
    whole = people[people["complete"]]
    found = reoffending_rate(whole)
    assert found.incomplete == "none"
    assert found.notes == ()
    assert found.tidy()["estimate"][0] == pytest.approx(whole["reoffended"].mean())


def test_censoring_is_the_curve(people):
    found = reoffending_rate(people, by="group", incomplete="censor", horizon=300, level=0.9)
    curve = kaplan_meier(people, "duration", "event", by="group", level=0.9).at([300])
    table = found.tidy()
    np.testing.assert_allclose(table["estimate"], 1 - curve["estimate"], rtol=1e-15)
    np.testing.assert_allclose(table["conf_low"], 1 - curve["conf_high"], rtol=1e-15)
    known = people["duration"].notna()
    assert table["n"].sum() == known.sum()
    assert table["n_events"].sum() == ((people["duration"] <= 300) & (people["event"] == 1)).sum()
    whole = people[people["complete"]]
    same = reoffending_rate(whole, incomplete="censor", horizon=365).tidy()
    assert same["estimate"][0] == pytest.approx(whole["reoffended"].mean(), abs=1e-12)


def test_arguments_and_columns_are_judged(people):
    for wrong in ({"horizon": 365}, {"incomplete": "censor"}, {"incomplete": "leave-out", "horizon": 30}):
        with pytest.raises(InputError, match="horizon goes with"):
            reoffending_rate(people, **wrong)
    with pytest.raises(InputError, match="incomplete must be one of"):
        reoffending_rate(people, incomplete="zero")
    with pytest.raises(InputError, match="although the window is not complete"):
        reoffending_rate(people.assign(reoffended=0.0), incomplete="leave-out")
    with pytest.raises(InputError, match="although the window is complete"):
        reoffending_rate(people.assign(reoffended=np.nan), incomplete="leave-out")
    with pytest.raises(InputError, match="takes no Design"):
        reoffending_rate(whole_sample(people.assign(t=people.index % 2), "t"))
    missing = people.assign(group=people["group"].where(people.index > 9))
    assert (
        "10 of 400 people left out: group is missing."
        in reoffending_rate(missing, by="group", incomplete="leave-out").notes
    )
