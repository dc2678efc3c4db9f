"""What gaps and changes of form do to one programme's series of returns, in plain English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, pairwise

from impact.records.returns.quarters import follows

FORMS = {"old-2021": "old form", "online-2021": "new form", "individual": "individual-level template"}
"""The forms as `check_return` calls them, and in words."""
NONE, NOT_RUNNING = "no return", "not applicable"
Effect = tuple[str, str, str]


def listed(words: Sequence[str]) -> str:
    """Words in one line, "and" before the last.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def span(quarters: Sequence[str]) -> str:
    """Quarters in one line, those that follow each other as one stretch.

    Examples
    --------
    >>> span(["2021-Q2", "2021-Q4", "2022-Q1", "2022-Q2"])
    '2021-Q2 and 2021-Q4 to 2022-Q2'
    """
    parts: list[list[str]] = []
    for quarter in quarters:
        if parts and follows(parts[-1][-1], quarter):
            parts[-1].append(quarter)
        else:
            parts.append([quarter])
    return listed([part[0] if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts])


def effects_of(status: Mapping[str, str], usable: Mapping[str, bool]) -> list[Effect]:
    """What can and cannot be read of one programme's quarters: ``kind, quarters, effect``.

    Parameters
    ----------
    status : mapping of str to str
        Each quarter, in order, and its status.
    usable : mapping of str to bool
        Whether a return came for it that can be used as it is.
    """
    quarters = list(status)
    if all(status[quarter] == NOT_RUNNING for quarter in quarters):
        return [
            (NOT_RUNNING, span(quarters), "It ran in none of these quarters: nothing was due, and nothing is said.")
        ]
    found = [
        (kind, span(run), words(status, usable, run))
        for kind, there, words in (
            (NONE, lambda quarter: status[quarter] == NONE, _gap),
            ("not usable", lambda quarter: status[quarter] in FORMS.values() and not usable[quarter], _unusable),
        )
        for run in _runs(quarters, there)
    ]
    used = [quarter for quarter in quarters if usable[quarter]]
    for one, two in pairwise(used):
        if status[one] != status[two]:
            found.append(
                (
                    "change of form",
                    f"{one} to {two}",
                    f"The {status[two]} took the place of the {status[one]}: a step from {one} to {two} may come from "
                    "the form and not from the programme. What lies before and after are two series, not one.",
                )
            )
    found += [
        (NOT_RUNNING, span(run), "It was not running, so no return was due: neither a gap nor a zero.")
        for run in _runs(quarters, lambda quarter: status[quarter] == NOT_RUNNING)
    ]
    return [*found, _comparable(status, usable)] if used else found


def _runs(quarters: Sequence[str], there: Callable[[str], bool]) -> list[list[str]]:
    return [list(run) for held, run in groupby(quarters, key=there) if held]


def _gap(status: Mapping[str, str], usable: Mapping[str, bool], run: Sequence[str]) -> str:
    """What quarters without numbers do to the series around them."""
    quarters = list(status)
    before = [quarter for quarter in quarters[: quarters.index(run[0])] if usable[quarter]]
    after = [quarter for quarter in quarters[quarters.index(run[-1]) + 1 :] if usable[quarter]]
    if before and after:
        trend = f"The change from {before[-1]} to {after[0]} cannot be read quarter by quarter."
    elif after:
        trend = f"There is nothing before {after[0]} to set it beside: where the programme stood is not known."
    elif before:
        trend = f"What came after {before[-1]} is not known."
    else:
        return "There is no return that can be used at all: nothing can be said of this programme from its returns."
    text = (
        f"{trend} Sums over quarters that include {span(run)} are lower bounds, and how many different people there "
        "were is not known."
    )
    if after and status[after[0]] == FORMS["individual"]:
        text += f" The template of {after[0]} may hold the dates of people served earlier; what it holds, it can mend."
    return text


def _unusable(status: Mapping[str, str], usable: Mapping[str, bool], run: Sequence[str]) -> str:
    return f"A return came and cannot be used as it is. Until it is mended: {_gap(status, usable, run)}"


def _comparable(status: Mapping[str, str], usable: Mapping[str, bool]) -> Effect:
    """The stretches in which one quarter can be set beside the next."""
    runs = [list(run) for _, run in groupby(status, key=lambda quarter: (usable[quarter], status[quarter]))]
    long = [run for run in runs if usable[run[0]] and len(run) > 1]
    if not long:
        return "comparable", "", "No two quarters in a row came by one form: no change between quarters can be read."
    where = [f"{span(run)} ({status[run[0]]})" for run in long]
    return (
        "comparable",
        listed([span(run) for run in long]),
        f"Quarter can be set beside quarter within {listed(where)}, and nowhere else.",
    )
