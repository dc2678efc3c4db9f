"""Against R's `survival` (numbers stored by tests/reference/survival/make_reference.R), and Rossi's published fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.survival import cox, kaplan_meier

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
LUNG = ["age", "sex", "ecog"]
HEART = ["age", "year", "surgery", "transplant"]
BLADDER = {
    "duration": "stop",
    "event": "event",
    "covariates": ["rx", "size", "number"],
    "strata": "enum",
    "cluster": "id",
}
ENTERED = {"duration": "stop", "event": "event", "entry": "start"}
ALL = {"covariates": ["age", "ecog"], "strata": "sex", "entry": "late", "weights": "w", "cluster": "pair"}

COX = {
    "lung": {"covariates": LUNG},
    "lung_breslow": {"covariates": LUNG, "ties": "breslow"},
    "lung_strata": {"covariates": ["age", "ecog"], "strata": "sex"},
    "lung_strata2": {"covariates": "age + ecog", "strata": ["sex", "zone"]},
    "lung_weights": {"covariates": LUNG, "weights": "w"},
    "lung_weights_breslow": {"covariates": LUNG, "weights": "w", "ties": "breslow"},
    "lung_whole_weights": {"covariates": LUNG, "weights": "k"},
    "lung_weights_naive": {"covariates": LUNG, "weights": "w", "robust": False},
    "lung_cluster": {"covariates": LUNG, "cluster": "inst"},
    "lung_robust": {"covariates": LUNG, "robust": True},
    "lung_entry": {"covariates": LUNG, "entry": "late"},
    "lung_entry_breslow": {"covariates": LUNG, "entry": "late", "ties": "breslow"},
    "lung_entry_strata": {"covariates": ["age", "ecog"], "entry": "late", "strata": "sex"},
    "lung_entry_weights": {"covariates": LUNG, "entry": "late", "weights": "w"},
    "lung_entry_cluster": {"covariates": LUNG, "entry": "late", "cluster": "pair"},
    "lung_strata_weights": {"covariates": ["age", "ecog"], "strata": "sex", "weights": "w"},
    "lung_strata_cluster": {"covariates": ["age", "ecog"], "strata": "sex", "cluster": "pair"},
    "lung_weights_cluster": {"covariates": LUNG, "weights": "w", "cluster": "pair"},
    "lung_all": ALL,
    "lung_all_breslow": {**ALL, "ties": "breslow"},
    "veteran": {"covariates": ["trt", "celltype", "karno", "diagtime", "age", "prior"]},
    "veteran_spline": {"covariates": "trt + np.log(karno) + I(age**2)"},
    "ovarian": {"covariates": ["age", "rx", "ecog"]},
    "heart": {**ENTERED, "covariates": HEART},
    "heart_breslow": {**ENTERED, "covariates": HEART, "ties": "breslow"},
    "heart_cluster": {**ENTERED, "covariates": HEART, "cluster": "id"},
    "heart_all": {
        **ENTERED,
        "covariates": ["age", "year", "transplant"],
        "strata": "surgery",
        "cluster": "id",
        "weights": "w",
    },
    "bladder": BLADDER,
    "bladder2": {**BLADDER, "entry": "start"},
    "test1": {"covariates": ["x"], "robust": True},
    "test1_breslow": {"covariates": ["x"], "robust": True, "ties": "breslow"},
    "test2": {**ENTERED, "covariates": ["x"], "cluster": "row"},
    "weighted1": {"covariates": ["x"], "weights": "w", "robust": True},
    "weighted1_breslow": {"covariates": ["x"], "weights": "w", "robust": True, "ties": "breslow"},
    "tied": {"covariates": ["x"]},
    "single": {"covariates": ["x"]},
}


def people(case: str) -> pd.DataFrame:
    frame = pd.read_csv(STORE / f"{case.split('_')[0]}.csv")
    if "celltype" in frame:
        frame["celltype"] = pd.Categorical(frame["celltype"], ["squamous", "smallcell", "adeno", "large"])
    return frame


@pytest.fixture(scope="module")
def numbers() -> pd.DataFrame:
    frame = pd.read_csv(STORE / "reference_cox.csv", keep_default_na=False)
    return frame.assign(value=pd.to_numeric(frame["value"])).set_index(["case", "item"]).sort_index()


@pytest.mark.parametrize("case", COX)
def test_cox_is_that_of_r(case, numbers):
    fit = cox(people(case), **{"duration": "time", "event": "status", **COX[case]})

    def stored(item: str) -> np.ndarray:
        return numbers.loc[[(case, item)], "value"].to_numpy()

    size = len(fit.names)
    np.testing.assert_allclose(fit.tidy()["estimate"], stored("coef"), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(fit.tidy()["std_error"], stored("se"), rtol=1e-8)
    np.testing.assert_allclose(fit.covariance, stored("var").reshape(size, size), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(fit.naive_covariance, stored("naive").reshape(size, size), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose([fit.log_likelihood_null, fit.log_likelihood], stored("loglik"), rtol=1e-10)
    assert fit.concordance == pytest.approx(stored("concordance")[0], rel=1e-10)
    if (case, "zph_km") in numbers.index:
        for transform in ("km", "rank", "identity", "log"):
            test = fit.ph_test(transform).tidy()
            np.testing.assert_allclose(test["statistic"], stored(f"zph_{transform}"), rtol=1e-8)
            np.testing.assert_array_equal(test["df"], stored(f"zph_df_{transform}"))
            np.testing.assert_allclose(test["p_value"], stored(f"zph_p_{transform}"), rtol=1e-8)
    if (case, "cumhaz") in numbers.index:
        hazard = numbers.loc[[(case, "cumhaz")]].set_index("key")["value"]
        hazard.index = hazard.index.astype(float)
        baseline = fit.baseline()
        np.testing.assert_allclose(baseline["cumulative_hazard"], hazard.loc[baseline["time"]], rtol=1e-7)


CURVES = {
    "lung": {},
    "lung_by": {"by": "sex"},
    "lung_weights": {"by": "sex", "weights": "w"},
    "lung_whole": {"by": "sex", "weights": "k"},
    "lung_weights_cluster": {"by": "sex", "weights": "w", "cluster": "pair"},
    "lung_cluster": {"by": "sex", "cluster": "pair"},
    "lung_entry": {"by": "sex", "entry": "late"},
    "lung_entry_weights": {"by": "sex", "entry": "late", "weights": "w"},
    "lung_entry_weights_cluster": {"by": "sex", "entry": "late", "weights": "w", "cluster": "pair"},
    "veteran": {"by": "celltype"},
    "ovarian": {"by": "rx"},
    "heart": {**ENTERED, "by": "surgery", "cluster": "id"},
    "test1": {},
    "weighted1": {"weights": "w", "cluster": "row"},
    "tied": {},
}
STORED_CURVES = pd.read_csv(STORE / "reference_curves.csv")
STORED_QUANTILES = pd.read_csv(STORE / "reference_quantiles.csv")
R_NAMES = ["time", "n.risk", "n.event", "n.censor", "surv", "std.err", "lower", "upper"]
NAMES = ["time", "n_risk", "n_event", "n_censored", "estimate", "std_error", "conf_low", "conf_high"]


@pytest.mark.parametrize("case", STORED_CURVES["case"].unique())
def test_curves_are_those_of_r(case):
    name, conf_type = case.split(":")
    arguments = {"duration": "time", "event": "status", **CURVES[name]}
    fit = kaplan_meier(people(name), **arguments, conf_type=conf_type.replace("arcsin", "arcsine"))
    stored = STORED_CURVES[STORED_CURVES["case"] == case]
    tidy = fit.tidy()
    assert tidy["group"].astype(str).tolist() == stored["group"].astype(str).tolist()
    for ours, theirs in zip(NAMES, R_NAMES, strict=True):
        np.testing.assert_allclose(tidy[ours].astype(float), stored[theirs].astype(float), rtol=1e-10, atol=1e-12)

    quantiles = fit.quantiles()
    expected = STORED_QUANTILES[STORED_QUANTILES["case"] == case]
    assert quantiles["group"].astype(str).tolist() == expected["group"].astype(str).tolist()
    # With delayed entry a lower limit can rise again; R then takes a later crossing than the first.
    for column in ["estimate", "conf_high"] if "entry" in arguments else ["estimate", "conf_low", "conf_high"]:
        np.testing.assert_allclose(quantiles[column], expected[column].astype(float), rtol=1e-12)


def test_rossi_is_as_published(shared, numbers):
    frame = pd.read_csv(shared / "data" / "trials" / "carData_Rossi.csv")
    yes = {"fin": "yes", "race": "black", "wexp": "yes", "mar": "married", "paro": "yes"}
    for column, value in yes.items():
        frame[column] = (frame[column] == value).astype(int)
    fit = cox(frame, "week", "arrest", ["fin", "age", "race", "wexp", "mar", "paro", "prio"])
    table = fit.tidy().set_index("term")
    published = {"fin": (-0.379, 0.191), "age": (-0.057, 0.022), "prio": (0.091, 0.029)}
    for term, (estimate, error) in published.items():
        assert round(table.loc[term, "estimate"], 3) == estimate
        assert round(table.loc[term, "std_error"], 3) == error
    assert round(fit.log_likelihood, 2) == -658.75
    np.testing.assert_allclose(table["estimate"], numbers.loc[[("rossi", "coef")], "value"], rtol=1e-8)
    np.testing.assert_allclose(table["std_error"], numbers.loc[[("rossi", "se")], "value"], rtol=1e-8)
    assert fit.concordance == pytest.approx(numbers.loc[("rossi", "concordance"), "value"], rel=1e-10)


def test_appendix_e_by_hand():
    """Therneau and Grambsch, appendix E, test data 1, Breslow: the score is solved by e^β = (3 + √33) / 2."""
    fit = cox(people("test1"), "time", "status", ["x"], ties="breslow")
    ratio = (3 + np.sqrt(33)) / 2
    assert fit.tidy(exponentiate=True)["estimate"][0] == pytest.approx(ratio, rel=1e-10)
    by_hand = 2 * np.log(ratio) - np.log(3 * ratio + 3) - 2 * np.log(ratio + 3)
    assert fit.log_likelihood == pytest.approx(by_hand, rel=1e-12)
    assert fit.log_likelihood_null == pytest.approx(-np.log(6) - 2 * np.log(4), rel=1e-12)
