"""Wald, score and likelihood-ratio tests, Akaike's criterion and the concordance's error, against R and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.survival.cox import cox
from impact.survival.likelihoods.concordance import concordance
from tests.survival.depth import MODELS, fitted, people, stored
from tests.survival.test_kernel import outcomes, partial_likelihood

STORED = stored("tests").set_index(["case", "item"]).sort_index()
NAMES = {"likelihood ratio": "likelihood ratio", "score": "score", "wald": "Wald", "robust score": "robust score"}


def numbers(case: str, item: str) -> np.ndarray:
    return STORED.loc[[(case, item)], "value"].to_numpy()


@pytest.mark.parametrize("case", [case for case in MODELS if (case, "coef") in STORED.index])
def test_tests_of_all_coefficients_are_those_of_r(case):
    fit = fitted(case)
    np.testing.assert_allclose(fit.coefficients, numbers(case, "coef"), rtol=1e-8)
    np.testing.assert_allclose(fit.tidy()["std_error"], numbers(case, "se"), rtol=1e-8)
    np.testing.assert_allclose([fit.log_likelihood_null, fit.log_likelihood], numbers(case, "loglik"), rtol=1e-10)
    assert fit.aic == pytest.approx(numbers(case, "aic")[0], rel=1e-10)
    found = fit.tests.tidy().set_index("term")
    for item in ("likelihood ratio", "score", "wald"):
        # R's summary rounds Wald's statistic; the fit itself holds it whole, and stands last.
        assert found.loc[NAMES[item], "statistic"] == pytest.approx(numbers(case, item)[-1], rel=1e-8)
        assert found.loc[NAMES[item], "df"] == numbers(case, "df")[0]
    assert ("robust score" in found.index) == fit.robust
    if fit.robust:
        # R leaves the offset out of the residuals of the robust score, though not out of the fit.
        arguments = {"duration": "time", "event": "status", **MODELS[case], "offset": None}
        plain = cox(people(case), **arguments).tests.tidy().set_index("term")
        assert plain.loc["robust score", "statistic"] == pytest.approx(numbers(case, "robust score")[0], rel=1e-8)


@pytest.mark.parametrize("case", [case for case in MODELS if (case, "concordance") in STORED.index])
def test_concordance_and_its_error_are_those_of_r(case):
    fit = fitted(case)
    found = [fit.concordance, fit.concordance_std_error]
    np.testing.assert_allclose(found, numbers(case, "concordance"), rtol=1e-8)


@pytest.mark.parametrize(("case", "term"), [("veteran", "celltype"), ("ovarian", "age")])
def test_a_likelihood_ratio_of_one_term_is_that_of_two_fits_in_r(case, term):
    found = fitted(case).test(term, "likelihood-ratio")
    assert found.statistic == pytest.approx(numbers(case, "one term")[0], rel=1e-8)


def test_a_term_is_tested_by_each_kind():
    fit = fitted("veteran")
    table = fit.tidy().set_index("term")
    assert fit.test("trt").statistic == pytest.approx(table.loc["trt", "statistic"] ** 2, rel=1e-12)
    assert fit.test("trt").p_value == pytest.approx(table.loc["trt", "p_value"], rel=1e-10)
    whole = fit.test(["trt", "celltype", "karno"])
    for kind, name in (("wald", "Wald"), ("score", "score"), ("likelihood-ratio", "likelihood ratio")):
        one = fit.test(["trt", "celltype", "karno"], kind)
        assert one.name == name
        assert one.df == 5
        every = fit.tests.tidy().set_index("term").loc[name, "statistic"]
        assert one.statistic == pytest.approx(every, rel=1e-10)
    assert whole.null == "every coefficient of trt, celltype, karno is 0"
    levels = fit.test(["celltype[smallcell]", "celltype[adeno]", "celltype[large]"], "score")
    assert levels.statistic == pytest.approx(fit.test("celltype", "score").statistic, rel=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@given(data=outcomes(), clusters=st.integers(3, 6))
@settings(max_examples=25)
def test_score_tests_are_their_definitions(ties, data, clusters):
    """Of the first coefficient, by the loops' score, information and residuals where the second has its maximum."""
    frame = pd.DataFrame({"days": data["time"], "event": data["event"], "x": data["x"][:, 0], "z": data["x"][:, 1]})
    frame["pair"] = np.arange(len(frame)) % clusters
    try:
        fit = cox(frame, "days", "event", ["x", "z"], cluster="pair", ties=ties)
        alone = cox(frame, "days", "event", ["z"], ties=ties)
    except (InputError, ConvergenceError):
        return
    plain = partial_likelihood(
        data["time"], data["event"], data["x"], np.array([0.0, alone.coefficients[0]]), ties=ties
    )
    info, taken = plain.information, plain.information[0, 1] / plain.information[1, 1]
    terms = plain.residuals[:, 0] - taken * plain.residuals[:, 1]
    by_cluster = np.bincount(frame["pair"], terms)
    u = plain.score[0] - taken * plain.score[1]
    if by_cluster @ by_cluster > 1e-6:
        robust = fit.test("x", "robust-score").statistic
        assert robust == pytest.approx(u**2 / (by_cluster @ by_cluster), rel=1e-6, abs=1e-9)
    independent = cox(frame, "days", "event", ["x", "z"], ties=ties)
    ordinary = independent.test("x", "score").statistic
    assert ordinary == pytest.approx(u**2 / (info[0, 0] - taken * info[0, 1]), rel=1e-6, abs=1e-9)


