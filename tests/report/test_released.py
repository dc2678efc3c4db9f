"""The numbers of a chapter attacked with everything that stands beside them."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy

from impact.comparison import balance, whole_sample
from impact.evidence import default_rules, share, shown_count
from impact.report import analysis, readings
from impact.report.analysis import FEW_APART, NotCompared, Outcome
from impact.report.released import (
    few_apart,
    released_counts,
    released_flow,
    released_means,
    released_proportion,
)
from impact.report.words import NOT_KNOWN, decimal
from impact.results import proportion

RULES = default_rules()


def limits(text: str, least: int | None = None) -> tuple[float, float]:
    if text.startswith("fewer"):
        return 0, RULES.minimum - 1
    if text == "not shown":
        return (RULES.minimum if least is None else least), 10_000
    shown = int(text.replace(",", ""))
    return max(shown - 2, RULES.minimum), shown + 2


def flow_of(last: int, losses: list[list[int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A flow that ends with `last` people, and what was lost before each later step."""
    sizes = [last]
    for lost in reversed(losses):
        sizes.insert(0, sizes[0] + sum(lost))
    names = ["referred", "accepted", *(f"step {n}" for n in range(len(sizes) - 2))]
    left = [
        (name, f"reason {n}", value)
        for name, lost in zip(names[1:], losses, strict=True)
        for n, value in enumerate(lost)
    ]
    return pd.DataFrame({"step": names, "treated": sizes}), pd.DataFrame(left, columns=["step", "reason", "treated"])


def narrow(steps: list[str], lost: list[str], losses: list[list[int]], *, empty_known: bool) -> list[int]:
    """The losses shown as few that a reader of everything can tell too closely; written apart from the library."""
    flat = [value for group in losses for value in group]
    width = 1 + len(flat)
    # Where nothing is said to be small, nothing is said of how large the others are.
    least = None if any(text.startswith("fewer") for text in lost) else 0
    rows, ends = [], [limits(text, least) for text in (*steps, *lost)]
    for at in range(len(steps)):
        later = sum(len(group) for group in losses[:at])
        rows.append([1.0] + [float(place >= later) for place in range(len(flat))])
    rows += [[float(place == at + 1) for place in range(width)] for at in range(len(flat))]
    cells, (low, high) = np.array(rows), np.array(ends, dtype=float).T
    open_to = [(0, None)] + [(0, 0) if empty_known and not value else (0, None) for value in flat]
    found = []
    for at, text in enumerate(lost):
        if (text[0].isdigit() or flat[at] >= RULES.minimum) or (empty_known and not flat[at]):
            continue
        tops = []
        for sign in (1, -1):
            aim = np.zeros(width)
            aim[at + 1] = sign
            ends_of = np.concatenate([high, -low])
            result = scipy.optimize.linprog(aim, A_ub=np.vstack([cells, -cells]), b_ub=ends_of, bounds=open_to)
            assert result.status == 0
            tops.append(round(sign * result.fun))
        assert tops[0] <= flat[at] <= tops[1]
        if tops[1] - tops[0] + 1 < RULES.width:
            found.append(at)
    return found


def test_no_small_loss_can_be_worked_out_from_a_flow() -> None:
    rng, one_by_one = np.random.default_rng(8), 0
    for _ in range(150):
        losses = [rng.choice([0, 1, 4, 9, 11, 20], rng.integers(1, 3)).tolist() for _ in range(rng.integers(1, 5))]
        flow, left = flow_of(int(rng.choice([10, 12, 18, 48, 49])), losses)
        steps, lost = released_flow(flow, left, "treated")
        alone = [shown_count(n) for n in flow["treated"]], [shown_count(n) for n in left["treated"]]
        for empty_known in (True, False):
            assert narrow(steps, lost, losses, empty_known=empty_known) == [], (losses, steps, lost)
            one_by_one += bool(narrow(*alone, losses, empty_known=empty_known))
    assert one_by_one > 20, "the flows must be worth attacking"


def test_a_loss_of_nine_between_two_shown_steps_is_kept_wide() -> None:
    """58 and 49 stand elsewhere as 60 and 50: that fewer than 10 were lost would leave 6 to 9."""
    flow, left = flow_of(49, [[20], [9]])
    assert released_flow(flow, left, "treated") == (["80", "60", "50"], ["not shown", "not shown"])
    flow, left = flow_of(49, [[20], [11], [9]])
    assert released_flow(flow, left, "treated") == (["90", "70", "not shown", "50"], ["20", "10", "fewer than 10"])


