"""Fine and Gray's model: against cmprsk and survival, against the definition as loops, and what must not change it."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.results import TIDY_COLUMNS, Result
from impact.survival.cox import cox
from impact.survival.fine_gray import fine_gray
from impact.survival.likelihoods.newton import maximise
from impact.survival.likelihoods.partial import evaluate, information, sample, score_residuals, sums_at_risk
from impact.survival.likelihoods.shares import censoring, shares
from impact.survival.likelihoods.subdistribution import influence
from impact.survival.numbers.incidence import aalen_johansen
from impact.survival.riskset import rank_times, risk_sets

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
COVARIATES = {"pbc": ["age", "edema", "bili"], "mgus": ["age", "sex", "hgb"], "made": ["age", "prior"]}


def people(case: str) -> pd.DataFrame:
    return pd.read_csv(STORE / f"events_{case.split('_')[0]}.csv")


NUMBERS = pd.read_csv(STORE / "reference_events_fine_gray.csv").set_index(["case", "item"]).sort_index()


def stored(case: str, item: str) -> np.ndarray:
    return NUMBERS.loc[[(case, item)], "value"].to_numpy()


CRR = {
    "pbc": {},
    "pbc_other": {"covariates": ["age", "bili"], "cause": 2},
    "mgus_later": {},
    "made_later": {},
}


@pytest.mark.parametrize("case", CRR)
def test_fit_and_variance_are_those_of_crr(case):
    """On times without ties; and on tied ones ("later") where R was given each censored time half a day later.

    cmprsk puts censoring before the events of the same time. Half a day changes nothing here, where events come first.
    """
    data = people(case)
    arguments = {"covariates": COVARIATES[case.split("_")[0]], **CRR[case]}
    fit = fine_gray(data, "time", "event", ties="breslow", **arguments)
    size = len(fit.names)
    np.testing.assert_allclose(fit.coefficients, stored(case, "coef"), rtol=1e-8)
    np.testing.assert_allclose(fit.covariance, stored(case, "var").reshape(size, size), rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose([fit.log_likelihood_null, fit.log_likelihood], stored(case, "loglik"), rtol=1e-10)
    x = data[arguments["covariates"]]
    for place, row in enumerate((x.mean(), x.iloc[6]), start=1):
        curve = NUMBERS.loc[[(case, f"predict{place}")]]
        times = curve["key"].astype(float)
        times = times[times > 0]
        found = fit.predict(pd.DataFrame([row]), times).tidy()
        np.testing.assert_allclose(found["estimate"], curve["value"].iloc[-len(times) :], rtol=1e-8)


def test_crr_differs_where_censoring_ties_with_an_event():
    """By the order of events and censoring alone: the same times as they are give other numbers in R."""
    fit = fine_gray(people("made"), "time", "event", COVARIATES["made"], ties="breslow")
    apart = np.abs(fit.coefficients / stored("made_as_is", "coef") - 1)
    assert (apart > 1e-5).all()
    assert (apart < 0.01).all()


def fitted(data, names, ties, weights=None, weighted_censoring=True, strata=None):
    """The arrays of a fit, whose pieces the public call does not show."""
    event, x = data["event"].to_numpy(), np.ascontiguousarray(data[names].to_numpy(dtype=float).T)
    centre, scale = x.mean(axis=1), x.std(axis=1)
    x = (x - centre[:, None]) / scale[:, None]
    ranks = rank_times(data["time"].to_numpy(dtype=float))
    sets = risk_sets(ranks, event == 1, strata)
    until = censoring(ranks, event, weights if weighted_censoring else None, strata)
    kept = shares(sets, until, np.flatnonzero(event == 1), np.flatnonzero(event > 1), strata)
    prepared = sample(sets, x, (event == 1).astype(float), weights, ties, kept=kept)
    found = maximise(prepared)
    return found, prepared, scale


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("case", ["pbc", "mgus", "made", "made_strata", "made_weights"])
def test_fit_is_that_of_finegray_and_coxph(case, ties):
    """R's robust variance takes censoring as known. With weights, its censoring estimate is unweighted."""
    data, names = people(case), COVARIATES[case.split("_")[0]]
    strata = data["zone"].to_numpy() if case == "made_strata" else None
    weights = data["w"].to_numpy() if case == "made_weights" else None
    found, prepared, scale = fitted(data, names, ties, weights, False, strata)
    case = f"{case}_{ties}"
    np.testing.assert_allclose(found.point.beta / scale, stored(case, "coef"), rtol=1e-8)
    loglik = [found.start.log_likelihood, found.point.log_likelihood]
    np.testing.assert_allclose(loglik, stored(case, "loglik"), rtol=1e-10)
    inverse, unit = np.linalg.inv(found.information), np.outer(scale, scale)
    np.testing.assert_allclose((inverse / unit).ravel(), stored(case, "naive"), rtol=1e-8, atol=1e-14)
    residuals = score_residuals(prepared, found.point)
    fixed = inverse @ residuals @ residuals.T @ inverse / unit
    np.testing.assert_allclose(fixed.ravel(), stored(case, "fixed"), rtol=1e-8, atol=1e-14)
    if weights is None:
        fit = fine_gray(data, "time", "event", names, ties=ties, strata=None if strata is None else "zone")
        np.testing.assert_allclose(fit.coefficients, stored(case, "coef"), rtol=1e-8)


