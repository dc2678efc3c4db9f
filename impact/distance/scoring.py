"""`score_items`: scores from the answers to a questionnaire, every answer that cannot be one listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.distance.instruments import MEAN, Instrument, Scale, instrument
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, check_choice
from impact.results import number, with_notes

FAULTY = ("refuse", "missing")
MEND = "mend the answer or make it missing, or say faulty='missing' to count such answers as not given."


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of a questionnaire.

    Attributes
    ----------
    scores : DataFrame
        A column for each scale, on the index of the data; missing where too few items were answered.
    listed : DataFrame
        ``row, column, problem``: every answer that cannot be one, rows counted from 1. Without the answer, which may be
        personal.
    table : DataFrame
        What `tidy` returns.
    instrument : Instrument
    notes : tuple of str
        What was assumed, answers taken as missing, and scores left out.
    """

    scores: pd.DataFrame
    listed: pd.DataFrame
    table: pd.DataFrame
    instrument: Instrument
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a scale.

        ``term, n`` (rows with a score), ``n_prorated`` (of them from fewer answers than items), ``n_missing``,
        ``mean, sd, floor, ceiling`` (shares of scores at the ends), and ``alpha``, Cronbach's, of the rows with every
        item of the scale answered.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        lines = [f"{self.instrument.title}: {len(self.scores):,} rows"]
        lines += [
            f"{row['term']}: {row['n']:,} scores ({row['n_prorated']:,} prorated, {row['n_missing']:,} missing), mean"
            f" {number(row['mean'])}, SD {number(row['sd'])}, at the lowest score {number(row['floor'], 2)}, at the"
            f" highest {number(row['ceiling'], 2)}, alpha {number(row['alpha'], 3)}"
            for row in self.table.to_dict("records")
        ]
        return with_notes("\n".join(lines), self.notes)


def score_items(
    data: pd.DataFrame,
    questionnaire: Instrument | str,
    *,
    items: Sequence[str] | Mapping[str, str] | None = None,
    reverse: Sequence[str | int] | None = None,
    faulty: str = "refuse",
) -> Scored:
    """Score a questionnaire from its items.

    Parameters
    ----------
    data : DataFrame
        One row for each time the questionnaire was filled in; a column for each item, missing where not answered.
    questionnaire : Instrument or str
        From `instrument`, or its name.
    items : sequence or mapping of str, optional
        The columns of the items in their order on the form, or the column of each item by its name; the items' own
        names unless said.
    reverse : sequence, optional
        The items whose answers are to be turned round, in place of those the instrument names; empty where the answers
        were turned round before they were entered.
    faulty : {"refuse", "missing"}
        What becomes of answers that cannot be one (text, out of range, between two answers): all are refused at once,
        or each is listed and counts as not answered.

    Returns
    -------
    Scored

    Raises
    ------
    InputError
        Where columns are not there, the instrument has no items, or, with ``"refuse"``, an answer cannot be one.

    Notes
    -----
    A scale answered in at least as many items as its rule asks for is the mean of the answers as if all had been given.
    Cronbach's alpha is k / (k − 1) · (1 − Σ item variances / variance of their sum) (Cronbach 1951); it says how far
    items agree at one time, not how far a second reading would agree with the first.

    Examples
    --------
    >>> answers = pd.DataFrame({str(item): [1, 4, None] for item in range(1, 8)})
    >>> score_items(answers, "swemwbs").scores["total"].tolist()
    [7.0, 25.03, nan]
    """
    check_choice("faulty", faulty, FAULTY)
    known = instrument(questionnaire) if isinstance(questionnaire, str) else questionnaire
    if not known.items:
        raise InputError(f"{known.title} has no items: its readings are used as they are.")
    columns = Columns(data)
    named = _columns(known, items)
    turned = _turned(known, reverse)
    answers, listed = _answers(columns, known, named, faulty)
    values = {item: answers[:, place] for place, item in enumerate(known.items)}
    for item in turned:
        values[item] = known.answer_low + known.answer_high - values[item]
    scores: dict[str, FloatArray] = {}
    rows = []
    for scale in (*(scale for scale in known.scales if scale.items), *(s for s in known.scales if s.parts)):
        made, prorated, alpha = _score(scale, values, scores)
        scores[scale.name] = made
        rows.append(_row(scale, made, prorated, alpha))
    table = pd.DataFrame(rows)
    return Scored(
        pd.DataFrame(scores, index=data.index), listed, table, known, _notes(known, listed, table, reverse, turned)
    )


def _columns(known: Instrument, items: Sequence[str] | Mapping[str, str] | None) -> list[str]:
    if items is None:
        named = list(known.items)
    elif isinstance(items, Mapping):
        unknown = [str(item) for item in items if str(item) not in known.items]
        left = [item for item in known.items if item not in {str(key) for key in items}]
        if unknown or left:
            raise InputError(
                f"items must name the column of each item of {known.title}; unknown: {', '.join(unknown) or 'none'};"
                f" left out: {', '.join(left) or 'none'}."
            )
        by_name = {str(item): column for item, column in items.items()}
        named = [by_name[item] for item in known.items]
    else:
        named = list(items)
        if isinstance(items, str) or len(named) != len(known.items):
            raise InputError(f"{known.title} has {len(known.items)} items; items must list as many columns, in order.")
    if len(set(named)) < len(named):
        raise InputError("items names a column more than once: each item has a column of its own.")
    return named


