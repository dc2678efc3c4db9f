"""What stands before the chapters of an annual report: programmes side by side, people in several, how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from impact.evidence import default_rules, shown_count
from impact.records import Linked
from impact.report import style
from impact.report.analysis import Compared
from impact.report.chapter import Chapter
from impact.report.chapter import chapter as make_chapter
from impact.report.exhibits import Figure, Section, Statement, Table
from impact.report.released import released_counts, released_steps
from impact.report.words import decimal, exhibit_key, interval, listing, long_date, sentence
from impact.system import overlap


@dataclass(frozen=True, eq=False)
class AnnualReport:
    """What stands before the chapters; each method gives one section.

    Attributes
    ----------
    chapters : tuple of Chapter
        In the order of the report.
    linked : Linked
        The records.
    """

    chapters: tuple[Chapter, ...]
    linked: Linked

    @cached_property
    def _compared(self) -> list[tuple[Chapter, Compared]]:
        found = [(chapter, chapter.comparison) for chapter in self.chapters]
        return [
            (chapter, compared) for chapter, compared in found if isinstance(compared, Compared) and compared.comparable
        ]

    def summary(self) -> Section:
        """One line a programme, and what may be said of each."""
        rows, lines = [], []
        for chapter in self.chapters:
            name = chapter.programme.title
            at = _flow(chapter)
            rows.append(
                {
                    "Programme": name,
                    "Referred": at["referred"],
                    "Accepted": at["accepted"],
                    "Readings before and after": _distance(chapter),
                    "Reoffending": _reoffending(chapter),
                }
            )
            lines.append(f"- **{name}** (@{exhibit_key(chapter.programme.name)}-flow). {chapter.verdicts[0].headline}")
        table = Table(
            "annual-summary",
            "The programmes side by side",
            pd.DataFrame(rows),
            "Readings: whether there are enough people with two to show a change; a change is not the effect of a"
            " programme. Reoffending: how many percentage points more or fewer reoffended than similar people who did"
            " not take part, with the 95% interval.",
        )
        intro = (
            "What follows is what the records can bear, and no more. Where a result could be chance, it says so; where"
            " a programme's records cannot support a comparison, its chapter says what would be needed."
        )
        said = Statement("annual-said", f"{intro}\n\n" + "\n".join(lines))
        return Section("", (said, table, *([self._forest()] if self._compared else [])))

    def _forest(self) -> Figure:
        names = [chapter.programme.title for chapter, _ in self._compared]
        effects = [compared.reoffending[0].effect for _, compared in self._compared]
        centre, low, high = (
            100 * np.array([getattr(effect, part) for effect in effects])
            for part in ("estimate", "conf_low", "conf_high")
        )
        with style.style():
            canvas, ax = style.blank(height=1.1 + 0.42 * len(names))
            place = np.arange(len(names))[::-1]
            ax.axvline(0, color=style.GREY, linewidth=1)
            ax.hlines(place, low, high, color=style.COLOURS[0], linewidth=2)
            ax.plot(centre, place, "s", color=style.COLOURS[0], linestyle="none")
            ax.set_yticks(place, names)
            ax.set_ylim(-0.6, len(names) - 0.4)
            ax.set_xlabel("Difference in percentage points\n(left of 0: fewer of those who took part reoffended)")
            ax.grid(axis="y", visible=False)
            clear = [name for name, lo, hi in zip(names, low, high, strict=True) if lo > 0 or hi < 0]
            alt = f"Differences in reoffending with 95% intervals for {len(names)} programmes. " + (
                f"The interval leaves out zero for {listing(clear)}." if clear else "Every interval includes zero."
            )
            numbers = {
                name: {"Difference": interval(effect.estimate, effect.conf_low, effect.conf_high, 0, scale=100)}
                for name, effect in zip(names, effects, strict=True)
            }
            return Figure.of(
                "annual-forest",
                "Reoffending within one year: those who took part less similar people",
                alt,
                canvas,
                numbers,
            )

    def several_programmes(self) -> Section:
        """Who uses several programmes, and who is referred on."""
        names = {chapter.programme.name: chapter.programme.title for chapter in self.chapters}
        taken = self.linked.table("participation")
        shared = overlap(taken[taken["programme"].isin(names)], referral=self.linked.table("referral"))
        pairs = shared.matrix.to_dict()
        order = [name for name in names if name in pairs]
        rows = [
            {"Programme": names[one], **{names[two]: shown_count(int(pairs[one][two])) for two in order}}
            for one in order
        ]
        spread = shared.programmes_per_person.set_index("programmes")["people"]
        shown = released_counts(
            pd.concat([spread, pd.Series({"all": spread.sum()})]), dict.fromkeys(map(str, spread.index), "all")
        )
        text = sentence(
            f"{shown['all']} people took part in at least one programme: {shown['1']} in one, {shown['2']} in two, and"
            f" {shown['3 or more']} in three or more (@annual-overlap). Somebody in two programmes"
            " stands in two chapters, so the numbers of the chapters must not be added up, and what one programme did"
            " cannot be told apart from what another did for the same person."
        )
        table = Table(
            "annual-overlap",
            "People on both of two programmes (on the diagonal: all who took part)",
            pd.DataFrame(rows),
        )
        return Section("", (Statement("annual-overlap-said", text), table))

    def how_to_read(self) -> Section:
        """What the words mean and how the numbers were made."""
        first = self.chapters[0].cohort
        text = (
            f"**Records.** The records are complete to {long_date(self.linked.complete_to)}. A person counts only once"
            f" their {first.follow_up} of follow-up, and {first.waiting} more for proof, lie before that"
            " day; until then their reoffending is not known, and they are not counted as if they had stayed out of"
            " trouble.\n\n**Proven reoffending** is an offence committed within the follow-up that led to a"
            " conviction or caution within it or the waiting time after it. Penalty notices and breaches are not"
            " counted.\n\n**Took part**, where reoffending is compared, means accepted by the programme, whether or"
            " not the person then started: who starts and who finishes depends on how people are"
            " doing.\n\n**Comparison.** Most programmes chose, or were chosen by, the people they worked with, so"
            " those who took part are set beside similar people who did not. They are alike in what was recorded."
            " Whether they were alike in what was not, such as motivation, nobody can know from records.\n\n**95%"
            " interval.** The range of true differences that the data do not rule out. If it includes zero, the"
            " result could be chance. That is not evidence that a programme makes no difference.\n\n**Standardised"
            " difference.** How far apart two groups are on something recorded before, in hundredths of its standard"
            " deviation.\n\n**Small numbers.** Numbers of people are rounded to the nearest five, and numbers under"
            f" {default_rules().minimum} are not shown, so that nobody can be recognised. Shares of people are worked"
            " out from the rounded numbers. The rate of an outcome is given to a whole per cent, where at least"
            f" {default_rules().minimum} people in each group have it and at least as many have not; an outcome that"
            " fewer share is not compared."
        )
        return Section("", (Statement("annual-how", text),))

    def __repr__(self) -> str:
        return (
            f"Annual report of {len(self.chapters)} programmes: {listing([c.programme.title for c in self.chapters])}"
        )


def _flow(chapter: Chapter) -> dict[str, str]:
    """The steps of a chapter's flow as the chapter itself shows them."""
    compared = chapter.comparison
    return released_steps(chapter.cohort, compared.design if isinstance(compared, Compared) else None)


