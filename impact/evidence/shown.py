"""Single numbers as they may be shown: counts, shares, rates and means."""

from __future__ import annotations

import math

from impact.errors import InputError
from impact.evidence.rules import Rules, default_rules


def shown_count(count: int, *, rules: Rules | None = None) -> str:
    """A count as it may be shown.

    Examples
    --------
    >>> shown_count(7), shown_count(48), shown_count(1203)
    ('fewer than 10', '50', '1,205')
    """
    rules = rules or default_rules()
    _whole("count", count)
    return f"fewer than {rules.minimum}" if rules.hides(count) else f"{rules.rounded(int(count)):,}"


def shown_rest(part: int, total: int, *, rules: Rules | None = None) -> str:
    """How many of a total are left, beside the total and the part, both of which are shown.

    "not shown" where "fewer than 10" would, with the two, say which few.

    Examples
    --------
    >>> shown_rest(48, 63), shown_rest(49, 54), shown_rest(49, 58)
    ('15', 'fewer than 10', 'not shown')
    """
    rules = rules or default_rules()
    _whole("part", part)
    _whole("total", total)
    if part > total:
        raise InputError("part is above total, so nothing can be left.")
    text = shown_count(total - part, rules=rules)
    low, high = _rest(part, total, rules)
    few = min(high, rules.minimum - 1) - max(low, rules.lowest) + 1 < rules.width
    return "not shown" if rules.hides(total - part) and few else text


def rows_left_out(kept: int, total: int, *, rules: Rules | None = None) -> tuple[str, ...]:
    """A note on rows left out because a value is missing, fit to be published; none where all were used.

    Examples
    --------
    >>> rows_left_out(101, 102)
    ('fewer than 10 of 100 rows left out, because a value is missing.',)
    >>> rows_left_out(48, 58), rows_left_out(9, 9)
    (('10 of 60 rows left out, because a value is missing.',), ())
    """
    if kept == total:
        return ()
    lost = shown_rest(kept, total, rules=rules)
    many = "Some" if lost == "not shown" else lost
    return (f"{many} of {shown_count(total, rules=rules)} rows left out, because a value is missing.",)


def share(count: int, total: int, *, rules: Rules | None = None) -> str:
    """A share worked out from the rounded counts, so that it tells no more than they do.

    Shown only where both counts are, and where the rest (those of the total who are not counted) stays as wide as the
    rules ask: 10 of 10, rounded, would say that the rest are 0, 1 or 2. Where rounding makes both equal it reads "all
    or nearly all". Shares that add up to a whole belong in `protected_shares`, which looks at them together.

    Examples
    --------
    >>> share(26, 72), share(7, 72), share(2, 8)
    ('36%', 'not shown (fewer than 10 people)', 'not shown (fewer than 10 people)')
    >>> share(11, 12)
    'not shown (it would tell how many are left)'
    """
    rules = rules or default_rules()
    _whole("count", count)
    _whole("total", total)
    if count > total:
        raise InputError("count is above total, so it is not a share of it.")
    if total < rules.minimum or rules.hides(count):
        return _not_shown(rules)
    low, high = _rest(count, total, rules)
    if low < rules.minimum and high - low + 1 < rules.width:
        return "not shown (it would tell how many are left)"
    top, bottom = rules.rounded(int(count)), rules.rounded(int(total))
    return "all or nearly all" if top == bottom else f"{_per_cent(top / bottom)}%"


def rate(value: float, n: float, *, rules: Rules | None = None) -> str:
    """The rate of an outcome in a group of `n` people, to a whole per cent.

    The rule: at least the minimum of people, and at least ``rate_each_side`` of them with and without the outcome (the
    minimum too, by default). A whole per cent of a small group can give back how many had the outcome; so that number,
    and that of those without it, must be one that could be shown. An outcome's rate in the whole of a group is what the
    Justice Data Lab prints; rates of parts of a group should come from `share`.

    Examples
    --------
    >>> rate(0.3056, 72), rate(0.25, 8), rate(0.1, 40)
    ('31%', 'not shown (fewer than 10 people)', 'not shown (fewer than 10 on one side)')
    """
    rules = rules or default_rules()
    if not 0 <= value <= 1:
        raise InputError(f"value must be a rate from 0 to 1, not {value!r}.")
    if not n >= rules.minimum:
        return _not_shown(rules)
    with_it, slack = value * n, 1e-9 * n
    if with_it < rules.rate_each_side - slack or n - with_it < rules.rate_each_side - slack:
        few = rules.rate_each_side
        return f"not shown ({'it would say the same of everyone' if few == 1 else f'fewer than {few} on one side'})"
    return f"{_per_cent(value)}%"


def safe_mean(value: float, n: int, *, digits: int = 1, rules: Rules | None = None) -> str:
    """A mean over `n` people, shown where `n` is at least the minimum.

    Examples
    --------
    >>> safe_mean(-1.25, 40), safe_mean(3.0, 9)
    ('−1.2', 'not shown (fewer than 10 people)')
    """
    rules = rules or default_rules()
    _whole("n", n)
    if n < rules.minimum:
        return _not_shown(rules)
    if math.isnan(value):
        return "–"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def _rest(part: int, total: int, rules: Rules) -> tuple[int, int]:
    """The fewest and the most that are left of a total, to whoever sees how the total and the part are shown."""

    def seen(count: int) -> tuple[int, int]:
        return (rules.lowest, rules.minimum - 1) if rules.hides(count) else rules.behind(rules.rounded(int(count)))

    (fewest, most), (least, greatest) = seen(part), seen(total)
    return max(least - most, 0), greatest - fewest


def _not_shown(rules: Rules) -> str:
    return f"not shown (fewer than {rules.minimum} people)"


def _per_cent(proportion: float) -> int:
    return math.floor(100 * proportion + 0.5)


def _whole(name: str, count: float) -> None:
    if not (count >= 0 and count == math.floor(count)):
        raise InputError(f"{name} must be a whole number, 0 or more.")
