"""Executed notebooks kept as blocks, found again by everything that they depend on."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from impact.records.atomic import write_atomically
from impact.report.exhibits import Block
from impact.report.files import digest_bytes, digest_files, digest_folder
from impact.report.notebook import sources

FORMAT = 1
PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "linearmodels", "formulaic", "duckdb", "matplotlib", "ipykernel")


@dataclass(frozen=True)
class Cache:
    """A folder of executed notebooks.

    Parameters
    ----------
    folder : Path
        Made when the first entry is written.
    """

    folder: Path

    def load(self, key: str) -> tuple[list[Block] | None, str]:
        """The blocks kept under a key, or None; and a sentence where an entry is there but cannot be used."""
        path = self._path(key)
        if not path.exists():
            return None, ""
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            if entry["key"] != key or entry["digest"] != _digest(entry["blocks"]):
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError):
            return None, f"The cache entry {path.name} cannot be read and is made again."
        return entry["blocks"], ""

    def save(self, key: str, blocks: Sequence[Block]) -> None:
        """Keep blocks under a key."""
        entry = {"key": key, "digest": _digest(blocks), "blocks": list(blocks)}
        write_atomically(self._path(key), json.dumps(entry, ensure_ascii=False).encode("utf-8"))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key[:32]}.json"


def notebook_key(notebook: Path, *, data: str, code: str, definitions: Sequence[Path]) -> str:
    """What an executed notebook depends on, as one digest.

    Parameters
    ----------
    notebook : Path
        Its cells' sources count; its outputs do not.
    data : str
        Digest of the linked records (`digest_folder`).
    code : str
        Digest of the library (`code_digest`).
    definitions : sequence of Path
        The definition files that the notebook rests on.
    """
    parts = {
        "format": FORMAT,
        "data": data,
        "code": code,
        "cells": sources(notebook),
        "definitions": sorted((path.name, digest_bytes(path.read_bytes())) for path in definitions),
        "versions": versions(),
    }
    return digest_bytes(json.dumps(parts, sort_keys=True).encode("utf-8"))


def code_digest() -> str:
    """Digest of the library's own files; the definition files of programmes are left out, they count one by one."""
    root = Path(__file__).resolve().parents[1]
    skipped = {"__pycache__", "definitions"}
    files = (path for path in root.rglob("*") if path.is_file())
    return digest_files(root, (path for path in files if not skipped & set(path.relative_to(root).parts)))


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers rest on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def data_digest(data: Path) -> str:
    """Digest of the files of linked records, or of the one file that holds them all."""
    return digest_folder(data) if data.is_dir() else digest_bytes(data.read_bytes())


def _digest(blocks: Sequence[Block]) -> str:
    return digest_bytes(json.dumps(list(blocks), sort_keys=True).encode("utf-8"))
