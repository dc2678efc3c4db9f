"""The claims gate: from what was done and what came out, what can be said, what cannot, and with which caveats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import scipy

from impact.errors import Fault, InputError
from impact.evidence.power import minimum_detectable_difference, people_needed
from impact.evidence.rules import default_rules
from impact.evidence.shown import rate, safe_mean, shown_count, shown_rest
from impact.evidence.wording import filled, permitted, wording

DESIGNS = ("none", "before_after", "matched", "randomised")
BALANCE_LIMIT = 0.10
_CHANGE = ("rose", "fell", "change_unclear", "change_not_estimated", "change_too_few")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was actually done for one outcome of one programme, and what came out.

    Attributes
    ----------
    programme : str
        Its name, as it is to be read.
    design : str
        ``"none"``, ``"before_after"`` (the estimate is a mean change of a score), ``"matched"`` or ``"randomised"``
        (the estimate is a difference of two rates, treated less comparison).
    outcome : str
        Words that follow "had" ("a proven reoffence within one year"), or for before_after the name of a score
        ("the accommodation score").
    n_treated, n_analysed : int
        People who took part, and those of them in the analysis.
    n_comparison : float, optional
        Effective number of comparison people.
    estimate, conf_low, conf_high, p_value : float
        The result; NaN where there is none.
    rate_treated, rate_comparison : float
        The two rates; NaN where not given. Printed only where their difference is the estimate.
    worst_smd : float
        Largest absolute standardised mean difference after matching; NaN where not known.
    follow_up_complete : bool
        Whether everyone analysed was followed for the whole period.
    minimum_analysed : int
        Fewest people, on either side, on whom a result is given.
    level : float
        Confidence level of the interval.
    """

    programme: str
    design: str
    outcome: str = "a proven reoffence within one year"
    n_treated: int = 0
    n_analysed: int = 0
    n_comparison: float | None = None
    estimate: float = math.nan
    conf_low: float = math.nan
    conf_high: float = math.nan
    p_value: float = math.nan
    rate_treated: float = math.nan
    rate_comparison: float = math.nan
    worst_smd: float = math.nan
    follow_up_complete: bool = True
    minimum_analysed: int = 30
    level: float = 0.95

    @property
    def estimated(self) -> bool:
        """Whether there is an estimate with an interval and a p-value."""
        return all(math.isfinite(value) for value in (self.estimate, self.conf_low, self.conf_high, self.p_value))

    @property
    def balanced(self) -> bool:
        """Whether the groups are known to be alike."""
        return abs(self.worst_smd) <= BALANCE_LIMIT

    @property
    def direction(self) -> int:
        """−1 or 1 where interval and p-value both tell the direction, otherwise 0."""
        if not self.p_value <= 1 - self.level:
            return 0
        return int(self.conf_low > 0) - int(self.conf_high < 0)

    @property
    def rates_may_be_printed(self) -> bool:
        """Whether both rates are known, are what the estimate compares, and may be shown."""
        if not abs(self.rate_treated - self.rate_comparison - self.estimate) < 1e-6 or self.n_comparison is None:
            return False
        shown = (rate(self.rate_treated, self.n_analysed), rate(self.rate_comparison, self.n_comparison))
        return all(text.endswith("%") for text in shown)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of one finding.

    Attributes
    ----------
    status : str
        The branch taken: a key of ``[status]`` in ``wording.toml``.
    maryland_level : int or None
        1, 2, 3 or 5 on the Maryland scale; None where the outcome was not measured.
    maryland : str
        The level in words.
    headline : str
        One sentence in plain English.
    can_say, cannot_say, caveats, needed : tuple of str
        What the result supports, what it does not and why, what must go with it, and what would tell more.
    sources : tuple of str
        Where adapted wording comes from.
    """

    status: str
    maryland_level: int | None
    maryland: str
    headline: str
    can_say: tuple[str, ...]
    cannot_say: tuple[str, ...]
    caveats: tuple[str, ...]
    needed: tuple[str, ...]
    sources: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The caveats."""
        return self.caveats

    def tidy(self) -> pd.DataFrame:
        """One row a sentence: kind (headline, can_say, cannot_say, caveat, needed), text."""
        rows = [("headline", self.headline)]
        for kind, texts in (("can_say", self.can_say), ("cannot_say", self.cannot_say)):
            rows += [(kind, text) for text in texts]
        rows += [("caveat", text) for text in self.caveats] + [("needed", text) for text in self.needed]
        return pd.DataFrame(rows, columns=["kind", "text"])

    def __repr__(self) -> str:
        lines = [self.headline, self.maryland]
        heads = (
            ("You can say", self.can_say),
            ("You cannot say", self.cannot_say),
            ("Keep in mind", self.caveats),
            ("To learn more", self.needed),
        )
        for head, texts in heads:
            lines += [f"{head}:", *(f"  - {text}" for text in texts)] if texts else []
        return "\n".join([*lines, *self.sources])


