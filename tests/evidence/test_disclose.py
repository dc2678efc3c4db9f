"""What must not be published is found in every kind of file, and nothing is found in what the project publishes."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from impact.cli import run
from impact.errors import ImpactError
from impact.evidence import disclose
from impact.records import read_linked

PDF = "reading PDF needs pypdf"


def notebook(path: Path, *outputs: dict[str, object], text: str = "", executed: bool = True) -> Path:
    cells: list[dict[str, object]] = [{"cell_type": "markdown", "metadata": {}, "source": [text]}]
    code = {"cell_type": "code", "metadata": {}, "source": "im.cohort(…)", "execution_count": 1 if executed else None}
    path.write_text(json.dumps({"cells": [*cells, {**code, "outputs": list(outputs)}]}), encoding="utf-8")
    return path


def html_table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["".join(f"<th>{cell}</th>" for cell in head)]
    lines += ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def shown(html: str) -> dict[str, object]:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": [html], "text/plain": ["…"]}}


def word(path: Path, rows: list[list[str]], text: str = "") -> Path:
    def paragraph(words: str) -> str:
        return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"

    table = "".join("<w:tr>" + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in rows)
    body = f"{paragraph(text)}<w:tbl>{table}</w:tbl>"
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    with zipfile.ZipFile(path, "w") as whole:
        whole.writestr("word/document.xml", f"<w:document {space}><w:body>{body}</w:body></w:document>")
    return path


def problems(*paths: Path, identifiers: tuple[str, ...] = ()) -> list[str]:
    return disclose(paths, identifiers=identifiers).tidy()["problem"].tolist()


TABLES = [
    (["Step", "Took part"], [["Referred", "64"], ["Started", "7"]], "shows counts under the minimum"),
    (["Step", "Took part"], [["Referred", "65"], ["Started", "fewer than 10"], ["Lost", "0"]], "shows counts"),
    (["", "n"], [["men", "1,205"], ["women", "3"]], "shows counts under the minimum"),
    (["", "n (%)"], [["men", "120 (97%)"], ["women", "3 (3%)"]], "shows counts under the minimum"),
    (["Step", "Took part"], [["Referred", "64"], ["Started", "4 of 64"], ["Lost", "*"]], "shows counts"),
    (["Step", "Took part"], [["Referred", "64.0"], ["Started", "4.0"], ["Lost", "NaN"]], "shows counts"),
    (["What", "Took part"], [["People", "7"], ["Mean score", "2.31"]], "shows counts under the minimum"),
    (["person_id", "score"], [["a", "0.31"], ["b", "0.62"]], "a column of people, one by one"),
    (["Surname", "Ward"], [["…", "…"]], "a column of people, one by one"),
    (["on", "what"], [["2023-01-04", "a"], ["2023-02-07", "b"], ["2023-05-01", "c"]], "single dates"),
]


@pytest.mark.parametrize(("head", "rows", "problem"), TABLES)
def test_a_planted_table_is_found_in_every_format(
    tmp_path: Path, head: list[str], rows: list[list[str]], problem: str
) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<html><body>{html_table(head, rows)}</body></html>", encoding="utf-8")
    book = notebook(tmp_path / "book.ipynb", shown(html_table(head, rows)))
    for path in (page, book, word(tmp_path / "word.docx", [head, *rows])):
        found = problems(path)
        assert len(found) == 1, (path.name, found)
        assert problem in found[0]


def test_tables_without_small_counts_pass(tmp_path: Path) -> None:
    rows = [["18 to 24", "35", "3", "−2", "31%", "2"], ["25 and over", "fewer than 10", "8", "5", "not shown", "9"]]
    head = ["Age", "People", "Difference", "Change", "Rate", "Deprivation decile of the area"]
    index = [["0", "45"], ["1", "60"]]
    path = notebook(tmp_path / "book.ipynb", shown(html_table(head, rows)), shown(html_table(["", "n"], index)))
    assert problems(path) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Of those, 3 people were recalled.", True),
        ("Seven women completed.", True),
        ("men: n = 4, events = 2", True),
        ("N: 4", True),
        ("4 of the 62 women were recalled.", True),
        ("Three other young men left, and 1 person was recalled.", True),
        ("Seven of the mothers came back.", True),
        ("Two groups of people in 2 kinds of programmes, 3 years of 40 men, over the 12/2022 quarter.", False),
        ("13 people were recalled, or 1,003 people in all; fewer than 10 people left.", False),
        ("For 100 typical people, 4 people fewer reoffended.", False),
        ("Rates rose by 1.3 people per 1,000; n = 40.", False),
    ],
)
def test_small_numbers_in_prose(tmp_path: Path, text: str, found: bool) -> None:
    assert bool(problems(notebook(tmp_path / "book.ipynb", text=text))) == found
    page = tmp_path / "page.html"
    page.write_text(f"<p>{text}</p>", encoding="utf-8")
    assert bool(problems(page)) == found


def test_identifiers_are_found_wherever_they_stand_and_never_repeated(tmp_path: Path) -> None:
    secret = "P0000042"
    page = tmp_path / "page.html"
    page.write_text(f"<p>fine</p><script>var a = '{secret}'</script><!-- x --><img alt='{secret}'>", encoding="utf-8")
    book = notebook(tmp_path / "book.ipynb", {"output_type": "stream", "text": [f"first: {secret}\n"]})
    paths = (page, book, word(tmp_path / "word.docx", [["a", "b"]], secret))
    for path in paths:
        result = disclose([path], identifiers=[secret, "P0000043"])
        assert "holds an identifier of the records" in result.tidy()["problem"].tolist()
        assert secret not in repr(result) + result.tidy().to_string()
        assert disclose([path], identifiers=["P000004"]).safe, "part of a word is no identifier"


def test_identifiers_too_short_are_said_and_the_others_still_looked_for(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>P0000042 came 42 times.</p>", encoding="utf-8")
    result = disclose([page], identifiers={"person, column person_id": ["42", "P0000042"], "family": ["7", "8"]})
    assert result.tidy()["problem"].tolist() == ["holds an identifier of the records"]
    assert result.tidy()["count"].tolist() == [1], "42 and 7 are words like others"
    assert result.notes == (
        "person, column person_id: 1 of 2 identifiers have fewer than 5 characters, and were not looked for.",
        "family: 2 of 2 identifiers have fewer than 5 characters, and were not looked for.",
    )
    assert disclose([page], identifiers=["42"]).notes[0].startswith("the identifiers given: 1 of 1")


def test_the_command_looks_for_what_it_can_in_records_with_short_identifiers(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(root / "data_synthetic", data)
    people = sorted(read_linked(data).table("person")["person_id"])
    short, planted = people[0], people[1]
    for path in data.glob("*.csv"):
        path.write_text(re.sub(rf"\b{short}\b", "17", path.read_text(encoding="utf-8")), encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(f"<p>{planted} came on the 17th.</p>", encoding="utf-8")
    assert run(["disclose", str(page), "--data", str(data)]) == 1
    said = capsys.readouterr().out
    assert "holds an identifier of the records" in said
    assert f"person, column person_id: 1 of {len(people):,} identifiers have fewer than 5 characters" in said
    assert planted not in said


def test_text_deleted_hidden_or_commented_in_word_is_read(tmp_path: Path) -> None:
    """A deletion that is tracked, hidden text, a comment, a field's instruction, an equation: all still in the file."""
    ns = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    bodies = {
        "deleted": "<w:p><w:del><w:r><w:delText>Of those, 3 people were recalled.</w:delText></w:r></w:del></w:p>",
        "moved": "<w:p><w:moveFrom><w:r><w:t>Of those, 3 people were recalled.</w:t></w:r></w:moveFrom></w:p>",
        "hidden": "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>Of those, 3 people were recalled.</w:t></w:r></w:p>",
    }
    for name, body in bodies.items():
        path = tmp_path / f"{name}.docx"
        with zipfile.ZipFile(path, "w") as whole:
            whole.writestr("word/document.xml", f'<w:document xmlns:w="{ns}"><w:body>{body}</w:body></w:document>')
        assert problems(path) == ["counts fewer people than the minimum"], name
    comment = word(tmp_path / "comment.docx", [["a", "b"]])
    with zipfile.ZipFile(comment, "a") as whole:
        text = "<w:p><w:r><w:t>Was it P0000042, one of 3 women?</w:t></w:r></w:p>"
        whole.writestr("word/comments.xml", f'<w:comments xmlns:w="{ns}"><w:comment>{text}</w:comment></w:comments>')
    assert set(problems(comment, identifiers=("P0000042",))) == {
        "holds an identifier of the records",
        "counts fewer people than the minimum",
    }
    for tag in ("w:instrText", "w:delInstrText", "w:fldData"):
        path = tmp_path / "field.docx"
        with zipfile.ZipFile(path, "w") as whole:
            body = f"<w:p><w:r><{tag}>HYPERLINK P0000042</{tag}></w:r></w:p>"
            whole.writestr("word/document.xml", f'<w:document xmlns:w="{ns}"><w:body>{body}</w:body></w:document>')
        assert problems(path, identifiers=("P0000042",)) == ["holds an identifier of the records"], tag


