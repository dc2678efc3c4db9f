"""The rows of a return that can go into the store, and how many had to be set aside."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from impact.records.returns.cells import Rows


def clean_tables(held: Mapping[str, Rows], findings: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The rows without an error, by table, and the count of rows kept and set aside of each."""
    errors = findings[findings["severity"] == "error"]
    file_wide = bool((errors["sheet"] == "").any())
    keep: dict[str, np.ndarray] = {}
    for name, rows in held.items():
        here = errors[errors["sheet"] == name]
        whole = file_wide or bool((here["row"] == 0).any())
        keep[name] = (
            np.zeros(len(rows.numbers), dtype=bool) if whole else ~np.isin(rows.numbers, here["row"].to_numpy())
        )
    if "person" in held:
        kept = held["person"].values.loc[keep["person"], "person_id"]
        for name, rows in held.items():
            if name != "person" and "person_id" in rows.values:
                keep[name] &= rows.values["person_id"].isin(kept).to_numpy()
    clean = {name: rows.values[keep[name]].reset_index(drop=True) for name, rows in held.items()}
    counted = [(name, len(rows.numbers), len(clean[name])) for name, rows in held.items()]
    table = pd.DataFrame(counted, columns=["table", "rows", "clean"])
    return clean, table.assign(set_aside=table["rows"] - table["clean"])
