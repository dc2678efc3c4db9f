"""Cumulative incidence: against R, against the definition written as loops, and what must not change it."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.cohort import at_risk
from impact.design import Design
from impact.errors import InputError
from impact.results import Result
from impact.survival.cumulative_incidence import cumulative_incidence
from impact.survival.kaplan_meier import kaplan_meier
from impact.survival.numbers import influence

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
KEYS = ["group", "cause", "time"]


def people(case: str) -> pd.DataFrame:
    return pd.read_csv(STORE / f"events_{case.split('_')[0]}.csv")


def by_text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(group=frame["group"].astype(str), cause=frame["cause"].astype(str))


STORED = by_text(pd.read_csv(STORE / "reference_events_incidence.csv"))
COUNTED_ONCE = {
    "pbc": {},
    "made": {},
    "made_by": {"by": "group"},
    "mgus_by": {"by": "sex"},
}
JACKKNIFE = {
    "made_weights": {"by": "group", "weights": "w"},
    "made_cluster": {"by": "group", "cluster": "pair"},
    "made_weights_cluster": {"by": "group", "weights": "w", "cluster": "pair"},
    "made_whole_row": {"by": "group", "weights": "k", "cluster": "row"},
    "made_entry_row": {"by": "group", "entry": "late", "cluster": "row"},
    "made_entry_weights": {"by": "group", "entry": "late", "weights": "w"},
    "made_entry_cluster": {"by": "group", "entry": "late", "cluster": "pair"},
    "made_entry_all": {"by": "group", "entry": "late", "weights": "w", "cluster": "pair"},
}
CASES = {**COUNTED_ONCE, **JACKKNIFE}


@pytest.mark.parametrize("case", STORED["case"].unique())
def test_curves_and_limits_are_those_of_survfit(case):
    name, conf_type = case.split(":")
    fit = cumulative_incidence(
        people(name), "time", "event", conf_type=conf_type.replace("arcsin", "arcsine"), **CASES[name]
    )
    stored = STORED[STORED["case"] == case]
    both = by_text(fit.tidy()).merge(stored, on=KEYS, suffixes=("", "_r"))
    assert len(both) == len(stored) == len(fit.tidy())
    seen = both["estimate"] > 0
    # R shows limits of 0 on the plain scale before the first event; here an estimate of 0 has no interval.
    assert both.loc[~seen, ["conf_low", "conf_high"]].isna().all(axis=None)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(both.loc[seen, column], both.loc[seen, f"{column}_r"], rtol=1e-10, atol=1e-15)
    if "weights" not in CASES[name]:  # R's counts of a curve with causes are not weighted
        for column in ("n_risk", "n_event", "n_censored"):
            np.testing.assert_array_equal(both[column], both[f"{column}_r"])
    free = fit.event_free().assign(group=lambda table: table["group"].astype(str))
    both = free.merge(stored.drop_duplicates(["group", "time"]), on=["group", "time"], suffixes=("", "_r"))
    np.testing.assert_allclose(both["estimate"], both["free"], rtol=1e-10, atol=1e-15)
    left = both["estimate"] > 0  # as for Kaplan-Meier, a share of 0 has no standard error
    np.testing.assert_allclose(both.loc[left, "std_error"], both.loc[left, "free_error"], rtol=1e-10)


@pytest.mark.parametrize(("case", "by"), [("mgus", "sex"), ("pbc", "stage"), ("made", "group")])
def test_curves_and_aalens_variance_are_those_of_cuminc(case, by):
    fit = cumulative_incidence(people(case), "time", "event", by=by, variance="aalen")
    stored = pd.read_csv(STORE / "reference_events_cuminc.csv").query("case == @case")
    both = by_text(fit.tidy()).merge(by_text(stored), on=KEYS, suffixes=("", "_r"))
    assert len(both) == len(fit.tidy())
    np.testing.assert_allclose(both["estimate"], both["estimate_r"], rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(both["std_error"] ** 2, both["variance"], rtol=1e-10, atol=1e-18)


def plain_curves(time, event, causes, at, entry, weights):
    """F_k at one time, and the share without any event, by the definition."""
    n = len(time)
    free, found = 1.0, np.zeros(causes)
    for t in sorted({time[i] for i in range(n) if event[i] and time[i] <= at}):
        risk = [i for i in range(n) if entry[i] < t <= time[i]]
        mass = sum(weights[i] for i in risk)
        gone = [i for i in risk if event[i] and time[i] == t]
        for i in gone:
            found[int(event[i]) - 1] += free * weights[i] / mass
        free *= 1 - sum(weights[i] for i in gone) / mass if len(gone) < len(risk) else 0.0
    return np.r_[found, free]


@st.composite
def outcomes(draw, most=12):
    """Small samples full of ties, with late entry and weights."""
    n = draw(st.integers(2, most))

    def row(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=float)

    late = row(st.integers(0, 4)) if draw(st.booleans()) else np.zeros(n)
    return pd.DataFrame(
        {
            "late": late,
            "time": late + row(st.integers(1, 5)),
            "event": row(st.sampled_from([0, 1, 1, 2])),
            "w": row(st.integers(1, 8)) / 4,
            "k": row(st.integers(1, 3)),
            "cluster": np.r_[9, row(st.integers(0, 3))[1:]],
        }
    )


NAMES = ("reoffence", "death")


@given(data=outcomes())
@settings(max_examples=60, deadline=None)
def test_estimate_and_jackknife_are_their_definitions(data):
    """F_k and S differentiated by each weight numerically, squared and summed by cluster."""
    fit = cumulative_incidence(
        data, "time", "event", entry="late", weights="w", cluster="cluster", causes=NAMES, conf_type="plain"
    )
    time, event, late, w = (data[name].to_numpy() for name in ("time", "event", "late", "w"))
    cluster = np.unique(data["cluster"], return_inverse=True)[1]
    tidy, free = fit.tidy(), fit.event_free()
    for t in sorted(set(time)):
        expected = plain_curves(time, event, 2, t, late, w)
        found = [*tidy.loc[tidy["time"] == t, "estimate"], *free.loc[free["time"] == t, "estimate"]]
        np.testing.assert_allclose(found, expected, atol=1e-12)
        slopes = []
        for i in range(len(time)):
            step = np.zeros(len(time))
            step[i] = 1e-5
            up, down = (plain_curves(time, event, 2, t, late, w + sign * step) for sign in (1, -1))
            slopes.append(w[i] * (up - down) / 2e-5)
        error = np.sqrt([np.sum(np.bincount(cluster, column) ** 2) for column in np.array(slopes).T])
        found = [*tidy.loc[tidy["time"] == t, "std_error"], *free.loc[free["time"] == t, "std_error"]]
        np.testing.assert_allclose(found[:2], error[:2], rtol=1e-5, atol=1e-7)
        if expected[2] > 1e-9:
            np.testing.assert_allclose(found[2], error[2], rtol=1e-5, atol=1e-7)


def plain_variances(time, event, cause, at, entry, weights):
    """The multinomial and Aalen's variance of F_k at one time, summed over times as the papers write them."""
    steps, free, found = [], 1.0, 0.0
    for t in sorted({t for t in time if t <= at}):
        n = weights[(entry < t) & (t <= time)].sum()
        own, others = (weights[(time == t) & pick].sum() for pick in (event == cause, (event > 0) & (event != cause)))
        before, free = free, free * (1 - (own + others) / n)
        found += before * own / n
        steps.append((n, own, others, before, free, found))
    multinomial = aalen = 0.0
    for n, own, others, before, after, then in steps:
        p, q, to_come = own / n, (own + others) / n, found - then
        multinomial += before**2 * p * (1 - p) / n - 2 * before * to_come * p / n
        multinomial += to_come**2 * q / (n * (1 - q)) if q < 1 else 0.0
        lost = to_come / after if after > 0 else 0.0
        for d, share in ((own, 1 - lost), (others, -lost)):
            tied = 1 - (d - 1) / (n - 1) if d > 1 else 1.0
            aalen += (before * share / n) ** 2 * d * tied
    return multinomial, aalen


