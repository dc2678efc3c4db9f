"""Predicted curves, risks and expected events: against R, and their errors against the derivative by each weight."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.errors import InputError
from impact.survival.cox import cox
from impact.survival.kaplan_meier import kaplan_meier
from impact.survival.models.cox_model import Cox
from tests.survival.depth import MODELS, fitted, people, stored

STORED = stored("predicted").set_index(["case", "item"]).sort_index()
ROWS = {"ovarian": [0, 6, 19], "heart": [1, 8, 29], "test1": [0, 2]}
CURVES = [
    (case, kind)
    for case in sorted({case for case, _ in STORED.index})
    for kind in ("log", "log-log", "plain")
    if (case, f"low {kind}") in STORED.index
]


def new_rows(case: str) -> pd.DataFrame:
    return people(case).iloc[ROWS.get(case.split("_")[0], [0, 39, 99])]


def numbers(case: str, item: str) -> np.ndarray:
    return STORED.loc[[(case, item)], "value"].to_numpy()


@pytest.mark.parametrize(("case", "kind"), CURVES)
def test_predicted_curves_are_those_of_r(case, kind):
    fit, new = fitted(case), new_rows(case)
    for place in range(len(new)):
        part = {}
        for item in ("estimate", "hazard", "std_error", f"low {kind}", f"high {kind}"):
            table = STORED.loc[[(case, item)]]
            part[item] = table[table["row"] == place + 1]
        found = fit.predict(new.iloc[[place]], part["estimate"]["time"].to_numpy(), conf_type=kind).tidy()
        names = ["estimate", "cumulative_hazard", "std_error", "conf_low", "conf_high"]
        for name, expected in zip(names, part.values(), strict=True):
            np.testing.assert_allclose(found[name], expected["value"], rtol=1e-10, atol=1e-12)


def test_together_or_one_by_one_the_curves_are_the_same():
    fit, new = fitted("veteran_strata"), new_rows("veteran_strata")
    together = fit.predict(new).tidy()
    assert together["row"].unique().tolist() == [0, 39, 99]
    for row, part in together.groupby("row"):
        one = fit.predict(new.loc[[row]]).tidy()
        pd.testing.assert_frame_equal(part.reset_index(drop=True), one)
        assert part["stratum"].unique().tolist() == [new.loc[row, "celltype"]]


@pytest.mark.parametrize("case", ["ovarian", "veteran", "veteran_strata", "veteran_whole", "heart"])
def test_linear_predictors_and_risks_are_those_of_r(case):
    fit, new = fitted(case), new_rows(case)
    for reference, name in {"zero": "zero", "mean": "sample", "strata": "strata"}.items():
        linear = fit.predict_risk(new, reference=reference)
        risk = fit.predict_risk(new, kind="risk", reference=reference)
        np.testing.assert_allclose(linear["estimate"], numbers(case, f"lp {name}"), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(linear["std_error"], numbers(case, f"lp error {name}"), rtol=1e-8)
        np.testing.assert_allclose(risk["estimate"], numbers(case, f"risk {name}"), rtol=1e-8)
        # R divides the delta method's error of a risk by the root of the risk.
        root = np.sqrt(risk["estimate"])
        np.testing.assert_allclose(risk["std_error"] / root, numbers(case, f"risk error {name}"), rtol=1e-8)


@pytest.mark.parametrize("case", ["ovarian_offset", "veteran_offset_breslow", "veteran_naive"])
def test_an_offset_stands_whole_in_the_linear_predictor(case):
    """R takes the mean offset away from every linear predictor, also from that at covariates of zero."""
    fit, new = fitted(case), new_rows(case)
    found = fit.predict_risk(new, reference="zero")["estimate"] - people(case)["off"].mean()
    np.testing.assert_allclose(found, numbers(case, "lp zero"), rtol=1e-8)
    own = fit.predict_risk(reference="zero").loc[new.index]
    np.testing.assert_allclose(own, fit.predict_risk(new, reference="zero"), rtol=1e-10)


@pytest.mark.parametrize("case", ["ovarian", "veteran", "veteran_strata", "veteran_whole"])
def test_expected_events_are_those_of_r(case):
    found = fitted(case).predict_risk(new_rows(case), kind="expected")
    np.testing.assert_allclose(found["estimate"], numbers(case, "expected"), rtol=1e-8)
    np.testing.assert_allclose(found["std_error"], numbers(case, "expected error"), rtol=1e-8)


def test_expected_events_with_entry_are_a_difference_of_curves():
    """R's error of expected events is not that of its own curves once rows have an entry; its estimate is."""
    fit, new = fitted("heart"), new_rows("heart")
    found = fit.predict_risk(new, kind="expected")
    np.testing.assert_allclose(found["estimate"], numbers("heart", "expected"), rtol=1e-8)
    for row, place in zip(found.index[:2], (0, 1), strict=True):
        curve = fit.predict(new.iloc[[place]], new.loc[row, "stop"]).tidy()
        assert new.loc[row, "start"] == 0
        assert found.loc[row, "estimate"] == pytest.approx(curve["cumulative_hazard"][0], rel=1e-12)
        assert found.loc[row, "std_error"] == pytest.approx(curve["std_error"][0] / curve["estimate"][0], rel=1e-12)


