"""Difference in differences, event studies and stacks: against R, four means, known truth; and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import impact as im
from impact.comparison import difference_in_differences, event_study, whole_sample
from impact.errors import InputError

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "comparison"
NAMES = {"person": "person", "period": "period", "outcome": "contacts", "start": "start"}


@pytest.fixture(scope="module")
def stored() -> dict[str, float]:
    table = pd.read_csv(REFERENCE / "panel_numbers.csv")
    return dict(zip(table["name"], table["value"], strict=True))


@pytest.fixture(scope="module")
def panels() -> dict[str, pd.DataFrame]:
    table = pd.read_csv(REFERENCE / "panel.csv")
    for name in ("start", "staggered"):
        table[name] = table[name].astype(float).replace(0.0, np.nan)
    return {"whole": table, "gaps": table[table["hole"] == 0]}


def same(found: pd.DataFrame, stored: dict[str, float], name: str, row: int = 0) -> None:
    assert found["estimate"].iloc[row] == pytest.approx(stored[f"{name} estimate {row + 1}"], rel=1e-8)
    assert found["std_error"].iloc[row] == pytest.approx(stored[f"{name} se {row + 1}"], rel=1e-8)


@pytest.mark.parametrize("case", ["whole", "gaps"])
def test_effects_and_errors_are_those_of_dummies_in_r(case: str, stored: object, panels: object) -> None:
    panel = panels[case]
    same(difference_in_differences(panel, **NAMES).tidy(), stored, f"{case} plain")
    same(difference_in_differences(panel, covariates="in_work", **NAMES).tidy(), stored, f"{case} covariate")
    weighted = difference_in_differences(panel, covariates=["in_work"], weights="weight", cluster="place", **NAMES)
    same(weighted.tidy(), stored, f"{case} weighted by place")
    assert weighted.tidy()["n_clusters"].iloc[0] == 11
    assert any("Only 11 clusters" in note for note in weighted.notes)


@pytest.mark.parametrize("case", ["whole", "gaps"])
def test_plm_has_the_same_effect_and_the_error_without_the_small_sample_factor(
    case: str, stored: object, panels: object
) -> None:
    panel = panels[case]
    row = difference_in_differences(panel, covariates="in_work", **NAMES).tidy().iloc[0]
    n, people, parameters = len(panel), 48, 2 + 7
    factor = people / (people - 1) * (n - 1) / (n - parameters)
    assert row["estimate"] == pytest.approx(stored[f"{case} plm estimate"], rel=1e-8)
    assert row["std_error"] / factor**0.5 == pytest.approx(
        stored[f"{case} plm se without small-sample factor"], rel=1e-8
    )


def test_the_event_study_is_that_of_r(stored: dict[str, float], panels: dict[str, pd.DataFrame]) -> None:
    found = event_study(panels["gaps"], weights="weight", before=3, after=2, **NAMES)
    table = found.tidy()
    assert table["term"].tolist() == ["−3 and earlier", "−2", "0", "+1", "+2"]
    for row in range(5):
        same(table, stored, "event study", row)
    assert found.leads.statistic == pytest.approx(stored["event study leads F"], rel=1e-8)
    assert found.leads.df == 2
    assert "does not show" in found.leads.notes[0]


def test_stacks_are_those_made_by_hand_in_r(stored: dict[str, float], panels: dict[str, pd.DataFrame]) -> None:
    names = {**NAMES, "start": "staggered"}
    found = difference_in_differences(panels["whole"], weights="weight", before=2, after=1, stack=True, **names)
    same(found.tidy(), stored, "stacked")


@settings(max_examples=10)
@given(
    st.integers(2, 6), st.integers(2, 6), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10_000), st.booleans()
)
def test_a_balanced_panel_gives_the_difference_of_four_means(
    treated: int, others: int, before: int, after: int, seed: int, many: bool
) -> None:
    rng, people, periods = np.random.default_rng(seed), treated + others, before + after
    panel = long(rng.poisson(3, (people, periods)).astype(float) * (1e6 if many else 1), before, treated)
    mean = panel.groupby([panel["start"].notna(), panel["period"] > before])["contacts"].mean()
    four = mean[True, True] - mean[True, False] - mean[False, True] + mean[False, False]
    found = difference_in_differences(panel, **NAMES).tidy()["estimate"].iloc[0]
    assert found == pytest.approx(four, rel=1e-9, abs=1e-9 * panel["contacts"].max())


def long(values: np.ndarray, before: int, treated: int) -> pd.DataFrame:
    """Rows of a table of people by periods, of whom the first `treated` start after `before` periods."""
    people, periods = values.shape
    person = np.repeat(np.arange(people), periods)
    start = np.where(person < treated, before + 1.0, np.nan)
    period = np.tile(np.arange(1, periods + 1), people)
    return pd.DataFrame({"person": person, "period": period, "start": start, "contacts": values.ravel()})


def staggered(noise: float = 0.0, seed: int = 3) -> tuple[pd.DataFrame, float]:
    """People who start in three periods, with effects that grow and differ, and their mean in the first three."""
    rng = np.random.default_rng(seed)
    starts = np.array([5.0] * 30 + [7.0] * 20 + [9.0] * 10 + [np.nan] * 20)
    growth = np.select([starts == 5, starts == 7, starts == 9], [3.0, 2.0, 1.0], 0.0)
    person, period = np.repeat(np.arange(80), 12), np.tile(np.arange(1, 13), 80)
    since = period - starts[person]
    effect = np.where(since >= 0, growth[person] * (since + 1), 0.0)
    level = rng.normal(size=80)[person] + 0.4 * np.sin(period)
    panel = pd.DataFrame({"person": person, "period": period, "start": starts[person]})
    truth = float(effect[(since >= 0) & (since <= 2)].mean())
    return panel.assign(contacts=level + effect + noise * rng.normal(size=len(panel))), truth


def test_stacks_find_the_mean_effect_where_two_way_fixed_effects_are_biased() -> None:
    panel, truth = staggered()
    found = difference_in_differences(panel, before=3, after=2, stack=True, **NAMES)
    assert found.tidy()["estimate"].iloc[0] == pytest.approx(truth, rel=1e-9)
    by_period = event_study(panel, before=3, after=2, stack=True, **NAMES).tidy().set_index("since_start")["estimate"]
    assert by_period[[0, 1, 2]].mean() == pytest.approx(truth, rel=1e-9)
    assert by_period[[0, 1, 2]].to_numpy() == pytest.approx(truth / 2 * np.array([1, 2, 3]), rel=1e-9)
    assert by_period[[-3, -2]].to_numpy() == pytest.approx([0, 0], abs=1e-9)

    on = (panel["period"] >= panel["start"]).astype(float)
    dummies = pd.get_dummies(panel[["person", "period"]].astype(str), dtype=float)
    two_way = np.linalg.lstsq(np.column_stack([on, dummies]), panel["contacts"], rcond=None)[0][0]
    growth = panel["start"].map({5.0: 3.0, 7.0: 2.0, 9.0: 1.0})
    of_all = (growth * (panel["period"] - panel["start"] + 1))[on == 1].mean()
    assert two_way < 0.6 * of_all


def test_intervals_of_stacks_hold_the_truth_as_often_as_they_say() -> None:
    held = 0
    for seed in range(60):
        panel, truth = staggered(noise=2.0, seed=seed)
        row = difference_in_differences(panel, before=3, after=2, stack=True, **NAMES).tidy().iloc[0]
        held += row["conf_low"] <= truth <= row["conf_high"]
    assert 52 <= held <= 60


def test_staggered_starts_are_refused_by_name_without_stacks() -> None:
    panel, _ = staggered()
    for ask in (difference_in_differences, lambda *a, **k: event_study(*a, before=3, after=2, **k)):
        with pytest.raises(InputError, match=r"3 different starts, from 5 to 9 \(a staggered start\)") as refused:
            ask(panel, **NAMES)
        assert "stack=True" in str(refused.value)


def test_starts_without_a_whole_window_or_a_comparison_are_counted() -> None:
    panel, _ = staggered()
    found = difference_in_differences(panel, before=5, after=2, stack=True, **NAMES)
    assert any("1 starts (30 people) have no whole window" in note for note in found.notes)
    everyone = panel[panel["start"].notna()]
    found = difference_in_differences(everyone, before=2, after=2, stack=True, **NAMES)
    assert any("have nobody to compare with" in note for note in found.notes)
    with pytest.raises(InputError, match="shorter window"):
        difference_in_differences(panel, before=11, after=2, stack=True, **NAMES)
    gap = panel.drop(index=panel.index[(panel["person"] == 79) & (panel["period"] == 6)])
    found = difference_in_differences(gap, before=3, after=2, stack=True, **NAMES)
    assert any(note.startswith("3 times a person was left out") for note in found.notes)


def test_a_dip_before_joining_is_said_and_can_be_left_out() -> None:
    values = np.full((40, 8), 2.0) + np.arange(40)[:, None] % 3
    values[:15, 3] += 4.0
    panel = long(values, 4, 15)
    plain = difference_in_differences(panel, **NAMES)
    assert plain.tidy()["estimate"].iloc[0] == pytest.approx(-1.0)
    assert any("Ashenfelter" in note for note in plain.notes)
    without = difference_in_differences(panel, dip=1, **NAMES)
    assert without.tidy()["estimate"].iloc[0] == pytest.approx(0.0, abs=1e-12)
    assert any("left out for everyone" in note for note in without.notes)
    around = event_study(panel, before=4, after=2, dip=1, **NAMES)
    assert around.reference == -2
    assert around.tidy()["estimate"].to_numpy() == pytest.approx(np.zeros(len(around.tidy())), abs=1e-12)
    assert any("Ashenfelter" in note for note in around.notes)


def test_the_window_limits_the_periods_used(panels: dict[str, pd.DataFrame]) -> None:
    panel = panels["whole"]
    inside = panel[panel["period"].between(3, 6)]
    asked = difference_in_differences(panel, before=2, after=1, **NAMES).tidy()
    pd.testing.assert_frame_equal(asked, difference_in_differences(inside, **NAMES).tidy())


def test_a_design_brings_its_weights_and_sets(panels: dict[str, pd.DataFrame]) -> None:
    panel = panels["whole"]
    people = panel.drop_duplicates("person")[["person", "start", "weight"]].iloc[:46]
    people = people.assign(treated=people["start"].notna().astype(int), age=30.0 + people["person"] % 7)
    design = im.match(im.propensity("treated ~ age", people))
    found = difference_in_differences(panel, design=design, **NAMES)
    kept = people[design.weights.to_numpy() > 0].assign(
        w=design.weights[design.weights > 0], set=design.sets[design.weights > 0].astype(int)
    )
    by_hand = panel.merge(kept[["person", "w", "set"]], on="person")
    wanted = difference_in_differences(by_hand, weights="w", cluster="set", **NAMES).tidy()
    pd.testing.assert_frame_equal(found.tidy(), wanted)
    with pytest.raises(InputError, match="give the Design of its people as design="):
        difference_in_differences(design, **NAMES)
    others = panel.assign(start=np.where(panel["person"] == 48, 3.0, panel["start"]))
    pd.testing.assert_frame_equal(difference_in_differences(others, design=design, **NAMES).tidy(), wanted)
    wrong = panel.assign(start=np.where(panel["person"] == 1, np.nan, panel["start"]))
    with pytest.raises(InputError, match="does not agree with who is treated"):
        difference_in_differences(wrong, design=whole_sample(people, "treated", ["age"]), **NAMES)
    with pytest.raises(InputError, match="which has its own"):
        difference_in_differences(panel, design=design, weights="weight", **NAMES)


def test_the_order_of_the_rows_does_not_matter(panels: dict[str, pd.DataFrame]) -> None:
    panel = panels["gaps"]
    names = {**NAMES, "start": "staggered"}
    mixed = panel.sample(frac=1, random_state=4)
    window = {"before": 2, "after": 1, "stack": True}
    one, other = (difference_in_differences(x, weights="weight", **window, **names) for x in (panel, mixed))
    pd.testing.assert_frame_equal(one.tidy(), other.tidy(), rtol=1e-10)
    assert repr(one) == repr(other)


def test_every_fault_is_told_at_once(panels: dict[str, pd.DataFrame]) -> None:
    panel = panels["whole"].copy()
    panel["contacts"] = panel["contacts"].astype(object)
    panel.loc[panel.index[3], "contacts"] = "N/A"
    panel["period"] = panel["period"].astype(float)
    panel.loc[panel.index[1], "period"] = 1.0
    panel.loc[panel.index[20], "period"] = 2.5
    panel.loc[panel.index[8], "start"] = 6.0
    panel.loc[panel.index[40], "weight"] = -1.0
    with pytest.raises(InputError) as refused:
        difference_in_differences(panel, covariates="absent", weights="weight", cluster="nowhere", **NAMES)
    text = str(refused.value)
    for part in (
        "not a number",
        "stands twice for one person",
        "not a whole number",
        "differs between the periods",
        "2 different starts",
        "below 0",
        "absent: is not in the data",
        "nowhere: is not in the data",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.assign(start=np.nan), "nobody is treated"),
        (lambda d: d.assign(start=5.0), "nobody is there to compare with"),
        (lambda d: d[d["period"] >= 5], "first period, or before it"),
        (lambda d: d[d["period"] < 5], "no treated person has a period before and one after"),
        (lambda d: d.assign(period=pd.to_datetime("2024-01-01") + pd.to_timedelta(d["period"], "D")), "not a number"),
        (lambda d: d.assign(start=d["start"].astype(str)), "not a number"),
        (lambda d: d.assign(in_work=d["place"]), "leave it out"),
        (lambda d: d.assign(in_work=1.0), "leave it out"),
        (lambda d: d.assign(place=1), "one cluster"),
        (lambda d: d.assign(weight=0.0), "zero in every row"),
        (lambda d: d.iloc[:0], "has no rows"),
    ],
)
def test_what_cannot_be_estimated_is_refused(change: object, words: str, panels: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(InputError, match=words):
        difference_in_differences(
            change(panels["whole"]), covariates="in_work", weights="weight", cluster="place", **NAMES
        )


def test_small_and_strange_panels_are_borne_or_refused_in_words() -> None:
    smallest = long(np.array([[4.0, 1.0], [2.0, 2.0], [3.0, 4.0], [1.0, 0.0]]), 1, 2)
    row = difference_in_differences(smallest, **NAMES).tidy().iloc[0]
    assert row["estimate"] == pytest.approx(-1.5)
    still = difference_in_differences(smallest.assign(contacts=2.0), **NAMES).tidy().iloc[0]
    assert (still["estimate"], still["std_error"]) == pytest.approx((0, 0))
    assert np.isnan(still["p_value"])
    for one in (0, 2):
        with pytest.raises(InputError, match="are one cluster"):
            difference_in_differences(smallest[smallest["person"] != one], **NAMES)
    named = smallest.assign(person=smallest["person"].map(dict(enumerate("dbca"))))
    assert difference_in_differences(named, **NAMES).tidy()["estimate"].iloc[0] == pytest.approx(-1.5)
    once = pd.concat([smallest, pd.DataFrame({"person": [9], "period": [2], "start": [np.nan], "contacts": [50.0]})])
    assert difference_in_differences(once, **NAMES).tidy()["estimate"].iloc[0] == pytest.approx(-1.5)


def test_arguments_that_cannot_be_used_are_refused(panels: dict[str, pd.DataFrame]) -> None:
    panel = panels["whole"]
    with pytest.raises(InputError, match="is needed with stack=True") as refused:
        difference_in_differences(panel, stack=True, dip=-1, **NAMES)
    assert "column dip" in str(refused.value)
    for window in ({"before": 1, "after": 1}, {"before": 3, "after": 1, "dip": 2}):
        with pytest.raises(InputError, match="before must be"):
            event_study(panel, **window, **NAMES)
    with pytest.raises(InputError, match="named for more than one thing"):
        difference_in_differences(panel, covariates="contacts", **NAMES)
    with pytest.raises(InputError, match="level"):
        difference_in_differences(panel, level=95, **NAMES)


def test_rows_with_missing_values_are_left_out_and_counted(panels: dict[str, pd.DataFrame]) -> None:
    panel = panels["whole"].copy()
    panel["contacts"] = panel["contacts"].where(panel["hole"] == 0)
    found = difference_in_differences(panel, **NAMES)
    pd.testing.assert_frame_equal(found.tidy(), difference_in_differences(panels["gaps"], **NAMES).tidy())
    assert any("contacts is missing" in note for note in found.notes)
    assert any("do not have all 7 periods" in note for note in found.notes)


def test_the_figures_show_what_the_tables_say(panels: dict[str, pd.DataFrame]) -> None:
    panel = panels["whole"]
    found = difference_in_differences(panel, **NAMES)
    axes = found.plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["treated", "comparison"]
    first = panel[panel["start"].notna()].groupby("period")["contacts"].mean()
    assert axes.lines[0].get_ydata() == pytest.approx(first.to_numpy())
    axes = event_study(panel, before=3, after=2, **NAMES).plot()
    labels = [tick.get_text() for tick in axes.get_xticklabels()]
    assert labels == ["−3\nand earlier", "−2", "0", "+1", "+2", "−1"]
    plt.close("all")


def test_the_library_for_panels_is_loaded_only_when_it_is_needed() -> None:
    code = "import sys, impact; print('linearmodels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_the_python_of_the_guide_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    text = (root / "docs" / "panel.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for place, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.S)):
        exec(compile(code, f"panel.md, block {place + 1}", "exec"), names)
    plt.close("all")