def _turned(known: Instrument, reverse: Sequence[str | int] | None) -> list[str]:
    if reverse is None:
        return [item for scale in known.scales for item in scale.reverse]
    turned = [str(item) for item in ([reverse] if isinstance(reverse, str) else reverse)]
    unknown = [item for item in turned if item not in known.items]
    if unknown or len(set(turned)) < len(turned):
        raise InputError(
            f"reverse must name items of {known.title}, each once; unknown: {', '.join(unknown) or 'none'}."
        )
    return turned


def _answers(columns: Columns, known: Instrument, named: list[str], faulty: str) -> tuple[FloatArray, pd.DataFrame]:
    """The answers as numbers, NaN where there is none or none that can be one, and a list of the latter."""
    answers = np.full((columns.n, len(named)), np.nan)
    found = []
    for place, name in enumerate(named):
        values, text = columns.answers(name)
        with np.errstate(invalid="ignore"):
            outside = (values < known.answer_low) | (values > known.answer_high)
            between = ~outside & (values != np.floor(values)) & ~np.isnan(values)
        for bad, problem in (
            (text, "is not a number"),
            (outside, f"is outside {known.answer_low:g} to {known.answer_high:g}"),
            (between, "is between two answers"),
        ):
            found += [(int(row) + 1, name, problem) for row in np.flatnonzero(bad)]
            if faulty == "refuse":
                columns.forbid(bad, name, problem, remedy=MEND)
        answers[:, place] = np.where(text | outside | between, np.nan, values)
    columns.check()
    listed = pd.DataFrame(found, columns=["row", "column", "problem"])
    return answers, listed.sort_values(["row", "column"], kind="stable").reset_index(drop=True)


def _score(
    scale: Scale, values: Mapping[str, FloatArray], scores: Mapping[str, FloatArray]
) -> tuple[FloatArray, BoolArray, float]:
    """The scores, which of them come from fewer answers than items, and Cronbach's alpha."""
    if scale.parts:
        total = np.sum([scores[part] for part in scale.parts], axis=0)
        return total, np.zeros(len(total), dtype=bool), float("nan")
    answers = np.stack([values[item] for item in scale.items], axis=1)
    given = np.isfinite(answers).sum(axis=1)
    enough = given >= scale.answered
    mean = np.nansum(answers, axis=1) / np.maximum(given, 1)
    made = (
        mean
        if scale.method == MEAN
        else np.where(given == len(scale.items), np.nansum(answers, axis=1), mean * len(scale.items))
    )
    if scale.whole:
        made = np.floor(made + 0.5 + 1e-9)
    if scale.conversion:
        sums, converted = (np.array(side) for side in zip(*sorted(scale.conversion), strict=True))
        made = converted[np.clip(np.searchsorted(sums, made), 0, len(sums) - 1)]
    return (
        np.where(enough, made, np.nan),
        enough & (given < len(scale.items)),
        _alpha(answers[given == len(scale.items)]),
    )


def _alpha(answers: FloatArray) -> float:
    rows, items = answers.shape
    if rows < 2 or items < 2:
        return float("nan")
    whole = float(answers.sum(axis=1).var(ddof=1))
    parts = float(answers.var(axis=0, ddof=1).sum())
    return items / (items - 1) * (1 - parts / whole) if whole > 0 else float("nan")


def _row(scale: Scale, made: FloatArray, prorated: BoolArray, alpha: float) -> dict[str, object]:
    seen = made[np.isfinite(made)]
    return {
        "term": scale.name,
        "n": len(seen),
        "n_prorated": int(prorated.sum()),
        "n_missing": len(made) - len(seen),
        "mean": float(seen.mean()) if len(seen) else np.nan,
        "sd": float(seen.std(ddof=1)) if len(seen) > 1 else np.nan,
        "floor": float((seen == scale.low).mean()) if len(seen) else np.nan,
        "ceiling": float((seen == scale.high).mean()) if len(seen) else np.nan,
        "alpha": alpha,
    }


def _notes(
    known: Instrument,
    listed: pd.DataFrame,
    table: pd.DataFrame,
    reverse: Sequence[str | int] | None,
    turned: Sequence[str],
) -> tuple[str, ...]:
    notes = []
    if len(listed):
        notes.append(f"{len(listed):,} answers that cannot be one count as not given; they are in .listed.")
    short = table[table["n_missing"] > 0]
    if len(short):
        parts = "; ".join(f"{row.term} {row.n_missing:,}" for row in short.itertuples())
        notes.append(f"No score, too few items being answered: {parts}.")
    if reverse is not None:
        notes.append(f"Turned round, as asked for: {', '.join(turned) or 'no item'}.")
    return (*notes, *known.notes)