def test_a_reader_who_knows_what_is_empty_is_reckoned_with() -> None:
    """That nobody was lost for the second reason is often known: then 6 to 9 were lost for the first."""
    flow, left = flow_of(49, [[20], [11], [9, 0]])
    steps, lost = released_flow(flow, left, "treated")
    assert steps == ["90", "70", "not shown", "50"]
    assert lost == ["20", "10", "fewer than 10", "fewer than 10"]


def test_where_nothing_can_be_shown_nothing_is() -> None:
    within = {"a": "all", "b": "all"}
    counts = pd.Series({"all": 12, "a": 10, "b": 2})
    assert released_counts(counts, within) == {"all": "not shown", "a": "10", "b": "fewer than 10"}
    assert set(released_counts(counts, within, elsewhere=["all", "a"]).values()) == {"not shown"}


def test_the_change_of_everyone_tells_no_more_than_what_stands_beside_it() -> None:
    """Divided by the change of those with both readings it was the exact share who have both."""
    solved = 0
    for first, lack in itertools.product(range(20, 130, 7), range(30)):
        both = first - lack
        if both < RULES.minimum:
            continue
        for change in (1.46, 2.91, 7.38):
            text = readings._carried_forward(change, first, both, lack)
            exact = decimal(change * both / first)
            agree, agreed_before = [], []
            for n, m in itertools.product(
                *(range(a, b + 1) for a, b in (limits(shown_count(first)), limits(shown_count(both))))
            ):
                if m > n or share(m, n) != share(both, first):
                    continue
                beside = readings._carried_forward(change, n, m, n - m)
                assert beside == text or min(n - m, lack) < RULES.minimum, "a function of what is shown"
                if beside == text:
                    agree.append(n - m)
                if decimal(change * m / n) == exact:
                    agreed_before.append(n - m)
            assert lack in agree
            if lack < RULES.minimum:
                assert text == "not shown (fewer than 10 without)"
            solved += lack < RULES.minimum and len(set(agreed_before)) < RULES.width
    assert solved > 20, "the exact figure must be worth attacking"


def test_an_interval_of_needs_met_is_a_function_of_the_rounded_counts() -> None:
    assert released_proportion(47, 62) == released_proportion(43, 58) == proportion(45, 60, 0.95)
    exact = {tuple(round(100 * x) for x in proportion(k, n, 0.95)) for k in range(43, 48) for n in range(58, 63)}
    assert len(exact) > 10, "the exact interval would tell them apart"


def people(treated: list[float], comparison: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"had": [*treated, *comparison], "treated": [1] * len(treated) + [0] * len(comparison)})


@pytest.mark.parametrize(
    ("treated", "comparison", "few"),
    [
        ([1] * 9 + [0] * 31, [1] * 20 + [0] * 20, True),
        ([1] * 10 + [0] * 30, [1] * 30 + [0] * 10, False),
        ([1] * 31 + [0] * 9, [1] * 20 + [0] * 20, True),
        ([1] * 20 + [0] * 20, [0] * 39 + [7], True),
        (list(range(40)), list(range(40)), False),
    ],
)
def test_an_outcome_that_few_differ_in_is_not_compared(
    treated: list[float], comparison: list[float], few: bool
) -> None:
    """8 of 69 recalled was printed as 12%, and the interval of the difference alone would tell as much."""
    data = people(treated, comparison)
    assert few_apart(data["had"], data["treated"]) == few
    data["age"] = np.arange(len(data), dtype=float) % 17
    made = analysis._outcome(whole_sample(data, "treated", ["age"]), "had", "Had it", *analysis._count("had it"))
    if few:
        assert isinstance(made, NotCompared)
        assert made.why == FEW_APART
    else:
        assert isinstance(made, Outcome)


def test_a_balance_prints_shares_of_rounded_counts_and_dashes_for_few() -> None:
    data = pd.DataFrame(
        {
            "treated": [1] * 52 + [0] * 104,
            "sex": (["female"] * 17 + ["male"] * 35) * 3,
            "kind": (["a"] * 4 + ["b"] * 48) * 3,
            "flag": ([1] * 26 + [0] * 26) * 3,
            "age": [float(20 + n % 13) for n in range(156)],
        }
    )
    design = whole_sample(data, "treated", ["sex", "kind", "flag", "age"])
    table = balance(design).tidy().set_index("term")
    shown = released_means(design, table)
    assert shown["sex[male]"] == (share(35, 52), share(70, 104)) == ("70%", "67%")
    assert shown["kind[b]"] == (NOT_KNOWN, NOT_KNOWN)
    assert shown["flag"] == ("50%", "48%")
    assert shown["age"][0] == decimal(data["age"][:52].mean())
