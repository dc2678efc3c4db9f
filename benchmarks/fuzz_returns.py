"""Returns changed at random, guided by the lines that they reach: nothing in them may end a check in any other way.

Templates, filled returns, CSV files and forms of totals are changed byte by byte, inside their parts and around them.
What reaches a line from another than before is kept and changed further. Every input is checked, and many are marked;
an exception that is not documented, a minute without an end, a return that is changed and a copy that cannot be read
are findings: each is written to the folder, with the place where it stood.

Run as ``python benchmarks/fuzz_returns.py [minutes [seed [folder]]]``; the default is 10 minutes, seed 1, fuzz_found.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from openpyxl import Workbook, load_workbook

from impact.errors import InputError
from impact.records.returns.asked import asked_of
from impact.records.returns.check import check_return
from impact.records.returns.legacy import FORMS
from impact.records.returns.rules import rules
from impact.records.returns.sheets import DamagedError, TooLargeError
from impact.records.returns.template import example, tables, write_template
from impact.records.returns.workbook import MAIN, read_workbook

LONGEST = 60
MEMORY = 4 << 30
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HERE = "/impact/records/returns/"
WORDS = [
    b"<", b">", b"/>", b"&", b"&amp;", b"&#0;", b"&x;", b'"', b"'", b"=", b"\0", b"]]>", b"<![CDATA[", b"<!--", b"-->",
    b"<!DOCTYPE a>", b"<c>", b"</c>", b'<c r="A1">', b"<row>", b"</row>", b'<row r="1048576">', b"<v>", b"</v>", b"<f>",
    b"<is><t>", b'<f t="shared" si="0"/>', b't="s"', b't="b"', b't="d"', b't="e"', b't="str"', b't="inlineStr"',
    b't="n"', b's="1"', b's="99999"', b"XFD1048576", b"A0", b"ZZZZ9", b"-1", b"0", b"60", b"1e308", b"NaN", b"Infinity",
    b"2958466", b"9" * 30, b"9" * 5000, b"44593", b"2022-02-30", b"2022-02-01", b"2022-02-01T00:00:00", b"unknown",
    b'<mergeCell ref="A1:XFD1048576"/>', b'<mergeCells><mergeCell ref="A1:B9"/></mergeCells>', b'date1904="1"',
    b'state="veryHidden"', b'hidden="1"', b"_x0000_", b"_xD800_", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\xa9", b"\xe9",
    "\u200b\u202e\U0001f600".encode(), b",", b",,,,,,,,", b"\n", b"\r", b"\r\n\r\n", b";", b"\t", b'""', b" ", b"=1+1",
    b"#REF!", b"+44 151 496 0000", b"a@b.org", b"person_id", b"related_id", b"birth_date", b"Total", b"Sex", b"parent",
    b"18 - 25", b"25+", b"post code", b"TargetMode=\"External\"", b"rId1", b"../../x", b"/xl/workbook.xml", b"xl/",
    b'Type="http://x/worksheet"', b'Type="http://x/image"', b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"xmlns=",
    b'<sheetProtection sheet="1"/>', b'<dataValidation sqref="A1:XFD1048576"/>', b"PK\x03\x04", b"PK\x01\x02",
]  # fmt: skip
FORM = (
    b"Section,Category,Number\nTotal,Beneficiaries,70\nSex,Female,18\n,Male,10\nAdults,Parent/Carers,18\n,18 - 25,5\n"
)
SHARED = (
    '<sst xmlns="{main}"><si><t>person_id</t></si><si><t>programme</t></si><si><t>pathway</t></si><si><t>'
    'identified_on</t></si><si><t>met_on</t></si><si><r><t>pops</t></r><rPh sb="0" eb="1"><t>read</t>'
    "</rPh></si><si><t>health</t></si><si><t>a_x000D_b</t></si></sst>"
)
CELLS = (
    '<worksheet xmlns="{main}"><cols><col min="1" max="2" width="9" hidden="1"/></cols><sheetData>'
    '<row r="1" ht="20"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v>'
    '</c><c r="D1" t="s"><v>3</v></c><c r="E1" t="s"><v>4</v></c></row><row r="2"><c r="A2" t="s"><v>'
    '7</v></c><c r="B2" t="s"><v>5</v></c><c r="C2" t="s"><v>6</v></c><c r="D2" s="1"><v>44593</v></c>'
    '<c r="E2" t="d"><v>2022-02-01T00:00:00</v></c></row><row r="3" hidden="1"><c r="A3" t="b"><v>1</v>'
    '</c><c r="B3" t="e"><v>#REF!</v></c><c r="C3"><f>A1</f><v>1</v></c><c r="D3" s="1"><v>60</v></c>'
    '</row></sheetData><sheetProtection sheet="1"/><mergeCells><mergeCell ref="A4:B5"/></mergeCells>'
    '<dataValidations count="1"><dataValidation type="list" sqref="C2:C9"><formula1>"health"</formula1>'
    "</dataValidation></dataValidations></worksheet>"
)
STYLES = (
    '<styleSheet xmlns="{main}"><numFmts count="1"><numFmt numFmtId="170" formatCode="yyyy-mm-dd"/>'
    "</numFmts><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders><cellXfs><xf/>"
    '<xf numFmtId="170"/></cellXfs></styleSheet>'
)
SLIPS = [["P1", "P1", "parent"], ["P2", "=1+1", "child"], ["p-2", None, "cousin"], [3.5, True, "#REF!"]]


class LateError(BaseException):
    """An input took too long."""


def late(*_: object) -> None:
    """Stop what is under way."""
    raise LateError


def seeds(folder: Path) -> list[tuple[bytes, str]]:
    """Returns to begin with, each with the name of its file."""
    path, asked = folder / "seed.xlsx", asked_of("pops", None)
    write_template(path, "pops")
    held = [(path.read_bytes(), "a.xlsx")]
    book = load_workbook(path)
    for table in tables():
        book[table.name].append([example(table, column, asked) for column in table.columns])
    book.save(path)
    held.append((path.read_bytes(), "a.xlsx"))
    book = Workbook()
    for name, header, rows in (
        ("family", ["person_id", "related_id", "relation"], SLIPS),
        (
            "person",
            ["person_id", "sex", "birth_date", "birth_month", "ethnicity"],
            [["P1", "Male", 44593, "x", ""]] * 3,
        ),
    ):
        sheet = book.create_sheet(name)
        for row in [header, *rows]:
            sheet.append(row)
        sheet.merge_cells("A4:B5")
    book.save(path)
    held.append((path.read_bytes(), "a.xlsx"))
    check_return(path).write_marked(folder / "marked.xlsx")
    held.append(((folder / "marked.xlsx").read_bytes(), "a.xlsx"))
    book = Workbook()
    book.active.title = "need"
    book.active["A1"] = "x"
    book.save(path)
    held.append((by_hand(path.read_bytes()), "a.xlsx"))
    for table in tables():
        row = ",".join(str(example(table, column, asked)) for column in table.columns)
        text = ",".join(column.name for column in table.columns) + f"\n{row}\n{row}\n"
        held.append((text.encode(), f"{table.name}.csv"))
    return [*held, (FORM, "form.csv"), (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "a.xlsx")]


def by_hand(book: bytes) -> bytes:
    """A workbook with texts that cells share, which the package that writes workbooks no longer makes."""
    own = {"xl/sharedStrings.xml": SHARED, "xl/worksheets/sheet1.xml": CELLS, "xl/styles.xml": STYLES}
    shared = f'<Relationship Id="shared" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    with zipfile.ZipFile(io.BytesIO(book)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    links = parts["xl/_rels/workbook.xml.rels"].decode()
    parts |= {name: text.format(main=MAIN[0]).encode() for name, text in own.items()}
    parts["xl/_rels/workbook.xml.rels"] = links.replace("</Relationships>", shared).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as held:
        for name, content in parts.items():
            held.writestr(name, content)
    return made.getvalue()


def changed(rng: random.Random, raw: bytes, others: list[bytes]) -> bytes:
    """Bytes with one to six changes: cut, doubled, overwritten, put in, taken from another input."""
    held = bytearray(raw)
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        at = rng.randrange(len(held) + 1)
        how = rng.randrange(7)
        if how == 0:
            held[at : at + 1] = bytes([rng.randrange(256)])
        elif how == 1:
            del held[at : at + rng.choice([1, 4, 30, 300])]
        elif how == 2:
            held[at:at] = held[at : at + rng.choice([5, 50, 500])] * rng.choice([1, 2, 9])
        elif how in (3, 4):
            held[at : at + rng.choice([0, 0, 1, 8])] = rng.choice(WORDS)
        elif how == 5:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            held[at : at + rng.choice([0, 40])] = other[start : start + rng.choice([10, 100, 1000])]
        else:
            digits = [place for place in range(at, min(at + 400, len(held))) if 48 <= held[place] < 58]
            if digits:
                held[rng.choice(digits)] = rng.randrange(48, 58)
    return bytes(held[: 1 << 20])


def parts_of(raw: bytes) -> list[tuple[str, bytes]]:
    """The parts of an archive; none where it is not one."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as held:
            return [(part.filename, held.read(part)) for part in held.infolist() if part.file_size < 1 << 20]
    except Exception:
        return []