def verdict(finding: Finding) -> Verdict:
    """Judge a finding: the sentences that its design, size, balance, follow-up and result permit, and no others.

    The gate has two locks. The branch (`status`) is chosen from the finding; and each sentence of ``wording.toml`` has
    a kind, printed only where the Maryland level permits it. Causal words need level 3 ("could be lower") or 5
    ("lowered"); a comparison that is too small, too early or not balanced gets neither rates nor a difference.

    Parameters
    ----------
    finding : Finding

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        With every fault of the finding: rates outside 0 to 1, more analysed than took part, an interval that does not
        hold its estimate.

    Examples
    --------
    >>> blue_sky = Finding(programme="Blue Sky", design="matched", n_treated=287, n_analysed=72, n_comparison=50_000,
    ...     rate_treated=0.31, rate_comparison=0.43, estimate=-0.12, conf_low=-0.229, conf_high=-0.013, p_value=0.03,
    ...     worst_smd=0.04)
    >>> verdict(blue_sky).status
    'fewer'
    """
    _check(finding)
    status, level = _status(finding), maryland_level(finding.design, balanced=finding.balanced)
    caveats = [wording()["caveats"][name] for name in _caveats(finding, status)]
    return said_of(status, level, wording()["status"][status], _words(finding, status), caveats)


def said_of(
    status: str,
    level: int,
    sentences: Mapping[str, Any],
    words: Mapping[str, Any],
    caveats: Sequence[Mapping[str, Any] | str],
) -> Verdict:
    """The verdict of a branch: of its sentences those whose kind the Maryland level permits, filled in."""
    headline, can_say = (permitted(sentences[part], level) for part in ("headline", "can_say"))
    adapted = any("source" in entry for entry in [*headline, *can_say, *caveats])
    return Verdict(
        status,
        level or None,
        wording()["maryland"][str(level)],
        filled(headline[:1], words)[0],
        filled(can_say, words),
        filled(sentences["cannot_say"], words),
        filled(caveats, words),
        filled(sentences.get("needed", ()), words),
        (wording()["jdl"],) if adapted else (),
    )


def _check(finding: Finding) -> None:
    faults = []
    if finding.design not in DESIGNS:
        faults.append(Fault(f"must be one of {', '.join(DESIGNS)}, not {finding.design!r}", column="design"))
    if not 0 < finding.level < 1:
        faults.append(Fault("must lie between 0 and 1", column="level"))
    if not 0 <= finding.n_analysed <= finding.n_treated:
        faults.append(Fault("must lie between 0 and n_treated", column="n_analysed"))
    for name in ("rate_treated", "rate_comparison", "p_value"):
        value = getattr(finding, name)
        if not (math.isnan(value) or 0 <= value <= 1):
            faults.append(Fault("must lie between 0 and 1", column=name))
    if finding.estimated and not finding.conf_low <= finding.estimate <= finding.conf_high:
        faults.append(Fault("must hold the estimate: conf_low, estimate, conf_high in this order", column="interval"))
    least = default_rules().minimum
    if finding.minimum_analysed < least:
        faults.append(Fault(f"must be {least} or more, to protect people's privacy", column="minimum_analysed"))
    if finding.design in ("matched", "randomised") and not (finding.n_comparison or 0) >= 0:
        faults.append(Fault("must be 0 or more", column="n_comparison"))
    if faults:
        raise InputError("The finding cannot be judged:", faults)


def _status(finding: Finding) -> str:
    if finding.design == "none":
        return "not_measured"
    if finding.design == "before_after":
        if finding.n_analysed < finding.minimum_analysed:
            return "change_too_few"
        if not finding.estimated:
            return "change_not_estimated"
        return {1: "rose", -1: "fell", 0: "change_unclear"}[finding.direction]
    if not finding.follow_up_complete:
        return "too_early"
    if min(finding.n_analysed, finding.n_comparison or 0) < finding.minimum_analysed:
        return "too_few"
    if finding.design == "matched" and not finding.balanced:
        return "not_comparable"
    if not finding.estimated:
        return "not_estimated"
    return {1: "more", -1: "fewer", 0: "unclear"}[finding.direction]


def maryland_level(design: str, *, balanced: bool) -> int:
    """The level of a design on the Maryland scale; 0 where the outcome was not measured."""
    if design == "matched":
        return 3 if balanced else 2
    return {"none": 0, "before_after": 1, "randomised": 5}[design]


