"""Link the records of people in two files, or find those that stand more than once in one."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from impact.errors import InputError
from impact.frames import check_choice
from impact.records.linkage.blocking import NO_RULE, accepted, pairs_to_compare
from impact.records.linkage.bloom import ENCODING
from impact.records.linkage.encoded import encoded_side, score_encoded
from impact.records.linkage.fields import COMPARED, Pair, Side, named_fields, prepare, reading_notes
from impact.records.linkage.keys import Key
from impact.records.linkage.links import Links, contributions, select
from impact.records.linkage.model import Model, estimated_model, fixed_model, score
from impact.records.spark import missing_for_spark

FAINT = 0.001
"""Pairs less likely than this are not listed: a choice of this library."""
ROUNDS = 25
"""Steps of EM for the prior, which has settled long before: a choice of this library."""


def link(
    left: pd.DataFrame,
    right: pd.DataFrame | None = None,
    *,
    key: str | os.PathLike[str] | None = None,
    engine: str = "duckdb",
    fields: Mapping[str, str | Pair] | None = None,
    id: str = "record_id",
    threshold: float = 0.9,
    review: tuple[float, float] = (0.1, 0.99),
    one_to_one: bool = False,
) -> Links:
    """Link records that are of one person: first by rule, then by a model that bears errors and gaps.

    A pair that agrees on a police or other number and on one thing more, or on name, date of birth and postcode, or on
    name and date of birth that only one record on either side has, is accepted by rule. All other pairs worth comparing
    get a probability from a Fellegi-Sunter model (Splink; Linacre and others 2022) over names with short forms and
    swapped parts, dates with digits changed, sex, postcode, numbers, places. Its parameters are estimated without
    labels where there are records enough, on the embedded engine whichever engine is used, and fixed otherwise.

    Parameters
    ----------
    left, right : DataFrame
        The files. Without `right`, records of one person are sought within `left`. Files that `encode` made, with
        one key and the same kinds (which is checked), are linked on their bits where `fields` is not given.
    key : str or path, optional
        A file that holds a secret, or ``"env:NAME"``: the person_id of `clusters` is then a keyed hash of the first
        record of each person; without it people are numbered in order.
    engine : {"duckdb", "spark"}
        What compares the pairs; the links are the same.
    fields : mapping, optional
        Each field (forename, surname, birth_date, sex, postcode, police_id, number, email, place, address) and its
        column, or its two columns. By default the columns that have these names in both files.
    id : str
        The column that numbers the records.
    threshold : float
        The probability from which a pair is a link.
    review : tuple of float
        Pairs between these probabilities are set out for a person to look at.
    one_to_one : bool
        Each record in one link at most, the likeliest first; only between two files without duplicates.

    Returns
    -------
    Links

    Raises
    ------
    InputError
        Where a column is missing, an id repeats, a field is unknown, or Splink or the engine is not installed.
    """
    check_choice("engine", engine, ("duckdb", "spark"))
    if not 0 < threshold <= 1 or not 0 <= review[0] <= review[1] <= 1:
        raise InputError("threshold must lie above 0 and be 1 at most; review is two probabilities, the lower first.")
    if right is None and one_to_one:
        raise InputError("one_to_one is for two files; within one file a person may have any number of records.")
    secret = None if key is None else Key(key)
    if fields is None and any(ENCODING in side.columns for side in (left, right) if side is not None):
        if engine != "duckdb":
            raise InputError("Encodings are compared in memory; leave engine as it is.")
        one, two = encoded_side(left, id), None if right is None else encoded_side(right, id)
        start, scored, notes = score_encoded(one, two)
        scored, model = _with_prior(scored, start, _total(one, two), ROUNDS)
        return _links(one, two, scored, NO_RULE, model, notes, secret, threshold, review, one_to_one)
    columns = named_fields(left, right, fields)
    one = prepare(left, {kind: names[0] for kind, names in columns.items()}, id)
    two = None if right is None else prepare(right, {kind: names[1] for kind, names in columns.items()}, id)
    session = _spark() if engine == "spark" else None
    records = None if two is None else two.records
    by_rule = accepted(one.records, records)
    start = fixed_model(list(columns), len(one.ids), None if two is None else len(two.ids), len(by_rule))
    model, notes = estimated_model(start, one.records, records, len(by_rule))
    rules, more = pairs_to_compare(one.records, records)
    scored = score(model, one.records, records, rules, session)
    scored, model = _with_prior(scored, model, _total(one, two), ROUNDS if model.estimated else 0)
    notes = (*reading_notes(one, two), *_in_one_file(left, right, fields), *notes, *more)
    return _links(one, two, scored, by_rule, model, notes, secret, threshold, review, one_to_one)


def _in_one_file(
    left: pd.DataFrame, right: pd.DataFrame | None, fields: Mapping[str, str | Pair] | None
) -> tuple[str, ...]:
    """A note of columns that would be compared by their name, if the other file had them too."""
    if right is None or fields is not None:
        return ()
    alone = [kind for kind in COMPARED if (kind in left.columns) != (kind in right.columns)]
    if not alone:
        return ()
    return (f"Not compared, since only one of the files has a column of that name: {', '.join(alone)}.",)


def _total(one: Side, two: Side | None) -> float:
    return len(one.ids) * (len(one.ids) - 1) / 2 if two is None else len(one.ids) * len(two.ids)


def _links(
    one: Side,
    two: Side | None,
    scored: pd.DataFrame,
    by_rule: pd.DataFrame,
    model: Model,
    notes: tuple[str, ...],
    secret: Key | None,
    threshold: float,
    review: tuple[float, float],
    one_to_one: bool,
) -> Links:
    """The result, from the pairs that were scored and those accepted by rule."""
    pairs, levels = _pairs(scored, by_rule, one, two, [part.field for part in model.comparisons])
    chosen = select(pairs, threshold, one_to_one)
    pairs = pairs.assign(linked=chosen)
    ends = np.column_stack([pairs["l"], pairs["r"]])[chosen]
    clusters = _clusters(ends, one, two, secret)
    looked_at = (pairs["rule"] == "") & pairs["match_probability"].between(*review)
    shown = pairs.drop(columns=["l", "r"])
    to_review = _review(shown[looked_at], levels[looked_at], model)
    linked = np.isin(np.arange(len(one.ids)), ends if two is None else ends[:, 0])
    also = None if two is None else np.isin(np.arange(len(two.ids)), ends[:, 1])
    flow = _flow(pairs, looked_at, linked, also, clusters)
    notes = (*notes, *_many(ends, two, one_to_one))
    compared = _compared(one.records, linked)
    table, dedupe = model.tidy(), two is None
    return Links(shown, clusters, flow, to_review, compared, table, threshold, one_to_one, notes, dedupe, levels, model)


def _spark() -> Any:
    lacking = missing_for_spark()
    if lacking:
        raise InputError(f"engine='spark' cannot be used: {lacking}.")
    from impact.records.spark import session

    return session()


def _with_prior(scored: pd.DataFrame, model: Model, total: float, rounds: int) -> tuple[pd.DataFrame, Model]:
    """The prior that agrees with the pairs' own probabilities (one step of EM after another, m and u held)."""
    bits = scored["weight"].to_numpy() - np.log2(model.prior / (1 - model.prior))
    prior = model.prior
    for _ in range(rounds):
        p = _probability(bits + np.log2(prior / (1 - prior)))
        prior = float(np.clip(p.sum() / max(total, 1.0), 1 / max(total, 2.0), 0.5))
    weight = bits + np.log2(prior / (1 - prior))
    return scored.assign(weight=weight), dataclasses.replace(model, prior=prior)


