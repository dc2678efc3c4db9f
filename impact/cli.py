"""The command `impact`, with progress shown on long work and one clear message on bad input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from impact.errors import ImpactError, InputError

if TYPE_CHECKING:
    from impact.report.build import Progress as Told
    from impact.report.since import SinceLast

app = typer.Typer(
    help="Whether programmes reduce reoffending, and how sure anyone can be.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
SHOWN = 20
console = Console(stderr=True, highlight=False, soft_wrap=True)

Data = Annotated[Path, typer.Option(help="Folder of CSV or Parquet files, or a DuckDB file, of linked records.")]
LastPeople = Annotated[
    str,
    typer.Option(help="What a reader knows of those in both: nested (all of the last are in this), overlapping, same."),
]
Definitions = Annotated[Path | None, typer.Option(help="Folder of further programme definition files.")]


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Where to write the made-up world.")],
    people: Annotated[int, typer.Option(help="People with a sentence; 1000000 for a national size.")] = 6000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 2022,
    form: Annotated[str, typer.Option(help="csv or parquet.")] = "csv",
) -> None:
    """Make a Merseyside-like world of made-up people whose true programme effects are written beside it."""
    from impact.synthetic import simulate as make

    with _progress() as told:
        make(folder, people=people, seed=seed, form=form, progress=lambda done, total: told("people", done, total))
    console.print(f"Written to {folder}; what is true is in {folder / 'truth.json'}.")


@app.command()
def dictionary() -> None:
    """Print the tables, columns, allowed values and meanings that linked records must have."""
    from impact.records import data_dictionary

    typer.echo(data_dictionary())


@app.command()
def link(
    left: Annotated[Path, typer.Argument(help="A CSV or Parquet file of people.")],
    out: Annotated[Path, typer.Option(help="A new folder for pairs, people, review and flow as CSV.")],
    right: Annotated[Path | None, typer.Argument(help="Another file; without it, duplicates in the first.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field and its column, as forename=first_name.")] = None,
    number: Annotated[str, typer.Option("--id", help="The column that numbers the records.")] = "record_id",
    key: Annotated[str | None, typer.Option(help="File with a secret, or env:NAME, for pseudonyms.")] = None,
    threshold: Annotated[float, typer.Option(help="Probability from which a pair is a link.")] = 0.9,
    one_to_one: Annotated[bool, typer.Option(help="Each record in one link at most.")] = False,
    engine: Annotated[str, typer.Option(help="duckdb or spark.")] = "duckdb",
) -> None:
    """Find the records that are of one person, in two files or in one."""
    from impact.records.linkage.files import link_files

    made = link_files(
        left, right, out, fields=field, key=key, engine=engine, id=number, threshold=threshold, one_to_one=one_to_one
    )
    typer.echo(repr(made))
    console.print(f"Written to {out}.")


@app.command()
def build(
    sources: Annotated[Path, typer.Argument(help="The folder of extracts and returns (CSV, workbook, Parquet).")],
    out: Annotated[Path, typer.Argument(help="A new folder for the store.")],
    columns: Annotated[Path, typer.Option("--map", help="The column map, a TOML file.")],
    key: Annotated[str, typer.Option(help="File with a secret, or env:NAME, for pseudonyms.")],
    definitions: Definitions = None,
) -> None:
    """Build a store of linked records from extracts and checked returns; all of it or nothing."""
    from impact.records import build_store

    typer.echo(repr(build_store(sources, out, map=columns, key=key, definitions=definitions)))
    console.print(f"Written to {out}.")


@app.command()
def template(
    programme: Annotated[str, typer.Argument(help="The programme, by the name of its definition file.")],
    out: Annotated[Path | None, typer.Option(help="The workbook; without it, PROGRAMME.xlsx here.")] = None,
    definitions: Definitions = None,
) -> None:
    """Write the workbook that a programme fills in, with its lists, limits and definitions."""
    from impact.cohort import programme as read_programme
    from impact.records import write_template

    read_programme(programme, definitions=definitions)
    path = out or Path(f"{programme}.xlsx")
    write_template(path, programme, definitions=definitions)
    console.print(f"Written: {path}")


@app.command()
def check(
    file: Annotated[
        Path, typer.Argument(help="A programme's return: a workbook, or a CSV file named after its table.")
    ],
    form: Annotated[str, typer.Option(help="individual, old-2021 or online-2021.")] = "individual",
    programme: Annotated[str | None, typer.Option(help="The programme that sent it.")] = None,
    received: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day it came.")] = None,
    areas: Annotated[Path | None, typer.Option(help="The area table as CSV, with a column lsoa.")] = None,
    marked: Annotated[Path | None, typer.Option(help="Write a copy with comments on the cells, an .xlsx.")] = None,
    definitions: Definitions = None,
) -> None:
    """Check a return and print the letter to its programme; exit status 1 where it cannot be used as it is."""
    from impact.cohort import programme as read_programme
    from impact.records import check_return

    if programme is not None:
        read_programme(programme, definitions=definitions)
    checked = check_return(
        file,
        form=form,
        programme=programme,
        received_on=None if received is None else received.date(),
        areas=None if areas is None else _codes(areas),
        definitions=definitions,
    )
    typer.echo(checked.requests)
    for note in checked.notes:
        console.print(note)
    if marked is not None:
        checked.write_marked(marked)
        console.print(f"Written: {marked}")
    if not checked.ok:
        raise typer.Exit(1)


def _codes(areas: Path) -> set[str]:
    """The codes of an area table."""
    import csv

    try:
        with areas.open(encoding="utf-8-sig", newline="") as file:
            return {row["lsoa"] for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise InputError(f"The area table {areas.name} cannot be read as CSV in UTF-8 with a column lsoa.") from error


@app.command()
def chapter(
    programme: Annotated[str, typer.Argument(help="The programme, by the name of its definition file.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the chapter in HTML, PDF and Word.")],
    definitions: Definitions = None,
    follow_up: Annotated[int, typer.Option(help="Days in which a reoffence counts.")] = 365,
    waiting: Annotated[int, typer.Option(help="Further days in which it may be proven.")] = 183,
    unplanned: Annotated[bool, typer.Option("--unplanned", help="There is no plan, and the chapter says so.")] = False,
    last: Annotated[Path | None, typer.Option(help="Numbers of the last release, to compare the counts with.")] = None,
    last_people: LastPeople = "nested",
    keep: Annotated[Path | None, typer.Option(help="Keep these numbers here, to be the next chapter's --last.")] = None,
    cost: Annotated[Path | None, typer.Option(help="A file that says what the programme cost, a .toml.")] = None,
) -> None:
    """Write one programme's evaluation chapter."""
    from impact.cohort import programme as read_programme
    from impact.evidence.published import identifiers_of, not_looked_for
    from impact.records import read_linked
    from impact.records.atomic import write_atomically
    from impact.records.safecsv import to_csv
    from impact.report.build import numbers_of, write_documents, write_expected
    from impact.report.chapter import chapter as make
    from impact.report.document import Chapter, assemble
    from impact.report.publish import BANNER, RECORD, disclosure_check
    from impact.report.since import read_numbers, since_last

    before = None if last is None else read_numbers(last)

    with _progress() as told:
        linked = read_linked(data, definitions=definitions)
        told("records read and checked", 1, 3)
        defined = read_programme(programme, definitions=definitions)
        made = make(defined, linked, follow_up=follow_up, waiting=waiting, unplanned=unplanned, cost=cost)
        blocks = made.blocks()
        numbers = numbers_of(blocks)
        since = since_last(numbers, before, people=last_people)
        told("numbers computed", 2, 3)
        document = assemble(
            [Chapter(made.programme.name, blocks)],
            title=made.programme.title,
            subtitle="Evaluation chapter",
            banner=BANNER if linked.synthetic else "",
        )
        files = write_documents(document, blocks, out, made.programme.name, check=disclosure_check(linked))
        write_atomically(out / f"{made.programme.name}_{RECORD}", to_csv(since.record).encode("utf-8"))
        told("documents written", 3, 3)
    for note in not_looked_for(identifiers_of(linked)):
        console.print(note)
    for file in files:
        console.print(f"Written: {file}")
    if keep is not None:
        write_expected(numbers, keep)
        console.print(f"The numbers are kept in {keep}.")
    if last is not None:
        _say_since(since, last)