@given(data=outcomes())
@settings(max_examples=40, deadline=None)
def test_variances_are_their_definitions_with_late_entry_and_whole_weights(data):
    columns = [data[name].to_numpy() for name in ("time", "event", "late", "k")]
    time, event, late, k = columns
    for place, variance in enumerate(("greenwood", "aalen")):
        options = {"entry": "late", "weights": "k", "causes": NAMES, "variance": variance}
        tidy = cumulative_incidence(data, "time", "event", **options).tidy()
        for row in tidy.itertuples():
            expected = plain_variances(time, event, NAMES.index(row.cause) + 1, row.time, late, k)[place]
            assert row.std_error**2 == pytest.approx(expected, rel=1e-9, abs=1e-14)


@given(data=outcomes())
@settings(max_examples=40, deadline=None)
def test_identities(data):
    data = data.assign(row=np.arange(len(data)))
    fit = cumulative_incidence(data, "time", "event", entry="late", causes=NAMES)
    tidy, free = fit.tidy(), fit.event_free()
    total = tidy.groupby("time")["estimate"].sum() + free.set_index("time")["estimate"]
    np.testing.assert_allclose(total, 1, atol=1e-12)

    curve = kaplan_meier(data.assign(any=data["event"] > 0), "time", "any", entry="late").tidy()
    pd.testing.assert_frame_equal(free, curve[free.columns], rtol=1e-9, check_dtype=False)

    one = data.assign(event=data["event"].clip(upper=1))
    alone = cumulative_incidence(one, "time", "event", entry="late", causes=NAMES[:1], conf_type="plain").tidy()
    curve = kaplan_meier(one, "time", "event", entry="late", conf_type="plain").tidy()
    np.testing.assert_allclose(alone["estimate"], 1 - curve["estimate"], atol=1e-12)
    inside = (curve["estimate"] > 0) & (curve["estimate"] < 1)
    np.testing.assert_allclose(alone["std_error"][inside], curve["std_error"][inside], rtol=1e-9)
    np.testing.assert_allclose(alone["conf_low"][inside], 1 - curve["conf_high"][inside], atol=1e-12)

    for variance in ("greenwood", "aalen"):
        options = {"entry": "late", "causes": NAMES, "variance": variance}
        copies = cumulative_incidence(data.loc[data.index.repeat(data["k"])], "time", "event", **options)
        weighted = cumulative_incidence(data, "time", "event", weights="k", **options)
        pd.testing.assert_frame_equal(weighted.tidy(), copies.tidy(), rtol=1e-9, check_dtype=False)

    # Where nobody enters late, the multinomial variance is the jackknife's.
    early = data.assign(time=data["time"] - data["late"])
    once = cumulative_incidence(early, "time", "event", causes=NAMES)
    jackknife = cumulative_incidence(early, "time", "event", causes=NAMES, cluster="row")
    np.testing.assert_allclose(jackknife.tidy()["std_error"], once.tidy()["std_error"], rtol=1e-7, atol=1e-9)


