"""Log-rank tests against R, published tables, the definitions written as loops, and what must not change them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import InputError
from impact.results import Result
from impact.survival import cox
from impact.survival.logrank import FAMILIES, logrank

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
STORED = pd.read_csv(STORE / "reference_logrank.csv").set_index(["case", "item"])["value"]
HEART = {"duration": "stop", "event": "event", "entry": "start", "by": "surgery"}
CASES = {
    "lung": {"by": "sex"},
    "veteran": {"by": "celltype"},
    "veteran_strata": {"by": "celltype", "strata": "prior"},
    "lung_strata": {"by": "ecog", "strata": ["sex", "zone"]},
    "lung_exact": {"by": "sex"},
    "lung_entry": {"by": "sex", "entry": "late"},
    "lung_entry_strata": {"by": "well", "entry": "late", "strata": "sex"},
    "heart": HEART,
    "veteran_entry": {"by": "celltype", "entry": "late"},
    "lung_trend": {"by": "ecog", "trend": True},
    "lung_trend_entry": {"by": "ecog", "trend": [0, 1, 2, 3], "entry": "late", "strata": "sex"},
    "lung_weights": {"by": "sex", "weights": "w"},
    "lung_cluster": {"by": "sex", "cluster": "pair"},
    "lung_weights_cluster": {"by": "sex", "weights": "w", "cluster": "pair"},
    "lung_all": {"by": "zone", "entry": "late", "strata": "sex", "weights": "w", "cluster": "pair"},
    "heart_cluster": {**HEART, "cluster": "id"},
    "veteran_weights": {"by": "celltype", "weights": "w"},
    "lung_trend_weights": {"by": "ecog", "trend": True, "weights": "w", "cluster": "pair"},
}


def people(case: str) -> pd.DataFrame:
    frame = pd.read_csv(STORE / f"{case.split('_')[0]}.csv")
    if "celltype" in frame:
        frame["celltype"] = pd.Categorical(frame["celltype"], ["squamous", "smallcell", "adeno", "large"])
    if "inst" in frame:
        frame = frame.dropna(subset=["ecog", "inst"]).assign(well=lambda part: part["ecog"] == 0)
    return frame


@pytest.mark.parametrize("case", STORED.index.unique("case"))
def test_statistics_are_those_of_r(case):
    name, _, rho = case.partition(":")
    frame = people(name)
    if name in ("veteran", "veteran_strata") and rho:  # R's survdiff sorts the text of its groups
        frame["celltype"] = frame["celltype"].astype(str)
    options = {"duration": "time", "event": "status", **CASES[name]}
    family = {"family": "fleming-harrington", "rho": float(rho)} if rho else {}
    found = logrank(frame, **options, **family)
    assert found.statistic == pytest.approx(STORED[case, "chisq"], rel=1e-8)
    if rho:
        np.testing.assert_allclose(found.covariance.to_numpy().ravel(), STORED[case, "var"], rtol=1e-8, atol=1e-12)
    if rho == "0":
        np.testing.assert_allclose(found.tidy()["observed"], STORED[case, "observed"], rtol=1e-10)
        np.testing.assert_allclose(found.tidy()["expected"], STORED[case, "expected"], rtol=1e-10)


def test_kidney_is_as_published():
    """Klein and Moeschberger (2003), table 7.3: 119 people on dialysis, two ways of placing a catheter."""
    kidney = people("kidney")
    published = {
        ("logrank", 0, 0): 2.53,
        ("gehan", 0, 0): 0.002,
        ("tarone-ware", 0, 0): 0.40,
        ("fleming-harrington", 0, 1): 9.67,
        ("fleming-harrington", 1, 0): 1.39,
        ("fleming-harrington", 1, 1): 9.83,
        ("fleming-harrington", 0.5, 0.5): 9.28,
        ("fleming-harrington", 0.5, 2): 8.18,
    }
    for (family, rho, gamma), value in published.items():
        found = logrank(kidney, "time", "delta", "type", family=family, rho=rho, gamma=gamma)
        digits = 3 if family == "gehan" else 2
        assert round(found.statistic, digits) == value, (family, rho, gamma)
    table = logrank(kidney, "time", "delta", "type").tidy()
    assert table["observed"].tolist() == [15, 11]


def test_larynx_trend_is_as_published():
    """Klein and Moeschberger (2003), examples 7.4 and 7.6: four stages of cancer of the larynx."""
    larynx = people("larynx")
    assert round(logrank(larynx, "time", "delta", "stage").statistic, 2) == 22.76
    assert round(np.sqrt(logrank(larynx, "time", "delta", "stage", trend=True).statistic), 2) == 3.72


def by_definition(data, *, family, rho, gamma, strata, weights, entry, robust):
    """Scores and their two covariances by loops over strata, times and people."""
    n = len(data["time"])
    time, event, group = data["time"], data["event"], data["group"]
    codes = sorted(set(group))
    late = data["entry"] if entry else np.full(n, -1.0)
    part = data["strata"] if strata else np.zeros(n)
    w = data["weights"] if weights else np.ones(n)
    score, model = np.zeros(len(codes)), np.zeros((len(codes), len(codes)))
    residuals = np.zeros((n, len(codes)))
    for stratum in sorted(set(part)):
        before, with_one_more = 1.0, 1.0
        for t in sorted({time[i] for i in range(n) if event[i] and part[i] == stratum}):
            risk = [i for i in range(n) if part[i] == stratum and late[i] < t <= time[i]]
            dead = [i for i in risk if event[i] and time[i] == t]
            y, d = sum(w[i] for i in risk), sum(w[i] for i in dead)
            with_one_more *= 1 - d / (y + 1)
            weight = {
                "logrank": 1.0,
                "gehan": y,
                "tarone-ware": y**0.5,
                "peto-peto": with_one_more,
                "fleming-harrington": before**rho * (1 - before) ** gamma,
            }[family]
            before *= 1 - d / y
            share = np.array([sum(w[i] for i in risk if group[i] == g) / y for g in codes])
            for i in dead:
                own = np.array([group[i] == g for g in codes]) - share
                score += weight * w[i] * own
                residuals[i] += weight * w[i] * own
            for i in risk:
                residuals[i] -= weight * w[i] * (np.array([group[i] == g for g in codes]) - share) * d / y
            if y > 1 and len(dead) < len(risk):
                model += weight**2 * d * (y - d) / (y - 1) * (np.diag(share) - np.outer(share, share))
    if not robust:
        return score, model
    by_cluster = np.stack([residuals[data["cluster"] == c].sum(axis=0) for c in set(data["cluster"])])
    return score, by_cluster.T @ by_cluster


@st.composite
def outcomes(draw, most=16):
    """Small samples full of ties, three groups, with every optional part."""
    n = draw(st.integers(6, most))

    def row(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=float)

    entry = row(st.integers(0, 4))
    data = {
        "entry": entry,
        "time": entry + row(st.integers(1, 5)),
        "event": row(st.integers(0, 1)),
        "group": row(st.integers(0, 2)),
        "strata": row(st.integers(0, 1)),
        "weights": row(st.integers(1, 8)) / 4,
        "copies": row(st.integers(1, 3)),
        "cluster": row(st.integers(0, 5)),
        "row": np.arange(n, dtype=float),
    }
    data["event"][draw(st.integers(0, n - 1))] = 1
    return data


def compared(frame, **options):
    """The result, or None where the groups cannot be compared."""
    try:
        return logrank(frame, "time", "event", "group", **options)
    except InputError as error:
        reasons = ("at risk together", "one group", "too few clusters", "in one cluster")
        assert any(reason in str(error) for reason in reasons)
        return None


@pytest.mark.parametrize("family", [*FAMILIES, "late"])
@pytest.mark.parametrize("strata", [None, "strata"])
@pytest.mark.parametrize("entry", [None, "entry"])
@pytest.mark.parametrize(("weights", "cluster"), [(None, None), ("weights", "row"), ("weights", "cluster")])
@given(data=outcomes())
@settings(max_examples=6, deadline=None)
def test_scores_and_variances_are_their_definitions(family, strata, entry, weights, cluster, data):
    rho, gamma = (0.5, 2.0) if family == "late" else (0.0, 0.0)
    family = "fleming-harrington" if family == "late" else family
    if family == "peto-peto" and weights:
        weights = "copies"
    frame = pd.DataFrame(data)
    exponents = {"rho": rho, "gamma": gamma}
    found = compared(frame, family=family, strata=strata, entry=entry, weights=weights, cluster=cluster, **exponents)
    if found is None:
        return
    if cluster == "row":
        data = {**data, "cluster": data["row"]}
    if weights == "copies":
        data = {**data, "weights": data["copies"]}
    score, covariance = by_definition(
        data, family=family, strata=strata, entry=entry, weights=weights, robust=cluster is not None, **exponents
    )
    np.testing.assert_allclose(found.tidy()["score"], score, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-9, atol=1e-9)
    expected = float(score @ np.linalg.pinv(covariance, rcond=1e-9, hermitian=True) @ score)
    if np.linalg.matrix_rank(covariance, tol=1e-9) == found.df:
        assert found.statistic == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("options", [{}, {"entry": "entry"}, {"strata": "strata", "trend": True}])
@pytest.mark.parametrize("family", FAMILIES)
@given(data=outcomes())
@settings(max_examples=6, deadline=None)
def test_weight_k_is_k_copies(family, options, data):
    frame = pd.DataFrame(data)
    one = compared(frame, family=family, weights="copies", **options)
    many = compared(frame.loc[frame.index.repeat(frame["copies"])], family=family, **options)
    assert (one is None) == (many is None)
    if one is not None:
        assert one.statistic == pytest.approx(many.statistic, rel=1e-8, abs=1e-10)
        assert one.df == many.df


@pytest.mark.parametrize("options", [{}, {"weights": "weights", "cluster": "cluster"}])
@pytest.mark.parametrize("family", ["logrank", "gehan", "tarone-ware", "fleming-harrington"])
@given(data=outcomes())
@settings(max_examples=6, deadline=None)
def test_row_order_unit_labels_and_splitting_change_nothing(family, options, data):
    frame = pd.DataFrame(data)
    whole = compared(frame, family=family, entry="entry", **options)
    if whole is None:
        return
    middle = (frame["entry"] + frame["time"]) / 2
    split = pd.concat([frame.assign(time=middle, event=0), frame.assign(entry=middle)], ignore_index=True)
    others = [
        frame.sample(frac=1, random_state=1),
        frame.assign(time=frame["time"] * 7e4, entry=frame["entry"] * 7e4),
        frame.assign(group=-frame["group"]),
        *([split] if options else []),
    ]
    if not options:
        assert compared(split, family=family, entry="entry").statistic == pytest.approx(
            whole.statistic, rel=1e-8, abs=1e-9
        )
    for other in others:
        assert compared(other, family=family, entry="entry", **options).statistic == pytest.approx(
            whole.statistic, rel=1e-7, abs=1e-9
        )


def test_the_likelihood_ratio_of_cox_is_near():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"days": rng.exponential(size=60), "x": rng.integers(0, 2, 60), "again": 1})
    frame.loc[::4, "again"] = 0
    found = logrank(frame, "days", "again", "x")
    fit = cox(frame, "days", "again", ["x"])
    assert found.statistic == pytest.approx(2 * (fit.log_likelihood - fit.log_likelihood_null), rel=0.05)
    assert found.df == 1


def test_scores_of_a_trend_may_be_named_shifted_and_scaled():
    larynx = people("larynx")
    options = {"duration": "time", "event": "delta", "by": "stage"}
    plain = logrank(larynx, **options, trend=True)
    for scores in ([1, 2, 3, 4], {4: 40, 3: 30, 2: 20, 1: 10}, [-4, -3, -2, -1]):
        assert logrank(larynx, **options, trend=scores).statistic == pytest.approx(plain.statistic, rel=1e-12)
    assert plain.df == 1
    two = {"duration": "time", "event": "delta", "by": "type"}
    kidney = people("kidney")
    assert logrank(kidney, **two, trend=True).statistic == pytest.approx(logrank(kidney, **two).statistic, rel=1e-12)
    assert "for trend" in plain.name
    assert "scores 1 1, 2 2, 3 3, 4 4" in plain.null


def test_the_level_is_kept_under_the_null():
    """400 samples with ties, delayed entry and clusters of two: 5% of p-values are below 0.05, robust or not."""
    rng = np.random.default_rng(20)
    below = {"plain": 0, "robust": 0}
    for _ in range(400):
        pair = np.repeat(np.arange(60), 2)
        frame = pd.DataFrame({"pair": pair, "group": np.tile([0, 1], 60)})
        shared_part = np.repeat(rng.gamma(2, 0.5, 60), 2)
        frame["days"] = np.ceil(rng.exponential(20, 120) / shared_part)
        frame["plain"] = np.ceil(rng.exponential(20, 120))
        frame["w"] = rng.uniform(0.5, 2, 120)
        frame["one"] = 1
        below["plain"] += logrank(frame, "plain", "one", "group").p_value < 0.05
        below["robust"] += logrank(frame, "days", "one", "group", weights="w", cluster="pair").p_value < 0.05
    for count in below.values():
        assert abs(count / 400 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400)


def test_a_design_brings_its_weights_and_sets():
    frame = people("lung_design")
    weights = frame["w"].where(frame["row"] > 9, 0.0)
    sets = frame["pair"].where(weights > 0)
    design = Design(frame, "sex", weights, sets, "ATT", (), "Made by hand", pd.DataFrame(), ("A caution.",))
    found = logrank(design, "time", "status", "sex", entry="late")
    kept = frame[weights > 0]
    plain = logrank(kept, "time", "status", "sex", entry="late", weights="w", cluster="pair")
    assert found.statistic == plain.statistic
    assert "A caution." in found.notes
    with pytest.raises(InputError, match="beside a Design"):
        logrank(design, "time", "status", "sex", weights="w")


@pytest.fixture
def few() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "days": [5.0, 8, 12, 12, 20, 31, 31, 40],
            "again": [1, 0, 1, 1, 0, 1, 0, 1],
            "group": ["a", "a", "a", "b", "b", "b", "c", "c"],
            "from": [0.0, 2, 3, 1, 0, 9, 8, 30],
            "w": [1.0, 2, 1, 0.5, 1, 1, 3, 1],
            "k": [1, 2, 1, 3, 1, 1, 3, 1],
        }
    )


def test_what_cannot_be_tested_is_said(few):
    for call, message in [
        (lambda: logrank(few, "days", "again", "group", family="wilcoxon"), "family must be one of logrank, gehan"),
        (lambda: logrank(few, "days", "again", "group", rho=1), "rho and gamma belong to family='fleming-harrington'"),
        (lambda: logrank(few, "days", "again", "group", family="fleming-harrington", rho=-1), "must be 0 or more"),
        (lambda: logrank(few, "days", "again", "group", trend=[1, 2]), "one score for each of the 3 groups"),
        (lambda: logrank(few, "days", "again", "group", trend=[1, 1, 1]), "not all the same"),
        (lambda: logrank(few, "days", "again", "group", trend={"a": 1, "b": 2}), "no score for the groups c"),
        (lambda: logrank(few, "days", "again", "group", family="peto-peto", weights="w"), "use family='fleming-harr"),
        (lambda: logrank(few.assign(again=0), "days", "again", "group"), "column again: has no event"),
        (lambda: logrank(few.assign(group="a"), "days", "again", "group"), "column group: has only one group"),
        (lambda: logrank(few.assign(days=7, again=1), "days", "again", "group"), "two groups are at risk together"),
        (lambda: logrank(few, "days", "again", "group", strata="group"), "two groups are at risk together"),
        (lambda: logrank(few, "days", "again", "group", strata="group", trend=True), "at risk together"),
        (lambda: logrank(few.assign(two=[0, 1] * 4), "days", "again", "group", cluster="two"), "too few clusters"),
        (lambda: logrank(few, "days", "again", "where"), "column where: is not in the data"),
        (lambda: logrank(few.assign(w=-1.0), "days", "again", "group", weights="w"), "column w: is below 0"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_cautions_are_in_the_notes(few):
    late = few.assign(days=few["days"] + 50.0 * (few["group"] == "c"), start=60.0 * (few["group"] == "c"))
    found = logrank(late, "days", "again", "group", entry="start")
    assert found.df == 1
    assert (
        "1 of 2 comparisons can be made: no event happens while people of two groups are at risk together in the"
        in (" ".join(found.notes))
    )
    quiet = few.assign(again=few["again"].where(few["group"] != "b", 0))
    assert "Group b: no events." in logrank(quiet, "days", "again", "group").notes
    gone = few.assign(days=few["days"].where(few["group"] != "b"))
    assert "Group b: no row has every value needed." in logrank(gone, "days", "again", "group").notes
    sites = logrank(few.assign(site=[0, 0, 1, 1, 2, 2, 3, 3]), "days", "again", "group", cluster="site")
    assert "4 clusters (fewer than 20): robust standard errors are too small, and p-values too." in sites.notes
    spells = logrank(few, "days", "again", "group", entry="from", weights="w")
    assert any("name `cluster`" in note for note in spells.notes)


def test_two_people():
    """One dies while the other looks on: the score is ±1/2 and its variance 1/4."""
    pair = pd.DataFrame({"days": [3, 5], "again": [1, 1], "x": ["early", "late"]})
    found = logrank(pair, "days", "again", "x")
    assert found.tidy()["score"].tolist() == [0.5, -0.5]
    assert found.statistic == 1


def test_the_result_keeps_the_contract(few):
    found = logrank(few, "days", "again", "group", weights="k")
    assert isinstance(found, Result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.p_value = 0.04
    assert found.tidy().columns.tolist() == [
        "group",
        "n",
        "n_events",
        "observed",
        "expected",
        "score",
        "std_error",
    ]
    assert repr(found) == repr(logrank(few, "days", "again", "group", weights="k"))
    assert repr(found).startswith("Log-rank test: chi-squared ")
    axes = plt.subplots()[1]
    assert found.plot(axes) is axes
    assert [label.get_text() for label in found.plot().get_yticklabels()] == ["a", "b", "c"]
    plt.close("all")
