"""The claims gate for money: what a cost, and an effect set beside it, permit to be said."""

from __future__ import annotations

import math
from dataclasses import dataclass

from impact.errors import Fault, InputError
from impact.evidence.claims import BALANCE_LIMIT, DESIGNS, Verdict, maryland_level, said_of
from impact.evidence.economics import AVOIDED, Value, pounds
from impact.evidence.synthesis import chance_in_words
from impact.evidence.wording import wording

VALUED = ("valued", "added", "one_of_many", "valued_unclear")
BREAK_EVEN, FEWER = "offences to avoid per 100 participants to break even", "offences avoided per 100 participants"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFinding:
    """What is known of a programme's cost and of what it avoided.

    Attributes
    ----------
    programme, design, worst_smd
        As in `Finding`.
    reoffending : bool
        Whether reoffending is an outcome of the programme.
    cost : float
        Pounds a participant; NaN where the cost is not known.
    price_year : str
        Of the cost.
    value : Value or None
        What the effect is worth; None where there is no effect, or no unit costs.
    p_value : float
        Of the effect that is valued, allowing for every outcome tested beside it.
    missing, wanted : str
        Which figure is missing, in words that follow a colon, and what is needed; empty where nothing is.
    made_up : bool
        Whether the cost, or the records, are made up.
    """

    programme: str
    design: str
    reoffending: bool = True
    worst_smd: float = math.nan
    cost: float = math.nan
    price_year: str = ""
    value: Value | None = None
    p_value: float = math.nan
    missing: str = ""
    wanted: str = ""
    made_up: bool = False

    @property
    def balanced(self) -> bool:
        """Whether the groups compared are known to be alike."""
        return abs(self.worst_smd) <= BALANCE_LIMIT


def cost_verdict(finding: CostFinding) -> Verdict:
    """Judge what is known of money: the sentences that the cost, the design and the result permit, and no others.

    Parameters
    ----------
    finding : CostFinding

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        With every fault of the finding: a cost without a date, nothing missing and nothing valued.

    Examples
    --------
    >>> cost_verdict(CostFinding(programme="Blue Sky", design="matched", missing="no cost is given",
    ...     wanted="What it cost.")).headline
    'What Blue Sky costs, and whether it pays for itself, cannot be said: no cost is given.'
    """
    _check(finding)
    status, level = _status(finding), maryland_level(finding.design, balanced=finding.balanced)
    words = {
        "programme": finding.programme,
        "missing": finding.missing,
        "wanted": finding.wanted,
        "each": pounds(finding.cost) if math.isfinite(finding.cost) else "",
        "price_year": finding.price_year,
        "made_up": "; made up" if finding.made_up else "",
    }
    worth = finding.value
    if worth is None or status not in VALUED:
        return said_of(status, level, wording()["cost"][status], words, ())
    return said_of(status, level, wording()["cost"][status], words | _of_value(worth), worth.notes)


def interval_of(worth: Value, term: str) -> tuple[float, float, float]:
    """A quantity of a value with its interval."""
    row = worth.table[worth.table["term"] == term][["estimate", "conf_low", "conf_high"]]
    estimate, low, high = row.to_numpy(dtype=float)[0]
    return float(estimate), float(low), float(high)


def _of_value(worth: Value) -> dict[str, str]:
    avoided, low, high = interval_of(worth, AVOIDED)
    seen, seen_low, seen_high = interval_of(worth, FEWER)
    return {
        "avoided": pounds(avoided),
        "added": pounds(-avoided),
        "level": f"{worth.level:.0%}",
        "reach": f"from {pounds(low)} to {pounds(high)}",
        "added_reach": f"from {pounds(-high)} to {pounds(-low)}",
        "break_even": _count(interval_of(worth, BREAK_EVEN)[0]),
        "seen": _fewer(seen),
        "seen_reach": f"from {_fewer(seen_low)} to {_fewer(seen_high)}",
        "chance": chance_in_words(worth.probability),
    }


def _fewer(offences: float) -> str:
    return f"{_count(abs(offences))} {'fewer' if offences >= 0 else 'more'}"


def _count(offences: float) -> str:
    return f"{offences:,.0f}" if offences >= 10 else f"{offences:.1f}"


def _check(finding: CostFinding) -> None:
    faults = []
    known = math.isfinite(finding.cost)
    if finding.design not in DESIGNS:
        faults.append(Fault(f"must be one of {', '.join(DESIGNS)}, not {finding.design!r}", column="design"))
    if known and not finding.cost > 0:
        faults.append(Fault("must be above 0", column="cost"))
    if known and not finding.price_year:
        faults.append(Fault("is missing", column="price_year", why="a cost without a date says little."))
    if not (math.isnan(finding.p_value) or 0 <= finding.p_value <= 1):
        faults.append(Fault("must lie between 0 and 1", column="p_value"))
    if finding.value is not None and not known:
        faults.append(Fault("is given without a cost", column="value"))
    nothing = finding.value is None and (finding.reoffending or not known)
    if nothing and not (finding.missing.strip() and finding.wanted.strip()):
        faults.append(Fault("must say which figure is missing, and what is wanted", column="missing"))
    if faults:
        raise InputError("What is known of the cost cannot be judged:", faults)


def _status(finding: CostFinding) -> str:
    if not math.isfinite(finding.cost):
        return "not_known"
    if not finding.reoffending:
        return "no_outcome"
    fair = finding.design == "randomised" or (finding.design == "matched" and finding.balanced)
    if finding.value is None or not fair:
        return "no_value"
    _, low, high = interval_of(finding.value, AVOIDED)
    if low <= 0 <= high:
        return "valued_unclear"
    if not finding.p_value <= 1 - finding.value.level:
        return "one_of_many"
    return "valued" if low > 0 else "added"
