"""Shares attacked: whoever turns them back into counts finds no small one, with the total known."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from impact.errors import InputError
from impact.evidence import default_rules, protected_shares, share

RULES = default_rules()
HIDDEN = "not shown (fewer than 10 people)"
SIZES = (0, 1, 3, 8, 9, 10, 11, 12, 13, 17, 22, 40)


def behind(text: str, total: int) -> set[int]:
    """Every count that shows this text of a total, found by trying each; what is withheld is the minimum or more."""
    if text.startswith("not shown"):
        return set(range(RULES.minimum)) if text == HIDDEN else set(range(total + 1))
    shown = {count for count in range(RULES.minimum, total + 3) if RULES.rounded(count) <= RULES.rounded(total)}
    return {count for count in shown if _text(RULES.rounded(count), RULES.rounded(total)) == text}


def _text(count: int, total: int) -> str:
    return "all or nearly all" if count == total else f"{int(100 * count / total + 0.5)}%"


def possible(texts: list[str], total: int) -> list[set[int]]:
    """The values of each part that agree with every text and with the rounded total."""
    low, high = RULES.behind(RULES.rounded(total))
    found: list[set[int]] = [set() for _ in texts]
    choices = [sorted(behind(text, total)) for text in texts]
    for parts in itertools.product(*choices):
        if low <= sum(parts) <= high:
            for place, value in enumerate(parts):
                found[place].add(value)
    return found


def too_close(texts: list[str], parts: list[int]) -> bool:
    """Whether a hidden part has fewer values than the rules ask for; the true one must be among them."""
    found = possible(texts, sum(parts))
    assert all(value in values for value, values in zip(parts, found, strict=True)), (parts, texts)
    return any(text == HIDDEN and len(values) < RULES.width for text, values in zip(texts, found, strict=True))


def test_no_small_part_can_be_solved_from_shares_and_a_known_total() -> None:
    one_by_one = 0
    for parts in itertools.combinations_with_replacement(SIZES, 3):
        if sum(parts) >= RULES.minimum:
            texts = protected_shares(pd.DataFrame({"people": parts}))["people"].tolist()
            assert not too_close(texts, list(parts)), (parts, texts)
            one_by_one += too_close([share(part, sum(parts)) for part in parts], list(parts))
    assert one_by_one >= 5, "shares taken one by one must be worth attacking"


def test_what_is_withheld_says_nothing_of_why() -> None:
    """A reader who knew that the one is small and the other not would have the small one from the total."""
    assert protected_shares(pd.DataFrame({"a": [11, 1]}))["a"].tolist() == ["not shown", "not shown"]
    assert protected_shares(pd.DataFrame({"a": [10, 11, 1]}))["a"].tolist() == ["not shown"] * 3
    assert protected_shares(pd.DataFrame({"a": [3, 2]}))["a"].tolist() == [HIDDEN, HIDDEN]


def test_groups_are_looked_at_one_by_one_and_labels_may_be_called_all() -> None:
    counts = pd.DataFrame({"kept": [40, 21, 3], "lost": [15, 16, 17]}, index=["all", "some", "none"])
    shares = protected_shares(counts)
    assert shares["kept"].tolist() == ["62%", "31%", HIDDEN]
    assert shares["lost"].tolist() == ["30%", "30%", "30%"]
    assert list(shares.index) == ["all", "some", "none"]


def test_what_is_not_a_count_is_refused() -> None:
    with pytest.raises(InputError, match="whole numbers"):
        protected_shares(pd.DataFrame({"a": [10.5, 20]}))
    with pytest.raises(InputError, match="unique"):
        protected_shares(pd.DataFrame({"a": [10, 20]}, index=["x", "x"]))