@pytest.mark.parametrize("case", ["ovarian", "heart", "veteran_naive"])
def test_events_expected_in_the_data_of_the_fit(case):
    fit, frame = fitted(case), people(case)
    found = fit.predict_risk(kind="expected")
    np.testing.assert_allclose(found["estimate"], numbers(case, "own expected"), rtol=1e-8)
    event = frame[MODELS[case].get("event", "status")]
    np.testing.assert_allclose(found["estimate"], event - fit.residuals("martingale"), rtol=1e-12)
    if case == "ovarian":
        np.testing.assert_allclose(found["std_error"], numbers(case, "own expected error"), rtol=1e-8)


def sample(seed: int = 3, n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    days = np.ceil(rng.exponential(8 * np.exp(-0.5 * x + 0.3 * z)))
    stop = np.minimum(days, 9)
    return pd.DataFrame(
        {
            "days": stop,
            "event": (days <= 9).astype(int),
            "x": x,
            "z": z,
            "off": rng.normal(size=n) / 3,
            "from": np.floor(stop * rng.uniform(0, 0.8, n)),
            "w": rng.uniform(0.3, 2, n),
            "site": rng.integers(0, 2, n),
            "pair": rng.integers(0, n // 3, n),
        }
    )


ROBUST = [
    {"weights": "w"},
    {"weights": "w", "cluster": "pair"},
    {"weights": "w", "entry": "from", "cluster": "pair"},
    {"weights": "w", "entry": "from", "strata": "site", "offset": "off"},
    {"weights": "w", "entry": "from", "strata": "site", "cluster": "pair", "offset": "off"},
]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("options", ROBUST, ids=lambda options: "-".join(options))
def test_robust_errors_of_curves_are_the_derivative_by_each_weight(options, ties):
    """Every weight moved up and down, the model fitted again each time, the slopes summed by cluster and squared."""
    frame = sample()
    arguments = {"duration": "days", "event": "event", "covariates": ["x", "z"], "ties": ties, **options}
    new = pd.DataFrame({"x": [0.0, 1.5], "z": [0, 1], "off": [0.2, -0.1], "site": [0, 1]}, index=["a", "b"])
    times = [1.0, 3.0, 6.0, 9.0]

    def hazards(data: pd.DataFrame) -> np.ndarray:
        return cox(data, **arguments).predict(new, times).tidy()["cumulative_hazard"].to_numpy()

    slopes = []
    for row in frame.index:
        step = pd.Series(0.0, frame.index)
        step[row] = 1e-4
        change = hazards(frame.assign(w=frame["w"] + step)) - hazards(frame.assign(w=frame["w"] - step))
        slopes.append(frame.loc[row, "w"] * change / 2e-4)
    table = pd.DataFrame(slopes).groupby(frame["pair"] if "cluster" in options else frame.index).sum()
    found = cox(frame, **arguments).predict(new, times).tidy()
    np.testing.assert_allclose(found["std_error"] / found["estimate"], np.sqrt((table**2).sum()), rtol=1e-5)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_naive_errors_of_spans_are_their_definition(ties):
    """e^{βz} √(Σ ΔA + d' V d) between entry and duration, summed over event times one by one."""
    frame = sample(5)
    fit = cox(frame, "days", "event", ["x", "z"], entry="from", ties=ties)
    new = frame.iloc[[0, 3, 11]]
    found = fit.predict_risk(new, kind="expected")
    x, beta = frame[["x", "z"]].to_numpy(), fit.coefficients
    for row, z in zip(new.index, new[["x", "z"]].to_numpy(), strict=True):
        hazard, spread, away = 0.0, 0.0, np.zeros(2)
        for t in np.unique(frame.loc[frame["event"] == 1, "days"]):
            if not new.loc[row, "from"] < t <= new.loc[row, "days"]:
                continue
            there = ((frame["from"] < t) & (t <= frame["days"])).to_numpy()
            dead = there & (frame["event"] == 1).to_numpy() & (frame["days"] == t).to_numpy()
            d = int(dead.sum())
            for step in range(d):
                share = step / d if ties == "efron" else 0
                part = there * np.exp(x @ beta) * (1 - share * dead)
                hazard += 1 / part.sum()
                spread += 1 / part.sum() ** 2
                away += (z - part @ x / part.sum()) / part.sum()
        ratio = np.exp(z @ beta)
        assert found.loc[row, "estimate"] == pytest.approx(ratio * hazard, rel=1e-9)
        error = ratio * np.sqrt(spread + away @ fit.covariance.to_numpy() @ away)
        assert found.loc[row, "std_error"] == pytest.approx(error, rel=1e-9)


def test_robust_spans_that_begin_late_have_no_error():
    frame = sample(5).assign(**{"from": lambda data: data["from"].where(data.index != 0, 0)})
    fit = cox(frame, "days", "event", ["x"], entry="from", weights="w")
    table = fit.predict_risk(kind="expected")
    late = frame["from"] >= frame.loc[frame["event"] == 1, "days"].min()
    assert late.any()
    assert table["std_error"].isna().equals(late)
    assert table["estimate"].notna().all()
    curve = fit.predict(frame.iloc[[0]], frame.loc[0, "days"]).tidy()
    assert table.loc[0, "std_error"] == pytest.approx(curve["std_error"][0] / curve["estimate"][0], rel=1e-10)


@pytest.mark.parametrize("options", [{}, {"weights": "w", "cluster": "pair"}, {"entry": "from", "strata": "site"}])
def test_the_curve_of_covariates_without_effect_is_nelson_aalens(options):
    """With a covariate that does nothing, at its mean, the hazard and its naive error are Nelson and Aalen's."""
    frame = pd.concat([sample().assign(x=1.0), sample().assign(x=-1.0)], ignore_index=True)
    fit = cox(frame, "days", "event", ["x"], ties="breslow", **options)
    assert fit.coefficients[0] == pytest.approx(0, abs=1e-9)
    site = {"by": "site"} if "strata" in options else {}
    curve = kaplan_meier(frame, "days", "event", **site, **{k: v for k, v in options.items() if k != "strata"}).tidy()
    new = pd.DataFrame({"x": [0.0, 0.0], "site": [0, 1]})
    found = fit.predict(new if "strata" in options else new.head(1)).tidy()
    curve = curve[curve["n_event"] > 0].reset_index(drop=True)
    groups = curve.groupby("group" if site else np.zeros(len(curve)), sort=False)
    hazard = groups["n_event"].transform(lambda d: (d / curve.loc[d.index, "n_risk"]).cumsum())
    np.testing.assert_allclose(found["cumulative_hazard"], hazard, rtol=1e-10)
    if not fit.robust:
        spread = groups["n_event"].transform(lambda d: (d / curve.loc[d.index, "n_risk"] ** 2).cumsum())
        np.testing.assert_allclose(found["std_error"] / found["estimate"], np.sqrt(spread), rtol=1e-10)


def test_curves_start_at_one_and_stop_with_the_data():
    frame = people("veteran")
    fit = cox(frame, "time", "status", ["karno"], strata="celltype")
    new = pd.DataFrame({"karno": [60, 60], "celltype": ["large", "adeno"]})
    table = fit.predict(new, [0, 200, 10_000]).tidy()
    assert table.loc[table["time"] == 0, "estimate"].eq(1).all()
    assert table.loc[table["time"] == 0, "std_error"].eq(0).all()
    assert table.loc[table["time"] == 10_000, ["estimate", "std_error", "conf_low"]].isna().all(axis=None)
    assert table.loc[1, "conf_low"] < table.loc[1, "estimate"] < table.loc[1, "conf_high"]
    late = fit.predict_risk(new.assign(time=[100, 10_000]), kind="expected")
    assert late["estimate"].isna().tolist() == [False, True]
    # Before the first event of each stratum nothing is expected, whatever the other strata hold.
    first = frame[frame["status"] == 1].groupby("celltype", observed=True)["time"].min()
    early = frame.drop_duplicates("celltype").assign(time=lambda data: data["celltype"].map(first).astype(float) - 0.5)
    table = fit.predict_risk(early, kind="expected")
    assert table[["estimate", "std_error"]].eq(0).all(axis=None)


def refuse(fit: Cox, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit.predict(frame)


@pytest.mark.parametrize("covariates", [["karno", "celltype"], "karno + C(celltype)", "karno * celltype"])
def test_new_rows_that_cannot_be_predicted_are_named(covariates):
    frame = people("veteran").assign(celltype=lambda data: data["celltype"].astype(str))
    fit = cox(frame, "time", "status", covariates, strata="prior")
    new = pd.DataFrame({"karno": [60.0, 50, np.nan], "celltype": ["adeno", "large", "large"], "prior": [0, 10, 0]})
    found = fit.predict(new)
    assert found.labels == (0, 1)
    assert found.notes == ("1 of 3 rows left out: karno is missing (1).",)
    assert "Survival predicted for 2 people; 95% log-log intervals; Efron ties; 2 strata of prior" in repr(found)
    risk = fit.predict_risk(new)
    assert risk["estimate"].isna().tolist() == [False, False, True]
    refuse(fit, new.drop(columns="karno"), "column karno: is not in the data")
    refuse(fit, new.assign(celltype="unknown"), r"column celltype: has a value that the fit has not seen \(3 rows")
    refuse(fit, new.assign(prior=5), r"column prior: is a stratum that the fit has not seen \(3 rows")
    refuse(fit, new.drop(columns="prior"), "column prior: is not in the data")
    assert fit.predict_risk(new.drop(columns="prior"))["estimate"].notna().sum() == 2
    own = fit.predict_risk()
    again = fit.predict_risk(frame)
    pd.testing.assert_frame_equal(own, again, rtol=1e-9)


def test_a_number_as_a_category_in_a_formula_is_checked_too():
    frame = people("ovarian")
    fit = cox(frame, "time", "status", "age + C(rx)")
    new = pd.DataFrame({"age": [50.0], "rx": [2]})
    assert fit.predict_risk(new)["estimate"].notna().all()
    with pytest.raises(InputError, match="a value that the fit has not seen"):
        fit.predict_risk(new.assign(rx=3))


def test_arguments_that_cannot_be_meant():
    fit, new = fitted("ovarian"), new_rows("ovarian")
    for call, message in [
        (lambda: fit.predict(new, [np.nan]), "without missing values"),
        (lambda: fit.predict(new, conf_type="exact"), "conf_type must be one of"),
        (lambda: fit.predict_risk(new, kind="rate"), "kind must be one of"),
        (lambda: fit.predict_risk(new, reference="median"), "reference must be one of"),
        (lambda: fit.predict([1, 2]), "must be a pandas DataFrame"),
        (lambda: fit.predict_risk([1, 2]), "must be a pandas DataFrame"),
        (lambda: fit.predict_risk(new.drop(columns="time"), kind="expected"), "column time: is not in the data"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
