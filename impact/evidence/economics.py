"""`value`: the cost of crime that an effect avoids, beside what the programme cost, never without its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.comparison.effect import Effect
from impact.errors import Fault, InputError
from impact.evidence.rules import default_rules
from impact.evidence.synthesis import chance_in_words
from impact.evidence.unit_costs import MeanCost
from impact.figures import COLOURS, new_axes, open_frame
from impact.frames import FloatArray
from impact.results import Estimate, number, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = ("mean_difference", "risk_difference")
AVOIDED = "cost avoided per participant"


def chance_of_paying(avoided: float, std_error: float, cost: FloatArray) -> FloatArray:
    """The chance that what is avoided exceeds each cost, all in the same unit, from the estimate's normal curve."""
    return np.asarray(scipy.stats.norm.sf(cost, loc=avoided, scale=std_error), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Value:
    """What an effect is worth, and whether it pays for the programme.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    probability : float
        The chance that the cost avoided exceeds the cost of the programme.
    cost_per_participant, avoided, std_error : float
        Pounds a participant: what the programme cost, and what is avoided, with its standard error.
    price_year : str
        Of every amount.
    level : float
        Confidence level, the effect's own.
    method : str
        How the interval and the chance were obtained.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    probability: float
    cost_per_participant: float
    avoided: float
    std_error: float
    price_year: str
    level: float
    method: str
    notes: tuple[str, ...]

    @property
    def said(self) -> tuple[str, str]:
        """What it comes to, in plain words."""
        limits = self.table.loc[self.table["term"] == AVOIDED, ["conf_low", "conf_high"]].to_numpy(dtype=float)[0]
        low, high = (pounds(limit) for limit in limits)
        less = "; below zero is more crime" if limits[0] < 0 else ""
        return (
            f"For each participant the programme cost {pounds(self.cost_per_participant)}, and the crime avoided is"
            f" put at {pounds(self.avoided)} ({self.level:.0%} interval {low} to {high}{less}; {self.price_year}"
            " prices).",
            f"The chance that it avoided more than it cost is {chance_in_words(self.probability)}.",
        )

    def tidy(self) -> pd.DataFrame:
        """One row a quantity: ``term, estimate, std_error, conf_low, conf_high, unit``; NaN where it has no error."""
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """The chance that the cost avoided exceeds the programme's, over what it may cost a participant."""
        axes = new_axes(ax, 3.6)
        most = max(2 * self.cost_per_participant, self.avoided + 3 * self.std_error)
        costs = np.linspace(0, most, 201)
        axes.plot(costs, 100 * chance_of_paying(self.avoided, self.std_error, costs), color=COLOURS[0])
        axes.axhline(50, color="0.6", linewidth=1)
        axes.axvline(self.cost_per_participant, color=COLOURS[1], linestyle="--")
        axes.annotate(
            f"It cost {pounds(self.cost_per_participant)}: {chance_in_words(self.probability)}",
            (self.cost_per_participant, 100),
            (0, 5),
            textcoords="offset points",
            ha="center",
        )
        axes.set_xlim(0, most)
        axes.set_ylim(0, 100)
        axes.xaxis.set_major_formatter(lambda cost, _: f"£{cost:,.0f}")
        axes.set_xlabel(f"Cost of the programme per participant ({self.price_year} prices)")
        axes.set_ylabel("Chance that it avoided\nmore than it cost, per cent")
        open_frame(axes)
        return axes

    def __repr__(self) -> str:
        lines = []
        for row in self.table.to_dict("records"):
            text = f"{row['term']}: {shown(row['estimate'], row['unit'])}"
            if isfinite(row["conf_low"]):
                low, high = (shown(row[name], row["unit"]) for name in ("conf_low", "conf_high"))
                text += f" ({self.level:.0%} interval {low} to {high})"
            lines.append(text)
        return with_notes("\n".join([*lines, *self.said, self.method]), self.notes)


def value(
    effect: Estimate,
    *,
    unit_cost: MeanCost,
    programme_cost: float,
    participants: int,
    price_year: str,
    completers: int | None = None,
    multiplier: float = 1.0,
) -> Value:
    """The cost of crime avoided, the cost of the programme, what it would take to break even, and the chance of it.

    Cost avoided = −effect × unit cost × multiplier, for each participant. It is a multiple of the effect, so its
    interval is the effect's own interval times the same factor: exact, without simulation. The chance of breaking even
    takes the effect for normal about its estimate with its standard error.

    Parameters
    ----------
    effect : Estimate
        The difference in proven offences per participant, those who took part less those who did not (below zero is
        fewer): ``compare(…, measure="mean_difference")``. A ``"risk_difference"`` counts people who reoffended, each as
        one offence.
    unit_cost : MeanCost
        From ``unit_costs().mean_of(…)``.
    programme_cost : float
        Pounds, the whole programme, for these participants.
    participants, completers : int
        People who took part, and of them those who completed.
    price_year : str
        Of `programme_cost`; must be that of `unit_cost`.
    multiplier : float
        Crimes taken to have been committed for each one proven. 1, the default, counts proven offences only.

    Returns
    -------
    Value

    Raises
    ------
    InputError
        Where the effect is a ratio or a rate, has no standard error or no interval, the two years differ, or a number
        cannot be used.

    Examples
    --------
    >>> from impact.evidence.unit_costs import unit_costs
    >>> fewer = Estimate("offences", -0.2, 0.1, -2.0, 0.0455, -0.396, -0.004, 0.95, 400)
    >>> worth = value(fewer, unit_cost=unit_costs().mean_of({"robbery": 1}), programme_cost=226_400, participants=100,
    ...     price_year="2015/16")
    >>> worth.tidy().loc[2, ["estimate", "conf_low", "conf_high"]].astype(float).round(1).tolist()
    [2264.0, 45.3, 4482.7]
    >>> worth.said[1]
    'The chance that it avoided more than it cost is about 5 in 10.'
    """
    _check(effect, unit_cost, programme_cost, participants, price_year, completers, multiplier)
    each = unit_cost.amount * multiplier
    cost = programme_cost / participants
    fewer = (-effect.estimate, effect.std_error, -effect.conf_high, -effect.conf_low)
    avoided = tuple(each * part for part in fewer)
    net = (avoided[0] - cost, avoided[1], avoided[2] - cost, avoided[3] - cost)
    alone = (nan, nan, nan)
    few = completers is not None and completers < default_rules().minimum
    rows = [
        ("offences avoided per 100 participants", *(100 * part for part in fewer), ""),
        ("offences to avoid per 100 participants to break even", 100 * cost / each, *alone, ""),
        (AVOIDED, *avoided, "£"),
        ("cost of the programme per participant", cost, *alone, "£"),
        ("cost avoided less cost of the programme, per participant", *net, "£"),
        ("cost avoided per £1 spent", *(part / cost for part in avoided), "£1"),
    ]
    if completers is not None and not few:
        rows.insert(4, ("cost of the programme per completer", programme_cost / completers, *alone, "£"))
    return Value(
        pd.DataFrame(rows, columns=["term", "estimate", "std_error", "conf_low", "conf_high", "unit"]),
        float(chance_of_paying(avoided[0], avoided[1], np.array([cost]))[0]),
        cost,
        avoided[0],
        avoided[1],
        price_year,
        effect.level,
        "Interval: the effect's own, times the unit cost. Chance: the effect taken for normal about its estimate.",
        (*effect.notes, *unit_cost.notes, *_cautions(effect, participants, multiplier, few=few)),
    )


def _check(
    effect: Estimate,
    unit_cost: MeanCost,
    programme_cost: float,
    participants: int,
    price_year: str,
    completers: int | None,
    multiplier: float,
) -> None:
    faults = [
        Fault(f"must be {what}, not {type(given).__name__}", table=name)
        for name, given, kind, what in (
            ("effect", effect, Estimate, "an Estimate"),
            ("unit_cost", unit_cost, MeanCost, "the mean cost of an offence, from unit_costs().mean_of(…)"),
        )
        if not isinstance(given, kind)
    ]
    if faults:
        raise InputError("The value of the effect cannot be worked out:", faults)
    measure = effect.measure if isinstance(effect, Effect) else MEASURES[0]
    if measure not in MEASURES:
        faults.append(
            Fault(
                f"is a {measure.replace('_', ' ')}",
                table="effect",
                why="a cost is avoided by so many offences fewer per participant, not by so many times fewer.",
                remedy='compare with measure="mean_difference" on the number of offences.',
            )
        )
    if not (isfinite(effect.estimate) and isfinite(effect.conf_low) and isfinite(effect.conf_high)):
        faults.append(Fault("has no interval", table="effect", why="a value is never given without one."))
    if not (isfinite(effect.std_error) and effect.std_error > 0):
        faults.append(Fault("has no standard error above 0", table="effect"))
    if not unit_cost.amount > 0:
        faults.append(Fault("is not above 0", table="unit_cost"))
    if not (isfinite(programme_cost) and programme_cost > 0):
        faults.append(Fault("is not a number above 0", table="programme_cost"))
    if not (isfinite(multiplier) and multiplier > 0):
        faults.append(Fault("is not a number above 0", table="multiplier"))
    if not (1 <= participants < inf and participants == int(participants)):
        faults.append(Fault("is not a whole number, 1 or more", table="participants"))
    if completers is not None and not (1 <= completers <= participants < inf and completers == int(completers)):
        faults.append(Fault("is not a whole number from 1 to all participants", table="completers"))
    if price_year != unit_cost.price_year:
        faults.append(
            Fault(
                f"is {price_year!r}, and that of the unit costs is {unit_cost.price_year!r}",
                table="price_year",
                why="pounds of different years cannot be set beside each other.",
                remedy="bring the unit costs to the year of the programme's cost: unit_costs(prices=…, deflator=…).",
            )
        )
    if faults:
        raise InputError("The value of the effect cannot be worked out:", faults)


def _cautions(effect: Estimate, participants: int, multiplier: float, *, few: bool) -> list[str]:
    notes = [
        "A cost avoided is only as good as the comparison that the effect comes from.",
        "Unit costs are taken as exact: their own uncertainty is not in the interval.",
        "Where a unit cost counts harm to victims and society, what is avoided is not money that a budget gets back.",
    ]
    if isinstance(effect, Effect) and effect.measure == "risk_difference":
        notes.append("Each person who reoffended counts as one offence, which is fewer than most commit.")
    if isinstance(effect, Effect) and effect.n_treated != participants:
        notes.append("The effect was estimated in part of the participants, and is taken to hold for all of them.")
    if multiplier != 1:
        notes.append(f"Each proven offence is taken to stand for {number(multiplier)} committed: an assumption.")
    if few:
        least = default_rules().minimum
        notes.append(f"The cost per completer is not given: fewer than {least} completed, and it would tell how many.")
    return notes


def shown(amount: float, unit: str) -> str:
    """An amount in its unit: pounds, pounds for each pound, or a number without one."""
    if unit == "£1":
        return _signed(f"{amount:,.2f}")
    return pounds(amount) if unit else number(amount, 3)


def pounds(amount: float) -> str:
    """Pounds at three significant figures."""
    return _signed(f"{float(f'{amount:.3g}'):,.0f}")


def _signed(written: str) -> str:
    """A written number as pounds, with a true minus sign and never minus nothing."""
    digits = written.lstrip("-")
    return f"{'−' if written != digits and digits.strip('0.') else ''}£{digits}"
