"""Who would be compared under a programme's plan, counted before a caliper and before any outcome of the treated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from impact.cohort import Cohort
from impact.cohort.dates import days, one_day
from impact.evidence.power import planned_sizes
from impact.frames import BoolArray


@dataclass(frozen=True, slots=True)
class Arms:
    """A comparison as planned: people who took part and have a partner, the effective number of the others, their rate.

    `smallest` is the smaller group counted in people; `unshared` had a complete record and no partner.
    """

    n_treated: int
    n_comparison: float
    rate: float
    smallest: int
    unshared: int

    @property
    def numbers(self) -> dict[str, Any]:
        return {"n_treated": float(self.n_treated), "n_comparison": self.n_comparison, "rate": self.rate}


def planned_arms(cohort: Cohort) -> tuple[Arms, Arms]:
    """The comparison of those followed to the end, and of those followed for a day or more."""
    if not cohort.programme.reoffending:
        return (Arms(0, 0.0, math.nan, 0, 0),) * 2
    some = days(cohort.data["index_on"]) < cohort.waiting.latest_start(one_day(cohort.complete_to, "complete_to", []))
    complete = cohort.data["complete"].to_numpy(dtype=bool)
    return _planned(cohort, complete, "reoffended"), _planned(cohort, some, "event")


def _planned(cohort: Cohort, followed: BoolArray, outcome: str) -> Arms:
    plan, data = cohort.programme.comparison, cohort.data[followed]
    treated = (data["treated"] == 1).to_numpy(dtype=bool)
    if plan.kind == "none":
        return Arms(int(treated.sum()), 0.0, math.nan, 0, 0)
    known = data[[*plan.covariates, *plan.exact]].notna().all(axis=1).to_numpy(dtype=bool)
    data, treated = data[known], treated[known]
    stratum = data.groupby(list(plan.exact)).ngroup().to_numpy() if plan.exact else np.zeros(len(data), dtype=np.int64)
    strata = int(stratum.max(initial=0)) + 1
    taking, others = np.bincount(stratum[treated], minlength=strata), np.bincount(stratum[~treated], minlength=strata)
    could = ~treated & (taking[stratum] > 0)
    share = float(data.loc[could, outcome].astype(float).mean()) if could.any() else math.nan
    served = int(taking[others > 0].sum())
    if plan.kind == "randomised":
        served, effective = int(treated.sum()), float((~treated).sum())
    elif plan.method == "radius":
        effective = float(could.sum())
    elif plan.replace:
        effective = float(np.minimum(plan.ratio * taking, others).sum())
    else:
        served, effective = planned_sizes(taking, others, ratio=plan.ratio)
    return Arms(served, effective, share, min(served, int(could.sum())), int(treated.sum()) - served)