@given(data=outcomes(), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_row_order_time_unit_and_cut_rows_change_nothing(data, seed):
    data = data.assign(row=np.arange(len(data)))
    options = {"entry": "late", "weights": "w", "cluster": "row", "causes": NAMES}
    whole = cumulative_incidence(data, "time", "event", **options)
    shuffled = cumulative_incidence(data.sample(frac=1, random_state=seed), "time", "event", **options)
    pd.testing.assert_frame_equal(shuffled.tidy(), whole.tidy(), rtol=1e-9)
    other = data.assign(time=data["time"] / 7, late=data["late"] / 7)
    columns = ["n_risk", "estimate", "std_error", "conf_low", "conf_high"]
    unit = cumulative_incidence(other, "time", "event", **options).tidy()
    pd.testing.assert_frame_equal(unit[columns], whole.tidy()[columns], rtol=1e-9)
    middle = (data["time"] + data["late"]) / 2
    cut = pd.concat([data.assign(time=middle, event=0), data.assign(late=middle)], ignore_index=True)
    times = np.unique(data["time"])
    split = cumulative_incidence(cut, "time", "event", **options)
    pd.testing.assert_frame_equal(split.at(times), whole.at(times), rtol=1e-8)


@pytest.mark.parametrize("cluster", [None, "pair"])
def test_blocks_of_clusters_add_up(monkeypatch, cluster):
    options = {"by": "group", "entry": "late", "weights": "w", "cluster": cluster}
    whole = cumulative_incidence(people("made"), "time", "event", **options).tidy()
    monkeypatch.setattr(influence, "BLOCK", 7)
    parts = cumulative_incidence(people("made"), "time", "event", **options).tidy()
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-10)


def test_a_design_is_its_weights_and_sets():
    data = people("made")
    weights = data["w"].where(data["row"] > 9, 0.0)
    design = Design(
        data, "prior", weights, data["pair"], "ATT", ("age",), "Made by hand", pd.DataFrame(), ("Caution.",)
    )
    fit = cumulative_incidence(design, "time", "event", by="group")
    plain = cumulative_incidence(data[weights > 0], "time", "event", by="group", weights="w", cluster="pair")
    pd.testing.assert_frame_equal(fit.tidy(), plain.tidy())
    assert "Caution." in fit.notes
    assert "robust variance, " in repr(fit)
    with pytest.raises(InputError, match="counts people once"):
        cumulative_incidence(design, "time", "event", variance="aalen")


