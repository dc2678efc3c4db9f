"""Large returns checked and marked: median seconds of three, by the clock and of the processor, and peak memory.

Made-up returns are written to a temporary folder; each step runs in three processes of its own.

Run as ``python benchmarks/returns.py``.
"""

from __future__ import annotations

import datetime as dt
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from openpyxl import Workbook

from impact.records.returns.check import check_return
from impact.records.returns.template import tables

TIMES = 3
GIB = 1024**2
FIRST = dt.date(2022, 1, 1)
SIZES = {"person": 20_000, "family": 5_000, "referral": 20_000, "participation": 20_000, "assessment": 20_000}
SIZES |= {"need": 10_000, "story": 500}
COLUMNS = {table.name: [column.name for column in table.columns] for table in tables()}


def rows(table: str, count: int, *, slips: bool) -> Iterator[list[object]]:
    """Made-up rows of one table; with slips, the programme's name is wrong in each."""
    rng = random.Random(table)
    programme = "moms" if slips else "pops"
    for n in range(count):
        who, day = f"K{n:06d}", FIRST + dt.timedelta(days=rng.randrange(300))
        later = day + dt.timedelta(days=rng.randrange(1, 90))
        yield {
            "person": [who, "male", dt.date(1980 + n % 20, 1 + n % 12, 1 + n % 28), None, "white", "E01006512", None],
            "family": [who, f"K{n + 1:06d}", "sibling"],
            "referral": [who, programme, day, "probation", "accepted", later, None],
            "participation": [who, programme, "family_support", later, None, "active", 12, n % 12, None],
            "assessment": [who, programme, "homelessness_star", "money", 1, later, 1 + n % 10],
            "need": [who, programme, "health", day, later],
            "story": [programme, "2023-Q1", "It went well.", True],
        }[table]


def workbook(path: Path, sizes: dict[str, int], others: int = 0, *, slips: bool = False) -> None:
    """A return with these tables, and further sheets of 350 rows that are none of the template's."""
    book = Workbook(write_only=True)
    for name, count in [*sizes.items(), *((f"other {n}", 350) for n in range(others))]:
        table = name if name in COLUMNS else "need"
        sheet = book.create_sheet(name)
        sheet.append(COLUMNS[table])
        for row in rows(table, count, slips=slips):
            sheet.append(row)
    book.save(path)


def csv(path: Path, count: int, *, slips: bool = False) -> None:
    """A file of episodes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS["participation"]) + "\n")
        for row in rows("participation", count, slips=slips):
            file.write(",".join("" if cell is None else str(cell) for cell in row) + "\n")


def step(path: Path, mark: bool) -> None:
    """One check, or the marking after one, in this process; prints seconds, peak memory and how many findings."""
    start, busy = time.perf_counter(), time.process_time()
    checked = check_return(path, programme="pops")
    if mark:
        start, busy = time.perf_counter(), time.process_time()
        checked.write_marked(path.with_name("marked.xlsx"))
    taken, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB
    rules = sorted(set(checked.findings["rule"]))
    print(f"{taken} {busy} {peak} {len(checked.findings):,} findings: {', '.join(rules) or 'none'}")


def timed(what: str, path: Path, *how: str) -> None:
    """Run one step several times; print its median."""
    measured, told = [], ""
    for _ in range(TIMES):
        command = [sys.executable, __file__, "--step", str(path), *how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        *numbers, told = done.stdout.strip().split(" ", 3)
        measured.append([float(number) for number in numbers])
    taken, busy, peak = (statistics.median(values) for values in zip(*measured, strict=True))
    size = path.stat().st_size / 1e6
    print(f"{what:<54} {size:6.1f} MB {taken:6.1f} s ({busy:5.1f} s of processor) {peak:.2f} GiB  {told}", flush=True)


def main() -> None:
    """Print one line for each return."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        book, whole = folder / "a.xlsx", folder / "participation.csv"
        workbook(book, SIZES, others=13)
        timed("20 sheets, 100,000 rows in all: checked", book)
        timed("the same: marked", book, "mark")
        workbook(book, {"participation": 100_000})
        timed("one sheet of 100,000 rows: checked", book)
        timed("the same: marked", book, "mark")
        workbook(book, {"participation": 100_000}, slips=True)
        timed("one sheet of 100,000 rows, a slip in each: checked", book)
        timed("the same: marked", book, "mark")
        workbook(book, dict.fromkeys(SIZES, 100_000), others=13)
        timed("7 sheets of 100,000 rows each: refused", book)
        csv(whole, 100_000)
        timed("CSV of 100,000 rows: checked", whole)
        timed("the same: marked", whole, "mark")
        csv(whole, 333_000)
        timed("CSV of 333,000 rows, all but 3 million cells: checked", whole)
        csv(whole, 3_000_000)
        timed("CSV of 3 million rows: refused", whole)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        step(Path(sys.argv[2]), sys.argv[3:] == ["mark"])
    else:
        main()
