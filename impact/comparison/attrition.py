"""From referral to analysis in one flow, and those kept beside those lost on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.cohort import Cohort
from impact.cohort.flow import Arm, funnel
from impact.comparison.account import OFF_SUPPORT
from impact.comparison.lost import beside, most_unlike
from impact.design import Design
from impact.errors import InputError, row_fault
from impact.frames import BoolArray
from impact.results import with_notes

DESCRIBED = (
    "age",
    "sex",
    "ethnicity",
    "district",
    "imd_decile",
    "previous_offences",
    "previous_custody",
    "contacts_before",
    "needs_before",
)
"""What those referred are described by, as it was on record when they were first referred."""
LAST, GIVEN, SUPPORT, ANALYSED = "follow-up complete", "given to the comparison", "on common support", "analysed"
WEIGHTLESS = "weight of nothing in the comparison"
NOT_GIVEN = "left out of the data that the comparison was made from, such as for an incomplete record before"


@dataclass(frozen=True, eq=False)
class Attrition:
    """Who was lost between referral and analysis, and whether they were like those kept.

    Attributes
    ----------
    flow : DataFrame
        See `tidy`.
    left : DataFrame
        ``step, reason, treated, comparison``: how many left at each step for each reason. Each step of the flow is the
        step before it less those who left.
    kept_and_lost : DataFrame
        One row for each thing on record at referral (``previous_offences``, ``sex[male]``): ``term, n_kept, n_lost,
        mean_kept, mean_lost, smd``, of the programme's own people. ``smd`` is the difference of means over the root of
        the mean of both variances. Empty where nobody was lost, or nobody kept.
    notes : tuple of str
        Cautions.
    """

    flow: pd.DataFrame
    left: pd.DataFrame
    kept_and_lost: pd.DataFrame
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a step: ``step, treated, comparison``, of the treated ``started`` and ``completed``, ``reason``."""
        return self.flow.copy()

    def __repr__(self) -> str:
        rows = [
            f"  {row.step}: {row.treated:,} treated ({row.started:,} started, {row.completed:,} completed), "
            f"{row.comparison:,} comparison"
            for row in self.flow.itertuples()
        ]
        lines = ["From referral to analysis", *rows]
        if len(self.kept_and_lost):
            lines.append(most_unlike(self.kept_and_lost))
        return with_notes("\n".join(lines), self.notes)


def attrition(cohort: Cohort, design: Design | None = None) -> Attrition:
    """The flow from referral to analysis, and those kept beside those lost.

    Parameters
    ----------
    cohort : Cohort
    design : Design, optional
        A comparison made from the data of the cohort, with its column ``person_id``. Its steps follow the cohort's:
        given to the comparison, on common support, analysed. Without it the flow ends where the cohort's does.

    Returns
    -------
    Attrition

    Raises
    ------
    InputError
        Where the design's people are not those of the cohort, or its flow does not add up.

    Examples
    --------
    >>> from impact.records import read_linked
    >>> from impact.cohort import cohort
    >>> linked = read_linked("data_synthetic")
    >>> lost = attrition(cohort(linked, "dwp", complete_to=linked.complete_to))
    >>> lost.flow[["step", "treated"]].iloc[[0, -1]].values.tolist()
    [['referred', 150], ['follow-up complete', 104]]
    """
    if not isinstance(cohort, Cohort):
        raise InputError(f"attrition() needs the result of cohort(), not {type(cohort).__name__}.")
    flow, left = cohort.flow, cohort.left
    people = cohort.referred
    kept = (people["step"] == "").to_numpy()
    if design is not None:
        more, gone, analysed = _of_design(cohort, design)
        flow, left = pd.concat([flow, more], ignore_index=True), pd.concat([left, gone], ignore_index=True)
        kept = people["person_id"].isin(analysed).to_numpy()
    described, notes = _beside(people, kept)
    return Attrition(flow, left, described, notes)


def _of_design(cohort: Cohort, design: Design) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """The steps that a design adds, who left at them, and the people analysed."""
    people = _people(cohort, design)
    fate = Arm.of(len(people))
    given = people.index.isin(design.data["person_id"])
    fate.lose(~given, GIVEN, NOT_GIVEN)
    of_design = pd.DataFrame({"weight": design.weights.to_numpy()}, index=design.data["person_id"])
    of_design["reason"] = WEIGHTLESS if design.left_out is None else design.left_out.to_numpy(dtype=object)
    of_design = of_design.reindex(people.index)
    reason = of_design["reason"].to_numpy(dtype=object)
    fate.lose(np.isin(reason, OFF_SUPPORT), SUPPORT, reason)
    fate.lose((of_design["weight"] == 0).to_numpy(), ANALYSED, reason)
    treated = (people["treated"] == 1).to_numpy()
    engaged = ((people.loc[treated, name] == 1).to_numpy() for name in ("started", "completed"))
    flow, left = funnel((LAST, GIVEN, SUPPORT, ANALYSED), "", fate.take(treated), fate.take(~treated), *engaged)
    return flow.iloc[1:], left, pd.Series(people.index[fate.kept])


def _people(cohort: Cohort, design: Design) -> pd.DataFrame:
    """The people at the end of the cohort's flow, by person_id; the design must be one of them."""
    if "person_id" not in design.data.columns:
        raise InputError(
            "The data of the design have no column person_id, so its people cannot be found in the cohort."
        )
    if "complete" not in cohort.data.columns or not cohort.data["person_id"].is_unique:
        raise InputError("A flow to a comparison is of a cohort with one row a person whose outcome is reoffending.")
    people = cohort.data[cohort.data["complete"]].set_index("person_id")
    given = design.data["person_id"]
    strange = (given.map(people["treated"]) != design.data[design.treatment]).to_numpy()
    if strange.any() or given.duplicated().any():
        fault = row_fault(
            "is not a person of the cohort with a complete follow-up, or is of the other group there, or stands twice",
            (strange | given.duplicated().to_numpy()).tolist(),
            table="data",
            column="person_id",
            remedy="make the design from the rows of cohort.data whose follow-up is complete.",
        )
        raise InputError("The design is not one of this cohort:", [fault])
    return people


def _beside(people: pd.DataFrame, kept: BoolArray) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Those kept beside those lost, by what was on record at referral."""
    return beside(people, kept, [name for name in DESCRIBED if name in people.columns])
