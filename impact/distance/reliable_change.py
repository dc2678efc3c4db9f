"""`reliable_change`: whose change is more than measurement error, and who crossed a cut-off."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.distance.change import BESIDE, REGRESSION_TO_THE_MEAN, check_scale, one_reading_notes
from impact.distance.facts import Given, PerScale, per_scale, said
from impact.distance.readings import Pairs, check_rule, read_pairs, refuse_design
from impact.distance.reliable import JACOBSON_TRUAX, METHODS, OUTCOMES, Error, critical, outcomes
from impact.distance.reliable import reliable_index as index_of
from impact.errors import InputError
from impact.figures import COLOURS
from impact.frames import Columns, check_choice, check_level
from impact.results import number, proportion, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RANGE = (0.6, 0.7, 0.8, 0.9)
NO_RELIABILITY = (
    "No reliability was given, so none is used: the numbers are shown over the range"
    f" {', '.join(map(str, RANGE))}. Which of them is right is not known."
)


@dataclass(frozen=True, eq=False)
class ReliableChange:
    """Reliable and clinically significant change, one row for each scale, reliability and outcome.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    people : DataFrame
        One row a person, scale and reliability: the column named by `person`, ``term, reliability, before, after,
        index, outcome``. Rows of people: not for publication.
    errors : dict
        The measurement error used, by scale and reliability.
    cutoffs : dict
        The cut-off of each scale, None where there is none.
    better : str
    level : float
    words : tuple of str
        The two readings in words.
    notes : tuple of str
    """

    table: pd.DataFrame
    people: pd.DataFrame
    errors: Mapping[tuple[str, float], Error]
    cutoffs: Mapping[str, float | None]
    better: str
    level: float
    words: tuple[str, str]
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row for each scale, reliability and outcome (recovered, improved, unchanged, deteriorated).

        ``estimate`` is the share of the ``n`` with both readings with Wilson limits, ``n_events`` their number;
        ``recovered`` is improved and across the cut-off, ``improved`` reliably better without that. ``sd`` is the
        standard deviation used and ``points`` the least change that is more than chance for somebody at the mean.
        ``n_first`` have the reading before, ``n_first_only`` of them none after.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None, *, term: str | None = None, reliability: float | None = None) -> Axes:
        """Before against after, one mark a person and place, with the band in which chance would put the second.

        Not for publication where places hold few people.

        Parameters
        ----------
        ax : Axes, optional
        term : str, optional
            The scale, needed where there are several.
        reliability : float, optional
            Which of the reliabilities, needed where a range is shown.
        """
        from impact.distance import figures

        chosen = _only("term", term, list(dict.fromkeys(self.table["term"])))
        mine = self.table[self.table["term"] == chosen]
        used = _only("reliability", reliability, list(dict.fromkeys(mine["reliability"])))
        error = self.errors[chosen, used]
        rows = self.people[(self.people["reliability"] == used) & (self.people["term"] == chosen)]
        before, after = (rows[name].to_numpy(dtype=float) for name in ("before", "after"))
        ends = np.concatenate([before, after])
        margin = 0.05 * max(float(np.ptp(ends)), 1.0)
        at = np.linspace(float(ends.min()) - margin, float(ends.max()) + margin, 50)
        reach = critical(self.level) * error.spread
        expected = error.expected(at)
        kinds = [
            figures.Kind(name, (rows["outcome"] == name).to_numpy(), colour, "-", mark)
            for name, colour, mark in zip(OUTCOMES, (COLOURS[0], COLOURS[2], "0.6", COLOURS[1]), "D^ov", strict=True)
            if name != "recovered" or self.cutoffs[chosen] is not None
        ]
        axes = figures.reliable_band(
            before,
            after,
            kinds,
            (at, expected - reach, expected + reach),
            cutoff=self.cutoffs[chosen],
            words=(f"{chosen}, {self.words[0]}", f"{self.words[1]} ({self.better} is better)"),
            level=self.level,
            ax=ax,
        )
        axes.set_title(f"reliability {number(used)}", fontsize="small", loc="left")
        return axes

    def __repr__(self) -> str:
        lines = ["Reliable change"]
        for (term, used), rows in self.table.groupby(["term", "reliability"], sort=False):
            first = rows.iloc[0]
            shares = ", ".join(f"{row.outcome} {row.n_events:,}" for row in rows.itertuples())
            lines.append(
                f"{term} (reliability {number(float(str(used)))}, SD {number(first['sd'])}, {number(first['points'])}"
                f" points): {shares}; {first['n']:,} of {first['n_first']:,} with both readings"
            )
        return with_notes("\n".join(lines), self.notes)


def reliable_change(
    data: pd.DataFrame,
    *,
    person: str,
    wave: str,
    score: str,
    reliability: PerScale | None,
    sd: PerScale | None = None,
    cutoff: PerScale | None = None,
    level: float = 0.95,
    by: str | None = None,
    method: str = JACOBSON_TRUAX,
    mean: PerScale | None = None,
    better: str = "higher",
    low: float | None = None,
    high: float | None = None,
    before: Hashable = "first",
    after: Hashable = "last",
    date: str | None = None,
    minimum_days: int | None = None,
    version: str | None = None,
) -> ReliableChange:
    """Who changed by more than measurement error would make, and who of them crossed a cut-off.

    Parameters
    ----------
    data : DataFrame
        Long: one row for each person and wave (and level of `by`).
    person, wave, score, by, low, high, better, before, after, date, minimum_days, version
        As in `change`.
    reliability : number, Fact, mapping by scale, or None
        Correlation of two readings between which nothing changes, from 0 to below 1, such as
        ``instrument("core10").scale("total").fact("reliability")``. None where none is published: a range is shown.
    sd : number, Fact or mapping, optional
        Standard deviation of the people the reliability belongs to; that of the first readings here unless given.
    cutoff : number, Fact or mapping, optional
        Where lower is better, scores at or above it are clinical; where higher is, those below it. Nobody counts as
        recovered without one. See `clinical_cutoff`.
    level : float
        A change is reliable if chance would give one as large in less than 1 − `level` of people.
    method : {"jacobson-truax", "edwards-nunnally", "regression"}
        See `impact.distance.reliable.reliable_index`. The latter two expect a return towards `mean`.
    mean : number, Fact or mapping, optional
        Mean of the people the reliability belongs to, for those two; that of the first readings here unless given.

    Raises
    ------
    InputError
        With every fault of the columns; where a reliability is not from 0 to below 1 or a standard deviation not above
        0; where `mean` is given to a method that does not use it.

    Examples
    --------
    >>> readings = pd.DataFrame({"who": list("aabbcc"), "wave": [1, 2] * 3, "score": [24, 8, 20, 17, 12, 22]})
    >>> found = reliable_change(readings, person="who", wave="wave", score="score", reliability=0.9, sd=7.7, cutoff=11,
    ...                         better="lower")
    >>> found.tidy()[["outcome", "n_events"]].values.tolist()
    [['recovered', 1], ['improved', 0], ['unchanged', 1], ['deteriorated', 1]]
    """
    check_level(level)
    check_choice("method", method, METHODS)
    check_choice("better", better, ("higher", "lower"))
    check_scale(low, high)
    refuse_design(data, "reliable_change")
    if mean is not None and method == JACOBSON_TRUAX:
        raise InputError(f"mean is not used by {JACOBSON_TRUAX}: leave it out, or name another method.")
    rule = check_rule(before, after, minimum_days)
    columns = Columns(data)
    read = read_pairs(
        columns, person=person, wave=wave, score=score, by=by, date=date, version=version, low=low, high=high, rule=rule
    )
    labels = read.scales.labels
    given = {
        name: per_scale(name, value, labels)
        for name, value in (("reliability", reliability), ("sd", sd), ("cutoff", cutoff), ("mean", mean))
    }
    rows, frames, errors, cutoffs, notes = [], [], {}, {}, [*columns.notes]
    for code, label in enumerate(labels):
        term, here = str(label), read.pairs.part(read.pairs.scale == code)
        if not len(here.scale):
            continue
        both = here.part(here.both)
        cut = None if given["cutoff"] is None else float(given["cutoff"][term])
        cutoffs[term] = cut
        used: tuple[Given, ...] = RANGE if given["reliability"] is None else (given["reliability"][term],)
        for one in used:
            error = _error(term, float(one), given, here, method)
            errors[term, float(one)] = error
            index = index_of(both.before, both.after, error)
            found = outcomes(both.before, both.after, index, level, cut, better == "higher")
            rows += _rows(term, error, found, len(here.scale), level)
            people = pd.DataFrame({person: pd.Index(read.people.labels).take(both.person), "term": term})
            people = people.assign(reliability=error.reliability, before=both.before, after=both.after, index=index)
            frames.append(people.assign(outcome=np.array(OUTCOMES, dtype=object)[found]))
        if low is not None and high is not None:
            notes += _no_room(term, both, errors[term, float(used[-1])], level, high if better == "higher" else low)
        notes += _said(term, given, here, method)
    table = tidy_rows(rows)
    notes += [f"{words} {BESIDE}" for words in one_reading_notes(table.drop_duplicates("term"))]
    if reliability is None:
        notes.append(NO_RELIABILITY)
    if cutoff is None:
        notes.append("Without a cut-off nobody counts as recovered.")
    expects = "" if method == JACOBSON_TRUAX else "; a return towards the mean is expected of everyone"
    notes.append(f"Reliable at {level:.0%} by {method}{expects}.")
    if method == JACOBSON_TRUAX:
        notes.append(REGRESSION_TO_THE_MEAN)
    words = tuple(f"{end} reading" if isinstance(end, str) else f"wave {end}" for end in (before, after))
    return ReliableChange(
        table, pd.concat(frames, ignore_index=True), errors, cutoffs, better, level, (words[0], words[1]), tuple(notes)
    )


def _error(term: str, reliability: float, given: Mapping[str, Any], here: Pairs, method: str) -> Error:
    if not 0 <= reliability < 1:
        raise InputError(f"reliability must be from 0 to below 1 (for {term}), not {reliability!r}.")
    own = float(here.before.std(ddof=1)) if len(here.before) > 1 else 0.0
    sd = own if given["sd"] is None else float(given["sd"][term])
    if not sd > 0:
        raise InputError(
            f"The standard deviation of {term} is not above 0"
            f" ({'as given' if given['sd'] is not None else 'too few first readings, or all equal: give sd'})."
        )
    centre = float(here.before.mean()) if given["mean"] is None else float(given["mean"][term])
    return Error(reliability, sd, centre, method)


def _rows(term: str, error: Error, found: np.ndarray, n_first: int, level: float) -> list[dict[str, object]]:
    n, points = len(found), critical(level) * error.spread
    rows = []
    for place, name in enumerate(OUTCOMES):
        count = int((found == place).sum())
        share, share_low, share_high = proportion(count, n, level)
        rows.append(
            {
                "term": term,
                "estimate": share,
                "conf_low": share_low,
                "conf_high": share_high,
                "outcome": name,
                "n": n,
                "n_events": count,
                "reliability": error.reliability,
                "sd": error.sd,
                "points": points,
                "n_first": n_first,
                "n_first_only": n_first - n,
            }
        )
    return rows


def _no_room(term: str, both: Pairs, error: Error, level: float, end: float) -> list[str]:
    best = index_of(both.before, np.full(len(both.before), float(end)), error)
    stuck = int((np.abs(best) <= critical(level)).sum())
    if not stuck:
        return []
    return [
        f"{term}: {stuck:,} of {len(both.before):,} began so near the best score that no improvement of theirs could be"
        f" reliable (at reliability {number(error.reliability)})."
    ]


def _said(term: str, given: Mapping[str, Any], here: Pairs, method: str) -> list[str]:
    named = [("reliability", "reliability"), ("sd", "SD"), ("cutoff", "cut-off")]
    if method != JACOBSON_TRUAX:
        named.append(("mean", "mean"))
    parts = [f"{word} {said(given[name][term])}" for name, word in named if given[name] is not None]
    own = [word for name, word in named if name in ("sd", "mean") and given[name] is None]
    if own:
        parts.append(f"{' and '.join(own)} of the {len(here.before):,} first readings here, which selection may narrow")
    return [f"{term}: {'; '.join(parts)}."]


def _only(argument: str, chosen: Any, known: list[Any]) -> Any:
    if chosen is None and len(known) > 1:
        raise InputError(f"There are several: say which in {argument}, one of {', '.join(map(str, known))}.")
    if chosen is not None and chosen not in known:
        raise InputError(f"{argument} must be one of {', '.join(map(str, known))}, not {chosen!r}.")
    return known[0] if chosen is None else chosen
