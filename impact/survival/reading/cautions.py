"""What must be said beside a number: few events, few clusters, rows taken for people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impact.errors import InputError
from impact.frames import IntArray
from impact.survival.reading.outcome import Outcome

FEW_EVENTS = 10
FEW_CLUSTERS = 20


def few_events(n_events: int, size: int, of: str = "coefficients") -> list[str]:
    """A caution where a model has few events for what it estimates."""
    if n_events >= FEW_EVENTS * size:
        return []
    return [
        f"{n_events:,} events for {size} {of} (fewer than {FEW_EVENTS} each): estimates lean away from 0 and intervals"
        " are too short."
    ]


def about_variance(
    outcome: Outcome, *, robust: bool, codes: IntArray | None = None, labels: Sequence[object] = ()
) -> list[str]:
    """Cautions about a robust variance: few clusters, groups within one, spells that may be one person's.

    Parameters
    ----------
    outcome : Outcome
    robust : bool
        Whether the variance is robust.
    codes, labels : (n,) int and sequence, optional
        The groups, where each has a variance of its own.

    Raises
    ------
    InputError
        Where all rows are in one cluster: there is no standard error.
    """
    cluster = outcome.cluster
    if cluster is None:
        if robust and outcome.ranks.entry is not None:
            return ["The robust variance takes each row for a person; name `cluster` where a person has several rows."]
        return []
    count = int(cluster.max()) + 1
    if count == 1:
        raise InputError(
            "All rows used are in one cluster, or of one person: a standard error is learnt from how these differ. Use"
            " finer clusters, or none if the rows are independent."
        )
    notes = []
    if count < FEW_CLUSTERS:
        notes.append(
            f"{count} clusters (fewer than {FEW_CLUSTERS}): robust standard errors are too small, and p-values too."
        )
    if codes is not None and len(labels) > 1:
        low, high = np.full(len(labels), count), np.full(len(labels), -1)
        np.minimum.at(low, codes, cluster)
        np.maximum.at(high, codes, cluster)
        notes.extend(
            f"Group {labels[code]}: all in one cluster, so that its standard errors are 0 and mean nothing."
            for code in np.flatnonzero(low == high).tolist()
        )
    return notes


def robust_words(outcome: Outcome, clusters: str = "clusters") -> str:
    """The robust variance in words, with its clusters."""
    if outcome.cluster is None:
        return "robust variance"
    return f"robust variance, {int(outcome.cluster.max()) + 1:,} {clusters}"
