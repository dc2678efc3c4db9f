"""What one crime costs: a dated table with its sources, brought to the prices of one year, and the mean of a mix."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError, row_fault
from impact.frames import FloatArray
from impact.results import with_notes

COLUMNS = ("offence", "offence_group", "amount", "price_year", "source", "evidence")
UNVERIFIED = "not verified"
EVIDENCE = ("read at the source", "reported by others", UNVERIFIED)
YEAR = re.compile(r"\d{4}(/\d{2})?")


@dataclass(frozen=True, eq=False)
class MeanCost:
    """What one offence of a stated mix costs on average.

    Attributes
    ----------
    amount : float
        Pounds an offence, in the prices of `price_year`.
    price_year : str
        As ``"2015/16"``.
    parts : DataFrame
        The unit costs used: the columns of the table, and ``share``.
    notes : tuple of str
        Cautions.
    """

    amount: float
    price_year: str
    parts: pd.DataFrame
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """The unit costs used, with the share of each."""
        return self.parts.copy()

    def __repr__(self) -> str:
        return with_notes(f"£{self.amount:,.0f} an offence, in {self.price_year} prices", self.notes)


@dataclass(frozen=True, eq=False)
class UnitCosts:
    """Unit costs of crime.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row an offence: ``offence, offence_group, amount, price_year, source, evidence``; amounts in pounds."""
        return self.table.copy()

    def __repr__(self) -> str:
        shown = self.table.assign(amount=[f"£{amount:,.0f}" for amount in self.table["amount"]])
        return with_notes(shown.drop(columns="source").to_string(index=False), self.notes)

    def mean_of(self, shares: Mapping[str, float], *, unverified: bool = False) -> MeanCost:
        """The mean cost of an offence where each kind makes up a stated share.

        Parameters
        ----------
        shares : mapping of str to float
            From offence, as the table names it, to its share of all offences; together 1.
        unverified : bool
            Whether amounts that are not verified may be used.

        Raises
        ------
        InputError
            Where a kind is not in the table, the shares are not all the offences, an amount is not verified and that
            was not allowed, or amounts are in the prices of different years.

        Examples
        --------
        >>> unit_costs().mean_of({"robbery": 0.25, "violence with injury": 0.75}).amount
        13367.5
        """
        share = _shares(shares)
        known = self.table.set_index("offence", drop=False)
        faults = [
            Fault(
                f"has no offence {name!r}",
                why="an offence without a cost would count as costing nothing.",
                remedy=f"add a row for it, or name one of: {', '.join(known.index)}.",
            )
            for name in share.index
            if name not in known.index
        ]
        if not (len(share) and np.isfinite(share).all() and (share >= 0).all() and np.isclose(share.sum(), 1)):
            faults.append(
                Fault("has shares that are not 0 or more and 1 together", remedy="give the share of every kind.")
            )
        parts = known[known.index.isin(share.index[share > 0])].reset_index(drop=True)
        if not unverified:
            faults += [
                Fault(
                    f"has an amount for {offence!r} that is not verified",
                    why="it must not be quoted as an official figure.",
                    remedy="check it at its source and give your own table, or say unverified=True.",
                )
                for offence in parts.loc[parts["evidence"] == UNVERIFIED, "offence"]
            ]
        years = sorted(parts["price_year"].unique())
        if len(years) > 1:
            faults.append(
                Fault(
                    f"has amounts in the prices of different years: {', '.join(years)}",
                    remedy="give unit_costs a deflator, and the year to bring them to in prices.",
                )
            )
        if faults:
            raise InputError("The mean cost of an offence cannot be worked out:", faults)
        parts["share"] = share[parts["offence"]].to_numpy()
        amount = float((parts["amount"] * parts["share"]).sum())
        return MeanCost(amount, years[0], parts, self.notes + _caution(parts))


def unit_costs(
    table: pd.DataFrame | None = None, *, prices: str | None = None, deflator: pd.DataFrame | None = None
) -> UnitCosts:
    """The table of unit costs that ships with the library, or your own, in the prices of one year.

    An amount is brought to another year by the ratio of the two years in the deflator (HM Treasury publishes the GDP
    deflator each quarter; none is shipped, as it changes with each).

    Parameters
    ----------
    table : DataFrame, optional
        Columns ``offence, offence_group, amount, price_year, source, evidence``. Amounts are pounds an offence; a year
        is written ``2015/16`` or ``2016``; evidence is one of ``"read at the source"``, ``"reported by others"``,
        ``"not verified"``.
    prices : str, optional
        The year to bring amounts to; needs `deflator`.
    deflator : DataFrame, optional
        Columns ``year, index, source``.

    Returns
    -------
    UnitCosts

    Raises
    ------
    InputError
        Where a column is missing, an amount has no year or no source, an offence stands twice, or the deflator lacks a
        year.

    Examples
    --------
    >>> gdp = pd.DataFrame({"year": ["2015/16", "2023/24"], "index": [80.0, 100.0], "source": "made up"})
    >>> costs = unit_costs(prices="2023/24", deflator=gdp).tidy().set_index("offence")
    >>> round(float(costs.loc["robbery", "amount"])), costs.loc["robbery", "price_year"]
    (14150, '2023/24')
    """
    if (prices is None) != (deflator is None):
        raise InputError("prices and deflator belong together: give both, or neither.")
    if prices is not None and not is_year(prices):
        raise InputError(f"prices must be a year, written 2015/16 or 2016, not {prices!r}.")
    found = (_shipped() if table is None else _checked(table)).copy()
    if prices is None or deflator is None:
        return UnitCosts(found, ())
    index, source = _deflator(deflator, [*found["price_year"], prices])
    found["amount"] = found["amount"] * index[prices] / found["price_year"].map(index)
    found["price_year"] = prices
    return UnitCosts(found, (f"Amounts are brought to the prices of {prices} by: {source}.",))


def _shares(shares: Mapping[str, float]) -> pd.Series:
    given = dict(shares) if isinstance(shares, Mapping) else {}
    odd = [
        name for name, part in given.items() if isinstance(part, bool) or not isinstance(part, int | float | np.number)
    ]
    if odd or not isinstance(shares, Mapping):
        raise InputError("shares must give for each offence a number, as {'robbery': 1}.")
    return pd.Series(given, dtype=float)


def is_year(text: object) -> bool:
    """Whether a text names a calendar year or a financial one, whose second part follows on the first.

    Examples
    --------
    >>> [is_year(text) for text in ("2016", "2015/16", "1999/00", "2015/17", "last year", None)]
    [True, True, True, False, False, False]
    """
    if not isinstance(text, str) or not YEAR.fullmatch(text):
        return False
    first, _, second = text.partition("/")
    return not second or int(second) == (int(first) + 1) % 100


@cache
def _shipped() -> pd.DataFrame:
    content = tomllib.loads(files("impact.evidence").joinpath("unit_costs.toml").read_text(encoding="utf-8"))
    rows = [
        {"offence": name, **cost, "price_year": report["price_year"], "source": report["source"], "evidence": evidence}
        for report in content.values()
        for part in report.values()
        if isinstance(part, dict)
        for evidence in [part["evidence"]]
        for name, cost in part.items()
        if name != "evidence"
    ]
    return _checked(pd.DataFrame(rows))


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"table must be a pandas DataFrame, not {type(table).__name__}.")
    faults = [Fault("is missing", column=name) for name in COLUMNS if name not in table.columns]
    if not faults:
        faults += _cell_faults(table)
    if faults:
        raise InputError("The table of unit costs cannot be used:", faults)
    found = table[list(COLUMNS)].reset_index(drop=True)
    return found.assign(amount=found["amount"].astype(float))


def _cell_faults(table: pd.DataFrame) -> list[Fault]:
    amount = pd.to_numeric(table["amount"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    empty = {name: [not (isinstance(cell, str) and cell.strip()) for cell in table[name]] for name in COLUMNS}
    dated = [is_year(cell) for cell in table["price_year"]]
    checks = (
        ("amount", ~(np.isfinite(amount) & (amount >= 0)), "is not a number, 0 or more", "", "give pounds an offence."),
        (
            "price_year",
            [not known for known in dated],
            "is missing, or is no year",
            "a cost without a date cannot be set beside what a programme cost.",
            "write the year of the prices as 2015/16 or 2016.",
        ),
        ("source", empty["source"], "is empty", "a reader must be able to look the amount up.", "name the source."),
        ("offence", empty["offence"], "is empty", "", "name the offence."),
        ("offence", table["offence"].duplicated(), "stands twice", "", "give each offence one amount."),
        (
            "evidence",
            ~table["evidence"].isin(EVIDENCE),
            "is none of the allowed words",
            "",
            f"use one of: {', '.join(EVIDENCE)}.",
        ),
    )
    return [
        row_fault(problem, list(bad), column=column, why=why, remedy=remedy)
        for column, bad, problem, why, remedy in checks
        if np.any(bad)
    ]


def _deflator(deflator: pd.DataFrame, years: list[str]) -> tuple[dict[str, float], str]:
    faults = [
        Fault("is missing", table="deflator", column=name)
        for name in ("year", "index", "source")
        if name not in deflator.columns
    ]
    if not faults:
        value: FloatArray = pd.to_numeric(deflator["index"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        bad = ~(np.isfinite(value) & (value > 0))
        if bad.any():
            faults.append(row_fault("is not a number above 0", list(bad), table="deflator", column="index"))
        if deflator["year"].duplicated().any():
            faults.append(
                row_fault("stands twice", list(deflator["year"].duplicated()), table="deflator", column="year")
            )
        if not all(isinstance(cell, str) and cell.strip() for cell in deflator["source"]):
            faults.append(Fault("is empty", table="deflator", column="source", remedy="name it."))
        faults += [
            Fault(f"has no {year}", table="deflator", column="year", remedy="add that year.")
            for year in dict.fromkeys(years)
            if year not in set(deflator["year"])
        ]
    if faults:
        raise InputError("Unit costs cannot be brought to the prices of another year:", faults)
    sources = "; ".join(dict.fromkeys(deflator["source"]))
    return dict(zip(deflator["year"], value.tolist(), strict=True)), sources


def _caution(parts: pd.DataFrame) -> tuple[str, ...]:
    named = [f"“{name}”" for name in parts.loc[parts["evidence"] == UNVERIFIED, "offence"]]
    if not named:
        return ()
    return (f"Not verified, and not to be quoted as official: the cost of {', '.join(named)}.",)