def test_what_does_not_hold_under_a_cluster_is_said_and_refused():
    fit = fitted("heart_cluster")
    table = fit.tests.tidy().set_index("term")
    assert table["valid"].to_dict() == {"likelihood ratio": False, "Wald": True, "score": False, "robust score": True}
    assert "independent people" in repr(fit.tests)
    for kind in ("likelihood-ratio", "score"):
        with pytest.raises(InputError, match="use kind='wald' or 'robust-score'"):
            fit.test("age", kind)
    assert fit.test("age", "robust-score").p_value < 1
    assert any("independent people" in note for note in fit.ph_test().notes)
    frame = people("veteran")
    design = Design(frame, "trt", frame["w"], None, "ATT", (), "Made by hand", pd.DataFrame())
    assert not cox(design, "time", "status", ["age"]).tests.valid[0]
    robust = cox(frame, "time", "status", ["age"], robust=True)
    assert all(robust.tests.valid)
    assert all(fitted("ovarian").tests.valid)
    with pytest.raises(InputError, match="are not terms of the model, which are: age, rx, ecog"):
        fitted("ovarian").test("height")


@pytest.mark.parametrize("entered", [False, True])
@given(data=outcomes(), clusters=st.integers(1, 6))
@settings(max_examples=40)
def test_error_of_the_concordance_is_the_derivative_by_each_weight(entered, data, clusters):
    exit, entry = data["time"].astype(int), data["entry"].astype(int) if entered else None
    codes = np.unique(data["strata"], return_inverse=True)[1]
    cluster = np.arange(len(exit)) % clusters

    def at(weights: np.ndarray) -> float:
        score = data["x"] @ np.array([1.0, 2.0])
        return concordance(score, exit, data["event"], entry=entry, strata=codes, weights=weights).estimate

    score = data["x"] @ np.array([1.0, 2.0])
    found = concordance(score, exit, data["event"], entry=entry, strata=codes, weights=data["weights"], cluster=cluster)
    if np.isnan(found.estimate):
        assert np.isnan(found.std_error)
        return
    slopes = []
    for i in range(len(exit)):
        step = np.zeros(len(exit))
        step[i] = 1e-5
        slopes.append(data["weights"][i] * (at(data["weights"] + step) - at(data["weights"] - step)) / 2e-5)
    assert found.std_error == pytest.approx(np.sqrt(np.sum(np.bincount(cluster, slopes) ** 2)), rel=1e-5, abs=1e-8)


def test_an_offset_is_a_covariate_with_a_coefficient_of_one():
    frame = people("veteran")
    fit = cox(frame, "time", "status", ["trt", "karno"])
    frame["known"] = fit.coefficients[0] * frame["trt"] + 3
    held = cox(frame, "time", "status", ["karno"], offset="known")
    assert held.coefficients[0] == pytest.approx(fit.coefficients[1], rel=1e-8)
    assert held.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-12)
    assert held.concordance == pytest.approx(fit.concordance, rel=1e-12)
    # The baseline is that at an offset of 0.
    scaled = held.baseline()["cumulative_hazard"] * np.exp(3)
    np.testing.assert_allclose(scaled, fit.baseline()["cumulative_hazard"], rtol=1e-8)
    with pytest.raises(InputError, match="column known: spans more than 500"):
        cox(frame.assign(known=1000 * frame["trt"]), "time", "status", ["karno"], offset="known")
    with pytest.raises(InputError, match="column missing: is not in the data"):
        cox(frame, "time", "status", ["karno"], offset="missing")
    gap = cox(frame.assign(known=frame["known"].where(frame.index > 3)), "time", "status", ["karno"], offset="known")
    assert gap.notes[0] == "4 of 137 rows left out: known is missing (4)."
