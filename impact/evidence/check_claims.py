"""The claims check: an author's prose against the results, sentence by sentence, and what it says too much."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from impact.cohort import ObservedExpected
from impact.errors import InputError
from impact.evidence.claims import Finding, Verdict, verdict
from impact.evidence.prose import Figure, figures, figures_unread, sentences, shares_in_words, with_digits
from impact.evidence.rules import default_rules
from impact.results import Estimate, with_notes

COLUMNS = ["line", "code", "sentence", "why", "instead"]
TOLD = ("fewer", "more")
CLEAR = (*TOLD, "rose", "fell")
Result = Finding | ObservedExpected | Estimate


@dataclass(frozen=True, eq=False)
class ClaimsCheck:
    """What an author's prose says too much.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    unread : tuple of str
        What could not be judged: the line and why.
    sentences : int
        Sentences read.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    unread: tuple[str, ...]
    sentences: int
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return self.table.empty

    def tidy(self) -> pd.DataFrame:
        """One row a claim that goes too far: ``line, code, sentence, why, instead``."""
        return self.table.copy()

    def __repr__(self) -> str:
        count = len(self.table)
        head = f"{self.sentences:,} sentences read: {'nothing goes too far' if not count else f'{count:,} go too far'}"
        lines = [head]
        for row in self.table.to_dict("records"):
            lines += [f"line {row['line']}, {row['code']}: {row['sentence']}", f"  {row['why']} {row['instead']}"]
        lines += [f"Not judged: {reason}." for reason in self.unread]
        return with_notes("\n".join(lines), self.notes)


@dataclass(frozen=True, slots=True)
class _Results:
    """What the results allow: the verdicts on offending and on readings, every number, those of completers alone."""

    offending: tuple[Verdict, ...]
    readings: tuple[Verdict, ...]
    numbers: tuple[float, ...]
    differences: tuple[float, ...]
    of_completers: tuple[float, ...]


def check_claims(text: str, results: Sequence[Result], *, completers: Sequence[Result] = ()) -> ClaimsCheck:
    """List the sentences of an author's prose that say more than the results bear.

    It looks for causal words where there is no comparison, no clear difference, or a matched one only; "no effect" from
    a result that is not significant; proof; significance without a size; a percentage where percentage points are
    meant; a benchmark called an impact; figures of completers passed off as everyone's; and figures that no result has.
    The rules are data: ``impact/evidence/overclaims.toml``. Quotations, block quotes (stories), code and tables are not
    the author's claims and are passed over.

    It reads words, not meaning: it can miss a claim, and a sentence that it lists may be fair. Every sentence that it
    could not judge is said.

    Parameters
    ----------
    text : str
        The prose, in Markdown.
    results : sequence of Finding, Estimate or ObservedExpected
        Everything that the chapter found. A `Finding` says what may be said; an `Estimate` adds its numbers alone.
    completers : sequence, optional
        Results of completers alone, whose figures may stand only where completing is named.

    Returns
    -------
    ClaimsCheck

    Raises
    ------
    InputError
        Where the text is no text or a result is none.

    Examples
    --------
    >>> unclear = Finding(programme="X", design="matched", n_treated=72, n_analysed=72, n_comparison=500.0,
    ...     estimate=-0.02, conf_low=-0.13, conf_high=0.09, p_value=0.72, rate_treated=0.41, rate_comparison=0.43,
    ...     worst_smd=0.04)
    >>> check_claims("X reduced reoffending: 41% against 43%.", [unclear]).tidy()["code"].tolist()
    ['causal_without_difference']
    """
    if not isinstance(text, str):
        raise InputError(f"text must be the prose as text, not {type(text).__name__}.")
    for result in (*results, *completers):
        if not isinstance(result, Finding | ObservedExpected | Estimate):
            raise InputError(
                f"A result must be a Finding, an Estimate or an ObservedExpected, not {type(result).__name__}."
            )
    held = _read(results, completers)
    rows, unread, count = [], [], 0
    for sentence in sentences(text):
        count += 1
        if sentence.unread:
            unread.append(f"line {sentence.line}: {sentence.unread}")
            continue
        for code in _found(with_digits(sentence.text), sentence.before, held):
            rule = _rules()["rule"][code]
            rows.append((sentence.line, code, sentence.text, rule["why"], rule["instead"]))
        unread += [f"line {sentence.line}: the share in words “{words}”" for words in shares_in_words(sentence.text)]
        unread += [f"line {sentence.line}: the figure “{words}”" for words in figures_unread(sentence.text)]
    notes = ("The check reads words, not meaning: it can miss a claim, and a sentence it lists may be fair.",)
    return ClaimsCheck(pd.DataFrame(rows, columns=COLUMNS), tuple(unread), count, notes)


