"""`protected_shares`: shares that add up to a whole, worked out from the counts that may be shown."""

from __future__ import annotations

import pandas as pd

from impact.errors import DisclosureError, InputError
from impact.evidence.disclosure import protect
from impact.evidence.rules import Rules, default_rules
from impact.evidence.shown import share

NOT_SHOWN = "not shown"


def protected_shares(counts: pd.DataFrame, *, rules: Rules | None = None) -> pd.DataFrame:
    """Each part's share of its column, worked out from the rounded counts, with no small part left to be solved.

    The parts and their sum are given to `protect` together. A share is shown where the count of the part is, and
    where the part and the sum leave the others as wide as the rules ask (see `share`); so whoever turns the shares
    back into counts finds the rounded ones, and of a hidden part no more than the rules allow. The sum is taken as
    known from elsewhere: where it would have to be withheld, no share of the column is shown, nor why. Two
    readers are reckoned with: one who knows which parts are empty (a programme for adults has no children), and one who
    does not.

    Parameters
    ----------
    counts : DataFrame
        A row for each part, a column for each group; whole numbers of people, each of whom is in one part.
    rules : Rules, optional
        Other thresholds than those shipped.

    Returns
    -------
    DataFrame
        Text, with the rows and columns of `counts`.

    Raises
    ------
    InputError
        Where a part stands twice, or a count is not a whole number, 0 or more.

    Examples
    --------
    >>> protected_shares(pd.DataFrame({"people": [40, 21, 3]}, index=["white", "black", "asian"]))["people"].tolist()
    ['62%', '31%', 'not shown (fewer than 10 people)']
    """
    rules = rules or default_rules()
    if not (counts.index.is_unique and counts.columns.is_unique):
        raise InputError("Row and column labels must be unique, or one part cannot be told from another.")
    if not ((counts >= 0) & (counts % 1 == 0)).to_numpy().all():
        raise InputError("The parts must be counts of people: whole numbers, 0 or more.")
    total = "all"
    while total in counts.index:
        total += "_"
    shown = {name: _column(counts[name], total, rules) for name in counts.columns}
    return pd.DataFrame(shown, index=counts.index, columns=counts.columns, dtype=object)


def _column(counts: pd.Series, total: str, rules: Rules) -> list[str]:
    whole = int(counts.sum())
    withheld: set[object] = set()
    for parts in (counts, counts[counts > 0]):
        line = pd.DataFrame({"people": [*parts, whole]}, index=[*parts.index, total])
        try:
            protected = protect(line, rules=rules, total_row=total).table["people"]
        except DisclosureError:
            return [NOT_SHOWN] * len(counts)
        withheld |= set(protected.index[protected == NOT_SHOWN])
    if total in withheld:
        return [NOT_SHOWN] * len(counts)
    return [
        NOT_SHOWN if label in withheld else share(count, whole, rules=rules)
        for label, count in zip(counts.index, counts.tolist(), strict=True)
    ]
