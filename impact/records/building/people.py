"""Who is who across sources: numbers of the sources become pseudonyms, linked where the map asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.records.linkage.fields import COMPARED
from impact.records.linkage.keys import Key
from impact.records.linkage.link import link
from impact.records.linkage.normal import written

NUMBER = "record_id"
NUMBERING, OWN = "_numbering", "_number"


@dataclass(frozen=True, slots=True)
class People:
    """The pseudonym of each (numbering, number), and how it was come by: ``step, n, reason``."""

    ids: pd.Series
    flow: pd.DataFrame
    notes: tuple[str, ...]

    def of(self, numbering: str, numbers: pd.Series) -> np.ndarray:
        """The pseudonyms of one numbering's numbers, empty where there is no number."""
        return numbers.map(lambda number: self.ids[_name(numbering, number)] if number else "").to_numpy(dtype=object)


def who_is_who(records: pd.DataFrame, key: Key, threshold: float | None) -> People:
    """Numbers become pseudonyms: keyed hashes of the first number, in order, of those taken for one person.

    `records` has ``_numbering, _number`` and the identifiers, a row for each row of the sources in any order.
    """
    names = pd.Series([_name(*pair) for pair in zip(records[NUMBERING], records[OWN], strict=True)], dtype=object)
    nodes = pd.DataFrame({NUMBER: np.array(sorted(set(names)), dtype=object)})
    notes: list[str] = []
    label = nodes[NUMBER]
    rows: list[tuple[object, ...]] = [
        ("numbers of people in the sources", len(nodes), "each numbering's numbers, once each")
    ]
    if threshold is not None and len(nodes) > 1:
        kinds = [kind for kind in COMPARED if kind in records]
        differ = np.zeros(len(nodes), dtype=bool)
        for kind in kinds:
            nodes[kind], several = _settled(names, records[kind].fillna("").to_numpy(dtype=object), kind, nodes[NUMBER])
            differ |= several
        if differ.any():
            notes.append(
                f"{int(differ.sum()):,} numbers have identifiers that differ from row to row; the commonest are used."
            )
        links = link(nodes, fields={kind: kind for kind in kinds}, threshold=threshold)
        joined = links.clusters.set_index("record_id")["person_id"]
        label = nodes.assign(person=nodes[NUMBER].map(joined)).groupby("person")[NUMBER].transform("min")
        notes += [note for note in links.notes if "one_to_one" not in note]
        steps = links.flow[links.flow["step"].isin(["links by rule", "links by the model", "pairs for review"])]
        rows += list(steps.itertuples(index=False, name=None))
    rows.append(("people", int(label.nunique()), "numbers taken for one person are joined"))
    pseudonym = {text: "P" + key.digest("person of a store", text, 12).hex() for text in set(label)}
    ids = pd.Series(label.map(pseudonym).to_numpy(dtype=object), index=nodes[NUMBER].to_numpy(dtype=object))
    return People(ids, pd.DataFrame(rows, columns=["step", "n", "reason"]), tuple(notes))


def _name(numbering: str, number: str) -> str:
    return f"{numbering}\x1f{number}"


def _settled(names: pd.Series, cells: np.ndarray, kind: str, order: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """For each number its commonest identifier of a kind (of equals the first in order), and whether there were more.

    Identifiers that are written alike once put in order are one.
    """
    frame = pd.DataFrame({"name": names, "cell": cells, "form": written(pd.Series(cells), kind)})
    frame = frame[frame["form"] != ""]
    counts = frame.groupby(["name", "form"]).agg(n=("cell", "size"), cell=("cell", "min")).reset_index()
    counts = counts.sort_values(["name", "n", "form"], ascending=[True, False, True])
    best = counts.drop_duplicates("name").set_index("name")["cell"].reindex(order)
    several = counts.groupby("name").size().reindex(order).fillna(0).to_numpy() > 1
    return best.where(best.notna(), None).to_numpy(dtype=object), several