def test_curves_are_read_at_any_time():
    data = people("made")
    fit = cumulative_incidence(data, "time", "event", by="group", entry="late", causes=("again", "recall", "death"))
    table = fit.at([0, 10.5, 40, 41])
    assert table["cause"].tolist() == ["again"] * 4 + ["recall"] * 4 + ["death"] * 4 + table["cause"].tolist()[12:]
    tidy = fit.tidy()
    for row in table[table["time"] == 10.5].itertuples():
        before = tidy.query("group == @row.group and cause == @row.cause and time <= 10.5").iloc[-1]
        assert row.estimate == before["estimate"]
        assert row.std_error == before["std_error"]
        inside = data[data["group"] == row.group]
        assert row.n_risk == ((inside["late"] < 10.5) & (inside["time"] >= 10.5)).sum()
    assert table.loc[table["time"] == 0, "estimate"].eq(0).all()
    starters = data[data["late"] == 0].groupby("group").size()
    at_zero = table[table["time"] == 0].drop_duplicates("group").set_index("group")["n_risk"]
    assert at_zero.to_dict() == starters.to_dict()
    assert table.loc[table["time"] == 41, "estimate"].isna().all()
    ended = pd.DataFrame({"days": [1, 2, 3], "what": [1, 2, 1]})
    last = cumulative_incidence(ended, "days", "what").at(9)
    np.testing.assert_allclose(last["estimate"], [2 / 3, 1 / 3])
    with pytest.raises(InputError, match="without missing values"):
        fit.at([np.nan])


def test_stretches_at_risk_feed_it_as_they_come():
    """Start-stop rows with their causes, a person's stretches being no more than one person's."""
    days = pd.to_datetime("2021-01-01") + pd.to_timedelta(np.arange(0, 400, 10), unit="D")
    index = pd.DataFrame(
        {"person_id": range(6), "index_on": days[0], "died_on": [pd.NaT, days[9], pd.NaT, *days[[30, 20, 12]]]}
    )
    custody = pd.DataFrame({"person_id": [0, 2, 3], "entered_on": days[[2, 4, 5]], "left_on": days[[6, 8, 7]]})
    events = pd.DataFrame({"person_id": [0, 4], "occurred_on": days[[20, 3]]})
    rows = at_risk(index, custody, follow_up=365, events=events, inside="ignore", competing=("death",))
    options = {"entry": "start", "causes": rows.causes}
    fit = cumulative_incidence(rows.data, "stop", "event", **options)
    assert fit.causes == ("event", "death")
    assert fit.n_events == ((2, 3),)
    robust = cumulative_incidence(rows.data, "stop", "event", cluster="person_id", **options)
    np.testing.assert_allclose(robust.at(300)["estimate"], fit.at(300)["estimate"], rtol=1e-12)
    alone = cumulative_incidence(rows.data.assign(w=0.5), "stop", "event", weights="w", **options)
    assert any("name `cluster` where a person has several rows" in note for note in alone.notes)


def test_samples_that_break_things():
    pair = pd.DataFrame({"days": [3.0, 5], "what": [1, 2]})
    fit = cumulative_incidence(pair, "days", "what")
    assert fit.tidy()["estimate"].tolist() == [0.5, 0.5, 0.0, 0.5]
    tied = pd.DataFrame({"days": [4.0] * 4, "what": [1, 2, 2, 0]})
    fit = cumulative_incidence(tied, "days", "what")
    assert fit.tidy()["estimate"].tolist() == [0.25, 0.5]
    np.testing.assert_allclose(fit.tidy()["std_error"], np.sqrt([0.25 * 0.75 / 4, 0.5 * 0.5 / 4]))
    nothing = cumulative_incidence(pair.assign(what=0), "days", "what")
    assert nothing.notes == ("No events.",)
    assert nothing.tidy()["estimate"].eq(0).all()
    named = cumulative_incidence(pair.assign(what=[1, 0]), "days", "what", causes=("again", "death"))
    assert named.notes == ("No events of death.",)
    assert named.n_events == ((1, 0),)
    near = pd.DataFrame({"days": [0.1 + 0.2, 0.3, 1.0], "what": [1, 2, 0]})
    fit = cumulative_incidence(near, "days", "what")
    assert fit.tidy().loc[0, ["time", "estimate"]].tolist() == [0.3, 1 / 3]
    assert "rounding only" in fit.notes[0]
    huge = pd.DataFrame({"days": [1e-12, 1.0, 1e12], "what": [1, 2, 1], "w": [1e-8, 1.0, 1e8]})
    fit = cumulative_incidence(huge, "days", "what", weights="w")
    assert fit.at(1e12)["estimate"].sum() == pytest.approx(1, rel=1e-12)
    late = pd.DataFrame({"days": [2.0, 9, 9], "what": [1, 1, 0], "from": [0, 3, 4]})
    fit = cumulative_incidence(late, "days", "what", entry="from")
    assert fit.notes == ("Everyone at risk by 2 had had an event; those who enter later cannot change the curves.",)
    zero = cumulative_incidence(pd.DataFrame({"days": [0.0, 3], "what": [1, 0]}), "days", "what")
    assert zero.at(0)["estimate"].tolist() == [0.5]