def test_a_deleted_row_of_a_table_in_word_is_read(tmp_path: Path) -> None:
    path = word(tmp_path / "row.docx", [["Step", "Took part"], ["Referred", "65"], ["Started", "7"]])
    with zipfile.ZipFile(path) as whole:
        text = whole.read("word/document.xml").decode()
    with zipfile.ZipFile(path, "w") as whole:
        whole.writestr("word/document.xml", text.replace("<w:t>7</w:t>", "<w:delText>7</w:delText>"))
    assert problems(path) == ["shows counts under the minimum"]


@pytest.mark.parametrize("part", ["word/embeddings/a.xlsx", "word/afchunk.mht", "word/vbaProject.bin", "data.csv"])
def test_any_file_inside_a_word_file_is_said(tmp_path: Path, part: str) -> None:
    path = word(tmp_path / "word.docx", [["a", "b"]])
    with zipfile.ZipFile(path, "a") as whole:
        whole.writestr(part, b"P0000042")
        whole.writestr("word/media/image1.png", b"")
        whole.writestr("word/fonts/font1.odttf", b"")
    assert problems(path) == ["holds a file, which was not read"]


def test_a_word_file_in_another_form_of_the_standard_is_refused_not_passed(tmp_path: Path) -> None:
    path = word(tmp_path / "word.docx", [["People"], ["4"]])
    with zipfile.ZipFile(path) as whole:
        text = whole.read("word/document.xml").decode()
    strict = text.replace("http://schemas.openxmlformats.org/wordprocessingml/2006", "http://purl.oclc.org/ooxml/w")
    with zipfile.ZipFile(path, "w") as whole:
        whole.writestr("word/document.xml", strict)
    with pytest.raises(ImpactError, match="cannot be read as docx"):
        disclose([path])


