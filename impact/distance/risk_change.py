"""Change in assessed risk between two dates, never mistaken for what a programme did."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from impact.cohort import risk_band
from impact.cohort.ogrs import BANDS
from impact.distance.paired import NAN, mean_change
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, IntArray, check_level
from impact.results import number, t_test, tidy_rows, with_notes

LABEL = "benchmark, not impact"
_CAUTION = (
    f"{LABEL}: a score of risk falls as people grow older and go without an offence, and rises with each new sanction, "
    "whatever a programme does. Only the same change of people like them shows what a programme added."
)
_BEYOND = (
    "The change beyond time is what the second score lies above or below the one that the passing of time alone would "
    "have given: the part that new sanctions, or what an assessor saw, brought."
)


@dataclass(frozen=True, eq=False)
class RiskChange:
    """Change in assessed risk, one row a group.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    bands : DataFrame or None
        ``group, first, second, n``: how many people of each band were in each band at the second date, bands of nobody
        included; None where no scale was named. Counts of people: not for publication as they stand.
    difference : DataFrame or None
        Where there are two groups, the change of the second less that of the first, as one tidy row (Welch's t).
    level : float
        Confidence level of the intervals.
    notes : tuple of str
        Cautions; the first always says what the change is not.
    """

    table: pd.DataFrame
    bands: pd.DataFrame | None
    difference: pd.DataFrame | None
    level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a group.

        ``term`` (the group), ``estimate`` (mean change in probability, second less first, of the ``n`` people with
        both), ``std_error, statistic, p_value, conf_low, conf_high`` (paired t); ``n_first_only``; ``mean_first,
        mean_second``; ``time_alone`` and ``beyond_time`` with ``beyond_low, beyond_high`` where the score that time
        alone would give was named; ``lower, same, higher``, the numbers whose band fell, stayed and rose, where a scale
        was; ``label``.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        lines = [f"Change in assessed risk ({LABEL})"]
        for row in self.table.to_dict("records"):
            text = (
                f"{row['term']}: {number(row['mean_first'], 3)} to {number(row['mean_second'], 3)}, change "
                f"{number(row['estimate'], 3)} ({self.level:.0%} interval {number(row['conf_low'], 3)} to "
                f"{number(row['conf_high'], 3)}; n = {row['n']:,}, {row['n_first_only']:,} without a second)"
            )
            if "beyond_time" in row:
                text += f"; time alone {number(row['time_alone'], 3)}, beyond it {number(row['beyond_time'], 3)}"
            if "lower" in row:
                text += f"; band lower {row['lower']:,}, same {row['same']:,}, higher {row['higher']:,}"
            lines.append(text)
        if self.difference is not None:
            (row,) = self.difference.to_dict("records")
            lines.append(
                f"{row['term']}: {number(row['estimate'], 3)} ({self.level:.0%} interval {number(row['conf_low'], 3)} "
                f"to {number(row['conf_high'], 3)}; p = {number(row['p_value'], 2)})"
            )
        return with_notes("\n".join(lines), self.notes)


def risk_change(
    data: pd.DataFrame,
    *,
    first: str,
    second: str,
    time_alone: str | None = None,
    scale: str | None = None,
    by: str | None = None,
    level: float = 0.95,
) -> RiskChange:
    """Change in assessed risk from one date to another, as probabilities and as bands.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    first, second : str
        Columns: the probability of reoffending as assessed at the two dates, 0 to 1, such as `ogrs4` gives; missing
        where not assessed.
    time_alone : str, optional
        Column: the probability that the passing of time alone would have given at the second date. Score the record of
        the first date as at the second: ``ogrs4(record.assign(assessed_on=second_date))``.
    scale : str, optional
        The scale whose published bands are counted: ``OGRS3_2yr``, ``OGRS4G`` or ``OGRS4V``.
    by : str, optional
        Column of groups, such as ``treated``. Two groups are compared.
    level : float
        Confidence level.

    Returns
    -------
    RiskChange

    Raises
    ------
    InputError
        With every fault of the columns at once; where nobody was assessed twice.

    Examples
    --------
    >>> people = pd.DataFrame({"before": [0.6, 0.8, 0.3, 0.5], "after": [0.5, 0.8, 0.2, None]})
    >>> result = risk_change(people, first="before", second="after", scale="OGRS3_2yr")
    >>> result.tidy()[["n", "n_first_only", "estimate", "lower", "same", "higher"]].round(3)
       n  n_first_only  estimate  lower  same  higher
    0  3             1    -0.067      0     3       0
    """
    check_level(level)
    columns = Columns(data)
    names = [first, second, *([time_alone] if time_alone is not None else [])]
    scores = {name: columns.number(name, low=0, high=1) for name in names}
    groups = None if by is None else columns.groups(by)
    columns.check()
    codes = np.zeros(len(data), dtype=np.int64) if groups is None else groups.codes
    labels: tuple[object, ...] = ("all",) if groups is None else groups.labels
    assessed = ~np.isnan(scores[first]) & (codes >= 0)
    both = assessed & np.logical_and.reduce([~np.isnan(values) for values in scores.values()])
    if not both.any():
        raise InputError("Change in assessed risk needs somebody with every score named, and there is nobody.")
    bands = None if scale is None else (_band_places(scores[first], scale), _band_places(scores[second], scale))
    rows = []
    for code, label in enumerate(labels):
        mine = codes == code
        row = _row(str(label), scores, names, both & mine, level) | {
            "n_first_only": int((assessed & ~both & mine).sum())
        }
        if bands is not None:
            rise = np.sign(bands[1] - bands[0])[both & mine]
            row |= {name: int((rise == way).sum()) for name, way in (("lower", -1), ("same", 0), ("higher", 1))}
        rows.append(row | {"label": LABEL})
    difference = None
    if len(labels) == 2:
        change = scores[second] - scores[first]
        difference = _difference(labels, [change[both & (codes == code)] for code in (0, 1)], level)
    notes = [_CAUTION]
    if time_alone is not None:
        notes.append(_BEYOND)
    left_out = int((~both & (codes >= 0)).sum())
    if left_out:
        notes.append(f"{left_out:,} of {len(data):,} people left out: a score is missing.")
    if (codes < 0).any():
        notes.append(f"{int((codes < 0).sum()):,} of {len(data):,} people left out: {by} is missing.")
    counts = None if bands is None or scale is None else _moves(*bands, codes, both, labels)
    return RiskChange(tidy_rows(rows), counts, difference, level, tuple(notes))


def _row(
    label: str, scores: dict[str, FloatArray], names: list[str], who: BoolArray, level: float
) -> dict[str, object]:
    before, after = scores[names[0]][who], scores[names[1]][who]
    found = mean_change(before, after, level)
    row: dict[str, object] = {
        "term": label,
        "estimate": found.estimate,
        "std_error": found.std_error,
        "statistic": found.statistic,
        "p_value": found.p_value,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
        "n": len(before),
        "mean_first": float(before.mean()) if len(before) else NAN,
        "mean_second": float(after.mean()) if len(after) else NAN,
    }
    if len(names) == 3:
        drift = scores[names[2]][who]
        beyond = mean_change(drift, after, level)
        row |= {
            "time_alone": float((drift - before).mean()) if len(before) else NAN,
            "beyond_time": beyond.estimate,
            "beyond_low": beyond.conf_low,
            "beyond_high": beyond.conf_high,
        }
    return row


def _band_places(score: FloatArray, scale: str) -> IntArray:
    """The place of each score's band, the lowest first; −1 where there is no score."""
    return np.asarray(risk_band(pd.Series(score), scale=scale).cat.codes, dtype=np.int64)


def _moves(
    first: IntArray, second: IntArray, codes: IntArray, both: BoolArray, labels: tuple[object, ...]
) -> pd.DataFrame:
    rows = [
        (label, BANDS[start], BANDS[end], int((both & (codes == code) & (first == start) & (second == end)).sum()))
        for code, label in enumerate(labels)
        for start in range(len(BANDS))
        for end in range(len(BANDS))
    ]
    return pd.DataFrame(rows, columns=["group", "first", "second", "n"])


def _difference(labels: tuple[object, ...], changes: list[FloatArray], level: float) -> pd.DataFrame | None:
    """Welch's t of two groups; None where either has fewer than two people, or no change differs from another."""
    if min(len(change) for change in changes) < 2:
        return None
    parts = [float(change.var(ddof=1)) / len(change) for change in changes]
    std_error = float(np.sqrt(sum(parts)))
    if std_error <= 1e-12:
        return None
    df = sum(parts) ** 2 / sum(part**2 / (len(change) - 1) for part, change in zip(parts, changes, strict=True))
    estimate = float(changes[1].mean() - changes[0].mean())
    row = {
        "term": f"change of {labels[1]} less that of {labels[0]}",
        "estimate": estimate,
        "std_error": std_error,
        **asdict(t_test(estimate, std_error, df, level)),
        "n": sum(len(change) for change in changes),
    }
    return tidy_rows([row])
