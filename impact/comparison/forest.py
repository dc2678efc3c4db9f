"""Effects side by side with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from impact.comparison.contrasts import RATIOS
from impact.comparison.effect import Effect
from impact.errors import InputError
from impact.figures import interval_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def forest(effects: Mapping[str, Effect], *, xlabel: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw effects as a forest: one row each, with the estimate and its interval in figures beside it.

    Parameters
    ----------
    effects : mapping of str to Effect
        Labels and effects, the first at the top; all of the same measure.
    xlabel : str, optional
        Words for the axis; the measure by default.
    ax : Axes, optional

    Returns
    -------
    Axes
        With a line at no effect; ratios stand on a logarithmic axis.

    Raises
    ------
    InputError
        Where there is nothing to draw, or measures or levels differ.

    Examples
    --------
    >>> import pandas as pd
    >>> from impact.comparison import compare, whole_sample
    >>> people = pd.DataFrame({"aid": [1, 1, 1, 0, 0, 0], "again": [0, 1, 0, 1, 1, 0], "recalled": [0, 0, 1, 0, 1, 1]})
    >>> design = whole_sample(people, "aid")
    >>> ax = forest({name: compare(design, name, measure="risk_difference") for name in ("again", "recalled")})
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['again', 'recalled']
    """
    found = list(effects.values())
    if not found or not all(isinstance(one, Effect) for one in found):
        raise InputError("forest() needs at least one Effect, each with its label.")
    measures, levels = {one.measure for one in found}, {one.level for one in found}
    if len(measures) > 1 or len(levels) > 1:
        raise InputError(
            f"Effects of one figure must share a measure and a level; these have {', '.join(sorted(measures))} at "
            f"{', '.join(f'{level:g}' for level in sorted(levels))}."
        )
    measure = found[0].measure
    return interval_rows(
        list(effects),
        *(np.array([getattr(one, name) for one in found]) for name in ("estimate", "conf_low", "conf_high")),
        ratio=measure in RATIOS,
        xlabel=xlabel or f"{measure.replace('_', ' ').capitalize()} ({found[0].level:.0%} interval)",
        ax=ax,
    )
