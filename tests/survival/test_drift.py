"""The drift of coefficients: scaled residuals and their smooth against R's `cox.zph` and natural splines."""

from __future__ import annotations

import numpy as np
import pytest

from impact.errors import InputError
from impact.survival.cox import cox
from impact.survival.numbers.natural_spline import smooth, spline_basis
from tests.survival.depth import fitted, people, stored

STORED = stored("smooth").set_index(["case", "transform", "item"]).sort_index()
CASES = sorted({(case, transform) for case, transform, _ in STORED.index})


@pytest.mark.parametrize(("case", "transform"), CASES)
def test_residuals_and_smooth_are_those_of_r(case, transform):
    found = fitted(case).ph_test(transform)._drift
    own = STORED.loc[[(case, transform, "y")]]
    for place in range(len(found.names)):
        theirs = own[own["column"] == place + 1]
        order = np.lexsort((found.y[place], found.x))
        theirs = theirs.sort_values(["x", "value"])
        np.testing.assert_allclose(found.x[order], theirs["x"], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found.y[place][order], theirs["value"], rtol=1e-8, atol=1e-10)
        line = STORED.loc[[(case, transform, "smooth")]]
        line = line[line["column"] == place + 1]
        height, unit = smooth(found.x, found.y[place], line["x"].to_numpy())
        np.testing.assert_allclose(height, line["value"], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(unit * found.error[place], line["error"].astype(float), rtol=1e-7)


def test_a_natural_spline_is_straight_outside_and_smooth_inside():
    knots = np.array([0.0, 1, 2, 4, 7])
    outside = spline_basis(np.array([-3.0, -2, -1, 8, 9, 10]), knots)
    np.testing.assert_allclose(outside[0] - 2 * outside[1] + outside[2], 0, atol=1e-9)
    np.testing.assert_allclose(outside[3] - 2 * outside[4] + outside[5], 0, atol=1e-9)
    for knot in knots:
        near = spline_basis(knot + np.array([-1e-4, 0, 1e-4]), knots)
        np.testing.assert_allclose(near[0] - 2 * near[1] + near[2], 0, atol=1e-6)


def test_the_smooth_is_a_table_and_a_figure():
    test = fitted("veteran").ph_test()
    table = test.smooth("karno")
    assert table.columns.tolist() == ["time", "transformed", "estimate", "std_error", "conf_low", "conf_high"]
    assert table["time"].is_monotonic_increasing
    assert (table["conf_low"] < table["conf_high"]).all()
    with pytest.raises(InputError, match="'height' is not a coefficient of the model: trt, celltype"):
        test.smooth("height")
    axes = test.plot("celltype[large]", unit="months")
    assert axes.get_ylabel() == "Log hazard ratio of celltype[large]"
    assert axes.get_xlabel() == "Months of 30.4375 days"
    places = axes.get_xticks()
    assert (np.diff(places) > 0.06 * np.ptp(test._drift.x)).all()
    few = cox(people("test1"), "time", "status", ["x"]).ph_test("identity")
    with pytest.raises(InputError, match="too few distinct event times"):
        few.plot("x")