def _say_since(since: SinceLast, last: Path, *, accepted: bool = False) -> None:
    """Say what the counts tell beside the last release; end with 1 where something is told too closely."""
    console.print(f"{since.compared:,} counts were compared with those of {last}. {' '.join(since.notes)}")
    for line in since.lines[:SHOWN]:
        console.print(f"Beside the last release: {line}")
    if len(since.lines) > SHOWN:
        console.print(f"… and {len(since.lines) - SHOWN} more; the record of outputs has them all.")
    if not since.safe and not accepted:
        console.print(
            "Counts are told too closely by this release and the last together: before it is published, withhold them,"
            " or say what readers know with --last-people."
        )
        raise typer.Exit(1)


@app.command()
def report(
    data: Data = Path("data_synthetic"),
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("reports"),
    notebooks: Annotated[Path, typer.Option(help="Folder of annual.ipynb and programmes/.")] = Path("notebooks"),
    accept: Annotated[bool, typer.Option(help="Keep these numbers as the expected ones.")] = False,
    last: Annotated[
        Path | None,
        typer.Option(help="Numbers of the last release; unless said, expected.json in the report's folder."),
    ] = None,
    last_people: LastPeople = "nested",
) -> None:
    """Build the annual report and one file for each chapter; an unchanged chapter is taken from cache."""
    from impact.report.build import compare_expected, write_expected
    from impact.report.publish import build_annual

    with _progress() as told:
        built = build_annual(data, out, notebooks, last=last, last_people=last_people, progress=told)
    for note in built.notes:
        console.print(note)
    console.print(
        f"{len(built.executed)} chapters run, {len(built.cached)} taken from cache"
        + ("; the files stood already." if built.unchanged else ".")
    )
    console.print(f"The report: {out / 'annual_report.html'}, .pdf and .docx; each chapter in {out / 'chapters'}.")
    expected = out / "expected.json"
    if accept:
        write_expected(built.numbers, expected)
        console.print(f"The numbers are now those expected ({expected}).")
    elif expected.is_file():
        changed = compare_expected(built.numbers, expected)
        for line in changed[:SHOWN]:
            console.print(f"Changed: {line}")
        console.print(
            f"{len(changed)} numbers differ from {expected}." if changed else f"Every number is as in {expected}."
        )
    if built.since is not None and (built.since.compared or built.since.lines):
        _say_since(built.since, last or expected, accepted=accept)


