"""Whether there are clusters enough for a variance that is learnt from how they differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impact.errors import InputError
from impact.survival.reading.outcome import Outcome

FEW_CLUSTERS = 20


def check_clusters(outcome: Outcome, labels: Sequence[object] = ()) -> list[str]:
    """Cautions where clusters are few, or where a group lies in one of them.

    Parameters
    ----------
    outcome : Outcome
    labels : sequence, optional
        Of the groups 0, 1, …, where each has a variance of its own.

    Raises
    ------
    InputError
        Where all rows are in one cluster: there is no standard error.
    """
    cluster = outcome.cluster
    if cluster is None:
        return []
    count = int(cluster.max()) + 1
    if count == 1:
        raise InputError(
            "All rows used are of one cluster or person: a standard error is learnt from how they differ. Use finer"
            " clusters, or none if the rows are independent."
        )
    notes = []
    if count < FEW_CLUSTERS:
        notes.append(f"{count} clusters or people (fewer than {FEW_CLUSTERS}): robust standard errors are too small.")
    if len(labels) > 1 and outcome.group is not None:
        low, high = np.full(len(labels), count), np.full(len(labels), -1)
        np.minimum.at(low, outcome.group, cluster)
        np.maximum.at(high, outcome.group, cluster)
        notes.extend(
            f"Group {labels[code]}: all of one cluster or person, so that its standard errors are 0 and mean nothing."
            for code in np.flatnonzero(low == high).tolist()
        )
    return notes
