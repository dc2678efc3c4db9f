"""Bad input is refused by name, all of it at once; estimates that do not exist are not shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.survival import cox, kaplan_meier


@pytest.fixture
def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "days": [5.0, 8, 12, 12, 20, 31, 31, 40],
            "again": [1, 0, 1, 1, 0, 1, 0, 1],
            "age": [23.0, 31, 19, 44, 27, 36, 52, 30],
            "race": ["black", "white", "white", "black", "other", "white", "black", "other"],
            "from": [0.0, 2, 3, 1, 0, 9, 8, 30],
            "w": [1.0, 2, 1, 0.5, 1, 1, 3, 1],
            "site": [1, 1, 1, 1, 2, 2, 2, 2],
        }
    )


def spoiled(frame: pd.DataFrame, column: str, row: int, value: object) -> pd.DataFrame:
    frame = frame.copy()
    frame.loc[row, column] = value
    return frame


FAULTS = [
    ("days", 2, -1.0, "column days: is below 0 (1 row: 3)"),
    ("days", 2, np.inf, "column days: is infinite (1 row: 3)"),
    ("again", 4, 2, "column again: is not 0 or 1 (1 row: 5)"),
    ("from", 0, 5.0, "column from: is at or after the duration (1 row: 1)"),
    ("w", 1, -2.0, "column w: is below 0 (1 row: 2)"),
]


@pytest.mark.parametrize(("column", "row", "value", "message"), FAULTS)
def test_a_bad_value_is_named(people, column, row, value, message):
    bad = spoiled(people, column, row, value)
    with pytest.raises(InputError) as caught:
        cox(bad, "days", "again", ["age"], entry="from", weights="w")
    assert message in str(caught.value)
    with pytest.raises(InputError) as caught:
        kaplan_meier(bad, "days", "again", entry="from", weights="w")
    assert message in str(caught.value)


def test_every_fault_is_raised_at_once(people):
    bad = people.assign(age=np.inf, w=0.0)
    with pytest.raises(InputError) as caught:
        cox(bad, "length", "again", ["age", "height"], weights="w", strata="prison")
    problems = [(fault.column, fault.problem) for fault in caught.value.faults]
    assert problems == [
        ("length", "is not in the data"),
        ("w", "is zero in every row"),
        ("prison", "is not in the data"),
        ("age", "is infinite"),
        ("height", "is not in the data"),
    ]


def test_missing_values_are_counted(people):
    gaps = spoiled(spoiled(people, "age", 3, np.nan), "days", 1, np.nan)
    fit = cox(gaps, "days", "again", ["age"])
    assert fit.notes[0] == "2 of 8 rows left out: days is missing (1); age is missing (1)."
    assert fit.n == 6
    by_formula = cox(gaps, "days", "again", "age")
    assert by_formula.notes[0] == fit.notes[0]
    assert "2 of 8 rows left out" in repr(fit)


def test_rows_of_weight_zero_and_empty_groups_are_counted(people):
    curve = kaplan_meier(people.assign(w=[0, 0, 1, 1, 1, 1, 1, 1]), "days", "again", weights="w")
    assert "2 rows of weight 0 left out." in curve.notes
    gone = people.assign(days=people["days"].where(people["race"] != "other"))
    curve = kaplan_meier(gone, "days", "again", by="race")
    assert curve.labels == ("black", "white")
    assert "Group other: no row has every value needed." in curve.notes


def test_arguments_that_cannot_be_meant(people):
    for call, message in [
        (lambda: cox(people, "days", "again", ["age"], ties="exact"), "ties must be one of efron, breslow"),
        (lambda: cox(people, "days", "again", ["age"], level=95), "level must lie between 0 and 1"),
        (lambda: cox(people, "days", "again", ["age"], cluster="site", robust=False), "robust=False cannot stand"),
        (lambda: cox(people, "days", "again", []), "no covariate is named"),
        (lambda: cox(people, "days", "again", ["age", "age"]), "named twice"),
        (lambda: cox(people, "days", "again", "days ~ age"), "right-hand side"),
        (lambda: cox(people, "days", "again", "age +* race"), "not a formula"),
        (lambda: cox(people, "days", "again", "log(age"), "not a formula"),
        (lambda: cox(people, "days", "again", "age + height"), "column height: is not in the data"),
        (lambda: cox(people, "days", "again", "np.log(age - 23)"), "is not finite"),
        (lambda: kaplan_meier(people, "days", "again", conf_type="exact"), "conf_type must be one of"),
        (lambda: kaplan_meier(people, "days", "again").at([np.nan]), "without missing values"),
        (lambda: kaplan_meier(people, "days", "again").quantiles([2]), "between 0 and 1"),
        (lambda: cox(people, "days", "again", ["age"]).ph_test("root"), "transform must be one of"),
        (lambda: kaplan_meier(people.iloc[:0], "days", "again"), "has no rows"),
        (lambda: kaplan_meier([1, 2], "days", "again"), "must be a pandas DataFrame or a Design"),
    ]:
        with np.errstate(all="ignore"), pytest.raises(InputError, match=message.replace("(", r"\(")):
            call()


def test_a_design_has_its_own_weights(people):
    design = Design(people, "again", people["w"], None, "ATT", (), "Made by hand", pd.DataFrame())
    with pytest.raises(InputError, match="beside a Design"):
        cox(design, "days", "again", ["age"], weights="w")
    with pytest.raises(InputError, match="robust=False cannot stand"):
        cox(design, "days", "again", ["age"], robust=False)


def test_constant_and_aliased_covariates_are_named(people):
    with pytest.raises(InputError) as caught:
        cox(people.assign(one=1, two="same"), "days", "again", ["age", "one", "two"])
    assert [fault.column for fault in caught.value.faults] == ["one", "two[same]"]
    with pytest.raises(InputError, match="column months: is a linear combination"):
        cox(people.assign(months=3 + 12 * people["age"]), "days", "again", ["age", "months"])
    with pytest.raises(InputError, match="column site: does not vary among the people at risk together"):
        cox(people, "days", "again", ["age", "site"], strata="site")


def test_separation_is_named():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"days": np.ceil(rng.exponential(20, 200)), "age": rng.normal(30, 5, 200)})
    frame["again"] = 1
    frame["safe"] = np.where(np.arange(200) % 10 == 0, "yes", "no")
    frame.loc[frame["safe"] == "yes", "again"] = 0
    with pytest.raises(ConvergenceError) as caught:
        cox(frame, "days", "again", ["age", "safe"])
    assert [fault.column for fault in caught.value.faults] == ["safe[yes]"]
    ordered = pd.DataFrame({"days": np.arange(1.0, 9), "again": 1, "x": np.arange(8.0)})
    with pytest.raises(ConvergenceError, match="column x: has no finite coefficient"):
        cox(ordered, "days", "again", ["x"])


def test_no_events_one_event_and_two_people(people):
    with pytest.raises(InputError, match="column again: has no event"):
        cox(people.assign(again=0), "days", "again", ["age"])
    curve = kaplan_meier(people.assign(again=0), "days", "again")
    assert curve.tidy()["estimate"].eq(1).all()
    assert curve.tidy()[["conf_low", "conf_high"]].isna().all(axis=None)
    assert curve.median["estimate"].isna().all()
    assert curve.notes == ("No events.",)
    pair = pd.DataFrame({"days": [3, 5], "again": [1, 1], "x": [0.0, 1.0]})
    with pytest.raises(ConvergenceError, match="column x"):
        cox(pair, "days", "again", ["x"])
    with pytest.raises(InputError, match="does not vary among the people at risk"):
        cox(pair.assign(again=[0, 1]), "days", "again", ["x"])
    assert kaplan_meier(pair, "days", "again").tidy()["estimate"].tolist() == [0.5, 0.0]


def test_an_entry_that_equals_the_duration_but_for_rounding(people):
    close = people.assign(**{"days": people["days"] / 10, "from": people["from"] / 10})
    close.loc[0, ["from", "days"]] = [0.3, 0.1 + 0.2]
    with pytest.raises(InputError, match=r"column from: equals the duration but for rounding \(1 row: 1\)"):
        cox(close, "days", "again", ["age"], entry="from")
    close.loc[[0, 1], "from"] = 0.0
    close.loc[1, "days"] = 0.3
    curve = kaplan_meier(close, "days", "again", entry="from")
    assert curve.tidy().loc[0, ["n_event", "n_censored"]].tolist() == [1, 1]
    assert curve.notes == ("1 time differs from another by rounding only: taken as equal.",)


def test_errors_hold_no_values(people):
    with pytest.raises(InputError) as caught:
        cox(people.assign(days=-987654.25), "days", "again", ["age"])
    assert "987654" not in str(caught.value)
