from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest

from impact.errors import DisclosureError, ReportError
from impact.report import build as module
from impact.report.build import Built, build_report, compare_expected, write_expected
from impact.report.notebook import blocks_of, execute, normalise, refresh
from impact.report.publish import disclosure_check

SHOWN = """
import pandas as pd
from pathlib import Path
from impact.report.exhibits import Section, Statement, Table
referred = Path(data_folder, "n.txt").read_text()
flow = Table("NAME-flow", "Flow", pd.DataFrame({"Step": ["Referred"], "Participants": [referred]}))
print("not in the report")
Section("Who came", (flow, Statement("NAME-said", f"{referred} were referred; see @NAME-flow.")))
"""


def notebook(folder: Path, name: str, code: str = SHOWN, data: str = "nowhere") -> Path:
    v4 = nbformat.v4
    cells = [
        v4.new_markdown_cell(f"# Chapter {name}"),
        v4.new_markdown_cell("For the notebook only.", metadata={"tags": ["remove-cell"]}),
        v4.new_code_cell(f"data_folder = {data!r}", metadata={"tags": ["parameters"]}),
        v4.new_code_cell(code.replace("NAME", name)),
    ]
    path = folder / f"{name}.ipynb"
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


class Place:
    def __init__(self, root: Path) -> None:
        self.root, self.data, self.out = root, root / "data", root / "reports"
        self.data.mkdir()
        self.referred("90")

    def referred(self, value: str) -> None:
        (self.data / "n.txt").write_text(value)

    def build(self, *notebooks: Path, **settings: object) -> Built:
        folders = {"data_folder": self.data, "out_folder": self.out, "cache_folder": self.root / "cache"}
        return build_report(notebooks, **folders, title="Annual report", banner="Synthetic", **settings)

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.out)): p.read_bytes() for p in sorted(self.out.rglob("*")) if p.is_file()}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(module, "code_digest", lambda: "the same code")
    return Place(tmp_path)


def test_a_report_is_built_once_and_rebuilt_only_where_something_changed(place: Place) -> None:
    steps: list[tuple[str, int, int]] = []
    pair = [notebook(place.root, "pops"), notebook(place.root, "moms")]
    first = place.build(*pair, progress=lambda *step: steps.append(step))
    assert sorted(first.executed) == ["moms", "pops"]
    assert [done for _, done, _ in steps] == list(range(1, steps[-1][2] + 1))
    assert len(place.files()) == 9
    page = (place.out / "annual_report.html").read_text(encoding="utf-8")
    assert "90 were referred" in page
    assert "not in the report" not in page
    assert "For the notebook only" not in page

    before = {path: path.stat().st_mtime_ns for path in first.files}
    again = place.build(*pair)
    assert (again.executed, again.cached, again.unchanged) == ((), ("pops", "moms"), True)
    assert {path: path.stat().st_mtime_ns for path in again.files} == before
    assert again.numbers == first.numbers

    (place.out / "chapters" / "moms.pdf").write_bytes(b"spoilt")
    mended = place.build(*pair)
    assert (mended.executed, mended.unchanged) == ((), False)
    assert (place.out / "chapters" / "moms.pdf").read_bytes().startswith(b"%PDF")

    expected = place.root / "expected.json"
    write_expected(first.numbers, expected)
    assert compare_expected(again.numbers, expected) == []
    place.referred("95")
    files = place.files()
    changed = place.build(pair[0])
    assert compare_expected(changed.numbers, expected) == [
        "moms-flow is gone.",
        "moms-said is gone.",
        "pops-flow, row Referred, column Participants: 90 became 95.",
        "pops-said, row (text), column number 1: 90 became 95.",
    ]
    assert place.files()["annual_report.html"] != files["annual_report.html"]