def _probability(weight: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp2(-np.clip(weight, -1000, 1000))))


def _pairs(
    scored: pd.DataFrame, by_rule: pd.DataFrame, one: Side, two: Side | None, fields: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pairs with their ids, and beside them the levels at which they agree."""
    whole = scored.merge(by_rule, on=["l", "r"], how="outer").sort_values(["l", "r"], ignore_index=True)
    whole["rule"] = whole["rule"].astype(object).fillna("")
    p = np.where(whole["rule"] != "", 1.0, _probability(whole["weight"].fillna(-np.inf).to_numpy()))
    whole["match_probability"] = p
    whole = whole[p >= FAINT].reset_index(drop=True)
    right_ids = one.ids if two is None else two.ids
    pairs = pd.DataFrame(
        {
            "left_id": one.ids[whole["l"]],
            "right_id": right_ids[whole["r"]],
            "match_probability": whole["match_probability"],
            "match_weight": whole["weight"],
            "rule": whole["rule"],
            "l": whole["l"],
            "r": whole["r"],
        }
    )
    return pairs, whole[fields].fillna(-1).astype(np.int64)


def _clusters(ends: np.ndarray, one: Side, two: Side | None, key: Key | None) -> pd.DataFrame:
    n = len(one.ids) + (0 if two is None else len(two.ids))
    shift = 0 if two is None else len(one.ids)
    graph = coo_matrix((np.ones(len(ends), dtype=bool), (ends[:, 0], ends[:, 1] + shift)), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    first = np.zeros(labels.max(initial=-1) + 1, dtype=np.int64)
    first[labels[::-1]] = np.arange(n)[::-1]
    side = np.array(["left"] * len(one.ids) + ["right"] * (n - len(one.ids)), dtype=object)
    ids = np.concatenate([one.ids.astype(object)] + ([] if two is None else [two.ids.astype(object)]))
    if key is None:
        order = np.argsort(np.argsort(first))
        names = np.array([f"P{place + 1:07d}" for place in order], dtype=object)
    else:
        names = np.array(
            ["P" + key.digest("person of a linkage", f"{side[at]}\x1f{ids[at]}", 12).hex() for at in first],
            dtype=object,
        )
    return pd.DataFrame({"side": side, "record_id": ids, "person_id": names[labels]})


def _review(pairs: pd.DataFrame, levels: pd.DataFrame, model: Model) -> pd.DataFrame:
    steps = contributions(levels, pairs["match_weight"].to_numpy(), model)
    texts = [
        "; ".join(f"{field}: {said[row]} ({bits[row]:+.1f})".replace("-", "−") for field, said, bits in steps)
        for row in range(len(pairs))
    ]
    table = pairs[["left_id", "right_id", "match_probability"]].assign(explanation=texts)
    doubt = (table["match_probability"] - 0.5).abs().to_numpy()
    return table.iloc[np.argsort(doubt, kind="stable")].reset_index(drop=True)


def _flow(
    pairs: pd.DataFrame, review: pd.Series, linked: np.ndarray, also: np.ndarray | None, clusters: pd.DataFrame
) -> pd.DataFrame:
    """From records to links; `linked` and `also` say which records of the left and of the right file are in a link."""
    made = pairs["linked"] & (pairs["rule"] == "")
    sides = [("file", linked)] if also is None else [("left file", linked), ("right file", also)]
    rows: list[tuple[str, int, str]] = [(f"records in the {file}", len(which), "given") for file, which in sides]
    rows += [
        ("pairs that may be one person", len(pairs), f"accepted by rule, or a probability of {FAINT:g} or more"),
        ("links by rule", int((pairs["linked"] & (pairs["rule"] != "")).sum()), "identifiers agree exactly"),
        ("links by the model", int(made.sum()), "a probability at or above the threshold"),
        ("pairs for review", int(review.sum()), "links or not, neither clearly one person nor clearly two"),
    ]
    for file, which in sides:
        rows += [
            (f"records of the {file} linked", int(which.sum()), "in one link at least"),
            (f"records of the {file} not linked", int((~which).sum()), "in no link"),
        ]
    rows.append(("people", clusters["person_id"].nunique(), "records joined by links, each other record a person"))
    return pd.DataFrame(rows, columns=["step", "n", "reason"])


def _many(ends: np.ndarray, two: Side | None, one_to_one: bool) -> tuple[str, ...]:
    if two is None or one_to_one:
        return ()
    several = [int((np.bincount(side) > 1).sum()) if len(side) else 0 for side in (ends[:, 0], ends[:, 1])]
    if not any(several):
        return ()
    return (
        f"{several[0]:,} records of the left file and {several[1]:,} of the right are in more than one link; "
        "one_to_one=True keeps the likeliest.",
    )


def _compared(records: pd.DataFrame, linked: np.ndarray) -> pd.DataFrame:
    """Linked beside unlinked records: sex, year of birth, and which fields are filled."""
    terms: dict[str, np.ndarray] = {}
    if "sex" in records:
        terms["sex[female]"] = np.where(records["sex"].isna(), np.nan, records["sex"] == "female").astype(float)
    if "birth_year" in records:
        terms["birth_year"] = pd.to_numeric(records["birth_year"]).to_numpy(dtype=float)
    for name in COMPARED:
        if name in records and records[name].isna().any():
            terms[f"{name} known"] = records[name].notna().to_numpy(dtype=float)
    rows = []
    for term, values in terms.items():
        sides = [values[part & ~np.isnan(values)] for part in (linked, ~linked)]
        means = [float(side.mean()) if len(side) else np.nan for side in sides]
        spread = np.sqrt(np.mean([side.var(ddof=1) if len(side) > 1 else np.nan for side in sides]))
        rows.append((term, len(sides[0]), len(sides[1]), *means, _standardised(means[0] - means[1], float(spread))))
    return pd.DataFrame(rows, columns=["term", "n_linked", "n_unlinked", "mean_linked", "mean_unlinked", "smd"])


def _standardised(difference: float, spread: float) -> float:
    """A difference in units of a spread: without bound where each side is all alike and they differ."""
    if spread == 0:
        return float(np.copysign(np.inf, difference)) if difference else 0.0
    return difference / spread