def test_files_and_unseen_words_in_a_page_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p>fine</p><a href="data:text/csv;base64,UDAwMDAwNDI=">the data</a>', encoding="utf-8")
    assert problems(page) == ["holds a file, which was not read"]
    page.write_text(
        '<link href="data:text/css,p{}"><img src="data:image/png;base64,AA=="><p>fine</p>', encoding="utf-8"
    )
    assert problems(page) == []
    for text in ("<?x P0000042 ?>", "<![CDATA[P0000042]]>", '<p style="display:none">P0000042</p>'):
        page.write_text(f"<p>fine</p>{text}", encoding="utf-8")
        assert problems(page, identifiers=("P0000042",)) == ["holds an identifier of the records"], text
    drawing = {"output_type": "display_data", "data": {"image/svg+xml": "<svg><text>P0000042</text></svg>"}}
    book = notebook(tmp_path / "book.ipynb", drawing)
    assert problems(book, identifiers=("P0000042",)) == ["holds an identifier of the records"]


def pdf(path: Path) -> Any:
    pypdf = pytest.importorskip("pypdf", reason=PDF)
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    writer.write(path)
    assert problems(path) == []
    return writer


def test_what_is_attached_to_a_pdf_is_said(tmp_path: Path) -> None:
    path = tmp_path / "page.pdf"
    writer = pdf(path)
    writer.add_attachment("rows.csv", b"person_id\nP0000042\n")
    writer.write(path)
    assert problems(path) == ["holds a file, which was not read"]