def test_bad_input_is_named():
    data = people("made")
    for change, arguments, message in [
        ({"event": data["event"].where(data["row"] > 1, 99)}, {}, "some code from 1 to 99 has no event"),
        (
            {"event": data["event"].where(data["row"] > 1, 1e15)},
            {},
            "some code from 1 to 1000000000000000 has no event",
        ),
        ({"event": data["event"].where(data["row"] > 1, -1)}, {}, "is not a whole number from 0"),
        ({"event": data["event"].where(data["row"] > 1, 1.5)}, {}, "is not a whole number from 0"),
        ({}, {"causes": ("again", "death")}, r"is not a whole number from 0 to 2 \("),
        ({}, {"causes": "again"}, "each once"),
        ({}, {"causes": ("again", "again", "again")}, "each once"),
        ({"late": data["time"]}, {"entry": "late"}, "is at or after the duration"),
        ({"w": -1.0}, {"weights": "w"}, "is below 0"),
        ({"time": np.inf}, {}, "is infinite"),
        ({}, {"variance": "gray"}, "variance must be one of greenwood, aalen"),
        ({}, {"variance": "aalen", "cluster": "pair"}, "counts people once"),
        ({}, {"variance": "aalen", "weights": "w"}, "counts people once"),
        ({"pair": 1}, {"cluster": "pair"}, "All rows used are in one cluster"),
        ({}, {"level": 95}, "level must lie between 0 and 1"),
        ({}, {"conf_type": "logit"}, "conf_type must be one of"),
    ]:
        with pytest.raises(InputError, match=message):
            cumulative_incidence(data.assign(**change), "time", "event", **arguments)
    gone = data.assign(time=data["time"].where(data["group"] != "b"))
    fit = cumulative_incidence(gone, "time", "event", by="group")
    assert fit.labels == ("a", "c")
    assert fit.notes == (
        "80 of 240 rows left out: time is missing (80).",
        "Group b: no row has every value needed.",
    )


def test_few_clusters_are_said():
    data = people("made")
    fit = cumulative_incidence(data, "time", "event", by="group", cluster="zone")
    assert fit.notes == ("3 clusters (fewer than 20): robust standard errors are too small, and p-values too.",)
    fit = cumulative_incidence(data, "time", "event", by="group", cluster="group")
    assert fit.notes[1] == "Group a: all in one cluster, so that its standard errors are 0 and mean nothing."


def test_words_and_figures():
    data = people("made")
    fit = cumulative_incidence(data, "time", "event", by="group", causes=("again", "recall", "death"))
    assert isinstance(fit, Result)
    assert repr(fit).startswith(
        "Cumulative incidence (Aalen-Johansen); 95% log-log intervals; multinomial (Greenwood's)"
    )
    assert "  again: events = 33, by 40 0.5095 (" in repr(fit)
    axes = fit.plot()
    assert len(axes.get_legend().get_texts()) == 9
    printed = [text.get_text() for text in axes.texts if text.get_text().isdigit()]
    assert printed[0] == "80"
    axes.figure.canvas.draw()
    piled = fit.plot(stacked=True, group="a", at_risk=False)
    assert piled.get_ylim() == (0, 1)
    assert [text.get_text() for text in piled.get_legend().get_texts()] == [
        "without any event",
        "death",
        "recall",
        "again",
    ]
    for bad in ({"stacked": True}, {"stacked": True, "group": "z"}, {"group": "a"}):
        with pytest.raises(InputError, match="group"):
            fit.plot(**bad)
    own = plt.subplots()[1]
    assert cumulative_incidence(data, "time", "event").plot(own) is own
    plt.close("all")
