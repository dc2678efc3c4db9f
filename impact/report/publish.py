"""The annual report from its notebooks: what it is called, which chapters it has, and what stands on every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from impact.cohort.programme import programmes
from impact.errors import DisclosureError, Fault, ReportError
from impact.evidence import disclose
from impact.evidence.outputs import record_of_texts
from impact.evidence.plan import plan_file
from impact.evidence.published import SHORTEST
from impact.records import Linked, read_linked
from impact.records.atomic import write_atomically
from impact.records.safecsv import to_csv
from impact.report.build import Built, Check, Progress, Source, build_report
from impact.report.words import long_date

TITLE = "Do the programmes reduce reoffending?"
SUBTITLE = "Annual report of the partnership"
BANNER = (
    "Made from synthetic data. Nothing here describes a real person or the results of a real programme; the programmes'"
    " names are used to show what a report would hold."
)


CHECKED = (".html", ".docx")
RECORD = "outputs.csv"
COSTS = "costs"


def too_short(linked: Linked) -> tuple[str, ...]:
    """A note where identifiers are too short to be told from other words, and are not looked for."""
    short = int((linked.table("person")["person_id"].astype(str).str.len() < SHORTEST).sum())
    return (f"{short:,} identifiers of fewer than {SHORTEST} characters were not looked for.",) if short else ()


def disclosure_check(linked: Linked) -> Check:
    """What stops a build whose HTML or Word file shows what may not be published.

    The PDF is of the same document, and the chapters alone hold nothing that the whole does not.
    """
    identifiers = {one for one in linked.table("person")["person_id"].astype(str) if len(one) >= SHORTEST}

    def check(files: Sequence[Path]) -> None:
        whole = [path for path in files if path.suffix in CHECKED and path.parent.name != "chapters"]
        found = disclose(whole, identifiers=identifiers)
        if not found.safe:
            raise DisclosureError(
                "Nothing was put in place, because it would show what may not be published:",
                [
                    Fault(f"{problem} ({count:,})", table=f"{file}, {where}")
                    for file, where, problem, count in found.findings.to_numpy().tolist()
                ],
            )

    return check


def build_annual(
    data: Path, out: Path, notebooks: Path, *, cache: Path | None = None, progress: Progress | None = None
) -> Built:
    """Build the annual report from `annual.ipynb` and the notebooks of the programmes.

    Its HTML and Word files are read by `impact.disclose` before any file is put in place. Beside them stands
    ``outputs.csv``, the record of each number shown: its status, the reason and the rule.

    Parameters
    ----------
    data : Path
        The linked records.
    out : Path
        Where the report goes.
    notebooks : Path
        The folder of ``annual.ipynb`` and ``programmes/``; the chapters are run again where a file in its ``costs/``
        changes.
    cache : Path, optional
        Where what need not be done twice is kept; ``.cache`` in `out` unless said.
    progress : callable, optional
        Told after each step.

    Raises
    ------
    RecordsError
        Where the records are refused, before any notebook runs.
    DisclosureError
        Where a file would show rows of people, identifiers or small counts; the last report stands.
    ReportError
        Where the notebooks are not there, one of them fails, or the chapters cannot be put together.
    """
    front, chapters = notebooks / "annual.ipynb", sorted((notebooks / "programmes").glob("*.ipynb"))
    if not front.is_file() or not chapters:
        raise ReportError(f"There is no annual.ipynb, or no notebook under programmes, in {notebooks.name}.")
    linked = read_linked(data)
    defined = {
        name: tuple(file for file in (path, plan_file(path)) if file.is_file()) for name, path in programmes().items()
    }
    costs = tuple(sorted((notebooks / COSTS).glob("*")))
    sources = [Source(path, (*defined.get(path.stem, ()), *costs)) for path in chapters]
    sources.insert(0, Source(front, tuple(file for source in sources for file in source.definitions)))
    built = build_report(
        sources,
        data_folder=data,
        out_folder=out,
        cache_folder=cache or out / ".cache",
        title=TITLE,
        subtitle=f"{SUBTITLE}. Records complete to {long_date(linked.complete_to)}.",
        banner=BANNER if linked.synthetic else "",
        check=disclosure_check(linked),
        progress=progress,
    )
    write_atomically(out / RECORD, to_csv(record_of_texts(built.numbers)).encode("utf-8"))
    return replace(built, notes=(*built.notes, *too_short(linked)))
