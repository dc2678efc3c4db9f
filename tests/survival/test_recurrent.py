"""Models of repeated events: the tables against loops, and the fits on them against R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import InputError
from impact.results import Result
from impact.survival.cox import cox
from impact.survival.recurrent import recurrent

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
NUMBERS = pd.read_csv(STORE / "reference_events_recurrent.csv").set_index(["case", "item"]).sort_index()
ROWS = ("id", "start", "stop", "event")
MODELS = ("andersen-gill", "pwp-total", "pwp-gap", "wei-lin-weissfeld")
COVARIATES = {"bladder2": ["rx", "size", "number"], "cgd": ["rx", "sex", "age"]}


def people(case: str) -> pd.DataFrame:
    return pd.read_csv(STORE / f"events_{case}.csv").drop(columns="enum")


def stored(case: str, item: str) -> np.ndarray:
    return NUMBERS.loc[[(case, item)], "value"].to_numpy()


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("case", [("bladder2", model) for model in MODELS] + [("cgd", model) for model in MODELS[:3]])
def test_fits_are_those_of_r(case, ties):
    name, model = case
    prepared = recurrent(people(name), *ROWS, model=model)
    fit = cox(prepared.data, covariates=COVARIATES[name], ties=ties, **prepared.arguments)
    case = f"{name}_{model}_{ties}"
    np.testing.assert_allclose(fit.coefficients, stored(case, "coef"), rtol=1e-8)
    np.testing.assert_allclose(fit.tidy()["std_error"], stored(case, "se"), rtol=1e-8)
    np.testing.assert_allclose([fit.log_likelihood_null, fit.log_likelihood], stored(case, "loglik"), rtol=1e-10)


def test_a_coefficient_for_each_event_is_that_of_r():
    """Wei, Lin and Weissfeld's own form: the treatment may act on each event differently."""
    prepared = recurrent(people("bladder2"), *ROWS, model="wei-lin-weissfeld")
    data, names = prepared.data.copy(), []
    for covariate in ("rx", "size", "number"):
        for k in range(1, 5):
            names.append(f"{covariate}_{k}")
            data[names[-1]] = np.where(data["event_number"] == k, data[covariate], 0)
    fit = cox(data, covariates=names, **prepared.arguments)
    np.testing.assert_allclose(fit.coefficients, stored("bladder2_wei-lin-weissfeld-each", "coef"), rtol=1e-8)
    np.testing.assert_allclose(fit.tidy()["std_error"], stored("bladder2_wei-lin-weissfeld-each", "se"), rtol=1e-8)


@st.composite
def histories(draw):
    """People with a few rows each, some cut without an event, some with gaps, in any order."""
    rows = []
    for person in range(draw(st.integers(1, 5))):
        clock = draw(st.integers(0, 2))
        for _ in range(draw(st.integers(1, 4))):
            length = draw(st.integers(1, 3))
            rows.append((person, clock, clock + length, draw(st.integers(0, 1))))
            clock += length + draw(st.sampled_from([0, 0, 1]))
    frame = pd.DataFrame(rows, columns=["id", "start", "stop", "event"])
    return frame.sample(frac=1, random_state=draw(st.integers(0, 99)))


@given(rows=histories(), events=st.sampled_from([None, 1, 2]))
@settings(max_examples=60, deadline=None)
def test_tables_are_their_definitions(rows, events):
    expected = {model: [] for model in MODELS}
    most = rows.groupby("id")["event"].sum().max()
    most = max(most, 1) if events is None else max(min(most, events), 1)
    for person, part in rows.groupby("id"):
        seen, since = 0, 0
        for row in part.sort_values("start").itertuples():
            if events is not None and seen >= events:
                break
            base = (person, row.start, row.stop)
            expected["andersen-gill"].append((*base, row.event))
            expected["pwp-total"].append((*base, row.event, seen + 1))
            expected["pwp-gap"].append((*base, row.event, seen + 1, row.start - since, row.stop - since))
            for k in range(seen + 1, most + 1):
                expected["wei-lin-weissfeld"].append((*base, int(row.event and k == seen + 1), k))
            if row.event:
                seen, since = seen + 1, row.stop
    columns = {
        "andersen-gill": [*ROWS],
        "pwp-total": [*ROWS, "event_number"],
        "pwp-gap": [*ROWS, "event_number", "gap_start", "gap_stop"],
        "wei-lin-weissfeld": ["id", "start", "stop", "marginal_event", "event_number"],
    }
    for model in MODELS:
        prepared = recurrent(rows, *ROWS, model=model, events=events)
        found = sorted(tuple(row) for row in prepared.data[columns[model]].to_numpy().tolist())
        assert found == sorted(tuple(float(value) for value in row) for row in expected[model])
        counts = prepared.tidy()
        event = prepared.arguments["event"]
        assert counts["n_events"].sum() == prepared.data[event].sum()
        if "strata" in prepared.arguments:
            by_hand = prepared.data.groupby("event_number").agg(n=("id", "nunique"), n_events=(event, "sum"))
            found = counts.set_index("event_number").loc[by_hand.index]
            pd.testing.assert_frame_equal(found, by_hand, check_dtype=False)


