"""Balance against plain formulas in R, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.comparison import balance, match, propensity, whole_sample
from impact.design import Design
from impact.errors import InputError


@pytest.fixture(scope="module")
def reference(root: Path) -> tuple[pd.DataFrame, pd.Series]:
    folder = root / "tests" / "reference" / "comparison"
    return pd.read_csv(folder / "people.csv"), pd.read_csv(folder / "numbers.csv", index_col="name")["value"]


def designed(data: pd.DataFrame, estimand: str = "ATT among the matched") -> Design:
    """The sets and weights of the reference as a plain Design."""
    flow = pd.DataFrame([("Given", 1, 1)], columns=["step", "treated", "comparison"])
    covariates = ("age", "prior", "male", "area")
    sets = data["set"].astype("Int64")
    return Design(data, "joined", data["weight"], sets, estimand, covariates, "Sets of the reference", flow)


@pytest.mark.parametrize(("estimand", "smd"), [("ATT", "smd"), ("ATT among the matched", "smd"), ("ATE", "smd pooled")])
def test_every_number_is_that_of_plain_formulas(reference, estimand, smd):
    data, numbers = reference
    table = balance(designed(data, estimand)).tidy().set_index(["term", "sample"])
    assert list(table.columns) == ["mean_treated", "mean_comparison", "smd", "variance_ratio", "ks", "quality"]
    for there, here in [("Knowsley", "area[Knowsley]"), ("Sefton", "area[Sefton]")] + [
        (x, x) for x in ("age", "prior", "male")
    ]:
        for sample in ("all", "matched"):
            found = table.loc[(here, sample)]
            for column, name in [("mean_treated",) * 2, ("mean_comparison",) * 2, ("smd", smd), ("ks",) * 2]:
                assert found[column] == pytest.approx(numbers[f"{there} {sample} {name}"], rel=1e-9, abs=1e-12)
            if there in ("age", "prior"):
                assert found["variance_ratio"] == pytest.approx(numbers[f"{there} {sample} variance_ratio"], rel=1e-9)
            else:
                assert np.isnan(found["variance_ratio"])


def test_words_follow_the_thresholds():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"joined": np.repeat([1, 0], 500), "x": rng.normal(size=1000), "y": rng.normal(size=1000)})
    data["y"] += 0.3 * data["joined"]
    design = whole_sample(data, "joined", ["x", "y"])
    table = balance(design).tidy()
    assert set(table["sample"]) == {"all"}
    size = table["smd"].abs().tolist()
    low, high = sorted(size)
    edges = balance(design, thresholds=(low, high), words=("a", "b", "c")).tidy()
    assert edges["quality"].tolist() == (["a", "b"] if size[0] == low else ["b", "a"])
    assert balance(design, thresholds=(low / 3, low / 2)).tidy()["quality"].eq("poorly matched").all()


def test_a_term_the_treated_all_share_is_standardised_by_everyone():
    data = pd.DataFrame({"joined": [1, 1, 0, 0, 0, 0], "male": [1, 1, 1, 0, 1, 0], "one": 5.0})
    found = balance(whole_sample(data, "joined", ["male", "one"]))
    assert found.tidy()["smd"].tolist() == [pytest.approx(0.5 / np.sqrt(0.5 * 0.5 / 2)), 0.0]
    design = Design(**{**whole_sample(data, "joined", ["male"]).__dict__, "estimand": "ATT"})
    found = balance(design)
    assert found.tidy()["smd"].tolist() == [pytest.approx(0.5 / np.sqrt(4 / 6 * 2 / 6))]
    assert "standardised by the spread of all people: male" in found.notes[-1]


def test_missing_values_are_left_out_term_by_term_and_counted():
    data = pd.DataFrame({"joined": [1, 1, 0, 0], "age": [20, None, 30, 31], "area": ["a", "b", None, "b"]})
    found = balance(whole_sample(data, "joined", ["age", "area"]))
    assert found.tidy().set_index("term")["mean_comparison"].to_dict() == {"age": 30.5, "area[a]": 0, "area[b]": 1}
    assert sum("is missing for 1" in note for note in found.notes) == 2


def test_the_love_plot_draws_every_term(reference):
    data, _ = reference
    found = balance(match(propensity("joined ~ age + prior + area", data), caliper=0.2))
    ax = found.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "area[Sefton]",
        "area[Liverpool]",
        "area[Knowsley]",
        "prior",
        "age",
    ]
    drawn = {line.get_label(): np.asarray(line.get_xdata()) for line in ax.lines}
    table = found.tidy()
    assert np.allclose(drawn["After matching"], table.loc[table["sample"] == "matched", "smd"].abs())
    assert "Balance, matched: well matched" in repr(found)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"thresholds": (0.2, 0.1)}, "ascending"),
        ({"thresholds": (0.1,)}, "ascending"),
        ({"words": ("a", "b")}, "words must be three"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(reference, arguments, says):
    with pytest.raises(InputError, match=says):
        balance(designed(reference[0]), **arguments)
    with pytest.raises(InputError, match="names no covariates"):
        balance(whole_sample(reference[0], "joined"))
    with pytest.raises(InputError, match="needs a Design"):
        balance(reference[0])
