"""From notebooks to the report's files: executed or taken from cache, then all files put in place, or none."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from impact.errors import ReportError
from impact.records.atomic import write_atomically
from impact.report.attached import attached_files, attached_names
from impact.report.cache import Cache, code_digest, data_digest, notebook_key
from impact.report.document import Chapter, Document, assemble
from impact.report.docx import to_docx
from impact.report.exhibits import Block, Numbers
from impact.report.files import digest_bytes
from impact.report.html import to_html
from impact.report.notebook import TIMEOUT, blocks_of, execute
from impact.report.pdf import to_pdf
from impact.report.since import SinceLast

WRITERS: Mapping[str, Callable[[Document], bytes]] = {"html": to_html, "pdf": to_pdf, "docx": to_docx}
LAST = "last_report.json"
Check = Callable[[Sequence[Path]], None]


class Progress(Protocol):
    """Told what was just done, how many steps are done and how many there are."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


@dataclass(frozen=True)
class Source:
    """A notebook that is a chapter, and the definition files that it rests on."""

    notebook: Path
    definitions: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """The chapter's name: the notebook's file name without its ending."""
        return self.notebook.stem


@dataclass(frozen=True)
class Built:
    """What a build did.

    Attributes
    ----------
    files : tuple of Path
        Every file of the report.
    executed, cached : tuple of str
        The chapters that were executed, and those taken from cache.
    unchanged : bool
        Whether the files that stood there were right already, and were left.
    notes : tuple of str
        What the reader should know of the build.
    numbers : mapping
        Exhibit to row to column to what is shown.
    since : SinceLast or None
        What the counts tell beside those of the last release, where they were compared.
    """

    files: tuple[Path, ...]
    executed: tuple[str, ...]
    cached: tuple[str, ...]
    unchanged: bool
    notes: tuple[str, ...]
    numbers: dict[str, Numbers] = field(repr=False)
    since: SinceLast | None = field(default=None, repr=False)


def build_report(
    sources: Sequence[Source | Path],
    *,
    data_folder: Path,
    out_folder: Path,
    cache_folder: Path,
    title: str,
    subtitle: str = "",
    banner: str = "",
    stem: str = "annual_report",
    workers: int = 2,
    timeout: int = TIMEOUT,
    check: Check | None = None,
    progress: Progress | None = None,
) -> Built:
    """Build the report: `stem` in HTML, PDF and DOCX, and under ``chapters/`` each alone with the files beside it.

    Everything is written beside its place first and moved there at the end: a build that fails or is interrupted leaves
    the report that stood there.

    Parameters
    ----------
    sources : sequence of Source or Path
        The notebooks in the order of the chapters.
    data_folder, out_folder, cache_folder : Path
        Linked records; where the report goes; where executed notebooks are kept.
    title, subtitle, banner : str
        Of the whole report; the banner stands on every page.
    stem : str
        File name of the whole, without ending.
    workers : int
        Notebooks executed at the same time.
    timeout : int
        Seconds that one cell may take.
    check : callable or None
        Given the written files before any of them is put in place; what it raises stops the build.
    progress : callable or None
        Told after each step.

    Raises
    ------
    ReportError
        Where a notebook fails, or the chapters cannot be put together.
    """
    chapters = [source if isinstance(source, Source) else Source(source) for source in sources]
    steps = _Steps(progress, len(chapters) + len(WRITERS) * (len(chapters) + 1))
    data, code = data_digest(data_folder), code_digest()
    keys = [notebook_key(c.notebook, data=data, code=code, definitions=c.definitions) for c in chapters]
    blocks, executed, notes = _blocks(chapters, keys, Cache(cache_folder), data_folder, workers, timeout, steps)
    numbers = numbers_of(block for found in blocks for block in found)
    document = assemble(
        [Chapter(source.name, found) for source, found in zip(chapters, blocks, strict=True)],
        title=title,
        subtitle=subtitle,
        banner=banner,
    )
    key = digest_bytes(json.dumps([keys, code, title, subtitle, banner, stem]).encode("utf-8"))
    cached = tuple(source.name for source in chapters if source.name not in executed)
    names = [f"{stem}.{form}" for form in WRITERS]
    names += [f"chapters/{source.name}.{form}" for source in chapters for form in WRITERS]
    beside = {source.name: found for source, found in zip(chapters, blocks, strict=True)}
    names += [f"chapters/{name}" for stem, found in beside.items() for name in attached_names(stem, found)]
    unchanged = _stands(cache_folder / LAST, key, out_folder, names)
    if unchanged:
        steps.finish("unchanged")
    else:
        _write(document, beside, stem, key, out_folder, cache_folder / LAST, steps, check)
    files = tuple(out_folder / name for name in names)
    return Built(files, tuple(executed), cached, unchanged, tuple(notes), numbers)


def write_documents(
    document: Document, blocks: Sequence[Block], folder: Path, stem: str, *, check: Check | None = None
) -> tuple[Path, ...]:
    """Write one chapter in every format and the files beside it, all or none, and return the files.

    `blocks` are the chapter's; `check` as in `build_report`.
    """
    content = {f"{stem}.{form}": write(document) for form, write in WRITERS.items()}
    content |= attached_files(stem, blocks, document)
    _place(content, folder, check)
    return tuple(folder / name for name in content)


