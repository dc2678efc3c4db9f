"""A linkage from files to a folder of files, all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from impact.errors import InputError
from impact.records.linkage.fields import Pair
from impact.records.linkage.link import link
from impact.records.linkage.links import Links
from impact.records.safecsv import to_csv

TABLES = ("pairs", "clusters", "review", "flow", "compared", "model")


def link_files(
    left: Path,
    right: Path | None,
    out: Path,
    *,
    fields: Sequence[str] | None,
    id: str,
    key: str | None,
    engine: str,
    threshold: float,
    one_to_one: bool,
) -> Links:
    """Link two files (CSV or Parquet), and write each table of the result as CSV to a folder that is not there yet.

    A text that a spreadsheet would take for a formula is written with an apostrophe before it, ids among them.

    Raises
    ------
    InputError
        Where a file cannot be read, a field is not written KIND=COLUMN, the folder exists, or as `link`.
    """
    if out.exists():
        raise InputError(f"The folder {out.name} is there already; give one that is not.")
    known: dict[str, str | Pair] | None = None
    if fields:
        parted = [text.partition("=") for text in fields]
        if not all(kind and mark and column for kind, mark, column in parted):
            raise InputError("A field is given as KIND=COLUMN, such as forename=first_name.")
        known = {kind: column for kind, _, column in parted}
    one, two = _read(left), None if right is None else _read(right)
    made = link(one, two, key=key, engine=engine, fields=known, id=id, threshold=threshold, one_to_one=one_to_one)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for name in TABLES:
            (work / f"{name}.csv").write_bytes(to_csv(getattr(made, name)).encode())
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return made


def _read(place: Path) -> pd.DataFrame:
    try:
        if place.suffix.lower() == ".parquet":
            return pd.read_parquet(place)
        return pd.read_csv(place, dtype=str, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError, ImportError):
        # The reader's own message may hold cells.
        raise InputError(f"The file {place.name} cannot be read as CSV in UTF-8 or as Parquet.") from None
