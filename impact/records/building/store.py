"""Build a store of linked records from extracts and returns: all of it or nothing, with where each row came from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError, RecordsError
from impact.records.building.assemble import Assembled, assemble, write_tables
from impact.records.building.extracts import read_extract
from impact.records.building.maps import PEOPLE, ReturnMap, SourceMap, StoreMap, read_map
from impact.records.building.people import NUMBERING, OWN, People, who_is_who
from impact.records.building.rows import Mapped, mapped
from impact.records.linkage.guard import direct_identifiers
from impact.records.linkage.keys import Key
from impact.records.returns.check import check_return
from impact.records.returns.reading import read
from impact.records.sources import CONTRACT
from impact.records.store import read_linked
from impact.records.tables import TABLES
from impact.results import with_notes

PROVENANCE = "provenance.json"
Place = str | os.PathLike[str]


@dataclass(frozen=True, eq=False, repr=False)
class BuiltStore:
    """What was built. Made by `build_store`.

    Attributes
    ----------
    sources : DataFrame
        One row a source: ``file, sheet, table, sha256, rows_read, rows_kept, rows_dropped, columns_not_used``.
    dropped : DataFrame
        ``file, sheet, table, rule, n``: how many rows each rule dropped.
    linkage : DataFrame
        ``step, n, reason``: from the sources' numbers to people.
    digest : str
        The hash of the store's content, as `Linked.digest`.
    notes : tuple of str
        Cautions.
    """

    sources: pd.DataFrame
    dropped: pd.DataFrame
    linkage: pd.DataFrame
    digest: str
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """The sources: what was read, kept and dropped."""
        return self.sources.copy()

    def __repr__(self) -> str:
        lines = [f"  {'':<44}{'read':>10}{'kept':>10}{'dropped':>10}"]
        for row in self.sources.itertuples():
            name = f"{row.file} to {row.table}"
            lines.append(f"  {name:<44}{row.rows_read:>10,}{row.rows_kept:>10,}{row.rows_dropped:>10,}")
        lines += [f"  {row.step:<44}{row.n:>10,}" for row in self.linkage.itertuples()]
        return with_notes("\n".join(["Linked store", *lines]), self.notes)


def build_store(sources: Place, out: Place, *, map: Place, key: Place, definitions: Place | None = None) -> BuiltStore:
    """Build a store of linked records from extracts and checked returns, by a map of their columns.

    Each row is put into the contract's columns, types and words; numbers of people become pseudonyms, the same in every
    table, after the sources' people are linked where the map says so; the guard of direct identifiers reads every
    column; and the whole is checked as `read_linked` checks it. A row is left out only by a rule that the map lists
    under ``drop``, and counted; a row that breaks another rule refuses the store. The order of rows changes nothing.

    Parameters
    ----------
    sources : path
        The folder of the extracts and returns. They are only read.
    out : path
        A folder that is not there yet: the tables as Parquet, and ``provenance.json`` (each file's name and SHA-256,
        rows read, kept and dropped by rule, the map's SHA-256). It appears whole or not at all.
    map : path
        The column map, a TOML file; `docs/building.md` explains it.
    key : path or str
        A file that holds a secret, or ``"env:NAME"``. The same key gives the same pseudonyms in the next store.
    definitions : path, optional
        A folder of further programme definition files.

    Returns
    -------
    BuiltStore

    Raises
    ------
    DefinitionError
        With every mistake of the map.
    InputError
        Where the folders or the key cannot be used.
    RecordsError
        With every fault of the sources, or of the store that they would make; nothing is then written.

    Examples
    --------
    >>> build_store("no_such_folder", "store", map="map.toml", key="env:STORE_KEY")
    Traceback (most recent call last):
    impact.errors.InputError: There is no folder no_such_folder to read sources from.
    """
    folder, target, map_file = Path(sources), Path(out), Path(map)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder.name} to read sources from.")
    if target.exists():
        raise InputError(f"The folder {target.name} is there already; give one that is not.")
    secret = Key(key)
    plan = read_map(map_file)
    whole, read_rows = _read(folder, plan, definitions)
    people = who_is_who(_records(whole), secret, plan.threshold)
    parts = [(source, _with_pseudonyms(source, made, people), made.dropped) for source, made in whole]
    done = assemble(parts, plan, people.notes)
    guarded = [fault for name, frame in done.tables.items() for fault in direct_identifiers(frame, name)]
    if guarded:
        raise RecordsError("The store would hold direct identifiers; nothing was written:", guarded)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        write_tables(done.tables, work)
        digest = _checked(work, definitions)
        built = _built(whole, read_rows, done, people, digest)
        text = _provenance(built, map_file, plan)
        (work / PROVENANCE).write_bytes(text.encode())
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return built


@dataclass(frozen=True, slots=True)
class Linkage:
    """How the people of a store were linked: the threshold, if the model was used, and how many at each step."""

    threshold: float | None
    steps: tuple[tuple[str, int], ...]


def linkage_of(store: Path) -> Linkage | None:
    """How the people of a store were linked, as `build_store` wrote it; None where the store was made otherwise.

    Raises
    ------
    InputError
        Where what it wrote cannot be read.
    """
    file = store / PROVENANCE
    if not file.is_file():
        return None
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        return Linkage(held["threshold"], tuple((str(one["step"]), int(one["n"])) for one in held["linkage"]))
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{PROVENANCE} of the store cannot be read: build the store again.") from error


def _read(folder: Path, plan: StoreMap, definitions: Place | None) -> tuple[list[tuple[SourceMap, Mapped]], list[str]]:
    """Every source through its map, with the hash of its file; every fault of every source is raised at once."""
    faults: list[Fault] = []
    found: list[tuple[SourceMap, Mapped]] = []
    hashes: list[str] = []
    expanded = list(plan.sources)
    for one in plan.returns:
        more, wrong = _sheets(folder, one, definitions)
        expanded += more
        faults += wrong
    for source in expanded:
        path = folder / source.file
        raw, wrong = read_extract(path, source.sheet)
        where = f"{source.file} [{source.sheet}]" if source.sheet else source.file
        made = None
        if not wrong:
            made, wrong = mapped(source, raw, where, plan.drop)
        faults += wrong
        if made is not None:
            found.append((source, made))
            hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
    if faults:
        words = "1 fault" if len(faults) == 1 else f"{len(faults):,} faults"
        raise RecordsError(f"The sources cannot make a store; nothing was written. {words}:", faults)
    return found, hashes


def _sheets(folder: Path, one: ReturnMap, definitions: Place | None) -> tuple[list[SourceMap], list[Fault]]:
    """The sheets of a return that passes its check, each as a source of the table that it is."""
    path = folder / one.file
    if not path.is_file():
        return [], [Fault("is not in the folder of sources", one.file, remedy="put it there, or correct the map.")]
    checked = check_return(
        path, programme=one.programme, definitions=None if definitions is None else Path(definitions)
    )
    if not checked.ok:
        wrong = int((checked.findings["severity"] == "error").sum())
        remedy = "run impact check on it, and have the programme mend it."
        return [], [Fault(f"does not pass its check ({wrong:,} errors)", one.file, remedy=remedy)]
    moved = checked.findings.loc[checked.findings["rule"] == "header-moved", "sheet"]
    if len(moved):
        problem = f"does not have its column names in the first row of {', '.join(moved)}"
        return [], [Fault(problem, one.file, why="rows above them would be read as data.", remedy="delete those rows.")]
    made = []
    for sheet in read(path, path.stem)[0]:
        table = CONTRACT.get(sheet.name)
        header = [cell.strip() for _, row in islice(sheet.rows(), 1) for cell in row]
        columns = {} if table is None else {c.name: c.name for c in table.columns if c.name in header}
        if table is not None and columns:
            name = sheet.name if path.suffix.lower() == ".xlsx" else ""
            made.append(SourceMap(one.file, name, table, one.numbering, columns, {}, {}, {}, ()))
    return made, []


def _records(whole: list[tuple[SourceMap, Mapped]]) -> pd.DataFrame:
    """Each row's number of a person, with what it may be linked by."""
    parts = [pd.DataFrame({NUMBERING: [], OWN: []}, dtype=object)]
    for source, made in whole:
        kept = made.dropped == ""
        for column in PEOPLE:
            if column in made.frame:
                part = pd.DataFrame({NUMBERING: source.numbering, OWN: made.frame[column]}, dtype=object)
                parts.append((part.join(made.identifiers) if column == PEOPLE[0] else part)[kept])
    return pd.concat(parts, ignore_index=True)


def _with_pseudonyms(source: SourceMap, made: Mapped, people: People) -> pd.DataFrame:
    frame = made.frame.copy()
    for column in PEOPLE:
        if column in frame:
            kept = frame[column].where(made.dropped == "", "")
            frame[column] = people.of(source.numbering, kept)
    return frame


def _checked(work: Path, definitions: Place | None) -> str:
    """The digest of the store, once it has passed the contract."""
    try:
        return read_linked(work, definitions=definitions).digest
    except RecordsError as error:
        words = "The store would break the contract of its tables; nothing was written. Rows are those of the table:"
        raise RecordsError(words, error.faults) from None


def _built(
    whole: list[tuple[SourceMap, Mapped]], hashes: list[str], done: Assembled, people: People, digest: str
) -> BuiltStore:
    rows, dropped = [], []
    for place, ((source, made), sha) in enumerate(zip(whole, hashes, strict=True)):
        what = {"file": source.file, "sheet": source.sheet, "table": source.table.name}
        counts = done.dropped[place]
        lost = sum(counts.values())
        read_here = len(made.frame)
        rows.append(
            what
            | {"sha256": sha, "rows_read": read_here, "rows_kept": read_here - lost, "rows_dropped": lost}
            | {"columns_not_used": made.not_used}
        )
        dropped += [what | {"rule": rule, "n": n} for rule, n in sorted(counts.items())]
    columns = ["file", "sheet", "table", "rule", "n"]
    notes = (*people.notes, *done.notes)
    table = pd.DataFrame(dropped, columns=columns).astype({"n": np.int64})
    return BuiltStore(pd.DataFrame(rows), table, people.flow, digest, notes)


def _provenance(built: BuiltStore, map_file: Path, plan: StoreMap) -> str:
    """Where the store came from, as JSON: names and hashes of files, never a path, never a cell."""
    held = {
        "map": {"file": map_file.name, "sha256": hashlib.sha256(map_file.read_bytes()).hexdigest()},
        "threshold": plan.threshold,
        "drop": sorted(plan.drop),
        "sources": built.sources.to_dict("records"),
        "dropped": built.dropped.to_dict("records"),
        "linkage": built.linkage.to_dict("records"),
        "tables": [table.name for table in TABLES],
        "digest": built.digest,
        "notes": list(built.notes),
    }
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"