def _reoffending(chapter: Chapter) -> str:
    compared = chapter.comparison
    if isinstance(compared, Compared) and not compared.comparable:
        return "no fair comparison"
    if isinstance(compared, Compared):
        effect = compared.reoffending[0].effect
        return interval(effect.estimate, effect.conf_low, effect.conf_high, 0, scale=100)
    return "not an outcome" if not chapter.programme.reoffending else "cannot be compared"


def _distance(chapter: Chapter) -> str:
    tables = [measured.table for measured in chapter.readings]
    if not tables:
        return "none"
    enough = sum(int((table["n"] >= default_rules().minimum).sum()) for table in tables)
    return f"{decimal(enough, 0)} of {decimal(sum(len(table) for table in tables), 0)} scales"


def annual_report(linked: Linked, names: Sequence[str], *, follow_up: int = 365, waiting: int = 183) -> AnnualReport:
    """What stands before the chapters of an annual report.

    Parameters
    ----------
    linked : Linked
        The records.
    names : sequence of str
        The programmes, in the order of the report.
    follow_up, waiting : int
        Days of follow-up, and of waiting for proof after it.
    """
    chapters = tuple(make_chapter(name, linked, follow_up=follow_up, waiting=waiting) for name in names)
    return AnnualReport(chapters, linked)
