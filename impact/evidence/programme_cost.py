"""What a programme cost, from a file that its user gives: dated, sourced, and never made up for a real programme."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from impact.errors import DefinitionError, Fault, InputError
from impact.evidence.rules import default_rules
from impact.evidence.unit_costs import EVIDENCE, UNVERIFIED, MeanCost, is_year, unit_costs
from impact.fields import Fields, read_definition

MADE_UP = "made up"


@dataclass(frozen=True, eq=False)
class ProgrammeCost:
    """What a programme cost, and what one offence costs in the same prices.

    Attributes
    ----------
    programme : str
        The programme's name.
    amount : float
        Pounds, everything that it cost for `participants`.
    price_year : str
        As ``"2015/16"``.
    participants : int
        People for whom that was spent.
    completers : int or None
        Of them those who completed; None where the file does not say.
    source, evidence : str
        Where the amount is from, and how well it is known.
    offence : MeanCost or None
        What one offence costs on average; None where the file names no mix of offences.
    """

    programme: str
    amount: float
    price_year: str
    participants: int
    completers: int | None
    source: str
    evidence: str
    offence: MeanCost | None

    def __repr__(self) -> str:
        return (
            f"£{self.amount:,.0f} for {self.programme}, in {self.price_year} prices ({self.evidence}: {self.source});"
            f" {'no cost of an offence' if self.offence is None else self.offence}"
        )


def read_cost(path: str | Path) -> ProgrammeCost:
    """Read what a programme cost from a TOML file.

    The file holds ``programme, amount, price_year, participants, source, evidence``; ``completers`` where it is known;
    and, for what crime was avoided, a table ``[offences]`` of each kind's share as `unit_costs` names it. The unit
    costs are those of the library, or a CSV named in ``unit_costs``, brought to ``price_year`` by a CSV named in
    ``deflator``; both stand beside the file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    ProgrammeCost

    Raises
    ------
    DefinitionError
        Where the file cannot be read, or with every mistake of it at once: no date, no source, an amount that is not
        verified, or pounds of two different years.
    """
    if Path(path).suffix != ".toml":
        raise DefinitionError(f"The cost file {Path(path).name} must end in .toml.")
    folder = Path(path).parent
    return read_definition(path, dict, lambda _, top: _cost(top, folder), thing="cost", file="cost file")


def _cost(top: Fields, folder: Path) -> ProgrammeCost:
    programme, source = top.text("programme"), top.text("source")
    amount = top.number("amount", low=1)
    price_year = top.text("price_year")
    participants = top.whole("participants", low=default_rules().minimum)
    completers = top.whole("completers", low=0, optional=True)
    evidence = top.text(
        "evidence",
        allowed=(*(word for word in EVIDENCE if word != UNVERIFIED), MADE_UP),
        why="an amount that is not verified must not stand in a chapter.",
    )
    if price_year and not is_year(price_year):
        top.fault(
            "price_year",
            "is no year",
            why="a cost without a date cannot be set beside another.",
            remedy="write 2015/16 or 2016.",
        )
    if completers is not None and participants is not None and completers > participants:
        top.fault("completers", "is above participants")
    offence = _offence(top, folder, price_year)
    top.close()
    return ProgrammeCost(
        programme, amount or math.nan, price_year, participants or 0, completers, source, evidence, offence
    )


def _offence(top: Fields, folder: Path, price_year: str) -> MeanCost | None:
    """The mean cost of an offence of the file's mix, in the prices of the programme's own cost."""
    table, deflator = (top.text(name, optional=True) for name in ("unit_costs", "deflator"))
    if not top.has("offences"):
        for name, given in (("unit_costs", table), ("deflator", deflator)):
            if given:
                top.fault(name, "is of no use without a table of offences", remedy="add [offences].")
        return None
    kinds = top.table("offences")
    shares = {name: kinds.number(name, low=0, high=1) or 0.0 for name in kinds.names()}
    if top.faults:
        return None
    try:
        costs = unit_costs(
            _csv(folder / table) if table else None,
            prices=price_year if deflator else None,
            deflator=_csv(folder / deflator) if deflator else None,
        )
        found = costs.mean_of(shares)
    except InputError as refused:
        top.faults.extend(refused.faults or [Fault(refused.summary)])
        return None
    if found.price_year != price_year:
        top.fault(
            "price_year",
            f"is {price_year}, and the unit costs are in prices of {found.price_year}",
            why="pounds of different years cannot be set beside each other.",
            remedy="name a deflator, or unit costs of that year.",
        )
    return found


def _csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype={"price_year": str, "year": str, "source": str}, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"The file {path.name} cannot be read as CSV in UTF-8.") from error