def test_comments_attached_files_and_bookmarks_of_a_pdf_are_read(tmp_path: Path) -> None:
    pytest.importorskip("pypdf", reason=PDF)
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

    path = tmp_path / "page.pdf"
    found = {"counts fewer people than the minimum", "holds an identifier of the records"}
    for kind in ("/Text", "/FileAttachment"):
        writer = pdf(path)
        note = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject(kind),
                NameObject("/Contents"): TextStringObject("Only 3 women, P0000042 among them."),
            }
        )
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])
        writer.write(path)
        more = {"holds a file, which was not read"} if kind == "/FileAttachment" else set()
        assert set(problems(path, identifiers=("P0000042",))) == found | more
    writer = pdf(path)
    writer.add_outline_item(title="P0000042", page_number=0)
    writer.write(path)
    assert problems(path, identifiers=("P0000042",)) == ["holds an identifier of the records"]
    writer = pdf(path)
    writer.add_metadata({"/Keywords": "P0000042"})
    writer.write(path)
    assert problems(path, identifiers=("P0000042",)) == ["holds an identifier of the records"]


def test_an_earlier_version_kept_in_a_pdf_is_said(tmp_path: Path) -> None:
    path = tmp_path / "page.pdf"
    pdf(path)
    pypdf = pytest.importorskip("pypdf", reason=PDF)
    writer = pypdf.PdfWriter(str(path), incremental=True)
    writer.add_metadata({"/Title": "mended"})
    writer.write(path)
    assert problems(path) == ["holds an earlier version of itself, which was not read"]


@pytest.mark.parametrize(
    "text",
    [
        "PNC 2010/1234567A",
        "PNC12/345678A",
        "123456/12A",
        "prison number A1234BC",
        "943 476 5919",
        "943-476-5919",
        "9434765919",
        "QQ 12 34 56 C".replace("QQ", "AB"),
        "someone@example.org",
        "L4 0TH",
        "SW1A 1AA",
        "0151 496 0123",
        "+44 7700 900123",
        "born on 3 April 1990",
        "DOB: 03/04/1990",
        "male, 1990-04-03",
        "0f" * 32,
    ],
)
def test_the_usual_forms_of_identifiers_are_known(tmp_path: Path, text: str) -> None:
    assert [line.split(" a", 1)[0] for line in problems(notebook(tmp_path / "book.ipynb", text=text))] == [
        "holds what looks like"
    ]


def test_identifiers_with_signs_joined_or_in_other_letters_are_found(tmp_path: Path) -> None:
    for secret, text in (("P0000042", "row p0000042_2023"), ("ref/42.7", "see REF/42.7 again")):
        book = notebook(tmp_path / "book.ipynb", text=text)
        assert problems(book, identifiers=(secret,)) == ["holds an identifier of the records"]


