"""Digests of files: the same for the same names and contents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest_bytes(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_files(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 over names (below `root`) and contents, whatever order the files come in."""
    whole = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                content.update(piece)
        whole.update(f"{path.relative_to(root).as_posix()}\0{content.hexdigest()}\n".encode())
    return whole.hexdigest()


def digest_folder(folder: Path) -> str:
    """SHA-256 over every file below a folder that is not hidden, or of the file itself."""
    if folder.is_file():
        return digest_files(folder.parent, [folder])
    names = ((path, path.relative_to(folder).parts) for path in folder.rglob("*") if path.is_file())
    return digest_files(folder, (path for path, parts in names if not any(part.startswith(".") for part in parts)))
