"""The annual report from its notebooks: what it is called, which chapters it has, and what stands on every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from impact.cohort.programme import programmes
from impact.errors import DisclosureError, Fault, ReportError
from impact.evidence import disclose
from impact.evidence.plan import plan_file
from impact.evidence.published import identifiers_of, not_looked_for
from impact.frames import check_choice
from impact.records import Linked, read_linked
from impact.records.atomic import write_atomically
from impact.records.safecsv import to_csv
from impact.report.build import Built, Check, Progress, Source, build_report
from impact.report.since import KNOWN, between_chapters, read_numbers, since_last, with_findings
from impact.report.words import long_date

TITLE = "Do the programmes reduce reoffending?"
SUBTITLE = "Annual report of the partnership"
BANNER = (
    "Made from synthetic data. Nothing here describes a real person or the results of a real programme; the programmes'"
    " names are used to show what a report would hold."
)


CHECKED = (".html", ".docx")
RECORD, EXPECTED = "outputs.csv", "expected.json"
COSTS = "costs"


def disclosure_check(linked: Linked) -> Check:
    """What stops a build whose HTML or Word file shows what may not be published.

    The PDF is of the same document, and the chapters alone hold nothing that the whole does not.
    """
    identifiers = identifiers_of(linked)

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


def nested_programmes(linked: Linked, names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of programmes of which everyone referred to the first was referred to the second too."""
    referral = linked.table("referral")
    people = {name: set(referral.loc[(referral["programme"] == name).fillna(False), "person_id"]) for name in names}
    return [(one, two) for one, two in permutations(names, 2) if people[one] and people[one] <= people[two]]


def build_annual(
    data: Path,
    out: Path,
    notebooks: Path,
    *,
    last: Path | None = None,
    last_people: str = "nested",
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Built:
    """Build the annual report from `annual.ipynb` and the notebooks of the programmes.

    Its HTML and Word files are read by `impact.disclose` before any file is put in place. Beside them stands
    ``outputs.csv``, the record of each number shown: its status, the reason and the rule, what the last release showed,
    and what the two tell together.

    Parameters
    ----------
    data : Path
        The linked records.
    out : Path
        Where the report goes.
    notebooks : Path
        The folder of ``annual.ipynb`` and ``programmes/``; the chapters are run again where a file in its ``costs/``
        changes.
    last : Path, optional
        The numbers of the last release, as ``--accept`` keeps them; ``expected.json`` in `out` unless said, and none
        where that is not there.
    last_people : str
        What a reader knows of the people in both releases; see `since_last`.
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
    last = out / EXPECTED if last is None and (out / EXPECTED).is_file() else last
    before = None if last is None else read_numbers(last)
    check_choice("last_people", last_people, tuple(KNOWN))
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
    shared = between_chapters(built.numbers, nested_programmes(linked, [path.stem for path in chapters]))
    since = with_findings(since_last(built.numbers, before, people=last_people), shared)
    write_atomically(out / RECORD, to_csv(since.record).encode("utf-8"))
    return replace(built, since=since, notes=(*built.notes, *not_looked_for(identifiers_of(linked))))
