"""Balance against plain formulas in R, and by hand."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from impact.comparison import balance, match, propensity, weight, whole_sample
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
    kept = ["mean_treated", "mean_comparison", "smd", "variance_ratio", "ks", "ecdf_mean", "quality"]
    assert list(table.columns) == kept
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


people = st.lists(
    st.tuples(st.booleans(), st.integers(-3, 4), st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.sampled_from("abc")),
    min_size=4,
    max_size=14,
)


def slow(values, treated, weights, pooled):
    """One term by its formulas, value by value; values of everyone, weights of one sample."""
    groups = [[(x, w) for x, t, w in zip(values, treated, weights, strict=True) if t == side] for side in (1, 0)]
    means = [sum(w * x for x, w in group) / sum(w for _, w in group) for group in groups]
    whole = [np.array([x for x, _ in group], dtype=float) for group in groups]
    zero_one = set(values) <= {0, 1}
    spreads = [
        (one.mean() * (1 - one.mean()) if zero_one else one.var(ddof=1) if len(one) > 1 else 0)
        for one in (*whole, np.array(values, dtype=float))
    ]
    spread = np.mean(spreads[:2]) if pooled else spreads[0]
    spread = np.sqrt(spread if spread > 0 else spreads[2])
    smd = (means[0] - means[1]) / spread if spread > 0 else 0.0
    variances = []
    for mean, group in zip(means, groups, strict=True):
        total, squares = sum(w for _, w in group), sum(w * w for _, w in group)
        alone = sum(w > 0 for _, w in group) < 2
        top = sum(w * (x - mean) ** 2 for x, w in group)
        variances.append(np.nan if alone else top * total / (total**2 - squares))
    ratio = np.nan if zero_one or not variances[1] > 1e-20 else variances[0] / variances[1]
    gaps = []
    for value in sorted(set(values))[:-1]:
        shares = [sum(w for x, w in group if x <= value) / sum(w for _, w in group) for group in groups]
        gaps.append(abs(shares[0] - shares[1]))
    return [*means, smd, ratio, max(gaps, default=0.0), sum(gaps) / len(gaps) if gaps else 0.0]


@given(people, st.booleans())
@hypothesis_settings(max_examples=150)
def test_every_number_is_that_of_a_slow_count(rows, pooled):
    data = pd.DataFrame(rows, columns=["joined", "x", "w", "area"]).astype({"joined": int})
    data.loc[0, ["joined", "w"]], data.loc[1, ["joined", "w"]] = (1, 1.0), (0, 1.0)
    flow = pd.DataFrame(columns=["step", "treated", "comparison"])
    design = Design(data, "joined", data["w"], None, "ATE" if pooled else "ATT", ("x", "area"), "made up", flow)
    found = balance(design)
    terms = {"x": data["x"]} | {f"area[{one}]": (data["area"] == one).astype(int) for one in sorted(set(data["area"]))}
    samples = {"all": np.ones(len(data))} | ({} if (data["w"] == 1).all() else {"matched": data["w"]})
    table = found.tidy().set_index(["term", "sample"])
    assert table.index.tolist() == [(term, sample) for term in terms for sample in samples]
    names = ["mean_treated", "mean_comparison", "smd", "variance_ratio", "ks", "ecdf_mean"]
    for (term, sample), one in table.iterrows():
        expected = slow(terms[term].tolist(), data["joined"].tolist(), list(samples[sample]), pooled)
        np.testing.assert_allclose(one[names].astype(float), expected, rtol=1e-9, atol=1e-12)
    for row in found.overall().to_dict("records"):
        size = [abs(table.loc[(term, row["sample"]), "smd"]) for term in terms]
        assert row["n_terms"] == len(terms)
        assert row["max_smd"] == max(size) == abs(table.loc[(row["max_term"], row["sample"]), "smd"])
        assert row["mean_smd"] == pytest.approx(sum(size) / len(size), rel=1e-12)
        for edge in (0.05, 0.1):
            assert row[f"within_{edge:g}"] == sum(one <= edge + 1e-12 for one in size) / len(size)
        for side, value in (("treated", 1), ("comparison", 0)):
            mine = [w for w, t in zip(samples[row["sample"]], data["joined"], strict=True) if t == value]
            kish = sum(mine) ** 2 / sum(w * w for w in mine)
            assert row[f"effective_{side}"] == pytest.approx(kish, rel=1e-12)


@given(people, st.integers(1, 20))
@hypothesis_settings(max_examples=60)
def test_a_distribution_is_a_slow_count_of_weight(rows, stretch):
    data = pd.DataFrame(rows * 2, columns=["joined", "x", "w", "area"]).astype({"joined": int})
    data["x"] = data["x"] * stretch + np.arange(len(data)) // len(rows)
    data.loc[0, ["joined", "w"]], data.loc[1, ["joined", "w"]] = (1, 0.5), (0, 1.0)
    data.loc[2, "x"] = np.nan
    flow = pd.DataFrame(columns=["step", "treated", "comparison"])
    found = balance(Design(data, "joined", data["w"], None, "ATT", ("x", "area"), "made up", flow))
    for covariate in ("x", "area"):
        table = found.distribution(covariate)
        known = data[data[covariate].notna()]
        assert len(table) == 2 * (known[covariate].nunique() if known[covariate].nunique() <= 12 else 20)
        for sample, part in table.groupby("sample"):
            for side, value in (("treated", 1), ("comparison", 0)):
                mine = known[known["joined"] == value]
                weights = mine["w"] if sample == "matched" else mine["w"] * 0 + 1
                for row in part.to_dict("records"):
                    if pd.notna(row["value"]):
                        inside = mine[covariate] == row["value"]
                    else:
                        last = row["high"] == part["high"].max()
                        inside = (mine[covariate] >= row["low"]) & (
                            (mine[covariate] < row["high"]) | (last & (mine[covariate] == row["high"]))
                        )
                    if weights.sum() > 0:
                        assert row[side] == pytest.approx(weights[inside].sum() / weights.sum(), abs=1e-12)
                    else:
                        assert np.isnan(row[side])


def test_the_thresholds_asked_for_name_the_shares():
    data = pd.DataFrame({"joined": [1, 1, 0, 0], "age": [20, 24, 30, 31], "male": [0, 1, 0, 1]})
    found = balance(whole_sample(data, "joined", ["age", "male"]), thresholds=(0.01, 0.25)).overall()
    assert found[["within_0.01", "within_0.25"]].values.tolist() == [[0.5, 0.5]]
    assert found["max_term"].tolist() == ["age"]


def test_the_spread_of_a_covariate_is_drawn_before_and_after(reference):
    data, _ = reference
    found = balance(weight(propensity("joined ~ age + prior + area", data)))
    for covariate in ("age", "prior", "area"):
        ax = found.plot(kind="distribution", covariate=covariate)
        table = found.distribution(covariate)
        after = table[table["sample"] != "all"]
        heights = [bar.get_height() for bar in ax.patches]
        np.testing.assert_allclose(heights, [*after["treated"], *-after["comparison"]], atol=1e-15)
        outline = np.asarray(next(one for one in ax.lines if "Before" in str(one.get_label())).get_ydata())
        assert outline.max() == table.loc[table["sample"] == "all", "treated"].max()
        assert ax.get_xlabel() == covariate
    assert [label.get_text() for label in ax.get_xticklabels()] == ["Knowsley", "Liverpool", "Sefton"]
    with pytest.raises(InputError, match="say which in covariate"):
        found.plot(kind="distribution")
    with pytest.raises(InputError, match="covariate"):
        found.plot(kind="distribution", covariate="height")
    with pytest.raises(InputError, match="belongs to kind='distribution'"):
        found.plot(covariate="age")
    with pytest.raises(InputError, match="kind"):
        found.plot(kind="bars")


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


def test_squares_and_products_are_those_of_columns_made_by_hand(reference):
    data = reference[0]
    design = designed(data)
    table = balance(design, squares=True, interactions=True).tidy()
    male = data["male"]
    made = {"age²": data["age"] ** 2, "prior²": data["prior"] ** 2, "age × prior": data["age"] * data["prior"]}
    made |= {"age × male": data["age"] * male, "prior × male": data["prior"] * male}
    for area in sorted(data["area"].unique()):
        here = (data["area"] == area).astype(float)
        for name in ("age", "prior", "male"):
            made[f"{name} × area[{area}]"] = data[name] * here
    plain = balance(design).tidy()
    assert set(table["term"]) == set(plain["term"]) | set(made)
    by_hand = Design(
        data.assign(**made), "joined", design.weights, design.sets, design.estimand, tuple(made), "By hand", design.flow
    )
    wanted = pd.concat([plain, balance(by_hand).tidy()]).set_index(["term", "sample"])
    pd.testing.assert_frame_equal(
        table.set_index(["term", "sample"]), wanted.loc[table.set_index(["term", "sample"]).index]
    )
    treated = data["joined"] == 1
    row = table[(table["term"] == "age²") & (table["sample"] == "matched")].iloc[0]
    squared, w = data["age"] ** 2, data["weight"]
    mean, other = (np.average(squared[side], weights=w[side]) for side in (treated, ~treated))
    assert row["smd"] == pytest.approx((mean - other) / squared[treated].std(), rel=1e-12)
    assert balance(design, squares=True).tidy()["term"].nunique() == plain["term"].nunique() + 2


def test_products_know_what_is_missing_and_leave_out_what_nobody_is():
    data = pd.DataFrame({"t": [1, 0, 1, 0, 1, 0], "x": [1.0, 2, 3, 4, 5, np.nan], "s": list("ababbb")})
    data["u"] = data["s"].map({"a": "p", "b": "q"})
    design = whole_sample(data, "t", ["x", "s", "u"])
    table = balance(design, interactions=True).tidy().set_index("term")
    assert {"s[a] × u[p]", "s[b] × u[q]"} <= set(table.index)
    assert not {"s[a] × u[q]", "s[b] × u[p]"} & set(table.index)
    assert table.loc["x × s[b]", "mean_comparison"] == pytest.approx(3.0)


def test_a_weighted_design_says_weighted(reference):
    data = reference[0]
    score = propensity("joined ~ age + prior", data)
    weighted, matched = weight(score).balance(), match(score).balance()
    assert weighted.tidy()["sample"].unique().tolist() == ["all", "weighted"]
    assert matched.tidy()["sample"].unique().tolist() == ["all", "matched"]
    for found, words in ((weighted, "weighting"), (matched, "matching")):
        labels = [text.get_text() for text in found.plot().get_legend().get_texts()]
        assert labels[:2] == ["Everyone", f"After {words}"]
        labels = [text.get_text() for text in found.plot(kind="distribution", covariate="age").get_legend().get_texts()]
        assert f"Before {words}" in labels
    plt.close("all")
