"""`needs_met` against a hand-worked case, `pathways`, and a count by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact import kaplan_meier, needs_met, pathways
from impact.errors import InputError
from impact.records.tables import PATHWAYS


def table(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["person_id", "pathway", "identified_on", "met_on"])
    return frame.assign(
        programme="one",
        identified_on=pd.to_datetime(frame["identified_on"]),
        met_on=pd.to_datetime(frame["met_on"].astype(object)),
    )


def episodes(*rows: tuple[str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["person_id", "ended_on"]).assign(programme="one")
    return frame.assign(ended_on=pd.to_datetime(frame["ended_on"].astype(object)))


NEEDS = table(
    ("a", "health", "2023-01-01", "2023-01-11"),  # met on day 10
    ("b", "health", "2023-01-01", None),  # left on day 20
    ("c", "health", "2023-01-01", "2023-02-10"),  # met on day 40, after leaving on day 30
    ("d", "health", "2023-12-01", None),  # watched for 30 days
    ("a", "accommodation", "2023-01-01", "2023-01-01"),  # met at once
    ("e", "accommodation", "2024-01-05", None),  # after the records end
)
EPISODES = episodes(("a", "2023-01-05"), ("a", None), ("b", "2023-01-21"), ("c", "2023-01-31"), ("d", "2024-03-01"))


def world(seed: int = 3, n: int = 400) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D")
    wait, stay = rng.integers(0, 300, n), rng.integers(0, 400, n)
    person = rng.integers(0, n // 2, n)
    needs = pd.DataFrame({"person_id": person, "programme": "one", "pathway": rng.choice(PATHWAYS, n)})
    needs = needs.assign(identified_on=start, met_on=(start + pd.to_timedelta(wait, "D")).where(rng.random(n) < 0.7))
    needs = needs.drop_duplicates(["person_id", "pathway", "identified_on"])
    first = needs.groupby("person_id")["identified_on"].max()
    ended = (first + pd.to_timedelta(stay[: len(first)], "D")).where(rng.random(len(first)) < 0.6)
    return needs, pd.DataFrame({"person_id": first.index, "programme": "one", "ended_on": ended.to_numpy()})


def test_hand_case() -> None:
    found = needs_met(NEEDS, complete_to="2023-12-31", participation=EPISODES, by=None)
    assert found.n == (5,)
    assert found.n_events == ((2, 2),)
    # at risk 5, one met on day 0; 4, one met on day 10; 3, one left on day 20; 2, one left on day 30 and one censored
    at = found.at([0, 10, 30]).set_index(["cause", "time"])["estimate"]
    np.testing.assert_allclose(at["met"], [1 / 5, 2 / 5, 2 / 5], rtol=1e-15)
    np.testing.assert_allclose(at["left"], [0, 0, 1 / 5 + 2 / 5 * 1 / 2], rtol=1e-15)
    assert any("1 needs left out: identified after the records are complete" in note for note in found.notes)
    assert any("1 needs met after the person had left" in note for note in found.notes)
    assert "no comparison here" in found.notes[-1]


def test_without_episodes_a_need_is_watched_to_the_end() -> None:
    found = needs_met(NEEDS, complete_to="2023-12-31")
    assert found.labels == ("accommodation", "health")
    assert found.causes == ("met",)
    health = found.at([40, 200])
    assert health.loc[health["group"] == "health", "estimate"].tolist() == [0.25 + 0.75 / 2, 0.25 + 0.75 / 2]


def test_one_cause_is_kaplan_meier_and_pathways() -> None:
    needs, _ = world()
    last = pd.Timestamp("2024-06-30")
    found = needs_met(needs, complete_to=last)
    share = found.at(182).set_index("group")["estimate"]
    table = pathways(needs, complete_to=last).tidy().set_index("term")
    assert (table["n"] == table["needs"]).all()
    assert tuple(share.index) == PATHWAYS
    np.testing.assert_allclose(share, table["estimate"], rtol=1e-12)
    met = needs["met_on"].where(needs["met_on"] <= last)
    waits = needs.assign(days=(met.fillna(last) - needs["identified_on"]).dt.days, met=met.notna().astype(int))
    curve = kaplan_meier(waits, "days", "met", by="pathway", cluster="person_id")
    ours, theirs = found.at([50, 100, 250]), curve.at([50, 100, 250])
    ours = ours.sort_values(["group", "time"], kind="stable")
    np.testing.assert_allclose(ours["estimate"], 1 - theirs["estimate"], rtol=1e-12)
    np.testing.assert_allclose(ours["std_error"], theirs["std_error"], rtol=1e-10)
    middle = found.quantiles().set_index(["group", "probability"]).sort_index()["estimate"]
    np.testing.assert_allclose(middle, curve.quantiles().set_index(["group", "probability"]).sort_index()["estimate"])


def test_competing_shares_by_brute_force() -> None:
    """Where every need is watched to its end, the shares are plain counts."""
    needs, stays = world()
    needs["met_on"] = needs["met_on"].fillna(pd.Timestamp("2030-01-01"))
    stays["ended_on"] = stays["ended_on"].fillna(pd.Timestamp("2025-01-01"))
    found = needs_met(needs, complete_to="2031-01-01", participation=stays, by="programme")
    joined = needs.merge(stays, on=["person_id", "programme"])
    wait = (joined["met_on"] - joined["identified_on"]).dt.days
    stay = (joined["ended_on"] - joined["identified_on"]).dt.days
    for day in (0, 30, 100, 400):
        at = found.at(day).set_index("cause")["estimate"]
        np.testing.assert_allclose(at["met"], ((wait <= stay) & (wait <= day)).mean(), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(at["left"], ((stay < wait) & (stay <= day)).mean(), rtol=1e-12, atol=1e-15)
    quarter = found.quantiles((0.2513,)).set_index("cause")["estimate"]["met"]
    met_by = np.array([((wait <= stay) & (wait <= day)).mean() for day in range(400)])
    assert quarter == np.flatnonzero(met_by >= 0.2513)[0]


def test_order_of_rows_does_not_matter() -> None:
    needs, stays = world()
    plain = needs_met(needs, complete_to="2024-01-31", participation=stays)
    turned = needs_met(needs[::-1], complete_to="2024-01-31", participation=stays[::-1])
    pd.testing.assert_frame_equal(plain.tidy(), turned.tidy())
    assert repr(plain) == repr(turned)


def test_needs_identified_after_leaving_are_left_out_and_said() -> None:
    early = pd.concat([EPISODES[EPISODES["person_id"] != "a"], episodes(("a", "2022-12-31"))], ignore_index=True)
    found = needs_met(NEEDS, complete_to="2023-12-31", participation=early, by=None)
    assert found.n == (3,)
    assert any("2 needs left out: identified after the person had left" in note for note in found.notes)


def test_faults() -> None:
    with pytest.raises(InputError, match="never on the programme") as caught:
        needs_met(NEEDS, complete_to="2023-12-31", participation=EPISODES[EPISODES["person_id"] != "d"])
    assert [fault.rows for fault in caught.value.faults] == [(4,)]
    with pytest.raises(InputError, match="No need is left to follow"):
        needs_met(NEEDS, complete_to="2022-01-01")
    with pytest.raises(InputError, match="of one person"):
        needs_met(NEEDS[NEEDS["person_id"] == "a"], complete_to="2023-12-31")
    with pytest.raises(InputError, match="ended_on"):
        needs_met(NEEDS, complete_to="2023-12-31", participation=EPISODES.drop(columns="ended_on"))
    with pytest.raises(InputError, match="debts"):
        needs_met(NEEDS, complete_to="2023-12-31", by="debts")
    with pytest.raises(InputError, match="level"):
        needs_met(NEEDS, complete_to="2023-12-31", level=95)


def test_stacked_picture_of_one_group() -> None:
    ax = needs_met(NEEDS, complete_to="2023-12-31", participation=EPISODES).plot(stacked=True, group="health")
    assert {"met", "left"} <= {text.get_text() for text in ax.texts} | set(ax.get_legend_handles_labels()[1])
    ax.figure.clf()


def test_met_on_the_day_of_leaving_is_met() -> None:
    leaving = EPISODES[EPISODES["person_id"] != "a"]
    leaving = pd.concat([leaving, episodes(("a", "2023-01-11"))], ignore_index=True)
    found = needs_met(NEEDS[NEEDS["person_id"].isin(["a", "d"])], complete_to="2023-12-31", participation=leaving)
    assert found.n_events == ((1, 0), (1, 0))