def next_input(rng: random.Random, corpus: list[tuple[bytes, str]]) -> tuple[bytes, str]:
    """An input changed inside its parts or around them."""
    raw, name = rng.choice(corpus)
    parts = parts_of(raw)
    if not parts or rng.random() < 0.15:
        return changed(rng, raw, [rng.choice(corpus)[0]]), name
    place = rng.randrange(len(parts))
    for _ in range(6):
        if "sheet" not in parts[place][0] and "workbook" not in parts[place][0] and rng.random() < 0.6:
            place = rng.randrange(len(parts))
    part, content = parts[place]
    how = rng.random()
    if how < 0.04:
        del parts[place]
    elif how < 0.08:
        parts.append((part, content))
    elif how < 0.12:
        parts[place] = (changed(rng, part.encode(), [b"xl/"]).decode("utf-8", "replace") or "x", content)
    elif how < 0.15:
        parts.append((rng.choice(["xl/vbaProject.bin", "xl/media/a.png", "../x", "xl/comments9.xml"]), content))
    else:
        parts[place] = (part, changed(rng, content, [content for _, content in parts]))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as held:
        for title, content in parts:
            held.writestr(title.replace("\0", "x"), content)
    return made.getvalue(), name


def tracer(reached: set[tuple[str, int, int]]) -> Callable[..., Any]:
    """A trace that notes from which line to which other the returns' own code goes."""
    last = [0]

    def local(frame: FrameType, event: str, _: object) -> Callable[..., Any]:
        if event == "line":
            reached.add((frame.f_code.co_filename, last[0], frame.f_lineno))
            last[0] = frame.f_lineno
        return local

    def begin(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        return local if event == "call" and HERE in frame.f_code.co_filename else None

    return begin


def run(raw: bytes, path: Path, rng: random.Random, trace: Callable[..., Any]) -> None:
    """One input through everything that reads it, its way through the check followed."""
    path.write_bytes(raw)
    how: dict[str, Any] = {
        "form": rng.choice(["individual", "individual", "individual", *FORMS]),
        "programme": rng.choice([None, "pops"]),
        "areas": rng.choice([None, ["E01006512"]]),
    }
    sys.settrace(trace)
    try:
        if raw.startswith(b"PK"):
            with contextlib.suppress(DamagedError, TooLargeError):
                read_workbook(raw)
        checked = check_return(path, **how)
    finally:
        sys.settrace(None)
    repr(checked)
    assert set(checked.findings["rule"]) <= set(rules()), "a rule is not held"
    if rng.random() < 0.1:
        assert checked.findings.equals(check_return(path, **how).findings), "the same return has other findings"
    if rng.random() < 0.2:
        out = path.parent / "marked.xlsx"
        try:
            checked.write_marked(out)
        except InputError:
            assert not out.exists(), "a copy that was refused was written"
        else:
            read_workbook(out.read_bytes())
            load_workbook(out)
            out.unlink()
    assert path.read_bytes() == raw, "the return was changed"
    assert [one.name for one in path.parent.iterdir()] == [path.name], "something was left behind"


def main(minutes: float, seed: int, folder: Path) -> None:
    """Run for some minutes; print how many inputs, what they reached and each finding."""
    rng = random.Random(seed)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, late)
    with tempfile.TemporaryDirectory() as place:
        corpus = seeds(Path(place))
    reached: set[tuple[str, int, int]] = set()
    found: dict[str, int] = {}
    start, runs, waiting = time.monotonic(), 0, list(corpus)
    slowest = 0.0
    while time.monotonic() - start < 60 * minutes:
        raw, name = waiting.pop() if waiting else next_input(rng, corpus)
        before, began, kind = len(reached), time.monotonic(), ""
        with tempfile.TemporaryDirectory() as place:
            signal.alarm(LONGEST)
            try:
                run(raw, Path(place) / name, rng, tracer(reached))
            except (LateError, Exception) as error:
                where = [one for one in traceback.extract_tb(error.__traceback__) if HERE in one.filename]
                last = where[-1] if where else traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
            finally:
                signal.alarm(0)
        runs += 1
        slowest = max(slowest, time.monotonic() - began)
        if kind:
            found[kind] = found.get(kind, 0) + 1
            if found[kind] == 1:
                folder.mkdir(parents=True, exist_ok=True)
                told = folder / f"{hashlib.sha256(raw).hexdigest()[:12]}-{name}"
                told.write_bytes(raw)
                print(f"{kind}: {told}", flush=True)
        elif len(reached) > before and len(raw) < 200_000:
            corpus.append((raw, name))
        if runs % 500 == 0:
            print(f"{runs:,} inputs, {len(corpus)} kept, {len(reached):,} steps, slowest {slowest:.1f} s", flush=True)
    print(
        f"{runs:,} inputs in {minutes:g} minutes, {len(corpus)} kept, {len(reached):,} steps from line to line reached"
    )
    print(f"Slowest {slowest:.1f} s. Findings: {found or 'none'}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        float(given[0]) if given else 10,
        int((*given, 1, 1)[1]),
        Path((*given, "", "", "fuzz_found")[2] or "fuzz_found"),
    )
