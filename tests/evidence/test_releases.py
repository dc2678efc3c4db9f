"""Two chapters, or two years, read side by side: subtraction finds no small number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy

from impact.errors import DisclosureError, InputError
from impact.evidence import compare_releases, default_rules, protect

RULES = default_rules()
GROUPS = ("18 to 24", "25 to 39", "40 and over")


def counts(values: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"people": [*values, sum(values)]}, index=[*GROUPS[: len(values)], "all"])


def limits(text: str) -> tuple[float, float]:
    if text.startswith("fewer"):
        return 0, RULES.minimum - 1
    if text == "not shown":
        return RULES.minimum, 10_000
    shown = int(text.replace(",", ""))
    return max(shown - 2, RULES.minimum), shown + 2


def reader(first: list[str], second: list[str], both: list[str] | None, *, nested: bool) -> dict[str, tuple[int, int]]:
    """Bounds of those only in the first, in both, only in the second, by group: apart from the library's own."""
    n = len(first) - 1
    eye, none = np.eye(n), np.zeros((n, n))
    lines, ends = [], []
    for texts, blocks in ((first, (eye, eye, none)), (second, (none, eye, eye)), (both, (none, eye, none))):
        if texts is None:
            continue
        inner = np.hstack(blocks)
        lines += [inner, inner.sum(axis=0, keepdims=True)]
        ends += [limits(text) for text in texts]
    cells, (low, high) = np.vstack(lines), np.array(ends, dtype=float).T
    open_to = [(0, 0 if nested else None)] * n + [(0, None)] * (2 * n)
    found = {}
    for at in range(3 * n):
        tops = []
        for sign in (1, -1):
            aim = np.zeros(3 * n)
            aim[at] = sign
            result = scipy.optimize.linprog(
                aim, A_ub=np.vstack([cells, -cells]), b_ub=np.concatenate([high, -low]), bounds=open_to, method="highs"
            )
            assert result.status == 0
            tops.append(round(sign * result.fun))
        found[f"{('left', 'both', 'joined')[at // n]} {GROUPS[at % n]}"] = (tops[0], tops[1])
    return found


def narrow(found: dict[str, tuple[int, int]], *, nested: bool) -> list[str]:
    return [
        name
        for name, (low, high) in found.items()
        if high - low + 1 < RULES.width and low < RULES.minimum and not (nested and name.startswith("left"))
    ]


@pytest.mark.parametrize("nested", [True, False], ids=["two years", "two chapters"])
def test_the_subtracting_reader_finds_nothing_in_random_releases(nested: bool) -> None:
    rng, alone, closed, refused = np.random.default_rng(31), 0, 0, 0
    for _ in range(40):
        left = [0] * 3 if nested else rng.poisson(8, 3).tolist()
        both, joined = rng.choice([3, 8, 10, 11, 30], 3).tolist(), rng.poisson(1, 3).tolist()
        try:
            first = protect(counts(np.add(left, both).tolist()), total_row="all")
            second = protect(counts(np.add(both, joined).tolist()), total_row="all")
            shared = None if nested else protect(counts(both), total_row="all")
        except DisclosureError:
            continue
        texts = [None if one is None else one.table["people"].tolist() for one in (first, second, shared)]
        alone += bool(narrow(reader(texts[0], texts[1], texts[2], nested=nested), nested=nested))
        try:
            result = compare_releases(first, second, people="nested" if nested else "overlapping", shared=shared)
        except DisclosureError:
            refused += 1
            continue
        now = reader(texts[0], result.after.table["people"].tolist(), texts[2], nested=nested)
        assert narrow(now, nested=nested) == [], (left, both, joined, texts)
        closed += not result.safe
        for name, true in (("left", left), ("both", both), ("joined", joined)):
            for group, value in zip(GROUPS, true, strict=True):
                assert now[f"{name} {group}"][0] <= value <= now[f"{name} {group}"][1]
    assert alone >= 5, "the releases must be worth attacking"
    assert closed + refused >= alone


def test_one_newcomer_among_eleven_is_hidden() -> None:
    last, this = protect(counts([11, 40])), protect(counts([12, 60]))
    result = compare_releases(last, this, people="nested")
    assert not result.safe
    assert result.tidy().to_numpy().tolist() == [["18 to 24", "people", "only in the second", 0, 2]]
    assert result.after.table["people"].tolist() == ["not shown", "60", "70"]
    assert result.after.tidy()["rule"].tolist()[0] == "difference between releases"
    assert this.table["people"].tolist() == ["10", "60", "70"], "what was given is left as it was"
    assert compare_releases(last, result.after, people="nested").safe


def test_the_same_people_shown_once_and_withheld_once() -> None:
    """A count withheld here for the sake of a total is given away where the same people are shown without the total."""
    values = counts([2, 10])
    without, with_total = protect(values.drop("all")), protect(values, total_row="all")
    assert compare_releases(without, protect(values.drop("all")), people="same").safe
    together = compare_releases(without, with_total, people="same")
    assert together.after.table["people"].tolist() == ["fewer than 10", "10", "not shown"]
    assert together.safe, "a total that is withheld gives nothing away"


def test_what_cannot_be_compared_is_refused() -> None:
    one = protect(counts([20, 30]))
    with pytest.raises(InputError, match="no count with the same"):
        compare_releases(one, protect(counts([20, 30]).rename(columns={"people": "women"})), people="nested")
    with pytest.raises(InputError, match="must be one of overlapping"):
        compare_releases(one, one, people="subset")
    with pytest.raises(InputError, match="different minima"):
        compare_releases(one, protect(counts([20, 30]), rules=replace(RULES, minimum=20)), people="same")
    with pytest.raises(InputError, match="contradict"):
        compare_releases(one, protect(counts([60, 90])), people="same")
