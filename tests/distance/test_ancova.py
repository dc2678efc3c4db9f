"""Analysis of covariance: R's `lm` on Beating the Blues, statsmodels on made-up people, a Design, and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from impact.comparison import match, propensity
from impact.distance import ancova
from impact.errors import ConvergenceError, InputError


@pytest.fixture(scope="module")
def blues(shared: Path) -> pd.DataFrame:
    """Beating the Blues: depression before and at 2, 4, 6 and 8 months."""
    data = pd.read_csv(shared / "data" / "trials" / "HSAUR_BtheB.csv")
    return data.assign(treated=(data["treatment"] == "BtheB").astype(int))


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 80
    data = pd.DataFrame({"x": rng.normal(20, 5, n), "z": rng.choice(["a", "b", "c"], n), "t": rng.integers(0, 2, n)})
    data["y"] = 6 + 0.6 * data["x"] + 2 * data["t"] + rng.normal(0, 3, n)
    return data.assign(w=rng.uniform(0.2, 3, n), site=np.arange(n) % 17)


@pytest.mark.parametrize("month", ["2m", "8m"])
def test_estimates_are_those_of_r(root: Path, blues: pd.DataFrame, month: str) -> None:
    reference = pd.read_csv(root / "tests" / "reference" / "distance" / "btheb.csv").set_index(["model", "term"])
    reference = reference.drop(columns="df")
    for what, names in (("plain", ()), ("adjusted", ("drug", "length"))):
        found = ancova(blues, before="bdi.pre", after=f"bdi.{month}", treated="treated", covariates=names)
        expected = reference.loc[f"ancova {month} {what}"]
        if what == "adjusted":
            order = ["(Intercept)", "treated", "bdi_pre", "drugYes", "length>6m"]
            expected = expected.loc[order]
            coefficients = found.coefficients
            assert coefficients["term"].tolist()[3:] == ["drug[Yes]", "length[>6m]"]
        np.testing.assert_allclose(
            found.coefficients[["estimate", "std_error", "p_value", "conf_low", "conf_high"]], expected, rtol=1e-8
        )
        change = found.tidy().set_index("term").loc["change"]
        np.testing.assert_allclose(
            change[["estimate", "std_error", "p_value", "conf_low", "conf_high"]].astype(float),
            reference.loc[(f"change {month}", "treated")],
            rtol=1e-8,
        )


def test_clusters_and_weights_are_those_of_statsmodels(people: pd.DataFrame) -> None:
    ours = ancova(people, before="x", after="y", treated="t", covariates="z", cluster="site")
    theirs = smf.ols("y ~ t + x + C(z)", people).fit(cov_type="cluster", cov_kwds={"groups": people["site"]})
    row = ours.tidy().set_index("term").loc["ancova"]
    assert row["estimate"] == pytest.approx(theirs.params["t"], rel=1e-9)
    assert row["std_error"] == pytest.approx(theirs.bse["t"], rel=1e-9)
    assert row["df"] == 16
    weighted = ancova(people, before="x", after="y", treated="t", weights="w").tidy().set_index("term").loc["ancova"]
    wls = smf.wls("y ~ t + x", people, weights=people["w"]).fit(cov_type="HC1")
    assert weighted["estimate"] == pytest.approx(wls.params["t"], rel=1e-9)
    assert weighted["std_error"] == pytest.approx(wls.bse["t"], rel=1e-9)


def test_whole_weights_give_the_estimate_of_copied_rows(people: pd.DataFrame) -> None:
    copies = people.assign(k=np.arange(len(people)) % 3 + 1)
    weighted = ancova(copies, before="x", after="y", treated="t", weights="k")
    copied = ancova(copies.loc[copies.index.repeat(copies["k"])], before="x", after="y", treated="t")
    np.testing.assert_allclose(weighted.tidy()["estimate"], copied.tidy()["estimate"], rtol=1e-10)


def test_a_design_brings_its_treatment_weights_and_sets(people: pd.DataFrame) -> None:
    design = match(propensity("t ~ x", people), ratio=1, replace=False)
    ours = ancova(design, before="x", after="y").tidy()
    kept = design.data.assign(w=design.weights, s=design.sets)[design.weights > 0]
    named = ancova(kept, before="x", after="y", treated="t", weights="w", cluster="s").tidy()
    pd.testing.assert_frame_equal(ours, named)
    with pytest.raises(InputError, match="treated must name"):
        ancova(design, before="x", after="y", treated="t")


def test_shift_and_order_change_nothing(people: pd.DataFrame) -> None:
    plain = ancova(people, before="x", after="y", treated="t").tidy()
    moved = ancova(
        people.assign(x=people["x"] + 1e4, y=people["y"] + 1e4).iloc[::-1], before="x", after="y", treated="t"
    ).tidy()
    for name in ("estimate", "std_error", "p_value"):
        np.testing.assert_allclose(moved[name], plain[name], rtol=1e-7)


def test_missing_readings_are_counted(people: pd.DataFrame) -> None:
    gaps = people.assign(y=people["y"].where(people.index > 9))
    result = ancova(gaps, before="x", after="y", treated="t")
    assert result.tidy()["n"].tolist() == [70] * 3
    assert "10 of 80 rows left out: y is missing (10)." in result.notes
    assert any("Lord 1967" in note for note in result.notes)


def test_what_cannot_be_compared_is_refused(people: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="one group has none"):
        ancova(people.assign(t=1), before="x", after="y", treated="t")
    with pytest.raises(InputError, match="among the covariates already"):
        ancova(people, before="x", after="y", treated="t", covariates="x")
    with pytest.raises(ConvergenceError, match="not independent"):
        ancova(people.assign(v=2 * people["x"]), before="x", after="y", treated="t", covariates="v")
    with pytest.raises(ConvergenceError, match="cannot carry"):
        ancova(people[people["t"].cumsum().between(0, 1)].head(3), before="x", after="y", treated="t")
    with pytest.raises(InputError) as caught:
        ancova(people.assign(y="7/10"), before="q", after="y", treated="t")
    assert {fault.column for fault in caught.value.faults} == {"q", "y"}