@pytest.mark.parametrize("model", MODELS)
def test_cutting_rows_changes_no_fit(model):
    data = people("cgd")
    middle = np.floor((data["start"] + data["stop"]) / 2)
    cut = data[middle > data["start"]].assign(stop=middle, event=0)
    split = pd.concat([cut, data.assign(start=middle)], ignore_index=True)
    fits = []
    for rows in (data, split):
        prepared = recurrent(rows, *ROWS, model=model, events=3)
        fits.append(cox(prepared.data, covariates=["rx", "age"], **prepared.arguments))
    np.testing.assert_allclose(fits[1].coefficients, fits[0].coefficients, rtol=1e-8)
    np.testing.assert_allclose(fits[1].covariance, fits[0].covariance, rtol=1e-7)


def test_a_design_brings_its_weights_and_sets():
    data = people("cgd")
    pairs = {person: place // 2 for place, person in enumerate(data["id"].unique())}
    weights, sets = data["w"].where(data["id"] != 7, 0.0), data["id"].map(pairs)
    design = Design(data, "rx", weights, sets, "ATT", ("age",), "Made by hand", pd.DataFrame(), ("Caution.",))
    prepared = recurrent(design, *ROWS, model="pwp-total", events=2)
    assert "Caution." in prepared.notes
    fit = cox(prepared.data, covariates=["rx"], **prepared.arguments)
    kept = recurrent(data[weights > 0].assign(pair=sets), *ROWS, model="pwp-total", events=2)
    plain = cox(kept.data, covariates=["rx"], weights="w", **{**kept.arguments, "cluster": "pair"})
    np.testing.assert_allclose(fit.tidy()["std_error"], plain.tidy()["std_error"], rtol=1e-12)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-12)
    alone = Design(data, "rx", weights, None, "ATT", ("age",), "Made by hand", pd.DataFrame())
    assert recurrent(alone, *ROWS).arguments["cluster"] == "id"
    crossed = Design(data, "rx", weights, data["stop"] % 5, "ATT", ("age",), "Made by hand", pd.DataFrame())
    with pytest.raises(InputError, match="column matched set: changes within a person"):
        recurrent(crossed, *ROWS)


def test_bad_input_is_named():
    data = people("cgd").reset_index(drop=True)
    late = data.assign(start=data["start"].where(data.index != 1, 3.0))
    for frame, arguments, message in [
        (late, {}, r"column start: comes before the stop of an earlier row of the same person \(1 row: 2\)"),
        (data.assign(event=2), {}, "column event: is not 0 or 1"),
        (data.assign(stop=data["start"]), {}, "is at or after the duration"),
        (data.assign(event_number=1), {"model": "pwp-total"}, "column event_number: would be written over"),
        (data, {"model": "frailty"}, "model must be one of andersen-gill, pwp-total"),
        (data, {"events": 0}, "events must be a whole number"),
        (data, {"events": 1.5}, "events must be a whole number"),
        (data.assign(stop=np.nan), {}, "has no row with every value needed"),
        (data.drop(columns="id"), {}, "column id: is not in the data"),
    ]:
        with pytest.raises(InputError, match=message):
            recurrent(frame, *ROWS, **arguments)
    lone = data[data["id"] == 1].reset_index(drop=True)
    with pytest.raises(InputError, match="No person has every value"):
        recurrent(lone.assign(event=lone["event"].where(lone.index != 1)), *ROWS)


def test_a_person_with_a_gap_in_the_record_is_left_out_whole():
    data = people("cgd").reset_index(drop=True)
    gaps = data.assign(event=data["event"].where(data.index != 1))
    prepared = recurrent(gaps, *ROWS, model="pwp-total")
    assert (data["id"] == data["id"][1]).sum() == 3
    assert prepared.notes[:2] == (
        f"1 of {len(data)} rows left out: event is missing (1).",
        "2 more rows left out: their person has a row with a missing value.",
    )
    assert data["id"][1] not in set(prepared.data["id"])


def test_result_keeps_the_contract():
    prepared = recurrent(people("cgd"), *ROWS, model="pwp-gap", events=3)
    assert isinstance(prepared, Result)
    assert repr(prepared).startswith("Rows for pwp-gap: 1")
    assert (
        "for cox: duration='gap_stop', event='event', entry='gap_start', cluster='id', strata='event_number'"
        in repr(prepared)
    )
    assert "event 1: 128 people at risk, 44 had it" in repr(prepared)
    assert any("rows after a person's event number 3 left out" in note for note in prepared.notes)
    assert any("Fewer than 10 people had event number 3" in note for note in prepared.notes)
    nothing = recurrent(people("cgd").assign(event=0), *ROWS, model="wei-lin-weissfeld")
    assert nothing.tidy()["n_events"].tolist() == [0]
