"""What the results hand back: tables, look-ups, figures and words."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from impact.results import TIDY_COLUMNS, Result
from impact.survival import cox, kaplan_meier


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    days = np.ceil(rng.exponential(200, 80))
    stop = np.minimum(days, 365)
    return pd.DataFrame(
        {
            "days": stop,
            "again": (days <= 365).astype(int),
            "age": rng.normal(30, 6, 80),
            "race": rng.choice(["black", "other", "white"], 80),
            "programme": rng.integers(0, 2, 80),
            "from": np.floor(stop * rng.uniform(0, 0.5, 80)),
            "w": rng.uniform(0.5, 2, 80),
        }
    )


def test_results_keep_the_contract(people):
    for result in (kaplan_meier(people, "days", "again"), cox(people, "days", "again", ["age"])):
        assert isinstance(result, Result)
        with pytest.raises(dataclasses.FrozenInstanceError):
            result.level = 0.9
    fit = cox(people, "days", "again", ["age", "race"])
    table = fit.tidy()
    assert tuple(table.columns) == TIDY_COLUMNS
    assert table["term"].tolist() == ["age", "race[other]", "race[white]"]
    ratios = fit.tidy(exponentiate=True)
    np.testing.assert_allclose(ratios["conf_low"], np.exp(table["conf_low"]))
    np.testing.assert_allclose(ratios["std_error"], table["std_error"])
    assert fit.covariance.index.tolist() == table["term"].tolist()


def test_a_formula_is_the_same_model(people):
    fit = cox(people, "days", "again", ["age", "race"])
    formula = cox(people, "days", "again", "age + C(race)")
    np.testing.assert_allclose(formula.coefficients, fit.coefficients, rtol=1e-10)
    assert formula.ph_test().tidy()["df"].tolist() == [1, 2, 3]
    crossed = cox(people, "days", "again", "age * programme")
    assert crossed.names == ("age", "programme", "age:programme")


def test_curves_are_read_at_any_time(people):
    curve = kaplan_meier(people, "days", "again", by="programme", entry="from", weights="w")
    times = [0.0, 50.5, 200, 365, 366]
    table = curve.at(times)
    for group, part in table.groupby("group"):
        inside = people[people["programme"] == group]
        for row in part.itertuples():
            at_risk = inside[(inside["from"] < max(row.time, 1e-9)) & (row.time <= inside["days"])]
            assert row.n_risk == pytest.approx(at_risk["w"].sum(), abs=1e-9)
        whole = curve.tidy().query("group == @group and time <= 200").iloc[-1]
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            assert part.loc[part["time"] == 200, name].item() == whole[name]
    assert table.loc[table["time"] == 366, "estimate"].isna().all()
    assert table.loc[table["time"] == 0, "estimate"].eq(1).all()
    assert curve.at(50)["time"].tolist() == [50, 50]


def test_unweighted_counts_are_whole(people):
    tidy = kaplan_meier(people, "days", "again", entry="from").tidy()
    assert [tidy[name].dtype.kind for name in ("n_risk", "n_event", "n_censored")] == ["i", "i", "i"]
    for row in tidy.itertuples():
        assert row.n_risk == ((people["from"] < row.time) & (row.time <= people["days"])).sum()


def test_words_are_the_same_each_time(people):
    first, second = (repr(kaplan_meier(people, "days", "again", by="race")) for _ in range(2))
    assert first == second
    assert first.startswith("Kaplan-Meier; 95% log-log intervals; Greenwood's variance\nblack: n = ")
    words = repr(cox(people, "days", "again", ["age"], weights="w", cluster="race"))
    assert words.startswith("Cox model; Efron ties; robust variance, 3 clusters; n = 80, events = ")
    assert "0x" not in words
    test = repr(cox(people, "days", "again", ["age"]).ph_test())
    assert test.startswith("Proportional hazards (transform: km)")


def test_clusters_are_counted_among_the_rows_used(people):
    gaps = people.assign(age=people["age"].where(people["race"] != "other"))
    fit = cox(gaps, "days", "again", ["age"], cluster="race")
    assert "robust variance, 2 clusters" in fit.method
    assert "2 clusters" in kaplan_meier(people[people["race"] != "other"], "days", "again", cluster="race").method


def test_cautions_are_in_the_notes(people):
    few = cox(people.head(20), "days", "again", ["age", "programme", "w"])
    assert any("fewer than 10 each" in note for note in few.notes)
    rows = cox(people, "days", "again", ["age"], entry="from", robust=True)
    assert any("takes each row for a person" in note for note in rows.notes)


def test_figures_take_and_return_axes(people):
    curve = kaplan_meier(people, "days", "again", by="programme")
    axes = plt.subplots()[1]
    assert curve.plot(axes) is axes
    styles = {line.get_linestyle() for line in axes.lines}
    assert len(styles) == 2
    printed = [text for text in axes.texts if text.get_text().isdigit()]
    ticks = axes.get_xticks()
    expected = curve.at(ticks)["n_risk"].tolist()
    counts = [
        int(text.get_text()) for text in printed if text.get_position()[0] in ticks and text.get_position()[0] >= 0
    ]
    assert counts == expected
    axes.figure.canvas.draw()
    assert not curve.plot(at_risk=False).texts
    forest = cox(people, "days", "again", ["age", "race"]).plot()
    assert [label.get_text() for label in forest.get_yticklabels()] == ["age", "race[other]", "race[white]"]
    forest.figure.canvas.draw()
    plt.close("all")
