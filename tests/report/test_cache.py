from __future__ import annotations

from pathlib import Path

import nbformat

from impact.report import cache as module
from impact.report.cache import Cache, code_digest, data_digest, notebook_key


def notebook(path: Path, source: str, output: str = "") -> Path:
    outputs = [nbformat.v4.new_output("stream", text=output)] if output else []
    cell = nbformat.v4.new_code_cell(source, outputs=outputs, id="cell-1")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_an_entry_comes_back_and_a_spoilt_one_is_said_and_not_used(tmp_path: Path) -> None:
    cache, blocks = Cache(tmp_path / "cache"), [{"kind": "text", "text": "é −3"}]
    assert cache.load("k") == (None, "")
    cache.save("k", blocks)
    assert cache.load("k") == (blocks, "")
    (entry,) = (tmp_path / "cache").iterdir()
    for spoilt in (entry.read_text(encoding="utf-8").replace("−3", "−4"), "{", "[]"):
        entry.write_text(spoilt, encoding="utf-8")
        found, note = cache.load("k")
        assert found is None
        assert "made again" in note


def test_the_key_follows_everything_a_notebook_depends_on(tmp_path: Path, monkeypatch: object) -> None:
    definition = tmp_path / "pops.toml"
    definition.write_text("a = 1")
    path = notebook(tmp_path / "a.ipynb", "1")

    def key(data: str = "d", code: str = "c") -> str:
        return notebook_key(path, data=data, code=code, definitions=[definition])

    first = key()
    notebook(path, "1", output="other outputs do not count")
    assert key() == first
    others = [key(data="e"), key(code="e")]
    notebook(path, "2")
    others.append(key())
    notebook(path, "1")
    definition.write_text("a = 2")
    others.append(key())
    definition.write_text("a = 1")
    versions = module.versions
    try:
        module.versions = lambda: {**versions(), "numpy": "0"}
        others.append(key())
    finally:
        module.versions = versions
    assert key() == first
    assert len({first, *others}) == 6


def test_digests_follow_names_and_contents_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "b.csv").write_text("1")
    first = data_digest(folder)
    (folder / ".hidden").write_text("x")
    assert data_digest(folder) == first
    (folder / "b.csv").rename(folder / "c.csv")
    assert data_digest(folder) != first
    assert code_digest() == code_digest()