def numbers_of(blocks: Iterable[Block]) -> dict[str, Numbers]:
    """Every number shown, by exhibit."""
    return {block["key"]: block["numbers"] for block in blocks if block.get("numbers")}


def write_expected(numbers: Mapping[str, Numbers], path: Path) -> None:
    """Keep the numbers as those to expect, in a file that reads well in a comparison of versions."""
    write_atomically(path, (json.dumps(numbers, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8"))


def compare_expected(numbers: Mapping[str, Numbers], path: Path) -> list[str]:
    """A sentence for each number that differs from those kept by `write_expected`; none where all are the same.

    Raises
    ------
    ReportError
        Where the file is not there or cannot be read.
    """
    try:
        expected = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ReportError(f"{path.name} cannot be read: there are no numbers to compare with.") from None
    said: list[str] = []
    for key in sorted({*expected, *numbers}):
        if key not in numbers:
            said.append(f"{key} is gone.")
        elif key not in expected:
            said.append(f"{key} is new.")
        else:
            said += _differences(key, expected[key], numbers[key])
    return said


def _differences(key: str, old: Numbers, new: Numbers) -> list[str]:
    said = []
    for row in dict.fromkeys([*old, *new]):
        before, after = old.get(row, {}), new.get(row, {})
        for column in dict.fromkeys([*before, *after]):
            where = f"{key}, row {row}, column {column}"
            if column not in after:
                said.append(f"{where}: {before[column]} is gone.")
            elif column not in before:
                said.append(f"{where}: {after[column]} is new.")
            elif before[column] != after[column]:
                said.append(f"{where}: {before[column]} became {after[column]}.")
    return said


class _Steps:
    """Counts the steps of a build and tells of them."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self, step: str) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(step, self.done, self.total)

    def finish(self, step: str) -> None:
        """All that is left is done at once."""
        self.done = self.total - 1
        self(step)


def _blocks(
    sources: Sequence[Source],
    keys: Sequence[str],
    cache: Cache,
    data_folder: Path,
    workers: int,
    timeout: int,
    steps: _Steps,
) -> tuple[list[list[Block]], list[str], list[str]]:
    """The blocks of each chapter; the names of those executed; what was said of the cache."""
    found: dict[int, list[Block]] = {}
    notes = []
    for place, (source, key) in enumerate(zip(sources, keys, strict=True)):
        blocks, note = cache.load(key)
        notes += [note] if note else []
        if blocks is not None:
            found[place] = blocks
            steps(f"{source.name}: from cache")
    wanted = [place for place in range(len(sources)) if place not in found]
    ends: list[Callable[[], None]] = []

    def run(place: int) -> list[Block]:
        executed = execute(sources[place].notebook, data_folder=data_folder, timeout=timeout, started=ends.append)
        return blocks_of(executed)

    pool = ThreadPoolExecutor(max_workers=max(workers, 1))
    try:
        running: dict[Future[list[Block]], int] = {pool.submit(run, place): place for place in wanted}
        for future in as_completed(running):
            place = running[future]
            found[place] = future.result()
            cache.save(keys[place], found[place])
            steps(f"{sources[place].name}: executed")
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for end in ends:
            end()
        raise
    finally:
        pool.shutdown(wait=True)
    return [found[place] for place in range(len(sources))], [sources[place].name for place in wanted], notes


def _stands(last: Path, key: str, folder: Path, names: Sequence[str]) -> bool:
    """Whether the files of this very report stand in the folder as they were written."""
    try:
        kept = json.loads(last.read_text(encoding="utf-8"))
        if kept["key"] != key or sorted(kept["files"]) != sorted(names):
            return False
        return all(digest_bytes((folder / name).read_bytes()) == kept["files"][name] for name in names)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write(
    document: Document,
    beside: Mapping[str, Sequence[Block]],
    stem: str,
    key: str,
    folder: Path,
    last: Path,
    steps: _Steps,
    check: Check | None,
) -> None:
    wanted = [(stem, document), *((f"chapters/{part.name}", document.chapter(part.name)) for part in document.parts)]
    content: dict[str, bytes] = {}
    for name, part in wanted:
        for form, write in WRITERS.items():
            content[f"{name}.{form}"] = write(part)
            steps(f"{name}.{form}")
    for name, blocks in beside.items():
        files = attached_files(name, blocks, document.chapter(name))
        content |= {f"chapters/{file}": written for file, written in files.items()}
    _place(content, folder, check)
    digests = {name: digest_bytes(written) for name, written in content.items()}
    write_atomically(last, json.dumps({"key": key, "files": digests}, indent=1).encode("utf-8"))


def _place(content: Mapping[str, bytes], folder: Path, check: Check | None) -> None:
    """Write every file beside its place, have them checked, then move them all."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
    try:
        for name, written in content.items():
            write_atomically(beside / name, written)
        if check is not None:
            check([beside / name for name in content])
        for name in content:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(beside / name, folder / name)
    finally:
        shutil.rmtree(beside)
