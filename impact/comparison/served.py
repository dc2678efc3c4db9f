"""The effect after matching with replacement, with Abadie and Imbens' error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from impact.comparison.abadie_imbens import Pairs, matched_effect, score_adjustment
from impact.comparison.arguments import Asked
from impact.comparison.compared import Compared, enough, read_compared
from impact.comparison.contrasts import infer
from impact.comparison.effect import Found
from impact.comparison.propensity import Propensity
from impact.comparison.score_model import forbid_other_score, score_model
from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.frames import FloatArray

NEAR = 1e-9


def served_effect(
    design: Design, outcome: str, people: Compared, asked: Asked
) -> tuple[Found, Compared, tuple[str, ...]]:
    """The mean difference from partners, the people behind it, and what is to be said of those left out.

    Raises
    ------
    InputError
        Where the score is not the one that people were matched on.
    ConvergenceError
        Where counting the score's estimation leaves no positive variance.
    """
    assert asked.propensity is not None
    propensity, pairs = asked.propensity, getattr(design, "pairs", pd.DataFrame())
    forbid_other_score(design, propensity)
    index = design.data.index
    who, whom = (index.get_indexer(pd.Index(pairs[name])) for name in ("treated", "comparison"))
    score = _matched_on(propensity, np.abs(pairs["distance"].to_numpy(dtype=float)), who, whom)
    given = replace(design, weights=pd.Series(1.0, index=index), notes=())
    everyone, _ = read_compared(given, outcome, asked.measure, sets=False, among=asked.among)
    place = np.full(len(index), -1)
    place[everyone.rows] = np.arange(len(everyone.rows))
    known = (place[who] >= 0) & (place[whom] >= 0)
    used = np.union1d(who[known], whom[known])
    left = people.only(np.isin(people.rows, used))
    notes = _notes(people, left)
    enough(left)
    kept = Pairs(place[who[known]], place[whom[known]])
    rows = everyone.rows
    found = matched_effect(everyone.outcome, everyone.treated, score[rows], kept)
    variance, words = found.variance, "Abadie and Imbens' standard error, the score as given"
    if propensity.given is None:
        model = score_model(propensity)
        variance += score_adjustment(
            everyone.outcome, everyone.treated, model.matrix[rows], model.linear[rows], found.estimate
        )
        words = "Abadie and Imbens' standard error, the estimation of the score counted"
        if not variance > 0 < found.variance:
            raise ConvergenceError(
                "Counting the estimation of the score leaves no positive variance: there are too few people. Use "
                "se='cluster'."
            )
    size = int(left.treated.sum())
    inference = infer(found.estimate, float(np.sqrt(variance)), size - 1, asked.measure, asked.level)
    return Found(inference, np.array(found.means), f"Means over partners; {words}"), left, notes


def _matched_on(propensity: Propensity, apart: FloatArray, who: np.ndarray, whom: np.ndarray) -> FloatArray:
    """The score on the scale whose distances are those of the pairs."""
    linear = propensity.linear.to_numpy(dtype=float)
    scales = [linear]
    if propensity.given is None:
        scales += [propensity.score.to_numpy(dtype=float), np.exp(linear)]
    for scale in scales:
        if np.abs(np.abs(scale[who] - scale[whom]) - apart).max() <= NEAR * (1 + np.abs(scale).max()):
            return scale
    raise InputError(
        "The pairs of this design were not made on the score given: their distances are not differences of it. Give "
        "the propensity that match() was given; for distances on covariates use se='cluster'."
    )


def _notes(people: Compared, left: Compared) -> tuple[str, ...]:
    lost = int(people.treated.sum()) - int(left.treated.sum())
    if not lost:
        return ()
    return (f"{lost:,} treated {'person' if lost == 1 else 'people'} lost every partner: the effect is on the others.",)