@app.command()
def disclose(
    files: Annotated[list[Path], typer.Argument(help="Executed notebooks, HTML, Word and PDF files.")],
    data: Annotated[Path | None, typer.Option(help="The linked records; none of their identifiers may stand.")] = None,
) -> None:
    """Read files before they are published; ends with 1 where rows of people, identifiers or small counts are found."""
    from impact.evidence import disclose as check
    from impact.evidence.published import identifiers_of
    from impact.records import read_linked

    identifiers = {} if data is None else identifiers_of(read_linked(data))
    found = check(files, identifiers=identifiers)
    typer.echo(found)
    if not found.safe:
        raise typer.Exit(1)


@app.command()
def notebooks(
    folder: Annotated[Path, typer.Argument(help="Every notebook in it is run and stored with its outputs.")] = Path(
        "notebooks"
    ),
) -> None:
    """Run the notebooks and store their outputs in them."""
    from impact.report.notebook import refresh

    paths = [path for path in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
    with _progress() as told:
        for place, path in enumerate(paths, start=1):
            changed = refresh(path)
            told(f"{path.stem}: {'new outputs' if changed else 'as before'}", place, len(paths))


@contextmanager
def _progress() -> Iterator[Told]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("starting", total=None)

        def told(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)
            if not console.is_terminal:
                console.print(f"{done} of {total}: {step}")

        try:
            yield told
        except KeyboardInterrupt:
            console.print("Interrupted. What stood before is still in place.")
            raise typer.Exit(130) from None


def run(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 something found, 2 refused, 130 interrupted."""
    try:
        app(args=arguments, prog_name="impact")
    except ImpactError as refused:
        print(refused, file=sys.stderr)
        return 2
    except OSError as refused:
        place = "A file" if refused.filename is None else Path(str(refused.filename)).name
        print(f"{place} could not be read or written: {refused.strerror or refused}.", file=sys.stderr)
        return 2
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0