def _found(text: str, before: str, held: _Results) -> list[str]:
    """The rules that a sentence breaks, in the order of the file."""
    rules = _rules()["rule"]
    numbers = figures(text)
    broken = {code for code, rule in rules.items() if "pattern" in rule and _matches(rule["pattern"], text)}
    if re.search(r"\d", before + text) or "almost_significant" in broken or _has("not_significant", text):
        broken.discard("significance_without_size")
    if _has("expected", text) and (_has("causal", text) or _has("impact", text)):
        broken.add("benchmark")
    else:
        broken |= _causal(text, held)
    if _has("significant", text) and not _has("not_significant", text) and _nothing_significant(text, held):
        broken.add("significance_untrue")
    broken |= _of_figures(text, numbers, held)
    hedged = _has("hedged", text)
    return [code for code, rule in rules.items() if code in broken and not (hedged and rule["hedge"])]


def _causal(text: str, held: _Results) -> set[str]:
    """The rule that a causal word breaks, by what it is said of."""
    if not _has("causal", text):
        return set()
    if _has("offending", text):
        told = [found for found in held.offending if found.status in TOLD]
        if told:
            return set() if any(found.maryland_level == 5 for found in told) else {"causal_at_level_three"}
        measured = any(found.maryland_level is not None for found in held.offending)
        return {"causal_without_difference" if measured else "causal_without_comparison"}
    return {"causal_without_comparison"} if _has("scores", text) and held.readings else set()


def _nothing_significant(text: str, held: _Results) -> bool:
    """Whether the sentence is about results of which none is significant."""
    about = held.offending if _has("offending", text) else held.readings if _has("scores", text) else ()
    return bool(about) and not any(found.status in CLEAR for found in about)


def _of_figures(text: str, numbers: Sequence[Figure], held: _Results) -> set[str]:
    """The rules that a sentence's figures break: of nobody's result, of completers' alone, a per cent for points."""
    broken = set()
    for figure in numbers:
        if not _among(figure, held.numbers):
            if not _among(figure, held.of_completers):
                broken.add("figure")
            elif not _has("finishers", text):
                broken.add("completers")
        elif figure.percentage and _among(figure, held.differences) and _is_a_change(figure, text):
            broken.add("percentage_points")
    return broken


def _is_a_change(figure: Figure, text: str) -> bool:
    """Whether a figure is written as the size of a change: by 12%, 12% lower."""
    written, rules = re.escape(figure.text), _rules()
    before, after = rules["before_a_change"], rules["after_a_change"]
    return _matches(rf"{before}\s+(about\s+)?{written}", text) or _matches(rf"{written}\s+{after}", text)


def _among(figure: Figure, values: Sequence[float]) -> bool:
    """Whether a figure is one of the values, as rounded as it is written."""
    half = 0.5 * 10.0**-figure.decimals + 1e-9
    return any(abs(abs(value) - figure.value) <= half for value in values)


def _read(results: Sequence[Result], completers: Sequence[Result]) -> _Results:
    verdicts = [(result, verdict(result)) for result in results if isinstance(result, Finding)]
    differences = [
        100 * number
        for result in results
        if isinstance(result, Finding) and result.design in ("matched", "randomised")
        for number in (result.estimate, result.conf_low, result.conf_high)
        if math.isfinite(number)
    ]
    return _Results(
        tuple(found for result, found in verdicts if result.design != "before_after"),
        tuple(found for result, found in verdicts if result.design == "before_after"),
        tuple(number for result in results for number in _numbers(result)),
        tuple(differences),
        tuple(number for result in completers for number in _numbers(result)),
    )


def _numbers(result: Result) -> list[float]:
    """Every number of a result that prose may have, as a percentage too."""
    if isinstance(result, ObservedExpected):
        values = [
            result.ratio,
            result.conf_low,
            result.conf_high,
            result.observed / result.n,
            result.expected / result.n,
        ]
    elif isinstance(result, Finding):
        values = [
            result.estimate,
            result.conf_low,
            result.conf_high,
            result.rate_treated,
            result.rate_comparison,
            result.level,
        ]
        base = default_rules().base
        if result.n_treated:
            shown = [round(n / base) * base for n in (result.n_analysed, result.n_treated)]
            values += [result.n_analysed / result.n_treated, *([shown[0] / shown[1]] if shown[1] else [])]
    else:
        values = [result.estimate, result.conf_low, result.conf_high, result.level]
        values += [getattr(result, name, math.nan) for name in ("mean_treated", "mean_comparison")]
    finite = [value for value in values if math.isfinite(value)]
    return [*finite, *(100 * value for value in finite), *(100 * (1 - value) for value in finite if 0 <= value <= 1)]


def _has(name: str, text: str) -> bool:
    return _matches(_rules()[name], text)


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.I) is not None


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads(files("impact.evidence").joinpath("overclaims.toml").read_text(encoding="utf-8"))