class Plain:
    """Fine and Gray's weights and sums by the definition, in O(n²) for each time of an event."""

    def __init__(self, time, event, x, strata, ties):
        self.time, self.event, self.x, self.strata, self.ties = time, event, x, strata, ties
        self.n = len(time)

    def left(self, t, s, w):
        """(G(t−), Σ c / Y over u < t): the second moves where w does, as −log G does in Fine and Gray's variance."""
        g, total = 1.0, 0.0
        for u in sorted({self.time[i] for i in range(self.n) if not self.event[i] and self.strata[i] == s}):
            if u < t:
                risk = [
                    i
                    for i in range(self.n)
                    if self.strata[i] == s and (self.time[i] > u or (self.time[i] == u and not self.event[i]))
                ]
                gone = [i for i in risk if self.time[i] == u]
                g *= 0.0 if len(gone) == len(risk) else 1 - sum(w[i] for i in gone) / sum(w[i] for i in risk)
                total += sum(w[i] for i in gone) / sum(w[i] for i in risk)
        return g, total

    def steps(self, w, now):
        """(weight, event rows, {row: share}) of each time of an event; G is that of `w`, moved as `now` moves it."""
        for s in sorted(set(self.strata)):
            for t in sorted({self.time[i] for i in range(self.n) if self.event[i] == 1 and self.strata[i] == s}):
                kept = {}
                for i in range(self.n):
                    if self.strata[i] != s:
                        continue
                    if self.time[i] >= t:
                        kept[i] = 1.0
                    elif self.event[i] > 1:
                        (a, la), (b, lb) = self.left(t, s, w), self.left(self.time[i], s, w)
                        move = self.left(self.time[i], s, now)[1] - lb - self.left(t, s, now)[1] + la
                        kept[i] = a / b * np.exp(move)
                yield s, t, [i for i in kept if self.time[i] == t and self.event[i] == 1], kept

    def sums(self, beta, w, now, stop=np.inf):
        """Log-likelihood, score, information, and the baseline hazard up to `stop`, with weights `now`."""
        p = self.x.shape[1]
        value, score, info, hazard = 0.0, np.zeros(p), np.zeros((p, p)), 0.0
        for _, t, dead, kept in self.steps(w, now):
            d, mean_weight = len(dead), sum(now[i] for i in dead) / len(dead)
            for i in dead:
                value += now[i] * float(self.x[i] @ beta)
                score += now[i] * self.x[i]
            for step in range(d):
                share = step / d if self.ties == "efron" else 0.0
                part = {
                    i: now[i] * m * np.exp(self.x[i] @ beta) * (1 - share if i in dead else 1.0)
                    for i, m in kept.items()
                }
                phi = sum(part.values())
                mean = sum(part[i] * self.x[i] for i in part) / phi
                value -= mean_weight * np.log(phi)
                score -= mean_weight * mean
                info += mean_weight * sum(part[i] * np.outer(self.x[i] - mean, self.x[i] - mean) for i in part) / phi
                hazard += mean_weight / phi if t <= stop else 0.0
        return value, score, info, hazard


