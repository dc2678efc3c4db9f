"""A broken definition file is one clear message, in the template and in the check, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from impact.cli import run
from impact.errors import DefinitionError, InputError
from impact.records.returns.check import check_return
from impact.records.returns.template import write_template

GOOD = (Path(__file__).parents[3] / "impact/definitions/pops.toml").read_text(encoding="utf-8")
LAST = '[[instruments]]\nname = "x"\ntitle = "X"\nbetter = "lower"\nmade_by = "programme"\n'
SCALES = 'scales = [{ name = "a", title = "A" }]\n'


def _folder(tmp_path: Path, content: str | bytes) -> Path:
    folder = tmp_path / "definitions"
    folder.mkdir()
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "chess.toml").write_bytes(raw)
    return folder


def _return(tmp_path: Path) -> Path:
    path = tmp_path / "family.csv"
    path.write_text("person_id,related_id,relation\nP1,P2,parent\n")
    return path


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("title = ", "is not"),
        (b"\xff\xfet\x00i\x00", "UTF-8"),
        ("", "title"),
        (GOOD.replace('title = "Partners of Prisoners (POPs)"', "title = 3"), "title"),
        (GOOD.replace("age_low = 18", 'age_low = "ten"'), "age_low"),
        (GOOD.replace("age_low = 18", "age_low = 18\nage_high = 7"), "age_high"),
        (GOOD.replace("sex = []", 'sex = ["man"]'), "sex"),
        (GOOD.replace("[eligibility]", "[[eligibility]]"), "eligibility"),
        (GOOD.replace("[[interventions]]", "[interventions]", 1).split("[[interv")[0], "interventions"),
        (GOOD + LAST + "low = 0\nhigh = 3\n", "scales"),
        (GOOD + LAST + SCALES + 'low = "0"\nhigh = 3\n', "low"),
        (GOOD + LAST + SCALES, "low"),
        (GOOD + LAST + SCALES + "low = 3\nhigh = 3\n", "high"),
        (GOOD + LAST + SCALES.replace('"a"', '"a,b"') + "low = 0\nhigh = 3\n", "cannot stand in a list"),
        (GOOD.replace('title = "Partners of Prisoners (POPs)"', 'title = "Partners \\u0007"'), "title"),
        (GOOD.replace('title = "Partners of Prisoners (POPs)"', 'title = "=Partners"'), "title"),
        (GOOD.replace('name = "court_support"', 'name = "chess, draughts"'), "cannot stand in a list"),
        (GOOD.replace('name = "court_support"', "name = 'chess\"s'"), "cannot stand in a list"),
        (GOOD.replace('name = "court_support"', 'name = " chess"'), "cannot stand in a list"),
        (GOOD.replace('name = "court_support"', 'name = "=chess"'), "cannot stand in a list"),
    ],
)  # fmt: skip
def test_a_broken_definition_is_one_message(
    tmp_path: Path, content: str | bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = _folder(tmp_path, content), tmp_path / "a.xlsx"
    with pytest.raises(DefinitionError, match=told):
        write_template(out, "chess", definitions=folder)
    with pytest.raises(DefinitionError, match=told):
        check_return(_return(tmp_path), programme="chess", definitions=folder)
    assert run(["template", "chess", "--out", str(out), "--definitions", str(folder)]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.err.startswith("The definition file chess.toml ")
    assert "Traceback" not in said.err
    assert run(["check", str(_return(tmp_path)), "--programme", "chess", "--definitions", str(folder)]) == 2
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_a_good_one_serves(tmp_path: Path) -> None:
    folder = _folder(tmp_path, GOOD)
    write_template(tmp_path / "a.xlsx", "chess", definitions=folder)
    assert check_return(tmp_path / "a.xlsx", programme="chess", definitions=folder).ok


def test_no_definition_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no programme named 'chess'"):
        check_return(_return(tmp_path), programme="chess")
    with pytest.raises(InputError, match="not a folder"):
        check_return(_return(tmp_path), programme="pops", definitions=tmp_path / "none")
    folder = _folder(tmp_path, GOOD)
    (folder / "pops.toml").write_text(GOOD)
    with pytest.raises(InputError, match="defined both by the library and in definitions"):
        check_return(_return(tmp_path), programme="pops", definitions=folder)