def _caveats(finding: Finding, status: str) -> list[str]:
    names = []
    judged = status in ("fewer", "more", "unclear")
    if finding.n_analysed < finding.n_treated and (judged or status in _CHANGE):
        names.append("lost")
    if judged and finding.design == "matched":
        names.append("unrecorded")
    if judged and finding.design == "randomised" and abs(finding.worst_smd) > BALANCE_LIMIT:
        names.append("chance_imbalance")
    if status in _CHANGE:
        names.append("regression_to_the_mean")
    if status == "unclear" and 0 < finding.rate_comparison < 1:
        names.append("small_difference_missed")
    return [*names, "rounding"]


def _words(finding: Finding, status: str) -> dict[str, Any]:
    words: dict[str, Any] = {
        "programme": finding.programme,
        "outcome": finding.outcome,
        "outcome_start": finding.outcome[:1].upper() + finding.outcome[1:],
        "level": f"{finding.level:.0%}",
        "minimum": finding.minimum_analysed,
        "base": default_rules().base,
        "balance_limit": f"{BALANCE_LIMIT:.2f}",
        "smd": f"{abs(finding.worst_smd):.2f}",
        "unlike": "are not shown to be alike" if math.isnan(finding.worst_smd) else "differ too much",
        "n_treated": shown_count(finding.n_treated),
        "n_analysed": shown_count(finding.n_analysed),
        "others": _others(finding),
        "too_few": _too_few(finding),
    }
    if status in ("fewer", "more", "unclear"):
        words |= _rate_words(finding)
    elif status in _CHANGE and finding.estimated:
        words["size"] = f"{safe_mean(abs(finding.estimate), finding.n_analysed)} points"
        near, far = sorted((abs(finding.conf_low), abs(finding.conf_high)))
        words["span"] = f"between {near:.1f} and {far:.1f}"
        words["reach"] = f"from {_moved(finding.conf_low)} to {_moved(finding.conf_high)}"
    return words


def _others(finding: Finding) -> str:
    lost = shown_rest(finding.n_analysed, finding.n_treated)
    return "the others" if lost == "not shown" else f"the others ({lost} people)"


def _rate_words(finding: Finding) -> dict[str, Any]:
    near, far = sorted((abs(finding.conf_low), abs(finding.conf_high)))
    words: dict[str, Any] = {
        "of_every_100": f"How many of every 100 people who took part in {finding.programme} had {finding.outcome},"
        " compared with similar people who did not take part",
        "difference": _more_or_fewer(finding.estimate),
        "size": str(_per_100(finding.estimate) or "less than 1"),
        "span": span(_per_100(near), _per_100(far)),
        "reach": f"from {_more_or_fewer(finding.conf_low)} to {_more_or_fewer(finding.conf_high)} in every 100",
        "needed_people": _needed(finding),
    }
    if finding.rates_may_be_printed:
        words["of_every_100"] = (
            f"Of every 100 people who took part in {finding.programme}, {_per_100(finding.rate_treated)} had"
            f" {finding.outcome}, against {_per_100(finding.rate_comparison)} of every 100 similar people who did not"
        )
    if 0 < finding.rate_comparison < 1:
        detectable = minimum_detectable_difference(
            finding.n_analysed, finding.n_comparison or 0, finding.rate_comparison, level=finding.level
        )
        words["detectable"] = max(1, _per_100(detectable))
    return words


def _needed(finding: Finding) -> str:
    reach = float(scipy.stats.norm.ppf(0.5 + finding.level / 2))
    std_error = (finding.conf_high - finding.conf_low) / 2 / reach
    people = people_needed(finding.n_analysed, finding.estimate, std_error, level=finding.level) if std_error else None
    if people is None or people > 1_000_000:
        return "The difference seen is so small that no realistic number of people would tell it from chance."
    return (
        f"About {float(f'{people:.2g}'):,.0f} people who took part, with a comparison group that grows in step, to"
        " tell a difference of this size from chance four times in five (80% power)."
    )


def _too_few(finding: Finding) -> str:
    parts = []
    if finding.n_analysed < finding.minimum_analysed:
        parts.append("too few people who took part are in the analysis")
    if finding.design != "before_after" and (finding.n_comparison or 0) < finding.minimum_analysed:
        parts.append("there are too few people to compare them with")
    return f"{' and '.join(parts)} (fewer than {finding.minimum_analysed})"


def _per_100(proportion: float) -> int:
    return math.floor(100 * abs(proportion) + 0.5)


def _more_or_fewer(difference: float) -> str:
    size = _per_100(difference)
    side = "fewer" if difference < 0 else "more"
    return f"{size} {side}" if size else f"less than 1 {side}"


def span(near: int, far: int) -> str:
    """Two limits of a size, in words."""
    if near == far:
        return f"about {near}" if near else "less than 1"
    return f"between {near or 'less than 1'} and {far}"


def _moved(change: float) -> str:
    size = f"{abs(change):.1f}"
    return f"a {'fall' if change < 0 else 'rise'} of {size}" if float(size) else "hardly any change"
