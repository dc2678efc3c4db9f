"""Matching, fixed before any outcome is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from impact.comparison import account
from impact.comparison.account import NOT_CHOSEN as NOT_CHOSEN
from impact.comparison.account import OFF_SUPPORT as OFF_SUPPORT
from impact.comparison.arguments_of_match import Asked, checked
from impact.comparison.covariates import forbid_repeated_labels, read_covariates
from impact.comparison.designs import MatchedDesign
from impact.comparison.later import forbid_later
from impact.comparison.lost import words_of_lost
from impact.comparison.missing import filled
from impact.comparison.nearest import NOBODY, with_replacement, within_radius
from impact.comparison.partners import Pairs, cardinality, full, greedy, optimal, sets_of, shared_weights
from impact.comparison.propensity import Propensity
from impact.comparison.sides import Limits, Sides, arrange, mahalanobis, near, same_stratum
from impact.comparison.strata import check_cutpoints, coarsened, exactly, joined, stratum_weights, subclasses_of
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, IntArray
from impact.results import number

STRATIFIED = ("exact", "coarsened", "subclass")


def match(
    propensity: Propensity,
    *,
    method: str = "nearest",
    on: str = "logit",
    ratio: int | tuple[int, int] = 1,
    replace: bool = False,
    caliper: float | None = None,
    radius: float | None = None,
    exact: str | Sequence[str] = (),
    order: str = "descending",
    within: Mapping[str, float] | None = None,
    seed: int | None = None,
    subclasses: int | None = None,
    cutpoints: Mapping[str, int | Sequence[float]] | None = None,
    tolerance: float | None = None,
) -> MatchedDesign:
    """Find comparison people for the treated. No outcome can be given: the comparison is fixed before one is named.

    Parameters
    ----------
    propensity : Propensity
        The score and its people. Where it was made with ``score=``, distances are on that column as it stands.
    method : {"nearest", "radius", "optimal", "full", "exact", "coarsened", "subclass", "cardinality"}
        ``"nearest"``: each treated person in turn takes the nearest person left. ``"radius"``: each treated person is
        compared with everyone within `radius`, their weight of 1 spread evenly over them. ``"optimal"``: `ratio`
        partners each at the least total distance. ``"full"``: everyone within reach, in sets of one treated person and
        others or one of the others and treated, at the least total distance. ``"exact"``, ``"coarsened"``: with
        everyone of the same covariates, or in the same ranges of them. ``"subclass"``: with everyone in the same
        range of the score. ``"cardinality"``: the most treated people for whom `ratio` others each can be found so
        that no covariate's standardised difference of means is above `tolerance`.
    on : {"logit", "probability", "odds", "mahalanobis"}
        The scale of distances. Mahalanobis's is on the covariates of the formula, with their covariance within groups;
        a caliper is then on the log-odds (nearest, optimal, full).
    ratio : int or (int, int)
        Comparison people for each treated person (nearest, optimal, cardinality). Nearest goes in rounds: everyone's
        first before anyone's second; ``(2, 4)`` asks for 2 at least, and gives back those of a person who has fewer.
    replace : bool
        Whether a comparison person may serve several treated people (nearest).
    caliper : float, optional
        The greatest distance allowed (nearest, optimal, full), in standard deviations of the score's scale over the
        whole sample.
    radius : float, optional
        The greatest distance allowed (radius), in units of `on`, both ends included.
    exact : str or sequence of str
        Columns on which partners must agree.
    order : {"descending", "ascending", "closest", "random"}
        Who chooses first without replacement (nearest): the highest or the lowest scores, the closest pair left, or
        chance. With replacement it says in which order pairs are listed.
    within : mapping, optional
        The greatest difference of partners in other columns, such as ``{"age": 2}`` (nearest, optimal, full).
    seed : int, optional
        For ``order="random"``.
    subclasses : int, optional
        How many (subclass), with equal numbers of the treated; 5 unless said.
    cutpoints : mapping, optional
        For coarsened: a number of ranges of equal width for a covariate, or where to cut it; otherwise by the rule of
        `coarsened`: as many equal ranges as Sturges's rule says. Categories and numbers of two values stay as they are.
    tolerance : float, optional
        For cardinality, in standard deviations of the treated; 0.05 unless said.

    Returns
    -------
    MatchedDesign
        Treated people kept have weight 1. A comparison person's weight is the sum, over the treated people served, of
        1 / (that person's number of partners); in a set or stratum, treated people over comparison people. So
        comparison weights add up to the treated people kept. `sets` numbers the sets in order of choice; it is None
        with replacement, for radius, and for strata, which are large and not pairs of people alike (see `strata`).

    Raises
    ------
    InputError
        For arguments that do not go together, a missing value in `exact`, or where nobody has a partner.

    Notes
    -----
    Ties never depend on the order of the rows. Of two people equally far on either side the lower score is taken; of
    equal scores the first by covariates (in the formula's order), then by index label. The same rule says who chooses
    first among treated people of the same score. Of several ways with the same total distance or size, the one found
    depends on people in that same order, never on that of the rows.

    Optimal and full matching on one scale without limits are near n log n; with limits or Mahalanobis's distance they
    weigh up to 10,000,000 pairs against each other. Cardinality takes up to 20,000 people and gives up, saying so,
    after 2,000 branches or a minute of its search; what it finds does not depend on the time it took.

    References
    ----------
    Rubin (1973), Biometrics 29, 159-183; Austin (2011), Pharmaceutical Statistics 10, 150-161; Rosenbaum (1989), JASA
    84, 1024-1032; Hansen (2004), JASA 99, 609-618; Rubin and Thomas (2000), JASA 95, 573-585; Iacus, King and Porro
    (2012), Political Analysis 20, 1-24; Zubizarreta, Paredes and Rosenbaum (2014), Annals of Applied Statistics 8,
    204-231.

    Examples
    --------
    >>> people = pd.DataFrame({"joined": [1, 0, 1, 0, 0, 1], "age": [20.0, 30, 25, 24, 41, 38]}, index=list("abcdef"))
    >>> from impact.comparison.propensity import propensity
    >>> design = match(propensity("joined ~ age", people, score="age"))
    >>> design.pairs[["treated", "comparison", "distance"]].values.tolist()
    [['f', 'e', 3.0], ['c', 'd', 1.0], ['a', 'b', 10.0]]
    """
    given = dict(locals())
    asked = checked(propensity, {name: value for name, value in given.items() if name != "propensity"})
    return _in_strata(propensity, asked) if method in STRATIFIED else _with_partners(propensity, asked)


def _with_partners(propensity: Propensity, asked: Asked) -> MatchedDesign:
    score = _distance(propensity, "logit" if asked.on == "mahalanobis" else asked.on)
    reach = np.inf if asked.caliper is None else asked.caliper * float(np.std(np.sort(score), ddof=1))
    sides, limits = arrange(propensity, score, asked.exact, asked.within, reach)
    n, at = len(score), score[:, None]
    unused: tuple[str, ...] = ()
    if asked.on == "mahalanobis":
        at, unused = mahalanobis(sides, n)
        if not at.shape[1]:
            raise InputError("on='mahalanobis' has no covariate that varies within the groups: match on the score.")
    weights, labels = np.zeros(n), propensity.data.index
    sets: pd.Series | None = None
    pairs: pd.DataFrame | None = None
    partners = np.zeros(len(sides.treated_rows), dtype=np.int64)
    if asked.radius is not None:
        limits = Limits(asked.radius, {}, ())
        partners, weights[sides.comparison_rows] = within_radius(sides.treated, sides.comparison, asked.radius)
    else:
        found = _found(sides, limits, at, asked)
        partners = np.bincount(found.who, minlength=len(partners))
        numbers = None if asked.replace else sets_of(found, len(partners), len(sides.comparison_rows))
        weights[sides.comparison_rows] = shared_weights(found, numbers, len(sides.comparison_rows))
        who, whom = sides.treated_rows[found.who], sides.comparison_rows[found.whom]
        apart = np.abs(at[who, 0] - at[whom, 0]) if at.shape[1] == 1 else np.sqrt(((at[who] - at[whom]) ** 2).sum(1))
        pairs = pd.DataFrame({"treated": labels[who], "comparison": labels[whom], "distance": apart})
        if numbers is not None:
            sets = _numbered(sides, numbers, labels)
    served = partners > 0
    weights[sides.treated_rows[served]] = 1.0
    words = _words(propensity, asked, reach)
    if not served.any():
        raise InputError(_nobody(sides, limits, words))
    notes = []
    if unused:
        notes.append(f"No part in the distance, being constant or a combination of others: {', '.join(unused)}.")
    short = int((served & (partners < asked.ratio)).sum())
    if short:
        notes.append(f"{short:,} treated people have fewer than {asked.ratio} partners.")
    reasons = _reasons(sides, limits, served, weights, asked)
    return _design(propensity, asked, words, weights, reasons, sets=sets, pairs=pairs, strata=None, notes=notes)


def _found(sides: Sides, limits: Limits, at: FloatArray, asked: Asked) -> Pairs:
    if asked.method == "cardinality":
        return cardinality(sides, at, asked)
    return {"nearest": greedy, "optimal": optimal, "full": full}[asked.method](sides, limits, at, asked)


def _in_strata(propensity: Propensity, asked: Asked) -> MatchedDesign:
    data = propensity.data
    columns = Columns(data)
    forbid_repeated_labels(columns)
    forbid_later(columns, asked.exact)
    covariates = [filled(one) for one in read_covariates(columns, propensity.covariates)]
    apart = []
    for name in asked.exact:
        groups = columns.groups(name)
        columns.forbid(groups.codes < 0, name, "is missing", remedy="make 'unknown' a category of its own.")
        apart.append(groups.codes)
    columns.rows()
    treated = data[propensity.treatment].to_numpy(dtype=float) == 1
    if asked.method == "exact":
        codes, words = [exactly(one) for one in covariates], f"Exact matching on {', '.join(propensity.covariates)}"
    elif asked.method == "coarsened":
        cut = check_cutpoints(asked.cutpoints, propensity.covariates)
        ranges = [coarsened(one, cut.get(one.name)) for one in covariates]
        codes, words = [code for code, _ in ranges], f"Coarsened exact matching: {'; '.join(one for _, one in ranges)}"
    else:
        score = _distance(propensity, "logit")
        codes = [subclasses_of(score, treated, asked.subclasses)]
        words = f"Subclassification on {propensity.given or 'the score'} in {asked.subclasses}"
    if asked.exact:
        words += f", exact on {', '.join(asked.exact)}"
    outer = joined(apart, len(data))
    stratum = joined([outer, *codes], len(data))
    weights = stratum_weights(stratum, treated)
    if not weights.any():
        raise InputError(f"{words}: no stratum has people of both groups. Use fewer columns, or coarser ones.")
    lone = stratum_weights(outer, treated) == 0 if asked.exact else np.zeros(len(data), dtype=bool)
    reasons = np.where(weights > 0, "", np.where(lone, account.ALONE, account.STRATUM)).astype(object)
    strata = pd.Series(pd.NA, index=data.index, name="stratum", dtype="Int64")
    strata[weights > 0] = np.unique(stratum[weights > 0], return_inverse=True)[1] + 1
    notes = [
        "Strata are not sets of people alike one by one, so the standard error takes people as independent and weights "
        "as fixed."
    ]
    return _design(propensity, asked, words, weights, reasons, sets=None, pairs=None, strata=strata, notes=notes)


def _design(
    propensity: Propensity,
    asked: Asked,
    words: str,
    weights: FloatArray,
    reasons: np.ndarray,
    *,
    sets: pd.Series | None,
    pairs: pd.DataFrame | None,
    strata: pd.Series | None,
    notes: Sequence[str],
) -> MatchedDesign:
    data, label = propensity.data, propensity.data.index
    treated = data[propensity.treatment].to_numpy(dtype=float) == 1
    kept = weights[treated] > 0
    lost = int((~kept).sum())
    said = list(propensity.notes)
    if propensity.given is not None and asked.on in ("probability", "odds"):
        said.append(f"on={asked.on!r} had no say: distances are on the column {propensity.given} as it stands.")
    if lost:
        said.append(
            f"{lost:,} of {len(kept):,} treated people have no partner and are left out: the estimates are about those "
            f"matched, not about everyone treated.{words_of_lost(data[treated], kept, propensity.covariates)}"
        )
    return MatchedDesign(
        data=data,
        treatment=propensity.treatment,
        weights=pd.Series(weights, index=label, name="weight"),
        sets=sets,
        estimand=account.target("ATT", lost, "matched"),
        covariates=propensity.covariates,
        method=words,
        flow=account.flow_of(reasons, treated, "Matched"),
        notes=(*said, *notes),
        left_out=pd.Series(reasons, index=label, name="left_out", dtype="str"),
        pairs=pairs,
        strata=strata,
    )


def _distance(propensity: Propensity, on: str) -> FloatArray:
    if propensity.given is not None or on == "probability":
        return propensity.score.to_numpy(dtype=float)
    linear = propensity.linear.to_numpy(dtype=float)
    return linear if on == "logit" else np.exp(linear)


def _numbered(sides: Sides, numbers: tuple[IntArray, IntArray], labels: pd.Index) -> pd.Series:
    codes = np.zeros(len(labels), dtype=np.int64)
    codes[sides.treated_rows], codes[sides.comparison_rows] = numbers
    return pd.Series(pd.array(codes, dtype="Int64"), index=labels, name="set").mask(codes == 0)


def _words(propensity: Propensity, asked: Asked, reach: float) -> str:
    scale = propensity.given or {"logit": "log-odds", "probability": "probability", "odds": "odds"}.get(asked.on, "")
    on = (
        f"Mahalanobis's distance of {', '.join(propensity.covariates)}" if asked.on == "mahalanobis" else f"the {scale}"
    )
    ratio = f"{asked.least} to {asked.ratio}:1" if asked.least > 1 else f"{asked.ratio}:1"
    if asked.method == "radius":
        words = f"Radius matching on {on} within {number(asked.radius or 0)}"
    elif asked.method == "nearest":
        words = f"Nearest-neighbour matching {ratio} on {on}, {'with' if asked.replace else 'without'} replacement" + (
            "" if asked.replace else f", {asked.order} order"
        )
    elif asked.method == "cardinality":
        words = (
            f"Cardinality matching {ratio}, standardised differences up to {number(asked.tolerance)}, paired on {on}"
        )
    else:
        words = f"Optimal matching {ratio} on {on}" if asked.method == "optimal" else f"Optimal full matching on {on}"
    if asked.caliper is not None:
        words += f", caliper {number(asked.caliper)} SD ({number(reach)})"
    words += "".join(f", {name} within {number(limit)}" for name, limit in asked.within.items())
    return words + (f", exact on {', '.join(asked.exact)}" if asked.exact else "")


def _nobody(sides: Sides, limits: Limits, words: str) -> str:
    if not same_stratum(sides).any():
        return f"{words}: no treated person shares a stratum with anyone. Use fewer or coarser columns in exact."
    closest = with_replacement(sides.treated, sides.comparison)[:, 0]
    there = closest != NOBODY
    apart = np.abs(sides.treated.value[there] - sides.comparison.value[closest[there]]).min()
    allowed = f" and {number(limits.reach)} is allowed" if np.isfinite(limits.reach) else ""
    return (
        f"{words}: nobody has a partner. The nearest two people are {number(apart)} apart{allowed}. "
        "Look at .overlap(); widen a limit only if people that far apart are alike enough."
    )


def _reasons(sides: Sides, limits: Limits, served: BoolArray, weights: FloatArray, asked: Asked) -> np.ndarray:
    """Why each row was left out, empty where it was not."""
    reasons = np.full(len(weights), "", dtype=object)
    mine = np.full(len(served), account.TAKEN, dtype=object)
    if asked.method == "cardinality":
        mine[:] = account.UNLIKE
    mine[~near(sides, limits, asked.least)] = account.FEW
    mine[~near(sides, limits, 1)] = account.FAR
    mine[~same_stratum(sides)] = account.ALONE
    reasons[sides.treated_rows[~served]] = mine[~served]
    reasons[sides.comparison_rows[weights[sides.comparison_rows] == 0]] = NOT_CHOSEN
    return reasons
