"""A secret key, which comes from a file or an environment variable and never shows itself."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from impact.errors import InputError

ENVIRONMENT = "env:"
SHORTEST, FEWEST_DISTINCT = 16, 8
"""Bytes, and different bytes, that a key must have: a choice of this library, against words and repeated letters."""


class Key:
    """A key from which one further key is made for each purpose, so that no output can be carried over to another.

    Parameters
    ----------
    where : str or path
        ``"env:NAME"`` for an environment variable, otherwise a file. Spaces and line ends around the key do not count.

    Raises
    ------
    InputError
        Where nothing is there, or what is there is too short or too plain to be a key. Neither the key nor what was
        given in its place is ever repeated: it might be the key itself.
    """

    __slots__ = ("_root",)

    def __init__(self, where: str | os.PathLike[str]) -> None:
        if not isinstance(where, str | os.PathLike):
            raise InputError("key must be the path of a file, or 'env:NAME' for an environment variable.")
        raw = _raw(where)
        if len(raw) < SHORTEST or len(set(raw)) < FEWEST_DISTINCT:
            raise InputError(
                f"The key is too short or too plain: give at least {SHORTEST} random characters, such as the output of "
                "python -c 'import secrets; print(secrets.token_hex(32))', kept in a file that only you can read."
            )
        self._root = hashlib.blake2b(raw, person=b"impact key 1").digest()

    def digest(self, purpose: str, text: str, size: int) -> bytes:
        """The keyed BLAKE2b of a text, for one purpose."""
        person = hashlib.blake2b(purpose.encode(), digest_size=16).digest()
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), key=self._root, person=person, digest_size=size
        ).digest()

    def __repr__(self) -> str:
        return "Key(hidden)"

    def __reduce__(self) -> str:
        raise InputError("A key is never written: give the place of the key instead.")


def _raw(where: str | os.PathLike[str]) -> bytes:
    if isinstance(where, str) and where.startswith(ENVIRONMENT):
        held = os.environ.get(where.removeprefix(ENVIRONMENT))
        if held is None:
            raise InputError("The environment variable named as key is not set.")
        return held.strip().encode()
    try:
        return Path(where).read_bytes().strip()
    except (OSError, ValueError):
        raise InputError(
            "The file given as key cannot be read. A key is given by the path of a file or by 'env:NAME', "
            "never as the secret itself, which would stay in the history of what was typed."
        ) from None