def test_what_a_page_does_not_show_is_read_too(tmp_path: Path) -> None:
    secret, held = ("P0000042",), "holds an identifier of the records"
    both = {"output_type": "display_data", "data": {"text/html": "<p>fine</p>", "text/plain": "P0000042"}}
    other = {"output_type": "display_data", "data": {"text/latex": "P0000042"}, "metadata": {}}
    noted = {"output_type": "display_data", "data": {"text/plain": ""}, "metadata": {"of": "P0000042"}}
    for output in (both, other, noted):
        assert problems(notebook(tmp_path / "book.ipynb", output), identifiers=secret) == [held]
    path = word(tmp_path / "word.docx", [["a", "b"]])
    with zipfile.ZipFile(path, "a") as whole:
        whole.writestr("word/charts/chart1.xml", "<c><v>P0000042</v></c>")
        whole.writestr("word/embeddings/data.xlsx", b"")
    assert problems(path, identifiers=secret) == ["holds a file, which was not read", held]


def test_a_cell_not_run_an_error_and_a_printed_frame_are_found(tmp_path: Path) -> None:
    assert problems(notebook(tmp_path / "a.ipynb", executed=False)) == [
        "was not run, so what it shows cannot be checked"
    ]
    error = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    assert "holds an error" in problems(notebook(tmp_path / "b.ipynb", error))[0]
    frame = {"output_type": "stream", "text": ["  person_id  score\n", "0  Q77   0.3\n"]}
    assert problems(notebook(tmp_path / "c.ipynb", frame)) == ["prints a table of people, one by one"]


@pytest.mark.parametrize("name", ["broken.ipynb", "broken.docx", "broken.html", "notes.txt", "missing.html"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if "missing" not in name:
        path.write_bytes(b"\xff\xfe\x00{broken")
    with pytest.raises(ImpactError, match=name.replace(".", r"\.")):
        disclose([path])


def test_nothing_is_found_in_the_committed_notebooks(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    books = [
        str(path) for path in sorted((root / "notebooks").rglob("*.ipynb")) if ".ipynb_checkpoints" not in str(path)
    ]
    assert len(books) > 5
    assert run(["disclose", *books, "--data", str(root / "data_synthetic")]) == 0, capsys.readouterr().out


@pytest.fixture(scope="module")
def report(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pypandoc")
    folder = tmp_path_factory.mktemp("report")
    assert run(["chapter", "shelter", "--data", str(root / "data_synthetic"), "--out", str(folder)]) == 0
    return folder


def test_nothing_is_found_in_a_built_report(root: Path, report: Path) -> None:
    identifiers = set(read_linked(root / "data_synthetic").table("person")["person_id"])
    for name in ("shelter.html", "shelter.docx"):
        result = disclose([report / name], identifiers=identifiers)
        assert result.safe, result


def test_nothing_is_found_in_a_built_pdf_and_what_is_planted_is(root: Path, report: Path) -> None:
    pytest.importorskip("pypdf", reason=PDF)
    assert disclose([report / "shelter.pdf"], identifiers=["P0000042"]).safe
    assert problems(report / "shelter.pdf", identifiers=("Shelter",)), "its text is read"
    broken = report / "broken.pdf"
    broken.write_bytes((report / "shelter.pdf").read_bytes()[:2000])
    with pytest.raises(ImpactError, match=r"broken\.pdf cannot be read"):
        disclose([broken])


def test_a_number_planted_in_the_built_report_is_found(report: Path) -> None:
    page = (report / "shelter.html").read_text(encoding="utf-8")
    assert page.count("fewer than 10") > 0
    (report / "planted.html").write_text(page.replace("fewer than 10", "4", 1), encoding="utf-8")
    assert problems(report / "planted.html") == ["shows counts under the minimum"]


def test_the_command_ends_with_one_where_something_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path / "book.ipynb", text="Of those, 3 people were recalled.")
    assert run(["disclose", str(path)]) == 1
    assert "book.ipynb, cell 1: counts fewer people than the minimum" in capsys.readouterr().out
    assert run(["disclose", str(tmp_path / "none.html")]) == 2
