"""A number with where it is from: what was read in a source, and what is only assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from impact.errors import InputError
from impact.results import number


@dataclass(frozen=True, slots=True)
class Fact:
    """A number of an instrument.

    Attributes
    ----------
    value : float
    source : str
        Where it is from, in words.
    verified : bool
        Whether the source was read; what was not is an assumption and is printed as one.

    Examples
    --------
    >>> print(Fact(3, "commonly quoted", verified=False))
    3 (an assumption: commonly quoted)
    """

    value: float
    source: str
    verified: bool

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return f"{number(self.value)} ({'' if self.verified else 'an assumption: '}{self.source})"


Given = float | Fact
PerScale = Given | Mapping[str, Given]


def said(given: Given) -> str:
    """A number as it is to stand in a note: with its source, or as given by the analyst."""
    return str(given) if isinstance(given, Fact) else f"{number(float(given))} (as given)"


def per_scale(argument: str, given: PerScale | None, scales: Sequence[object]) -> dict[str, Given] | None:
    """What was given for each scale: one number for all, or one for each by name.

    Raises
    ------
    InputError
        Where a scale of the data has none, or what was given is no finite number.
    """
    if given is None:
        return None
    names = [str(scale) for scale in scales]
    if not isinstance(given, Mapping):
        found = dict.fromkeys(names, given)
    else:
        left = [name for name in names if name not in given]
        if left:
            raise InputError(f"{argument} is given by scale and has nothing for: {', '.join(left)}.")
        found = {name: given[name] for name in names}
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float | Fact) or not abs(float(value)) < float("inf"):
            raise InputError(f"{argument} must be a number (for {name}), not {value!r}.")
    return found
