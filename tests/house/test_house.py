"""The house stands as it was drawn: imports run downward, files stay small, only the public names go out."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from inspect import ismodule
from pathlib import Path

FLOORS = (
    ("errors",),
    ("codes",),
    ("fields",),
    ("results",),
    ("design",),
    ("frames",),
    ("figures",),
    ("synthetic", "records"),
    ("cohort",),
    ("distance", "survival", "comparison"),
    ("system",),
    ("evidence",),
    ("report",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
LONGEST = 400


def _room(path: Path, package: Path) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def _imported_rooms(path: Path, package: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            parts = (node.module or "").split(".")
            if parts == ["impact"]:
                rooms.update(alias.name for alias in node.names)
            elif parts[0] == "impact":
                rooms.add(parts[1])
        elif isinstance(node, ast.Import):
            rooms.update(alias.name.split(".")[1] for alias in node.names if alias.name.startswith("impact."))
    return rooms


def _files(root: Path) -> list[Path]:
    return sorted((root / "impact").rglob("*.py"))


def test_imports_run_downward(root: Path) -> None:
    package = root / "impact"
    upward = []
    for path in _files(root):
        here = _room(path, package)
        if here == "__init__":
            continue
        for room in sorted(_imported_rooms(path, package)):
            beside = room != here and LEVEL.get(room, 99) == LEVEL[here] and (here, room) != ("synthetic", "records")
            if LEVEL.get(room, 99) > LEVEL[here] or beside:
                upward.append(f"{path.relative_to(root)} imports {room}")
    assert upward == []


def test_files_stay_small(root: Path) -> None:
    long = {
        str(path.relative_to(root)): lines
        for path in _files(root)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}


def test_room_doors_only_hand_names_on(root: Path) -> None:
    for path in (root / "impact").glob("*/__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        kinds = {type(node).__name__ for node in body}
        assert kinds <= {"Expr", "Import", "ImportFrom", "Assign"}, f"{path.relative_to(root)} does more than hand on"


def test_import_is_light_and_leaves_the_extras_alone() -> None:
    code = "import json, sys; import impact; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    loaded = set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))
    extras = {"typer", "rich", "nbclient", "nbformat", "IPython", "pypandoc", "typst", "jupyterlab"}
    assert loaded & extras == set()


def test_public_names_are_there_and_nothing_else() -> None:
    import impact

    assert sorted(impact.__all__) == sorted(set(impact.__all__))
    assert all(hasattr(impact, name) for name in impact.__all__)
    public = {name for name, value in vars(impact).items() if not name.startswith("_") and not ismodule(value)}
    assert public <= set(impact.__all__), f"not declared: {sorted(public - set(impact.__all__))}"