@st.composite
def outcomes(draw):
    n = draw(st.integers(3, 9))

    def row(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    event = row(st.sampled_from([0, 0, 1, 2, 3]))
    event[draw(st.integers(0, n - 1))] = 1
    x = np.stack([row(st.integers(-2, 2)), row(st.integers(0, 1))], axis=1).astype(float)
    return row(st.integers(1, 6)).astype(float), event, x, row(st.integers(0, 1)), row(st.integers(1, 8)) / 4


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@given(data=outcomes())
@settings(max_examples=25, deadline=None)
def test_likelihood_and_influences_are_their_definitions(ties, data):
    """The influences against numerical derivatives by each weight, G moving as Fine and Gray let it."""
    time, event, x, strata, w = data
    strata = np.unique(strata, return_inverse=True)[1]
    beta = np.array([0.6, -0.9])
    ranks = rank_times(time)
    sets = risk_sets(ranks, event == 1, strata)
    until = censoring(ranks, event, w, strata)
    kept = shares(sets, until, np.flatnonzero(event == 1), np.flatnonzero(event > 1), strata)
    prepared = sample(sets, np.ascontiguousarray(x.T), (event == 1).astype(float), w, ties, kept=kept)
    point = evaluate(prepared, beta)
    plain = Plain(time, event, x, strata, ties)
    value, score, info, _ = plain.sums(beta, w, w)
    assert point.log_likelihood == pytest.approx(value, rel=1e-10, abs=1e-10)
    np.testing.assert_allclose(point.score, score, atol=1e-10)
    np.testing.assert_allclose(information(prepared, point), info, atol=1e-10)

    each = influence(prepared, until, point, strata)
    cells = (sets.times <= 4).astype(float)
    on_score, on_hazard = each.on_score(), each.on_hazard(cells) * np.exp(-point.shift)
    for i in range(len(time)):
        step = np.zeros(len(time))
        step[i] = 1e-5
        up, down = (plain.sums(beta, w, w + sign * step, stop=4) for sign in (1, -1))
        np.testing.assert_allclose(on_score[:, i], w[i] * (up[1] - down[1]) / 2e-5, atol=1e-7)
        np.testing.assert_allclose(on_hazard[i], w[i] * (up[3] - down[3]) / 2e-5, atol=1e-7)


@given(data=outcomes())
@settings(max_examples=40, deadline=None)
def test_the_risk_set_is_that_of_the_incidence(data):
    """Σ shares = n (1 − F(t−)) G(t−), so that without covariates the model's incidence is Aalen and Johansen's."""
    time, event, _, strata, w = data
    strata = np.unique(strata, return_inverse=True)[1]
    ranks = rank_times(time)
    sets = risk_sets(ranks, event == 1, strata)
    until = censoring(ranks, event, w, strata)
    kept = shares(sets, until, np.flatnonzero(event == 1), np.flatnonzero(event > 1), strata)
    curve = aalen_johansen(ranks, np.minimum(event, 2), 2, group=strata, weights=w)
    prepared = sample(sets, np.zeros((1, len(w))), (event == 1).astype(float), w, "efron", kept=kept)
    risk = sums_at_risk(prepared, w)[0]
    for cell, (t, s) in enumerate(zip(sets.times, sets.stratum, strict=True)):
        part = slice(curve.sets.bounds[s], curve.sets.bounds[s + 1])
        before = np.r_[0.0, curve.incidence[0, part]][np.searchsorted(curve.sets.times[part], t)]
        expected = w[strata == s].sum() * (1 - before) * kept.still[cell]
        np.testing.assert_allclose(risk[cell], expected, rtol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("options", [{}, {"strata": "zone"}, {"weights": "w"}, {"weights": "w", "cluster": "pair"}])
def test_without_competing_events_it_is_cox(ties, options):
    data = people("made")
    data = data.assign(event=(data["event"] == 1).astype(int))
    fit = fine_gray(data, "time", "event", ["age", "prior", "group"], ties=ties, **options)
    plain = cox(data, "time", "event", ["age", "prior", "group"], ties=ties, robust=True, **options)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, plain.covariance, rtol=1e-8, atol=1e-12)
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(fit.baseline()["cumulative_hazard"], plain.baseline()["cumulative_hazard"], rtol=1e-9)
    assert "No competing events" in fit.notes[0]


def numbers(fit) -> np.ndarray:
    return np.r_[fit.tidy()[["estimate", "std_error"]].to_numpy().ravel(), fit.log_likelihood]


seeds = st.integers(0, 9999)


def made(seed: int, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    days, end = np.ceil(rng.exponential(12 * np.exp(-0.5 * x), n)), rng.integers(3, 18, n)
    what = np.where(days > end, 0, rng.choice([1, 1, 2], n))
    what[:2] = 1
    extra = {"k": rng.integers(1, 4, n), "w": rng.uniform(0.2, 2, n), "pair": rng.integers(0, n // 3, n)}
    site = rng.integers(0, 2, n)
    return pd.DataFrame({"days": np.minimum(days, end), "what": what, "x": x, "z": z, "site": site, **extra})


@pytest.mark.parametrize("options", [{}, {"strata": "site", "weights": "w", "cluster": "pair"}])
@given(seed=seeds)
@settings(max_examples=8, deadline=None)
def test_order_unit_scale_and_copies(options, seed):
    data = made(seed)
    whole = fine_gray(data, "days", "what", ["x", "z"], **options)
    shuffled = fine_gray(data.sample(frac=1, random_state=seed), "days", "what", ["x", "z"], **options)
    np.testing.assert_allclose(numbers(shuffled), numbers(whole), rtol=1e-8)
    other = fine_gray(data.assign(days=data["days"] / 7), "days", "what", ["x", "z"], **options)
    np.testing.assert_allclose(numbers(other), numbers(whole), rtol=1e-8)
    scaled = fine_gray(data.assign(x=1e6 * data["x"] + 5e6), "days", "what", ["x", "z"], **options)
    np.testing.assert_allclose(scaled.tidy()["statistic"], whole.tidy()["statistic"], rtol=1e-6)
    columns = {name: value for name, value in options.items() if name == "strata"}
    row = data.assign(row=np.arange(len(data)))
    alone, by_row = (
        fine_gray(row, "days", "what", ["x", "z"], weights="w", cluster=c, **columns) for c in (None, "row")
    )
    np.testing.assert_allclose(by_row.covariance, alone.covariance, rtol=1e-10)
    weighted = fine_gray(data, "days", "what", ["x", "z"], weights="k", ties="breslow", **columns)
    copies = data.loc[data.index.repeat(data["k"])].reset_index(drop=True)
    many = fine_gray(copies, "days", "what", ["x", "z"], ties="breslow", **columns)
    np.testing.assert_allclose(numbers(weighted), numbers(many), rtol=1e-8)
    at = data.head(3)
    one, two = (fit.predict(at, [2, 5, 9]).tidy() for fit in (weighted, many))
    pd.testing.assert_frame_equal(one, two, rtol=1e-7)


def test_standard_error_of_a_prediction_is_the_jackknifes():
    """Where nobody is censored before the end, G stands still, and refitting with each weight moved is the oracle."""
    data = made(5, n=40)
    data["what"] = np.where(data["what"] == 0, 2, data["what"])
    data["one"] = 1.0
    at = data.iloc[[3, 8]]
    options = {"weights": "w", "ties": "efron"}
    fit = fine_gray(data, "days", "what", ["x", "z"], **options)
    found = fit.predict(at, [3, 8]).tidy()
    slopes = []
    for row in data.index:
        moved = []
        for sign in (1, -1):
            w = data["w"].copy()
            w.loc[row] += sign * 1e-5
            moved.append(
                fine_gray(data.assign(w=w), "days", "what", ["x", "z"], **options)
                .predict(at, [3, 8])
                .tidy()["estimate"]
            )
        slopes.append(data.loc[row, "w"] * (moved[0] - moved[1]) / 2e-5)
    np.testing.assert_allclose(found["std_error"], np.sqrt((np.array(slopes) ** 2).sum(axis=0)), rtol=1e-5)
    scale = np.log(-np.log(1 - found[["estimate", "conf_low", "conf_high"]]))
    np.testing.assert_allclose(scale["conf_high"] - scale["estimate"], scale["estimate"] - scale["conf_low"], rtol=1e-9)


def test_predictions_for_new_people():
    data = people("made")
    fit = fine_gray(data, "time", "event", ["age", "group"], strata="zone")
    at = pd.DataFrame({"age": [20, 40], "group": ["c", "a"], "zone": [0, 2]}, index=["p", "q"])
    found = fit.predict(at, [0, 10, 41]).tidy()
    assert found["row"].tolist() == ["p"] * 3 + ["q"] * 3
    base = fit.baseline()
    table = fit.tidy().set_index("term")["estimate"]
    hazard = base[(base["stratum"] == 0) & (base["time"] <= 10)]["cumulative_hazard"].iloc[-1]
    expected = 1 - np.exp(-hazard * np.exp(20 * table["age"] + table["group[c]"]))
    assert found["estimate"][1] == pytest.approx(expected, rel=1e-10)
    assert found["estimate"][0] == 0
    assert found[["conf_low", "conf_high"]].loc[[0, 2]].isna().all(axis=None)
    assert np.isnan(found["estimate"][2])
    for change, message in [
        ({"group": ["d", "a"]}, "column group: has a value that the fit has not seen"),
        ({"zone": [0, 9]}, "column zone: is a stratum that the fit has not seen"),
        ({"age": ["x", "y"]}, "column age: is .*not a number"),
    ]:
        with pytest.raises(InputError, match=message):
            fit.predict(at.assign(**change), 10)
    with pytest.raises(InputError, match="column group: is not in the data"):
        fit.predict(at.drop(columns="group"), 10)
    with pytest.raises(InputError, match="times must be numbers"):
        fit.predict(at, np.nan)
    gap = fit.predict(at.assign(age=[np.nan, 3]), 10)
    assert gap.labels == ("q",)
    assert gap.notes == ("1 of 2 rows left out: age is missing (1).",)
    with pytest.raises(InputError, match=r"give the Design's \.data"):
        fit.predict(Design(data, "prior", data["w"], None, "ATT", (), "Made by hand", pd.DataFrame()), 10)


def test_a_formula_predicts_as_the_columns_do():
    data = people("made")
    listed = fine_gray(data, "time", "event", ["age", "group"])
    formula = fine_gray(data, "time", "event", "age + C(group)")
    at = pd.DataFrame({"age": [20, 40], "group": ["c", "a"]}, index=["p", "q"])
    one, two = (fit.predict(at, [5, 10]).tidy() for fit in (listed, formula))
    pd.testing.assert_frame_equal(one, two, rtol=1e-9)
    centred = fine_gray(data, "time", "event", "center(age) + C(group)").predict(at, [5, 10]).tidy()
    pd.testing.assert_frame_equal(one, centred, rtol=1e-9)


def test_a_design_is_its_weights_and_sets():
    data = people("made")
    weights = data["k"].where(data["row"] > 9, 0)
    design = Design(
        data, "prior", weights, data["pair"], "ATT", ("age",), "Made by hand", pd.DataFrame(), ("Caution.",)
    )
    fit = fine_gray(design, "time", "event", ["age", "prior"])
    plain = fine_gray(data[weights > 0], "time", "event", ["age", "prior"], weights="k", cluster="pair")
    np.testing.assert_allclose(numbers(fit), numbers(plain), rtol=1e-12)
    assert "Caution." in fit.notes
    alone = Design(data, "prior", weights, None, "ATT", ("age",), "Made by hand", pd.DataFrame())
    by_row = fine_gray(data[weights > 0], "time", "event", ["age", "prior"], weights="k", cluster="row")
    np.testing.assert_allclose(
        numbers(fine_gray(alone, "time", "event", ["age", "prior"])), numbers(by_row), rtol=1e-10
    )


def test_samples_that_break_things():
    data = people("made")
    one = data.assign(event=np.where(data["row"] == 31, 1, np.where(data["event"] == 1, 0, data["event"])))
    assert np.isfinite(fine_gray(one, "time", "event", ["prior"]).coefficients).all()
    tied = data.assign(time=5.0)
    assert np.isfinite(numbers(fine_gray(tied, "time", "event", ["age"]))).all()
    near = data.assign(time=data["time"] / 10 + np.where(data["row"] % 2, 1e-12, 0))
    exact = fine_gray(data, "time", "event", ["age"])
    np.testing.assert_allclose(numbers(fine_gray(near, "time", "event", ["age"])), numbers(exact), rtol=1e-8)
    for unit in (1e-12, 1e12):
        scaled = fine_gray(data.assign(age=data["age"] * unit), "time", "event", ["age"])
        assert scaled.coefficients[0] * unit == pytest.approx(exact.coefficients[0], rel=1e-8)
    pair = pd.DataFrame({"days": [3, 5], "what": [2, 1], "x": [0.0, 1.0]})
    with pytest.raises(ConvergenceError, match="column x: has no finite coefficient"):
        fine_gray(pair, "days", "what", ["x"])
    with pytest.raises(InputError, match="has no event of cause 1"):
        fine_gray(data.assign(event=0), "time", "event", ["age"], causes=("again", "death"))
    with pytest.raises(InputError, match="one: has the same value in every row used"):
        fine_gray(data.assign(one=1), "time", "event", ["age", "one"])
    with pytest.raises(InputError, match="column years: is a linear combination"):
        fine_gray(data.assign(years=data["age"] * 12 + 1), "time", "event", ["age", "years"])
    with pytest.raises(InputError, match="column zone: does not vary among the people at risk together"):
        fine_gray(data, "time", "event", ["zone"], strata="zone")
    safe = data.assign(safe=np.where(data["event"] == 1, 0, data["row"] % 2))
    with pytest.raises(ConvergenceError, match="column safe: has no finite coefficient"):
        fine_gray(safe, "time", "event", ["age", "safe"])


def test_bad_input_is_named():
    data = people("made")
    for change, arguments, message in [
        ({}, {"entry": "late"}, "takes no entry.*cox"),
        ({}, {"ties": "exact"}, "ties must be one of efron, breslow"),
        ({"pair": 1}, {"cluster": "pair"}, "All rows used are in one cluster"),
        ({}, {"level": 95}, "level must lie between 0 and 1"),
        ({}, {"cause": 4}, "cause must be one of 1, 2, 3, not 4"),
        ({}, {"causes": ("again",)}, "is not 0 or 1"),
        ({"event": 99}, {}, "some code from 1 to 99"),
        ({"w": 0}, {"weights": "w"}, "is zero in every row"),
        ({"w": -1}, {"weights": "w"}, "is below 0"),
        ({"time": -1}, {}, "is below 0"),
        ({"age": np.inf}, {}, "column age: is infinite"),
    ]:
        with pytest.raises(InputError, match=message):
            fine_gray(data.assign(**change), "time", "event", ["age"], **arguments)
    gaps = data.assign(age=data["age"].where(data["row"] > 2), w=data["w"].where(data["row"] > 4, 0))
    fit = fine_gray(gaps, "time", "event", ["age"], weights="w")
    assert fit.notes[:2] == ("2 of 240 rows left out: age is missing (2).", "2 rows of weight 0 left out.")
    assert fit.n == 236


def test_result_keeps_the_contract():
    data = people("made")
    fit = fine_gray(data, "time", "event", ["age", "group"], cause="again", causes=("again", "recall", "death"))
    assert isinstance(fit, Result)
    assert tuple(fit.tidy().columns) == TIDY_COLUMNS
    assert fit.tidy()["term"].tolist() == ["age", "group[b]", "group[c]"]
    np.testing.assert_allclose(fit.tidy(exponentiate=True)["estimate"], np.exp(fit.coefficients))
    assert repr(fit).startswith(
        "Fine-Gray model of again; Efron ties; robust variance; n = 240, events = 96, competing"
    )
    joint = fit.test("group")
    assert joint.df == 2
    by_hand = fit.coefficients[1:] @ np.linalg.solve(fit.covariance.to_numpy()[1:, 1:], fit.coefficients[1:])
    assert joint.statistic == pytest.approx(by_hand, rel=1e-10)
    assert fit.test("age").statistic == pytest.approx(fit.tidy()["statistic"][0] ** 2, rel=1e-10)
    assert fit.test().df == 3
    with pytest.raises(InputError, match="are not terms of the model, which are: age, group"):
        fit.test("sex")
    tiny = fine_gray(data.assign(pairs=data["row"] // 2), "time", "event", ["age"], strata="pairs")
    assert "121 strata of fewer than 20 people" in tiny.notes[0]
    few = fine_gray(data.head(30), "time", "event", ["age", "prior", "group"])
    assert any("fewer than 10 each" in note for note in few.notes)
    axes = fit.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["age", "group[b]", "group[c]"]
    plt.close("all")