def test_a_failed_or_interrupted_build_leaves_the_last_report(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    good = notebook(place.root, "pops")
    place.build(good)
    kept = place.files()
    bad = notebook(place.root, "moms", "def f():\n    raise ValueError('no such wave')\nf()")
    with pytest.raises(ReportError, match=r"moms\.ipynb failed in cell 4: ValueError: no such wave"):
        place.build(good, bad)
    assert place.files() == kept

    def interrupted(document: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "WRITERS", {**module.WRITERS, "docx": interrupted})
    with pytest.raises(KeyboardInterrupt):
        place.build(good, subtitle="Another")
    assert place.files() == kept


def test_a_build_that_would_show_a_small_count_leaves_the_last_report(place: Place) -> None:
    people = pd.DataFrame({"person_id": ["P0000001", "P0000002", "17"], "related_id": ["P0000003", "P0000002", None]})
    check = disclosure_check(SimpleNamespace(table=lambda name: people))
    book = notebook(place.root, "pops", SHOWN.replace('"Participants"', '"People"'))
    place.build(book, check=check)
    kept = place.files()
    for shown, problem in (
        ("4", "shows counts under the minimum"),
        ("P0000002", "holds an identifier"),
        ("P0000003", "holds an identifier"),
    ):
        place.referred(shown)
        with pytest.raises(DisclosureError, match=problem) as refused:
            place.build(book, check=check)
        assert "P000000" not in str(refused.value)
        assert place.files() == kept


def test_an_interruption_ends_the_kernels_at_once(place: Place) -> None:
    slow = notebook(place.root, "moms", "import time\ntime.sleep(300)")
    fast = notebook(place.root, "pops", "1")

    def stop(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.build(fast, slow, progress=stop, timeout=60)
    assert not place.out.exists()


def test_a_cell_that_takes_too_long_is_named(place: Place) -> None:
    slow = notebook(place.root, "slow", "import time\ntime.sleep(60)")
    with pytest.raises(ReportError, match="failed in cell 4: not finished after 1 seconds"):
        execute(slow, data_folder=place.data, timeout=1)


def test_a_notebook_without_parameters_is_refused(place: Place) -> None:
    path = place.root / "a.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), path)
    with pytest.raises(ReportError, match="has 0 cells tagged `parameters`, not 1"):
        execute(path, data_folder=place.data)


def test_committed_outputs_are_the_same_bytes_and_pass_nbval(place: Place) -> None:
    path = notebook(place.root, "pops", data="data")
    assert refresh(path)
    written = path.read_bytes()
    assert not refresh(path)
    assert path.read_bytes() == written
    assert str(place.root) not in written.decode("utf-8")
    read = nbformat.read(path, as_version=4)
    assert [cell.id for cell in read.cells] == ["cell-1", "cell-2", "cell-3", "cell-4"]
    assert nbformat.writes(normalise(read)) == nbformat.writes(read)
    assert [block["kind"] for block in blocks_of(read)] == ["text", "heading", "table", "statement"]
    read.cells.append(nbformat.v4.new_code_cell("1 + 1", id="spoilt"))
    read.cells[-1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "3"}, execution_count=3)]
    read.cells.append(nbformat.v4.new_code_cell("flow", id="spoilt-too"))
    table = json.loads(json.dumps(read.cells[3].outputs[1]).replace("90", "91"))
    read.cells[-1].outputs = [nbformat.from_dict(table)]
    nbformat.write(read, path)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "-q",
        "-p",
        "nbval.plugin",
        "-p",
        "no:cacheprovider",
        str(path),
    ]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run(command, capture_output=True, text=True, cwd=place.root, env=environment, check=False)
    assert "2 failed, 2 passed" in run.stdout
    assert "pops.ipynb::Cell 2" in run.stdout
    assert "pops.ipynb::Cell 3" in run.stdout


def test_a_file_beside_a_chapter_is_placed_with_it_and_made_again_where_it_is_gone(place: Place) -> None:
    code = SHOWN.replace("import Section, Statement, Table", "import Attachment, Section, Statement, Table").replace(
        "(flow, ",
        '(Attachment("NAME-items", "reporting", pd.DataFrame({"reported": ["See @NAME-flow."]})), flow, ',
    )
    pages = [notebook(place.root, "pops", code), notebook(place.root, "moms")]
    built = place.build(*pages)
    beside = place.out / "chapters" / "pops_reporting.csv"
    assert beside in built.files
    assert beside.read_bytes() == b"reported\r\nSee Table 1.1.\r\n"
    assert not (place.out / "chapters" / "moms_reporting.csv").exists()
    assert place.build(*pages).unchanged
    beside.unlink()
    assert not place.build(*pages).unchanged
    assert beside.is_file()
