"""A linkage from files to a folder of files, all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from impact.errors import Fault, InputError
from impact.records.building.extracts import read_extract
from impact.records.linkage.fields import Pair
from impact.records.linkage.link import link
from impact.records.linkage.links import Links
from impact.records.safecsv import to_csv

SUFFIXES = (".csv", ".parquet")
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

    A cell is the text that stands in it, without spaces around it: a person may be called Null, None or Na. Only an
    empty cell is missing. A text that a spreadsheet would take for a formula is written with an apostrophe before it,
    ids among them.

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
    one, *more = _read([left] if right is None else [left, right])
    two = more[0] if more else None
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


def _read(places: Sequence[Path]) -> list[pd.DataFrame]:
    """The cells of each file as text, missing where nothing stands; a word such as NA is a word."""
    faults: list[Fault] = []
    frames = []
    for place in places:
        if place.suffix.lower() not in SUFFIXES:
            problem, remedy = "is neither .csv nor .parquet by its name", "save it as CSV in UTF-8, or as Parquet."
            faults.append(Fault(problem, place.name, why="it cannot be told what it holds.", remedy=remedy))
            continue
        frame, wrong = read_extract(place)
        faults += wrong
        frames.append(frame.mask(frame == ""))
    if faults:
        raise InputError("The files cannot be linked; nothing was written:", faults)
    return frames
