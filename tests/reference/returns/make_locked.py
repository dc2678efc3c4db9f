"""A small return behind a password ("secret"), as Excel locks one: locked.xlsx, made with msoffcrypto-tool 6.1.0.

The package is no dependency of the project; the file holds no record of anybody. Run as ``python make_locked.py``.
"""

import io
from pathlib import Path

from openpyxl import Workbook


def main() -> None:
    """Write locked.xlsx beside this file."""
    from msoffcrypto.format.ooxml import OOXMLFile  # type: ignore[import-not-found]

    book = Workbook()
    book.active.title = "family"
    book.active.append(["person_id", "related_id", "relation"])
    book.active.append(["P1", "P2", "parent"])
    made = io.BytesIO()
    book.save(made)
    made.seek(0)
    with Path(__file__).with_name("locked.xlsx").open("wb") as file:
        OOXMLFile(made).encrypt("secret", file)


if __name__ == "__main__":
    main()
