"""`overlap`: people on more than one programme, and where referrals lead on to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import BoolArray, Columns
from impact.results import with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Overlap:
    """Who is on which programmes, as counts of distinct people.

    Attributes
    ----------
    matrix : DataFrame
        Programme by programme: people on both; the diagonal is the people on each.
    programmes_per_person : DataFrame
        Columns ``programmes`` ("1", "2", "3 or more"), ``people``, ``share``.
    onward : DataFrame
        Columns ``programme, onward_to, referrals, people``: referrals sent on, empty where none were given.
    notes : tuple of str
        Cautions that travel with the numbers.
    """

    matrix: pd.DataFrame
    programmes_per_person: pd.DataFrame
    onward: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def people(self) -> pd.Series:
        """People on each programme."""
        return pd.Series(np.diag(self.matrix), index=self.matrix.index, name="people")

    def tidy(self) -> pd.DataFrame:
        """One row for each ordered pair of programmes: ``programme, other, people, share``.

        ``people`` are on both; ``share`` is of the people on ``programme``.
        """
        counts = self.matrix.to_numpy()
        size = len(counts)
        rows = [
            {
                "programme": self.matrix.index[one],
                "other": self.matrix.columns[two],
                "people": int(counts[one, two]),
                "share": counts[one, two] / counts[one, one],
            }
            for one in range(size)
            for two in range(size)
            if one != two
        ]
        return pd.DataFrame(rows, columns=["programme", "other", "people", "share"])

    def plot(self, ax: Axes | None = None) -> Axes:
        """The matrix, each pair once, with its numbers written in."""
        from matplotlib import pyplot as plt

        ax = ax if ax is not None else plt.subplots(figsize=(6, 5), layout="constrained")[1]
        counts = self.matrix.to_numpy(dtype=float)
        shown = np.where(np.tri(len(counts), dtype=bool), counts, np.nan)
        ax.imshow(shown, cmap="Greys", vmin=0, vmax=2 * counts.max())
        for row, column in zip(*np.nonzero(np.isfinite(shown)), strict=True):
            ax.text(column, row, f"{int(shown[row, column]):,}", ha="center", va="center")
        ax.set_xticks(range(len(counts)), self.matrix.columns, rotation=45, ha="right")
        ax.set_yticks(range(len(counts)), self.matrix.index)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        return ax

    def __repr__(self) -> str:
        lines = [f"People on {len(self.matrix)} programmes: {int(self.programmes_per_person['people'].sum()):,}"]
        lines += [
            f"on {row.programmes}: {row.people:,} ({row.share:.0%})" for row in self.programmes_per_person.itertuples()
        ]
        lines.append(self.matrix.to_string())
        return with_notes("\n".join(lines), self.notes)


def overlap(participation: pd.DataFrame, *, referral: pd.DataFrame | None = None) -> Overlap:
    """People on each programme, on each pair of programmes, and on one, two, or three and more.

    Parameters
    ----------
    participation : DataFrame
        Rows of the ``participation`` table: ``person_id, programme``. Several episodes of a person on one programme
        count once.
    referral : DataFrame, optional
        Rows of the ``referral`` table: ``person_id, programme, onward_to`` (missing where not referred on).

    Returns
    -------
    Overlap

    Raises
    ------
    InputError
        Where a column is missing or a table has no usable row.

    Examples
    --------
    >>> episodes = pd.DataFrame({"person_id": list("aabbc"), "programme": ["one", "two", "one", "one", "two"]})
    >>> overlap(episodes).matrix.to_numpy().tolist()
    [[2, 1], [1, 2]]
    """
    if isinstance(participation, Design):
        raise InputError("overlap takes rows of the participation table, not a Design.")
    columns = Columns(participation)
    people, programmes = columns.groups("person_id"), columns.groups("programme")
    keep = columns.rows()
    pairs = np.unique(np.column_stack([people.codes[keep], programmes.codes[keep]]), axis=0)
    persons, row = np.unique(pairs[:, 0], return_inverse=True)
    on = np.zeros((len(persons), len(programmes.labels)), dtype=np.int64)
    on[row, pairs[:, 1]] = 1
    used = np.flatnonzero(on.sum(axis=0))
    on, labels = on[:, used], [str(programmes.labels[code]) for code in used]
    notes = [*columns.notes, "People are counted once on a programme, however many episodes they have."]
    onward = _empty_onward()
    if referral is not None:
        onward, said = _onward(referral)
        notes += said
    return Overlap(pd.DataFrame(on.T @ on, index=labels, columns=labels), _spread(on.sum(axis=1)), onward, tuple(notes))


def _spread(programmes: np.ndarray) -> pd.DataFrame:
    people = [int((programmes == 1).sum()), int((programmes == 2).sum()), int((programmes >= 3).sum())]
    share = [count / len(programmes) for count in people]
    return pd.DataFrame({"programmes": ["1", "2", "3 or more"], "people": people, "share": share})


def _empty_onward() -> pd.DataFrame:
    return pd.DataFrame({"programme": [], "onward_to": [], "referrals": [], "people": []})


def _onward(referral: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    columns = Columns(referral)
    columns.groups("person_id")
    columns.groups("programme")
    if "onward_to" not in referral.columns:
        columns.refuse("is not in the referrals", column="onward_to", remedy="add it, empty where not referred on.")
    keep: BoolArray = columns.rows()
    sent = referral[keep & referral["onward_to"].notna().to_numpy()]
    notes = [f"Referrals: {note}" for note in columns.notes]
    notes.append(f"{len(sent):,} of {int(keep.sum()):,} referrals were sent on to another service.")
    if sent.empty:
        return _empty_onward(), notes
    grouped = sent.groupby(["programme", "onward_to"], sort=True, observed=True)["person_id"]
    table = grouped.agg(referrals="size", people="nunique").reset_index()
    return table, notes
