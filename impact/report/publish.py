"""The annual report from its notebooks: what it is called, which chapters it has, and what stands on every page."""

from __future__ import annotations

from pathlib import Path

from impact.cohort.programme import programmes
from impact.errors import ReportError
from impact.evidence.plan import plan_file
from impact.records import read_linked
from impact.report.build import Built, Progress, Source, build_report
from impact.report.words import long_date

TITLE = "Do the programmes reduce reoffending?"
SUBTITLE = "Annual report of the partnership"
BANNER = (
    "Made from synthetic data. Nothing here describes a real person or the results of a real programme; the programmes'"
    " names are used to show what a report would hold."
)


def build_annual(
    data: Path, out: Path, notebooks: Path, *, cache: Path | None = None, progress: Progress | None = None
) -> Built:
    """Build the annual report from `annual.ipynb` and the notebooks of the programmes.

    Parameters
    ----------
    data : Path
        The linked records.
    out : Path
        Where the report goes.
    notebooks : Path
        The folder of ``annual.ipynb`` and ``programmes/``.
    cache : Path, optional
        Where what need not be done twice is kept; ``.cache`` in `out` unless said.
    progress : callable, optional
        Told after each step.

    Raises
    ------
    RecordsError
        Where the records are refused, before any notebook runs.
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
    sources = [Source(path, defined.get(path.stem, ())) for path in chapters]
    sources.insert(0, Source(front, tuple(file for source in sources for file in source.definitions)))
    return build_report(
        sources,
        data_folder=data,
        out_folder=out,
        cache_folder=cache or out / ".cache",
        title=TITLE,
        subtitle=f"{SUBTITLE}. Records complete to {long_date(linked.complete_to)}.",
        banner=BANNER if linked.synthetic else "",
        progress=progress,
    )
