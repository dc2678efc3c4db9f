"""Spells in custody, and whether someone was inside on a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.synthetic.draw import NEVER, NONE, BoolArray, IntArray

REMAND, SENTENCE, RECALL = range(3)
REASONS = ("remand", "sentence", "recall")
_SPAN = 1 << 18
_SHIFT = 1 << 17


@dataclass(frozen=True, slots=True)
class Spells:
    """Spells that do not overlap within a person; `left` is `NONE` while inside."""

    who: IntArray
    entered: IntArray
    left: IntArray
    reason: IntArray

    def where(self, keep: BoolArray) -> Spells:
        """The spells chosen."""
        return Spells(self.who[keep], self.entered[keep], self.left[keep], self.reason[keep])

    def cut(self, limit: IntArray) -> Spells:
        """Spells as known on each person's last day."""
        return Spells(self.who, self.entered, np.where(self.left > limit[self.who], NONE, self.left), self.reason)

    def and_(self, other: Spells) -> Spells:
        """Both sets of spells."""
        return Spells(
            np.concatenate([self.who, other.who]),
            np.concatenate([self.entered, other.entered]),
            np.concatenate([self.left, other.left]),
            np.concatenate([self.reason, other.reason]),
        )

    def inside(self, who: IntArray, day: IntArray) -> BoolArray:
        """Whether each person was inside on the day (the day of entry counts, the day of release does not)."""
        return self.entry_before(who, day) != NEVER

    def entry_before(self, who: IntArray, day: IntArray) -> IntArray:
        """First day of the spell that the day falls in; `NEVER` where it falls in none."""
        if not len(self.who):
            return np.full(len(who), NEVER)
        order = np.argsort(self.who * _SPAN + self.entered + _SHIFT, kind="stable")
        keys = (self.who * _SPAN + self.entered + _SHIFT)[order]
        place = np.searchsorted(keys, who * _SPAN + np.clip(day, -_SHIFT, _SHIFT - 1) + _SHIFT, side="right") - 1
        found = order[np.maximum(place, 0)]
        left = np.where(self.left[found] == NONE, NEVER, self.left[found])
        within = (place >= 0) & (self.who[found] == who) & (day >= self.entered[found]) & (day < left)
        return np.where(within, self.entered[found], NEVER)
