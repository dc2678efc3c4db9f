"""What a difference in differences on police contacts could find, planned from the contacts of the year before."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from impact.cohort import Cohort
from impact.cohort.dates import days, one_day
from impact.cohort.history import CONTACT_DAYS


@dataclass(frozen=True, slots=True)
class ContactsPlan:
    """People of each side with a year before and a year after on record, and the comparison group's year before."""

    n_treated: int
    n_comparison: int
    mean: float
    sd: float

    @property
    def std_error(self) -> float:
        """Of the difference of mean changes in a year's contacts.

        The change of a person whose two years vary alike, with variance s² and correlation ½, has variance
        2 s² (1 − ½) = s².
        """
        return self.sd * math.sqrt(1 / self.n_treated + 1 / self.n_comparison)


def contacts_plan(cohort: Cohort) -> ContactsPlan | None:
    """Count who can be followed for a year on each side; None where no contacts are held.

    Nothing after the day people are followed from is looked at, and nothing but the number of people who took part.
    """
    if "contacts_before" not in cohort.data.columns:
        return None
    last = one_day(cohort.complete_to, "complete_to", [])
    contacts = cohort.data["contacts_before"].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(contacts) & (days(cohort.data["index_on"]) + CONTACT_DAYS - 1 <= last)
    treated = (cohort.data["treated"] == 1).to_numpy(dtype=bool)
    others = contacts[known & ~treated]
    mean, sd = (float(others.mean()), float(others.std(ddof=1))) if len(others) > 1 else (math.nan, math.nan)
    return ContactsPlan(int((known & treated).sum()), len(others), mean, sd)
